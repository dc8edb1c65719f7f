"""A release with a system held back: the older marts of one beside the new ones of the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from touchstone.publish import Release, publish, shared_marts
from touchstone.warehouse import _failures, compiled

from .conftest import TestHome
from .events import some_events


def release(home: TestHome, **held_back: str) -> Release:
    manifest = home.project
    shared = compiled(home.settings, manifest, shared_marts(manifest)) if held_back else {}
    with home.ledger() as ledger:
        ledger.builds.start("run", "definitions")
        ledger.builds.finish(held_back)
        build = ledger.builds.last()
    assert build
    made = publish(home.settings, manifest, f"run {build.number}", build, held_back, shared)
    with home.ledger() as ledger:
        ledger.builds.mark_published()
    return made


def parquet_files(made: Release) -> dict[Path, int]:
    """Mailgun's Parquet files of a release, with their inodes."""
    files = (made.path / "parquet").glob("mailgun_*/*.parquet")
    return {path.relative_to(made.path): path.stat().st_ino for path in files}


def published(home: TestHome, sql: str) -> list[tuple[Any, ...]]:
    file = home.settings.published.resolve() / "touchstone.duckdb"
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_a_system_held_back_keeps_its_marts_whatever_changes(home: TestHome) -> None:
    home.put("mailgun/events", "a.json", some_events(seed=1, count=200))
    home.land()
    home.build()
    release(home, alexa="a test", mailgun="it has no good build yet")
    states = dict(published(home, "select system, status from run"))
    assert states["alexa"] == states["mailgun"] == "never built"
    assert states["ses"] == "current"
    assert published(home, "select count(*), count(opened_count) from mailgun_metrics_daily") == [(0, 0)]
    assert published(home, "select count(*) from metric_values_daily where system = 'mailgun'") == [(0,)]

    files = parquet_files(release(home))
    of_systems = ("mailgun_metrics_daily", "email_metrics_daily", "metric_values_monthly")
    marts = (*of_systems, "reconciliation_daily", "metric_catalog")
    before = {mart: published(home, f"select * from {mart} order by all") for mart in marts}
    assert all(before[mart] for mart in (*of_systems, "metric_catalog"))
    stored = "select count(*) from duckdb_tables() where table_name = 'int_email__metrics_by_period'"
    assert published(home, stored) == [(1,)], "what the marts of all vendors read"
    # the landing is 1
    assert published(home, "select distinct status, build from run") == [("current", 3)]

    # a system's Parquet files are the same until a record lands, and then but those of months that the build changes
    assert parquet_files(release(home)) == files
    home.put("mailgun/events", "b.json", some_events(seed=2, count=1))
    home.land()
    with duckdb.connect(str(home.settings.warehouse / "touchstone.duckdb")) as connection:
        counted = "intermediate.int_mailgun__counts_by_period"
        connection.execute(f"update {counted} set load_id = 1000 where period_start >= date '2026-03-01'")
    again = parquet_files(release(home))
    changed = {path for path in files if again[path] != files[path]}
    assert set() < changed < files.keys()
    assert changed == {path for path in files if path.name >= "2026-03"}

    # the definitions of a mart have changed, and its build has got half way
    with duckdb.connect(str(home.settings.warehouse / "touchstone.duckdb")) as connection:
        connection.execute("drop view mailgun_metrics_hourly")
        connection.execute("drop view mailgun_metrics_daily")
        connection.execute("drop view intermediate.int_mailgun__metric_values")
        connection.execute("create view mailgun_metrics_daily as select 1 as other")
        connection.execute("delete from intermediate.int_mailgun__counts_by_period")
        connection.execute("delete from intermediate.int_email__mailgun_counts_by_period")
        connection.execute("update metric_catalog set definition = 'new'")
        connection.execute("drop view metric_values_monthly")
    release(home, mailgun="a check found 3 rows")
    after = {mart: published(home, f"select * from {mart} order by all") for mart in marts}
    assert after.pop("metric_catalog") != before["metric_catalog"]
    assert after == {mart: rows for mart, rows in before.items() if mart != "metric_catalog"}
    kept = "select count(*) from metric_catalog where system = 'mailgun' and definition = 'new'"
    assert published(home, kept) == [(0,)]
    row = published(home, "select status, reason, build, run_id from run where system = 'mailgun'")
    assert row == [("held back", "a check found 3 rows", 6, "run 6")]
    comment = "select comment from duckdb_views() where view_name = 'mailgun_metrics_hourly'"
    assert published(home, comment) != [(None,)]
    files = [f"{home.settings.published}/parquet/mailgun_metrics_daily/*.parquet"]
    assert home.ledger_rows(f"select * from read_parquet({files!r}) order by all") == after["mailgun_metrics_daily"]


def test_failures_are_listed_by_system(session_home: TestHome) -> None:
    def failed(**statuses: str) -> dict[str, str]:
        ids = {node["name"]: id_ for id_, node in session_home.project["nodes"].items()}
        same = {"failures": 3, "message": None}
        rows = [{"unique_id": ids[name], "status": status, **same} for name, status in statuses.items()]
        return _failures(session_home.settings, session_home.project, rows)

    assert failed(int_ses__events="success", an_email_event_has_one_row="warn") == {}
    assert failed(int_ses__events="error", ses_metrics_daily="skipped", metric_values_daily="skipped") == {
        "ses": "model int_ses__events failed"
    }
    assert failed(an_email_event_has_one_row="fail") == {"pinpoint": "test an_email_event_has_one_row found 3 rows"}
    # what compares two systems is not a part of either
    assert failed(int_cloudwatch__statistics="error", int_reconciliation__ses="skipped").keys() == {"cloudwatch"}
    # a night may keep the marts, and they show a table that was skipped
    assert failed(int_mailgun__events="error", int_ses__metrics_by_period="skipped").keys() == {"mailgun", "ses"}
    assert failed(reconciliation_reasons="error") == {"catalog": "seed reconciliation_reasons failed"}
    models = ("int_alexa__sessionized_requests", "int_alexa__requests", "int_alexa__purchases", "int_alexa__operations")
    assert failed(**dict.fromkeys(models, "error"))["alexa"].endswith("model int_alexa__purchases failed and 1 more")
    assert failed(int_mailgun__events="error", ses_metrics_daily="skipped") == {
        "mailgun": "model int_mailgun__events failed",
        "ses": "its inputs failed: model int_mailgun__events failed",
    }
