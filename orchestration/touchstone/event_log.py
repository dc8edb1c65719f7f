"""Uses of Dagster's private API, as `run_launcher` and `ui` have: nothing else in the package imports `dagster._...`.

`EventLog` is Dagster's SQLite event log at a fifth of the time per event. Dagster writes an event for every asset and
check before a run starts and another when each is done: some 700 a night. Dagster's class creates an engine for every
statement, which compiles the statement again, and opens transactions for every event. Tables, files and their contents
are Dagster's: either class reads what the other wrote. Where it was measured, a night
took 19 s of CPU with this class, and 29 s without.

`last_evaluations` reads the last outcomes of checks: the public API covers the last run alone, in which an excluded
check may be planned and never evaluated.

`forget_snapshots` deletes what the deleting of runs leaves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

from dagster import AssetCheckEvaluation, AssetCheckKey, DagsterInstance, EventLogEntry
from dagster._core.storage.asset_check_execution_record import COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME
from dagster._core.storage.runs import SqlRunStorage
from dagster._core.storage.runs.schema import SnapshotsTable
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, StaticPool, create_engine, func, select, true


def last_evaluations(
    instance: DagsterInstance, keys: Sequence[AssetCheckKey]
) -> dict[AssetCheckKey, AssetCheckEvaluation]:
    """The last outcome of each check that has one, even if it is nights old."""
    storage = instance.event_log_storage
    last = storage.get_latest_asset_check_execution_by_key(keys)
    found = {}
    for key in keys:
        record = last.get(key)
        if record and record.status not in COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES:
            records = storage.get_asset_check_execution_history(
                key, limit=1, status=COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES
            )
            record = records[0] if records else None
        event = record.event if record else None
        if event and event.dagster_event:
            found[key] = event.dagster_event.asset_check_evaluation_data
    return found


_events, _checks = SqlEventLogStorageTable, AssetCheckExecutionsTable
_OF_RUNNING = _events.c.dagster_event_type.in_(
    ["ASSET_CHECK_EVALUATION_PLANNED", "ASSET_MATERIALIZATION_PLANNED", "STEP_OUTPUT"]
)


def forget_snapshots(instance: DagsterInstance) -> None:
    """Delete the snapshots of jobs and plans that no run has: each night may have another selection of assets."""
    storage = instance.run_storage
    if not isinstance(storage, SqlRunStorage):
        return
    runs = instance.get_runs()
    jobs = {run.job_snapshot_id for run in runs if run.job_snapshot_id}  # few, and each takes a while to read
    kept = jobs | {run.execution_plan_snapshot_id for run in runs}
    for job in jobs:
        if whole := instance.get_job_snapshot(job).lineage_snapshot:
            kept.add(whole.parent_snapshot_id)
    with storage.connect() as connection:
        connection.execute(SnapshotsTable.delete().where(SnapshotsTable.c.snapshot_id.not_in(kept - {None})))


class EventLog(SqliteEventLogStorage):
    """dagster.yaml names it, with Dagster's home as `base_dir`: its files are where Dagster's own class puts them.

    Dagster stores events in batches where DAGSTER_EVENT_BATCH_SIZE sets their size.
    """

    # Dagster looks for the table of checks at each event; `_initdb` has created it.
    supports_asset_checks: Any = True

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: dict[str, Engine] = {}
        self._batch: dict[str, Connection] = {}  # of the thread that holds the lock
        super().__init__(str(Path(base_dir, "history", "runs")), inst_data)
        self._db_lock: Any = RLock()

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> EventLog:
        return cls(inst_data=inst_data, **config_value)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store the events of one run in one transaction."""
        (run_id,) = {event.run_id for event in events}
        with self._db_lock, self._connect(run_id) as run, self._connect(INDEX_SHARD_NAME) as index:
            self._batch = {run_id: run, INDEX_SHARD_NAME: index}
            try:
                super().store_event_batch(events)
            finally:
                self._batch = {}

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            if shard in self._batch:
                yield self._batch[shard]
                return
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection

    def _engine(self, shard: str) -> Engine:
        """The engine of the index or of a run, with its connection; of one run at a time, as a server sees hundreds."""
        if shard not in self._engines:
            if shard != INDEX_SHARD_NAME:
                for other in self._engines.keys() - {INDEX_SHARD_NAME}:
                    self._engines.pop(other).dispose()
            self._engines[shard] = engine = create_engine(
                self.conn_string_for_shard(shard),
                poolclass=StaticPool,
                connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
            )
            with engine.connect() as connection:
                # A commit needn't reach the disk at once: a power cut may cost the events of the runs that it ends.
                connection.exec_driver_sql("pragma synchronous = normal")
        return self._engines[shard]

    def delete_events(self, run_id: str) -> None:
        """Delete a run's events, and the file that has them."""
        super().delete_events(run_id)
        with self._db_lock:
            if engine := self._engines.pop(run_id, None):
                engine.dispose()
            self._initialized_dbs.discard(run_id)
        for file in Path(self.path_for_shard(run_id)).parent.glob(f"{run_id}.db*"):
            file.unlink()

    def compact(self, run_id: str) -> None:
        """Delete those events of a finished run that only a running one needs: more than half of their bytes."""
        of_running = (_events.c.run_id == run_id, _OF_RUNNING)
        with self._db_lock:
            with self._connect(INDEX_SHARD_NAME) as connection:
                if not connection.execute(select(_events.c.id).where(*of_running).limit(1)).first():
                    return  # the index is last: the run's file, which takes longer to open, is compact
            with self._connect(run_id) as connection:
                connection.execute(_events.delete().where(*of_running))
            with self._engine(run_id).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("vacuum")
            with self._connect(INDEX_SHARD_NAME) as connection:
                connection.execute(_events.delete().where(*of_running))

    def forget_checks(self, kept: Collection[str]) -> None:
        """Delete the outcomes of checks in other runs than these, but for the last one of each check."""
        of_check = [_checks.c.asset_key, _checks.c.check_name]
        done = _checks.c.execution_status.in_(
            [status.value for status in COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES]
        )
        newest, last = (select(func.max(_checks.c.id)).where(each).group_by(*of_check) for each in (true(), done))
        is_gone = _checks.c.run_id.not_in(kept)
        with self.index_connection() as connection:
            connection.execute(_checks.delete().where(is_gone, _checks.c.id.not_in(newest), _checks.c.id.not_in(last)))

    def dispose(self) -> None:
        """All events are on the disk after it, even where a server has the files open too."""
        super().dispose()
        with self._db_lock:
            for engine in self._engines.values():
                with engine.connect() as connection:
                    connection.exec_driver_sql("pragma wal_checkpoint")
                engine.dispose()
            self._engines = {}
