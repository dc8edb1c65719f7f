"""The macros of the project's incremental builds, in a project of one view and two models."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import build, needs_java
from pyspark.sql import SparkSession

import touchstone.spark

MACROS = Path(touchstone.spark.__file__).with_name("macros")

pytestmark = needs_java

# Spark hides the values of properties in whose names it sees a token.
FILES = {
    "dbt_project.yml": """
        {name: small, profile: touchstone_spark, models: {small: {+post-hook: '{{ finish_build() }}'}},
         flags: {send_anonymous_usage_stats: false}}
    """,
    "models/stg_tokens.sql": """
        {{ config(materialized='view') }}
        select *, day as record_date, load_id > 1 as is_revision from parquet.`{{ var('lake') }}`
    """,
    "models/int_events.sql": """
        {{ config(materialized='incremental', incremental_strategy='insert_overwrite', file_format='parquet',
                  partition_by=['partition_month'], unique_key='event', on_schema_change='fail') }}
        select event, day, {{ load_id() }} as load_id, date_format(day, 'yyyy-MM') as partition_month
        from {{ ref('stg_tokens') }}
        where load_id <= {{ landed_through('stg_tokens') }}
        {% if is_incremental() %} and load_id > {{ loaded_through('stg_tokens') }} {% endif %}
    """,
    "models/int_days.sql": """
        {{ config(materialized='incremental', incremental_strategy='insert_overwrite', file_format='parquet',
                  partition_by=['partition_month'], unique_key=['day'], on_schema_change='fail') }}
        select {{ broadcast('new') }}
            day, count(*) as events, {{ load_id() }} as load_id, date_format(day, 'yyyy-MM') as partition_month
        from {{ ref('int_events') }}
        {% if is_incremental() %}
        left semi join (
            select day from {{ ref('int_events') }} where load_id > {{ loaded_through('int_events') }}
        ) as new using (day)
        {% endif %}
        group by day
    """,
    "models/int_versions.sql": """
        {{ config(materialized='incremental', incremental_strategy='insert_overwrite', file_format='parquet',
                  partition_by=['partition_month'], unique_key=['event', 'day'], on_schema_change='fail') }}
        select event, day, {{ load_id() }} as load_id, date_format(day, 'yyyy-MM') as partition_month
        from {{ ref('stg_tokens') }}
        {% if is_incremental() %}
        where record_date in ({{ revised_dates('stg_tokens', ['event']) }})
        and record_date in ({{ revised_dates('stg_tokens', ['record_date', 'event']) }})
        {% endif %}
    """,
}


class Project:
    """The project over records that land load by load."""

    def __init__(self, folder: Path, session: SparkSession) -> None:
        self.folder, self.session = folder, session
        self._loads = 0
        self.compiled: dict[str, str] = {}
        for name, text in FILES.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)
        shutil.copytree(MACROS, folder / "macros")

    def land(self, **days: str) -> None:
        self._loads += 1
        rows = ", ".join(f"('{event}', date '{day}', {self._loads})" for event, day in days.items())
        records = self.session.sql(f"select * from values {rows} as records (event, day, load_id)")
        records.write.mode("append").parquet(str(self.folder / "lake"))

    def build(self) -> dict[str, str]:
        """Build all models; returns for each how: from all records, or of what is new."""
        before = self._full_refreshes()
        results = build("run", self.folder, self.folder / "lake", reporting_timezone="UTC")
        assert {node.status for node in results} == {"success"}, [node.message for node in results]
        self.compiled = {node.node.name: node.node.compiled_code for node in results}
        return {name: "new" if number == before.get(name) else "all" for name, number in self._full_refreshes().items()}

    def _full_refreshes(self) -> dict[str, str]:
        names = [name for name in ("int_events", "int_days") if self.session.catalog.tableExists(f"touchstone.{name}")]
        return {name: self.marks(name)["full_refresh"] for name in names}

    def marks(self, name: str) -> dict[str, str]:
        rows = self.session.sql(f"show tblproperties touchstone.{name}").collect()
        return {key.removeprefix("touchstone."): value for key, value in rows}

    def rows(self, name: str) -> list[tuple[Any, ...]]:
        columns = {"int_events": "event, cast(day as string)", "int_days": "cast(day as string), events"}[name]
        return [tuple(row) for row in self.session.sql(f"select {columns} from touchstone.{name} order by 1").collect()]

    def partitions(self, name: str) -> list[str]:
        return [row[0] for row in self.session.sql(f"show partitions touchstone.{name}").collect()]

    def files(self, name: str) -> dict[str, set[str]]:
        """The files of each partition."""
        found: dict[str, set[str]] = {}
        for file in self.session.table(f"touchstone.{name}").inputFiles():
            found.setdefault(Path(file).parent.name, set()).add(Path(file).name)
        return found


@pytest.fixture
def project(session: SparkSession, tmp_path: Path) -> Iterator[Project]:
    yield Project(tmp_path, session)
    session.sql("drop database touchstone cascade")


def test_a_build_reads_what_is_new_and_writes_the_months_that_it_touches(project: Project) -> None:
    project.land(a="2026-01-05", b="2026-02-05")
    assert project.build() == {"int_events": "all", "int_days": "all"}
    before = project.files("int_days")
    project.land(c="2026-02-05", d="2026-02-06")
    assert project.build() == {"int_events": "new", "int_days": "new"}
    assert project.rows("int_days") == [("2026-01-05", 1), ("2026-02-05", 2), ("2026-02-06", 1)]
    after = project.files("int_days")
    assert {month for month in before if after[month] == before[month]} == {"partition_month=2026-01"}
    marks = project.marks("int_days")
    assert project.build() == {"int_events": "new", "int_days": "new"}
    assert project.files("int_days") == after, "nothing has landed"
    assert project.marks("int_days")["load_id"] == marks["load_id"], "nothing has changed"


def test_a_row_that_moves_to_another_month_leaves_none_behind(project: Project) -> None:
    project.land(a="2026-01-05", b="2026-02-05", c="2026-02-06")
    project.build()
    project.land(a="2026-03-01", b="2026-03-01")
    assert project.build()["int_events"] == "new"
    assert project.rows("int_events") == [("a", "2026-03-01"), ("b", "2026-03-01"), ("c", "2026-02-06")]
    assert project.partitions("int_events") == ["partition_month=2026-02", "partition_month=2026-03"]


def test_after_a_build_that_was_killed_the_next_one_reads_all_records(project: Project) -> None:
    project.land(a="2026-01-05")
    project.build()
    project.session.sql("create table touchstone.int_events__new as select * from touchstone.int_events where false")
    project.session.sql("insert into touchstone.int_events values ('half', date '2026-01-06', 1, '2026-01')")
    assert project.build() == {"int_events": "all", "int_days": "all"}
    assert project.rows("int_days") == [("2026-01-05", 1)]
    assert project.build() == {"int_events": "new", "int_days": "new"}


def test_a_changed_view_builds_what_reads_it_from_all_records(project: Project) -> None:
    project.land(a="2026-01-05", b="2026-01-06")
    project.build()
    view = project.folder / "models" / "stg_tokens.sql"
    view.write_text(view.read_text() + " where event <> 'a'")
    assert project.build() == {"int_events": "all", "int_days": "all"}
    assert project.rows("int_days") == [("2026-01-06", 1)]


def test_a_build_of_what_is_new_reads_the_dates_of_revised_records_and_knows_what_is_small(project: Project) -> None:
    project.land(a="2026-01-05", b="2026-02-05")
    project.build()
    project.land(a="2026-03-01")
    project.build()
    versions = project.compiled["int_versions"]
    assert "record_date in (date '2026-01-05', date '2026-03-01')" in versions, "those of all versions of the record"
    assert "record_date in (date '2026-03-01')" in versions, "the one that the key has"
    assert "/*+ broadcast(new) */" in project.compiled["int_days"]
    project.build()
    assert "record_date in (null)" in project.compiled["int_versions"]
