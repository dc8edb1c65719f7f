"""The semantic layer: a dbt project for MetricFlow over the published file, made from the catalog.

Every metric that can be computed from days is a MetricFlow metric; the others are listed with the reason.
"""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import yaml

from touchstone.landing.records import literal
from touchstone.release import PARTS, kinds_of
from touchstone.systems import Manifest

FOLDER = "semantic_layer"
_TEMPLATE = Path(__file__).with_name("semantic_layer_project")
# The view of all days, which MetricFlow joins to fill gaps; event times are of 2000 to 2100.
DAYS = "days"
_DAYS_OF = "date '1999-12-31', date '2101-01-02', interval 1 day"

# Why a metric of a roll-up can't be computed from days.
ROLLUPS_LEFT_OUT = {
    "recount": "A distinct count: who comes on two days would count twice.",
    "recompute": "A percentile or an estimate: it is recomputed from the records of its period.",
    "first": "A state: numbers of several days or keys don't make that of a period.",
    "last": "A state: numbers of several days or keys don't make that of a period.",
    "avg": "A mean whose number of samples isn't in the mart.",
}
OF_NO_SUMS = "A rate whose numerator or denominator can't be summed over days."
REPEATED = "A count that stands on each row of another key: a sum over the rows would repeat it."
NOT_BY_DAY = "Its mart has no days."
AS_ROWS = "A metric that is a row: rows of several dimension sets report the same calls, and a sum would repeat them."
BY_DIMENSION = (
    "The same metric by dimension: a total over dimensions, or over tags, would count a record several times. "
    "Filter the mart by dimension in SQL."
)
REASONS = (*dict.fromkeys(ROLLUPS_LEFT_OUT.values()), OF_NO_SUMS, REPEATED, NOT_BY_DAY, AS_ROWS, BY_DIMENSION)

_AGGREGATIONS = {"sum": "sum", "max": "max", "any": "max"}


@dataclass(frozen=True)
class LeftOut:
    """A metric of the catalog that the layer doesn't have, and why."""

    mart: str
    metric: str
    reason: str


@dataclass
class SemanticMart:
    """A daily mart of a system in the layer: its dimensions, and its metrics by column."""

    system: str
    name: str
    node: Mapping[str, Any]
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def table(self) -> str:
        return f"{self.name}_daily"

    @property
    def dimensions(self) -> list[str]:
        columns = self.node["columns"].items()
        return [name for name, column in columns if "unit" not in column["meta"] and name != "period_start"]

    @property
    def filter(self) -> str | None:
        """Leaves out the rows that total others; takes only those where not all records are in the others."""
        totals = {name: column["meta"] for name, column in self.node["columns"].items() if "total" in column["meta"]}
        return (
            " and ".join(
                f"{{{{ Dimension('{self.name}__{name}') }}}} {'=' if meta.get('parts') == 'incomplete' else '<>'} "
                f"{literal(meta['total'])}"
                for name, meta in totals.items()
            )
            or None
        )


def metric_name(mart: str, column: str) -> str:
    """The name of a metric in the layer; MetricFlow's names are unique over a project and have no double underscore."""
    return f"{mart}_{column}"


def read_catalog(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The entries of the catalog, one for each metric; several labels are one."""
    catalog = connection.sql(
        """
        select
            system, mart, metric, any_value(definition) as definition, any_value(kind) as kind,
            any_value(rollup) as rollup, any_value(unit) as unit, any_value(numerator) as numerator,
            any_value(denominator) as denominator,
            coalesce(string_agg(label, ' / ' order by label), any_value(metric)) as label
        from metric_catalog
        group by all
        order by all
        """
    )
    return list(catalog.to_arrow_table().to_pylist())


def divide(entries: Sequence[dict[str, Any]], manifest: Manifest) -> tuple[list[SemanticMart], list[LeftOut]]:
    """The marts of the layer with the catalog's entries that it has, and those that it leaves out."""
    nodes = {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}
    by_name = {(entry["mart"], entry["metric"]): entry for entry in entries}
    marts: dict[str, SemanticMart] = {}
    left_out = []
    for (mart, metric), entry in by_name.items():
        node = nodes.get(f"{mart}_daily")
        parts = [by_name.get((mart, entry[part])) for part in ("numerator", "denominator") if entry[part]]
        if reason := _reason(entry, node, parts):
            left_out.append(LeftOut(mart, metric, reason))
        elif node:
            marts.setdefault(mart, SemanticMart(entry["system"], mart, node)).entries[metric] = entry
        if f"{mart}_by_dimension_daily" in nodes:
            left_out.append(LeftOut(f"{mart}_by_dimension", metric, BY_DIMENSION))
    return list(marts.values()), left_out


def _reason(
    entry: Mapping[str, Any], node: Mapping[str, Any] | None, parts: Sequence[Mapping[str, Any] | None]
) -> str | None:
    if node is None:
        return NOT_BY_DAY
    if entry["metric"] not in node["columns"]:
        return AS_ROWS
    if "repeats_over" in node["columns"][entry["metric"]]["meta"]:
        return REPEATED
    if entry["rollup"] == "ratio":
        is_of_sums = len(parts) == 2 and all(part and _reason(part, node, ()) is None for part in parts)
        return None if is_of_sums and all(part and part["rollup"] == "sum" for part in parts) else OF_NO_SUMS
    return None if entry["rollup"] in _AGGREGATIONS else ROLLUPS_LEFT_OUT[entry["rollup"]]


def create_days(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the view of all days, the layer's time spine."""
    connection.execute(
        f"create view {PARTS}.{DAYS} as select cast(day as date) as date_day from range({_DAYS_OF}) as days (day)"
    )


def write_semantic_layer(connection: duckdb.DuckDBPyConnection, manifest: Manifest, release: Path) -> None:
    """Write the project beside the published file, of the marts that the file has."""
    existing = kinds_of(connection)
    marts, left_out = divide(read_catalog(connection), manifest)
    marts = [mart for mart in marts if ("main", mart.table) in existing]
    folder = release / FOLDER
    shutil.copytree(_TEMPLATE, folder)
    tables = folder / "models" / "published"
    tables.mkdir()
    for mart in marts:
        (tables / f"{mart.table}.sql").write_text(f"select * from {{{{ source('touchstone', '{mart.table}') }}}}\n")
    labels = _labels(marts)
    _dump(folder / "models" / "sources.yml", {"sources": [_source(marts)]})
    for system in sorted({mart.system for mart in marts}):
        of_system = [mart for mart in marts if mart.system == system]
        _dump(
            folder / "models" / f"{system}.yml",
            {
                "semantic_models": [_semantic_model(mart) for mart in of_system],
                "metrics": [metric for mart in of_system for metric in _metrics(mart, labels)],
            },
        )
    with (folder / "left_out.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["mart", "metric", "reason"])
        writer.writerows((each.mart, each.metric, each.reason) for each in left_out)


def _source(marts: Sequence[SemanticMart]) -> dict[str, Any]:
    return {"name": "touchstone", "schema": "main", "tables": [{"name": mart.table} for mart in marts]}


def _semantic_model(mart: SemanticMart) -> dict[str, Any]:
    columns = mart.node["columns"]
    return {
        "name": mart.name,
        "description": mart.node["description"],
        "model": f"ref('{mart.table}')",
        "defaults": {"agg_time_dimension": "period_start"},
        "primary_entity": mart.name,
        "dimensions": [
            {
                "name": "period_start",
                "type": "time",
                "type_params": {"time_granularity": "day"},
                "description": columns["period_start"]["description"],
            },
            *(
                {"name": name, "type": "categorical", "description": columns[name]["description"]}
                for name in mart.dimensions
            ),
        ],
        "measures": [
            {
                "name": metric_name(mart.name, column),
                "agg": _AGGREGATIONS[entry["rollup"]],
                "expr": f"cast({column} as integer)" if entry["rollup"] == "any" else column,
            }
            for column, entry in mart.entries.items()
            if entry["rollup"] != "ratio"
        ],
    }


def _labels(marts: Sequence[SemanticMart]) -> dict[tuple[str, str], str]:
    """The labels of metrics, by mart and column: with the mart where several have the same, which dbt refuses."""
    labels = {(mart.name, column): entry["label"] for mart in marts for column, entry in mart.entries.items()}
    having = Counter(labels.values())
    return {
        (mart, column): f"{label} ({mart.removesuffix('_metrics').replace('_', ' ')})" if having[label] > 1 else label
        for (mart, column), label in labels.items()
    }


def _metrics(mart: SemanticMart, labels: Mapping[tuple[str, str], str]) -> Iterator[dict[str, Any]]:
    for column, entry in mart.entries.items():
        metric = {
            "name": metric_name(mart.name, column),
            "label": labels[mart.name, column],
            "description": entry["definition"],
            "config": {"meta": {"mart": mart.name, "column": column, "kind": entry["kind"], "unit": entry["unit"]}},
        }
        if entry["rollup"] == "ratio":
            parts = {part: metric_name(mart.name, entry[part]) for part in ("numerator", "denominator")}
            yield metric | {"type": "ratio", "type_params": parts}
        else:
            simple = metric | {"type": "simple", "type_params": {"measure": metric["name"]}}
            yield simple | ({"filter": mart.filter} if mart.filter else {})


def _dump(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(yaml.dump(content, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=120))
