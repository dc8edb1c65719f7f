"""Odd and damaged files that only Mailgun has: pages of its APIs, and events that are none."""

from collections.abc import Callable
from typing import Any

import orjson

from touchstone.sample.oddities import Layout, gzipped, insert, plain, pretty

# The Events API gives up to 300 items a page; a few will do here.
PAGE_SIZE = 10

Event = dict[str, Any]


def pages(lines: list[str]) -> list[str]:
    """Items of each API on its pages, the last of them empty; webhook bodies as they are."""
    webhooks = [line for line in lines if line.startswith('{"signature"')]
    items = [line for line in lines if not line.startswith('{"signature"')]
    logs = [item for item in items if '"@timestamp"' in item]
    events = [item for item in items if '"@timestamp"' not in item]
    return (
        webhooks
        + [events_page(events[at : at + PAGE_SIZE]) for at in range(0, len(events), PAGE_SIZE)]
        + [logs_page(logs[at : at + PAGE_SIZE]) for at in range(0, len(logs), PAGE_SIZE)]
        + [events_page([]), logs_page([])]
    )


def events_page(items: list[str]) -> str:
    # Both links are there on every page: only an empty page is the last.
    url = "https://api.mailgun.example/v3/mail.example.com/events/page-token"
    paging = f'{{"next":"{url}-next","previous":"{url}-previous"}}'
    return f'{{"items":[{",".join(items)}],"paging":{paging}}}'


def logs_page(items: list[str]) -> str:
    return (
        '{"start":"Mon, 05 Jan 2026 00:00:00 -0000","end":"Tue, 06 Jan 2026 00:00:00 -0000",'
        f'"items":[{",".join(items)}],"pagination":{{}},"aggregates":{{}}}}'
    )


def changed(line: str, change: Callable[[Event], None]) -> bytes:
    """A record with its event changed."""
    record = orjson.loads(line)
    change(record.get("event-data", record))
    return orjson.dumps(record)


def without_time(event: Event) -> None:
    event.pop("timestamp", None)
    event.pop("@timestamp", None)


def at_time(value: object) -> Callable[[Event], None]:
    def change(event: Event) -> None:
        without_time(event)
        event["timestamp"] = value

    return change


def of_kind(value: object) -> Callable[[Event], None]:
    def change(event: Event) -> None:
        event["event"] = value

    return change


def with_nul(event: Event) -> None:
    event["user-variables"] = {"note": "before\x00after"}


# The distant future, before Mailgun, milliseconds taken for seconds, words, nothing.
ABSURD_TIMES: tuple[object, ...] = (99999999999999, -62135596800, 0, 1770146431658, "soon", "", None)


def strange(*changes: Callable[[Event], None]) -> Layout:
    """A file in which the first record appears in changed forms, too."""
    return lambda lines: insert(lines, *(changed(lines[0], change) for change in changes))


FORMATS: dict[str, Layout] = {
    "pages.ndjson.gz": lambda lines: gzipped(plain(pages(lines))),
    "pretty-printed-pages.json": lambda lines: pretty(pages(lines)),
}
DAMAGE: dict[str, Layout] = {
    "no-timestamp.ndjson.gz": strange(without_time),
    "absurd-timestamps.ndjson.gz": strange(*map(at_time, ABSURD_TIMES)),
    "unknown-kinds.ndjson.gz": strange(*map(of_kind, ("delivery_scheduled", "", None, 42))),
    "escaped-nul.ndjson.gz": strange(with_nul),
}
