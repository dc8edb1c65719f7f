"""A server with Amazon's Metrics API of skills and its login on loopback, with faults to switch on."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from touchstone.settings import Settings, load_settings

from .api_server import Api, Handler, Record, serving

CLIENT, CLIENT_SECRET, REFRESH_TOKEN = "amzn1.application-oa2-client.0f0f", "cl1ent-s3cret-0f", "Atzr|r3fresh-0123+/=="
CUSTOM, HOME, BRIEFING = (f"amzn1.ask.skill.{name}" for name in ("0a-custom", "0b-home", "0c-briefing"))
SKILLS = [f"custom/{CUSTOM}", f"smartHome/{HOME}", f"flashBriefing/{BRIEFING}"]
_PERIODS = {
    "PT1H": timedelta(hours=1),
    "BY_HOUR": timedelta(hours=1),
    "P1D": timedelta(days=1),
    "BY_DAY": timedelta(days=1),
}
_LOGIN = "/auth/o2/token"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A number is of a metric's namespace, which in version 1 is the type of skill, its name and its group.
Name = tuple[str, str, str]


@dataclass(frozen=True)
class Fact:
    """What happened to a skill, the numbers in which it counts, and when Amazon begins to show it."""

    at: datetime
    shown_at: datetime
    skill: str
    stage: str
    locale: str
    user: str
    counts: frozenset[Name]


@dataclass
class AlexaServer(Api):
    """`closed`: statuses of metrics and namespaces that aren't answered. `seconds`: how long a token is said to last;
    `tokens`: those that do; the fault `expire` ends them before its request.
    """

    page: int = 50
    keeps: timedelta = timedelta(days=90)
    facts: list[Fact] = field(default_factory=list)
    closed: dict[str, int] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    seconds: int = 3600
    cursors: dict[str, Any] = field(default_factory=dict)
    # The vendors that the login is one of, by id, and the entries of skills of each.
    vendors: dict[str, str] = field(default_factory=dict)
    skills: dict[str, list[Record]] = field(default_factory=dict)

    def token(self, asked: Record) -> tuple[int, Record]:
        if asked["client_id"] != CLIENT or asked["client_secret"] != CLIENT_SECRET:
            return 401, {"error": "invalid_client", "error_description": "Client authentication failed"}
        if asked["refresh_token"] != REFRESH_TOKEN:
            said = f"The request has an invalid grant parameter : refresh_token {asked['refresh_token']}"
            return 400, {"error": "invalid_grant", "error_description": said}
        self.tokens.append(f"Atza|t0ken-{len(self.requests)}+/==")
        stated = {"refresh_token": REFRESH_TOKEN, "token_type": "bearer", "expires_in": self.seconds}
        return 200, {"access_token": self.tokens[-1], **stated}

    def numbers(
        self, name: Name, of: tuple[str, str, str | None], start: datetime, end: datetime, step: timedelta
    ) -> dict[datetime, int]:
        """What is shown now of a number, by the beginnings of periods from `start` to `end` in which there is any."""
        skill, stage, locale = of
        users: dict[datetime, list[str]] = {}
        for fact in self.facts:
            begins = (fact.at - _EPOCH) // step * step + _EPOCH
            if (
                (fact.skill, fact.stage) == (skill, stage)
                and locale in (None, fact.locale)
                and name in fact.counts
                and fact.shown_at <= self.now
                and start <= begins < end
            ):
                users.setdefault(begins, []).append(fact.user)
        is_distinct = name[1] == "uniqueCustomers"
        return {begins: len(set(users[begins]) if is_distinct else users[begins]) for begins in sorted(users)}

    def version_1(self, skill: str, asked: Record) -> tuple[int, Record]:
        start, end = (datetime.fromisoformat(asked[name]) for name in ("startTime", "endTime"))
        if asked["metric"] in self.closed:
            return self.closed[asked["metric"]], {"message": "not for this skill"}
        if not timedelta() < end - start <= timedelta(days=7):
            return 400, {"message": "The time range is longer than one week"}
        if start < self.now - self.keeps - timedelta(hours=1):
            return 400, {"message": "startTime is too long ago"}
        first, question = 0, {name: value for name, value in asked.items() if name != "nextToken"}
        if token := asked.get("nextToken"):
            known, first = self.cursors[token]
            if known != question:
                self.problems.append("a token with another query")
        step = _PERIODS[asked["period"]]
        name = (asked["skillType"], asked["metric"], "")
        counted = self.numbers(name, (skill, asked["stage"], asked.get("locale")), start, end, step)
        begun = [start + number * step for number in range((min(end, self.now) - start) // step)]
        page = begun[first : first + min(self.page, int(asked["maxResults"]))]
        rest = {"nextToken": self._cursor(question, first + len(page))} if first + len(page) < len(begun) else {}
        times = [f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in page]
        # one that is zero is there, and other ones are whole numbers that are written as no such
        return 200, {
            "metric": asked["metric"],
            "timestamps": times,
            "values": [float(counted.get(at, 0)) for at in page],
            **rest,
        }

    def version_2(self, skill: str, asked: Record) -> tuple[int, Record]:
        start, end = (datetime.fromtimestamp(asked[name] / 1000, UTC) for name in ("startTime", "endTime"))
        if start < self.now - self.keeps - timedelta(hours=1):
            return 400, {"message": "startTime is too long ago"}
        first, question = 0, {name: value for name, value in asked.items() if name != "nextToken"}
        if token := asked.get("nextToken"):
            known, first = self.cursors[token]
            if known != question:
                self.problems.append("a token with another query")
        results, is_last = [], True
        for query in asked["metricQueries"]:
            if query["metricNamespace"] in self.closed:
                return self.closed[query["metricNamespace"]], {"message": "not for this skill"}
            dimensions = {each["name"]: each["value"] for each in query["dimensions"]}
            of = (skill, dimensions["Alexa.Stage"], dimensions.get("Alexa.Locale"))
            data = []
            for name in sorted(self._groups(query)):
                # periods with nothing are left out, and the last ones come first
                found = [*self.numbers(name, of, start, end, _PERIODS[query["aggregationPeriod"]]).items()][::-1]
                page = found[first : first + self.page]
                is_last &= first + len(page) >= len(found)
                series: Record = {
                    "timestamps": [round(at.timestamp() * 1000) for at, _ in page],
                    "values": [number for _, number in page],
                }
                if "groupBy" in query:
                    series["groupedBy"] = {"groupedByField": query["groupBy"], "groupedByValue": name[2]}
                data.append(series)
            told = {name: query[name] for name in ("id", "name", "metricNamespace", "stat")}
            results.append({**told, "label": query["name"], "data": data})
        rest = {} if is_last else {"nextToken": self._cursor(question, first + self.page)}
        return 200, {"results": results, "paginationContext": rest}

    def _groups(self, query: Record) -> set[Name]:
        known = {name for fact in self.facts for name in fact.counts}
        return {
            name
            for name in known
            if name[:2] == (query["metricNamespace"], query["name"]) and bool(name[2]) == ("groupBy" in query)
        }

    def listed(self, asked: Record) -> tuple[int, Record]:
        """A page for each metric."""
        groups = {
            "INTENT_CLASSIFICATION": ["Alexa.Intent", "Alexa.IntentConfidence"],
            "UTTERANCES": ["Alexa.Action", "Alexa.Locale"],
        }
        names = ["CUSTOMERS", *groups]
        place = int(asked.get("nextToken", "0"))
        metric = {
            "name": names[place],
            "supportedDimensions": ["Alexa.Locale", "Alexa.Stage"],
            "supportedGroupByOptions": groups.get(names[place], []),
            "supportedStats": ["count"],
        }
        rest = {"nextToken": str(place + 1)} if place + 1 < len(names) else {}
        return 200, {"metrics": [metric], "paginationContext": rest}

    def vendors_listed(self) -> tuple[int, Record]:
        return 200, {"vendors": [{"id": id_, "name": name, "roles": []} for id_, name in self.vendors.items()]}

    def skills_listed(self, asked: Record) -> tuple[int, Record]:
        first = int(asked.get("nextToken", "0"))
        entries, last = self.skills[asked["vendorId"]], first + min(self.page, int(asked["maxResults"]))
        rest = {"nextToken": str(last)} if last < len(entries) else {"nextToken": None}
        return 200, {"_links": {}, "skills": entries[first:last], "isTruncated": last < len(entries), **rest}

    def _cursor(self, question: Record, first: int) -> str:
        token = f"{len(self.cursors)}=="
        self.cursors[token] = (question, first)
        return token


class _Handler(Handler):
    api: AlexaServer
    description = "alexa_api.yaml"

    def is_known(self) -> bool:
        sent = self.headers["Authorization"]
        if self.path == _LOGIN:
            return sent is None
        return sent is not None and sent.removeprefix("Bearer ") in self.api.tokens

    def secrets(self) -> str:
        return " ".join([CLIENT_SECRET, REFRESH_TOKEN, *self.api.tokens[-1:]])

    def is_first(self, path: str, asked: Record) -> bool:
        return "nextToken" not in asked

    def is_of(self, fault: str, path: str, asked: Record) -> bool:
        return super().is_of(fault, path, asked) and not (fault == "expire" and path == _LOGIN)

    def fail(self, fault: str) -> bool:
        if fault == "expire":
            self.api.tokens.clear()
            self.send(401, b'{"message": "Token is invalid/expired"}')
            return True
        return super().fail(fault)

    def answer(self, path: str, asked: Record) -> tuple[str, int, Record]:
        if path == _LOGIN:
            self.check("TokenRequest", asked)
            return "TokenResponse", *self.api.token(asked)
        if any(secret in f"{self.path} {json.dumps(asked)}" for secret in (CLIENT_SECRET, REFRESH_TOKEN)):
            self.api.problems.append("a secret was sent where none belongs")
        if path == "/v1/vendors":
            return "Vendors", *self.api.vendors_listed()
        if path == "/v1/skills":
            self.check("SkillsRequest", asked)
            return "Skills", *self.api.skills_listed(asked)
        if path == "/v2/skills/metrics":
            self.check("ListRequest", asked)
            return "ListResponse", *self.api.listed(asked)
        _, version, _, skill, _ = path.split("/")
        if version == "v1":
            self.check("Version1Request", asked)
            return "Version1Response", *self.api.version_1(skill, asked)
        self.check("Version2Request", asked)
        return "Version2Response", *self.api.version_2(skill, asked)

    def repeat(self, answer: Record, asked: Record) -> None:
        if token := asked.get("nextToken"):
            answer["nextToken"] = token
            answer["paginationContext"] = {"nextToken": token}


@contextmanager
def amazon() -> Iterator[AlexaServer]:
    """The server; at its end, no request and no answer was against the description."""
    api = AlexaServer()
    with serving(api, _Handler):
        yield api


def fetching(api: AlexaServer, **others: Any) -> Settings:
    """The settings with which metrics are fetched from the server."""
    return load_settings(
        **{
            "alexa_client_id": CLIENT,
            "alexa_client_secret": CLIENT_SECRET,
            "alexa_refresh_token": REFRESH_TOKEN,
            "alexa_skills": SKILLS,
            "alexa_addresses": {"login": api.address, "metrics": api.address},
            "fetch": ["alexa_metrics"],
            **others,
        }
    )


def some(count: int, start: datetime, span: timedelta, seed: int = 1, late: timedelta = timedelta()) -> list[Fact]:
    """Facts of three skills, mostly live ones, in three locales, over a span; each is shown up to so much later."""
    chance = random.Random(seed)
    found = []
    for _ in range(count):
        at = start + timedelta(milliseconds=chance.randrange(round(span.total_seconds() * 1000)))
        skill = chance.choice([CUSTOM, CUSTOM, HOME, BRIEFING])
        found.append(
            Fact(
                at,
                at + late * chance.random() ** 3,
                skill,
                chance.choice(["live"] * 4 + ["development"]),
                chance.choice(["en-US", "de-DE", "ja-JP"]),
                chance.choice("abcde"),
                frozenset({CUSTOM: _of_custom, HOME: _of_home, BRIEFING: _of_briefing}[skill](chance)),
            )
        )
    return found


def _of_custom(chance: random.Random) -> set[Name]:
    outcome, end = chance.choice(["successful", "failed"]), chance.choice(["userEnded", "skillEnded", "incomplete"])
    names = {("custom", name, "") for name in ("uniqueCustomers", "totalUtterances", f"{outcome}Utterances")}
    names |= {("Alexa.Custom", "INTENT_CLASSIFICATION", chance.choice(["HIGH", "MEDIUM", "LOW"]))}
    if chance.random() < 0.5:
        names |= {("custom", "totalSessions", ""), ("custom", f"{end}Sessions", "")}
        names |= {("custom", "successfulSessions", "")} if end != "incomplete" else set()
    if chance.random() < 0.1:
        names |= {("custom", "totalEnablements", "")}
    for namespace, *others in (
        ("Alexa.EstimatedTurnError", "PREDICTED_UTTERANCES"),
        ("Alexa.SkillQuality", "DEFECTIVE_UTTERANCES", "DEFECTIVE_BARGE_INS", "UNHANDLED_REQUEST"),
    ):
        if chance.random() < 0.8:
            names |= {(namespace, "EVALUATED_UTTERANCES", "")}
            names |= {(namespace, name, "") for name in others if chance.random() < 0.2}
    return names


def _of_home(chance: random.Random) -> set[Name]:
    action = chance.choice(["Alexa.PowerController.TurnOn", "Alexa.LockController.Lock"])
    return {
        ("smartHome", "uniqueCustomers", ""),
        ("smartHome", "totalUtterances", ""),
        ("Alexa.SmartHome", "UTTERANCES", action),
    }


def _of_briefing(chance: random.Random) -> set[Name]:
    return {("flashBriefing", "uniqueCustomers", ""), ("flashBriefing", "totalSessions", "")}
