"""Damaged files and disks that take no more: what a night, the doctor and the summary say, and what makes it whole."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from dagster import DagsterInstance

from touchstone.__main__ import main
from touchstone.alerts import reasons_of
from touchstone.backup import back_up
from touchstone.damage import is_whole
from touchstone.definitions import definitions_of
from touchstone.settings import PROJECT, Settings, SettingsMistake

from .commands import run, user_folder
from .conftest import TestHome
from .test_runs import Renewed, fill, marts, more, published
from .test_ses_landing import event

Rows = dict[str, list[tuple[object, ...]]]


def of_two_systems(home: Path) -> None:
    fill(home)
    folder = home / "inbox" / "ses" / "events"
    folder.mkdir(parents=True, exist_ok=True)
    TestHome.write(folder / "a.json.gz", [event("Send", f"m{number}") for number in range(20)])


@pytest.fixture(scope="module")
def renewed(session_home: TestHome, tmp_path_factory: pytest.TempPathFactory) -> Renewed:
    return Renewed(session_home, tmp_path_factory.mktemp("damage"), of_two_systems)


@pytest.fixture
def home(renewed: Renewed) -> Path:
    """A home whose first night is published."""
    return renewed.published()


@pytest.fixture(scope="module")
def undisturbed(renewed: Renewed) -> Rows:
    """The marts after a second night that nothing disturbs."""
    home = renewed.published()
    more(home)
    code, output = run(home)
    assert code == 0, output
    return marts(home)


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    capsys.readouterr()
    code = main([*arguments])
    output = capsys.readouterr()
    return code, output.out + output.err


def halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def overwrite(path: Path) -> None:
    path.write_bytes(b"\1" * path.stat().st_size)


LOST_NOTHING = "No record and no number is lost"
# Of each damage: the file, what becomes of it, what is lost, the command.
DAMAGES = [
    ("lake/ledger.duckdb", Path.unlink, "No record is lost", "make rebuild,"),
    ("lake/ledger.duckdb", halve, "No record is lost", "make rebuild,"),
    ("lake/ledger.duckdb", overwrite, "No record is lost", "make rebuild,"),
    ("warehouse/internal.duckdb", halve, LOST_NOTHING, "make rebuild,"),
    ("warehouse/touchstone.duckdb", overwrite, LOST_NOTHING, "make rebuild,"),
    ("published/touchstone.duckdb", halve, LOST_NOTHING, "make rollback,"),
    ("published/touchstone.duckdb", Path.unlink, LOST_NOTHING, "make rollback,"),
    ("published/parquet/mailgun_metrics_daily/*.parquet", Path.unlink, LOST_NOTHING, "make rebuild,"),
    ("dagster/history/runs/index.db", halve, LOST_NOTHING, "make rebuild HISTORY=1"),
    ("dagster/history/runs.db", overwrite, LOST_NOTHING, "make rebuild HISTORY=1"),
]


@pytest.mark.parametrize(("pattern", "damage", "lost", "command"), DAMAGES)
def test_every_command_says_what_is_damaged_what_is_lost_and_what_to_do(
    home: Path,
    pattern: str,
    damage: Callable[[Path], None],
    lost: str,
    command: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = next(home.glob(pattern)).resolve()
    damage(path)
    for name in ("nightly", "summary", "doctor"):
        code, output = said(capsys, name)
        assert code == 1
        assert f"{path} is {'damaged' if path.exists() else 'gone'}. {lost}" in output, output
        assert command in output
        assert "Traceback" not in output


def test_a_damaged_page_within_a_file_is_found_when_it_is_read(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledger = home / "lake" / "ledger.duckdb"
    with ledger.open("r+b") as file:
        file.seek(3 * 4096)
        file.write(b"\1" * (ledger.stat().st_size - 4 * 4096))
    assert not is_whole(ledger, read_all=True)
    code, output = said(capsys, "nightly")
    assert code == 1
    assert f"error: {ledger} is damaged. No record is lost" in output


def test_a_run_of_dagsters_fails_with_the_same_words(home: Path) -> None:
    halve(home / "warehouse" / "internal.duckdb")
    definitions = definitions_of(Settings(home=home))
    with DagsterInstance.ephemeral() as instance:
        nightly = definitions.resolve_job_def("nightly").execute_in_process(instance=instance, raise_on_error=False)
    assert not nightly.success
    (reason,) = reasons_of([nightly.get_run_failure_event()]).values()
    assert reason == (
        f"{home}/warehouse/internal.duckdb is damaged. No record and no number is lost. "
        "Run make rebuild, which builds the warehouse from the lake"
    )


def test_a_damaged_lake_holds_back_its_system_alone_until_it_is_restored(
    renewed: Renewed, home: Path, undisturbed: Rows, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more(home)
    (home / "inbox" / "ses" / "events" / "b.json").write_text("")
    backup = back_up(Settings(home=home), str(tmp_path)).place
    (file,) = (home / "lake" / "ses" / "events").glob("0*.parquet")
    halve(file)
    code, output = run(home)
    assert code == 2, output
    assert f"the landing of ses/events failed: {file} is damaged. Records of ses/events are lost, unless" in output
    assert "Traceback" not in output
    assert "Stack Trace" not in output
    assert dict(published(home, "select system, status from run")) == {"mailgun": "current", "ses": "held back"}
    assert published(home, "select sum(send_count) from ses_metrics_daily") == [(20,)], "readers keep its numbers"
    code, output = said(capsys, "doctor")
    assert code == 1
    assert f"wrong  ses/events: {file} is damaged" in output
    assert output.count(str(file)) == 2, "and why the system is held back"

    assert said(capsys, "restore", backup)[0] == 0
    assert said(capsys, "doctor")[0] == 0
    code, output = run(home)
    assert code == 0, output
    assert "has no warehouse: building it in full from the lake" in output
    assert marts(home) == undisturbed


def test_rebuild_makes_again_what_is_damaged(home: Path, undisturbed: Rows, capsys: pytest.CaptureFixture[str]) -> None:
    """Ledger, warehouse, release and history at once, between two nights."""
    more(home)
    release = (home / "published").resolve()
    halve(release / "touchstone.duckdb")
    (home / "lake" / "ledger.duckdb").unlink()
    overwrite(home / "warehouse" / "internal.duckdb")
    overwrite(home / "dagster" / "history" / "runs" / "index.db")
    code, output = said(capsys, "rebuild")
    assert code == 0, output
    assert "The ledger is made again from the lake" in output
    assert f"The release {release.name} was damaged and is removed: there is no other" in output
    assert not release.exists()
    assert "Dagster's history begins again" in said(capsys, "rebuild", "--history")[1]
    assert "Dagster's history is whole" in said(capsys, "rebuild", "--history")[1]
    code, output = run(home)
    assert code == 0, output
    assert marts(home) == undisturbed
    assert said(capsys, "doctor")[0] == 0


def can_mount() -> bool:
    return shutil.which("unshare") is not None and not subprocess.run(["unshare", "-Urm", "true"]).returncode


def run_with_disk(home: Path, mount: str) -> tuple[int, str]:
    """A night for which alone a disk is mounted so."""
    done = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", f'{mount} && exec "$0" -m touchstone nightly', sys.executable],
        cwd=PROJECT,
        env={**os.environ, "HOME": str(user_folder(home)), "TOUCHSTONE_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    return done.returncode, done.stdout


mounting = pytest.mark.skipif(not can_mount(), reason="unshare can't mount here")


@mounting
def test_a_home_that_is_read_only_is_named(home: Path) -> None:
    mount = f"mount --bind {home} {home} && mount -o remount,bind,ro {home}"
    said = f"TOUCHSTONE_HOME: {home}/inbox can't be written: its disk is mounted read-only; mount it for writing"
    assert run_with_disk(home, mount) == (1, f"error: {said}\n")


# A disk for a folder of the home, which is full while files are staged, or while a release is written.
DISKS = ["tmp", pytest.param("releases", marks=pytest.mark.full)]


@mounting
@pytest.mark.parametrize("name", DISKS)
def test_a_full_disk_is_named_and_the_next_night_is_right(
    home: Path, undisturbed: Rows, tmp_path: Path, name: str
) -> None:
    before = marts(home)
    more(home)
    folder, copy = home / name, tmp_path / name
    shutil.copytree(folder, copy)
    size = sum(path.stat().st_size for path in copy.rglob("*")) // 1024 + (512 if name == "releases" else 16)
    code, output = run_with_disk(home, f"mount -t tmpfs -o size={size}k tmpfs {folder} && cp -a {copy}/. {folder}")
    assert code == 1, output
    assert f"error: the disk of {folder}" in output
    assert " is full: 0 MiB free. Readers see the release before. Make room" in output
    assert "Traceback" not in output
    assert "Stack Trace" not in output
    assert marts(home) == before
    assert run(home)[0] == 0
    assert marts(home) == undisturbed


def test_a_home_of_somebody_else_is_named() -> None:
    """A child process gives up root's rights, if it has them."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        child = os.fork()
        if not child:
            os.setuid(os.getuid() or 65534)
            try:
                Settings(home=Path(folder)).make_directories()
            except SettingsMistake as mistake:
                os._exit(7 if str(mistake).endswith("can't be written; name one that you may write to") else 1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        Path(folder).chmod(0o755)
    assert os.waitstatus_to_exitcode(status) == 7
