"""What the sample of Alexa skills holds: every request, message and event, with the oddities of the real ones."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest

from tests.orchestration.test_sample import DAYS, END, EVENTS, digests, gunzip, read_values, write_sample

Record = dict[str, Any]

START = END - timedelta(days=DAYS - 1)
PATIENCE = timedelta(seconds=8)
# The time of a stream's records.
TIMES: dict[str, Callable[[Record], Any]] = {
    "skill_requests": lambda record: record["received_at"],
    "skill_events": lambda record: record["request"].get("eventCreationTime") or record["request"]["timestamp"],
    "smart_home_messages": lambda record: record["at"],
    "account_links": lambda record: record["at"],
    "token_requests": lambda record: record["received_at"],
    "purchases": lambda record: record["at"],
    "smapi_metrics": lambda record: record["fetched_at"],
}
# Where the same fact is known by.
KEYS: dict[str, Callable[[Record], Any]] = {
    "skill_requests": lambda record: record["request"]["request"]["requestId"],
    "skill_events": lambda record: record["request"]["requestId"],
    "smart_home_messages": lambda record: (record["direction"], header(record)["messageId"]),
    "account_links": lambda record: tuple(record[field] for field in ("skill_id", "flow", "step", "attempt_id")),
    "token_requests": lambda record: record["request_id"],
    "purchases": lambda record: record["event_id"],
}


class Landed(NamedTuple):
    """A record as it lies in a file, and the day of its folder."""

    record: Record
    folder: datetime


Streams = dict[str, list[Landed]]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("alexa"), "--systems", "alexa", "--jobs", "1")


@pytest.fixture(scope="module")
def clean_sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("clean"), "--systems", "alexa", "--clean", "--jobs", "1")


@pytest.fixture(scope="module")
def landed(sample: Path) -> Streams:
    return {stream: list(read_stream(sample, stream)) for stream in TIMES}


@pytest.fixture(scope="module")
def clean(clean_sample: Path) -> Streams:
    return {stream: list(read_stream(clean_sample, stream)) for stream in TIMES}


def files(inbox: Path, stream: str) -> list[Path]:
    return sorted(path for path in (inbox / "alexa" / stream).rglob("*") if path.is_file())


def read_stream(inbox: Path, stream: str) -> Iterator[Landed]:
    for path in files(inbox, stream):
        folder = datetime(*map(int, path.parent.parts[-3:]), tzinfo=UTC)
        for value in read_values(path.read_bytes()):
            if isinstance(value, dict):
                yield Landed(value, folder)


def contents(inbox: Path) -> dict[str, bytes]:
    return {str(path.relative_to(inbox)): gunzip(path.read_bytes()) for path in inbox.rglob("*") if path.is_file()}


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def once(stream: str, landed: list[Landed]) -> list[Record]:
    """Each fact once, in the order of its time."""
    facts = {KEYS[stream](record): record for record, _ in landed}
    return sorted(facts.values(), key=lambda record: moment(TIMES[stream](record)))


def header(record: Record) -> Record:
    message = record["message"]
    found: Record = message.get("directive", message.get("event"))["header"]
    return found


# ---- What occurs

REQUESTS = [
    "LaunchRequest",
    "IntentRequest",
    "SessionEndedRequest",
    "CanFulfillIntentRequest",
    "SessionResumedRequest",
    "System.ExceptionEncountered",
    "Connections.Response",
    "AudioPlayer.PlaybackStarted",
    "AudioPlayer.PlaybackNearlyFinished",
    "AudioPlayer.PlaybackFinished",
    "AudioPlayer.PlaybackStopped",
    "AudioPlayer.PlaybackFailed",
    "PlaybackController.PlayCommandIssued",
    "PlaybackController.PauseCommandIssued",
    "PlaybackController.NextCommandIssued",
    "PlaybackController.PreviousCommandIssued",
    "Display.ElementSelected",
    "Alexa.Presentation.APL.UserEvent",
    "Alexa.Presentation.HTML.Message",
    "Messaging.MessageReceived",
    "Reminders.ReminderCreated",
    "AlexaHouseholdListEvent.ItemsCreated",
]
ENDS = [
    *("USER_INITIATED", "EXCEEDED_MAX_REPROMPTS", "None", "ERROR", "USER_INITIATED/INVALID_RESPONSE"),
    *(f"ERROR/{type}" for type in ("INVALID_RESPONSE", "DEVICE_COMMUNICATION_ERROR", "INTERNAL_SERVICE_ERROR")),
    "ERROR/ENDPOINT_TIMEOUT",
]
DIRECTIVES = [
    "AudioPlayer.Play",
    "Alexa.Presentation.APL.RenderDocument",
    "Connections.SendRequest/Buy",
    "Connections.SendRequest/Upsell",
    "Connections.SendRequest/Cancel",
    "Connections.SendRequest/AskFor",
    "Connections.StartConnection",
    "Dialog.ElicitSlot",
    "Dialog.Delegate",
    "Dialog.ConfirmIntent",
]
SKILL_REQUEST_FACTS = {
    *(f"type={type}" for type in REQUESTS),
    *(f"end={end}" for end in ENDS),
    *(f"exception={type}" for type in ("INVALID_RESPONSE", "DEVICE_COMMUNICATION_ERROR", "INTERNAL_SERVICE_ERROR")),
    *(f"directive={directive}" for directive in DIRECTIVES),
    *(f"purchaseResult={result}" for result in ("ACCEPTED", "DECLINED", "ALREADY_PURCHASED", "ERROR")),
    *(f"purchaseResult={result}" for result in ("PENDING_PURCHASE", "NOT_ENTITLED")),
    *(f"code={code}" for code in ("'200'", "200", "'500'")),
    *(f"dialogState={state}" for state in ("None", "STARTED", "IN_PROGRESS", "COMPLETED")),
    *(f"confirmationStatus={status}" for status in ("NONE", "CONFIRMED", "DENIED", "absent")),
    *(f"resolution={code}" for code in ("ER_SUCCESS_MATCH", "ER_SUCCESS_NO_MATCH")),
    *(f"slot={kind}" for kind in ("value", "no value", "list")),
    *(f"outcome={outcome}" for outcome in ("ok", "exception", "timeout")),
    *(f"responded_at={kind}" for kind in ("in time", "just in time", "late", "null")),
    *(f"response={kind}" for kind in ("object", "null")),
    *(f"shouldEndSession={end}" for end in ("True", "False", "None")),
    *(f"canFulfill={word}" for word in ("YES", "NO", "MAYBE")),
    *(f"card={type}" for type in ("Simple", "LinkAccount")),
    *(f"{stage}, test={test}" for stage in ("live", "development") for test in (True, False)),
    *(f"locale={locale}" for locale in ("en-US", "en-GB", "de-DE", "fr-FR", "ja-JP", "None")),
    *(f"timestamp={kind}" for kind in ("str", "int")),
    *(f"received_at={form}" for form in ("Z", "+00:00", "-07:00")),
    *(f"session={kind}" for kind in ("absent", "new", "old")),
    *(f"user in {place}" for place in ("session", "context", "session and context")),
    *(f"intent={name}" for name in ("AMAZON.FallbackIntent", "AMAZON.HelpIntent", "AMAZON.StopIntent")),
    "exception with response",
    "failed response with outcome ok",
    "SessionEndedRequest without session",
    "access token",
    "task",
    "text beyond ASCII",
}


def skill_request_facts(record: Record) -> Iterator[str]:
    envelope, outcome = record["request"], record["outcome"]
    request, session, system = envelope["request"], envelope.get("session"), envelope.get("context", {}).get("System")
    type, response = request["type"], record["response"]
    yield f"type={type}"
    yield f"outcome={outcome}"
    yield f"{record['stage']}, test={record['is_test']}"
    yield f"locale={request.get('locale')}"
    yield f"timestamp={request['timestamp'].__class__.__name__}"
    yield f"received_at={record['received_at'][record['received_at'].rfind('.') + 1 :].lstrip('0123456789')}"
    yield f"session={'absent' if session is None else 'new' if session['new'] else 'old'}"
    users = {"session": (session or {}).get("user"), "context": (system or {}).get("user")}
    yield f"user in {' and '.join(place for place, user in users.items() if user)}"
    if any("accessToken" in user for user in users.values() if user):
        yield "access token"
    if "task" in request:
        yield "task"
    if not str(record).isascii():
        yield "text beyond ASCII"
    if type == "SessionEndedRequest":
        error = request.get("error", {}).get("type")
        yield f"end={'/'.join(filter(None, (str(request.get('reason')), error)))}"
        if session is None:
            yield "SessionEndedRequest without session"
    if type == "System.ExceptionEncountered":
        yield f"exception={request['error']['type']}"
    if type == "Connections.Response":
        yield f"code={request['status']['code']!r}"
        yield f"purchaseResult={request['payload'].get('purchaseResult')}"
    if type == "IntentRequest":
        yield from intent_facts(request)
    yield from answer_facts(record)
    if outcome == "exception" and response:
        yield "exception with response"


def intent_facts(request: Record) -> Iterator[str]:
    yield f"dialogState={request.get('dialogState')}"
    yield f"confirmationStatus={request['intent'].get('confirmationStatus', 'absent')}"
    yield f"intent={request['intent']['name']}"
    for slot in request["intent"]["slots"].values():
        yield f"slot={'list' if 'slotValue' in slot else 'value' if 'value' in slot else 'no value'}"
        for authority in slot.get("resolutions", {}).get("resolutionsPerAuthority", []):
            yield f"resolution={authority['status']['code']}"


def answer_facts(record: Record) -> Iterator[str]:
    if record["responded_at"] is None:
        yield "responded_at=null"
    else:
        took = moment(record["responded_at"]) - moment(record["received_at"])
        assert took > timedelta(0)
        yield f"responded_at={'late' if took > PATIENCE else 'just in time' if took == PATIENCE else 'in time'}"
        if took > PATIENCE and record["outcome"] == "ok":
            yield "failed response with outcome ok"
    if record["response"] is None:
        yield "response=null"
        return
    response = record["response"]["response"]
    yield "response=object"
    yield f"shouldEndSession={response.get('shouldEndSession')}"
    if "canFulfillIntent" in response:
        yield f"canFulfill={response['canFulfillIntent']['canFulfill']}"
    if "card" in response:
        yield f"card={response['card']['type']}"
    for directive in response.get("directives", []):
        yield f"directive={'/'.join(filter(None, (directive['type'], directive.get('name'))))}"


ERRORS = [
    "ALREADY_IN_OPERATION",
    "BRIDGE_UNREACHABLE",
    "ENDPOINT_BUSY",
    "ENDPOINT_LOW_POWER",
    "ENDPOINT_UNREACHABLE",
    "EXPIRED_AUTHORIZATION_CREDENTIAL",
    "FIRMWARE_OUT_OF_DATE",
    "HARDWARE_MALFUNCTION",
    "INSUFFICIENT_PERMISSIONS",
    "INTERNAL_ERROR",
    "INVALID_AUTHORIZATION_CREDENTIAL",
    "INVALID_DIRECTIVE",
    "INVALID_VALUE",
    "NO_SUCH_ENDPOINT",
    "NOT_SUPPORTED_IN_CURRENT_MODE",
    "RATE_LIMIT_EXCEEDED",
    "TEMPERATURE_VALUE_OUT_OF_RANGE",
    "VALUE_OUT_OF_RANGE",
    "THERMOSTAT_IS_OFF",
    "UNSUPPORTED_THERMOSTAT_MODE",
    "ACCEPT_GRANT_FAILED",
]
CAPABILITIES = [
    "Alexa.PowerController",
    "Alexa.BrightnessController",
    "Alexa.ColorController",
    "Alexa.ColorTemperatureController",
    "Alexa.ThermostatController",
    "Alexa.LockController",
    "Alexa.RangeController",
    "Alexa.ModeController",
    "Alexa.ToggleController",
    "Alexa.Speaker",
    "Alexa.ChannelController",
    "Alexa.InputController",
    "Alexa.PlaybackController",
    "Alexa.RemoteVideoPlayer",
    "Alexa.SceneController",
    "Alexa.SecurityPanelController",
    "Alexa.CameraStreamController",
]
MESSAGES = {
    "in Alexa.Discovery.Discover",
    "out_sync Alexa.Discovery.Discover.Response",
    "in Alexa.Authorization.AcceptGrant",
    "out_sync Alexa.Authorization.AcceptGrant.Response",
    "out_sync Alexa.Authorization.ErrorResponse",
    "in Alexa.PowerController.TurnOn",
    "in Alexa.ToggleController.TurnOn",
    "out_sync Alexa.Response",
    "out_async Alexa.Response",
    "out_sync Alexa.DeferredResponse",
    "out_sync Alexa.ErrorResponse",
    "out_async Alexa.ErrorResponse",
    "out_sync Alexa.ThermostatController.ErrorResponse",
    "out_sync Alexa.SceneController.ActivationStarted",
    "out_sync Alexa.SecurityPanelController.Arm.Response",
    "in Alexa.ReportState",
    "out_sync Alexa.StateReport",
    "out_async Alexa.StateReport",
    "out_async Alexa.ChangeReport",
    "out_async Alexa.Discovery.AddOrUpdateReport",
    "out_async Alexa.Discovery.DeleteReport",
    "out_async Alexa.DoorbellEventSource.DoorbellPress",
}
SMART_HOME_FACTS = {
    *MESSAGES,
    *(f"capability={capability}" for capability in CAPABILITIES),
    *(f"error={error}" for error in ERRORS),
    *(f"cause={cause}" for cause in ("PHYSICAL_INTERACTION", "APP_INTERACTION", "RULE_TRIGGER", "PERIODIC_POLL")),
    "cause=VOICE_INTERACTION",
    *(f"correlationToken={kind}" for kind in ("text", "null", "absent")),
    *(f"locale={locale}" for locale in ("en-US", "de-DE", "ja-JP", "None")),
    *(f"stage={stage}" for stage in ("live", "development")),
    *(f"user_ref={kind}" for kind in ("text", "null")),
    *(f"instance={instance}" for instance in ("Blind.Lift", "Washer.Cycle", "Washer.Rinse")),
}


def smart_home_facts(record: Record) -> Iterator[str]:
    message, head = record["message"], header(record)
    yield f"{record['direction']} {head['namespace']}.{head['name']}"
    yield f"locale={record['locale']}"
    yield f"stage={record['stage']}"
    yield f"user_ref={'null' if record['user_ref'] is None else 'text'}"
    if record["direction"] == "in" and head["name"] not in ("Discover", "ReportState", "AcceptGrant"):
        yield f"capability={head['namespace']}"
        token = head.get("correlationToken", "absent")
        yield f"correlationToken={'null' if token is None else token if token == 'absent' else 'text'}"
        if "instance" in head:
            yield f"instance={head['instance']}"
    if head["name"] == "ErrorResponse":
        yield f"error={message['event']['payload']['type']}"
    if head["name"] == "ChangeReport":
        yield f"cause={message['event']['payload']['change']['cause']['type']}"


FLOWS = ("alexa_app", "app_to_app_from_alexa", "app_to_app_from_app", "lwa_fallback")
LINK_FACTS = {
    *(f"{flow} {step}" for flow in FLOWS for step in ("initiation", "completion")),
    *(f"stage={stage}" for stage in ("live", "development")),
    "locale=null",
    "user_ref=null",
    "user_ref=text",
}


def link_facts(record: Record) -> Iterator[str]:
    yield f"{record['flow']} {record['step']}"
    yield f"stage={record['stage']}"
    yield f"user_ref={'null' if record['user_ref'] is None else 'text'}"
    if record["locale"] is None:
        yield "locale=null"


OAUTH_ERRORS = ("invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type")
TOKEN_FACTS = {
    *(f"grant_type={grant}" for grant in ("authorization_code", "refresh_token")),
    *(f"error={error!r}" for error in (*OAUTH_ERRORS, "invalid_scope", "token_revoked", "", None)),
    *(f"http_status={status}" for status in (200, 201, 400, 401, 403, 502, 503, None)),
    *(f"body={body}" for body in ("null with 200", "null with 400", "null with 502", "null with None", "token")),
    *(f"body={body}" for body in ("no token with 200", "{} with 400", "empty token", "error with 200")),
    *(f"responded_at={kind}" for kind in ("in time", "just in time", "late", "null")),
}


def token_facts(record: Record) -> Iterator[str]:
    status, body = record["http_status"], record["body"]
    yield f"grant_type={record['grant_type']}"
    yield f"http_status={status}"
    if body is None:
        yield f"body=null with {status}"
    elif body.get("access_token"):
        yield "body=token"
    elif "access_token" in body:
        yield "body=empty token"
    elif "error" in body:
        yield f"error={body['error']!r}"
        if status == 200:
            yield "body=error with 200"
    elif not body:
        yield f"body={{}} with {status}" if status != 200 else "body=no token with 200"
    if record["responded_at"] is None:
        yield "responded_at=null"
    else:
        took = (moment(record["responded_at"]) - moment(record["received_at"])) / timedelta(milliseconds=1)
        yield f"responded_at={'late' if took > 4500 else 'just in time' if took == 4500 else 'in time'}"


LEDGER = {
    "upsell_shown": [(None, None)],
    "offer_made": [(None, None), (None, True), (None, False)],
    "offer_result": [
        *(("ACCEPTED", trial) for trial in (None, True, False)),
        *((result, None) for result in ("DECLINED", "ALREADY_PURCHASED", "ERROR")),
    ],
    "subscription_started": [(None, True), (None, False)],
    "trial_converted": [(None, False)],
    "renewed": [(None, False)],
    "cancelled": [(None, True), (None, False)],
    "expired": [(None, True), (None, False)],
    "refunded": [(None, None)],
}
PURCHASE_FACTS = {
    *(f"{event} {result} trial={trial}" for event, kinds in LEDGER.items() for result, trial in kinds),
    *(f"{event} of {type}" for event in ("offer_made", "offer_result") for type in ("ENTITLEMENT", "CONSUMABLE")),
    "offer_result of SUBSCRIPTION",
    *(f"{event} via {via}" for event in ("offer_made", "offer_result") for via in ("buy", "upsell")),
    *(f"{stage} {mode}" for stage, mode in (("live", "LIVE"), ("live", "TEST"), ("development", "TEST"))),
    "expires_at",
    "locale=null",
}


def purchase_facts(record: Record) -> Iterator[str]:
    event = record["event"]
    yield f"{event} {record['result']} trial={record['trial']}"
    yield f"{event} of {record['product_type']}"
    yield f"{event} via {record['via']}"
    yield f"{record['stage']} {record['purchase_mode']}"
    if record["expires_at"]:
        yield "expires_at"
        assert record["product_type"] == "SUBSCRIPTION"
    if record["locale"] is None:
        yield "locale=null"


EVENT_FACTS = {
    *(f"Skill{event}" for event in ("Enabled", "Disabled", "AccountLinked", "PermissionAccepted", "PermissionChanged")),
    "ProactiveSubscriptionChanged",
    *(f"creation={kind}" for kind in ("known", "unknown")),
    *(f"persistence={status}" for status in ("PERSISTED", "NOT_PERSISTED", "None")),
    "published late",
}


def event_facts(record: Record) -> Iterator[str]:
    request = record["request"]
    event = request["type"].removeprefix("AlexaSkillEvent.")
    yield event
    yield f"creation={'known' if 'eventCreationTime' in request else 'unknown'}"
    if event == "SkillDisabled":
        yield f"persistence={request.get('body', {}).get('userInformationPersistenceStatus')}"
    if "eventCreationTime" in request:
        gap = moment(request["eventPublishingTime"]) - moment(request["eventCreationTime"])
        assert gap >= timedelta(0)
        if gap > timedelta(seconds=30):
            yield "published late"


CUSTOM = ["uniqueCustomers", "totalEnablements", "totalUtterances", "successfulUtterances", "failedUtterances"]
SESSIONS = ["totalSessions", "successfulSessions", "incompleteSessions", "userEndedSessions", "skillEndedSessions"]
QUALITY = ["EVALUATED_UTTERANCES", "DEFECTIVE_UTTERANCES", "DEFECTIVE_BARGE_INS", "DEFECTIVE_TERMINATION"]
SMAPI_FACTS = {
    *(f"custom {metric} PT1H" for metric in (*CUSTOM, *SESSIONS)),
    *(f"smartHome {metric} PT1H" for metric in CUSTOM[:3]),
    *(f"flashBriefing {metric} PT1H" for metric in ("uniqueCustomers", "totalEnablements", "totalSessions")),
    *(f"{type} uniqueCustomers P1D" for type in ("custom", "smartHome", "flashBriefing")),
    "custom totalUtterances PT1H of an intent",
    *(f"Alexa.Custom.INTENT_CLASSIFICATION {confidence}" for confidence in ("HIGH", "MEDIUM", "LOW")),
    *(f"Alexa.EstimatedTurnError.{metric} None" for metric in ("PREDICTED_UTTERANCES", "EVALUATED_UTTERANCES")),
    *(f"Alexa.SkillQuality.{metric} None" for metric in (*QUALITY, "UNHANDLED_REQUEST")),
    "Alexa.Custom.SKILL_LATENCY None",
    "Alexa.SmartHome.UTTERANCES None",
    "Alexa.SmartHome.UTTERANCES Alexa.PowerController.TurnOn",
    "Alexa.SmartHome.CUSTOMERS None",
    "a value of NULL",
    "a page and the next",
    *(f"stage={stage}" for stage in ("live", "development")),
}


def smapi_facts(record: Record) -> Iterator[str]:
    query, response = record["query"], record["response"]
    if "metric" in query:
        of_intent = " of an intent" if "intent" in query else ""
        yield f"{query['skillType']} {query['metric']} {query['period']}{of_intent}"
        yield f"stage={query['stage']}"
        assert response["metric"] == query["metric"]
        assert len(response["timestamps"]) == len(response["values"]) > 0
        if "nextToken" in query:
            yield "a page and the next"
        return
    asked = {each["id"]: each for each in query["metricQueries"]}
    assert 1 <= len(asked) <= 5
    for result in response["results"]:
        assert asked[result["id"]]["name"] == result["name"]
        for part in result["data"]:
            assert len(part["timestamps"]) == len(part["values"])
            group = part.get("groupedBy", {}).get("groupedByValue")
            yield f"{result['metricNamespace']}.{result['name']} {group}"
            if None in part["values"]:
                yield "a value of NULL"


FACTS: dict[str, tuple[set[str], Callable[[Record], Iterator[str]]]] = {
    "skill_requests": (SKILL_REQUEST_FACTS, skill_request_facts),
    "skill_events": (EVENT_FACTS, event_facts),
    "smart_home_messages": (SMART_HOME_FACTS, smart_home_facts),
    "account_links": (LINK_FACTS, link_facts),
    "token_requests": (TOKEN_FACTS, token_facts),
    "purchases": (PURCHASE_FACTS, purchase_facts),
    "smapi_metrics": (SMAPI_FACTS, smapi_facts),
}


@pytest.mark.parametrize("stream", FACTS)
def test_everything_occurs(clean: Streams, stream: str) -> None:
    expected, facts = FACTS[stream]
    seen = {fact for record, _ in clean[stream] for fact in facts(record)}
    assert sorted(expected - seen) == []


# ---- The same every time, of the size asked for


def test_same_arguments_give_the_same_bytes(sample: Path, tmp_path: Path) -> None:
    write_sample(tmp_path, "--systems", "alexa", "--jobs", "2")
    assert digests(tmp_path) == digests(sample)


def test_jobs_do_not_matter_where_records_are_shared_out(tmp_path: Path) -> None:
    arguments = ["--systems", "alexa", "--clean", "--events", "100000", "--days", "2"]
    one = write_sample(tmp_path / "one", *arguments, "--jobs", "1")
    two = write_sample(tmp_path / "two", *arguments, "--jobs", "2")
    assert contents(one) == contents(two)
    assert len(files(one, "skill_requests")) == 4 * 2  # shares, days
    # No user is in two of them.
    first, second, *_ = (path.read_bytes() for path in files(one, "skill_requests"))
    users = [{user_id(record) for record in read_values(data)} for data in (first, second)]
    assert min(map(len, users)) > 20 and not users[0] & users[1]


def test_another_seed_gives_another_sample(clean_sample: Path, tmp_path: Path) -> None:
    write_sample(tmp_path, "--systems", "alexa", "--clean", "--jobs", "1", "--seed", "8")
    assert not set(digests(tmp_path).values()) & set(digests(clean_sample).values())


def test_number_of_records(landed: Streams, clean: Streams) -> None:
    """Requests and messages are what is asked for; the other logs come on top."""
    for streams, tolerance in ((landed, 0.03), (clean, 0.001)):
        number = len(streams["skill_requests"]) + len(streams["smart_home_messages"])
        assert number == pytest.approx(EVENTS, rel=tolerance)


@pytest.mark.parametrize("events, days", [(1, 1), (30, 10), (700, 3)])
def test_small_samples(tmp_path: Path, events: int, days: int) -> None:
    arguments = ["--systems", "alexa", "--events", str(events), "--days", str(days), "--jobs", "1"]
    write_sample(tmp_path, *arguments)
    counted = ("skill_requests", "smart_home_messages")
    assert sum(1 for stream in counted for _ in read_stream(tmp_path, stream)) >= events // 2


def test_clean_is_one_record_a_line_in_gzip_files(clean_sample: Path) -> None:
    for stream in TIMES:
        for path in files(clean_sample, stream):
            assert path.name == f"{stream}-00.ndjson.gz" and len(path.relative_to(clean_sample).parts) == 6
            for line in gunzip(path.read_bytes()).splitlines():
                assert isinstance(orjson.loads(line), dict)


def test_times_are_of_the_days(clean: Streams) -> None:
    for stream, landed in clean.items():
        days = {moment(TIMES[stream](record)).date() for record, _ in landed}
        assert START.date() <= min(days) and max(days) <= END.date(), stream
        if stream != "smapi_metrics":
            assert len(days) == DAYS, stream


def test_repeated_late_and_out_of_order(clean_sample: Path, clean: Streams) -> None:
    for stream in KEYS:
        texts = Counter(json.dumps(record) for record, _ in clean[stream])
        assert max(texts.values()) > 1, stream
        late = [folder - moment(TIMES[stream](record)) for record, folder in clean[stream]]
        assert max(late) > timedelta(hours=1), stream
    for stream in ("skill_requests", "smart_home_messages"):
        times = [
            [moment(TIMES[stream](record)) for record in read_values(path.read_bytes())]
            for path in files(clean_sample, stream)
        ]
        assert sum(each != sorted(each) for each in times) > 3, stream


@pytest.mark.parametrize("stream", ["skill_requests", "smart_home_messages"])
def test_delivered_again_in_another_record(clean: Streams, stream: str) -> None:
    """Not a copy: the same request or message, taken at another time."""
    versions = defaultdict(set)
    for record, _ in clean[stream]:
        versions[KEYS[stream](record)].add(TIMES[stream](record))
    assert max(map(len, versions.values())) == 2


def test_odd_and_damaged_files(sample: Path) -> None:
    for stream in ("skill_requests", "smart_home_messages"):
        contents = {path.name: path.read_bytes() for path in files(sample, stream)}
        for name in [
            "truncated-line.ndjson.gz",
            "truncated-gzip.ndjson.gz",
            "invalid-utf8.ndjson.gz",
            "no-timestamp.ndjson.gz",
            "absurd-timestamps.ndjson.gz",
            "no-identity.ndjson.gz",
            "unknown-kinds.ndjson.gz",
            "object-as-text.ndjson.gz",
            "whole-copied (1).ndjson.gz",
            "overlapping.ndjson.gz",
        ]:
            assert name in contents, (stream, name)
        time = {"skill_requests": "received_at", "smart_home_messages": "at"}[stream]
        assert sum(time not in record for record in read_values(contents["no-timestamp.ndjson.gz"])) == 1


# ---- Conversations


@pytest.fixture(scope="module")
def sessions(clean: Streams) -> list[list[Record]]:
    """Requests of each session, in order."""
    by_id = defaultdict(list)
    for record in once("skill_requests", clean["skill_requests"]):
        if "session" in record["request"] and record["request"]["request"]["type"] != "CanFulfillIntentRequest":
            by_id[record["request"]["session"]["sessionId"]].append(record)
    return list(by_id.values())


def types(session: list[Record]) -> list[str]:
    return [record["request"]["request"]["type"] for record in session]


def test_sessions_begin_and_go_on(sessions: list[list[Record]]) -> None:
    lengths = Counter(min(len(session), 10) for session in sessions)
    assert all(lengths[length] for length in range(1, 11))
    news = [[record["request"]["session"]["new"] for record in session] for session in sessions]
    begun = sum(new[0] for new in news) / len(news)
    assert 0.9 < begun < 1
    # What was bought in the same session comes back as a new one, and nothing else does.
    again = [session for session, new in zip(sessions, news, strict=True) if any(new[1:])]
    assert again and all("Connections.Response" in types(session) for session in again)


def test_ends_of_sessions(sessions: list[list[Record]]) -> None:
    """Ended by the skill, by a request that says so, or never; a good answer before an error, and a bad one."""
    ends = Counter[str]()
    before_error = Counter[bool]()
    for session in sessions:
        last = session[-1]
        if types(session)[-1] == "SessionEndedRequest":
            reason = last["request"]["request"].get("reason")
            ends[f"request {reason}"] += 1
            if reason == "ERROR" and len(session) > 1:
                before_error[session[-2]["outcome"] == "ok" and session[-2]["response"] is not None] += 1
        elif last["outcome"] != "ok":
            ends[last["outcome"]] += 1
        else:
            ends[f"skill {last['response']['response'].get('shouldEndSession')}"] += 1
    assert ends.keys() >= {"skill True", "skill False", "exception", "timeout"}
    assert ends.keys() >= {f"request {each}" for each in ("USER_INITIATED", "EXCEEDED_MAX_REPROMPTS", "ERROR", None)}
    assert 0.3 < (ends["skill True"] + ends["request USER_INITIATED"]) / len(sessions) < 0.9
    assert set(before_error) == {True, False}


@pytest.mark.parametrize("unit", ["%Y-%m-%d %H", "%Y-%m-%d", "%Y-%m"])
def test_sessions_over_the_hour_the_day_and_the_month(sessions: list[list[Record]], unit: str) -> None:
    assert any(
        moment(session[0]["received_at"]).strftime(unit) != moment(session[-1]["received_at"]).strftime(unit)
        for session in sessions
    )


def test_exceptions_name_a_request_that_was_answered(clean: Streams) -> None:
    requests = {
        record["request"]["request"]["requestId"]: record for record in once("skill_requests", clean["skill_requests"])
    }
    causes = [
        requests.get(record["request"]["request"]["cause"]["requestId"])
        for record in requests.values()
        if record["request"]["request"]["type"] == "System.ExceptionEncountered"
    ]
    assert len(causes) > 5 and all(cause is not None and cause["outcome"] == "ok" for cause in causes)


def test_paths_differ(sessions: list[list[Record]]) -> None:
    paths = Counter(
        tuple(record["request"]["request"].get("intent", {}).get("name") for record in session[:3])
        for session in sessions
        if types(session)[0] == "LaunchRequest" and len(session) > 2
    )
    assert len(paths) > 100 and paths.most_common(1)[0][1] > 5


def test_two_sessions_of_a_user_at_once(sessions: list[list[Record]]) -> None:
    begins = Counter(
        (session[0]["request"]["session"].get("user", {}).get("userId"), session[0]["received_at"])
        for session in sessions
        if "user" in session[0]["request"]["session"]
    )
    assert max(begins.values()) == 2


def user_id(record: Record) -> str:
    envelope = record["request"]
    user: Record = envelope.get("session", {}).get("user") or envelope["context"]["System"]["user"]
    return str(user["userId"])


def test_users_come_back_for_weeks(tmp_path: Path) -> None:
    """With days enough, users of the first week are still there in the twelfth after it, fewer and fewer."""
    arguments = ["--systems", "alexa", "--clean", "--jobs", "1", "--days", "100", "--events", "30000"]
    write_sample(tmp_path, *arguments)
    weeks = defaultdict(set)
    for record, _ in read_stream(tmp_path, "skill_requests"):
        weeks[user_id(record)].add((moment(record["received_at"]) - (END - timedelta(days=99))).days // 7)
    cohorts = defaultdict(Counter)
    for seen in weeks.values():
        cohorts[min(seen)].update(week - min(seen) for week in seen)
    assert all(cohorts[0][week] for week in range(13))
    returning = [sum(cohorts[cohort][week] for cohort in range(2, 5)) for week in range(9)]
    assert returning[0] > returning[1] > returning[4] > returning[8] > 0
    assert len(cohorts) > 13


def test_another_id_after_enabling_anew(clean: Streams) -> None:
    disabled, enabled = set(), set()
    for record in once("skill_events", clean["skill_events"]):
        id = record["context"]["System"]["user"]["userId"]
        if record["request"]["type"].endswith("SkillDisabled"):
            disabled.add(id)
        if record["request"]["type"].endswith("SkillEnabled"):
            assert id not in disabled
            enabled.add(id)
    used = {user_id(record) for record, _ in clean["skill_requests"]}
    assert disabled & enabled and disabled & used
    # Enabled and never used; used, and enabled before events were subscribed to.
    assert enabled - used and used - enabled


# ---- Purchases


def test_offers_are_in_both_logs(clean: Streams) -> None:
    """A sale that the log tells of has a Connections.SendRequest before, and mostly an answer behind."""
    answers, sends = Counter(), Counter()
    for record in once("skill_requests", clean["skill_requests"]):
        request = record["request"]["request"]
        if request["type"] == "Connections.Response" and request["name"] in ("Buy", "Upsell"):
            answers[user_id(record), request["payload"]["productId"]] += 1
            assert record["request"]["session"]["new"]
        for directive in ((record["response"] or {}).get("response", {})).get("directives", []):
            if directive["type"] == "Connections.SendRequest" and directive["name"] in ("Buy", "Upsell"):
                sends[user_id(record), directive["payload"]["InSkillProduct"]["productId"]] += 1
    told = Counter(
        (record["user_id"], record["product_id"])
        for record in once("purchases", clean["purchases"])
        if record["event"] == "upsell_shown" or (record["event"] == "offer_made" and record["via"] == "buy")
    )
    assert sum((told & sends).values()) >= 0.99 * told.total()
    assert 0.85 * sends.total() < sum((answers & sends).values()) < sends.total()
    assert answers - sends  # of an offer that was never extracted


def test_subscriptions_take_their_course(clean: Streams) -> None:
    lives = defaultdict(list)
    for record in once("purchases", clean["purchases"]):
        if record["event"] in ("subscription_started", "trial_converted", "renewed", "cancelled", "expired"):
            lives[record["user_id"], record["product_id"]].append(record)
    courses = Counter(tuple(record["event"] for record in life) for life in lives.values())
    assert courses[("renewed",)] and courses[("subscription_started",)]
    assert any(course[:2] == ("subscription_started", "trial_converted") for course in courses)
    assert any(course[-2:] == ("cancelled", "expired") for course in courses)
    for life in lives.values():
        for before, after in pairwise(life):
            assert before["event"] != "expired"
            if after["event"] in ("trial_converted", "renewed", "expired") and before["event"] != "cancelled":
                assert after["at"] == before["expires_at"]
    paid = [(a, b) for life in lives.values() for a, b in pairwise(life) if a["event"] == "cancelled"]
    assert any(b["at"] > a["at"] for a, b in paid if a["purchase_mode"] == "LIVE" and not a["trial"])
    assert all(b["at"] == a["at"] for a, b in paid if a["purchase_mode"] == "TEST")


# ---- Smart home


def test_directives_are_answered_in_all_ways(clean: Streams) -> None:
    """By token or by invocation; in time, late, or never; in two steps; also an answer without a directive."""
    messages = once("smart_home_messages", clean["smart_home_messages"])
    by_token = defaultdict(list)
    by_call = defaultdict(list)
    for record in messages:
        if token := header(record).get("correlationToken"):
            by_token[token].append(record)
        by_call[record["invocation_id"]].append(record)
    ways = Counter[str]()
    for group in (
        *by_token.values(),
        *(each for each in by_call.values() if not header(each[0]).get("correlationToken")),
    ):
        asked, answers = group[0], group[1:]
        names = "+".join(f"{answer['direction']} {header(answer)['name']}" for answer in answers)
        if asked["direction"] != "in":
            ways["no directive"] += 1
        elif not answers:
            ways["no answer"] += 1
        else:
            took = moment(answers[0]["at"]) - moment(asked["at"])
            ways["late" if took > PATIENCE else "just in time" if took == PATIENCE else "in time"] += 1
            ways[names] += 1
        if answers and not header(asked).get("correlationToken"):
            ways[f"by invocation: {header(asked)['name']}"] += 1
    assert ways.keys() >= {
        *("in time", "just in time", "late", "no answer", "no directive"),
        *("out_sync Response", "out_async Response", "out_sync ErrorResponse"),
        "out_sync DeferredResponse+out_async Response",
        "out_sync DeferredResponse+out_async ErrorResponse",
        "out_sync DeferredResponse+out_async StateReport",
        "out_sync DeferredResponse",
        *("by invocation: Discover", "by invocation: AcceptGrant", "by invocation: TurnOn"),
    }
    assert ways["in time"] > 0.9 * (ways["in time"] + ways["late"])


def test_state_reports_match_change_reports_or_do_not(clean: Streams) -> None:
    """The same value spelled otherwise is a match; and so that neither is an accident, both are common."""
    told: dict[tuple[str, ...], Any] = {}
    same, spelled, differing, untold = 0, 0, 0, 0
    for record in once("smart_home_messages", clean["smart_home_messages"]):
        name = header(record)["name"]
        if name not in ("ChangeReport", "StateReport"):
            continue
        event, context = record["message"]["event"], record["message"]["context"]["properties"]
        for each in context if name == "StateReport" else (*event["payload"]["change"]["properties"], *context):
            key = (event["endpoint"]["endpointId"], each["namespace"], each["name"], each.get("instance", ""))
            if name == "ChangeReport":
                told[key] = each["value"]
            elif key not in told:
                untold += 1
            elif told[key] != each["value"]:
                differing += 1
            else:
                same += 1
                spelled += json.dumps(told[key]) != json.dumps(each["value"])
    assert same > differing > 20 and spelled > 20 and untold > 20


# ---- Account linking and tokens


def test_attempts_to_link(clean: Streams) -> None:
    """Brought to an end or not, begun twice, or before the log; some end a day after they began."""
    attempts = defaultdict(list)
    for record, _ in clean["account_links"]:
        attempts[record["flow"], record["attempt_id"]].append((moment(record["at"]), record["step"]))
    kinds = Counter[str]()
    for steps in attempts.values():
        names = {step for _, step in steps}
        begun = sorted({at for at, step in steps if step == "initiation"})
        kinds["begun twice"] += len(begun) > 1
        kinds[" and ".join(sorted(names))] += 1
        ended = [at for at, step in steps if step == "completion"]
        kinds["over midnight"] += bool(begun and ended and ended[0].date() != begun[0].date())
    assert min(kinds[each] for each in ("begun twice", "over midnight", "completion")) > 1
    assert 0.2 < kinds["initiation"] / (kinds["initiation"] + kinds["completion and initiation"]) < 0.7
    linked = Counter(record["request"]["type"] for record, _ in clean["skill_events"])
    assert linked["AlexaSkillEvent.SkillAccountLinked"] == pytest.approx(
        sum(record["step"] == "completion" for record, _ in clean["account_links"]), rel=0.05
    )


# ---- Amazon's own numbers


def test_smapi_is_asked_again_for_what_has_grown(clean: Streams) -> None:
    totals = defaultdict(list)
    for record, _ in clean["smapi_metrics"]:
        query = record["query"]
        if query.get("metric") == "totalUtterances" and query["period"] == "PT1H" and "intent" not in query:
            key = (record["skill_id"], query["stage"], query["locale"], query["startTime"])
            totals[key].append((record["fetched_at"], sum(record["response"]["values"])))
    grown = [sorted(each) for each in totals.values() if len({total for _, total in each}) > 1]
    assert grown and all(each[0][1] < each[-1][1] for each in grown)
    ids = defaultdict(set)
    for record, _ in clean["smapi_metrics"]:
        for each in record["query"].get("metricQueries", []):
            ids[each["metricNamespace"], each["name"]].add(each["id"])
    assert all(len(each) > 1 for each in ids.values())


def test_smapi_is_near_what_was_said(clean: Streams) -> None:
    """Utterances of live custom skills, as Amazon counts them and as the requests tell."""
    first = (END - timedelta(days=6)).date()
    said = Counter[str]()
    for record in once("skill_requests", clean["skill_requests"]):
        request = record["request"]["request"]
        if (
            request["type"] in ("LaunchRequest", "IntentRequest")
            and record["stage"] == "live"
            and not record["is_test"]
            and moment(record["received_at"]).date() >= first
        ):
            system = record["request"].get("context", {}).get("System") or record["request"]["session"]
            said[system["application"]["applicationId"]] += 1
    latest: dict[tuple[str, ...], tuple[str, float]] = {}
    for record, _ in clean["smapi_metrics"]:
        query = record["query"]
        if query.get("metric") == "totalUtterances" and query["stage"] == "live" and "intent" not in query:
            key = (record["skill_id"], query["locale"], query["startTime"])
            value = (record["fetched_at"], sum(record["response"]["values"]))
            latest[key] = max(latest.get(key, ("", 0)), value)
    counted = Counter[str]()
    for (skill, *_), (_, total) in latest.items():
        counted[skill] += total
    assert len(said) == 2
    for skill, number in said.items():
        # The last day is not over when it is asked for.
        assert counted[skill] == pytest.approx(number, rel=0.1), skill
