"""Fetching of Alexa's metrics: Amazon's numbers are had, whatever happened on the way, and its tokens stay secret."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from touchstone.fetching import alexa, client, switched_on
from touchstone.fetching.fetch import Fetch, findings
from touchstone.fetching.source import DAY, HOUR
from touchstone.landing.streams import asked_for
from touchstone.settings import PROJECT, Settings, SettingsMistake, load_settings

from .alexa_api import (
    BRIEFING,
    CLIENT,
    CLIENT_SECRET,
    CUSTOM,
    REFRESH_TOKEN,
    SKILLS,
    AlexaServer,
    Name,
    amazon,
    fetching,
    some,
)
from .api_server import Record
from .commands import run
from .conftest import TestHome
from .test_fetching import Killed, answers, fetched, holding, kill_somewhere

# A number as it is asked for: of a skill, stage and locale, by period, and its namespace, name and group.
Key = tuple[str, str, str | None, str, Name]
_STEPS = {"PT1H": HOUR, "P1D": DAY}
_ASKED = asked_for("alexa/smapi_metrics")


@pytest.fixture
def api(waits: list[float]) -> Iterator[AlexaServer]:
    with amazon() as server:
        yield server


def nightly(settings: Settings) -> list[Fetch]:
    return fetched(settings, "alexa_metrics")


def failures(done: list[Fetch]) -> list[str]:
    return [each.failure for each in done if each.failure]


def names_of(kind: str, locale: str | None) -> Iterator[Name]:
    """What is asked for of a type of skill."""
    for metric in _ASKED["metrics"][kind]:
        if locale is None or metric not in _ASKED["of_no_locale"]:
            yield kind, metric, ""
    groups = {"confidence": ["HIGH", "MEDIUM", "LOW"]}
    groups["action"] = ["Alexa.PowerController.TurnOn", "Alexa.LockController.Lock"]
    for namespace, metrics in _ASKED["queries"][kind].items():
        for metric, word in metrics.items():
            yield from ((namespace, metric, group) for group in groups.get(word, [""]))


def asked_of(settings: Settings) -> Iterator[Key]:
    """All numbers that are asked for."""
    for skill in settings.alexa_skills:
        kind, id_ = skill.split("/")
        for stage in settings.alexa_stages:
            for locale in (None, *settings.alexa_locales):
                for name in names_of(kind, locale):
                    yield from ((id_, stage, locale, period, name) for period in _STEPS)


def amazons(api: AlexaServer, settings: Settings, start: datetime, end: datetime) -> dict[Key, dict[datetime, float]]:
    """The numbers that Amazon shows now of all periods from `start` to `end`, but for those of zero."""
    found = {}
    for key in asked_of(settings):
        step = _STEPS[key[3]]
        counted = api.numbers(key[4], key[:3], start, end, step)
        if whole := {at: float(number) for at, number in counted.items() if at + step <= end}:
            found[key] = whole
    return found


def ours(settings: Settings) -> dict[Key, dict[datetime, float]]:
    """The numbers in the files that were fetched, the latest of each, but for those of zero."""
    found: dict[Key, dict[datetime, float]] = {}
    for call in sorted(answers(settings), key=lambda call: call["fetched_at"]):
        query, response, skill = call["query"], call["response"], call["skill_id"]
        if "metric" in query:
            key = (
                skill,
                query["stage"],
                query.get("locale"),
                query["period"],
                (query["skillType"], query["metric"], ""),
            )
            times = map(datetime.fromisoformat, response["timestamps"])
            found.setdefault(key, {}).update(zip(times, response["values"], strict=True))
            continue
        queries = {each["id"]: each for each in query["metricQueries"]}
        for result in response["results"]:
            asked = queries[result["id"]]
            of = {each["name"]: each["value"] for each in asked["dimensions"]}
            period = {"BY_HOUR": "PT1H", "BY_DAY": "P1D"}[asked["aggregationPeriod"]]
            for series in result["data"]:
                group = series.get("groupedBy", {}).get("groupedByValue", "")
                name = (asked["metricNamespace"], asked["name"], group)
                times = (
                    datetime.fromisoformat("1970-01-01T00:00:00Z") + timedelta(milliseconds=at)
                    for at in series["timestamps"]
                )
                key = (skill, of["Alexa.Stage"], of.get("Alexa.Locale"), period, name)
                found.setdefault(key, {}).update(zip(times, series["values"], strict=True))
    return {key: {at: n for at, n in numbers.items() if n} for key, numbers in found.items() if any(numbers.values())}


def test_all_that_is_counted_is_asked_for_once() -> None:
    """The numbers that int_alexa__reported_points reads: each measure by one name of one version."""
    model = (PROJECT / "models/intermediate/alexa/int_alexa__reported_points.sql").read_text()
    measures = {
        (kind.lower(), name): measure for kind, name, measure in re.findall(r"\('([\w.]+)', '(\w+)', '(\w+)'", model)
    }
    first = [(kind.lower(), name) for kind, names in _ASKED["metrics"].items() for name in names]
    second = [
        (namespace.lower(), name)
        for of_kind in _ASKED["queries"].values()
        for namespace, names in of_kind.items()
        for name, word in names.items()
        if not word
    ]
    counted = [measures[each] for each in first + second]
    of_both_kinds = ["customers", "total_enablements"]
    assert sorted(counted) == sorted([*{*measures.values()}, *of_both_kinds])
    grouped = {
        name
        for of_kind in _ASKED["queries"].values()
        for names in of_kind.values()
        for name, word in names.items()
        if word
    }
    assert grouped == set(re.findall(r"metric = '(\w+)'", model))


def test_the_first_run_fetches_all_there_is(home: TestHome, api: AlexaServer) -> None:
    api.facts = some(400, api.now - 9 * DAY, 9 * DAY)
    settings = fetching(api, alexa_retention_days=6, alexa_locales=["en-US"], alexa_stages=["live", "development"])
    done = nightly(settings)
    assert failures(done) == []
    assert len(done) == len({each.scope for each in done}) == 2 * 2 * 2 * (4 + 2 + 1)
    assert {each.end for each in done} == {api.now - 2 * HOUR}
    found = ours(settings)
    assert {period for _, _, _, period, _ in found} == {"PT1H", "P1D"}
    assert found == amazons(api, settings, api.now - 6 * DAY, api.now - 2 * HOUR)


def test_a_night_reads_what_is_new_and_what_came_late(home: TestHome, api: AlexaServer) -> None:
    settings = fetching(api, alexa_retention_days=8)
    api.facts = some(200, api.now - 7 * DAY, 7 * DAY)
    nightly(settings)
    api.facts += some(100, api.now - 12 * HOUR, 30 * HOUR, seed=2)  # some of them late
    api.now += DAY
    before = len(api.requests)
    done = nightly(settings)
    assert failures(done) == []
    assert len(api.requests) - before == sum(each.calls for each in done) + 1 < 150, "one for a token"
    assert ours(settings) == amazons(api, settings, api.now - 9 * DAY + 2 * HOUR, api.now - 2 * HOUR)


def test_a_request_is_of_a_week_at_most_and_answers_have_pages(home: TestHome, api: AlexaServer) -> None:
    settings = fetching(api, alexa_skills=SKILLS[:1], alexa_retention_days=40)
    assert failures(nightly(settings)) == [], "the server refuses longer ones, and more metrics a request"
    first = [asked for _, path, asked in api.requests if path.startswith("/v1/")]
    assert {asked["maxResults"] for asked in first} == {"50"}
    hours = [asked for asked in first if asked["period"] == "PT1H" and asked["metric"] == "totalSessions"]
    assert sum("nextToken" in asked for asked in hours) > sum("nextToken" not in asked for asked in hours) > 5


def test_a_locale_that_is_added_is_fetched_from_the_beginning(home: TestHome, api: AlexaServer) -> None:
    api.facts = some(200, api.now - 7 * DAY, 7 * DAY)
    nightly(fetching(api, alexa_skills=SKILLS[2:], alexa_retention_days=8))
    settings = fetching(api, alexa_skills=SKILLS[2:], alexa_retention_days=8, alexa_locales=["de-DE", "en-US"])
    assert failures(nightly(settings)) == []
    assert ours(settings) == amazons(api, settings, api.now - 8 * DAY, api.now - 2 * HOUR)


def test_pages_that_have_one_time_all_land_and_once(home: TestHome, api: AlexaServer) -> None:
    api.page = 20
    settings = fetching(api, alexa_skills=SKILLS[2:], alexa_retention_days=3)
    nightly(settings)
    calls = answers(settings)
    assert any("nextToken" in call["query"] for call in calls) and len({call["fetched_at"] for call in calls}) == 1
    home.put("alexa/smapi_metrics", "again.json.gz", calls)
    landed = home.land()["alexa/smapi_metrics"].totals
    assert landed.accepted == landed.duplicates == len(calls)


# What goes wrong.

FAULTS = {
    "429 seconds": [7.0],
    "429 date": [9.0],
    "500": None,
    "cut": None,
    "html": None,
    "list": None,
    "slow": [],
    "pretty": [],
    "refuse this token 400": [],
    "refuse this token 401": [],
    "expire": [],
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_passes_loses_nothing(home: TestHome, api: AlexaServer, waits: list[float], fault: str) -> None:
    api.facts = some(150, api.now - 4 * DAY, 4 * DAY)
    settings = fetching(api, alexa_retention_days=5, alexa_skills=SKILLS[:2])
    api.page = 20
    api.faults = ["", "", "", fault, *{"slow": [], "expire": ["", "", fault]}.get(fault, [fault])]
    assert failures(nightly(settings)) == []
    assert ours(settings) == amazons(api, settings, api.now - 5 * DAY, api.now - 2 * HOUR)
    expected = FAULTS[fault]
    if expected is None:
        assert len(waits) == 2, "it waits longer each time, as the vendor asks for no time"
    else:
        assert waits == expected * 2
    tokens = [path for _, path, _ in api.requests].count("/auth/o2/token")
    assert tokens == {"expire": 3, "refuse this token 401": 2}.get(fault, 1)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("500", "answers 500"),
        ("cut", "doesn't answer whole"),
        ("html", "with what is no JSON"),
        ("429 long", "asks to wait 86,400 s"),
        ("redirect", "with a redirect (302)"),
        ("repeat pages", "its pages repeat"),
        ("expire", "refuses the key (401) for uniqueCustomers: Token is invalid/expired; a token reads the skills of"),
    ],
)
def test_a_fault_that_stays_is_said_and_the_next_night_goes_on(
    home: TestHome, api: AlexaServer, fault: str, said: str
) -> None:
    api.facts = some(150, api.now - 4 * DAY, 4 * DAY)
    api.page = 20
    settings = fetching(api, alexa_retention_days=5, alexa_skills=SKILLS[2:])
    # a token, three pages of the first window
    api.faults = ["", "", "", "", *[fault] * 40]
    done = nightly(settings)
    assert said in done[0].failure
    with home.ledger() as ledger:
        assert ("Not fetched", done[0].failure) in [*findings(settings, ledger)]
    api.faults = []
    assert failures(nightly(settings)) == []
    assert ours(settings) == amazons(api, settings, api.now - 5 * DAY, api.now - 2 * HOUR)
    with home.ledger() as ledger:
        assert [*findings(settings, ledger)] == []


def test_a_token_is_used_until_shortly_before_its_end(
    home: TestHome, api: AlexaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 1_000_000, 20))  # seconds between two requests
    monkeypatch.setattr(alexa, "monotonic", lambda: next(clock))
    settings = fetching(api, alexa_retention_days=20, alexa_skills=SKILLS[:1])
    api.seconds = 1060
    api.on_request = lambda: api.tokens.__setitem__(slice(None, -1), [])  # only the last one is good
    assert failures(nightly(settings)) == []
    paths = [path for method, path, _ in api.requests if method != "HEAD"]
    tokens = paths.count("/auth/o2/token")
    assert 3 < len(paths) * 20 / 1000 < tokens < len(paths) * 20 / 1000 + 1


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"alexa_refresh_token": "Atzr|0ld-0ne"}, "refuses a token (400): The request has an invalid grant parameter"),
        ({"alexa_client_secret": "an0ther"}, "refuses the key (401) for a token: Client authentication failed"),
        ({"alexa_client_id": "another"}, "refuses the key (401) for a token: Client authentication failed"),
    ],
)
def test_a_refused_login_names_the_settings(home: TestHome, api: AlexaServer, settings: Record, said: str) -> None:
    done = nightly(fetching(api, alexa_skills=SKILLS[2:], **settings))
    for each in done:
        assert f"Login with Amazon {said}" in each.failure
        assert "correct alexa_client_id, alexa_client_secret or alexa_refresh_token; docs/fetching.md" in each.failure
        assert not any(secret in each.failure for secret in settings.values() if secret != "another")
    assert len(api.requests) == 2 * len(done), "the time and a login, once"


def test_a_skill_of_another_account_is_said(home: TestHome, api: AlexaServer) -> None:
    api.closed = {"uniqueCustomers": 401}
    done = nightly(fetching(api, alexa_skills=SKILLS[2:]))
    for each in done:
        assert "refuses the key (401) for uniqueCustomers: not for this skill" in each.failure
        assert "correct alexa_skills or alexa_refresh_token" in each.failure


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_namespace_that_is_refused_leaves_the_others_alone(home: TestHome, api: AlexaServer, status: int) -> None:
    api.facts = some(150, api.now - 4 * DAY, 4 * DAY)
    api.closed = {"Alexa.EstimatedTurnError": status}
    settings = fetching(api, alexa_retention_days=5)
    closed = failures(nightly(settings))
    assert len(closed) == 2 and all(f"refuses Alexa.EstimatedTurnError ({status})" in each for each in closed)
    expected = amazons(api, settings, api.now - 5 * DAY, api.now - 2 * HOUR)
    assert ours(settings) == {key: n for key, n in expected.items() if key[-1][0] != "Alexa.EstimatedTurnError"}
    home.reset()
    settings = fetching(api, alexa_retention_days=5, alexa_skipped_namespaces=["Alexa.EstimatedTurnError"])
    assert failures(nightly(settings)) == []


def test_a_grouping_that_is_not_offered_is_said(
    home: TestHome, api: AlexaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = fetching(api, alexa_retention_days=2, alexa_skills=SKILLS[:1])
    monkeypatch.setattr(
        AlexaServer,
        "listed",
        lambda self, asked: (
            200,
            {"metrics": [{"name": "INTENT_CLASSIFICATION", "supportedDimensions": [], "supportedStats": [],
                          "supportedGroupByOptions": ["intent", "locale"]}]},
        ),
    )  # fmt: skip
    (failure, _) = failures(nightly(settings))
    assert "groups INTENT_CLASSIFICATION of Alexa.Custom by intent, locale, and not by one confidence" in failure
    assert not [call for call in answers(settings) if "INTENT_CLASSIFICATION" in json.dumps(call)]


@pytest.mark.parametrize(
    ("path", "change", "said"),
    [
        ("version_1", {"values": [1] * 200}, "timestamps and values don't match"),
        ("version_1", {"metric": "totalSessions"}, "answers uniqueCustomers with another metric"),
        ("version_2", {"results": {}}, "the answer's results is not a list of objects"),
        ("version_2", {"results": [{"id": "utterances", "name": "", "metricNamespace": "", "stat": "", "data": [
            {"timestamps": [1], "values": []}]}]}, "timestamps and values don't match"),
    ],
)  # fmt: skip
def test_an_answer_that_does_not_fit_is_no_number(
    home: TestHome, api: AlexaServer, monkeypatch: pytest.MonkeyPatch, path: str, change: Record, said: str
) -> None:
    real = getattr(AlexaServer, path)

    def changed(self: AlexaServer, *arguments: Any) -> tuple[int, Record]:
        status, answer = real(self, *arguments)
        return status, {**answer, **change}

    monkeypatch.setattr(AlexaServer, path, changed)
    settings = fetching(api, alexa_retention_days=3, alexa_skills=SKILLS[1:2])
    assert said in failures(nightly(settings))[0]
    api.problems.clear()  # the answers were against the description
    changed_calls = [call for call in answers(settings) if ("metric" in call["query"]) == (path == "version_1")]
    assert changed_calls == []


def test_times_are_of_amazons_clock(home: TestHome, api: AlexaServer) -> None:
    api.facts = some(50, api.now - 2 * DAY, DAY)
    settings = fetching(api, alexa_retention_days=3, alexa_skills=SKILLS[2:])
    nightly(settings)
    assert {call["fetched_at"] for call in answers(settings)} == {f"{api.now:%Y-%m-%dT%H:%M:%SZ}"}


# Nights.


def some_nights(
    home: TestHome, api: AlexaServer, monkeypatch: pytest.MonkeyPatch, settings: Settings, seed: int
) -> None:
    """Facts that are shown late, over nights of which some are killed; in the end all is as Amazon shows it."""
    chance = random.Random(seed)
    first = api.now
    api.facts = some(400, first - 6 * DAY, 16 * DAY, seed, late=2 * DAY)
    for night in range(10):
        api.now = first + night * DAY + timedelta(minutes=chance.randrange(180))
        if chance.random() < 0.5:
            kill_somewhere(chance, monkeypatch)
        if chance.random() < 0.7:
            api.faults = chance.choices(["", "", "500", "429 seconds", "cut", "expire", "refuse this token 400"], k=20)
        with suppress(Killed):
            nightly(settings)
        monkeypatch.undo()
        monkeypatch.setattr(client, "sleep", lambda seconds: None)
    api.faults = []
    for _ in range(7):  # what is late by two days is had at an age of six
        api.now += DAY
        assert failures(nightly(settings)) == []
    expected = amazons(api, settings, first - 6 * DAY, api.now - 2 * HOUR)
    found = {
        key: {at: number for at, number in numbers.items() if at >= first - 6 * DAY}
        for key, numbers in ours(settings).items()
    }
    assert found == expected


def test_some_nights_with_kills(home: TestHome, api: AlexaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = fetching(api, alexa_skills=SKILLS[1:], alexa_retention_days=30)
    some_nights(home, api, monkeypatch, settings, seed=3)


@pytest.mark.full
@pytest.mark.parametrize("seed", range(4))
def test_many_nights_with_kills(home: TestHome, api: AlexaServer, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    api.page = 20
    some_nights(home, api, monkeypatch, fetching(api, alexa_locales=["en-US"], alexa_retention_days=30), seed)


def by_hand(api: AlexaServer, settings: Settings) -> Iterator[Record]:
    """What Amazon shows now, as a person would ask for it: a call for each number, with other names of groups."""
    for skill, stage, locale, period, (namespace, metric, group) in asked_of(settings):
        start, end = api.now - timedelta(days=settings.alexa_retention_days), api.now - 2 * HOUR
        if period == "P1D":
            start, end = (start + DAY).replace(hour=0), end.replace(hour=0)
        step = _STEPS[period]
        counted = api.numbers((namespace, metric, group), (skill, stage, locale), start, end, step)
        query: Record = {"metric": metric, "period": period, "stage": stage, "skillType": namespace, "locale": locale}
        times = [start + number * step for number in range((end - start) // step)]
        response: Record = {
            "metric": metric,
            "timestamps": [at.isoformat() for at in times],
            "values": [counted.get(at, 0) for at in times],
        }
        if namespace.startswith("Alexa."):
            asked = {
                "id": "a",
                "name": metric,
                "metricNamespace": namespace,
                "groupBy": "kind" if group else None,
                "aggregationPeriod": {"PT1H": "BY_HOUR", "P1D": "BY_DAY"}[period],
                "dimensions": [{"name": "Alexa.Locale", "value": locale}] if locale else [],
            }
            query = {"metricQueries": [asked]}
            series = {
                "timestamps": [round(at.timestamp() * 1000) for at in counted],
                "values": [*counted.values()],
                "groupedBy": {"groupedByField": "kind", "groupedByValue": group} if group else None,
            }
            response = {"results": [{"id": "a", "data": [series]}]}
        fetched_at = f"{api.now:%Y-%m-%dT%H:%M:%SZ}"
        yield {"fetched_at": fetched_at, "skill_id": skill, "query": query, "response": response}


def shown(home: TestHome) -> dict[str, list[tuple[Any, ...]]]:
    """What Amazon's numbers became: points and marts."""
    home.build("--select", "+path:models/*/alexa")
    points = "select * exclude (fetched_at, load_id) from internal.intermediate.int_alexa__reported_points order by all"
    return {"points": home.query(points), **home.marts()}


def test_what_is_fetched_counts_as_what_is_put_in_by_hand(home: TestHome, api: AlexaServer) -> None:
    api.facts = some(400, api.now - 8 * DAY, 8 * DAY)
    api.page = 20
    settings = fetching(api, alexa_retention_days=6, alexa_locales=["en-US", "de-DE"])
    home.put("alexa/smapi_metrics", "by-hand.json.gz", [*by_hand(api, settings)])
    home.land()
    expected = shown(home)
    home.reset()
    assert failures(nightly(settings)) == []
    home.land()
    found = shown(home)
    measures = {measure for _, _, _, _, measure, *_ in found["points"]}
    assert measures >= {"plays", "total_enablements", "intent_confidence_low", "action_utterances", "barge_ins"}
    assert len(found["alexa_skill_metrics_daily"]) > 20
    assert found == expected


def night(home: TestHome, api: AlexaServer, *arguments: str, **others: str) -> tuple[int, str]:
    environment = {
        "TOUCHSTONE_SYSTEMS": '["alexa"]',
        "TOUCHSTONE_FETCH": '["alexa_metrics"]',
        "TOUCHSTONE_ALEXA_CLIENT_ID": CLIENT,
        "TOUCHSTONE_ALEXA_CLIENT_SECRET": CLIENT_SECRET,
        "TOUCHSTONE_ALEXA_REFRESH_TOKEN": REFRESH_TOKEN,
        "TOUCHSTONE_ALEXA_SKILLS": json.dumps(SKILLS[2:]),
        "TOUCHSTONE_ALEXA_RETENTION_DAYS": "5",
        "TOUCHSTONE_ALEXA_ADDRESSES": json.dumps({"login": api.address, "metrics": api.address}),
        "COLUMNS": "250",
    }
    return run(home.settings.home, *arguments, **environment, **others)


def test_a_night_fetches_and_no_secret_is_in_what_it_wrote(home: TestHome, api: AlexaServer) -> None:
    assert home.manifest
    api.facts = some(200, api.now - 4 * DAY, 4 * DAY)
    code, output = night(home, api)
    assert code == 0, output
    assert re.search(rf"alexa_metrics +{SKILLS[2]}/live/all/v1/hour +2026-03-15 02:00 +2026-03-20 00:00 +\d+ +", output)
    assert f"Amazon is asked at {api.address}, which gets its key, and not at its own address" in output
    first = (api.now - 4 * DAY).replace(hour=0)
    plays = api.numbers(("flashBriefing", "totalSessions", ""), (BRIEFING, "live", None), first, api.now, DAY)
    with duckdb.connect(str(home.settings.published.resolve() / "touchstone.duckdb"), read_only=True) as connection:
        sql = "select period_start, plays from alexa_skill_metrics_daily where locale = 'all' and plays > 0 order by 1"
        assert connection.execute(sql).fetchall() == [(at.date(), n) for at, n in plays.items() if at.day < 20]

    api.now += DAY
    api.faults = ["", *["echo the key"] * 100]
    code, output = night(home, api)
    assert code == 0, "what has landed is published"
    failure = (
        f"alexa_metrics {SKILLS[2]}/live/all/v1/hour, from 2026-03-20 00:00: Amazon answers 500: *** *** *** is wrong"
    )
    assert f"Not fetched: {failure}, 6 times" in output
    assert night(home, api, "doctor")[0] == 1
    assert api.tokens
    for secret in (CLIENT_SECRET, REFRESH_TOKEN, *api.tokens):
        assert holding(home.settings.home, secret) == [] and secret not in output

    api.faults = []
    code, output = night(home, api, "fetch")
    assert code == 0 and "Missing" not in output, output


def test_secrets_may_be_in_files(home: TestHome, api: AlexaServer, tmp_path: Path) -> None:
    files = {"alexa_client_secret": CLIENT_SECRET, "alexa_refresh_token": REFRESH_TOKEN}
    for name, text in files.items():
        (tmp_path / name).write_text(f"{text}\n")
    by_file = {f"{name}_file": str(tmp_path / name) for name in files}
    settings = fetching(api, **dict.fromkeys(files), **by_file, alexa_skills=SKILLS[2:], alexa_retention_days=1)
    assert failures(nightly(settings)) == []
    (tmp_path / "alexa_refresh_token").unlink()
    with pytest.raises(SettingsMistake, match=r"alexa_refresh_token_file: .* can't be read: No such file"):
        nightly(settings)


def test_settings_say_what_is_missing() -> None:
    whole = {"alexa_client_id": "c", "alexa_client_secret": "hunter2", "alexa_refresh_token": "hunter2"}
    for values, said in (
        ({"alexa_client_id": ""}, "alexa_metrics needs the setting alexa_client_id"),
        ({"alexa_client_secret": None}, "needs the setting alexa_client_secret or alexa_client_secret_file"),
        ({"alexa_refresh_token": None}, "needs the setting alexa_refresh_token or alexa_refresh_token_file"),
        ({}, "needs the setting alexa_skills"),
        ({"alexa_refresh_token": "hunter 2"}, "a space"),
        ({"alexa_client_secret": "hünter"}, "a character that no key has"),
        ({"alexa_skills": [CUSTOM]}, "is not a type and an id"),
        ({"alexa_skills": ["music/amzn1.ask.skill.a"]}, "is not a type and an id"),
        ({"alexa_skills": ["custom/amzn1.ask.skill.a/../b"]}, "is not a type and an id"),
        ({"alexa_locales": ["en_US"]}, "'en_US' is not a locale such as en-US"),
        ({"alexa_stages": []}, "at least 1 item"),
        ({"alexa_skipped_namespaces": ["Alexa.Costum"]}, "did you mean Alexa.Custom?"),
        ({"alexa_addresses": {"login": "http://proxy.example.com"}}, "https://host"),
        ({"alexa_addresses": {"us": "https://example.com"}}, "host that may have a proxy"),
    ):
        with pytest.raises(SettingsMistake) as mistake:
            switched_on(load_settings(**{**whole, "fetch": ["alexa_metrics"], **values}))
        assert said in str(mistake.value)
        assert "hunter" not in str(mistake.value) and "hünter" not in str(mistake.value)
