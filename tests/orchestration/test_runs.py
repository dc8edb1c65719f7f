"""Whole runs, as `make nightly` does them: killed, failed, at the same time, read from, rolled back."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.settings import PROJECT, Settings

from .conftest import TestHome
from .events import some_events

# What a ledger has to be the same in, whatever happened on the way.
_LEDGER = {
    "files": "select source, content_hash, path, bytes, records, accepted, duplicates, quarantined, ignored from files",
    "quarantine": "select source, content_hash, path, byte_offset, line, text, reason from quarantine",
    "ignored": "select source, content_hash, kind, records from ignored",
}


def start(home: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "orchestration", *(arguments or ("nightly",))],
        cwd=PROJECT,
        env={**os.environ, "TOUCHSTONE_HOME": str(home), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def run(home: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    process = start(home, *arguments, **environment)
    output, _ = process.communicate(timeout=300)
    return process.returncode, output


def fill(home: Path, seed: int = 3, count: int = 600, files: int = 6, prefix: str = "") -> None:
    records = some_events(seed, count)
    for number in range(files):
        path = home / "inbox" / "mailgun" / "events" / f"{prefix}{number}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        TestHome.write(path, records[number::files])
    (path.parent / f"{prefix}bad.json").write_bytes(b'{"event": "opened"\n{"event": "trapped"}\n')


def published(home: Path, sql: str) -> list[tuple[Any, ...]]:
    file = (home / "published").resolve() / "touchstone.duckdb"
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def marts(home: Path) -> dict[str, list[tuple[Any, ...]]]:
    names = published(home, "select table_name from information_schema.columns where table_schema = 'main' "
                            "and column_name = 'period_start' order by 1")  # fmt: skip
    return {name: published(home, f"select * from {name} order by all") for (name,) in names}


def ledger(home: Path) -> dict[str, list[tuple[Any, ...]]]:
    with duckdb.connect(str(home / "lake" / "ledger.duckdb"), read_only=True) as connection:
        return {name: connection.execute(f"{sql} order by all").fetchall() for name, sql in _LEDGER.items()}


@pytest.fixture
def fresh(tmp_path: Path, session_home: TestHome) -> Iterator[Path]:
    yield tmp_path / "home"
    os.environ["TOUCHSTONE_HOME"] = str(session_home.settings.home)


def check_kills(tmp_path: Path, kills: int) -> None:
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    for home in (undisturbed, killed):
        fill(home)
    began = time.monotonic()
    assert run(undisturbed)[0] == 0
    took = time.monotonic() - began
    chance = random.Random(1)
    # small batches, so that a kill may fall between two of them
    for number in range(kills):
        process = start(killed, TOUCHSTONE_BATCH_BYTES="20000")
        time.sleep(chance.uniform(0.2, 0.95) * took if number else 0.45 * took)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert run(killed)[0] == 0
    assert marts(killed) == marts(undisturbed)
    assert ledger(killed) == ledger(undisturbed)
    assert not list(killed.glob("lake/*/*/*.unfinished"))


def test_a_killed_run_is_made_good_by_the_next(tmp_path: Path) -> None:
    check_kills(tmp_path, kills=2)


@pytest.mark.full
def test_ten_killed_runs_are_made_good_by_the_next(tmp_path: Path) -> None:
    check_kills(tmp_path, kills=10)


def test_readers_see_whole_runs_and_no_error(fresh: Path) -> None:
    fill(fresh)
    assert run(fresh)[0] == 0
    seen: set[tuple[Any, ...]] = set()
    errors: list[Exception] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            try:
                seen.update(
                    published(
                        fresh,
                        "select (select run_id from run), (select sum(opened_count) from mailgun_metrics_daily), "
                        "(select sum(opened_count) from mailgun_metrics_hourly), "
                        "(select sum(opened_count) from mailgun_metrics_monthly)",
                    )
                )
            except Exception as error:
                errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    fill(fresh, seed=4, prefix="second")
    code, output = run(fresh)
    done.set()
    reader.join()
    assert code == 0, output
    assert errors == []
    assert len(seen) == 2
    assert all(daily == hourly == monthly for _, daily, hourly, monthly in seen)


def test_a_failed_build_leaves_what_is_published(fresh: Path) -> None:
    fill(fresh)
    assert run(fresh)[0] == 0
    before = (fresh / "published").resolve(), marts(fresh)
    fill(fresh, seed=4, prefix="second")
    # a table in the way of the first model
    with duckdb.connect(str(fresh / "warehouse" / "facts.duckdb")) as connection:
        connection.execute("drop view staging.stg_mailgun__events")
        connection.execute("alter table intermediate.int_mailgun__events drop column tags")
    code, output = run(fresh)
    assert code == 1
    assert "The run failed" in output
    assert ((fresh / "published").resolve(), marts(fresh)) == before
    # nothing is published by hand either, as long as the last build has failed
    assert "succeeded" not in str(run(fresh, "rollback"))


def test_only_what_is_new_is_built_and_published(fresh: Path) -> None:
    fill(fresh)
    assert run(fresh)[0] == 0
    release = (fresh / "published").resolve()
    code, output = run(fresh)
    assert code == 0
    assert "nothing new to build" in output
    assert (fresh / "published").resolve() == release
    assert run(fresh, "rollback")[0] == 1, "there is nothing to go back to"
    fill(fresh, seed=4, prefix="second")
    assert run(fresh)[0] == 0
    months = sorted((fresh / "published" / "parquet" / "mailgun_metrics_daily").glob("*.parquet"))
    with duckdb.connect() as connection:
        rows = connection.execute(f"select * from read_parquet({[str(m) for m in months]!r}) order by all").fetchall()
    assert rows == marts(fresh)["mailgun_metrics_daily"]
    assert run(fresh, "rollback")[0] == 0
    assert (fresh / "published").resolve() == release


def test_two_runs_never_write_at_the_same_time(fresh: Path) -> None:
    fill(fresh)
    first = start(fresh)
    time.sleep(0.5)
    second = start(fresh)
    outputs = [process.communicate(timeout=300)[0] for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), outputs
    assert run(fresh, "summary")[0] == 0
    with duckdb.connect(str(fresh / "run.check")) as connection:  # the home is free again
        connection.execute("select 1")


def test_a_run_that_may_not_wait_says_who_holds_the_home(fresh: Path) -> None:
    from orchestration.home import HomeInUse, exclusive

    settings = Settings(home=fresh, lock_wait_seconds=0)
    with exclusive(settings), pytest.raises(HomeInUse, match=f"process {os.getpid()}"), exclusive(settings):
        pass


def test_strict_tells_of_what_was_kept_aside(fresh: Path) -> None:
    fill(fresh)
    assert run(fresh, "nightly", "--strict")[0] == 3
    assert run(fresh, "nightly", "--strict")[0] == 0


def test_a_long_history_is_built_in_passes(tmp_path: Path) -> None:
    at_once, in_passes = tmp_path / "once", tmp_path / "passes"
    for home in (at_once, in_passes):
        fill(home)
    assert run(at_once)[0] == 0
    code, output = run(in_passes, TOUCHSTONE_BATCH_BYTES="20000", TOUCHSTONE_PASS_RECORDS="400")
    assert code == 0, output
    assert "pass 1 of 2" in output
    assert marts(in_passes) == marts(at_once)
