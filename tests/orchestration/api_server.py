"""What the servers of vendors' APIs share: loopback, a clock, faults to switch on, and a description that holds."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar
from urllib.parse import parse_qs, parse_qsl, urlsplit

import jsonschema
import yaml

Record = dict[str, Any]


@dataclass
class Api:
    """`faults` are of the requests to come, one each, until none is left. `now`: its clock, which is the test's."""

    address: str = ""
    now: datetime = datetime(2026, 3, 20, 2, tzinfo=UTC)
    page: int = 100
    faults: list[str] = field(default_factory=list)
    requests: list[tuple[str, str, Record]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    on_request: Callable[[], None] = lambda: None


class Handler(BaseHTTPRequestHandler):
    """One request of an `Api`. Its request and its answer are held against the file `description`."""

    protocol_version = "HTTP/1.1"
    wbufsize = 2**16  # one packet for head and body, which would wait for each other
    api: Any
    description: ClassVar[str]

    def is_known(self) -> bool:
        """Whether the request shows who asks."""
        raise NotImplementedError

    def secrets(self) -> str:
        """What an error may show, and no message."""
        raise NotImplementedError

    def is_first(self, path: str, asked: Record) -> bool:
        """Whether it asks for no page that another one named."""
        raise NotImplementedError

    def is_of(self, fault: str, path: str, asked: Record) -> bool:
        """Whether a fault can be of this request; else it waits for the next one."""
        return not (fault.startswith("refuse this token") and self.is_first(path, asked))

    def answer(self, path: str, asked: Record) -> tuple[str, int, Record]:
        """The schema, status and content of an answer."""
        raise NotImplementedError

    def repeat(self, answer: Record, asked: Record) -> None:
        """Have an answer name the page as the next one that was asked for."""
        raise NotImplementedError

    def log_message(self, *arguments: Any) -> None:
        pass

    def date_time_string(self, timestamp: float | None = None) -> str:
        return format_datetime(self.api.now, usegmt=True)

    def do_HEAD(self) -> None:
        self.api.requests.append(("HEAD", self.path, {}))
        if self.headers["Authorization"]:
            self.api.problems.append("a key was sent to a path that needs none")
        self.send(200, b"")

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self._serve("GET", parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        is_form = self.headers["Content-Type"] == "application/x-www-form-urlencoded"
        self._serve("POST", self.path, dict(parse_qsl(body)) if is_form else json.loads(body))

    def _serve(self, method: str, path: str, asked: Record) -> None:
        api = self.api
        api.requests.append((method, self.path, asked))
        api.on_request()
        fault = api.faults.pop(0) if api.faults else ""
        if not self.is_of(fault, path, asked):
            api.faults.insert(0, fault)
            fault = ""
        if not self.is_known():
            return self.send(401, b'{"message": "Forbidden"}')
        if fault and self.fail(fault):
            return None
        schema, status, answer = self.answer(path, asked)
        if status == 200:
            self.check(schema, answer)
            if fault == "repeat pages":
                api.faults.append(fault)
                self.repeat(answer, asked)
        return self.send(status, json.dumps(answer, indent=1 if fault == "pretty" else None).encode())

    def fail(self, fault: str) -> bool:
        """Answer with a fault; returns whether that was all."""
        match fault:
            case "429 seconds":
                self.send(429, b'{"message": "slow down"}', {"Retry-After": "7"})
            case "429 date":
                at = format_datetime(self.api.now + timedelta(seconds=9), usegmt=True)
                self.send(429, b"", {"Retry-After": at})
            case "429 body":
                self.send(429, b'{"retry-seconds": 11}')
            case "429 long":
                self.send(429, b"", {"Retry-After": "86400"})
            case "500":
                self.send(500, b'{"message": "Internal Server Error"}')
            case "echo the key":
                self.send(500, json.dumps({"message": f"{self.secrets()} is wrong"}).encode(), {"Retry-After": "0"})
            case "cut":
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b'{"items": [{"event": "delivered"')
                self.close_connection = True
            case "html":
                self.send(200, b"<html>maintenance</html>")
            case "list":
                self.send(200, b"[]")
            case "redirect":
                self.send(302, b"", {"Location": "http://127.0.0.1:1/elsewhere"})
            case "slow":
                time.sleep(1.5)
                return False
            case "refuse once":
                self.send(400, b'{"message": "try again"}')
            case _ if fault.startswith("refuse this token"):
                self.send(int(fault.split()[-1]), b'{"message": "invalid token"}')
            case _:
                return False
        return True

    def check(self, schema: str, value: Record) -> None:
        for error in _validator(self.description, schema).iter_errors(value):
            self.api.problems.append(f"{schema}: {error.json_path}: {error.message[:200]}")

    def send(self, status: int, body: bytes, headers: Record | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@cache
def _validator(description: str, schema: str) -> Any:
    described = yaml.safe_load(Path(__file__).with_name(description).read_text())
    return jsonschema.Draft202012Validator({**described, "$ref": f"#/components/schemas/{schema}"})


@contextmanager
def serving(api: Api, handler: type[Handler]) -> Iterator[None]:
    """The server of an API; at its end, no request and no answer was against the description."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (handler,), {"api": api}))
    server.daemon_threads = True
    api.address = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
    assert api.problems == []
