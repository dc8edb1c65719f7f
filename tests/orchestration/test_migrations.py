"""Homes of earlier versions: none is lost, counted twice or read wrongly."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import duckdb
import pytest

from tests.orchestration.conftest import TestHome
from tests.orchestration.events import some_events
from touchstone.__main__ import main
from touchstone.home import exclusive
from touchstone.manifest import project, read_parsed
from touchstone.migrations import home_version
from touchstone.settings import PROJECT

SOURCE = "mailgun/events"
# What the ledger had at most in 0.2.0, and what 0.1.0 did not have yet.
_TO_0_1_0 = (
    "alter table lake_files drop column bytes",
    "alter table held_back drop column is_switched_off",
    "drop table record_hours",
    "drop table retractions",
    "drop table obsolete_files",
    "create table ledger_schema (statements varchar not null)",
)


def make_older(home: TestHome) -> None:
    """Make a home's ledger, and the rights of its files, those of 0.1.0."""
    with duckdb.connect(str(home.settings.lake / "ledger.duckdb")) as ledger:
        for statement in _TO_0_1_0:
            ledger.execute(statement)
    (home.settings.warehouse / "facts.duckdb").touch()
    (home.settings.home / "version").unlink(missing_ok=True)
    for path in home.settings.home.rglob("*"):
        if path.name not in ("published", "ledger.lock"):
            path.chmod(path.stat().st_mode | 0o044)


def test_an_older_home_is_migrated(home: TestHome) -> None:
    home.put(SOURCE, "a.gz", some_events(seed=1, count=20))
    home.land()
    columns = "select table_name, column_name, data_type from duckdb_columns() where not internal order by all"
    after, rows = home.ledger_rows(columns), "select * exclude (bytes) from lake_files"
    hours, files = home.ledger_rows("from record_hours order by all"), home.ledger_rows(rows)
    make_older(home)
    with exclusive(home.settings):
        pass
    assert home.ledger_rows(columns) == after
    assert home.ledger_rows("from record_hours order by all") == hours
    assert home.ledger_rows(rows) == files
    for path, size in home.ledger_rows("select path, bytes from lake_files"):
        assert (home.settings.lake / path).stat().st_size == size
    assert not (home.settings.warehouse / "facts.duckdb").exists()
    assert home_version(home.settings) == 1


def test_an_interrupted_migration_is_done_again(home: TestHome) -> None:
    home.put(SOURCE, "a.gz", some_events(seed=1, count=20))
    home.land()
    make_older(home)
    for _ in range(2):
        (home.settings.home / "version").unlink(missing_ok=True)
        with exclusive(home.settings):
            pass
    assert home.ledger_rows("select count(*), min(bytes) > 0 from lake_files") == [(1, True)]


def test_a_newer_home_is_refused(home: TestHome, capsys: pytest.CaptureFixture[str]) -> None:
    home.land()
    (home.settings.home / "version").write_text("99\n")
    for command in ("nightly", "doctor", "ui"):
        assert main([command]) == 1
        assert "version 99" in (said := capsys.readouterr().err)
        assert said.startswith("error: ") and "install the newer Touchstone" in said
    assert (home.settings.home / "version").read_text() == "99\n"


def test_what_holds_persons_is_the_owners_alone(home: TestHome) -> None:
    delivered = home.put(SOURCE, "a.gz", some_events(seed=1, count=20))
    home.land()
    make_older(home)
    with exclusive(home.settings):
        (home.settings.scratch / "new").touch()
    modes = {
        path: stat.S_IMODE(path.lstat().st_mode) for path in home.settings.home.rglob("*") if not path.is_symlink()
    }
    inbox = home.settings.inbox
    assert not [path for path, mode in modes.items() if mode & 0o077 and not path.is_relative_to(inbox)]
    assert modes[delivered] & 0o044, "what others deliver keeps its rights"


def test_the_project_is_parsed_again_when_its_content_changes(
    home: TestHome, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.copyfile(PROJECT / "dbt_project.yml", tmp_path / "dbt_project.yml")
    for name in ("models", "macros", "seeds", "tests", "profiles"):
        shutil.copytree(PROJECT / name, tmp_path / name, ignore=shutil.ignore_patterns("orchestration"))
    for module in ("settings", "home", "dbt", "manifest"):
        monkeypatch.setattr(f"touchstone.{module}.PROJECT", tmp_path)
    model = tmp_path / "models" / "staging" / "mailgun" / "stg_mailgun__events.sql"
    times = model.stat()
    project(home.settings)
    parsed = read_parsed(home.settings)
    assert project(home.settings) and read_parsed(home.settings).metadata == parsed.metadata
    model.write_text(model.read_text().replace("-- Grain:", "-- The grain:"))
    os.utime(model, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert read_parsed(home.settings) is None
    project(home.settings)
    code = read_parsed(home.settings).nodes["model.touchstone.stg_mailgun__events"].raw_code
    assert code.startswith("-- The grain:")
