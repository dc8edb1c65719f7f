"""Who may use Dagster's UI, which itself answers whatever reaches it, also what any web page sends to this machine."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Collection, Mapping
from html import escape
from tempfile import NamedTemporaryFile
from urllib.parse import urlsplit

from starlette.datastructures import URL
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from touchstone.console import printable
from touchstone.settings import Settings

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_COOKIE_SECONDS = 30 * 24 * 3600
_NO_TOKEN = (
    "Dagster's UI asks for the token of its home. Open the address that touchstone ui or touchstone webserver prints "
    "when it starts. The token is in the file ui_token of the home; programs send it as Authorization: Bearer TOKEN."
)
# What a browser may do with a page that refuses something: nothing but what the page itself holds.
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Touchstone: {title}</title>
<style>
:root {{ color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }}
body {{ max-width: 38rem; margin: 15vh auto 0; padding: 0 1rem }}
input, button {{ font: inherit; padding: .4rem .6rem }}
</style>
<main>
<h1>{title}</h1>
<p>{text}</p>
{more}
</main>
</html>
"""
_LINK = '<p>You came from another page, for which a browser leaves the cookie out: <a href="">open this one</a>.</p>'
_FORM = """<form method="get"><label>Token
<input type="password" name="token" required autofocus size="44" autocomplete="current-password"></label>
<button>Open</button></form>"""


def read_token(settings: Settings) -> str:
    """The token of the home, from its file `ui_token`, which is made where there is none, for its owner alone."""
    path = settings.home / "ui_token"
    if not path.exists():
        with NamedTemporaryFile("w", dir=settings.home, delete=False) as unfinished:
            unfinished.write(secrets.token_urlsafe(32))
        os.replace(unfinished.name, path)
    return path.read_text().strip()


class Guard:
    """A middleware that hands on what comes from the UI's own pages, or from a program, with the token.

    `hosts` are the names of this server beside those of loopback. Without a token, who may use the UI is left to a
    proxy before it.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str], token: str | None) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._token = token
        # Cookies are shared by all ports of a machine: each home's has a name of its own.
        self._cookie = "touchstone_" + hashlib.sha256((token or "").encode()).hexdigest()[:8]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        request = HTTPConnection(scope)
        refused = self._foreign(request) or self._without_token(request)
        if refused is None:
            return await self._app(scope, receive, send)
        answer = WebSocketClose(1008) if scope["type"] == "websocket" else refused
        return await answer(scope, receive, send)

    def _foreign(self, request: HTTPConnection) -> Response | None:
        """The refusal of a request that is for another server, or that another page has sent."""
        host, origin = request.headers.get("host", ""), request.headers.get("origin")
        if _hostname(host) not in self._hosts | _LOOPBACK:
            # A page whose name has come to mean this machine: DNS rebinding.
            text = f"{_quoted(host)} is none of this server's names: the setting ui_hosts takes more of them."
            return _refusal(request, 403, "Not this server", text)
        # Another port of the machine is the same site, but a page of somebody else.
        is_foreign = request.headers.get("sec-fetch-site") in ("cross-site", "same-site") and not _is_opened(request)
        if origin is not None:
            address = urlsplit(origin).netloc.lower()
            is_foreign |= address != host.lower() and _hostname(address) not in self._hosts
        if not is_foreign:
            return None
        text = (
            f"Another page{f' of {_quoted(origin)}' * bool(origin)} has sent this request. "
            "Where that is this UI behind a proxy, name its host in the setting ui_hosts."
        )
        return _refusal(request, 403, "Sent by another page", text)

    def _without_token(self, request: HTTPConnection) -> Response | None:
        """The answer to a request without the token in a cookie or header: a cookie if its address has it, or else a
        refusal.
        """
        if self._token is None or request.url.path == "/server_info":  # of versions alone, for checks of health
            return None
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        given = bearer.strip() if scheme.lower() == "bearer" else request.cookies.get(self._cookie, "")
        if self._is_token(given):
            return None
        if self._is_token(request.query_params.get("token", "")) and request.scope.get("method") == "GET":
            answer = RedirectResponse(_path(request.url.remove_query_params("token")), 303, _HEADERS)
            is_secure = request.url.scheme == "https"
            answer.set_cookie(
                self._cookie, self._token, _COOKIE_SECONDS, secure=is_secure, httponly=True, samesite="strict"
            )
            return answer
        more = _FORM
        if request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            more = _LINK + more
        return _refusal(request, 401, "Token needed", _NO_TOKEN, more, {"WWW-Authenticate": "Bearer"})

    def _is_token(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(), (self._token or "").encode())


def _is_opened(request: HTTPConnection) -> bool:
    """Whether a person follows a link: the browser shows the answer, and the page with the link can't read it."""
    wanted = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    return request.scope.get("method") == "GET" and wanted.items() <= dict(request.headers).items()


def _hostname(address: str) -> str | None:
    try:
        return urlsplit(f"//{address}").hostname
    except ValueError:
        return None


def _path(url: URL) -> str:
    """An address of this server; one that begins with two slashes would be of another."""
    return f"/{url.path.lstrip('/')}" + (f"?{url.query}" if url.query else "")


def _quoted(text: str | None) -> str:
    return f"“{printable((text or '')[:100])}”"


def _refusal(
    request: HTTPConnection,
    status: int,
    title: str,
    text: str,
    more: str = "",
    headers: Mapping[str, str] | None = None,
) -> Response:
    headers = {**_HEADERS, **(headers or {})}
    if "text/html" not in request.headers.get("accept", ""):
        return PlainTextResponse(f"{text}\n", status, headers)
    return HTMLResponse(_PAGE.format(title=escape(title), text=escape(text), more=more), status, headers)
