"""Odd and damaged files that only SES has: objects of Firehose, failed deliveries of it, events that are none."""

from collections.abc import Callable
from typing import Any

import orjson

from touchstone.sample.oddities import Layout, concatenated, gzipped, insert

Event = dict[str, Any]


def bare(line: str) -> Event:
    """The event in a line, out of its envelope; the first lines of a file can be of any kind."""
    record: Event = orjson.loads(line)
    if "detail" in record:
        record = record["detail"]
    elif "Message" in record:
        try:
            record = orjson.loads(record["Message"])
        except orjson.JSONDecodeError:
            return record
    return record


def is_event(line: str) -> bool:
    return "eventType" in bare(line)


def changed(line: str, change: Callable[[Event], None]) -> bytes:
    """A line's event, changed."""
    event = bare(line)
    change(event)
    return orjson.dumps(event)


def strange(*changes: Callable[[Event], None]) -> Layout:
    """A file in which the first event appears in changed forms, too."""

    def layout(lines: list[str]) -> bytes:
        line = next((line for line in lines if is_event(line)), None)
        return insert(lines, *(changed(line, change) for change in changes if line))

    return layout


def at_time(value: object) -> Callable[[Event], None]:
    """Another time for all that have one; None for none."""

    def change(event: Event) -> None:
        for part in event.values():
            if isinstance(part, dict):
                part.pop("timestamp", None)
                if value is not None:
                    part["timestamp"] = value

    return change


def of_kind(value: object) -> Callable[[Event], None]:
    def change(event: Event) -> None:
        event["eventType"] = value

    return change


def with_nul(event: Event) -> None:
    event["mail"]["tags"] = {"note": ["before\x00after"]}


def failed_delivery(lines: list[str]) -> bytes:
    """What Firehose writes under its error prefix: the record as base64."""
    failed = {
        "attemptsMade": 4,
        "arrivalTimestamp": 1769990400000,
        "errorCode": "Example.Failed",
        "errorMessage": "made up",
        "rawData": "e30=",
    }
    return insert(lines, orjson.dumps(failed))


# The distant future, before SES, a number, words, nothing.
ABSURD_TIMES: tuple[object, ...] = ("9999-12-31T23:59:59.999Z", "0001-01-01T00:00:00Z", 1769990400, "soon", "")
NOT_JSON = orjson.dumps({"Type": "Notification", "MessageId": "0", "Message": "an event that is none"})

FORMATS: dict[str, Layout] = {
    # As Firehose names and writes objects: no extension, and nothing between records.
    "firehose-object": lambda lines: gzipped(concatenated(lines)),
}
DAMAGE: dict[str, Layout] = {
    "no-timestamp.ndjson.gz": strange(at_time(None)),
    "absurd-timestamps.ndjson.gz": strange(*map(at_time, ABSURD_TIMES)),
    "unknown-kinds.ndjson.gz": strange(*map(of_kind, ("Scheduled", "", None, 42))),
    "escaped-nul.ndjson.gz": strange(with_nul),
    "failed-delivery.ndjson.gz": failed_delivery,
    "message-not-json.ndjson.gz": lambda lines: insert(lines, NOT_JSON),
}
