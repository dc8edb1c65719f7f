"""Dagster's history in the home: how long it stays, and what of it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from dagster import DagsterInstance, DagsterRun, RunsFilter

from touchstone.event_log import EventLog, forget_snapshots
from touchstone.settings import Settings

# A run is looked at by somebody that day; later, its events are compacted. A killed one counts as running for ever, so
# its age alone says that it is over: while the home is held, no other is running.
_COMPACTED_AFTER = timedelta(days=1)
# So many runs are looked at for that each night.
_RECENT_RUNS = 10
# Bytes of room that a file of it may have, however small it is, and how long a service may be writing into it.
_ROOM = 4 * 2**20
_BUSY_SECONDS = 5


def expired_runs(instance: DagsterInstance, before: datetime) -> list[DagsterRun]:
    """The runs of before a time, but for those with the newest materialization of an asset."""
    old = instance.get_runs(RunsFilter(created_before=before))
    entries = [record.asset_entry for record in instance.get_asset_records()] if old else []
    newest = {entry.last_materialization_record.run_id for entry in entries if entry.last_materialization_record}
    return [run for run in old if run.run_id not in newest]


def tidy_history(instance: DagsterInstance, settings: Settings, now: datetime) -> None:
    """Delete runs older than `keep_history_days`, with their logs, and compact those that are over.

    The newest materialization of each asset, and the last outcome of each check, stay however old they are. A history
    that is not the home's belongs to somebody else, and stays as it is.
    """
    if instance.root_directory != str(settings.home / "dagster"):
        return
    events = instance.event_log_storage
    before = now - timedelta(days=settings.keep_history_days)
    old = expired_runs(instance, before)
    for run in old:
        instance.delete_run(run.run_id)
        instance.compute_log_manager.delete_logs(prefix=[run.run_id])
    if old:
        forget_snapshots(instance)
    if not isinstance(events, EventLog):
        return  # another storage's tables are not compacted
    if old:
        events.forget_checks({run.run_id for run in instance.get_runs()})
    over = RunsFilter(created_before=now - _COMPACTED_AFTER)
    for run in instance.get_runs(over, limit=_RECENT_RUNS):
        events.compact(run.run_id)
    for file in ("runs.db", "runs/index.db"):
        _give_back(settings.home / "dagster" / "history" / file)


def _give_back(file: Path) -> None:
    """Make a file smaller that has much room: SQLite uses what was deleted again, but keeps it."""
    with closing(sqlite3.connect(file, timeout=_BUSY_SECONDS, isolation_level=None)) as connection:
        free, pages, size = (
            connection.execute(f"pragma {name}").fetchone()[0] for name in ("freelist_count", "page_count", "page_size")
        )
        if free * size > _ROOM and free * 4 > pages:
            connection.execute("vacuum")
