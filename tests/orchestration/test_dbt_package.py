"""Touchstone as a package of a user's own dbt project, over tables that other loaders fill: examples/dbt."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dlt
import duckdb
import pyarrow as pa
import pytest

from tests.orchestration import events, test_ses
from tests.orchestration.conftest import Record, TestHome
from tests.orchestration.reference import event_time, unwrapped
from tests.orchestration.test_sample import write_sample
from touchstone import dbt
from touchstone.landing.records import quoted
from touchstone.settings import PROJECT

_ZONE = "Europe/Berlin"
_LOADED = datetime(2026, 5, 1, tzinfo=UTC)


class Shop:
    """A copy of the example with its warehouse, and dbt in an environment without anything of Touchstone's."""

    def __init__(self, folder: Path) -> None:
        self.folder = shutil.copytree(PROJECT / "examples" / "dbt", folder / "shop")
        self.warehouse = folder / "shop.duckdb"
        packages = self.folder / "packages.yml"
        packages.write_text(packages.read_text().replace("local: ../..", f"local: {PROJECT}"))
        self._environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "SHOP_DATA": str(folder)}
        self.dbt("deps")

    def dbt(self, *arguments: str, may_fail: bool = False) -> str:
        command = [str(Path(sys.executable).with_name("dbt")), "--no-use-colors", *arguments]
        result = subprocess.run(command, cwd=self.folder, env=self._environment, capture_output=True, text=True)
        assert may_fail or result.returncode == 0, result.stdout[-4000:]
        return result.stdout

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def load(self, table: str, rows: list[Record]) -> None:
        """Append to a table, as loaders do."""
        new = pa.Table.from_pylist(rows)
        with duckdb.connect(str(self.warehouse)) as connection:
            connection.execute(f"create schema if not exists {table.split('.')[0]}")
            connection.register("new", new)
            connection.execute(f"create table if not exists {table} as from new limit 0")
            connection.execute(f"insert into {table} by name from new")

    def load_by_airbyte(self, records: list[Record], sync: int) -> None:
        """Scalars as columns, everything else as JSON; the rows of a sync are written in any order."""
        names = sorted({name for record in _mailgun_events() for name in record})
        rows = [
            {name: _as_column(record.get(name)) for name in names}
            | {"_airbyte_raw_id": f"{sync} {number}", "_airbyte_extracted_at": _loaded_at(sync, number)}
            for number, record in enumerate(records)
        ]
        self.load("airbyte.mailgun_events", rows)

    def load_by_athena(self, records: list[Record], sync: int) -> None:
        """Names in lower case, the values of maps as they are; equal rows without an id of their own."""
        names = {name.lower() for record in _ses_events() for name in record}
        rows = [
            dict.fromkeys(names)
            | {"ingest_timestamp": _loaded_at(sync, number)}
            | {
                name.lower(): json.dumps(_in_lower_case(value)) if isinstance(value, dict) else value
                for name, value in record.items()
            }
            for number, record in enumerate(records)
        ]
        self.load("athena.ses_events", rows)

    def load_by_dlt(self, records: list[Record]) -> None:
        pipeline = dlt.pipeline(
            "mailgun",
            pipelines_dir=str(self.folder.parent / "dlt"),
            destination=dlt.destinations.duckdb(str(self.warehouse)),
            dataset_name="mailgun",
        )
        pipeline.run(records, table_name="events", loader_file_format="parquet")


def _loaded_at(sync: int, number: int) -> datetime:
    """Of a later sync, but for some of its rows earlier than the last of the sync before."""
    return _LOADED + timedelta(minutes=10 * sync - number % 40)


def _as_column(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict | list) else value


def _in_lower_case(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name.lower(): child if name in ("tags", "linkTags") else _in_lower_case(child)
            for name, child in value.items()
        }
    return [*map(_in_lower_case, value)] if isinstance(value, list) else value


def _mailgun_events() -> list[Record]:
    return unwrapped(events.some_events(seed=5, count=300))


def _ses_events() -> list[Record]:
    records = test_ses.some_events(seed=5, count=300)
    return [json.loads(r["Message"]) if "Message" in r else r.get("detail", r) for r in records]


def _marts(home: TestHome, systems: str) -> dict[str, list[tuple[Any, ...]]]:
    return {name: rows for name, rows in home.marts().items() if name.split("_")[0] in systems.split()}


def _published(shop: Shop, names: Iterable[str]) -> dict[str, list[tuple[Any, ...]]]:
    return {name: shop.query(f"from dev_engagement.{name} order by all") for name in names}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_its_marts_are_those_of_the_same_records_landed_as_files(home: TestHome, shop: Shop) -> None:
    """In two loads each, of which the second has rows that claim to be older than the first's last."""
    mailgun, ses = _mailgun_events(), _ses_events()
    home.put("mailgun/events", "all.jsonl.gz", mailgun)
    home.put("ses/events", "all.jsonl.gz", ses)
    home.land()
    home.build(reporting_timezone=_ZONE)
    expected = _marts(home, "mailgun ses")
    assert len(expected) == 12 and all(expected.values())
    for sync in (0, 1):
        shop.load_by_airbyte(mailgun[sync::2], sync)
        shop.load_by_athena(ses[sync::2], sync)
        assert "events_that_cannot_count (" not in shop.dbt("build")
    assert _published(shop, expected) == expected
    assert shop.query("from dev.campaigns") != []


def test_dlts_flattened_tables_give_the_same_marts(home: TestHome, shop: Shop) -> None:
    mailgun = [
        {name: value for name, value in event.items() if name not in ("@timestamp", "user-variables")}
        | {"timestamp": event_time(event).timestamp()}
        for event in _mailgun_events()
    ]
    home.put("mailgun/events", "all.jsonl.gz", mailgun)
    home.land()
    home.build(reporting_timezone=_ZONE)
    expected = _marts(home, "mailgun")
    for sync in (0, 1):
        shop.load_by_dlt(mailgun[sync::2])
        shop.dbt("build", "--vars", "mailgun_loader: dlt", "--exclude", "ses_events_that_cannot_count stg_ses__events+")
    assert _published(shop, expected) == expected


def test_every_streams_records_in_a_table_are_read_as_landing_reads_them(home: TestHome) -> None:
    """The lake's rows, as JSON, give the lake's rows."""
    write_sample(home.settings.inbox, "--clean", "--events", "1500", "--days", "5")
    home.land()
    calls = [
        f"{{{{ landed_table('{stream.system}', '{stream.name}', 'records', 'loaded_at', 'id', record='record') }}}}"
        for stream in home.streams.values()
    ]
    result = dbt.invoke("--log-level", "none", "compile", "--inline", "--next".join(calls), manifest=home.manifest)
    queries = result.result.results[0].node.compiled_code.split("--next")
    for stream, query in zip(home.streams.values(), queries, strict=True):
        names = ", ".join(map(quoted, stream.columns))
        lake = f"read_parquet('{home.settings.lake}/{stream.source}/*.parquet', union_by_name = true)"
        with duckdb.connect() as connection:
            connection.execute("set timezone = 'UTC'")
            connection.execute(
                f"create table records as select to_json(struct_pack({names})) as record, _record_id as id, "
                f"timestamp '2026-05-01' as loaded_at from {lake}"
            )
            # where the vendor gives records no id, the key is a hash of a text, which is written differently
            named = [f"{quoted(n)} ->> '$'" if t == "json" else quoted(n) for n, t in stream.columns.items()]
            keys = ["_at", "_date", "_kind", *(["_key"] if "_record" not in stream.key else [])]
            values = ", ".join(named + keys)
            landed, read = (f"select {values} from {each}" for each in (lake, f"{query} where _is_counted"))
            count, *_ = connection.execute(f"select count(*) from {lake}").fetchone() or (0,)
            different = connection.execute(
                f"({landed} except all {read}) union all ({read} except all {landed})"
            ).fetchall()
        assert count > 0, stream.source
        assert different == [], stream.source
