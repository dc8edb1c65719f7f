"""What is new in a release: what its report finds that the report of the release before did not have."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from touchstone.release import REPORT_STATE
from touchstone.report.numbers import LEAST_RECORDS, Line, Row, Section, release_of, rows
from touchstone.report.unusual import unusual_rates

# The part of a number by which a day's must have changed to be listed.
_NOTICEABLE = 0.01


@dataclass(frozen=True)
class Check:
    """The outcome of an asset check; `asset` is its path. `finding` and `remedy` are words, and empty if it passed."""

    asset: str
    name: str
    passed: bool
    severity: str
    finding: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class Failing:
    """A check that warns or fails, `since` when by all reports. `before` is what the last one said, if not the same."""

    check: Check
    since: date
    is_new: bool
    before: str


@dataclass(frozen=True)
class Changed:
    """A headline of days that were over in the report before: how many days changed, and the one that changed most."""

    system: str
    label: str
    line: Line
    first: date
    last: date
    days: int
    most: date
    before: float | None
    now: float | None
    part: float


@dataclass(frozen=True)
class Unusual:
    """A rate of e-mail that is unusual on a day, and what it is beside what is usual."""

    rate: str
    said: str
    is_new: bool


@dataclass(frozen=True)
class News:
    """What is new since the report `before`; without one, nothing is. `unusual` rates are of the last days."""

    failing: list[Failing]
    before: datetime | None = None
    landed: list[Row] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)
    changed: list[Changed] = field(default_factory=list)
    unusual: list[Unusual] = field(default_factory=list)


def news_of(
    folder: Path, connection: duckdb.DuckDBPyConnection, shown: Sequence[Section], checks: Sequence[Check]
) -> tuple[News, dict[str, Any]]:
    """What is new in the release in `folder`, and what to state for the next report."""
    before = _state_before(folder)
    release = release_of(connection)
    today = release.published_at.astimezone(release.zone).date()
    known = {(check["asset"], check["name"]): check for check in before.get("checks", ())}
    failing = []
    for check in checks:
        if not check.passed:
            earlier = known.get((check.asset, check.name))
            since = date.fromisoformat(earlier["since"]) if earlier else today
            is_new = bool(before) and not earlier
            said = earlier["finding"] if earlier and earlier["finding"] != check.finding else ""
            failing.append(Failing(check, since, is_new, said))
    failing.sort(
        key=lambda each: (not each.is_new, each.check.severity != "ERROR", not each.before, -each.since.toordinal())
    )
    unusual = unusual_in(folder, connection)
    state = {
        "published_at": release.published_at.isoformat(),
        "landing": max((row["landing"] for row in _landed(connection, -1)), default=0),
        "checks": [
            {
                "asset": each.check.asset,
                "name": each.check.name,
                "finding": each.check.finding,
                "since": f"{each.since}",
            }
            for each in failing
        ],
        "unusual": [each.rate for each in unusual],
        "numbers": {
            section.system.system: {_name(title, line): _days_over(section, line) for title, line in _lines(section)}
            for section in shown
        },
    }
    if not before:
        return News(failing, unusual=unusual), state
    passed = {(check.asset, check.name) for check in checks if check.passed}
    mended = [check["finding"] for key, check in known.items() if key in passed]
    changed = [
        each for section in shown for each in _changed(section, before["numbers"].get(section.system.system, {}))
    ]
    changed.sort(key=lambda each: -each.part)
    published_at = datetime.fromisoformat(before["published_at"])
    return News(failing, published_at, _landed(connection, before["landing"]), mended, changed, unusual), state


def unusual_in(folder: Path, connection: duckdb.DuckDBPyConnection) -> list[Unusual]:
    """The unusual rates of e-mail of the release in `folder`, new ones first; the report before didn't have these."""
    known = _state_before(folder).get("unusual", ())
    found = [Unusual(rate, said, rate not in known) for rate, said in unusual_rates(connection).items()]
    return sorted(found, key=lambda each: not each.is_new)


def _state_before(folder: Path) -> dict[str, Any]:
    """What the newest earlier release with a report states; empty if there is none."""
    earlier = [path for path in folder.parent.glob(f"[!.]*/{REPORT_STATE}") if path.parent.name < folder.name]
    return json.loads(max(earlier).read_text(encoding="utf-8")) if earlier else {}


def _landed(connection: duckdb.DuckDBPyConnection, after: int) -> list[Row]:
    """What has landed after a load, by source."""
    return rows(
        connection,
        """
        select
            source, count(*) as files, sum(records)::bigint as records, sum(accepted)::bigint as accepted,
            sum(quarantined)::bigint as quarantined, max(landing) as landing
        from intermediate.landed_files
        where landing > ?
        group by source
        order by source
        """,
        after,
    )


def _lines(section: Section) -> Iterator[tuple[str, Line]]:
    """The lines of a system's charts, each with its chart's title."""
    return ((drawn.chart.title, line) for drawn in section.charts for line in drawn.lines)


def _name(title: str, line: Line) -> str:
    return f"{title}: {line.label}"


def _days_over(section: Section, line: Line) -> dict[str, float]:
    return {f"{day}": value for day, value in line.values.items() if section.window.is_over(day)}


def _changed(section: Section, before: Mapping[str, Mapping[str, float]]) -> Iterator[Changed]:
    """The lines of a system whose numbers have changed on days that the report before had."""
    last = max((date.fromisoformat(day) for values in before.values() for day in values), default=date.min)
    for title, line in _lines(section):
        if _name(title, line) not in before:
            continue
        earlier = {date.fromisoformat(day): value for day, value in before[_name(title, line)].items()}
        parts = {
            day: _part(line, day, earlier.get(day), line.values.get(day))
            for day in sorted(earlier.keys() | line.values.keys())
            if section.window.first <= day <= last
        }
        days = [day for day, part in parts.items() if part >= _NOTICEABLE]
        if days:
            most = max(days, key=lambda day: line.records((line.values.get(day) or 0) - (earlier.get(day) or 0), day))
            yield Changed(
                section.system.title, _name(title, line), line, days[0], days[-1], len(days), most,
                earlier.get(most), line.values.get(most), parts[most],
            )  # fmt: skip


def _part(line: Line, day: date, before: float | None, now: float | None) -> float:
    """By what part a day's number changed; 0 where too few records are behind it, or one of the two is none."""
    if line.combined == "sum":
        before, now = before or 0.0, now or 0.0
    if before is None or now is None or line.records(now - before, day) < LEAST_RECORDS:
        return 0.0
    return abs(now - before) / abs(before) if before else float(now != 0)
