"""The windows of time that were fetched: what is to be read next, what again, and where there are holes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import duckdb

SCHEMA = """
-- Grain: one window of time of a source's scope, such as a region: read whole, refused as too old, or failed. `content`
-- is equal if a window that was read again had the same records. `fetched_at` is by the vendor's clock, `recorded_at`
-- by ours. It is of this machine alone, as its inbox is.
create table if not exists fetched (
    source varchar not null,
    scope varchar not null,
    window_start timestamp not null,
    window_end timestamp not null,
    status varchar not null,
    fetched_at timestamp not null,
    recorded_at timestamp not null,
    calls bigint not null,
    records bigint not null,
    content varchar,
    reason varchar
);
"""
# A window is read again once it is so many times as old as when it was read last: what a vendor adds late is had at an
# age of three times its delay, and each record is read four or five times in 30 days.
_OLDER = 3
# Before it is gone, each is read a last time: a night may be missed.
_LAST_CHANCE = timedelta(hours=36)
# How long a hole is reported that can't be had any more.
_REPORTED = timedelta(days=30)

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Window:
    """A window of a scope, and what became of it at `fetched_at` by the vendor's clock. Times are UTC."""

    start: datetime
    end: datetime
    status: Literal["complete", "refused", "failed"]
    fetched_at: datetime
    calls: int = 0
    records: int = 0
    content: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Hole:
    """Time without a complete window. `until`: when the vendor forgets its beginning; None if it has already."""

    start: datetime
    end: datetime
    until: datetime | None

    def __str__(self) -> str:
        then = f"can be had until {shown(self.until)}" if self.until else "can't be had any more"
        return f"{shown(self.start)} to {shown(self.end)} is missing, and {then}"


@dataclass(frozen=True)
class Total:
    """What was fetched of a scope, from when to when, the last at `fetched_at` by our clock."""

    source: str
    scope: str
    start: datetime
    end: datetime
    fetched_at: datetime
    calls: int
    records: int


class Fetched:
    """The table of windows in an open ledger."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._sql = connection

    def windows(self, source: str, scope: str) -> list[Window]:
        """All windows of a scope, by time."""
        rows = self._sql.execute(
            "select window_start, window_end, status, fetched_at, calls, records, content, reason from fetched "
            "where source = ? and scope = ? order by window_start, window_end",
            [source, scope],
        ).fetchall()
        return [Window(_utc(start), _utc(end), status, _utc(at), *rest) for start, end, status, at, *rest in rows]

    def add(self, source: str, scope: str, window: Window) -> None:
        """Record a window, in place of what it covers; of failures the last one stays, until a window is complete."""
        now = datetime.now(UTC)
        start, end, at, now = (time.replace(tzinfo=None) for time in (window.start, window.end, window.fetched_at, now))
        self._sql.execute("begin")
        self._sql.execute(
            "delete from fetched where source = ? and scope = ? "
            "and (status = 'failed' or ? <> 'failed' and window_start >= ? and window_end <= ?)",
            [source, scope, window.status, start, end],
        )
        self._sql.execute(
            "insert into fetched values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                *(source, scope, start, end, window.status, at, now),
                *(window.calls, window.records, window.content, window.reason),
            ],
        )
        self._sql.execute("commit")

    def failures(self) -> dict[tuple[str, str], str]:
        """The scopes whose last fetch failed, by source and scope, with the reason."""
        rows = self._sql.execute(
            "select source, scope, reason from fetched where status = 'failed' order by source, scope"
        ).fetchall()
        return {(source, scope): reason for source, scope, reason in rows}

    def totals(self, since: datetime | None = None) -> list[Total]:
        """What was read of each scope, or only what was so `since` then."""
        rows = self._sql.execute(
            "select source, scope, min(window_start), max(window_end), max(recorded_at), "
            "sum(calls)::bigint, sum(records)::bigint "
            "from fetched where status = 'complete' and (?::timestamp is null or recorded_at >= ?) "
            "group by source, scope order by source, scope",
            [since, since],
        ).fetchall()
        return [
            Total(source, scope, _utc(start), _utc(end), _utc(at), *numbers)
            for source, scope, start, end, at, *numbers in rows
        ]


def gaps(start: datetime, end: datetime, windows: Iterable[Window]) -> Iterator[Span]:
    """The parts of a span that no window covers, by time."""
    at = start
    for window in sorted(windows, key=lambda window: window.start):
        if at < min(window.start, end):
            yield at, min(window.start, end)
        at = max(at, window.end)
    if at < end:
        yield at, end


def has_aged(end: datetime, read_at: datetime, now: datetime) -> bool:
    """Whether what ended then is so much older than when it was read that it is to be read again."""
    return now - end >= _OLDER * (read_at - end)


def due_again(windows: Iterable[Window], keeps: timedelta, now: datetime) -> list[Window]:
    """The complete windows that are to be read again, by time: those that have aged, and those that soon are gone."""
    return [
        window
        for window in windows
        if window.status == "complete"
        and window.start >= now - keeps
        and (
            has_aged(window.end, window.fetched_at, now)
            or window.fetched_at < window.start + keeps - _LAST_CHANCE <= now
        )
    ]


def holes(windows: Iterable[Window], *ages: timedelta) -> list[Hole]:
    """The holes from the first complete window to the last one that was tried, as of then.

    `ages`: how long the vendor keeps what happened; where it keeps less detail from an age on, the shorter ones first.
    """
    known = [*windows]
    complete = [window for window in known if window.status == "complete"]
    if not complete:
        return []
    now = max(window.fetched_at for window in known)
    gone = now - ages[-1]
    found = []
    for start, end in gaps(min(window.start for window in complete), max(window.end for window in known), complete):
        if start < gone and end > gone - _REPORTED:
            found.append(Hole(start, min(end, gone), None))
        if end > gone:
            first = max(start, gone)
            found.append(Hole(first, end, first + next(age for age in ages if first + age >= now)))
    return found


def shown(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC)
