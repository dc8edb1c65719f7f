"""The documented recipe for the request log of a skill works, and the lines that it writes fit the schema."""

import importlib.util
import json
import re
import sys
import threading
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from ask_sdk_core.dispatch_components import AbstractRequestHandler
from ask_sdk_core.skill_builder import SkillBuilder
from jsonschema import Draft202012Validator

from tests.orchestration.test_sample import read_lines, write_sample

Record = dict[str, Any]

DOCS = Path(__file__).parents[2] / "docs"
STREAMS = ("skill_requests", "smart_home_messages", "account_links", "token_requests", "purchases")
BLOCKS = ("request_log", "plain_handler", "interceptors")
SKILL, USER, DEVICE = "amzn1.ask.skill.1", "amzn1.ask.account.A", "amzn1.ask.device.D"


def validator(stream: str) -> Draft202012Validator:
    schema = json.loads((DOCS / "schemas" / f"alexa_{stream}.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


class Recipe:
    """The document's code, run as modules, and what it has written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log: ModuleType
        self.plain: ModuleType
        self.interceptors: ModuleType

    def written(self, stream: str = "skill_requests") -> list[Record]:
        files = sorted((self.folder / stream).glob("*.ndjson"))
        return [json.loads(line) for path in files for line in path.read_text().splitlines()]

    def line(self) -> Record:
        """The one line of the one call, which fits the schema."""
        (record,) = self.written()
        validator("skill_requests").validate(record)
        return record


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recipe]:
    blocks = re.findall(r"^```python\n(.*?)^```$", (DOCS / "alexa-request-log.md").read_text(), re.M | re.S)
    assert len(blocks) == len(BLOCKS)
    monkeypatch.setenv("REQUEST_LOG", str(tmp_path / "log"))
    monkeypatch.setenv("SKILL_STAGE", "development")
    monkeypatch.setenv("TEST_IDS", "amzn1.ask.device.SIMULATOR amzn1.ask.account.TESTER")
    made = []
    for name, code in zip(BLOCKS, blocks, strict=True):
        path = tmp_path / f"{name}.py"
        path.write_text(code)
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        made.append(module)
    recipe = Recipe(tmp_path / "log")
    recipe.log, recipe.plain, recipe.interceptors = made
    yield recipe


def envelope(type: str = "LaunchRequest", **own: Any) -> Record:
    user = {"userId": USER, "accessToken": "secret-1", "permissions": {"consentToken": "secret-2"}}
    application = {"applicationId": SKILL}
    system = {"application": application, "user": user, "device": {"deviceId": DEVICE, "supportedInterfaces": {}}}
    system |= {"apiEndpoint": "https://api.eu.amazonalexa.com", "apiAccessToken": "secret-3"}
    session = {"new": True, "sessionId": "session-1", "application": application, "attributes": {}, "user": user}
    request = {"type": type, "requestId": "request-1", "timestamp": "2026-05-01T10:00:00Z", "locale": "de-DE", **own}
    return {"version": "1.0", "session": session, "context": {"System": system}, "request": request}


INTENT = {"name": "OrderIntent", "confirmationStatus": "NONE", "slots": {"dish": {"name": "dish", "value": "Grünkohl"}}}


def said(text: str, end: bool) -> Record:
    return {
        "version": "1.0",
        "response": {"outputSpeech": {"type": "PlainText", "text": text}, "shouldEndSession": end},
    }


# ---- A plain handler


def test_plain_handler(recipe: Recipe) -> None:
    before = recipe.log.now()
    asked = envelope()
    response = recipe.plain.handler(asked, None)
    assert response == said("Welcome.", False)
    line = recipe.line()
    assert before <= line["received_at"] <= line["responded_at"] <= recipe.log.now()
    assert {key: line[key] for key in ("outcome", "stage", "is_test", "response")} == {
        "outcome": "ok",
        "stage": "development",
        "is_test": False,
        "response": response,
    }
    assert line["request"]["request"] == asked["request"]
    assert line["request"]["session"]["sessionId"] == "session-1"


def test_the_envelope_is_kept_except_for_tokens(recipe: Recipe) -> None:
    asked = envelope("IntentRequest", intent=INTENT)
    recipe.plain.handler(deepcopy(asked), None)
    line = recipe.line()
    assert "secret" not in json.dumps(line)
    assert json.dumps(line["request"]) == re.sub("secret-[123]", "removed", json.dumps(asked))
    assert "Grünkohl" in next(recipe.folder.rglob("*.ndjson")).read_text(encoding="utf-8")


def test_every_call_has_a_line(recipe: Recipe) -> None:
    threads = [threading.Thread(target=recipe.plain.handler, args=(envelope(), None)) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = recipe.written()
    assert len(lines) == 40 and all(map(validator("skill_requests").is_valid, lines))


@pytest.mark.parametrize("response", [None, {}])
def test_an_empty_response_is_logged(recipe: Recipe, response: Record | None) -> None:
    handler = recipe.log.logged(lambda envelope, context: response)
    assert handler(envelope("SessionEndedRequest", reason="USER_INITIATED")) == response
    assert recipe.line()["response"] == {"version": "1.0", "response": {}}


def test_exception(recipe: Recipe) -> None:
    @recipe.log.logged
    def handler(envelope: Record, context: object) -> Record:
        raise KeyError("dish")

    with pytest.raises(KeyError):
        handler(envelope(), None)
    line = recipe.line()
    assert (line["outcome"], line["response"]) == ("exception", None)
    assert line["responded_at"] >= line["received_at"]


def waits(recipe: Recipe) -> Callable[[Record, object], Record]:
    """A handler that goes on until its line is written."""

    def handler(envelope: Record, context: object) -> Record:
        for _ in range(500):
            if recipe.written():
                break
            threading.Event().wait(0.01)
        return said("Too late.", True)

    wrapped: Callable[[Record, object], Record] = recipe.log.logged(handler)
    return wrapped


def test_a_timeout_is_logged_once_and_in_time(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe.log, "PATIENCE", 0.05)
    waits(recipe)(envelope(), None)
    line = recipe.line()
    assert (line["outcome"], line["responded_at"], line["response"]) == ("timeout", None, None)


def test_a_lambda_logs_a_timeout_before_it_is_stopped(recipe: Recipe) -> None:
    assert recipe.log.PATIENCE == 8
    waits(recipe)(envelope(), SimpleNamespace(get_remaining_time_in_millis=lambda: 250))
    assert recipe.line()["outcome"] == "timeout"


def test_a_lambda_with_enough_time_logs_the_answer(recipe: Recipe) -> None:
    recipe.plain.handler(envelope(), SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000))
    assert recipe.line()["outcome"] == "ok"


@pytest.mark.parametrize("kind", ["device", "user", "user of the session"])
def test_tests_are_marked(recipe: Recipe, kind: str) -> None:
    asked = envelope()
    if kind == "device":
        asked["context"]["System"]["device"]["deviceId"] = "amzn1.ask.device.SIMULATOR"
    elif kind == "user":
        asked["context"]["System"]["user"]["userId"] = "amzn1.ask.account.TESTER"
    else:
        del asked["context"]
        asked["session"]["user"]["userId"] = "amzn1.ask.account.TESTER"
    recipe.plain.handler(asked, None)
    assert recipe.line()["is_test"] is True


def test_requests_without_session_or_context(recipe: Recipe) -> None:
    asked = envelope("AudioPlayer.PlaybackStarted", token="track-1", offsetInMilliseconds=0)
    del asked["session"]
    recipe.plain.handler(asked, None)
    bare = {"version": "1.0", "request": envelope("SessionEndedRequest")["request"]}
    recipe.plain.handler(bare, None)
    lines = recipe.written()
    assert all(map(validator("skill_requests").is_valid, lines))
    assert [line["is_test"] for line in lines] == [False, False]


def test_events_of_the_skill_go_to_a_log_of_their_own(recipe: Recipe) -> None:
    asked = envelope("AlexaSkillEvent.SkillEnabled", eventCreationTime="2026-05-01T10:00:00Z")
    del asked["session"]
    recipe.plain.handler(asked, None)
    (event,) = recipe.written("skill_events")
    assert event["request"] == asked["request"] and "secret" not in json.dumps(event)
    assert recipe.written() == []


# ---- The SDK's interceptors


class Launch(AbstractRequestHandler):
    def can_handle(self, handler_input: Any) -> bool:
        return bool(handler_input.request_envelope.request.object_type == "LaunchRequest")

    def handle(self, handler_input: Any) -> Any:
        return handler_input.response_builder.speak("Welcome.").ask("Well?").response


class Silent(AbstractRequestHandler):
    def can_handle(self, handler_input: Any) -> bool:
        return bool(handler_input.request_envelope.request.object_type == "SessionEndedRequest")

    def handle(self, handler_input: Any) -> None:
        return None


@pytest.fixture
def sdk_handler(recipe: Recipe) -> Callable[[Record, object], Record]:
    builder = SkillBuilder()
    builder.add_request_handler(Launch())
    builder.add_request_handler(Silent())
    builder.add_global_request_interceptor(recipe.interceptors.BeginLog())
    builder.add_global_response_interceptor(recipe.interceptors.EndLog())
    builder.add_exception_handler(recipe.interceptors.LogExceptions())
    handler: Callable[[Record, object], Record] = builder.lambda_handler()
    return handler


def test_sdk(recipe: Recipe, sdk_handler: Callable[[Record, object], Record]) -> None:
    response = sdk_handler(envelope(), None)
    line = recipe.line()
    assert line["outcome"] == "ok"
    assert line["response"]["response"]["outputSpeech"] == response["response"]["outputSpeech"]
    assert line["response"]["response"]["shouldEndSession"] is False
    request = line["request"]["request"]
    assert (request["type"], request["requestId"]) == ("LaunchRequest", "request-1")
    assert datetime.fromisoformat(request["timestamp"]) == datetime.fromisoformat("2026-05-01T10:00:00+00:00")
    assert line["request"]["session"]["user"]["userId"] == USER
    assert line["request"]["context"]["System"]["application"]["applicationId"] == SKILL
    assert "secret" not in json.dumps(line)


def test_sdk_logs_an_empty_response(recipe: Recipe, sdk_handler: Callable[[Record, object], Record]) -> None:
    sdk_handler(
        envelope("SessionEndedRequest", reason="ERROR", error={"type": "INVALID_RESPONSE", "message": "?"}), None
    )
    line = recipe.line()
    assert (line["outcome"], line["response"]) == ("ok", {"version": "1.0", "response": {}})
    assert line["request"]["request"]["reason"] == "ERROR"
    assert line["request"]["request"]["error"]["type"] == "INVALID_RESPONSE"


def test_sdk_with_an_exception(recipe: Recipe, sdk_handler: Callable[[Record, object], Record]) -> None:
    """No handler can handle an intent."""
    response = sdk_handler(envelope("IntentRequest", intent=INTENT), None)
    line = recipe.line()
    assert line["outcome"] == "exception"
    assert line["response"]["response"]["shouldEndSession"] is response["response"]["shouldEndSession"] is True
    assert line["request"]["request"]["intent"]["slots"]["dish"]["value"] == "Grünkohl"


def test_sdk_in_a_logged_handler(recipe: Recipe) -> None:
    """The envelope is kept as it came, and what no handler can handle is an exception."""
    builder = SkillBuilder()
    builder.add_request_handler(Launch())
    handler = recipe.log.logged(builder.lambda_handler())
    handler(envelope(), None)
    with pytest.raises(Exception, match="handler"):
        handler(envelope("IntentRequest", intent=INTENT), None)
    launch, intent = recipe.written()
    assert all(map(validator("skill_requests").is_valid, (launch, intent)))
    assert launch["request"]["request"] == envelope()["request"]
    assert (launch["outcome"], intent["outcome"]) == ("ok", "exception")


# ---- The schemas


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("clean"), "--systems", "alexa", "--clean", "--jobs", "1")


@pytest.mark.parametrize("stream", STREAMS)
def test_the_sample_fits_the_schemas(sample: Path, stream: str) -> None:
    valid = validator(stream)
    number = 0
    for line in read_lines(sample, f"alexa/{stream}"):
        valid.validate(json.loads(line))
        number += 1
    assert number > 100


AT = "2026-05-01T10:00:00.000Z"
ABOUT: Record = {"skill_id": SKILL, "stage": "live"}
MESSAGE = {"header": {"namespace": "Alexa", "name": "ReportState", "messageId": "m-1"}, "payload": {}}
GOOD: dict[str, Record] = {
    "skill_requests": {
        "received_at": AT,
        "responded_at": AT,
        "outcome": "ok",
        "stage": "live",
        "is_test": False,
        "request": envelope("IntentRequest", intent=INTENT),
        "response": said("Well.", True),
    },
    "smart_home_messages": {
        "at": AT,
        "direction": "in",
        "invocation_id": "i-1",
        **ABOUT,
        "locale": None,
        "user_ref": None,
        "message": {"directive": MESSAGE},
    },
    "account_links": {
        "at": AT,
        **ABOUT,
        "locale": "en-US",
        "flow": "alexa_app",
        "step": "initiation",
        "attempt_id": "a-1",
        "user_ref": None,
    },
    "token_requests": {
        "received_at": AT,
        "responded_at": AT,
        **ABOUT,
        "grant_type": "refresh_token",
        "http_status": 200,
        "body": {"access_token": "removed"},
        "request_id": "r-1",
    },
    "purchases": {
        "at": AT,
        **ABOUT,
        "locale": "en-US",
        "event": "offer_result",
        "user_id": USER,
        "product_id": "p-1",
        "product_type": "SUBSCRIPTION",
        "via": "upsell",
        "result": "ACCEPTED",
        "trial": True,
        "expires_at": None,
        "purchase_mode": "LIVE",
        "event_id": "e-1",
    },
}
# Changes that make a valid record invalid: a path, and the value to put there.
BAD: dict[str, list[tuple[str, Any]]] = {
    "skill_requests": [
        ("received_at", "2026-05-01 10:00"),
        ("received_at", 1777629600),
        ("responded_at", None),  # an answer that was given at no time
        ("outcome", "failed"),
        ("stage", "beta"),
        ("is_test", "false"),
        ("request", "{}"),
        ("response", said("Well.", True)["response"]),
        ("request.request.requestId", ""),
        ("request.request.intent", {"slots": {}}),
        ("request.request.type", "AlexaSkillEvent.SkillEnabled"),
        ("request.session.sessionId", None),
        ("request.session.user.userId", None),
    ],
    "smart_home_messages": [
        ("at", "10:00"),
        ("direction", "out"),
        ("direction", "out_sync"),  # a directive
        ("invocation_id", ""),
        ("locale", "English"),
        ("user_ref", ""),
        ("message", {"event": MESSAGE}),
        ("message.directive.header.messageId", None),
        ("message.directive.header.correlationToken", 7),
    ],
    "account_links": [("flow", "your_app"), ("step", "started"), ("attempt_id", None), ("skill_id", ""), ("at", "")],
    "token_requests": [
        ("responded_at", None),  # and an answer
        ("http_status", "200"),
        ("http_status", None),  # and a body
        ("body", "{}"),
        ("body.access_token", True),
        ("grant_type", None),
        ("request_id", ""),
    ],
    "purchases": [
        ("event", "bought"),
        ("event", "upsell_shown"),  # with a result
        ("result", None),
        ("result", "accepted"),
        ("product_type", "subscription"),
        ("via", None),
        ("trial", "true"),
        ("expires_at", "tomorrow"),
        ("purchase_mode", "test"),
        ("event_id", ""),
    ],
}


@pytest.mark.parametrize("stream", STREAMS)
def test_schemas_reject_missing_and_wrong_fields(stream: str) -> None:
    valid, good = validator(stream), GOOD[stream]
    valid.validate(good)
    for field in good:
        assert not valid.is_valid({name: value for name, value in good.items() if name != field}), field
    for path, value in BAD[stream]:
        bad = deepcopy(good)
        *parents, last = path.split(".")
        inner = bad
        for parent in parents:
            inner = inner[parent]
        inner[last] = value
        assert not valid.is_valid(bad), (path, value)
    assert valid.is_valid({**good, "note": "of one's own"})


def test_schemas_require_what_a_subscription_needs() -> None:
    valid = validator("purchases")
    started = {**GOOD["purchases"], "event": "subscription_started", "result": None, "expires_at": AT}
    assert valid.is_valid(started)
    for change in ({"expires_at": None}, {"trial": None}, {"product_type": "CONSUMABLE"}, {"result": "ACCEPTED"}):
        assert not valid.is_valid({**started, **change}), change
    ended = {**started, "event": "expired", "expires_at": None}
    assert valid.is_valid(ended)
    assert not valid.is_valid({**ended, "trial": None})
