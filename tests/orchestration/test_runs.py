"""Whole runs of `make nightly`: failed, with readers, rolled back. test_faults.py disturbs them."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from touchstone.landing.streams import read_streams
from touchstone.settings import Settings

from .commands import run, user_folder
from .conftest import KEPT, TestHome
from .events import some_events

# What a ledger has to be the same in, whatever happened on the way.
_LEDGER = {
    "files": "select source, content_hash, path, bytes, records, accepted, duplicates, quarantined, ignored from files",
    "quarantine": "select source, content_hash, path, byte_offset, line, text, reason from quarantine",
    "ignored": "select source, content_hash, kind, records from ignored",
    "lake": "select source, sum(rows) from lake_files group by all",
}


def fill(home: Path, seed: int = 3, count: int = 600, files: int = 6, prefix: str = "") -> None:
    records = some_events(seed, count)
    for number in range(files):
        path = home / "inbox" / "mailgun" / "events" / f"{prefix}{number}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        TestHome.write(path, records[number::files])
    (path.parent / f"{prefix}bad.json").write_text(f'{{"event": "opened"\n{{"event": "trapped", "id": "{prefix}"}}\n')


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


class Renewed:
    """The home, new for each test, except for dbt's parsed project, which takes longer than a night."""

    def __init__(self, home: TestHome, folder: Path, fill: Callable[[Path], None] = fill) -> None:
        assert home.manifest  # parsed, which the nights need not do
        self._home, self.path = home, home.settings.home
        self._published = folder / "published"
        fill(self.empty())
        code, output = run(self.path)
        assert code == 0, output
        self.keep(self._published)

    def keep(self, copy: Path) -> None:
        """Copy the home as it is."""
        shutil.copytree(self.path, copy, symlinks=True, ignore=shutil.ignore_patterns(*KEPT))

    def published(self) -> Path:
        """After a night over a few files."""
        return self.restore(self._published)

    def restore(self, copy: Path) -> Path:
        self.empty()
        shutil.copytree(copy, self.path, symlinks=True, dirs_exist_ok=True)
        return self.path

    def empty(self) -> Path:
        self._home.reset()
        return self.path


@pytest.fixture(scope="module")
def renewed(session_home: TestHome, tmp_path_factory: pytest.TempPathFactory) -> Renewed:
    return Renewed(session_home, tmp_path_factory.mktemp("runs"))


@pytest.fixture
def home(renewed: Renewed) -> Path:
    """A home whose first night is published."""
    return renewed.published()


def more(home: Path) -> None:
    """Files for another night."""
    fill(home, seed=4, prefix="second")


class Reader:
    """Somebody who reads what is published, again and again, while the block runs."""

    def __init__(self, home: Path) -> None:
        self.seen: set[tuple[Any, ...]] = set()
        self.errors: list[Exception] = []
        self._home = home
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._read)

    def _read(self) -> None:
        while not self._done.wait(0.1):
            try:
                self.seen.update(
                    published(
                        self._home,
                        "select (select any_value(run_id) from run), "
                        "(select sum(opened_count) from mailgun_metrics_daily), "
                        "(select sum(opened_count) from mailgun_metrics_hourly), "
                        "(select sum(opened_count) from mailgun_metrics_monthly)",
                    )
                )
            except Exception as error:
                self.errors.append(error)

    def __enter__(self) -> Reader:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def check(self) -> None:
        assert self.errors == []
        assert all(daily == hourly == monthly for _, daily, hourly, monthly in self.seen)


State = tuple[dict[str, list[tuple[Any, ...]]], dict[str, list[tuple[Any, ...]]]]


def state(home: Path) -> State:
    return marts(home), ledger(home)


@dataclass(frozen=True)
class Night:
    """A second night that nothing disturbs, by `nightly --strict`: its result, and what a reader saw meanwhile."""

    code: int
    output: str
    state: State
    seconds: float
    reader: Reader
    home: Path


@pytest.fixture(scope="module")
def undisturbed(renewed: Renewed, tmp_path_factory: pytest.TempPathFactory) -> Night:
    home = renewed.published()
    more(home)
    began = time.monotonic()
    with Reader(home) as reader:
        code, output = run(home, "nightly", "--strict")
    seconds = time.monotonic() - began
    copy = tmp_path_factory.mktemp("undisturbed") / "home"
    renewed.keep(copy)
    return Night(code, output, state(home), seconds, reader, copy)


def test_nothing_is_written_outside_the_home(renewed: Renewed) -> None:
    assert list(user_folder(renewed.path).rglob("*")) == []


def test_readers_see_complete_releases_and_no_error(undisturbed: Night) -> None:
    undisturbed.reader.check()
    assert len(undisturbed.reader.seen) == 2


def test_a_failed_build_keeps_the_release(home: Path) -> None:
    before = marts(home)
    more(home)
    # a table in the way of the first model
    with duckdb.connect(str(home / "warehouse" / "internal.duckdb")) as connection:
        connection.execute("drop view staging.stg_mailgun__events")
        connection.execute("alter table intermediate.int_mailgun__events drop column tags")
    code, output = run(home)
    assert code == 1, "nothing else has landed that could be published"
    assert "int_mailgun__events failed" in output
    assert marts(home) == before


def checks_reported(home: Path) -> int:
    """The number of checks in the report."""
    found = re.search(
        r"Checks that warn</span>.*?of (\d+)</span>", (home / "published" / "report.html").read_text(), re.S
    )
    assert found
    return int(found[1])


def planned(home: Path) -> dict[str, set[str]]:
    """The assets that each run of Dagster's history planned, by run, the oldest first."""
    shard = home / "dagster" / "history" / "runs" / "index.db"
    with sqlite3.connect(shard) as connection:
        rows = connection.execute(
            "select run_id, asset_key from event_logs "
            "where dagster_event_type = 'ASSET_MATERIALIZATION_PLANNED' order by id"
        ).fetchall()
    found: dict[str, set[str]] = {}
    for run_id, key in rows:
        found.setdefault(run_id, set()).add("/".join(json.loads(key)))
    return found


def test_only_new_records_are_built_and_published(renewed: Renewed, undisturbed: Night, home: Path) -> None:
    release = (home / "published").resolve()
    checks = checks_reported(home)
    code, output = run(home)
    assert code == 0
    assert "nothing new to build" in output
    assert (home / "published").resolve() == release
    assert [*planned(home).values()][-1] == {*read_streams(), "inbox"}, "no model is planned"
    renewed.restore(undisturbed.home)
    assert "built int_mailgun__events" in undisturbed.output
    assert "built int_ses__events" not in undisturbed.output, "nothing has landed of it"
    *_, landed, built = planned(home).values()
    assert landed == {*read_streams(), "inbox"}
    names = {key.rpartition("/")[2] for key in built}
    assert {"int_mailgun__events", "mailgun_metrics_daily", "published", "report"} < names
    assert not names & {"events", "int_mailgun__reported_metrics", "ses_metrics_daily"}
    assert checks_reported(home) == checks > 90, "those that weren't run are as they were"
    page = (home / "published" / "report.html").read_text()
    assert re.search(r"New since \d", page)
    assert re.search(r"<p>[\d,]+ records in \d files?: [\d,]+ of mailgun/<wbr>events", page), (
        "and nothing else has landed"
    )
    months = sorted((home / "published" / "parquet" / "mailgun_metrics_daily").glob("*.parquet"))
    with duckdb.connect() as connection:
        rows = connection.execute(f"select * from read_parquet({[str(m) for m in months]!r}) order by all").fetchall()
    assert rows == marts(home)["mailgun_metrics_daily"]
    assert run(home, "rollback")[0] == 0
    assert (home / "published").resolve() == release
    assert run(home, "rollback")[0] == 1, "there is nothing to go back to"


def test_a_run_that_may_not_wait_names_the_one_that_holds_the_home(home: Path) -> None:
    from touchstone.home import HomeInUse, exclusive

    settings = Settings(home=home, lock_wait_seconds=0)
    with exclusive(settings), pytest.raises(HomeInUse, match=f"process {os.getpid()}"), exclusive(settings):
        pass


def test_strict_exits_with_3_for_quarantined_records(renewed: Renewed, undisturbed: Night) -> None:
    assert undisturbed.code == 3, undisturbed.output
    home = renewed.restore(undisturbed.home)
    code, output = run(home, "nightly", "--strict")
    assert code == 0
    assert "Quarantined" in output, "it is open until it is corrected or dismissed"
    assert run(home, "dismiss")[0] == 1
    assert "dismissed" in run(home, "dismiss", "--all")[1]
    assert "Quarantined" not in run(home, "summary")[1]


def test_a_location_that_cannot_be_read_is_named_every_night_until_it_is_corrected(home: Path, tmp_path: Path) -> None:
    """Of Mailgun something has landed, of SES nothing ever has."""
    (tmp_path / "gcsfs.py").write_text("raise ImportError")
    wrong = {
        "TOUCHSTONE_LOCATIONS": '{"ses/events": "gs://bucket/ses"}',
        "PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}",
    }
    said = (
        "ses: it is empty, because the landing of ses/events failed: "
        "gs:// of the setting locations needs the package gcsfs; pip install gcsfs"
    )
    more(home)
    for _ in range(2):
        code, output = run(home, **wrong)
        assert code == 2, output
        assert said in output
        assert "Traceback" not in output
        assert dict(published(home, "select system, status from run")) == {"mailgun": "current", "ses": "never built"}
    code, output = run(home)
    assert code == 0, output
    assert "Held back" not in output
    assert published(home, "select system, status from run") == [("mailgun", "current")]


def test_the_summary_of_a_night_in_which_nothing_lands_says_why(renewed: Renewed) -> None:
    home = renewed.empty()
    code, output = run(home, TOUCHSTONE_LOCATIONS='{"ses/events": "nowhere://bucket"}', TOUCHSTONE_SYSTEMS='["ses"]')
    assert code == 2, output
    assert "nowhere:// of the setting locations is not known to fsspec" in output
    assert "Nothing has landed: see above." in output


def test_a_long_history_is_built_in_batches(undisturbed: Night, home: Path) -> None:
    more(home)
    code, output = run(home, TOUCHSTONE_BATCH_BYTES="20000", TOUCHSTONE_BUILD_BATCH_RECORDS="300")
    assert code == 0, output
    assert "building: batch 1 of " in output
    assert state(home) == undisturbed.state
    (build,) = published(home, "select build from run where system = 'mailgun'")
    assert published(home, "select max(load_id) from intermediate.int_mailgun__metrics_by_period") == [build]
