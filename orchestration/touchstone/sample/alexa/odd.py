"""Damaged files that only these logs have: records of no time, of an absurd one, of no identity, of an unknown kind."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from touchstone.sample.alexa.records import (
    ACCOUNT_LINKS,
    PURCHASES,
    SKILL_EVENTS,
    SKILL_REQUESTS,
    SMAPI_METRICS,
    SMART_HOME_MESSAGES,
    TOKEN_REQUESTS,
)
from touchstone.sample.oddities import Layout, insert

Record = dict[str, Any]
Path = tuple[str, ...]


class Where(NamedTuple):
    """Where a stream's records have their times, identity and kind, and an object that could be text."""

    times: tuple[Path, ...]
    id: Path
    kind: Path
    object: Path | None = None


_REQUEST: Path = ("request", "request")
WHERE = {
    SKILL_REQUESTS: Where((("received_at",),), (*_REQUEST, "requestId"), (*_REQUEST, "type"), ("request",)),
    SKILL_EVENTS: Where(
        (("request", "eventCreationTime"), ("request", "timestamp")),
        ("request", "requestId"),
        ("request", "type"),
        ("request",),
    ),
    SMART_HOME_MESSAGES: Where((("at",),), ("message",), ("direction",), ("message",)),
    ACCOUNT_LINKS: Where((("at",),), ("attempt_id",), ("step",)),
    TOKEN_REQUESTS: Where((("received_at",),), ("request_id",), ("grant_type",)),
    PURCHASES: Where((("at",),), ("event_id",), ("event",)),
    SMAPI_METRICS: Where((("fetched_at",),), ("skill_id",), ("query",), ("response",)),
}
# The distant future, before there was any skill, a number, words, nothing.
ABSURD_TIMES: tuple[object, ...] = ("9999-12-31T23:59:59.999Z", "0001-01-01T00:00:00Z", 1769990400, "soon", "")
UNKNOWN_KINDS: tuple[object, ...] = ("Telepathy.Request", "", None, 42)
MISSING = object()


def damage(stream: str) -> dict[str, Layout]:
    where = WHERE[stream]
    kinds = {
        "no-timestamp.ndjson.gz": strange(*where.times, values=[MISSING]),
        "absurd-timestamps.ndjson.gz": strange(*where.times, values=ABSURD_TIMES),
        "no-identity.ndjson.gz": strange(where.id, values=[MISSING]),
        "unknown-kinds.ndjson.gz": strange(where.kind, values=UNKNOWN_KINDS),
    }
    if where.object:
        # As a logger writes it that takes an object for a text; and one that kept nothing of it.
        kinds["object-as-text.ndjson.gz"] = strange(where.object, values=["{}", [], None])
    return kinds


def strange(*paths: Path, values: Sequence[object]) -> Layout:
    """A file in which the first record appears in changed forms, too: one for each of the values."""

    def layout(lines: list[str]) -> bytes:
        return insert(lines, *(changed(lines[0], paths, value) for value in values))

    return layout


def changed(line: str, paths: tuple[Path, ...], value: object) -> bytes:
    """A record with a value in all of these places, or with nothing there."""
    record: Record = orjson.loads(line)
    for *parents, last in paths:
        inner = record
        for parent in parents:
            inner = inner[parent]
        inner.pop(last, None)
        if value is not MISSING:
            inner[last] = value
    return orjson.dumps(record)
