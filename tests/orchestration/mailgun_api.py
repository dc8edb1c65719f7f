"""A server with Mailgun's three APIs on loopback, written from the published facts of them, with faults to switch on.

Its clock is the test's. It holds each request and each of its answers against `mailgun_api.yaml`.
"""

from __future__ import annotations

import base64
import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jsonschema
import yaml

from touchstone.settings import Settings, load_settings

Record = dict[str, Any]
KEY = "key-0123456789abcdef0123456789abcdef"
_DESCRIPTION = yaml.safe_load(Path(__file__).with_name("mailgun_api.yaml").read_text())


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
class MailgunServer:
    """`faults` are of the requests to come, one each, until none is left. `closed`: statuses of domains that aren't
    answered. `metrics`: what the Metrics API counts of an event.
    """

    address: str = ""
    now: datetime = datetime(2026, 3, 20, 2, tzinfo=UTC)
    keeps: timedelta = timedelta(days=30)
    refuses_old: bool = True
    page: int = 100
    events: list[Event] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    closed: dict[str, int] = field(default_factory=dict)
    requests: list[tuple[str, str, Record]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    on_request: Callable[[], None] = lambda: None
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

    def domain_events(
        self, domain: str, query: dict[str, list[str]], cursor: tuple[Any, ...] | None
    ) -> tuple[int, Record]:
        if domain in self.closed:
            return self.closed[domain], {"message": "Domain not found: " + domain}
        if cursor:
            start, end, after, limit = cursor
        else:
            start, end = (datetime.fromtimestamp(float(query[name][0]), UTC) for name in ("begin", "end"))
            after, limit = (), int(query["limit"][0])
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


@cache
def _validator(schema: str) -> Any:
    return jsonschema.Draft202012Validator({**_DESCRIPTION, "$ref": f"#/components/schemas/{schema}"})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 2**16  # one packet for head and body, which would wait for each other
    server_of: MailgunServer

    def log_message(self, *arguments: Any) -> None:
        pass

    def date_time_string(self, timestamp: float | None = None) -> str:
        return format_datetime(self.server_of.now, usegmt=True)

    def do_HEAD(self) -> None:
        api = self.server_of
        api.requests.append(("HEAD", self.path, {}))
        if self.headers["Authorization"]:
            api.problems.append("a key was sent to a path that needs none")
        self._send(200, b"")

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        self._serve("GET", {name: values[0] for name, values in query.items()}, query, parts.path)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._serve("POST", body, {}, self.path)

    def _serve(self, method: str, asked: Record, query: dict[str, list[str]], path: str) -> None:
        api = self.server_of
        api.requests.append((method, self.path, asked))
        api.on_request()
        is_first = "token" not in asked.get("pagination", {}) and not (
            path.startswith("/v3/") and len(path.split("/")) > 4
        )
        fault = api.faults.pop(0) if api.faults else ""
        if fault.startswith("refuse this token") and is_first:  # it waits for one
            api.faults.insert(0, fault)
            fault = ""
        expected = "Basic " + base64.b64encode(f"api:{KEY}".encode()).decode()
        if self.headers["Authorization"] != expected:
            return self._send(401, b"Forbidden")
        if fault and self._fail(fault):
            return None
        if path == "/v1/analytics/logs":
            self._check("LogsRequest", asked)
            status, answer = api.logs(asked)
            schema = "LogsResponse"
        elif path == "/v1/analytics/metrics":
            self._check("MetricsRequest", asked)
            status, answer = api.reported(asked)
            schema = "MetricsResponse"
        else:
            _, _, domain, _, *token = path.split("/")
            if is_first and (asked.keys() != {"begin", "end", "ascending", "limit"} or int(asked["limit"]) > 300):
                api.problems.append(f"not a request of events: {asked}")
            status, answer = api.domain_events(domain, query, api.cursors[token[0]] if token else None)
            schema = "EventsResponse"
        if status == 200:
            self._check(schema, answer)
            if fault == "repeat pages":
                api.faults.append(fault)
                self._repeat(answer, asked)
        return self._send(status, json.dumps(answer, indent=1 if fault == "pretty" else None).encode())

    def _repeat(self, answer: Record, asked: Record) -> None:
        token = asked.get("pagination", {}).get("token")
        if "paging" in answer:
            answer["paging"]["next"] = f"{self.server_of.address}{self.path}"
        elif token:
            answer["pagination"]["next"] = token

    def _fail(self, fault: str) -> bool:
        """Answer with a fault; returns whether that was all."""
        match fault:
            case "429 seconds":
                self._send(429, b'{"message": "slow down"}', {"Retry-After": "7"})
            case "429 date":
                at = format_datetime(self.server_of.now + timedelta(seconds=9), usegmt=True)
                self._send(429, b"", {"Retry-After": at})
            case "429 body":
                self._send(429, b'{"retry-seconds": 11}')
            case "429 long":
                self._send(429, b"", {"Retry-After": "86400"})
            case "500":
                self._send(500, b'{"message": "Internal Server Error"}')
            case "echo the key":
                self._send(500, b'{"message": "%s is wrong"}' % KEY.encode(), {"Retry-After": "0"})
            case "cut":
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b'{"items": [{"event": "delivered"')
                self.close_connection = True
            case "html":
                self._send(200, b"<html>maintenance</html>")
            case "list":
                self._send(200, b"[]")
            case "redirect":
                self._send(302, b"", {"Location": "http://127.0.0.1:1/elsewhere"})
            case "slow":
                time.sleep(1.5)
                return False
            case "refuse once":
                self._send(400, b'{"message": "try again"}')
            case _ if fault.startswith("refuse this token"):
                self._send(int(fault.split()[-1]), b'{"message": "invalid token"}')
            case _:
                return False
        return True

    def _check(self, schema: str, value: Record) -> None:
        for error in _validator(schema).iter_errors(value):
            self.server_of.problems.append(f"{schema}: {error.json_path}: {error.message[:200]}")

    def _send(self, status: int, body: bytes, headers: Record | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def mailgun() -> Iterator[MailgunServer]:
    """The server; at its end, no request and no answer was against the description."""
    api = MailgunServer()
    handler = type("Handler", (_Handler,), {"server_of": api})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    api.address = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
    assert api.problems == []


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
