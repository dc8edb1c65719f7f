"""The guard of Dagster's UI, by real requests to a server of one page and one socket."""

from __future__ import annotations

import asyncio
import http.client
import os
import re
import shutil
import signal
import ssl
import stat
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from touchstone.__main__ import main
from touchstone.guard import Guard, read_token
from touchstone.settings import PROJECT

from .conftest import TestHome
from .servers import free_port, until

TOKEN = "a-token"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
FOLLOWED = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


async def page(request: Request) -> PlainTextResponse:
    return PlainTextResponse("the UI")


async def talk(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("the UI")
    await socket.close()


class Server:
    def __init__(self, token: str | None) -> None:
        app = Starlette(routes=[WebSocketRoute("/graphql", talk), Route("/{path:path}", page, methods=["GET", "POST"])])
        self.port = free_port()
        self.host = f"127.0.0.1:{self.port}"
        guarded = Guard(app, ["touchstone.example.com"], token)
        self._server = uvicorn.Server(uvicorn.Config(guarded, port=self.port, log_level="error"))
        self._thread = Thread(target=self._server.run)
        self._thread.start()
        until(lambda: self._server.started)

    def ask(self, path: str = "/", method: str = "GET", **headers: str) -> tuple[int, str, dict[str, str]]:
        """Status, text and headers of an answer; in the names of headers given, _ stands for -."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers=named)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text, {name.lower(): value for name, value in answer.getheaders()}

    def talk(self, name: str = "127.0.0.1", **headers: str) -> str | int:
        """What the socket of this server, or of another name of it, says, or the status of its refusal."""
        address, place = f"ws://{name}:{self.port}/graphql", {"host": "127.0.0.1", "port": self.port}

        async def opened() -> str | int:
            try:
                async with connect(address, additional_headers=headers, **place) as socket:
                    return str(await socket.recv())
            except InvalidStatus as refused:
                return refused.response.status_code

        return asyncio.run(opened())

    def end(self) -> None:
        self._server.should_exit = True
        self._thread.join()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server(TOKEN)
    yield server
    server.end()


@pytest.fixture(scope="module")
def behind_a_proxy() -> Iterator[Server]:
    server = Server(None)
    yield server
    server.end()


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "touchstone.example.com", "TOUCHSTONE.example.com"]
)
def test_it_answers_to_its_names(server: Server, host: str) -> None:
    assert server.ask(Host=f"{host}:{server.port}", **BEARER)[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example.com", "127.0.0.1.evil.example.com", "localhost@evil.example.com", "", "["]
)
def test_it_answers_to_no_other_name(server: Server, host: str) -> None:
    """DNS rebinding: a page whose name has come to mean this machine."""
    status, text, _ = server.ask(Host=host, **BEARER)
    assert (status, "ui_hosts" in text) == (403, True)
    assert server.ask("/server_info", Host=host)[0] == 403


def test_it_answers_to_pages_of_its_own(server: Server, behind_a_proxy: Server) -> None:
    ours = {"Origin": f"http://{server.host}", "Sec_Fetch_Site": "same-origin"}
    assert server.ask("/graphql", "POST", **ours, **BEARER)[0] == 200
    proxied = {"Origin": "https://touchstone.example.com", "Sec_Fetch_Site": "same-origin"}
    assert behind_a_proxy.ask("/graphql", "POST", **proxied)[0] == 200
    assert behind_a_proxy.ask("/graphql", "POST", Host="touchstone.example.com", **proxied)[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example.com"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://localhost"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "iframe"},
    ],
)
def test_it_refuses_other_pages(server: Server, behind_a_proxy: Server, headers: dict[str, str]) -> None:
    for method in ("GET", "POST"):
        status, text, _ = server.ask("/graphql", method, **headers, **BEARER)
        assert (status, "Another page" in text) == (403, True)
        assert behind_a_proxy.ask("/graphql", method, **headers)[0] == 403


def test_a_form_of_another_page_is_refused_and_a_link_is_followed(server: Server) -> None:
    followed = {name.replace("-", "_"): value for name, value in FOLLOWED.items()}
    assert server.ask("/runs", **followed, **BEARER)[0] == 200
    assert server.ask("/graphql", "POST", **followed, **BEARER)[0] == 403
    status, text, _ = server.ask("/runs", Accept="text/html", **followed)
    assert (status, "You came from another page" in text) == (401, True), "browsers leave the cookie out"


@pytest.mark.parametrize("given", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"},
                                   {"Authorization": "Bearer ä"}, {"Cookie": f"token={TOKEN}"}])  # fmt: skip
def test_it_asks_for_the_token(server: Server, given: dict[str, str]) -> None:
    status, text, headers = server.ask(**given)
    assert (status, headers["www-authenticate"]) == (401, "Bearer")
    assert "ui_token" in text
    assert TOKEN not in text
    status, text, headers = server.ask("/?token=wrong", Accept="text/html", **given)
    assert (status, "<form" in text, "set-cookie" in headers) == (401, True, False)


def test_its_address_with_the_token_sets_a_cookie(server: Server) -> None:
    status, _, headers = server.ask(f"/runs?a=1&token={TOKEN}")
    assert (status, headers["location"]) == (303, "/runs?a=1")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(headers["set-cookie"].split("; "))
    assert "Secure" not in headers["set-cookie"]
    assert server.ask("/runs", Cookie=headers["set-cookie"].partition(";")[0])[0] == 200
    assert "Secure" in server.ask(f"/?token={TOKEN}", X_Forwarded_Proto="https")[2]["set-cookie"]
    assert server.ask(f"//evil.example.com/?token={TOKEN}")[2]["location"] == "/evil.example.com/"
    assert server.ask(f"/graphql?token={TOKEN}", "POST")[0] == 401


def test_its_health_needs_no_token(server: Server) -> None:
    assert server.ask("/server_info")[0] == 200


def test_sockets_are_guarded_too(server: Server, behind_a_proxy: Server) -> None:
    ours, evil = {"Origin": f"http://{server.host}"}, {"Origin": "https://evil.example.com"}
    assert server.talk(**ours, **BEARER) == "the UI"
    assert server.talk(**ours) == 403
    assert server.talk(**evil, **BEARER) == 403
    assert server.talk("evil.example.com", **BEARER) == 403
    assert behind_a_proxy.talk(Origin=f"http://{behind_a_proxy.host}") == "the UI"
    assert behind_a_proxy.talk(**evil) == 403


def test_a_port_in_use_is_named(home: TestHome, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    assert main(["webserver", "--port", str(server.port)]) == 1
    expected = f"error: 127.0.0.1 port {server.port}: Address already in use; choose another port with PORT\n"
    assert capsys.readouterr().err == expected
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_the_token_is_the_homes_and_its_owners_alone(home: TestHome) -> None:
    token = read_token(home.settings)
    assert len(token) > 40
    assert read_token(home.settings) == token
    file = home.settings.home / "ui_token"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.unlink()
    assert read_token(home.settings) != token


@pytest.fixture
def nginx(server: Server, tmp_path: Path) -> Iterator[int]:
    """The port of nginx with the page's example before the server; its user is ops, of the password secret."""
    program = shutil.which("nginx", path=os.pathsep.join([os.environ["PATH"], "/usr/sbin"]))
    if not program:
        pytest.skip("nginx is not installed here")
    (site,) = re.findall(r"^```nginx\n(.*?)^```$", (PROJECT / "docs/deploy.md").read_text(), re.MULTILINE | re.DOTALL)
    port = free_port()
    places = {
        "443 ssl": f"127.0.0.1:{port} ssl",
        "/etc/ssl/certs": str(tmp_path),
        "/etc/ssl/private": str(tmp_path),
        "/etc/nginx": str(tmp_path),
        "127.0.0.1:3000": server.host,
    }
    for place, instead in places.items():
        assert place in site
        site = site.replace(place, instead)
    # Started by root, it would read the passwords as another user.
    kept = f"user root; pid {tmp_path}/pid; error_log {tmp_path}/error.log; daemon off; events {{}}"
    temporary = " ".join(
        f"{name}_temp_path {tmp_path};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (tmp_path / "nginx.conf").write_text(f"{kept}\nhttp {{\naccess_log off; {temporary}\n{site}}}\n")
    password = subprocess.run(["openssl", "passwd", "-apr1", "secret"], check=True, capture_output=True, text=True)
    (tmp_path / "touchstone.htpasswd").write_text(f"ops:{password.stdout}")
    files = ["-keyout", tmp_path / "touchstone.key", "-out", tmp_path / "touchstone.pem"]
    certificate = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *files, "-subj", "/CN=touchstone"]
    subprocess.run(certificate, check=True, capture_output=True)
    process = subprocess.Popen([program, "-c", tmp_path / "nginx.conf"], stderr=subprocess.DEVNULL)
    until(lambda: (tmp_path / "pid").exists() and bool((tmp_path / "pid").read_text()))
    yield port
    process.terminate()
    process.wait()


def test_nginx_hands_on_what_is_right_and_no_more(nginx: int, server: Server) -> None:
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    password = {"Authorization": "Basic " + b64encode(b"ops:secret").decode()}
    ours, evil = {"Origin": f"https://touchstone.example.com:{nginx}"}, {"Origin": "https://evil.example.com"}

    def ask(path: str = "/", host: str = "touchstone.example.com", **headers: str) -> tuple[int, str | None]:
        connection = http.client.HTTPSConnection("127.0.0.1", nginx, context=trusting)
        connection.request("GET", path, headers={"Host": f"{host}:{nginx}", **headers})
        answer = connection.getresponse()
        return answer.status, answer.getheader("Set-Cookie")

    async def talk(**headers: str) -> str | int:
        address = f"wss://touchstone.example.com:{nginx}/graphql"
        try:
            place = {"host": "127.0.0.1", "port": nginx, "ssl": trusting}
            async with connect(address, additional_headers=headers, **place) as socket:
                return str(await socket.recv())
        except InvalidStatus as refused:
            return refused.response.status_code

    status, given = ask(f"/?token={TOKEN}", **password)
    assert status == 303 and given and "Secure" in given
    cookie = {"Cookie": given.partition(";")[0]}
    assert ask(**cookie, **password, **ours)[0] == 200
    assert ask(**cookie, **ours)[0] == 401
    assert ask(**password, **ours)[0] == 401
    assert ask(**cookie, **password, **evil)[0] == 403
    assert ask(host="evil.example.com", **cookie, **password)[0] == 403
    assert asyncio.run(talk(**cookie, **password, **ours)) == "the UI"
    assert asyncio.run(talk(**cookie, **ours)) == 401
    assert asyncio.run(talk(**password, **ours)) == 403
    assert asyncio.run(talk(**cookie, **password, **evil)) == 403
