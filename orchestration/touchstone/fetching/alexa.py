"""Amazon's Metrics API of Alexa skills, in both of its versions. The facts of it are in docs/fetching.md."""

from __future__ import annotations

import json
import re
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, cached_property, partial
from time import monotonic
from typing import Any
from urllib.parse import urlencode

from pydantic import SecretStr
from requests import PreparedRequest

from touchstone.fetching.client import Access, Client, Document, objects, secret
from touchstone.fetching.source import DAY, HOUR, Answer, FetchFailed, Reader, Refused, Scope, Source, pages
from touchstone.landing.streams import asked_for
from touchstone.settings import Settings

_STREAM = "alexa/smapi_metrics"
_ADDRESSES = {"login": "https://api.amazon.com", "metrics": "https://api.amazonalexa.com"}
# The most that Amazon takes: numbers of a page and time of a request in version 1, metrics of a request in version 2.
_PAGE, _SPAN, _QUERIES = 50, 7 * DAY, 5
# Amazon doesn't say how many calls it takes.
PER_SECOND = 5
# Its numbers are up to two hours old.
_MARGIN = 2 * HOUR
# A token isn't used in the last seconds of its hour.
_EARLY = 60

Query = dict[str, Any]


class Login(Access):
    """Login with Amazon, which gives a token for an hour for the refresh token."""

    remedy = "; a token reads the skills of its own developer account: correct alexa_skills or alexa_refresh_token"

    def __init__(self, settings: Settings) -> None:
        super().__init__(secret(settings, "alexa_client_secret"), secret(settings, "alexa_refresh_token"))
        self._client_id = settings.alexa_client_id
        self._client = Client("Login with Amazon", address_of(settings, "login"), Access(*self.secrets))
        self._token: SecretStr | None = None
        self._ends_at = 0.0

    def sign(self, request: PreparedRequest) -> PreparedRequest:
        if self._token is None or monotonic() >= self._ends_at:
            self.renew()
        assert self._token
        request.headers["Authorization"] = f"Bearer {self._token.get_secret_value()}"
        return request

    def renew(self) -> bool:
        client_secret, refresh_token, *_ = self.secrets
        form = {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token.get_secret_value(),
            "client_id": self._client_id,
            "client_secret": client_secret.get_secret_value(),
        }
        asked_at = monotonic()
        try:
            answer = self._client.ask("a token", "POST", "/auth/o2/token", data=form).value
        except Refused as error:
            settings = "alexa_client_id, alexa_client_secret or alexa_refresh_token"
            raise FetchFailed(f"{error}; correct {settings}; docs/fetching.md says how to get another one") from None
        token, seconds = answer.get("access_token"), answer.get("expires_in")
        if not (isinstance(token, str) and re.fullmatch("[!-~]+", token) and isinstance(seconds, int | float)):
            raise FetchFailed("Login with Amazon answers without a token; see whether Amazon changed its API")
        self._token = SecretStr(token)
        self.secrets.append(self._token)
        self._ends_at = asked_at + seconds - _EARLY
        return True


@dataclass(frozen=True)
class _Of:
    """Whose numbers are asked for: those of a skill, of its `kind`, in one stage and locale, or of all locales."""

    kind: str
    skill: str
    stage: str
    locale: str | None
    period: str


class _Amazon(Reader):
    def __init__(self, settings: Settings, login: Callable[[], Login], of: _Of) -> None:
        self._client = Client("Amazon", address_of(settings, "metrics"), login(), PER_SECOND)
        self._of = of

    @property
    def calls(self) -> int:  # type: ignore[override]
        return self._client.calls

    def now(self) -> datetime:
        return self._client.now()

    def _answers(self, ask: Callable[[str | None], tuple[Query, Document]]) -> Iterator[Answer]:
        """The pages of an answer that have numbers, each beside its query."""
        for query, page in pages(ask, lambda asked: self._following(asked[1])):
            if numbers := self._numbers(query, page):
                beside = {"fetched_at": _iso(page.at), "skill_id": self._of.skill, "query": query}
                yield Answer(json.dumps(beside)[:-1].encode() + b', "response": %s}' % page.text, numbers)

    @abstractmethod
    def _following(self, page: Document) -> str | None:
        """The token of the next page."""

    @abstractmethod
    def _numbers(self, query: Query, page: Document) -> list[Any]:
        """Each number with what it is of, by which windows are compared."""


class _Version1(_Amazon):
    """One metric a request."""

    def answers(self, start: datetime, end: datetime) -> Iterator[Answer]:
        asked = asked_for(_STREAM)
        for metric in asked["metrics"][self._of.kind]:
            if self._of.locale is None or metric not in asked["of_no_locale"]:
                yield from self._answers(partial(self._page, metric, start, end))

    def _page(self, metric: str, start: datetime, end: datetime, token: str | None) -> tuple[Query, Document]:
        query = {
            "startTime": _iso(start),
            "endTime": _iso(end),
            "period": {"hour": "PT1H", "day": "P1D"}[self._of.period],
            "metric": metric,
            "stage": self._of.stage,
            "skillType": self._of.kind,
            **({"locale": self._of.locale} if self._of.locale else {}),
            "maxResults": _PAGE,
            **({"nextToken": token} if token else {}),
        }
        path = f"/v1/skills/{self._of.skill}/metrics?{urlencode(query)}"
        return query, self._client.ask(metric, "GET", path)

    def _following(self, page: Document) -> str | None:
        token = page.value.get("nextToken")
        return str(token) if token else None

    def _numbers(self, query: Query, page: Document) -> list[Any]:
        if page.value.get("metric") != query["metric"]:
            raise FetchFailed(f"Amazon answers {query['metric']} with another metric; see whether it changed its API")
        return [[query["metric"], *point] for point in _points(page.value)]


class _Version2(_Amazon):
    """Up to five metrics of a namespace a request; some by group."""

    def __init__(self, settings: Settings, login: Callable[[], Login], of: _Of, namespace: str) -> None:
        super().__init__(settings, login, of)
        self._namespace = namespace

    def answers(self, start: datetime, end: datetime) -> Iterator[Answer]:
        for first in range(0, len(self._queries), _QUERIES):
            yield from self._answers(partial(self._page, self._queries[first : first + _QUERIES], start, end))

    @cached_property
    def _queries(self) -> list[Query]:
        dimensions = {"Alexa.Stage": self._of.stage, "Alexa.Locale": self._of.locale}
        asked: Mapping[str, str | None] = asked_for(_STREAM)["queries"][self._of.kind][self._namespace]
        return [
            {
                "id": metric.lower(),
                "name": metric,
                "metricNamespace": self._namespace,
                "aggregationPeriod": {"hour": "BY_HOUR", "day": "BY_DAY"}[self._of.period],
                "stat": "count",
                "dimensions": [{"name": name, "value": value} for name, value in dimensions.items() if value],
                **({"groupBy": self._grouping(metric, word)} if word else {}),
            }
            for metric, word in asked.items()
        ]

    def _grouping(self, metric: str, word: str) -> str:
        """What Amazon calls the grouping of a metric whose name has this word: no page says it."""

        def page(token: str | None) -> Document:
            asked = {"metricNamespace": self._namespace, **({"nextToken": token} if token else {})}
            return self._client.ask(f"the list of {self._namespace}", "GET", f"/v2/skills/metrics?{urlencode(asked)}")

        listed = [each for found in pages(page, self._following) for each in found.objects("metrics")]
        names = [
            str(name)
            for each in listed
            if each.get("name") == metric
            for name in each.get("supportedGroupByOptions") or []
        ]
        found = [name for name in names if word in name.lower()]
        if len(found) != 1:
            raise FetchFailed(
                f"Amazon groups {metric} of {self._namespace} by {', '.join(names) or 'nothing'}, and not by one "
                f"{word}; add {self._namespace} to alexa_skipped_namespaces"
            )
        return found[0]

    def _page(self, queries: list[Query], start: datetime, end: datetime, token: str | None) -> tuple[Query, Document]:
        query = {
            "startTime": round(start.timestamp() * 1000),
            "endTime": round(end.timestamp() * 1000),
            "metricQueries": queries,
            **({"nextToken": token} if token else {}),
        }
        return query, self._client.ask(self._namespace, "POST", f"/v2/skills/{self._of.skill}/metrics", query)

    def _following(self, page: Document) -> str | None:
        token = (page.value.get("paginationContext") or {}).get("nextToken")
        return str(token) if token else None

    def _numbers(self, query: Query, page: Document) -> list[Any]:
        return [
            [result.get("id"), series.get("groupedBy"), *point]
            for result in page.objects("results")
            for series in objects(result, "data")
            for point in _points(series)
        ]


def namespaces() -> set[str]:
    """The namespaces of version 2 that are asked for."""
    return {name for of_kind in asked_for(_STREAM)["queries"].values() for name in of_kind}


def _points(series: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    times, values = (series.get(name) or [] for name in ("timestamps", "values"))
    if not (isinstance(times, list) and isinstance(values, list) and len(times) == len(values)):
        raise FetchFailed("an answer's timestamps and values don't match; see whether Amazon changed its API")
    return [*zip(times, values, strict=True)]


def _iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def address_of(settings: Settings, host: str) -> str:
    """Where Amazon is asked: at its own address, or at the one of the settings."""
    return settings.alexa_addresses.get(host, _ADDRESSES[host]).rstrip("/")


def addresses_of(settings: Settings) -> str:
    """The addresses of the settings, in words; empty if Amazon is asked at its own."""
    return " and ".join(sorted(set(settings.alexa_addresses.values())))


def _scopes(settings: Settings) -> list[Scope]:
    login = cache(partial(Login, settings))  # one token for all
    queries = asked_for(_STREAM)["queries"]
    found = []
    for name in settings.alexa_skills:
        kind, skill = name.split("/")
        versions: dict[str, Callable[..., Reader]] = {"v1": _Version1}
        for namespace in queries[kind]:
            if namespace not in settings.alexa_skipped_namespaces:
                versions[namespace] = partial(_Version2, namespace=namespace)
        found += [
            Scope(
                f"{name}/{stage}/{locale or 'all'}/{version}/{period}",
                partial(reader, settings, login, _Of(kind, skill, stage, locale, period)),
                timedelta(days=settings.alexa_retention_days),
                spans=(_SPAN, DAY),
                step=step,
                margin=_MARGIN,
                address=addresses_of(settings),
            )
            for stage in settings.alexa_stages
            for locale in (None, *settings.alexa_locales)
            for version, reader in versions.items()
            for period, step in (("hour", HOUR), ("day", DAY))
        ]
    return found


SOURCES = (
    Source(
        "alexa_metrics",
        _STREAM,
        "Amazon",
        "Amazon's Metrics API of skills, in both of its versions: its own numbers, by hour and day.",
        (
            ("alexa_client_id",),
            ("alexa_client_secret", "alexa_client_secret_file"),
            ("alexa_refresh_token", "alexa_refresh_token_file"),
            ("alexa_skills",),
        ),
        _scopes,
    ),
)
