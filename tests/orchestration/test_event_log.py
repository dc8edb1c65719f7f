"""Our event log stores what Dagster's own class would have stored, in less time."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest
from dagster import (
    AssetCheckKey,
    AssetCheckResult,
    AssetCheckSpec,
    AssetKey,
    AssetMaterialization,
    AssetSpec,
    DagsterEvent,
    DagsterEventType,
    DagsterInstance,
    EventLogEntry,
    MaterializeResult,
    materialize,
    multi_asset,
)
from dagster._core.events import AssetMaterializationPlannedData, StepMaterializationData
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.base import EventLogStorage

import touchstone
from touchstone.event_log import EventLog, last_evaluations

RUN = "0fe0ab5d-0b3b-4a3f-8ba4-6f2a2ad3f6f6"
ASSETS = [AssetKey(["mart", name]) for name in "abc"]


def planned(key: AssetKey, at: float = 1_770_000_000.0) -> EventLogEntry:
    return entry(DagsterEventType.ASSET_MATERIALIZATION_PLANNED, AssetMaterializationPlannedData(key), at)


def made(key: AssetKey, at: float = 1_770_000_060.0) -> EventLogEntry:
    return entry(DagsterEventType.ASSET_MATERIALIZATION, StepMaterializationData(AssetMaterialization(key)), at)


def entry(kind: DagsterEventType, data: Any, at: float) -> EventLogEntry:
    event = DagsterEvent(kind.value, "nightly", event_specific_data=data, step_key="models")
    return EventLogEntry(
        error_info=None, level=10, user_message="", run_id=RUN, timestamp=at, job_name="nightly", dagster_event=event
    )


def rows(folder: Path) -> dict[str, list[Any]]:
    """The rows of the databases, without the times of writing."""
    found = {}
    for shard in (RUN, "index"):
        with closing(sqlite3.connect(folder / f"{shard}.db")) as connection:
            for table in ("event_logs", "asset_keys", "asset_event_tags"):
                described = connection.execute(f"select * from {table} order by 1")
                names = [column for column, *_ in described.description or ()]
                stored = [
                    [v for n, v in zip(names, row, strict=True) if not n.endswith("create_timestamp")]
                    for row in described
                ]
                found[f"{shard}.{table}"] = stored
    return found


@pytest.fixture
def storages(tmp_path: Path) -> Iterator[tuple[EventLog, SqliteEventLogStorage]]:
    with DagsterInstance.ephemeral() as instance:
        ours, theirs = EventLog(str(tmp_path)), SqliteEventLogStorage(str(tmp_path / "theirs"))
        for storage in (ours, theirs):
            storage.register_instance(instance)
        yield ours, theirs


def keys_of(storage: EventLogStorage) -> set[AssetKey]:
    return {record.asset_entry.asset_key for record in storage.get_asset_records()}


def test_a_batch_stores_what_dagster_stores_one_by_one(
    storages: tuple[EventLog, SqliteEventLogStorage], tmp_path: Path
) -> None:
    ours, theirs = storages
    announced, done = [planned(key) for key in ASSETS], [made(key) for key in ASSETS[:2]]
    ours.store_event_batch(announced)
    for event in done:
        ours.store_event(event)
    for event in [*announced, *done]:
        theirs.store_event(event)
    stored = rows(tmp_path / "history" / "runs")
    assert stored == rows(tmp_path / "theirs")
    assert len(stored[f"{RUN}.event_logs"]) == len(stored["index.event_logs"]) == 5


def test_either_class_reads_and_continues_what_the_other_wrote(
    storages: tuple[EventLog, SqliteEventLogStorage], tmp_path: Path
) -> None:
    ours, _ = storages
    ours.store_event_batch([planned(key) for key in ASSETS[:2]])
    other = SqliteEventLogStorage(str(tmp_path / "history" / "runs"))
    other.register_instance(ours._instance)
    other.store_event(made(ASSETS[2]))
    assert keys_of(ours) == keys_of(other) == set(ASSETS)
    assert len(ours.get_logs_for_run(RUN)) == 3


def test_a_batch_can_be_the_first_write_in_an_existing_home(tmp_path: Path) -> None:
    for run_id in (RUN, f"{RUN}-2"):
        with DagsterInstance.ephemeral() as instance:
            ours = EventLog(str(tmp_path))
            ours.register_instance(instance)
            ours.store_event_batch([planned(key)._replace(run_id=run_id) for key in ASSETS])
            assert len(ours.get_logs_for_run(run_id)) == 3


def test_a_batch_that_fails_leaves_nothing(
    storages: tuple[EventLog, SqliteEventLogStorage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, _ = storages
    store = EventLog.store_event

    def fail(self: EventLog, event: EventLogEntry) -> None:
        if event.dagster_event and event.dagster_event.asset_key == ASSETS[2]:
            raise sqlite3.OperationalError("disk I/O error")
        store(self, event)

    with monkeypatch.context() as patched:
        patched.setattr(EventLog, "store_event", fail)
        with pytest.raises(sqlite3.OperationalError):
            ours.store_event_batch([planned(key) for key in ASSETS])
    assert not any(rows(tmp_path / "history" / "runs").values())
    # and Dagster, which then stores one after another, finds it in order
    for key in ASSETS:
        ours.store_event(planned(key))
    assert keys_of(ours) == set(ASSETS)


def test_other_threads_see_a_batch_whole_or_not_at_all(storages: tuple[EventLog, SqliteEventLogStorage]) -> None:
    ours, _ = storages
    seen: list[int] = []
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            seen.append(len(ours.get_logs_for_run(RUN)))

    ours.get_logs_for_run(RUN)
    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for batch in range(8):
        ours.store_event_batch([planned(AssetKey([str(batch), str(number)])) for number in range(50)])
    over.set()
    for reader in readers:
        reader.join()
    assert {count % 50 for count in seen} == {0}
    assert len(ours.get_logs_for_run(RUN)) == 400


def test_a_server_holds_no_files_of_the_runs_it_has_seen(
    storages: tuple[EventLog, SqliteEventLogStorage], tmp_path: Path
) -> None:
    ours, _ = storages
    for number in range(12):
        ours.store_event(planned(ASSETS[0])._replace(run_id=f"{RUN}-{number}"))
    held = {Path(file.path).name for file in psutil.Process().open_files() if file.path.startswith(str(tmp_path))}
    assert {name for name in held if name.endswith(".db")} == {"index.db", f"{RUN}-11.db"}


def test_an_excluded_check_keeps_its_last_outcome() -> None:
    instance = DagsterInstance.ephemeral()
    key = AssetCheckKey(AssetKey("mart"), "is_right")
    specs = [AssetCheckSpec("is_right", asset="mart")]

    @multi_asset(specs=[AssetSpec("mart")], check_specs=specs, can_subset=True)
    def mart(context) -> Iterator[Any]:  # type: ignore[no-untyped-def]
        yield MaterializeResult(asset_key="mart")
        if not context.run.tags.get("excluded"):
            yield AssetCheckResult(asset_key="mart", check_name="is_right", passed=False)

    assert last_evaluations(instance, [key]) == {}
    for tags in ({}, {"excluded": "true"}):
        materialize([mart], instance=instance, tags=tags)
        assert last_evaluations(instance, [key])[key].passed is False


def test_no_other_module_uses_dagsters_private_api() -> None:
    """The webserver's application and a run's health have no public names; Dagster's version is pinned."""
    package = Path(touchstone.__file__).parent
    private = re.compile(r"\bdagster(_dbt)?\.(\w+\.)*_|^from dagster\S* import _", re.MULTILINE)
    found = {path.name for path in package.rglob("*.py") if private.search(path.read_text())}
    assert found == {"event_log.py", "run_launcher.py", "ui.py"}


def test_a_home_keeps_its_events_in_it(home: Any) -> None:
    with DagsterInstance.get() as instance:
        assert isinstance(instance.event_log_storage, EventLog)
        folder = Path(instance.event_log_storage.conn_string_for_shard("index").removeprefix("sqlite:///")).parent
    assert folder == home.settings.home / "dagster" / "history" / "runs"


def test_all_events_are_on_the_disk_when_it_is_disposed_of(storages: Any, tmp_path: Path) -> None:
    ours, _ = storages
    ours.store_event(planned(ASSETS[0]))
    (database,) = tmp_path.rglob(f"{RUN}.db")
    with closing(sqlite3.connect(database)) as server:  # has it open, so that closing ours writes nothing
        assert server.execute("select count(*) from event_logs").fetchone() == (1,)
        ours.dispose()
        alone = tmp_path / "alone.db"
        alone.write_bytes(database.read_bytes())
    with closing(sqlite3.connect(alone)) as connection:
        assert connection.execute("select count(*) from event_logs").fetchone() == (1,)
    ours.store_event(made(ASSETS[0]))
    assert len(ours.get_logs_for_run(RUN)) == 2
