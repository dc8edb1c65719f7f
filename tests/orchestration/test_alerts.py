"""Alerts: a failed night reaches servers and commands of this machine, a good one nobody, and no secret is shown."""

from __future__ import annotations

import gc
import json
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseServer, StreamRequestHandler, ThreadingTCPServer
from unittest import mock

import duckdb
import pytest
from dagster import (
    DagsterInstance,
    DefaultSensorStatus,
    Failure,
    JobDefinition,
    build_run_status_sensor_context,
    job,
    op,
)

from touchstone import nightly
from touchstone.__main__ import main
from touchstone.alerts import alert
from touchstone.definitions import build_definitions
from touchstone.home import HomeInUse
from touchstone.nightly import Outcome
from touchstone.schedules import COMMAND_LINE, failed_nights
from touchstone.settings import PROJECT, Settings

from .conftest import TestHome

SECRET = "hunter2hunter2hunter2hunt"
REASONS = {"mailgun": "test grains_agree found 3 rows", "ses": "the landing of ses/events failed: OSError"}


@dataclass
class Servers:
    """A web server and a mail server of this machine, with what they have received."""

    web: int = 0
    mail: int = 0
    posts: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    mails: list[str] = field(default_factory=list)

    @property
    def hook(self) -> str:
        return f"json://127.0.0.1:{self.web}/{SECRET}"


@pytest.fixture
def servers() -> Iterator[Servers]:
    received = Servers()

    class Web(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.posts.append((self.path, json.loads(body)))
            self.send_response(403 if "refuses" in self.path else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    class Mail(StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            for line in self.rfile:
                command = line.strip().upper()
                if command == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    received.mails.append(b"".join(iter(self.rfile.readline, b".\r\n")).decode())
                self.wfile.write(b"221 bye\r\n" if command == b"QUIT" else b"250 ok\r\n")

    web, mail = ThreadingHTTPServer(("127.0.0.1", 0), Web), ThreadingTCPServer(("127.0.0.1", 0), Mail)
    received.web, received.mail = web.server_port, mail.server_address[1]
    with _serving(web), _serving(mail):
        yield received


class _serving:  # noqa: N801
    def __init__(self, server: BaseServer) -> None:
        self._server = server

    def __enter__(self) -> None:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def refusing() -> Iterator[str]:
    """An address at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        yield f"json://user:{SECRET}@127.0.0.1:{free.getsockname()[1]}/{SECRET}"


def into(path: Path) -> list[str]:
    """A command that writes its input into a file."""
    return [sys.executable, "-c", f"import sys; open({str(path)!r}, 'w').write(sys.stdin.read())"]


def publish(home: Path, status: str = "current", run_id: str = "r1") -> None:
    """A release as far as alerts read one."""
    release = home / "releases" / "20261127T020500-r1"
    release.mkdir(parents=True)
    with duckdb.connect(str(release / "touchstone.duckdb")) as connection:
        connection.execute(
            "create table run as select 'ses' as system, $status as status, 'test a found 1 rows' as reason, "
            "1 as build, $run_id as run_id, timestamp '2026-11-26 02:05:00' as published_at",
            {"status": status, "run_id": run_id},
        )
    (home / "published").symlink_to(release)


def test_web_mail_and_command_receive_it(servers: Servers, tmp_path: Path) -> None:
    home = tmp_path / "home"
    publish(home, status="held back")
    settings = Settings(
        home=home,
        alert_urls=[
            servers.hook,
            f"mmost://127.0.0.1:{servers.web}/{SECRET}",
            f"mailto://127.0.0.1:{servers.mail}?from=touchstone@example.com&to=ops@example.com",
        ],
        alert_command=into(tmp_path / "alert"),
    )
    assert alert(settings, "nothing was published", REASONS, "run it again") == []
    subject = f"Touchstone on {socket.gethostname()}: nothing was published"
    text = (
        f"Home: {home} on {socket.gethostname()}\n\n"
        "Nothing was published:\n"
        "- mailgun: test grains_agree found 3 rows\n"
        "- ses: the landing of ses/events failed: OSError\n\n"
        "Readers see the release 20261127T020500-r1:\n"
        "- ses: its numbers are those of 2026-11-26 02:05 UTC, because test a found 1 rows\n\n"
        "Next: run it again\n"
        'The section "A system is held back" of docs/operations.md says more.'
    )
    posts = dict(servers.posts)
    assert (posts[f"/{SECRET}"]["title"], posts[f"/{SECRET}"]["message"]) == (subject, text)
    chat = posts[f"/hooks/{SECRET}"]
    assert chat["text"].splitlines() == [subject, *text.splitlines()]
    assert "icon_url" not in chat
    (mail,) = servers.mails
    assert f"Subject: {subject}" in mail
    assert "text/plain" in mail
    assert "test grains_agree found 3 rows\r\n" in mail
    assert (tmp_path / "alert").read_text() == f"{subject}\n\n{text}\n"


def test_an_address_that_refuses_is_named_without_secrets(
    servers: Servers, refusing: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    urls = [refusing, f"{servers.hook}/refuses", f"nothing://{SECRET}", f"mailtos://a:{SECRET}@127.0.0.1:1?to=b@c.de"]
    settings = Settings(home=tmp_path, alert_urls=[*urls, servers.hook], alert_command=["false", SECRET])
    lines = alert(settings, "nothing was published", REASONS, "run it again")
    assert lines == [
        "alert_urls[0] (JSON) did not take the alert",
        "alert_urls[1] (JSON) did not take the alert",
        "alert_urls[2] is not an address that apprise can read: no alert was sent to it",
        "alert_urls[3] is not an address that apprise can read: no alert was sent to it",
        "alert_command did not take the alert: it exited with 1",
    ]
    assert len(servers.posts) == 2, "the others receive it"
    output = capfd.readouterr()
    assert SECRET not in f"{lines}{caplog.text}{output.out}{output.err}{settings!r}"
    missing = Settings(home=tmp_path, alert_command=["/nowhere/to/be/found"])
    assert alert(missing, "nothing was published", {}, "") == [
        "alert_command did not take the alert: FileNotFoundError"
    ]


def test_a_night_without_its_ledger(servers: Servers, refusing: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "lake" / "mailgun" / "events").mkdir(parents=True)
    (home / "lake" / "mailgun" / "events" / "1.parquet").write_bytes(b"")
    night = subprocess.run(
        [sys.executable, "-m", "touchstone", "nightly"],
        cwd=PROJECT,
        env={
            **os.environ,
            "TOUCHSTONE_HOME": str(home),
            "TOUCHSTONE_ALERT_URLS": json.dumps([servers.hook, refusing]),
        },
        capture_output=True,
        text=True,
    )
    assert night.returncode == 1
    assert "error: " in night.stderr
    assert "warning: alert_urls[1] (JSON) did not take the alert" in night.stderr
    ((_, post),) = servers.posts
    assert post["title"].endswith(": the night stopped")
    assert f"- Damaged: {home}/lake/ledger.duckdb is gone. No record is lost" in post["message"]
    assert "Readers see nothing: there is no release." in post["message"]
    assert f"env TOUCHSTONE_HOME={home} {sys.executable} -m touchstone nightly" in post["message"]
    assert SECRET not in night.stdout + night.stderr
    assert not [path for path in home.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]


@pytest.fixture
def command_line(servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Servers]:
    """An empty home, for nights in this process, whose summary is left out."""
    thresholds = gc.get_threshold()
    monkeypatch.setattr("touchstone.__main__.print_summary", lambda *_, **__: True)
    with mock.patch.dict(os.environ):
        os.environ |= {"TOUCHSTONE_HOME": str(tmp_path), "TOUCHSTONE_ALERT_URLS": json.dumps([servers.hook])}
        yield servers
    gc.set_threshold(*thresholds)


@pytest.mark.parametrize(
    ("outcome", "reasons", "happened"),
    [
        (Outcome.PUBLISHED, {}, None),
        (Outcome.FAILED, REASONS, "nothing was published"),
        (Outcome.HELD_BACK, REASONS, "published without mailgun, ses"),
    ],
)
def test_the_command_line_alerts_of_what_is_not_published(
    command_line: Servers,
    monkeypatch: pytest.MonkeyPatch,
    outcome: Outcome,
    reasons: dict[str, str],
    happened: str | None,
) -> None:
    monkeypatch.setattr(nightly, "run", lambda settings: (outcome, reasons))
    assert main(["nightly"]) == outcome.value
    assert [post["title"].partition(": ")[2] for _, post in command_line.posts] == ([happened] if happened else [])


def test_the_message_of_an_unknown_error_is_left_out(command_line: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nightly, "run", mock.Mock(side_effect=ValueError("bob@example.com is no number")))
    with pytest.raises(ValueError, match="bob"):
        main(["nightly"])
    ((_, post),) = command_line.posts
    assert "- ValueError: stopped with ValueError" in post["message"]
    assert "bob" not in str(post)


def test_other_commands_send_nothing(command_line: Servers) -> None:
    assert main(["rollback"]) == 1
    assert command_line.posts == []


def test_addresses_can_be_tried(command_line: Servers, refusing: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["try-alerts"]) == 0
    assert [post["title"] for _, post in command_line.posts] == ["Touchstone: a test of alerts"]
    os.environ["TOUCHSTONE_ALERT_URLS"] = json.dumps([refusing])
    assert main(["try-alerts"]) == 1
    os.environ["TOUCHSTONE_ALERT_URLS"] = ""
    assert main(["try-alerts"]) == 1
    assert capsys.readouterr().out == "1 sent\n0 sent\n"


def failing(error: Exception) -> JobDefinition:
    @op
    def models() -> None:
        raise error from ValueError("its cause")

    @job(name="nightly")
    def of_it() -> None:
        models()

    return of_it


@pytest.mark.parametrize(
    ("error", "tags", "is_published", "said"),
    [
        (Failure("Nothing", {"mailgun": "test a found 1 rows"}), {}, False, "- mailgun: test a found 1 rows"),
        (Failure("Published", {"ses": "test a found 1 rows"}), {}, True, "- ses: test a found 1 rows"),
        (KeyError("bob@example.com"), {}, False, "- models: stopped with KeyError"),
        (HomeInUse("process 1 is writing"), {}, False, "- models: process 1 is writing"),
        (KeyError("bob@example.com"), {COMMAND_LINE: "true"}, False, None),
    ],
)
def test_the_sensor_alerts_of_failed_runs_but_those_of_the_command_line(
    servers: Servers, tmp_path: Path, error: Exception, tags: dict[str, str], is_published: bool, said: str | None
) -> None:
    nights = failing(error)
    sensor = failed_nights(Settings(home=tmp_path, alert_urls=[servers.hook]), nights)
    with DagsterInstance.ephemeral() as instance:
        run = nights.execute_in_process(instance=instance, raise_on_error=False, tags=tags)
        publish(tmp_path, run_id=run.run_id if is_published else "another")
        context = build_run_status_sensor_context(
            sensor_name=sensor.name,
            dagster_event=run.get_run_failure_event(),
            dagster_instance=instance,
            dagster_run=run.dagster_run,
        )
        sensor(context.for_run_failure())
    texts = [post["message"] for _, post in servers.posts]
    assert len(texts) == (1 if said else 0)
    for text in texts:
        assert said in text.splitlines()
        assert ("Published without ses:" if is_published else "Nothing was published:") in text
        assert f"Dagster's run {run.run_id}" in text
        assert "bob" not in text


def test_the_sensor_alerts_of_a_run_whose_process_was_killed(servers: Servers, tmp_path: Path) -> None:
    nights = failing(KeyError())
    sensor = failed_nights(Settings(home=tmp_path, alert_urls=[servers.hook]), nights)
    with DagsterInstance.ephemeral() as instance:
        run = instance.create_run_for_job(nights)
        context = build_run_status_sensor_context(
            sensor_name=sensor.name,
            dagster_event=instance.report_run_failed(run),
            dagster_instance=instance,
            dagster_run=run,
        )
        sensor(context.for_run_failure())
    ((_, post),) = servers.posts
    assert "- run: stopped without an error: its process may have been killed" in post["message"].splitlines()


def test_the_sensor_is_there_if_alerts_are_set_up(session_home: TestHome, servers: Servers) -> None:
    assert session_home.manifest
    without = build_definitions(session_home.settings.home)
    assert [sensor.name for sensor in without.sensors or ()] == ["touchstone_new_files"]
    defs = build_definitions(session_home.settings.home, alert_urls=[servers.hook])
    sensor = defs.resolve_sensor_def("touchstone_failed_nights")
    assert sensor.default_status == DefaultSensorStatus.RUNNING
    assert SECRET not in repr([defs.resources, defs.resources["touchstone_home"].model_dump()])
