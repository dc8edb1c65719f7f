"""Backups that share what is the same, restores that verify first, rebuilds after which nothing is lost or twice."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

from touchstone.backup import BackupFailed, back_up, restore
from touchstone.damage import Damaged, LakeDamaged
from touchstone.home import HomeInUse, exclusive
from touchstone.landing.inbox import filesystem_of
from touchstone.landing.retract import retract_file
from touchstone.migrations import migrate
from touchstone.rebuild import CannotRebuild, rebuild_from_inbox, rebuild_from_lake

from .conftest import TestHome
from .test_retract import SOURCE, event, facts, land_one, lines

Rows = list[tuple[Any, ...]]


@pytest.fixture
def landed(home: TestHome) -> TestHome:
    """Two loads: b.json repeats a record of a.json and corrects another; one record is quarantined."""
    migrate(home.settings)
    home.put(SOURCE, "a.json", lines(*(event(n) for n in range(5)), {"event": "opened"}))
    land_one(home)
    home.put(SOURCE, "b.json", lines(event(0), event(1, recipient="x@y.z"), *(event(n) for n in range(5, 9))))
    land_one(home)
    return home


def hours(home: TestHome) -> Rows:
    return home.ledger_rows("select source, hour, records, newest_at from record_hours order by all")


def counts(home: TestHome) -> Rows:
    return home.ledger_rows(
        "select path, records, accepted, duplicates, quarantined, ignored from files "
        "where not starts_with(content_hash, 'rebuilt-') order by all"
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def release(home: TestHome, name: str) -> Path:
    """A release of one file, which readers see."""
    folder = home.settings.releases / name
    folder.mkdir()
    with duckdb.connect(str(folder / "touchstone.duckdb")) as connection:
        connection.execute("create table run as select 40 as build")
    home.settings.published.unlink(missing_ok=True)
    home.settings.published.symlink_to(Path("releases") / name)
    return folder


def retract_b(home: TestHome) -> None:
    with home.ledger() as ledger:
        retract_file(ledger, home.settings, home.streams.values(), f"{SOURCE}/b.json", "a test")


def test_a_backup_copies_what_is_new(landed: TestHome, tmp_path: Path) -> None:
    first = back_up(landed.settings, str(tmp_path))
    assert (first.copied_files, first.copied_bytes) == (first.files, first.bytes)
    landed.put(SOURCE, "c.json", lines(event(20)))
    land_one(landed)
    second = back_up(landed.settings, str(tmp_path))
    changed = {"inbox/mailgun/events/c.json", "lake/ledger.duckdb"}
    copied = {
        name
        for name in contents(Path(second.place))
        if not (Path(first.place) / name).exists() or not (Path(second.place) / name).samefile(Path(first.place) / name)
    } - {"backup.json"}
    assert changed < copied
    assert second.copied_files == len(copied) == 3, "and a file of the lake"
    shutil.rmtree(first.place)
    assert restore(landed.settings, str(tmp_path)).files == second.files, "a backup needs no other"


def test_a_backup_in_an_object_store_is_restored(landed: TestHome) -> None:
    expected = facts(landed)
    filesystem, root = filesystem_of("memory://backups")
    back_up(landed.settings, "memory://backups")
    again = back_up(landed.settings, "memory://backups")
    assert again.copied_files < again.files
    shutil.rmtree(landed.settings.lake)
    restored = restore(landed.settings, "memory://backups")
    assert (restored.files, facts(landed)) == (again.files, expected)
    filesystem.rm(root, recursive=True)


def test_a_backup_is_private_and_has_what_cannot_be_made_again(landed: TestHome, tmp_path: Path) -> None:
    release(landed, "20260101T000000-aaaaaaaa")
    landed.put(SOURCE, "no.db", b"no database")
    (landed.settings.home / "settings.toml").write_text("keep_releases = 3\n")
    (landed.settings.home / "dagster" / "storage").mkdir()
    with closing(sqlite3.connect(landed.settings.home / "dagster" / "runs.db")) as writing:
        writing.execute("pragma journal_mode = wal")
        writing.execute("create table runs as select 1 as id")
        writing.commit()
        place = Path(back_up(landed.settings, str(tmp_path)).place)  # while Dagster has it open, with a log beside it
    with closing(sqlite3.connect(place / "dagster" / "runs.db")) as copy:
        assert copy.execute("select * from runs").fetchall() == [(1,)]
    names = contents(place)
    assert {"settings.toml", "version", "lake/ledger.duckdb", "releases/20260101T000000-aaaaaaaa/touchstone.duckdb"} < {
        *names
    }
    assert not any(name.startswith(("warehouse", "tmp", "dbt", ".")) or name.endswith("-wal") for name in names)
    assert all(path.stat().st_mode & 0o077 == 0 for path in (place, *place.rglob("*")))


_ALWAYS = """
import sys
from touchstone.backup import back_up
from touchstone.settings import load_settings
while True:
    back_up(load_settings(), sys.argv[1])
"""


def test_a_backup_is_whole_whatever_lands_meanwhile(landed: TestHome, tmp_path: Path) -> None:
    """Lake and ledger of each backup are of one moment, while files land and are retracted."""

    def finished() -> list[Path]:
        return [path.parent for path in tmp_path.glob("*/backup.json")]

    with subprocess.Popen([sys.executable, "-c", _ALWAYS, str(tmp_path)]) as backing_up:
        for number in range(6):
            before = len(finished())
            while len(finished()) == before:
                assert backing_up.poll() is None
                time.sleep(0.01)
            landed.put(SOURCE, f"{number}.json", lines(*(event(n) for n in range(number * 3, number * 3 + 5))))
            land_one(landed)
            if number % 3 == 2:
                with landed.ledger() as ledger:
                    named = f"{SOURCE}/{number}.json"
                    retract_file(ledger, landed.settings, landed.streams.values(), named, "a test", anyway=True)
        backing_up.kill()
    seen = set()
    for place in finished():
        with duckdb.connect(str(place / "lake" / "ledger.duckdb"), read_only=True) as connection:
            known = dict(connection.execute("select distinct path, bytes from lake_files").fetchall())
        files = place.glob("lake/*/*/0*.parquet")
        assert {str(path.relative_to(place / "lake")): path.stat().st_size for path in files} == known
        seen.add(frozenset(known))
    assert len(seen) > 2


def test_one_backup_at_a_time_and_none_in_the_home(landed: TestHome, tmp_path: Path) -> None:
    from filelock import FileLock

    with FileLock(landed.settings.home / "backup.lock"), pytest.raises(HomeInUse, match="wait for it"):
        back_up(landed.settings, str(tmp_path))
    with pytest.raises(BackupFailed, match="is in the home"):
        back_up(landed.settings, str(landed.settings.home / "backups"))
    with pytest.raises(BackupFailed, match=r"^nowhere:// of the address of backups is not known"):
        back_up(landed.settings, "nowhere://user:secret@host/x")
    with exclusive(landed.settings):
        assert back_up(landed.settings, str(tmp_path)).files, "a night may run"


def test_a_failed_backup_leaves_nothing_and_a_damaged_lake_is_not_backed_up(
    landed: TestHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OSError("cut off")

    with monkeypatch.context() as patch:
        patch.setattr(os, "sync", fail)
        with pytest.raises(BackupFailed, match="cut off"):
            back_up(landed.settings, str(tmp_path))
    assert contents(tmp_path) == {}
    with pytest.raises(BackupFailed, match="no finished backup"):
        restore(landed.settings, str(tmp_path))
    (file, *_) = landed.settings.lake.glob("*/*/0*.parquet")
    os.truncate(file, 100)
    with pytest.raises(LakeDamaged, match=file.name):
        back_up(landed.settings, str(tmp_path))
    assert not (landed.settings.home / ".backup").exists()


def test_a_restore_puts_back_what_was_and_keeps_what_it_replaces(landed: TestHome, tmp_path: Path) -> None:
    settings = landed.settings
    release(landed, "20260101T000000-aaaaaaaa")
    expected = facts(landed), counts(landed), hours(landed)
    old = back_up(settings, str(tmp_path)).place
    release(landed, "20260102T000000-bbbbbbbb")
    landed.put(SOURCE, "a.json", lines(event(30)))
    landed.put(SOURCE, "c.json", lines(event(31)))
    land_one(landed)
    after = facts(landed)
    back_up(settings, str(tmp_path))
    (settings.warehouse / "touchstone.duckdb").touch()

    restored = restore(settings, old)
    assert (facts(landed), counts(landed), hours(landed)) == expected
    assert settings.published.resolve().name == "20260101T000000-aaaaaaaa"
    assert not [*settings.warehouse.iterdir()], "the next night builds it"
    assert restored.kept == ["mailgun/events/a.json"], "the file that the user has now"
    assert sorted(path.name for path in (settings.inbox / SOURCE).iterdir()) == ["a.json", "b.json", "c.json"]
    assert restored.before
    assert (restored.before / "lake" / "ledger.duckdb").exists()
    land_one(landed)
    assert facts(landed) == after, "nothing twice, nothing lost"
    assert restore(settings, old).before not in (None, restored.before), "even within a second"

    landed.reset()
    assert restore(settings, str(tmp_path)).before is None, "a new home has nothing to keep"
    assert facts(landed) == after, "and the newest is restored"
    assert settings.published.resolve().name == "20260102T000000-bbbbbbbb"


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"x" * path.stat().st_size)])
def test_a_damaged_backup_changes_nothing(landed: TestHome, tmp_path: Path, damage: Callable[[Path], object]) -> None:
    place = Path(back_up(landed.settings, str(tmp_path)).place)
    damage(next(place.glob("lake/*/*/0*.parquet")))
    before = contents(landed.settings.lake)
    with pytest.raises(BackupFailed, match=r"lake/mailgun/events/0\d+.parquet is (gone|damaged): nothing was restored"):
        restore(landed.settings, str(tmp_path))
    assert contents(landed.settings.lake) == before


def gone(ledger: Path) -> None:
    ledger.unlink()


def cut(ledger: Path) -> None:
    os.truncate(ledger, ledger.stat().st_size // 2)


def overwritten(ledger: Path) -> None:
    ledger.write_bytes(b"\1" * ledger.stat().st_size)


@pytest.mark.parametrize("damage", [gone, cut, overwritten])
def test_a_ledger_is_made_again_from_the_lake(landed: TestHome, damage: Callable[[Path], None]) -> None:
    release(landed, "20260101T000000-aaaaaaaa")
    expected, of_hours = facts(landed), hours(landed)
    damage(landed.settings.ledger)
    rebuilt = rebuild_from_lake(landed.settings)
    assert rebuilt.lines[0].startswith("The ledger is made again from the lake: 10 records of 1 source")
    assert [name for folder in rebuilt.before for name in contents(folder)] in ([], ["lake/ledger.duckdb"])
    assert (facts(landed), hours(landed)) == (expected, of_hours)
    with landed.ledger() as ledger:
        last = ledger.builds.last()
        assert last and not last.fingerprint, "all marts are built in full"
        assert last.number > 40, "numbers go on after those of the release"
        assert ledger.damaged_files() == {}

    land_one(landed)
    assert (facts(landed), hours(landed)) == (expected, of_hours), "what is in the inbox is there already"
    assert [path for path, *_ in counts(landed)] == ["a.json", "b.json"]
    assert landed.ledger_rows("select count(*) from quarantine") == [(1,)]
    with landed.ledger() as ledger:
        assert ledger.changed_files(SOURCE, since=0) == []
    landed.put(SOURCE, "c.json", lines(event(3), event(40)))
    land_one(landed)
    assert len(facts(landed)) == len(expected) + 1
    retract_b(landed)
    land_one(landed)
    assert len(facts(landed)) == 6, "its facts go with a file, whichever ledger landed it"


def test_a_rebuilt_ledger_knows_retractions_and_passes_over_replaced_files(landed: TestHome) -> None:
    landed.put(SOURCE, "c.json", lines(event(70)))
    landed.put(SOURCE, "d.json", lines(event(71)))
    land_one(landed)
    old = {path: path.read_bytes() for path in landed.settings.lake.glob("*/*/0*.parquet")}
    with landed.ledger() as ledger:
        retract_file(ledger, landed.settings, landed.streams.values(), f"{SOURCE}/c.json", "a test")
    expected = facts(landed)
    for path, content in old.items():  # as if it had been killed before it removed them
        path.write_bytes(content)
    (landed.settings.lake / SOURCE / "00000099.parquet.unfinished").write_bytes(b"killed before its commit")
    (landed.settings.ledger).unlink()
    rebuild_from_lake(landed.settings)
    land_one(landed)
    assert facts(landed) == expected
    assert landed.ledger_rows("select path, why from retractions") == [("c.json", "a test")]


def test_a_damaged_lake_makes_no_ledger(landed: TestHome) -> None:
    (landed.settings.ledger).unlink()
    (file, *_) = landed.settings.lake.glob("*/*/0*.parquet")
    os.truncate(file, file.stat().st_size - 100)
    with pytest.raises(LakeDamaged, match="make rebuild FROM=inbox"):
        rebuild_from_lake(landed.settings)
    with pytest.raises(Damaged, match="is gone"):
        land_one(landed)
    assert rebuild_from_inbox(landed.settings, landed.streams.values()).before
    land_one(landed)
    assert len(facts(landed)) == 10


def test_everything_lands_again_from_the_inbox(landed: TestHome) -> None:
    landed.put(SOURCE, "c.json", lines(event(50)))
    land_one(landed)
    with landed.ledger() as ledger:
        retract_file(ledger, landed.settings, landed.streams.values(), f"{SOURCE}/c.json", "a test")
    expected = facts(landed), counts(landed), hours(landed)
    shutil.copy(landed.settings.inbox / SOURCE / "a.json", landed.settings.inbox / SOURCE / "renamed.json")
    (landed.settings.inbox / SOURCE / "a.json").unlink()
    rebuilt = rebuild_from_inbox(landed.settings, landed.streams.values())
    assert rebuilt.before
    assert facts(landed) == []
    (landed.settings.inbox / SOURCE / "renamed.json").rename(landed.settings.inbox / SOURCE / "a.json")
    land_one(landed)
    assert (facts(landed), counts(landed), hours(landed)) == expected


def test_a_rebuild_from_the_inbox_names_what_would_be_lost(landed: TestHome) -> None:
    landed.put(SOURCE, "b.json", lines(event(60)))
    land_one(landed)
    (landed.settings.inbox / SOURCE / "a.json").unlink()
    expected = facts(landed)
    with pytest.raises(CannotRebuild) as refused:
        rebuild_from_inbox(landed.settings, landed.streams.values())
    assert str(refused.value).startswith(
        "the lake has 9 records of 2 files of mailgun/events that the inbox no longer has: "
        "mailgun/events/a.json, mailgun/events/b.json. Put them back"
    )
    assert facts(landed) == expected
    (landed.settings.ledger).unlink()
    with pytest.raises(CannotRebuild, match="5 records of 1 file of mailgun/events"):
        rebuild_from_inbox(landed.settings, landed.streams.values())
    rebuild_from_inbox(landed.settings, landed.streams.values(), anyway=True)
    land_one(landed)
    assert len(facts(landed)) == 1
