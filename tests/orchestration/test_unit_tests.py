"""Unit tests expect something of every metric, at every grain: a value that is neither NULL nor zero nor false."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import duckdb
import pytest

from .conftest import TestHome
from .test_catalog import AS_ROWS, GRAINS, tables_of

Metric = tuple[str, str]
Row = dict[str, Any]
# What the column `grain` says above the marts. Cohorts are weekly and have no such column.
GRAIN_OF = dict(zip(GRAINS, ("hour", "day", "month"), strict=True))
# NULL in every row: no answer of Pinpoint's API holds it.
ALWAYS_NULL = [("pinpoint_journey_metrics", "next_entry_group_estimate")]


@dataclass(frozen=True)
class Model:
    """What a model reads, and the columns that it has."""

    parents: set[str]
    columns: set[str]


@pytest.fixture(scope="module")
def manifest(session_home: TestHome) -> Any:
    return session_home.manifest


@pytest.fixture(scope="module")
def models(manifest: Any, session_home: TestHome) -> dict[str, Model]:
    session_home.reset()  # other tests leave theirs
    session_home.land()
    session_home.build_empty()
    columns = defaultdict(set)
    for name, column in session_home.query("select table_name, column_name from duckdb_columns()"):
        columns[name].add(column)
    return {
        node.name: Model({id_.split(".")[-1] for id_ in node.depends_on.nodes}, columns[node.name])
        for node in manifest.nodes.values()
        if node.resource_type == "model"
    }


@pytest.fixture(scope="module")
def expected(manifest: Any) -> dict[str, list[Row]]:
    """The rows that all unit tests of a model expect; the manifest has those of fixture files too."""
    rows = defaultdict(list)
    for test in manifest.unit_tests.values():
        rows[test.model] += selected(test.expect.rows) if test.expect.format == "sql" else test.expect.rows
    return rows


def selected(sql: str) -> list[Row]:
    with duckdb.connect() as connection:
        result = connection.execute(sql)
        names = [column[0] for column in result.description or []]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def untested(metrics: list[Metric], models: dict[str, Model], expected: dict[str, list[Row]]) -> set[Metric]:
    """Marts' tables, each with a metric of which no unit test expects anything."""
    found = set()
    for mart, metric in metrics:
        column = "value" if mart == AS_ROWS else metric
        for table in tables_of(mart, models):
            grain = GRAIN_OF.get(table.removeprefix(f"{mart}_"))
            rows = list(expected.get(table, []))
            for model in above(table, column, grain, models):
                rows += [row for row in expected.get(model, []) if row.get("grain") == grain]
            if mart == AS_ROWS:
                rows = [row for row in rows if f"{row.get('namespace')}/{row.get('metric_name')}" == metric]
            if not any(is_something(row.get(column)) for row in rows):
                found.add((table, metric))
    return found


def above(model: str, column: str, grain: str | None, models: dict[str, Model]) -> set[str]:
    """The models that hand a column down under its name, by grain, from one to the next."""
    found = set()
    for name in models[model].parents & models.keys():
        columns = models[name].columns
        if column in columns and ("grain" in columns) == (grain is not None):
            found |= {name} | above(name, column, grain, models)
    return found


def is_something(value: Any) -> bool:
    text = "" if value is None else str(value).strip().lower()  # all values of a CSV are text
    try:
        return float(text) != 0
    except ValueError:
        return text not in ("", "null", "false")


def test_every_metric_is_tested_at_every_grain(
    models: dict[str, Model], expected: dict[str, list[Row]], session_home: TestHome
) -> None:
    metrics = session_home.query("select distinct mart, metric from metric_catalog")
    assert metrics
    known = {(table, metric) for mart, metric in ALWAYS_NULL for table in tables_of(mart, models)}
    assert untested(metrics, models, expected) == known


@pytest.mark.parametrize("nothing", [None, "", "null", 0, "0.0", False, "false"])
@pytest.mark.parametrize(
    ("mart", "metric", "column"),
    [
        ("mailgun_metrics", "opened_rate", "opened_rate"),
        ("pinpoint_activity_metrics", "throttled_unsent", "throttled_unsent"),
        ("pinpoint_wait_metrics", "has_shrunk", "has_shrunk"),
        ("alexa_retention_cohorts", "retention_rate", "retention_rate"),
        (AS_ROWS, "AWS/Connect/MissedCalls", "value"),
    ],
)
def test_a_metric_is_untested_once_nothing_is_expected_of_it(
    models: dict[str, Model], expected: dict[str, list[Row]], mart: str, metric: str, column: str, nothing: Any
) -> None:
    assert not untested([(mart, metric)], models, expected)
    for table in tables_of(mart, models):  # one grain, the others as they are
        grain = GRAIN_OF.get(table.removeprefix(f"{mart}_"))
        blanked = {
            model: [{**row, column: nothing} if model == table or row.get("grain") == grain else row for row in rows]
            for model, rows in expected.items()
        }
        assert untested([(mart, metric)], models, blanked) == {(table, metric)}
