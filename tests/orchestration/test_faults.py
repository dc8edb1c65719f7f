"""Faults at random points of a night: the next one is right, and readers see whole releases all the time.

What is tried in `make test` is small; docs/reliability.md has the figures of `make test-full`.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from dagster import AssetKey, DagsterInstance, materialize

from touchstone.assets.landing import landing_assets
from touchstone.manifest import project
from touchstone.resources import Home
from touchstone.settings import PROJECT

from .commands import run, start
from .conftest import KEPT, TestHome
from .servers import until
from .test_deploy import running
from .test_runs import (  # noqa: F401
    Night,
    Reader,
    Renewed,
    State,
    ledger,
    marts,
    more,
    renewed,
    state,
    undisturbed,
)

# A fault may fall between two batches.
_SMALL_BATCHES = "50000"
# Within it a night has ended after a signal, on a machine that does much else.
_ENDED_SECONDS = 20


@dataclass(frozen=True)
class Trial:
    """A home before its second night, the marts of its first, and what the second makes of it undisturbed."""

    renewed: Renewed
    before: Path
    first: object
    expected: State
    seconds: float
    bytes: int

    def home(self) -> Path:
        return self.renewed.restore(self.before)


def size(folder: Path) -> int:
    """Bytes on a disk of blocks of 4 KiB, without what is kept of a home anyway."""
    files = (path for path in folder.rglob("*") if path.relative_to(folder).parts[0] not in KEPT)
    return sum(-(-path.stat().st_size // 4096) * 4096 for path in files if path.is_file() and not path.is_symlink())


@pytest.fixture(scope="module")
def small(renewed: Renewed, undisturbed: Night, tmp_path_factory: pytest.TempPathFactory) -> Trial:  # noqa: F811
    """A few files of Mailgun."""
    home = renewed.published()
    first = marts(home)
    more(home)
    before = tmp_path_factory.mktemp("small") / "home"
    renewed.keep(before)
    grown = size(undisturbed.home) - size(home)
    return Trial(renewed, before, first, undisturbed.state, undisturbed.seconds, grown)


@pytest.fixture(scope="module")
def large(session_home: TestHome, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """The sample of all systems: eight days in the first night, and two in the second."""
    folder = tmp_path_factory.mktemp("large")
    sample = folder / "sample"
    command = [sys.executable, "-m", "touchstone.sample", str(sample), "--days=10", "--events=1500"]
    subprocess.run(command, cwd=PROJECT, check=True)
    files = [path for path in sample.rglob("*") if path.is_file()]
    dates = sorted({day(path) for path in files})

    def fill(home: Path, chosen: Callable[[str], bool]) -> None:
        for path in files:
            if chosen(day(path)):
                target = home / "inbox" / path.relative_to(sample)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, target)

    nights = Renewed(session_home, folder, lambda home: fill(home, lambda each: each < dates[-2]))
    home, first = nights.path, marts(nights.path)
    fill(home, lambda each: each >= dates[-2])
    before = folder / "before"
    nights.keep(before)
    used = size(home)
    began = time.monotonic()
    code, output = run(home)
    assert code == 0, output
    return Trial(nights, before, first, state(home), time.monotonic() - began, size(home) - used)


def day(path: Path) -> str:
    """The date in the path of a sample's file."""
    return "-".join(path.parts[-4:-1])


def complete(trial: Trial, home: Path) -> None:
    """The next night is right."""
    code, output = run(home)
    assert code == 0, output
    assert state(home) == trial.expected
    check_whole(home)


def check_whole(home: Path) -> None:
    """The ledger adds up, the lake has the records that it says, and nothing unfinished is left."""
    with duckdb.connect(str(home / "lake" / "ledger.duckdb"), read_only=True) as ledger:
        query = "select count(*) from files where records <> accepted + duplicates + quarantined + ignored"
        assert ledger.execute(query).fetchall() == [(0,)]
        rows = ledger.execute("select path, sum(rows)::bigint from lake_files group by all order by all").fetchall()
        lake = home / "lake"
        paths = [path for path in lake.rglob("*.parquet") if path.name != "schema.parquet"]
        files = {str(path.relative_to(lake)): str(path) for path in paths}
        assert sorted(files) == [path for path, _ in rows]
        ((landed,),) = ledger.execute("select count(*) from read_parquet(?)", [[*files.values()]]).fetchall()
        assert landed == sum(records for _, records in rows)
    assert {*runs(home).values()} <= {"SUCCESS", "FAILURE"}
    left = ("lake/**/*.unfinished", "releases/.*", "tmp/*", "run.holder")
    assert [path for pattern in left for path in home.glob(pattern)] == []


def ended(trial: Trial, home: Path, number: signal.Signals, chance: random.Random) -> bool:
    """Start a night as a background job, send it a signal somewhere, and say whether that came before its end."""
    night = start(home, in_background=True, TOUCHSTONE_BATCH_BYTES=_SMALL_BATCHES)
    next(line for line in night.stdout if "starting" in line)
    with Reader(home) as reader:
        time.sleep(trial.seconds * chance.uniform(0, 1))
        sent, was_running = time.monotonic(), night.poll() is None
        if was_running:
            os.killpg(night.pid, number)
        output, _ = night.communicate(timeout=60)
    reader.check()
    if was_running and number == signal.SIGTERM and night.returncode != 0:
        assert time.monotonic() - sent < _ENDED_SECONDS
        assert night.returncode == 143, output
        assert "error: ended by SIGTERM; what it has not finished, the next run completes" in output
        assert "Traceback" not in output
    return was_running and night.returncode != 0


def check_signals(trial: Trial, row: Sequence[signal.Signals], rows: int) -> None:
    """Nights in a row that get a signal each, and then one that is right; so many rows."""
    chance = random.Random(len(row) * rows)
    for number in range(rows):
        home = trial.home()
        for each in row:
            while not ended(trial, home, each, chance):
                complete(trial, home)
                home = trial.home()
        with Reader(home) as reader:
            complete(trial, home)
        reader.check()
        print(f"{(number + 1) * len(row)} signals, {row[-1].name}: right", flush=True)


def test_after_signals_the_next_night_is_right(small: Trial) -> None:
    check_signals(small, [signal.SIGKILL] * 2 + [signal.SIGTERM], rows=1)


@pytest.mark.full
def test_after_a_hundred_kills_each_night_is_right(large: Trial) -> None:
    check_signals(large, [signal.SIGKILL] * 4, rows=25)


@pytest.mark.full
def test_after_twenty_sigterms_each_night_is_right(large: Trial) -> None:
    check_signals(large, [signal.SIGTERM] * 4, rows=5)


@contextmanager
def disk_of(home: Path, free: int) -> Iterator[Callable[[], None]]:
    """The home on a disk that has so many bytes left, and a function that makes it large."""
    aside = home.with_name("aside")
    shutil.copytree(home, aside, symlinks=True, ignore=shutil.ignore_patterns("skeleton"))
    blocks = sum(1 for _ in aside.rglob("*")) * 4096 + sum(p.lstat().st_size for p in aside.rglob("*"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={2 * blocks}", "tmpfs", str(home)]
    mounted = subprocess.run(mount, capture_output=True, text=True)
    if mounted.returncode:
        shutil.rmtree(aside)
        pytest.skip(f"a disk of a limited size needs root: {mounted.stderr.strip()}")

    def resize(size: int) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", str(home)], check=True)

    try:
        shutil.copytree(aside, home, symlinks=True, dirs_exist_ok=True)
        usage = shutil.disk_usage(home)
        resize(usage.used + free)
        yield lambda: resize(2**32)
    finally:
        subprocess.run(["umount", "-l", str(home)], check=True)
        shutil.rmtree(aside)


def check_full_disks(trial: Trial, times: int) -> None:
    chance = random.Random(times)
    for number in range(times):
        home = trial.home()
        with disk_of(home, int(trial.bytes * chance.uniform(0.02, 0.95))) as free_space:
            with Reader(home) as reader:
                code, output = run(home)
                assert code in (1, 2), output
                free_space()
                complete(trial, home)
            reader.check()
        print(f"{number + 1} of {times} full disks: right", flush=True)


def test_after_a_full_disk_the_next_night_is_right(small: Trial) -> None:
    check_full_disks(small, 1)


@pytest.mark.full
def test_after_ten_full_disks_each_night_is_right(large: Trial) -> None:
    check_full_disks(large, 10)


def test_two_nights_at_once_and_a_rollback_take_turns(small: Trial) -> None:
    home = small.home()
    with Reader(home) as reader:
        nights = [start(home), start(home)]
        until(lambda: bool([*home.glob("releases/.*")]) or any(night.poll() is not None for night in nights))
        code, output = run(home, "rollback")
        outputs = [night.communicate(timeout=300)[0] for night in nights]
    reader.check()
    assert [code, *(night.returncode for night in nights)] == [0, 0, 0], (output, outputs)
    assert sum("nothing new to build" in each for each in outputs) == 1
    assert marts(home) == small.first, "until something new is built"
    assert ledger(home) == small.expected[1]
    (home / "published").unlink()
    (home / "published").symlink_to(max(home.glob("releases/*")))
    assert state(home) == small.expected
    check_whole(home)


def runs(home: Path) -> dict[str, str]:
    """The status of each run in Dagster's history."""
    with sqlite3.connect(home / "dagster" / "history" / "runs.db") as history:
        return dict(history.execute("select run_id, status from runs"))


@pytest.mark.full
def test_a_night_beside_the_daemon_is_right(small: Trial, tmp_path: Path) -> None:
    """Also after one that was killed, whose run in Dagster's history has no end."""
    home = small.home()
    assert ended(small, home, signal.SIGKILL, random.Random(4))
    before = runs(home)
    launch = ["-m", "dagster", "job", "launch", "-j", "nightly", "-m", "touchstone.definitions"]
    environment = {**os.environ, "TOUCHSTONE_HOME": str(home), "DAGSTER_HOME": str(home / "dagster")}
    with running([sys.executable, "-m", "touchstone", "daemon"], environment=environment, log=tmp_path / "log"):
        with Reader(home) as reader:
            night = start(home)
            subprocess.run([sys.executable, *launch], cwd=PROJECT, env=environment, check=True, capture_output=True)
            output, _ = night.communicate(timeout=300)
            assert night.returncode == 0, output
            until(lambda: all(runs(home)[run] in ("SUCCESS", "FAILURE") for run in runs(home).keys() - before.keys()))
        reader.check()
    assert {status for run, status in runs(home).items() if run not in before} == {"SUCCESS"}
    complete(small, home)


def test_a_signal_that_duckdb_swallows_ends_the_run(home: TestHome, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not taken for a failure of the landing, which would hold its system back."""

    def swallowed(*_: object) -> None:
        raise RuntimeError("Query interrupted")

    monkeypatch.setattr("touchstone.assets.landing.land", swallowed)
    assets = landing_assets(project(home.settings))
    landing = [asset for asset in assets if AssetKey(["mailgun", "events"]) in asset.keys]
    with DagsterInstance.ephemeral() as instance, pytest.raises(KeyboardInterrupt):
        materialize(landing, instance=instance, resources={"home": Home()})
