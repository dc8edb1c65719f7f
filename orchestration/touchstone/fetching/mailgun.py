"""Mailgun's Logs API, Events API and Metrics API. The facts of them are in docs/fetching.md."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

from touchstone.fetching.client import Client, Document, Key, secret
from touchstone.fetching.source import DAY, HOUR, Answer, FetchFailed, PageRefused, Reader, Scope, Source, pages
from touchstone.landing.streams import asked_for
from touchstone.settings import Settings

_ADDRESSES = {"us": "https://api.mailgun.net", "eu": "https://api.eu.mailgun.net"}
# Times of requests are whole seconds. No page says whether a window has its end, so that all ask a second further.
_SECOND = timedelta(seconds=1)
# The most that the vendor takes: items of a page, metrics of a request.
_LOGS_PAGE, _EVENTS_PAGE, _METRICS_PAGE, _METRICS = 100, 300, 1500, 10


class _Mailgun(Reader):
    def __init__(self, settings: Settings, region: str) -> None:
        access = Key("api", secret(settings, "mailgun_key"), "mailgun_key")
        self._client = Client("Mailgun", _address(settings, region), access)
        self._region = region
        self._subaccounts = settings.mailgun_subaccounts

    @property
    def calls(self) -> int:  # type: ignore[override]
        return self._client.calls

    def now(self) -> datetime:
        return self._client.now()


class _Logs(_Mailgun):
    def answers(self, start: datetime, end: datetime) -> Iterator[Answer]:
        def page(token: str | None) -> Document:
            asked = {
                "start": format_datetime(start),
                "end": format_datetime(end + _SECOND),
                "include_subaccounts": self._subaccounts,
                "pagination": {"sort": "timestamp:asc", "limit": _LOGS_PAGE} | ({"token": token} if token else {}),
            }
            return self._client.ask(f"logs of {self._region}", "POST", "/v1/analytics/logs", asked)

        def following(page: Document) -> str | None:
            paging = page.value.get("pagination") or {}
            return str(paging["next"]) if page.objects("items") and paging.get("next") else None

        for found in pages(page, following):
            if items := found.objects("items"):
                yield Answer(found.text, items)


class _Events(_Mailgun):
    def __init__(self, settings: Settings, region: str, domain: str) -> None:
        super().__init__(settings, region)
        self._domain = domain
        self._hosts = {urlsplit(address).netloc for address in (_address(settings, region), _ADDRESSES[region])}

    def answers(self, start: datetime, end: datetime) -> Iterator[Answer]:
        asked = {"begin": start.timestamp(), "end": (end + _SECOND).timestamp(), "ascending": "yes"}
        first = f"/v3/{self._domain}/events?{urlencode(asked | {'limit': _EVENTS_PAGE})}"

        def page(path: str | None) -> Document:
            return self._client.ask(f"events of {self._domain}", "GET", path or first)

        for found in pages(page, self._following):
            if items := found.objects("items"):
                # the older items don't name their domain: landing takes it from here
                domain = json.dumps({"name": self._domain}).encode()
                yield Answer(b'{"domain": %s, "body": %s}' % (domain, found.text), items)

    def _following(self, page: Document) -> str | None:
        """The path of the next page. Only an empty one is the last: short ones and those out of order aren't."""
        if not page.objects("items"):
            return None
        try:
            address = urlsplit(page.value["paging"]["next"])
        except (KeyError, TypeError, ValueError, AttributeError):
            raise FetchFailed("a page of events names no next one; see whether Mailgun changed its API") from None
        if address.netloc not in self._hosts or address.scheme not in ("http", "https"):
            raise FetchFailed("a page of events names a next one on another host, which the key must not go to")
        return f"{address.path}?{address.query}" if address.query else address.path


class _Metrics(_Mailgun):
    def __init__(self, settings: Settings, region: str, resolution: str) -> None:
        super().__init__(settings, region)
        self._resolution = resolution

    def answers(self, start: datetime, end: datetime) -> Iterator[Answer]:
        rules = asked_for("mailgun/reported_metrics")
        metrics = rules["metrics"]
        for dimensions in rules["dimensions"]:
            if "subaccount" in dimensions and not self._subaccounts:
                continue
            for first in range(0, len(metrics), _METRICS):
                yield from self._rows(start, end, dimensions, metrics[first : first + _METRICS])

    def _rows(self, start: datetime, end: datetime, dimensions: Any, metrics: Any) -> Iterator[Answer]:
        """The answers about some metrics by some dimensions. Only periods with a number have a row."""
        read = 0

        def page(skip: int | None) -> Document:
            asked = {
                "start": format_datetime(start),
                "end": format_datetime(end),
                "resolution": self._resolution,
                "dimensions": dimensions,
                "metrics": metrics,
                "include_subaccounts": self._subaccounts,
                "include_aggregates": False,
                "pagination": {"sort": "time:asc", "skip": skip or 0, "limit": _METRICS_PAGE},
            }
            return self._client.ask(f"metrics of {self._region}", "POST", "/v1/analytics/metrics", asked)

        def following(page: Document) -> int | None:
            total = (page.value.get("pagination") or {}).get("total")
            rows = page.objects("items")
            if isinstance(total, int):
                if not rows and read < total:
                    raise PageRefused(f"{total} rows of metrics are stated, and there are {read}")
                return read if read < total else None
            return read if len(rows) == _METRICS_PAGE else None

        for found in pages(page, following):
            rows = found.objects("items")
            read += len(rows)
            if rows:
                yield Answer(found.text, rows)


def _logs(settings: Settings) -> list[Scope]:
    keeps = timedelta(days=settings.mailgun_retention_days)
    return [
        Scope(region, partial(_Logs, settings, region), keeps, address=settings.mailgun_addresses.get(region, ""))
        for region in settings.mailgun_regions
    ]


def _events(settings: Settings) -> list[Scope]:
    keeps = timedelta(days=settings.mailgun_retention_days)
    domains = [name.rpartition("/") for name in settings.mailgun_domains]
    pairs = [(region or settings.mailgun_regions[0], domain) for region, _, domain in domains]
    return [
        Scope(
            f"{region}/{domain}",
            partial(_Events, settings, region, domain),
            keeps,
            address=settings.mailgun_addresses.get(region, ""),
        )
        for region, domain in pairs
    ]


def _metrics(settings: Settings) -> list[Scope]:
    return [
        Scope(
            f"{region}/{resolution}",
            partial(_Metrics, settings, region, resolution),
            keeps,
            spans,
            step,
            enough=10 * _METRICS_PAGE,  # of some twenty requests
            address=settings.mailgun_addresses.get(region, ""),
        )
        for region in settings.mailgun_regions
        for resolution, keeps, spans, step in (
            ("hour", 60 * DAY, (6 * DAY, DAY, HOUR), HOUR),
            ("day", 365 * DAY, (30 * DAY, DAY), DAY),
        )
    ]


def _address(settings: Settings, region: str) -> str:
    return settings.mailgun_addresses.get(region, _ADDRESSES[region]).rstrip("/")


def _source(name: str, stream: str, of: str, scopes: Any, *needs: tuple[str, ...]) -> Source:
    return Source(name, stream, "Mailgun", f"Mailgun's {of}", (("mailgun_key", "mailgun_key_file"), *needs), scopes)


SOURCES = (
    _source("mailgun_logs", "mailgun/events", "Logs API: all events of an account.", _logs),
    _source("mailgun_events", "mailgun/events", "Events API, of the domains listed.", _events, ("mailgun_domains",)),
    _source("mailgun_metrics", "mailgun/reported_metrics", "Metrics API: its own numbers, by hour and day.", _metrics),
)
