"""The files that Superset imports: the database, a dataset for each mart, and the charts of dashboards.yml.

Columns, metrics, descriptions and roll-ups come from the marts' contracts.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import yaml

from bi.home import PROJECT

_IDS = uuid.UUID("5b1f7c52-3f0e-5d6b-9d61-6f3f0f0c7a11")
_VERSION = "1.0.0"
_FORMATS = {"ratio": ".2~%", "percent": ",.1~f", "milliseconds": ",.0f", "seconds": ",.0f", "USD": "$,.2f"}
# Superset's own colours, assigned here: Superset may give two lines of a chart the same one.
_COLOURS = (
    "#1FA8C9", "#454E7C", "#5AC189", "#FF7F44", "#666666", "#E04355", "#FCC700", "#A868B7", "#3CCCCB", "#A38F79",
    "#8FD3E4", "#A1A6BD", "#ACE1C4", "#FEC0A1", "#B2B2B2", "#EFA1AA", "#FDE380", "#D3B3DA", "#9EE5E5", "#D1C6BC",
)  # fmt: skip
_COLUMNS_OF_DASHBOARD = 12
_DEFAULT_RANGE = "Last 90 days"
# Superset's name for yesterday.
_YESTERDAY = "Last day"
_VIEWS = {
    "number": "big_number_total",
    "lines": "echarts_timeseries_line",
    "bars": "echarts_timeseries_bar",
    "table": "table",
}


@dataclass(frozen=True)
class Mart:
    """A mart by its contract: its keys and other descriptive columns, and its metrics."""

    name: str
    description: str
    columns: dict[str, dict[str, str]]
    metrics: dict[str, dict[str, str]]

    @property
    def time(self) -> str:
        return "period_start" if "period_start" in self.columns else "cohort_week"


def bundle(published: Path, scratch: Path, memory_limit: str) -> dict[str, str]:
    """The files of an import, by path."""
    declared = yaml.safe_load((PROJECT / "bi" / "dashboards.yml").read_text())
    found = {mart.name: mart for mart in marts()}
    files: dict[str, Any] = {
        "metadata.yaml": {"version": _VERSION, "type": "assets", "timestamp": "2026-01-01T00:00:00+00:00"},
        "databases/touchstone.yaml": _database(published, scratch, memory_limit),
    }
    for mart in found.values():
        files[f"datasets/touchstone/{mart.name}.yaml"] = _dataset(mart, declared)
    for dashboard in declared["dashboards"]:
        charts = [_Chart(dashboard["title"], chart, found[chart["mart"]]) for chart in dashboard["charts"]]
        for chart in charts:
            files[f"charts/{chart.id}.yaml"] = chart.file()
        files[f"dashboards/{dashboard['title'].lower()}.yaml"] = _dashboard(dashboard, charts, found)
    return {path: yaml.safe_dump(content, sort_keys=False, allow_unicode=True) for path, content in files.items()}


def marts() -> Iterator[Mart]:
    """The marts that have metrics, from their contracts.

    Numbers are metrics and never columns: Superset would offer the mean of a column of rates.
    """
    texts = "\n".join(path.read_text() for path in (PROJECT / "models").rglob("*.md"))
    docs = dict(re.findall(r"{% docs (\w+) %}\n(.*?)\n{% enddocs %}", texts, re.DOTALL))
    for path in sorted((PROJECT / "models" / "marts").glob("*/_*.yml")):
        for model in yaml.safe_load(path.read_text()).get("models", []):
            columns, metrics = {}, {}
            for column in model["columns"]:
                name, meta = column["name"], column.get("config", {}).get("meta", {})
                doc = re.sub(r"{{ doc\('(\w+)'\) }}", lambda match: docs[match[1]], column["description"])
                if "kind" in meta and meta["unit"] != "text":
                    metrics[name] = {**meta, "definition": doc}
                elif meta.get("unit", "text") == "text" and column["data_type"] != "double":
                    columns[name] = {"type": column["data_type"].upper(), "description": doc}
            if metrics or model["name"].startswith("cloudwatch_metrics"):
                yield Mart(model["name"], model["description"], columns, metrics)


def _database(published: Path, scratch: Path, memory_limit: str) -> dict[str, Any]:
    config = {
        # SQL Lab can't open other files or write any.
        "enable_external_access": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "lock_configuration": True,
        "memory_limit": memory_limit,
        "temp_directory": str(scratch),
    }
    return {
        "database_name": "Touchstone",
        "sqlalchemy_uri": f"duckdb:///{published}",
        "expose_in_sqllab": True,
        "allow_dml": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_file_upload": False,
        "extra": {"engine_params": {"connect_args": {"read_only": True, "config": config}}},
        "uuid": _id("database"),
        "version": _VERSION,
    }


def _dataset(mart: Mart, declared: Mapping[str, Any]) -> dict[str, Any]:
    conditions = [f"min({rule}) = max({rule})" for key, rule in declared["apart"].items() if key in mart.columns]
    metrics = [
        _metric(name, row["definition"], row["unit"], *aggregate(mart, name, name in declared["alone"]), conditions)
        for name, row in mart.metrics.items()
    ]
    if mart.name.startswith("cloudwatch_metrics"):
        metrics += [
            _metric(name, each["description"], "count", each["sql"], None, conditions)
            for name, each in declared["statistics"].items()
        ]
    return {
        "table_name": mart.name,
        "main_dttm_col": mart.time,
        "description": mart.description,
        "schema": "main",
        "uuid": _id(mart.name),
        "columns": [
            {
                "column_name": name,
                "verbose_name": _words(name),
                "is_dttm": name == mart.time,
                "type": column["type"],
                "groupby": True,
                "filterable": True,
                "description": column["description"],
            }
            for name, column in mart.columns.items()
        ],
        "metrics": metrics,
        "version": _VERSION,
        "database_uuid": _id("database"),
    }


def aggregate(mart: Mart, name: str, alone: bool) -> tuple[str, str | None]:
    """The SQL of a metric over several rows, and a warning.

    Sums and maxima are taken over all rows; a rate divides the sums of numerator and denominator. Other metrics, such
    as distinct users and percentiles, can't be computed from several rows, and are NULL.
    """
    row = mart.metrics[name]
    match "alone" if alone else row["rollup"]:
        case "sum":
            return f"sum({name})", None
        case "max":
            return f"max({name})", None
        case "any":
            return f"max(cast({name} as integer))", None
        case "ratio" if all(
            mart.metrics.get(row[part], {}).get("rollup") == "sum" for part in ("numerator", "denominator")
        ):
            return f"sum({row['numerator']}) / nullif(sum({row['denominator']}), 0)", None
        case _:
            return (
                f"case when count(*) = 1 then max({name}) end",
                "NULL for several rows: it can't be computed from the numbers of several periods or keys.",
            )


def _metric(
    name: str, description: str, unit: str, sql: str, warning: str | None, conditions: list[str]
) -> dict[str, Any]:
    if conditions:
        sql = f"case when {' and '.join(conditions)} then {sql} end"
    return {
        "metric_name": name,
        "verbose_name": _words(name),
        "expression": sql,
        "description": description,
        "d3format": _FORMATS.get(unit, ",.2~f"),
        "warning_text": warning,
    }


class _Chart:
    """A chart of dashboards.yml, with its metrics under the name of its view."""

    def __init__(self, dashboard: str, declared: Mapping[str, Any], mart: Mart) -> None:
        self.declared = declared
        self.mart = mart
        self.title: str = declared["title"]
        (self.view,) = declared.keys() & _VIEWS.keys()
        metrics = declared[self.view]
        self.metrics: list[str] = [metrics] if isinstance(metrics, str) else metrics
        self.by: list[str] = declared.get("by", [])
        self.of_yesterday: bool = self.view == "number" or declared.get("yesterday", False)
        self.of_time: bool = self.view in ("lines", "bars")
        self.width: int = declared.get("width", 3 if self.view == "number" else 6)
        self.id = _id(dashboard, self.title)

    def file(self) -> dict[str, Any]:
        return {
            "slice_name": self.title,
            "description": "\n\n".join(f"**{name}**: {self._definition(name)}" for name in self.metrics),
            "viz_type": _VIEWS[self.view],
            "params": self._parameters(),
            "query_context": json.dumps(self._query()),
            "uuid": self.id,
            "version": _VERSION,
            "dataset_uuid": _id(self.mart.name),
        }

    def _definition(self, metric: str) -> str:
        return self.mart.metrics[metric]["definition"]

    @property
    def _range(self) -> str:
        return _YESTERDAY if self.of_yesterday else _DEFAULT_RANGE

    def _parameters(self) -> dict[str, Any]:
        """The chart's parameters in Superset's editor."""
        filters = [
            {
                "clause": "WHERE",
                "expressionType": "SIMPLE",
                "operator": "TEMPORAL_RANGE",
                "subject": self.mart.time,
                "comparator": self._range,
            }
        ]
        if where := self.declared.get("where"):
            filters.append({"clause": "WHERE", "expressionType": "SQL", "sqlExpression": where})
        parameters: dict[str, Any] = {"viz_type": _VIEWS[self.view], "adhoc_filters": filters}
        if self.view == "number":
            return parameters | {"metric": self.metrics[0]}
        parameters |= {"metrics": self.metrics, "groupby": self.by, "row_limit": 10000}
        if self.of_time:
            return parameters | {
                "x_axis": self.mart.time,
                "time_grain_sqla": "P1D",
                "stack": "Stack" if self.view == "bars" else None,
                "show_legend": True,
                "rich_tooltip": True,
                "y_axis_format": _FORMATS.get(self.mart.metrics[self.metrics[0]]["unit"], "SMART_NUMBER"),
                "x_axis_time_format": "%d %b",
                # A day without rows isn't a day of zeros.
                "connectNulls": False,
            }
        return parameters | {"query_mode": "aggregate", "order_desc": True, "table_timestamp_format": "%Y-%m-%d"}

    def _query(self) -> dict[str, Any]:
        """The query that the browser derives from the parameters, for clients of Superset's API."""
        axis = {
            "columnType": "BASE_AXIS",
            "expressionType": "SQL",
            "sqlExpression": self.mart.time,
            "label": self.mart.time,
            "timeGrain": "P1D",
        }
        query = {
            "columns": [*([axis] if self.of_time else []), *self.by],
            "metrics": self.metrics,
            "filters": [{"col": self.mart.time, "op": "TEMPORAL_RANGE", "val": self._range}],
            "extras": {"where": f"({where})" if (where := self.declared.get("where")) else ""},
            "row_limit": 10000,
        }
        return {
            # The import puts in the dataset's id.
            "datasource": {"id": 0, "type": "table"},
            "queries": [query],
            "result_format": "json",
            "result_type": "full",
            "form_data": self._parameters(),
        }


def _dashboard(declared: Mapping[str, Any], charts: list[_Chart], found: Mapping[str, Mart]) -> dict[str, Any]:
    title = declared["title"]
    numbers = {chart.id: number for number, chart in enumerate(charts, start=1)}
    filters = [
        {
            "id": "NATIVE_FILTER-period",
            "name": "Period",
            "filterType": "filter_time",
            "targets": [{}],
            "defaultDataMask": {
                "extraFormData": {"time_range": _DEFAULT_RANGE},
                "filterState": {"value": _DEFAULT_RANGE},
            },
            "scope": _scope([numbers[chart.id] for chart in charts if chart.of_yesterday]),
            "type": "NATIVE_FILTER",
        }
    ]
    for column in declared["filters"]:
        having = next(chart.mart for chart in charts if column in chart.mart.columns)
        filters.append(
            {
                "id": f"NATIVE_FILTER-{column}",
                "name": _words(column),
                "filterType": "filter_select",
                "targets": [{"column": {"name": column}, "datasetUuid": _id(having.name)}],
                "defaultDataMask": {"extraFormData": {}, "filterState": {}},
                "controlValues": {"multiSelect": True, "enableEmptyFilter": False},
                "scope": _scope([numbers[chart.id] for chart in charts if column not in chart.mart.columns]),
                "type": "NATIVE_FILTER",
            }
        )
    lines = [name for chart in charts if chart.of_time and not chart.by for name in chart.metrics]
    return {
        "dashboard_title": title,
        "slug": title.lower(),
        "uuid": _id(title),
        "position": _position(title, charts, numbers),
        "metadata": {
            "native_filter_configuration": filters,
            "cross_filters_enabled": False,
            "color_scheme": "supersetColors",
            "label_colors": dict(zip(dict.fromkeys(lines), cycle(_COLOURS), strict=False)),
            "refresh_frequency": 0,
            "filter_bar_orientation": "HORIZONTAL",
        },
        "published": True,
        "version": _VERSION,
    }


def _scope(excluded: list[int]) -> dict[str, Any]:
    return {"rootPath": ["ROOT_ID"], "excluded": excluded}


def _position(title: str, charts: list[_Chart], numbers: Mapping[str, int]) -> dict[str, Any]:
    """The charts in order, in rows of the dashboard's width."""
    rows: list[list[_Chart]] = []
    for chart in charts:
        if not rows or sum(each.width for each in rows[-1]) + chart.width > _COLUMNS_OF_DASHBOARD:
            rows.append([])
        rows[-1].append(chart)
    position: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"id": "ROOT_ID", "type": "ROOT", "children": ["GRID_ID"]},
        "GRID_ID": {
            "id": "GRID_ID",
            "type": "GRID",
            "parents": ["ROOT_ID"],
            "children": [f"ROW-{number}" for number, _ in enumerate(rows)],
        },
        "HEADER_ID": {"id": "HEADER_ID", "type": "HEADER", "meta": {"text": title}},
    }
    for number, row in enumerate(rows):
        name = f"ROW-{number}"
        position[name] = {
            "id": name,
            "type": "ROW",
            "parents": ["ROOT_ID", "GRID_ID"],
            "children": [f"CHART-{chart.id}" for chart in row],
            "meta": {"background": "BACKGROUND_TRANSPARENT"},
        }
        for chart in row:
            position[f"CHART-{chart.id}"] = {
                "id": f"CHART-{chart.id}",
                "type": "CHART",
                "parents": ["ROOT_ID", "GRID_ID", name],
                "children": [],
                "meta": {
                    "uuid": chart.id,
                    "chartId": numbers[chart.id],
                    "sliceName": chart.title,
                    "width": chart.width,
                    "height": 20 if chart.view == "number" else 50,
                },
            }
    return position


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _id(*names: str) -> str:
    """An id from names, the same in every home, so that an import replaces the objects of the one before."""
    return str(uuid.uuid5(_IDS, "/".join(names)))
