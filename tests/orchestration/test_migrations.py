"""Homes of earlier versions: none is lost, counted twice or read wrongly."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.orchestration.commands import run
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
    with duckdb.connect(str(home.settings.ledger)) as ledger:
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
    assert home_version(home.settings) == 4


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
    (tmp_path / "dbt_project.yml").write_text("name: small\nprofile: touchstone\nmodels: {small: {+group: mailgun}}\n")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "groups.yml").write_text("groups: [{name: mailgun, owner: {name: us}}]\n")
    model = tmp_path / "models" / "one.sql"
    model.write_text("select 1 as number")
    shutil.copytree(PROJECT / "profiles", tmp_path / "profiles")
    for module in ("settings", "home", "dbt", "manifest"):
        monkeypatch.setattr(f"touchstone.{module}.PROJECT", tmp_path)
    times = model.stat()
    project(home.settings)
    parsed = read_parsed(home.settings)
    assert project(home.settings) and read_parsed(home.settings).metadata == parsed.metadata
    model.write_text("select 2 as number")
    os.utime(model, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert read_parsed(home.settings) is None
    project(home.settings)
    assert read_parsed(home.settings).nodes["model.small.one"].raw_code == "select 2 as number"


# Commits of the history, with the name of their package: the last one before homes had versions, which tests run
# everywhere; 0.2.0; and one of between 0.1.0 and that.
COMMITS = [
    pytest.param("c1cbe92", "touchstone", ["mailgun"]),
    pytest.param("4c2f403", "touchstone", [], marks=pytest.mark.full),
    pytest.param("bfba737", "orchestration", [], marks=pytest.mark.full),
]


@pytest.mark.parametrize(("commit", "package", "systems"), COMMITS)
def test_a_home_that_an_earlier_commit_has_published_is_taken_over(
    commit: str, package: str, systems: list[str], tmp_path: Path
) -> None:
    code, home, fresh = (tmp_path / name for name in ("code", "home", "fresh"))
    archive = subprocess.run(["git", "archive", commit], cwd=PROJECT, capture_output=True)
    if archive.returncode:
        pytest.skip(f"this checkout has no commit {commit}")
    code.mkdir()
    subprocess.run(["tar", "-x"], cwd=code, input=archive.stdout, check=True)
    limited = {"TOUCHSTONE_SYSTEMS": json.dumps(systems)} if systems else {}

    def run_then(*program: str) -> None:
        path = f"{code / 'orchestration'}{os.pathsep}{code}" if package == "touchstone" else str(code)
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("TOUCHSTONE_", "DBT_", "DAGSTER_"))
        }
        surroundings = {**kept, **limited, "TOUCHSTONE_HOME": str(home), "PYTHONPATH": path}
        done = subprocess.run(
            [sys.executable, "-m", *program], cwd=code, env=surroundings, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr + done.stdout

    def run_now(home: Path) -> None:
        code, output = run(home, **limited)
        assert code == 0, output

    run_then(f"{package}.sample", str(home / "inbox"), "--seed=3", "--days=3", "--events=300")
    run_then(package, "nightly")
    later = some_events(seed=1, count=50)
    TestHome.write(home / "inbox" / SOURCE / "later.gz", later)
    TestHome.write(home / "inbox" / SOURCE / "again.gz", later[:25])
    run_now(home)
    shutil.copytree(home / "inbox", fresh / "inbox")
    run_now(fresh)
    assert marts_of(home) == marts_of(fresh)
    assert counts_of(home) == counts_of(fresh)


def marts_of(home: Path) -> dict[str, list[tuple[Any, ...]]]:
    """The published rows of each mart, without the loads that they come from."""
    with duckdb.connect(str(home / "published" / "touchstone.duckdb"), read_only=True) as published:
        names = published.execute(
            "select table_name from duckdb_tables() where schema_name = 'main' and not internal "
            "and table_name not in ('run', 'source_freshness') order by all"
        ).fetchall()
        return {
            name: published.execute(
                f"select columns(lambda name: name <> 'load_id') from {name} order by all"
            ).fetchall()
            for (name,) in names
        }


def counts_of(home: Path) -> list[tuple[Any, ...]]:
    """Records by status, by source. An earlier version may have taken other records for the same."""
    with duckdb.connect(str(home / "lake" / "ledger.duckdb"), read_only=True) as ledger:
        return ledger.execute(
            "select source, sum(records), sum(accepted + duplicates), sum(quarantined), sum(ignored) "
            "from files group by source order by source"
        ).fetchall()
