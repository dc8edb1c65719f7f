"""The numbers of the report, from a release: metrics by day, and each system's last day beside the days before it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from math import copysign, inf, sqrt
from statistics import fmean, median, variance
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from touchstone.landing.records import literal
from touchstone.report.headlines import Chart, Combined, Over, System, Threshold, above_one, combined, label

# Days in a chart.
SHOWN_DAYS = 90
# A day is compared with the same weekday of so many weeks before; where fewer than enough of those have a number, with
# all days of so many before, and without a status where fewer than enough of those have one.
COMPARED_WEEKS, ENOUGH_WEEKS = 8, 4
COMPARED_DAYS, _ENOUGH_DAYS = 28, 7
# How many standard deviations from the mean of the days before are unusual: of a headline, and of a key, as there are
# hundreds of keys. A key has moved only if so many records more or fewer than usual are behind it.
_UNUSUAL, _MOVED = 3, 4
LEAST_RECORDS = 10
# Lines in a chart, and keys looked at for those that moved: of more of them the largest.
_LINES, _KEYS = 4, 200

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
    """A line of a chart: the numbers of a metric by day, of rates with their denominators; `is_counted` if they count
    what happened. `above_one` says why a rate can be above 1. Charts show the lines with the largest `weight`.
    """

    label: str
    unit: str
    combined: Combined
    is_counted: bool
    values: dict[date, float]
    denominators: dict[date, float]
    above_one: str
    weight: float

    def records(self, difference: float, day: date) -> float:
        """How many records a difference from the day's number is; any number of them where it isn't of records."""
        if self.combined == "quotient":
            return abs(difference) * self.denominators.get(day, 0)
        return abs(difference) if self.is_counted else inf


@dataclass(frozen=True)
class Comparison:
    """A day beside the `days` before it that are comparable and have a number: those of the same weekday, or all.

    `deviations` is how many standard deviations it lies above their mean. `status` is empty if that is usual.
    """

    line: Line
    value: float | None
    median: float | None
    low: float | None
    high: float | None
    days: int
    same_weekday: bool
    deviations: float
    status: str
    reached: Threshold | None


@dataclass(frozen=True)
class Drawn:
    """A chart with its lines, and the number of lines `excluded` as too many."""

    chart: Chart
    lines: list[Line]
    excluded: int


@dataclass(frozen=True)
class Moved:
    """The keys of one kind whose number of the day is beyond what chance explains, farthest first."""

    title: str
    comparisons: list[Comparison]


@dataclass(frozen=True)
class Section:
    system: System
    window: Window
    charts: list[Drawn]
    comparisons: list[Comparison]
    moved: list[Moved]


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
    windows = {
        system: Window(last - timedelta(days=SHOWN_DAYS - 1), last, until, release)
        for system, (last, until) in _newest(connection, systems).items()
    }
    values = _values(connection, [system for system in systems if system.system in windows], windows)
    for system in systems:
        found = values.get(system.system)
        if not found:
            continue  # no record, or no row has the keys that the charts select
        window = windows[system.system]
        window = replace(window, first=max(window.first, min(day for daily in found.values() for day in daily)))
        lines = [
            _lines(chart, number, found, entries, window.first, _names(connection, chart))
            for number, chart in enumerate((*system.charts, *system.movers))
        ]
        charts = [_drawn(chart, of_it) for chart, of_it in zip(system.charts, lines, strict=False)]
        day = window.compared()
        compared = [compare(line, day, c.chart.thresholds) for c in charts for line in c.lines] if day else []
        movers = zip(system.movers, lines[len(charts) :], strict=True)
        moved = [Moved(chart.title, moved_in(of_it, day)) for chart, of_it in movers if day]
        yield Section(system, window, charts, compared, [each for each in moved if each.comparisons])


def _newest(connection: duckdb.DuckDBPyConnection, systems: Sequence[System]) -> dict[str, tuple[date, datetime]]:
    """The newest day of each system's headlines, and the end of the newest hour."""
    only = _only([chart for system in systems for chart in system.charts])
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
    connection: duckdb.DuckDBPyConnection, systems: Sequence[System], windows: Mapping[str, Window]
) -> dict[str, dict[Key, dict[date, Day]]]:
    """The numbers of each system's lines by day, with the earlier days that rates over several days need; of keys that
    may have moved those of the compared day's weekday.

    One query for all of them: DuckDB plans every mart that the long table is made of, which takes longer than it reads.
    """
    wanted = [
        {
            "system": system.system,
            "chart": number,
            "mart": chart.mart,
            "metric": metric,
            "by": chart.by,
            "only": json.dumps(chart.only),
            "since": window.first - timedelta(days=chart.over.days - 1)
            if number < len(system.charts)
            else day - timedelta(weeks=COMPARED_WEEKS),
            "day": day,
            "step": 1 if number < len(system.charts) else 7,
        }
        for system in systems
        for window in [windows[system.system]]
        for day in [window.compared() or window.last]
        for number, chart in enumerate((*system.charts, *system.movers))
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
                system varchar, chart bigint, mart varchar, metric varchar, "by" varchar, "only" varchar,
                since date, day date, step bigint
            )[], recursive := true)
        ),
        combined as (
            select
                system,
                chart,
                metric,
                coalesce(keys ->> "by", '') as part,
                period_start as day,
                any_value(step) as step,
                sum(value) as total,
                max(value) as highest,
                sum(numerator) filter (where denominator is not null) as numerator,
                sum(denominator) filter (where numerator is not null) as denominator
            from metric_values_daily
            inner join wanted using (system, mart, metric)
            where {_only([chart for system in systems for chart in (*system.charts, *system.movers)])}
                and period_start >= $2::date and period_start >= since
                and (wanted.day - period_start) % step = 0 and json_contains(keys, "only")
            group by system, chart, metric, part, period_start
        ),
        weighed as (
            select *, sum(coalesce(denominator, total)) over (partition by system, chart, metric, part) as weight
            from combined
        )
        select * exclude (weight, step)
        from weighed
        qualify step = 1 or dense_rank() over (partition by system, chart, metric order by weight desc, part) <= {_KEYS}
        """,
        wanted,
        min(f"{each['since']}" for each in wanted),
    ):
        system, key = row.pop("system"), (row.pop("chart"), row.pop("metric"), row.pop("part"))
        day = row.pop("day")
        found.setdefault(system, {}).setdefault(key, {})[day] = Day(**row)
    return found


def _only(charts: Sequence[Chart]) -> str:
    """The condition for the charts' metrics: constants let DuckDB skip other marts."""
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


def _lines(
    chart: Chart,
    number: int,
    found: Mapping[Key, Mapping[date, Day]],
    entries: Mapping[tuple[str, str], Row],
    first: date,
    names: Mapping[str, str],
) -> list[Line]:
    lines = []
    for metric in chart.metrics:
        entry = entries[chart.mart.removesuffix("_by_dimension"), metric]
        for part in sorted(part for where, name, part in found if (where, name) == (number, metric)):
            daily = found[number, metric, part]
            called = names.get(part, part)
            words = label(metric)
            if chart.by:
                words = called if len(chart.metrics) == 1 else f"{called}: {words.lower()}"
            numbers = {day: _number(daily, day, entry, chart.over) for day in daily if day >= first}
            lines.append(
                Line(
                    words,
                    entry["unit"],
                    combined(entry),
                    combined(entry) == "sum" and entry["kind"] != "sum",
                    {day: value for day, (value, _) in numbers.items() if value is not None},
                    {day: divided_by for day, (_, divided_by) in numbers.items()},
                    above_one(entry),
                    sum(day.denominator or day.total or 0 for day in daily.values()),
                )
            )
    return lines


def _drawn(chart: Chart, lines: Sequence[Line]) -> Drawn:
    most = sorted(lines, key=lambda line: -line.weight)[:_LINES]
    return Drawn(chart, [line for line in lines if line in most], len(lines) - len(most))


def _number(daily: Mapping[date, Day], day: date, entry: Row, over: Over) -> tuple[float | None, float]:
    """The number of a day, combined from several keys as the catalog allows, and what it is divided by, if anything."""
    match combined(entry):
        case "sum":
            return daily[day].total, 0
        case "highest":
            return daily[day].highest, 0
        case "quotient":
            parts = [each for n in range(over.days) if (each := daily.get(day - timedelta(days=n)))]
            divided_by = sum(each.denominator or 0 for each in parts)
            if divided_by < over.least or not divided_by:
                return None, divided_by
            return sum(each.numerator or 0 for each in parts) / divided_by, divided_by


def compare(line: Line, day: date, thresholds: Sequence[Threshold] = ()) -> Comparison:
    """A day beside those days before it that have a number: a day without records is not a day of 0."""
    before = [each for n in range(COMPARED_WEEKS) if (each := day - timedelta(weeks=n + 1)) in line.values]
    same_weekday = len(before) >= ENOUGH_WEEKS
    if not same_weekday:
        before = [each for n in range(COMPARED_DAYS) if (each := day - timedelta(days=n + 1)) in line.values]
    value = line.values.get(day)
    reached = max(
        (t for t in thresholds if value is not None and value >= t.value), key=lambda t: t.value, default=None
    )
    status, deviations = "", 0.0
    if value is None:
        status = "no data"
    elif not same_weekday and len(before) < _ENOUGH_DAYS:
        status = "too few days before"
    else:
        deviations = _deviations(line, day, before)
        status = "" if abs(deviations) < _UNUSUAL else "above" if deviations > 0 else "below"
    values = [line.values[each] for each in before]
    middle, low, high = (median(values), min(values), max(values)) if values else (None, None, None)
    return Comparison(line, value, middle, low, high, len(before), same_weekday, deviations, status, reached)


def _deviations(line: Line, day: date, before: Sequence[date]) -> float:
    """How many standard deviations a number lies above the mean of at least four days before.

    The standard deviation is of the difference between two such numbers: that of chance alone, Poisson's of counts and
    the binomial one of rates, or that between the days, whichever is larger. What few days show of the latter is
    enlarged to the variance of Student's t. Of other numbers chance is not known: a tenth is never unusual.
    """
    values, value, n = [line.values[each] for each in before], line.values[day], len(before)
    mean = fmean(values)
    chance = (mean / 10 / _UNUSUAL) ** 2
    if line.combined == "quotient":
        weights = [line.denominators[each] for each in before]
        weight, weight_before = line.denominators[day], sum(weights)
        mean = sum(each * by for each, by in zip(values, weights, strict=True)) / weight_before
        pooled = (mean * weight_before + value * weight) / (weight_before + weight)
        chance = pooled * (1 - pooled if pooled < 1 else 1) * (1 / weight + 1 / weight_before)
    elif line.is_counted:
        chance = (mean * n + value) / (n + 1) * (1 + 1 / n)
    deviation = sqrt(max(chance, variance(values) * (1 + 1 / n) * (n - 1) / (n - 3)))
    difference = value - mean
    return difference / deviation if deviation else copysign(inf, difference) if difference else 0.0


def moved_in(lines: Sequence[Line], day: date) -> list[Comparison]:
    """The keys that have moved, farthest first. Of counts, days without a row of a key that has some before are 0."""
    known = {each for line in lines for each in line.values}
    if day not in known:
        return []
    found = []
    for line in lines:
        first, numbers = min(line.values, default=day), len(line.values.keys() - {day})
        if numbers < ENOUGH_WEEKS or not (line.is_counted or line.combined == "quotient"):
            continue
        if line.is_counted:
            line = replace(line, values=dict.fromkeys((each for each in known if each >= first), 0.0) | line.values)
        compared = compare(line, day)
        middle = compared.median or 0.0
        if abs(compared.deviations) >= _MOVED and line.records((compared.value or 0.0) - middle, day) >= LEAST_RECORDS:
            found.append(compared)
    return sorted(found, key=lambda compared: -abs(compared.deviations))
