"""Metrics of Alexa skills, from landed records to the marts."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import TestHome

Record = dict[str, Any]
AT = "2026-04-07T12:{:02}:{:06.3f}Z"


def request(skill: str, minute: int, type: str, session: str = "a", **own: Any) -> Record:
    """A call that was answered after 300 ms; `own` replaces fields of the log, `request` those of the request."""
    user = {"userId": "olga"}
    return {
        "received_at": AT.format(minute, 0),
        "responded_at": AT.format(minute, 0.3),
        "outcome": "ok",
        "stage": "live",
        "is_test": False,
        "request": {
            "version": "1.0",
            "session": {"new": True, "sessionId": session, "application": {"applicationId": skill}, "user": user},
            "context": {"System": {"application": {"applicationId": skill}, "user": user}},
            "request": {"type": type, "requestId": f"{skill}-{minute}", "locale": "fr-FR", **own.pop("request", {})},
        },
        "response": {"version": "1.0", "response": {"shouldEndSession": False}},
        **own,
    }


def message(skill: str, minute: int, seconds: float, direction: str, header: Record) -> Record:
    kind = "directive" if direction == "in" else "event"
    payload = {kind: {"header": {"payloadVersion": "3", **header}, "payload": {}}}
    return {
        "at": AT.format(minute, seconds),
        "direction": direction,
        "invocation_id": f"{skill}-{minute}",
        "skill_id": skill,
        "stage": "live",
        "locale": "fr-FR",
        "user_ref": "olga",
        "message": payload,
    }


def answered(skill: str, minute: int, directive: Record, answer: Record) -> list[Record]:
    """A directive with an id of its own, and an answer whose message id is always the same."""
    asked = {"messageId": f"{skill}-{minute}", **directive}
    return [
        message(skill, minute, 0, "in", asked),
        message(skill, minute, 0.7, "out_sync", {"messageId": "constant", **answer}),
    ]


def reported(skill: str, query: Record, *data: Record) -> Record:
    asked = {"id": "q", "metricNamespace": "Alexa.SkillQuality", "aggregationPeriod": "BY_DAY", **query}
    return {
        "fetched_at": "2026-05-01T00:00:00Z",
        "skill_id": skill,
        "query": {"startTime": 1775520000000, "endTime": 1775779200000, "metricQueries": [asked]},
        "response": {"results": [{"id": "q", "data": list(data)}]},
    }


@pytest.fixture(scope="module")
def built(session_home: TestHome) -> TestHome:
    home = session_home
    home.reset()
    sale = {"type": "Connections.SendRequest", "name": "Buy", "token": "t", "payload": {}}
    selling = {"version": "1.0", "response": {"shouldEndSession": True, "directives": [sale]}}
    answer = {"name": "Buy", "token": "t", "payload": {"purchaseResult": "DECLINED", "productId": "p"}}
    session_end = {"reason": "USER_INITIATED"}
    without_user = request("no-user", 1, "SessionEndedRequest", request=session_end)
    del without_user["request"]["session"]["user"], without_user["request"]["context"]["System"]["user"]
    requests = [
        request("null", 0, "LaunchRequest", response=None),
        request("null", 1, "SessionEndedRequest", request=session_end),
        request("no-user", 0, "LaunchRequest"),
        without_user,
        request("twice", 0, "LaunchRequest", "a", response=selling),
        request("twice", 1, "LaunchRequest", "b", response=selling),
        request("twice", 2, "Connections.Response", "c", request=answer),
        request("twice", 3, "Connections.Response", "d", request=answer),
        request("late", 0, "LaunchRequest", "a"),
        request("late", 1, "LaunchRequest", "b", outcome="timeout", responded_at=AT.format(2, 0)),
    ]  # fmt: skip
    home.put("alexa/skill_requests", "requests.json.gz", requests)

    turn_on = {"namespace": "Alexa.PowerController", "name": "TurnOn"}
    response = {"namespace": "Alexa", "name": "Response"}
    discover = {"namespace": "Alexa.Discovery", "name": "Discover"}
    messages = [
        *answered("token", 0, turn_on | {"correlationToken": "c0"}, response | {"correlationToken": "c0"}),
        *answered("token", 1, turn_on | {"correlationToken": "c1"}, response | {"correlationToken": "c1"}),
        *answered("call", 0, discover, {"namespace": "Alexa.Discovery", "name": "Discover.Response"}),
        *answered("call", 1, discover, {"namespace": "Alexa.Discovery", "name": "Discover.Response"}),
        *answered("half", 0, turn_on | {"correlationToken": "c2"}, response),
        *answered("promised", 0, turn_on | {"correlationToken": "c3"},
                  {"namespace": "Alexa", "name": "DeferredResponse", "correlationToken": "c3"}),
    ]  # fmt: skip
    home.put("alexa/smart_home_messages", "messages.json.gz", messages)

    seventh, eighth = 1775520000000, 1775606400000
    locale = {"name": "Alexa.Locale"}
    numbers = [
        reported("friction", {"name": "DEFECTIVE_UTTERANCES"}, {"timestamps": [seventh, eighth], "values": [6, 6]}),
        reported("friction", {"name": "EVALUATED_UTTERANCES"}, {"timestamps": [seventh], "values": [24]}),
        *(
            reported(
                "locales",
                {"name": "UNHANDLED_REQUEST", "dimensions": [locale | {"value": value}]},
                {"timestamps": [seventh], "values": [number]},
            )
            for value, number in (("fr-FR", 3), ("it-IT", 4))
        ),
        reported("locales", {"name": "UNHANDLED_REQUEST"}, {"timestamps": [eighth], "values": [5]}),
        reported(
            "actions",
            {"name": "UTTERANCES", "metricNamespace": "Alexa.SmartHome", "groupBy": "Alexa.Action"},
            *(
                {
                    "timestamps": [seventh],
                    "values": [number],
                    "groupedBy": {"groupedByField": "Alexa.Action", "groupedByValue": f"Alexa.PowerController.{name}"},
                }
                for name, number in (("TurnOn", 2), ("TurnOff", 0))
            ),
        ),
    ]
    home.put("alexa/smapi_metrics", "numbers.json.gz", numbers)
    landed = home.land()
    assert not sum(stream.totals.quarantined for stream in landed.values())
    home.build()
    return home


def skill(home: TestHome, name: str, columns: str, grain: str = "daily") -> tuple[Any, ...]:
    (row,) = home.query(
        f"select {columns} from alexa_skill_metrics_{grain} "
        f"where skill_id = '{name}' and stage = 'live' and locale = 'all' order by period_start limit 1"
    )
    return row


@pytest.mark.parametrize("grain", ["hourly", "daily", "monthly"])
def test_a_response_that_alexa_never_received_is_a_failure(built: TestHome, grain: str) -> None:
    failed = "failed_utterances, endpoint_failure_count, failed_sessions, endpoint_latency_p50_ms"
    assert skill(built, "null", failed, grain) == (1, 1, 1, None)
    assert skill(built, "late", failed, grain) == (1, 1, 1, 300)


@pytest.mark.parametrize("grain", ["hourly", "daily", "monthly"])
def test_a_request_without_a_user_belongs_to_that_of_its_session(built: TestHome, grain: str) -> None:
    assert skill(built, "no-user", "total_sessions, user_ended_sessions, customers", grain) == (1, 1, 1)


def test_answers_to_purchases_continue_the_sessions_that_asked(built: TestHome) -> None:
    assert skill(built, "twice", "total_sessions") == (2,)


@pytest.mark.parametrize(
    ("name", "operation", "expected"),
    [
        ("token", "capability_directive", (2, 2, 700)),
        ("call", "discovery", (2, 2, 700)),
        ("half", "capability_directive", (1, 1, 700)),
        ("promised", "capability_directive", (1, 0, 700)),
    ],
)
def test_directives_are_paired_with_their_answers(
    built: TestHome, name: str, operation: str, expected: tuple[Any, ...]
) -> None:
    for grain in ("hourly", "daily", "monthly"):
        rows = built.query(
            f"select request_volume, successful_requests, latency_avg_ms from alexa_operations_{grain} "
            f"where skill_id = '{name}' and locale = 'all' and operation = '{operation}' and directive = 'all' "
            "and capability = 'all'"
        )
        assert rows == [expected]


def test_a_number_without_a_stage_is_of_the_live_skill_and_a_rate_needs_both_sides(built: TestHome) -> None:
    sides = "friction_defective_count, friction_evaluated_count, friction_rate, total_sessions"
    assert skill(built, "friction", sides, "monthly") == (6, 24, 0.25, None)


def test_locales_are_added_up_span_by_span(built: TestHome) -> None:
    assert skill(built, "locales", "unhandled_request_count") == (7,)
    assert skill(built, "locales", "unhandled_request_count", "monthly") == (12,)


def test_a_reported_zero_is_a_row(built: TestHome) -> None:
    rows = built.query(
        "select directive, utterances, actions from alexa_action_metrics_daily "
        "where skill_id = 'actions' and capability <> 'all' and directive <> 'all' order by directive"
    )
    assert rows == [("TurnOff", 0, None), ("TurnOn", 2, None)]
