"""The numbers of the report, from a release: metrics by day, and each system's last day beside the days before it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from touchstone.landing.records import literal
from touchstone.report.headlines import Chart, Combined, Over, System, Threshold, combined, label

# Days in a chart, days that a day is compared with, and how many of those need a number for a status.
SHOWN_DAYS = 90
COMPARED_DAYS = 28
_ENOUGH_DAYS = 7
# Lines in a chart; of a key with more values the largest are shown.
_LINES = 4

Row = dict[str, Any]


@dataclass(frozen=True)
class Release:
    """A release by the table `run`: the row of its newest system. `published_at` is UTC."""

    run_id: str
    published_at: datetime
    landing: int
    zone: ZoneInfo


@dataclass(frozen=True)
class Window:
    """The days shown for a system, up to its newest. `until` is the end of the newest hour with data, UTC."""

    first: date
    last: date
    until: datetime
    release: Release

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    def end(self, day: date) -> datetime:
        """When a day of the reporting zone ends, in UTC."""
        return datetime.combine(day + timedelta(days=1), time(), self.release.zone).astimezone(UTC)

    def is_over(self, day: date) -> bool:
        return self.end(day) <= self.release.published_at

    def compared(self) -> date | None:
        """The newest day that was over when the release was published."""
        return next((day for day in reversed(self.days) if self.is_over(day)), None)

    def stops_early(self, day: date) -> bool:
        """Whether the day's last hours have no data: they were quiet, or their records are yet to land."""
        return day == self.last and self.until < self.end(day)


@dataclass(frozen=True)
class Day:
    """The numbers of several keys on a day, combined in every way that a metric may allow."""

    total: float | None
    highest: float | None
    numerator: float | None
    denominator: float | None


# A chart's number, a metric, and a value of the key that its lines show, empty without such a key.
Key = tuple[int, str, str]


@dataclass(frozen=True)
class Line:
    """A line of a chart: the numbers of a metric by day. Charts show the lines with the largest `weight`."""

    label: str
    unit: str
    combined: Combined
    values: dict[date, float]
    weight: float


@dataclass(frozen=True)
class Comparison:
    """A day beside the `days` with a number among the 28 before it. `status` is empty within their range."""

    line: Line
    value: float | None
    median: float | None
    low: float | None
    high: float | None
    days: int
    status: str
    reached: Threshold | None


@dataclass(frozen=True)
class Drawn:
    """A chart with its lines, and the number of lines `excluded` as too many."""

    chart: Chart
    lines: list[Line]
    excluded: int


@dataclass(frozen=True)
class Section:
    system: System
    window: Window
    charts: list[Drawn]
    comparisons: list[Comparison]


def rows(connection: duckdb.DuckDBPyConnection, sql: str, *parameters: Any) -> list[Row]:
    """The rows of a query, by the names of its columns."""
    result = connection.execute(sql, list(parameters))
    names = [name for name, *_ in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def release_of(connection: duckdb.DuckDBPyConnection) -> Release:
    (run,) = rows(connection, "from run order by published_at desc nulls last limit 1")
    return Release(
        run["run_id"],
        run["published_at"].replace(tzinfo=UTC),
        run["landing"],
        ZoneInfo(run["reporting_timezone"]),
    )


def sections(
    connection: duckdb.DuckDBPyConnection, systems: Sequence[System], catalog: Iterable[Row]
) -> Iterable[Section]:
    """The systems that have data. Reads the days shown, and of earlier history only which days exist."""
    release = release_of(connection)
    entries = {(entry["mart"], entry["metric"]): entry for entry in catalog}
    newest = _newest(connection, systems)
    values = _values(connection, [system for system in systems if system.system in newest], newest)
    for system in systems:
        found = values.get(system.system)
        if not found:
            continue  # no record, or no row has the keys that the charts select
        last, until = newest[system.system]
        earliest = last - timedelta(days=SHOWN_DAYS - 1)
        first = max(earliest, min(day for daily in found.values() for day in daily))
        window = Window(first, last, until, release)
        charts = [
            _drawn(chart, number, found, entries, first, _names(connection, chart))
            for number, chart in enumerate(system.charts)
        ]
        yield Section(system, window, charts, list(_compare(charts, window)))


def _newest(connection: duckdb.DuckDBPyConnection, systems: Sequence[System]) -> dict[str, tuple[date, datetime]]:
    """The newest day of each system's headlines, and the end of the newest hour."""
    only = _only(systems)
    by_day = rows(
        connection, f"select system, max(period_start) as day from metric_values_daily where {only} group by system"
    )
    if not by_day:
        return {}
    since = min(row["day"] for row in by_day) - timedelta(days=1)  # an hour of UTC may be of the day before
    by_hour = rows(
        connection,
        f"""
        select system, max(period_start) as hour
        from metric_values_hourly
        where {only} and period_start >= ?
        group by system
        """,
        since,
    )
    hours = {row["system"]: row["hour"].replace(tzinfo=UTC) + timedelta(hours=1) for row in by_hour}
    return {row["system"]: (row["day"], hours[row["system"]]) for row in by_day}


def _values(
    connection: duckdb.DuckDBPyConnection, systems: Sequence[System], newest: Mapping[str, tuple[date, datetime]]
) -> dict[str, dict[Key, dict[date, Day]]]:
    """The numbers of each system's lines by day, with the earlier days that rates over several days need.

    One query for all of them: DuckDB plans every mart that the long table is made of, which takes longer than it reads.
    """
    since = {
        system.system: newest[system.system][0]
        - timedelta(days=SHOWN_DAYS + max(chart.over.days for chart in system.charts) - 2)
        for system in systems
    }
    wanted = [
        {
            "system": system.system,
            "chart": number,
            "mart": chart.mart,
            "metric": metric,
            "by": chart.by,
            "only": json.dumps(chart.only),
            "since": since[system.system],
        }
        for system in systems
        for number, chart in enumerate(system.charts)
        for metric in chart.metrics
    ]
    if not wanted:
        return {}
    found: dict[str, dict[Key, dict[date, Day]]] = {}
    for row in rows(
        connection,
        f"""
        with wanted as (
            select unnest($1::struct(
                system varchar, chart bigint, mart varchar, metric varchar, "by" varchar, "only" varchar, since date
            )[], recursive := true)
        )
        select
            system,
            chart,
            metric,
            coalesce(keys ->> "by", '') as part,
            period_start as day,
            sum(value) as total,
            max(value) as highest,
            sum(numerator) filter (where denominator is not null) as numerator,
            sum(denominator) filter (where numerator is not null) as denominator
        from metric_values_daily
        inner join wanted using (system, mart, metric)
        where {_only(systems)} and period_start >= $2 and period_start >= since and json_contains(keys, "only")
        group by system, chart, metric, part, day
        """,
        wanted,
        min(since.values()),
    ):
        system, key = row.pop("system"), (row.pop("chart"), row.pop("metric"), row.pop("part"))
        day = row.pop("day")
        found.setdefault(system, {}).setdefault(key, {})[day] = Day(**row)
    return found


def _only(systems: Sequence[System]) -> str:
    """The condition for the headlines' metrics: constants let DuckDB skip other marts."""
    charts = [chart for system in systems for chart in system.charts]
    names = {"mart": {chart.mart for chart in charts}, "metric": {m for chart in charts for m in chart.metrics}}
    return " and ".join(f"{column} in ({', '.join(map(literal, sorted(of_it)))})" for column, of_it in names.items())


def _names(connection: duckdb.DuckDBPyConnection, chart: Chart) -> dict[str, str]:
    """The names of the values of a chart's key; values that share a name are added to it."""
    if not chart.named:
        return {}
    named = {
        row["part"]: row["name"]
        for row in rows(
            connection,
            f'''
            select distinct "{chart.by}" as part, "{chart.named}" as name
            from {chart.mart}_daily
            where "{chart.named}" is not null
            ''',
        )
    }
    uses = Counter(named.values())
    return {part: name if uses[name] == 1 else f"{name} ({part})" for part, name in named.items()}


def _drawn(
    chart: Chart,
    number: int,
    found: Mapping[Key, Mapping[date, Day]],
    entries: Mapping[tuple[str, str], Row],
    first: date,
    names: Mapping[str, str],
) -> Drawn:
    lines = []
    for metric in chart.metrics:
        entry = entries[chart.mart, metric]
        for part in sorted(part for where, name, part in found if (where, name) == (number, metric)):
            daily = found[number, metric, part]
            called = names.get(part, part)
            words = called if chart.by and len(chart.metrics) == 1 else f"{label(metric)} {called}".strip()
            values = {
                day: value
                for day in daily
                if day >= first and (value := _number(daily, day, entry, chart.over)) is not None
            }
            weight = sum(day.denominator or day.total or 0 for day in daily.values())
            lines.append(Line(words, entry["unit"], combined(entry), values, weight))
    most = sorted(lines, key=lambda line: -line.weight)[:_LINES]
    return Drawn(chart, [line for line in lines if line in most], len(lines) - len(most))


def _number(daily: Mapping[date, Day], day: date, entry: Row, over: Over) -> float | None:
    """The number of a day, combined from several keys as the catalog allows."""
    match combined(entry):
        case "sum":
            return daily[day].total
        case "highest":
            return daily[day].highest
        case "quotient":
            parts = [each for n in range(over.days) if (each := daily.get(day - timedelta(days=n)))]
            divided_by = sum(each.denominator or 0 for each in parts)
            if divided_by < over.least or not divided_by:
                return None
            return sum(each.numerator or 0 for each in parts) / divided_by


def _compare(charts: Iterable[Drawn], window: Window) -> Iterable[Comparison]:
    day = window.compared()
    if day is None:
        return
    for drawn in charts:
        for line in drawn.lines:
            yield compare(line, day, drawn.chart.thresholds)


def compare(line: Line, day: date, thresholds: Sequence[Threshold]) -> Comparison:
    """A day beside those of the 28 before it that have a number: a day without records is not a day of 0."""
    before = [
        line.values[earlier]
        for earlier in (day - timedelta(days=n) for n in range(1, COMPARED_DAYS + 1))
        if earlier in line.values
    ]
    value = line.values.get(day)
    reached = max(
        (t for t in thresholds if value is not None and value >= t.value), key=lambda t: t.value, default=None
    )
    status = ""
    if value is None:
        status = "no data"
    elif len(before) < _ENOUGH_DAYS:
        status = "too few days before"
    elif value > max(before):
        status = "above"
    elif value < min(before):
        status = "below"
    if not before:
        return Comparison(line, value, None, None, None, 0, status, reached)
    return Comparison(line, value, median(before), min(before), max(before), len(before), status, reached)
