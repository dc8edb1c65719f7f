"""A home doesn't grow without end, and no number or identity changes by what is done about it."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from dagster import (
    AssetCheckResult,
    AssetCheckSpec,
    DagsterInstance,
    DagsterRunStatus,
    MaterializeResult,
    asset,
    job,
    materialize,
)

from tests.orchestration.conftest import TestHome
from tests.orchestration.events import some_events
from touchstone.event_log import last_evaluations
from touchstone.history import tidy_history
from touchstone.home import exclusive, own_dagster
from touchstone.landing.compact import compact_lake, forget
from touchstone.landing.land import land
from touchstone.landing.quarantine import dismiss
from touchstone.landing.retract import retract_file, retract_record
from touchstone.settings import Settings

SOURCE = "mailgun/events"
MAILGUN = ("--exclude", "group:alexa", "group:cloudwatch", "group:pinpoint", "group:ses")
NOW = datetime.now(UTC)


def lake(home: TestHome) -> list[tuple[Any, ...]]:
    return home.ledger_rows(f"from read_parquet('{home.settings.lake}/mailgun/events/[0-9]*.parquet') order by all")


def land_one_by_one(home: TestHome, files: int) -> None:
    home.land()
    for number in range(files):
        home.put(SOURCE, f"{number:02d}.gz", some_events(seed=number, count=12))
        with home.ledger() as ledger:
            land(home.streams[SOURCE], home.settings, ledger, lambda text: None)


def compact(home: TestHome) -> int:
    with home.ledger() as ledger:
        return compact_lake(ledger)


def test_small_files_of_the_lake_become_one_with_the_same_rows(home: TestHome) -> None:
    land_one_by_one(home, 16)
    before, loads = lake(home), home.ledger_rows("select * exclude (path, bytes) from lake_files order by landing")
    home.build()
    marts = home.marts()
    assert compact(home) == 16
    (path,) = (home.settings.lake / SOURCE).glob("[0-9]*.parquet")
    assert lake(home) == before
    assert home.ledger_rows("select * exclude (path, bytes) from lake_files order by landing") == loads
    assert home.ledger_rows("select distinct bytes from lake_files") == [(path.stat().st_size,)]
    order = f"select _record_id, _landing from read_parquet('{path}')"
    assert home.ledger_rows(order) == home.ledger_rows(f"{order} order by _landing, _record_id")
    assert compact(home) == 0, "there is nothing to do again"

    home.put(SOURCE, "again.gz", some_events(seed=3, count=12))
    home.put(SOURCE, "new.gz", some_events(seed=99, count=12))
    home.land()
    home.build(*MAILGUN)
    incremental = home.marts()
    assert incremental != marts
    home.build("--full-refresh", *MAILGUN)
    assert home.marts() == incremental


def test_a_record_is_written_again_a_few_times_and_a_source_has_few_files(home: TestHome, tmp_path: Path) -> None:
    land_one_by_one(home, 1)
    before = lake(home)
    (file,) = (home.settings.lake / SOURCE).glob("[0-9]*.parquet")
    shutil.copy(file, tmp_path / "night.parquet")
    most = rewritten = 0
    with home.ledger() as ledger:
        for night in range(2, 401):
            copy = file.with_name(f"{night:08d}.parquet")
            rows = f"select * replace ({night} as _landing) from read_parquet('{tmp_path}/night.parquet')"
            ledger.connection.execute(f"copy ({rows}) to '{copy}' (format parquet)")
            ledger.connection.execute(
                "insert into lake_files select source, ?, rows, first_date, last_date, ?, ? from lake_files limit 1",
                [str(copy.relative_to(home.settings.lake)), night, copy.stat().st_size],
            )
            rewritten += compact_lake(ledger)
            most = max(most, len(ledger.lake_paths(SOURCE, of_batch=False)))
    assert most < 2 * 16
    assert rewritten < 400 + 400 / 16 + 16
    assert len(lake(home)) == 400 * len(before)


def test_compacted_records_and_files_can_be_retracted(home: TestHome) -> None:
    after = []
    for is_compacted in (False, True):
        home.reset()
        land_one_by_one(home, 16)
        if is_compacted:
            compact(home)
        files = f"{home.settings.lake}/{SOURCE}/[0-9]*.parquet"
        ((record,),) = home.ledger_rows(f"select _record_id from '{files}' order by _file, id, _at limit 1")
        with home.ledger() as ledger:
            assert retract_record(ledger, home.streams.values(), record, "a test").records == 1
            assert retract_file(ledger, home.settings, home.streams.values(), f"{SOURCE}/07.gz", "a test").records > 0
        # Which of two versions that a file has is the repeat is left to the order in which its rows are read.
        after.append(home.ledger_rows(f"select * exclude (_record_id, _is_repeat) from '{files}' order by all"))
        home.land()
        with home.ledger() as ledger:
            assert ledger.files_that_do_not_add_up(SOURCE) == []
    assert after[0] == after[1]


def test_closed_records_of_the_quarantine_are_forgotten_and_still_counted(home: TestHome) -> None:
    home.put(SOURCE, "bad.json", b'{"event": "opened"}\n{"event": "clicked"}\nnot JSON\n')
    home.land()
    settings = Settings(home=home.settings.home, keep_quarantine_days=10)
    with home.ledger() as ledger:
        dismiss(ledger.connection, None, None, "JSON")
        forget(ledger, settings, NOW + timedelta(days=9))
        assert ledger.connection.execute("select count(*) from quarantine").fetchall() == [(3,)]
        forget(ledger, settings, NOW + timedelta(days=11))
        assert ledger.connection.execute("select count(*) from quarantine").fetchall() == [(2,)], "open ones stay"
        assert ledger.files_that_do_not_add_up(SOURCE) == []
        assert ledger.totals(SOURCE).quarantined == 3


def test_builds_that_tables_rest_on_are_kept(home: TestHome) -> None:
    settings = Settings(home=home.settings.home, keep_quarantine_days=10)
    with home.ledger() as ledger:
        numbers = []
        for held_back in ({}, {"ses": "a test"}, {"ses": "a test"}, {"ses": "a test"}):
            numbers.append(ledger.builds.start("run", "definitions"))
            ledger.builds.finish(held_back)
            ledger.builds.mark_published()
        forget(ledger, settings, NOW + timedelta(days=11))
        assert (last := ledger.builds.last_good("ses")) and last.number == numbers[0]
        assert ledger.builds.correct_until(last, "definitions", [SOURCE]) == 0
        for _ in range(2):
            numbers.append(ledger.builds.start("run", "definitions"))
            ledger.builds.finish({})
            ledger.builds.mark_published()
        forget(ledger, settings, NOW + timedelta(days=11))
        assert ledger.connection.execute("select build from builds").fetchall() == [(numbers[-1],)]
        assert ledger.connection.execute("select count(*) from held_back").fetchall() == [(0,)]


def test_a_path_that_is_gone_is_read_again_when_it_is_back(home: TestHome) -> None:
    path = home.put(SOURCE, "a.gz", some_events(seed=1, count=5))
    home.put(SOURCE, "b.gz", some_events(seed=2, count=5))
    home.land()
    content = path.read_bytes()
    path.unlink()
    home.land()
    assert home.ledger_rows("select path from seen") == [("b.gz",)]
    path.write_bytes(content)
    assert home.land()[SOURCE].totals.files == 0


def test_what_a_run_left_is_removed_at_the_next_start(home: TestHome) -> None:
    for name in ("releases/.20260101T000000-aaaa/parquet", "tmp/stage"):
        (home.settings.home / name).mkdir(parents=True)
        (home.settings.home / name / "file").touch()
    (home.settings.scratch / "duckdb_temp_storage-0.tmp").touch()
    with exclusive(home.settings):
        assert [*home.settings.releases.iterdir()] == []
        assert [*home.settings.scratch.iterdir()] == []


@asset(check_specs=[AssetCheckSpec("good", asset="often"), AssetCheckSpec("bad", asset="often")])
def often() -> MaterializeResult:  # type: ignore[type-arg]
    outcomes = [AssetCheckResult(passed=passed, check_name=name) for name, passed in (("good", True), ("bad", False))]
    return MaterializeResult(check_results=outcomes)


@asset
def once() -> None: ...


@job
def killed() -> None: ...


def test_dagsters_history_is_compacted_and_ends(home: TestHome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", own_dagster(home.settings)["DAGSTER_HOME"])
    settings = Settings(home=home.settings.home, keep_history_days=30)
    shards = home.settings.home / "dagster" / "history" / "runs"
    with DagsterInstance.get() as instance:
        rare, *runs = (materialize(assets, instance=instance).run_id for assets in ([once], [often], [often], [often]))
        instance.create_run_for_job(killed, status=DagsterRunStatus.STARTED)
        asked = [*often.check_keys]
        outcomes = last_evaluations(instance, asked)
        size = (shards / f"{runs[0]}.db").stat().st_size
        events = {event.dagster_event_type for event in instance.all_logs(runs[0]) if event.is_dagster_event}
        tidy_history(instance, settings, NOW + timedelta(hours=23))
        assert (shards / f"{runs[0]}.db").stat().st_size == size
        tidy_history(instance, settings, NOW + timedelta(days=2))
        kept = {event.dagster_event_type for event in instance.all_logs(runs[0]) if event.is_dagster_event}
        assert (shards / f"{runs[0]}.db").stat().st_size < size
        assert len(kept) == len(events) - 3
        tidy_history(instance, settings, NOW + timedelta(days=31))
        assert {run.run_id for run in instance.get_runs()} == {rare, runs[-1]}, "those of the newest materializations"
        assert {file.stem for file in shards.glob("*.db")} == {rare, runs[-1], "index"}
        assert not [run for run in runs[:-1] if (home.settings.home / "dagster" / "storage" / run).exists()]
        assert last_evaluations(instance, asked) == outcomes and len(outcomes) == 2
        assert instance.get_latest_materialization_event(often.key)
        run = instance.get_run_by_id(rare)
        assert run and run.job_snapshot_id and instance.get_job_snapshot(run.job_snapshot_id)


def test_dagsters_history_grows_no_more_once_it_is_as_old_as_it_may_be(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", own_dagster(home.settings)["DAGSTER_HOME"])
    settings = Settings(home=home.settings.home, keep_history_days=3)
    folder = home.settings.home / "dagster"
    sizes = []
    with DagsterInstance.get() as instance:
        for night in range(1, 10):
            with time_machine.travel(NOW + timedelta(days=night)):
                materialize([often], instance=instance)
            tidy_history(instance, settings, NOW + timedelta(days=night, hours=1))
            found = {"files": len([path for path in folder.rglob("*") if path.is_file()])}
            for path in (folder / "history" / "runs.db", folder / "history" / "runs" / "index.db"):
                with closing(sqlite3.connect(path)) as connection:
                    tables = connection.execute("select name from sqlite_master where type = 'table'").fetchall()
                    for (table,) in tables:
                        found[table] = connection.execute(f'select count(*) from "{table}"').fetchone()[0]
                    found[path.name] = connection.execute("pragma page_count").fetchone()[0]
            sizes.append(found)
    assert sizes[4] == sizes[6] == sizes[8] != sizes[1]
    assert sizes[4]["asset_check_executions"] == 2 * sizes[4]["runs"] > 0


def test_a_history_that_was_large_gives_its_room_back(home: TestHome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", own_dagster(home.settings)["DAGSTER_HOME"])
    index = home.settings.home / "dagster" / "history" / "runs" / "index.db"
    with DagsterInstance.get() as instance:
        materialize([once], instance=instance)
        before = index.stat().st_size
        with closing(sqlite3.connect(index)) as connection:
            connection.executescript(f"create table large as select zeroblob({2 * 2**20 + before}); drop table large")
        tidy_history(instance, home.settings, NOW)
    assert index.stat().st_size > 2 * 2**20, "a little room is used again"
    with DagsterInstance.get() as instance:
        with closing(sqlite3.connect(index)) as connection:
            connection.executescript(f"create table large as select zeroblob({6 * 2**20}); drop table large")
        tidy_history(instance, home.settings, NOW)
        assert instance.get_latest_materialization_event(once.key)
    assert index.stat().st_size <= before
