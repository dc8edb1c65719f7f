"""The page: the template's data, from numbers, ledger, checks and catalog."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import duckdb
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from touchstone.console import counted
from touchstone.landing.ledger import Ledger
from touchstone.landing.quarantine import open_groups
from touchstone.landing.streams import read_streams
from touchstone.release import held_back
from touchstone.report import charts, words
from touchstone.report.headlines import System
from touchstone.report.news import News
from touchstone.report.numbers import (
    COMPARED_DAYS,
    COMPARED_WEEKS,
    ENOUGH_WEEKS,
    LEAST_RECORDS,
    SHOWN_DAYS,
    Comparison,
    Drawn,
    Row,
    Section,
    release_of,
    rows,
)

_HERE = Path(__file__).parent
# How many entries of a long list are shown; the page states how many more there are.
_SHOWN = 12
_SHOWN_REASONS = 50


def render(
    connection: duckdb.DuckDBPyConnection,
    ledger: Ledger,
    catalog: Sequence[Row],
    systems: Sequence[System],
    shown: Sequence[Section],
    news: News,
    checks: int,
    off: Collection[str] = (),
) -> str:
    """The page of the release that `connection` has open: the sections `shown` of the `systems`, and what is new.

    `checks` is how many there are; the sources `off` are left out.
    """
    order = {system.system: position for position, system in enumerate(systems)}
    release = release_of(connection)
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": words.number,
        "limit": words.limit,
        "span": words.span,
        "day": words.day,
        "weekday": words.weekday,
        "basis": words.basis,
        "since": words.since,
        "counted": counted,
        "short_day": words.short_day,
        "instant": words.instant,
        "moment": words.moment,
        "above_one": lambda values, days: any(values.get(day, 0) > 1 for day in days),
        "breakable": _breakable,
        "percent_of": _percent_of,
    }
    return environment.get_template("page.html.jinja").render(
        css=Markup((_HERE / "page.css").read_text(encoding="utf-8")),
        script=Markup((_HERE / "page.js").read_text(encoding="utf-8")),
        release=release,
        today=release.published_at.astimezone(release.zone).date(),
        news=news,
        sections=shown,
        held_back=held_back(connection),
        without_data=[system.title for system in systems if system not in [section.system for section in shown]],
        ledger=_ledger(connection),
        fetched=ledger.fetched.totals(),
        quarantine=[group for group in open_groups(ledger.connection) if group.source not in off],
        uncounted=[found for source in read_streams() if source not in off and (found := _uncounted(ledger, source))],
        checks=checks,
        reconciliation=_reconciliation(connection),
        catalog=sorted(catalog, key=lambda entry: order.get(entry["system"], len(order))),
        svg=_svg,
        alternative=_alternative,
        bar=_bar,
        groups=_groups,
        moved=_moved,
        draws=charts,
        compared_days=COMPARED_DAYS,
        compared_weeks=COMPARED_WEEKS,
        enough_weeks=ENOUGH_WEEKS,
        least_records=LEAST_RECORDS,
        shown_changes=_SHOWN,
        shown_days=SHOWN_DAYS,
        shown_reasons=_SHOWN_REASONS,
    )


def _svg(drawn: Drawn, section: Section) -> Markup:
    window = section.window
    unfinished = {day for day in window.days if not window.is_over(day) or window.stops_early(day)}
    return Markup(charts.draw(drawn.lines, drawn.chart.thresholds, window.days, unfinished))


def _alternative(drawn: Drawn) -> str:
    """The text alternative of a chart."""
    sentences = []
    for line in drawn.lines:
        if not line.values:
            continue
        last = max(line.values)
        low, high = (words.number(end(line.values.values()), line.unit) for end in (min, max))
        sentences.append(
            f"{line.label}: {words.number(line.values[last], line.unit)} on {words.day(last)}, from {low} to {high}."
        )
    limits = [f"{t.name} at {words.limit(t.value, drawn.lines[0].unit)}" for t in drawn.chart.thresholds]
    return f"Line chart, {drawn.chart.title}. {' '.join(sentences)}" + (
        f" Thresholds: {', '.join(limits)}." if limits else ""
    )


def _groups(section: Section) -> list[tuple[str, list[Comparison]]]:
    """The comparisons of each chart, with its title where they need one."""
    return [
        (
            drawn.chart.title if drawn.chart.by or len(drawn.lines) > 1 else "",
            [comparison for comparison in section.comparisons if comparison.line in drawn.lines],
        )
        for drawn in section.charts
        if drawn.lines
    ]


def _moved(section: Section) -> list[tuple[str, list[Comparison]]]:
    """The keys that moved farthest, by kind."""
    every = sorted((abs(each.deviations) for kind in section.moved for each in kind.comparisons), reverse=True)
    least = every[:_SHOWN][-1]
    shown = [(kind.title, [c for c in kind.comparisons if abs(c.deviations) >= least]) for kind in section.moved]
    return [(title, comparisons) for title, comparisons in shown if comparisons]


def _bar(comparison: Comparison) -> str:
    """The positions of range, median and value on a bar from the lowest to the highest of them, as CSS variables."""
    low, middle, high, value = comparison.low, comparison.median, comparison.high, comparison.value
    if low is None or middle is None or high is None:
        return ""
    known = [low, high] if value is None else [low, high, value]
    start, span = min(known), max(known) - min(known)
    marks = {"low": low, "high": high, "median": middle} | ({} if value is None else {"value": value})
    return ";".join(f"--{name}:{100 * (at - start) / span if span else 50:.1f}%" for name, at in marks.items())


def _ledger(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    return rows(
        connection,
        """
        select
            source, count(*) as files, sum(records)::bigint as records, sum(accepted)::bigint as accepted,
            sum(duplicates)::bigint as duplicates, sum(quarantined)::bigint as quarantined,
            sum(ignored)::bigint as ignored, max(landed_at) as landed_at
        from intermediate.landed_files
        group by source
        order by source
        """,
    )


def _uncounted(ledger: Ledger, source: str) -> dict[str, Any]:
    """A source's ignored records and undeclared fields; empty if it has neither."""
    counts = {"ignored": ledger.ignored_kinds(source), "undeclared": ledger.unknown_fields(source)}
    most = {name: sorted(found.items(), key=lambda item: (-item[1], item[0])) for name, found in counts.items()}
    shown = {name: (found[:_SHOWN], len(found) - len(found[:_SHOWN])) for name, found in most.items()}
    return {"source": source, **shown} if any(counts.values()) else {}


def _reconciliation(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Our numbers beside the vendors' in the days shown; empty if no vendor reported any."""
    recent = f"""
        from reconciliation_daily
        where period_start > (select max(period_start) from reconciliation_daily) - {SHOWN_DAYS}
    """
    counted = rows(
        connection,
        f"""
        select
            system,
            count(*) filter (status = 'equal') as equal,
            count(*) filter (status = 'explained') as explained,
            count(*) filter (status = 'unexplained') as unexplained,
            count(*) filter (status = 'not comparable') as not_comparable
        {recent} group by system order by system
        """,
    )
    unexplained = rows(
        connection,
        f"""
        select system, metric, keys, period_start, ours, reported, difference, relative_difference
        {recent} and status = 'unexplained'
        order by abs(relative_difference) desc nulls last, period_start desc, system, metric, keys limit {_SHOWN}
        """,
    )
    return {"counted": counted, "unexplained": unexplained} if counted else {}


def _breakable(name: str) -> Markup:
    """A long name that may break after an underscore or a slash."""
    parts: Iterable[str] = name.replace("_", "_\0").replace("/", "/\0").split("\0")
    return Markup("<wbr>").join(escape(part) for part in parts)


def _percent_of(part: int, whole: int) -> str:
    return words.number(part / whole if whole else 0.0, "ratio")
