"""A server with Mailgun's three APIs on loopback, written from the published facts of them, with faults to switch on.

Its clock is the test's. It holds each request and each of its answers against `mailgun_api.yaml`.
"""

from __future__ import annotations

import base64
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from touchstone.settings import Settings, load_settings

from .api_server import Api, Handler, Record, serving

KEY = "key-0123456789abcdef0123456789abcdef"


@dataclass(frozen=True)
class Event:
    """An event as the Events API has it, with its domain, and when the vendor begins to show it."""

    record: Record
    shown_at: datetime

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=round(self.record["timestamp"] * 1000))

    @property
    def domain(self) -> str:
        return str(self.record["domain"]["name"])

    def item(self) -> Record:
        """As in the Events API's answers, which need not name the domain."""
        return {name: value for name, value in self.record.items() if name not in ("domain", "account")}

    def log(self) -> Record:
        """As in the Logs API's."""
        others = {name: value for name, value in self.record.items() if name != "timestamp"}
        at = f"{self.at:%Y-%m-%dT%H:%M:%S}.{self.at.microsecond // 1000:03}Z"
        return {"user-variables": "{}", "flags": {}, **others, "@timestamp": at}


@dataclass
class MailgunServer(Api):
    """`closed`: statuses of domains that aren't answered. `metrics`: what the Metrics API counts of an event."""

    keeps: timedelta = timedelta(days=30)
    refuses_old: bool = True
    events: list[Event] = field(default_factory=list)
    closed: dict[str, int] = field(default_factory=dict)
    cursors: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    metrics: Callable[[Record, datetime], dict[str, int]] = lambda record, at: {}

    def found(self, start: datetime, end: datetime, wanted: Callable[[Event], bool]) -> list[Event]:
        """What is shown now of a window, of which neither edge counts: that is the harder reading."""
        oldest = self.now - self.keeps
        return sorted(
            (e for e in self.events if max(start, oldest) < e.at < end and e.shown_at <= self.now and wanted(e)),
            key=lambda e: (e.at, e.record["id"]),
        )

    def visible(self) -> set[str]:
        return {e.record["id"] for e in self.events if e.shown_at <= self.now and e.at > self.now - self.keeps}

    def logs(self, asked: Record) -> tuple[int, Record]:
        start, end = (parsedate_to_datetime(asked[name]) for name in ("start", "end"))
        if self.refuses_old and start < self.now - self.keeps - timedelta(minutes=5):
            return 400, {"message": "start is before what your plan keeps"}
        token = asked["pagination"].get("token")
        after = self.cursors[token] if token else ()

        def is_wanted(event: Event) -> bool:
            return asked["include_subaccounts"] or "parent-id" not in event.record["account"]

        found = [e for e in self.found(start, end, is_wanted) if (e.at, e.record["id"]) > after]
        page = found[: min(self.page, asked["pagination"]["limit"])]
        paging: Record = {}  # as of a single page
        if page and (len(found) > len(page) or token):
            following = self._token((page[-1].at, page[-1].record["id"]))
            paging = {"next": following, "previous": "p", "first": "f", "last": "l", "total": len(found)}
        return 200, {
            "start": asked["start"],
            "end": asked["end"],
            "items": [e.log() for e in page],
            "pagination": paging,
        }

    def domain_events(self, domain: str, query: dict[str, str], cursor: tuple[Any, ...] | None) -> tuple[int, Record]:
        if domain in self.closed:
            return self.closed[domain], {"message": "Domain not found: " + domain}
        if cursor:
            start, end, after, limit = cursor
        else:
            start, end = (datetime.fromtimestamp(float(query[name]), UTC) for name in ("begin", "end"))
            after, limit = (), int(query["limit"])
            if self.refuses_old and start < self.now - self.keeps - timedelta(minutes=5):
                return 400, {"message": "begin is before what your plan keeps"}
        found = [e for e in self.found(start, end, lambda e: e.domain == domain) if (e.at, e.record["id"]) > after]
        page = found[
            : random.Random(len(found)).randint(1, min(limit, self.page, len(found) + 1))
        ]  # short pages before the last one
        last = (page[-1].at, page[-1].record["id"]) if page else after
        token = self._token((start, end, last, limit))
        address = f"{self.address}/v3/{domain}/events/{token}"
        random.Random(1).shuffle(page)
        return 200, {"items": [e.item() for e in page], "paging": {"next": address, "previous": address}}

    def reported(self, asked: Record) -> tuple[int, Record]:
        start, end = (parsedate_to_datetime(asked[name]) for name in ("start", "end"))
        hours = asked["resolution"] == "hour"
        counts: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        for event in self.events:
            period = event.at.replace(minute=0, second=0, microsecond=0)
            period = period if hours else period.replace(hour=0)
            if not (start <= period < end and event.shown_at <= self.now):
                continue
            account = event.record["account"]
            values = {
                "time": format_datetime(period),
                "domain": event.domain,
                "subaccount": account["id"] if "parent-id" in account else "none",
            }
            counts[tuple(values[name] for name in asked["dimensions"])].update(self.metrics(event.record, event.at))
        rows = [
            {
                "dimensions": [
                    {"dimension": name, "value": value, "display_value": value}
                    for name, value in zip(asked["dimensions"], key, strict=True)
                ],
                "metrics": {name: count[name] for name in asked["metrics"] if name in count},
            }
            for key, count in sorted(counts.items())
            if any(name in count for name in asked["metrics"])
        ]
        paging = asked["pagination"]
        page = rows[paging["skip"] :][: min(paging["limit"], self.page)]
        stated = {name: asked[name] for name in ("start", "end", "resolution", "dimensions")}
        return 200, {**stated, "items": page, "pagination": {**paging, "total": len(rows)}}

    def _token(self, cursor: tuple[Any, ...]) -> str:
        token = base64.urlsafe_b64encode(repr(cursor).encode()).decode().rstrip("=")
        self.cursors[token] = cursor
        return token


class _Handler(Handler):
    api: MailgunServer
    description = "mailgun_api.yaml"

    def is_known(self) -> bool:
        return self.headers["Authorization"] == "Basic " + base64.b64encode(f"api:{KEY}".encode()).decode()

    def secrets(self) -> str:
        return KEY

    def is_first(self, path: str, asked: Record) -> bool:
        return "token" not in asked.get("pagination", {}) and not (path.startswith("/v3/") and len(path.split("/")) > 4)

    def answer(self, path: str, asked: Record) -> tuple[str, int, Record]:
        if path == "/v1/analytics/logs":
            self.check("LogsRequest", asked)
            return "LogsResponse", *self.api.logs(asked)
        if path == "/v1/analytics/metrics":
            self.check("MetricsRequest", asked)
            return "MetricsResponse", *self.api.reported(asked)
        _, _, domain, _, *token = path.split("/")
        if not token and (asked.keys() != {"begin", "end", "ascending", "limit"} or int(asked["limit"]) > 300):
            self.api.problems.append(f"not a request of events: {asked}")
        return "EventsResponse", *self.api.domain_events(domain, asked, self.api.cursors[token[0]] if token else None)

    def repeat(self, answer: Record, asked: Record) -> None:
        token = asked.get("pagination", {}).get("token")
        if "paging" in answer:
            answer["paging"]["next"] = f"{self.api.address}{self.path}"
        elif token:
            answer["pagination"]["next"] = token


@contextmanager
def mailgun() -> Iterator[MailgunServer]:
    """The server; at its end, no request and no answer was against the description."""
    api = MailgunServer()
    with serving(api, _Handler):
        yield api


def fetching(api: MailgunServer, *sources: str, **others: Any) -> Settings:
    """The settings with which sources are fetched from the server."""
    return load_settings(
        **{
            "mailgun_key": KEY,
            "mailgun_addresses": {"us": api.address},
            "mailgun_subaccounts": True,
            "fetch": [*sources],
            **others,
        }
    )


def some(count: int, start: datetime, span: timedelta, seed: int = 1, late: timedelta = timedelta()) -> list[Event]:
    """Events of every kind, over a span, of two domains and a subaccount; each is shown up to so much later."""
    chance = random.Random(seed)
    found = []
    for number in range(count):
        at = start + timedelta(milliseconds=chance.randrange(round(span.total_seconds() * 1000)))
        kind = chance.choice(["accepted", "delivered", "failed", "opened", "clicked", "complained"])
        domain = chance.choice(["mail.example.com", "news.example.org"])
        record: Record = {
            "event": kind,
            "id": f"e{seed}-{number}",
            "timestamp": round(at.timestamp(), 3),
            "domain": {"name": domain},
            "account": chance.choice([{"id": "acc"}, {"id": "sub", "parent-id": "acc"}]),
            "recipient": f"{chance.choice('abc')}@example.net",
            "message": {"headers": {"message-id": f"m{chance.randrange(50)}@{domain}"}},
            "flags": {"is-authenticated": chance.choice([True, False])},
        }
        if kind == "delivered":
            record |= {"envelope": {"transport": "smtp"}, "delivery-status": {"attempt-no": 1, "code": 250}}
        if kind == "failed":
            record |= {"severity": "permanent", "reason": "bounce", "delivery-status": {"code": 550}}
        found.append(Event(record, at + late * chance.random() ** 3))
    return found
