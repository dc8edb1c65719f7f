"""One system's failure holds back that system alone, and fails again every night until it is fixed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from touchstone.sample.__main__ import main as sample

from .commands import run
from .conftest import TestHome
from .test_runs import Renewed, marts, published

SYSTEMS = ("alexa", "cloudwatch", "mailgun", "pinpoint", "ses")
# Whose marts are of several systems together.
TOGETHER = "email"
Rows = dict[str, list[tuple[Any, ...]]]
# A table of each that a night adds to.
TABLES = {
    "alexa": "int_alexa__sessionized_requests",
    "cloudwatch": "int_cloudwatch__statistics",
    "mailgun": "int_mailgun__engagements",
    "pinpoint": "int_pinpoint__counters",
    "ses": "int_ses__events",
}


# The three smallest systems; nothing is there of others.
SMALL = ("cloudwatch", "mailgun", "ses")


class Home(Renewed):
    """A home whose first night is published, with a second night's files beside it."""

    def __init__(self, home: TestHome, folder: Path, systems: Sequence[str]) -> None:
        self.systems = systems
        self._second = folder / "second"
        self._sample(self._second, seed=8)
        super().__init__(home, folder, lambda path: self._sample(path / "inbox", seed=7))

    def _sample(self, inbox: Path, seed: int) -> None:
        size = ["--events", "100", "--days", "2", "--systems", ",".join(self.systems)]
        sample([str(inbox), "--seed", str(seed), *size, "--clean", "--jobs", "1"])

    def next_night(self) -> None:
        for file in self._second.rglob("*"):
            if file.is_file():
                target = self.path / "inbox" / file.relative_to(self._second)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, target.with_name(f"second-{target.name}"))


@pytest.fixture(scope="module", params=[SMALL, pytest.param(SYSTEMS, marks=pytest.mark.full)], ids=["small", "all"])
def renewed(session_home: TestHome, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Home:
    return Home(session_home, tmp_path_factory.mktemp("apart"), request.param)


@pytest.fixture
def home(renewed: Home) -> Path:
    return renewed.published()


@pytest.fixture(scope="module")
def undisturbed(renewed: Home) -> tuple[Rows, Rows]:
    """The marts after the first and the second night."""
    home = renewed.published()
    first = marts(home)
    renewed.next_night()
    code, output = run(home)
    assert code == 0, output
    return first, marts(home)


def of_systems(home: Path, rows: Rows, systems: set[str]) -> Rows:
    """The marts of some systems, and their rows of the long tables."""
    owned = dict(published(home, "select relation, system from intermediate.relations where schema = 'main'"))

    def owner(system: str, mart: str) -> str:
        """CloudWatch has the datapoints of AWS/SES too, which are of the system ses in the long tables."""
        if system == TOGETHER:
            return system
        return system if system in SYSTEMS and mart != "cloudwatch_metrics" else "cloudwatch"

    found = {name: table for name, table in rows.items() if owned.get(name) in systems}
    for name, table in rows.items():
        if name.startswith("metric_values_"):
            found[name] = [row for row in table if owner(row[0], row[1]) in systems]
    return found


def status(home: Path) -> dict[str, str]:
    return dict(published(home, "select system, status from run"))


def fails_to_build(home: Path, system: str) -> Callable[[], None]:
    """A model fails: its table has lost a column."""

    def rename(old: str, new: str) -> None:
        for file in ("internal.duckdb", "touchstone.duckdb"):
            with duckdb.connect(str(home / "warehouse" / file)) as connection:
                known = connection.execute("select table_name from duckdb_tables()").fetchall()
                if (TABLES[system],) in known:
                    connection.execute(f"alter table intermediate.{TABLES[system]} rename column {old} to {new}")

    rename("load_id", "gone")
    return lambda: rename("gone", "load_id")


def fails_a_check(home: Path, system: str, stream: str) -> Callable[[], None]:
    """A record that was accepted breaks a check: it is in the lake twice."""
    lake = home / "lake" / system / stream
    lake.mkdir(parents=True, exist_ok=True)
    (newest,) = sorted(lake.glob("0*.parquet"))[-1:]
    with duckdb.connect(str(home / "lake" / "ledger.duckdb")) as ledger:
        ((number,),) = ledger.execute("select nextval('landing_numbers')").fetchall()
        poison = lake / f"{number:08d}.parquet"
        ledger.execute(
            f"copy (select * replace ({number} as _landing) from '{newest}' limit 3) to '{poison}' (format parquet)"
        )
        ledger.execute(
            "insert into lake_files select ?, ?, 3, date '2026-01-01', date '2030-01-01', ?, ?",
            [f"{system}/{stream}", str(poison.relative_to(home / "lake")), number, poison.stat().st_size],
        )

    def fix() -> None:
        poison.unlink()
        with duckdb.connect(str(home / "lake" / "ledger.duckdb")) as ledger:
            ledger.execute("delete from lake_files where landing = ?", [number])

    return fix


def fails_to_land(home: Path, system: str, stream: str) -> Callable[[], None]:
    """A landing stops with an error: there is a folder in place of the file that it writes."""
    schema = home / "lake" / system / stream / "schema.parquet"
    schema.unlink()
    schema.mkdir()
    return schema.rmdir


def test_main_is_for_readers_and_everything_is_described(home: Path) -> None:
    shared = {"metric_catalog", "names", "run", "source_freshness"}
    public = {name for (name,) in published(home, "select name from (show all tables) where schema = 'main'")}
    assert {name for name in public if not re.search("_(hourly|daily|monthly)$", name)} == shared | {
        "alexa_retention_cohorts",
        "cloudwatch_statistics",
    }
    schemas = published(home, "select distinct schema from (show all tables) order by schema")
    assert schemas == [("intermediate",), ("main",)]
    comments = dict(published(home, "select column_name, comment from duckdb_columns() where table_name = 'run'"))
    assert comments["status"].startswith("current; held back")
    silent = """
        select table_name, column_name from duckdb_columns() where not internal and comment is null
        union all
        select view_name, '' from duckdb_views() where not internal and comment is null
        union all
        select table_name, '' from duckdb_tables() where comment is null
    """
    assert published(home, silent) == []


def test_failed_systems_are_held_back_alone_until_they_are_fixed(
    renewed: Home, home: Path, undisturbed: tuple[Rows, Rows]
) -> None:
    """In the second night a landing fails and a check, in the third a build in place of the landing."""
    first, second = undisturbed
    failing = {"cloudwatch", "ses"}
    others = {*renewed.systems} - failing
    held = {system: "held back" if system in failing else "current" for system in renewed.systems}

    def held_back() -> dict[str, str]:
        """The reasons, after a night."""
        code, output = run(home)
        assert code == 2, output
        assert "Held back" in output
        assert "-- Grain" not in output  # dbt's SQL is nobody's to read here
        assert status(home) == held
        shown = marts(home)
        assert of_systems(home, shown, failing) == of_systems(home, first, failing)
        assert of_systems(home, shown, others) == of_systems(home, second, others)
        return dict(published(home, "select system, reason from run"))

    mend_landing = fails_to_land(home, "cloudwatch", "metric_stream")
    mend_check = fails_a_check(home, "ses", "events")
    renewed.next_night()
    reasons = held_back()
    assert "the landing of cloudwatch/metric_stream failed" in reasons["cloudwatch"]
    assert re.search(r"test \w+ found \d+ rows", reasons["ses"])
    page = (home / "published" / "report.html").read_text()
    assert "Held back" in page
    assert "The landing of cloudwatch/metric_stream failed" in page
    mend_landing()
    mend_build = fails_to_build(home, "cloudwatch")
    reasons = held_back()
    assert "int_cloudwatch__statistics failed" in reasons["cloudwatch"]
    assert re.search(r"test \w+ found \d+ rows", reasons["ses"]), "though nothing of it is new"
    builds = dict(published(home, "select system, build from run"))
    assert builds["mailgun"] > builds["ses"] == builds["cloudwatch"]
    mend_check()
    mend_build()
    code, output = run(home)
    assert code == 0, output
    assert set(status(home).values()) == {"current"}
    assert marts(home) == second


@pytest.mark.parametrize("renewed", [SYSTEMS], indirect=True)
@pytest.mark.full
@pytest.mark.parametrize("system", SYSTEMS)
def test_each_system_fails_alone(system: str, renewed: Home, home: Path, undisturbed: tuple[Rows, Rows]) -> None:
    first, second = undisturbed
    fix = fails_to_build(home, system)
    renewed.next_night()
    assert run(home)[0] == 2
    assert status(home) == dict.fromkeys(SYSTEMS, "current") | {system: "held back"}
    shown = marts(home)
    others = set(SYSTEMS) - {system}
    assert of_systems(home, shown, {system}) == of_systems(home, first, {system})
    assert of_systems(home, shown, others) == of_systems(home, second, others)
    fix()
    assert run(home)[0] == 0
    assert marts(home) == second
