"""What the sample of Pinpoint holds: every event, status and activity, and snapshots that agree with the events."""

import base64
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest

from tests.orchestration.test_sample import DAYS, END, EVENTS, digests, gunzip, read_values, write_sample

Event = dict[str, Any]

START = END - timedelta(days=DAYS - 1)
HOUR, DAY = 3_600_000, 86_400_000
ANSWERS = ("journeys", "application_settings", "journey_runs", "execution_metrics")
STREAMS = ("pinpoint/events", "connect/contact_events", *(f"pinpoint/{stream}" for stream in ANSWERS))


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("pinpoint"), "--systems", "pinpoint", "--jobs", "1")


@pytest.fixture(scope="module")
def clean_sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("clean"), "--systems", "pinpoint", "--clean", "--jobs", "1")


@pytest.fixture(scope="module")
def clean_events(clean_sample: Path) -> list[Event]:
    """Each event once."""
    texts = dict.fromkeys(json.dumps(event) for event in read(clean_sample, "pinpoint/events"))
    return [json.loads(text) for text in texts]


@pytest.fixture(scope="module")
def definitions(clean_sample: Path) -> dict[str, list[Event]]:
    """Each journey's, by its name, the earliest first."""
    fetched = sorted(read(clean_sample, "pinpoint/journeys"), key=lambda record: str(record["fetched_at"]))
    named = defaultdict(list)
    for record in fetched:
        named[record["JourneyResponse"]["Name"]].append(record["JourneyResponse"])
    return named


def files(inbox: Path, stream: str) -> list[Path]:
    return sorted(path for path in (inbox / stream).rglob("*") if path.is_file())


def read(inbox: Path, stream: str) -> Iterator[Event]:
    for path in files(inbox, stream):
        for value in read_values(path.read_bytes()):
            if isinstance(value, dict):
                yield from passed(value) if "records" in value else [value]


def passed(envelope: Event) -> Iterator[Event]:
    """The events that Firehose and a Lambda exchange."""
    for record in envelope["records"]:
        try:
            yield json.loads(base64.b64decode(record["data"], validate=True))
        except (ValueError, TypeError):
            continue


def attribute(event: Event, name: str) -> Any:
    return event["attributes"].get(name)


def of_kind(events: list[Event], *kinds: str) -> list[Event]:
    return [event for event in events if event["event_type"] in kinds]


def mail(event: Event) -> Event:
    inside: Event = event["facets"]["email_channel"]["mail_event"]
    return inside


def by_message(events: list[Event]) -> dict[str, list[Event]]:
    """Emails' events by message, in the order in which they arrived."""
    messages = defaultdict(list)
    for event in sorted(events, key=lambda event: int(event["arrival_timestamp"])):
        if event["event_type"].startswith("_email."):
            messages[mail(event)["mail"]["message_id"]].append(event)
    return messages


# ---- The same every time, of the size asked for


def test_number_of_records(sample: Path, clean_sample: Path) -> None:
    assert sum(1 for _ in read(sample, "pinpoint/events")) == pytest.approx(EVENTS, rel=0.03)
    assert sum(1 for _ in read(clean_sample, "pinpoint/events")) == pytest.approx(EVENTS, rel=0.001)


def test_jobs_do_not_matter(tmp_path: Path) -> None:
    arguments = ["--systems", "pinpoint", "--events", "100000", "--days", "3"]
    one = write_sample(tmp_path / "one", *arguments, "--jobs", "1")
    two = write_sample(tmp_path / "two", *arguments, "--jobs", "2")
    assert digests(one) == digests(two)
    assert len(files(one, "pinpoint/events")) > 4 * 3 * 4  # streams, days, parts of a day
    assert {f"{path.parent.name}/{path.name}" for path in one.glob("*/*")} == set(STREAMS)


def test_another_seed_gives_another_sample(sample: Path, tmp_path: Path) -> None:
    write_sample(tmp_path, "--systems", "pinpoint", "--seed", "8", "--jobs", "1")
    assert set(digests(tmp_path).values()) & set(digests(sample).values()) == {sha256(b"").hexdigest()}


@pytest.mark.parametrize("events, days", [(1, 1), (30, 10), (700, 3)])
def test_small_samples(tmp_path: Path, events: int, days: int) -> None:
    write_sample(tmp_path, "--systems", "pinpoint", "--events", str(events), "--days", str(days), "--jobs", "1")
    assert len(list(read(tmp_path, "pinpoint/events"))) >= events // 2
    for stream in ANSWERS:
        assert list(read(tmp_path, f"pinpoint/{stream}"))


def test_clean_is_one_record_a_line_in_gzip_files(clean_sample: Path) -> None:
    for stream in STREAMS:
        depth = 7 if stream in STREAMS[:2] else 6
        for path in files(clean_sample, stream):
            assert path.name.endswith(".ndjson.gz") and len(path.relative_to(clean_sample).parts) == depth
            for line in gunzip(path.read_bytes()).splitlines():
                assert isinstance(orjson.loads(line), dict)


# ---- What occurs in the stream of events


EMAIL_KINDS = (
    "send",
    "delivered",
    "rejected",
    "hardbounce",
    "softbounce",
    "complaint",
    "open",
    "click",
    "unsubscribe",
    "rendering_failure",
)

PUSH_KINDS = ("received_foreground", "received_background", "opened_notification")
APP_KINDS = [
    *(f"_session.{kind}" for kind in ("start", "stop", "pause", "resume")),
    *(f"_userauth.{kind}" for kind in ("sign_in", "sign_up", "auth_fail")),
    "_monetization.purchase",
    "cart.abandoned",
]
UNLISTED = "SENDER_RETIRED"
SEND_STATUSES = [
    "SUCCESS",
    "FAILURE",
    "CUSTOM_DELIVERY_FAILURE",
    "FAILURE_PERMANENT",
    "THROTTLED",
    "UNSUPPORTED_CHANNEL",
    "DAILY_CAP",
    "QUIET_TIME",
    "QUIET_TIME_MISSING_TIMEZONE",
    "TRANSIENT_FAILURE",
    "SERVICE_FAILURE",
    "UNKNOWN",
    UNLISTED,
]
RECORD_STATUSES = {
    "BUFFERED": ["PENDING", "SUCCESSFUL"],
    "SUCCESS": ["SUCCESSFUL", "DELIVERED"],
    "OPTOUT": ["OPTED_OUT", "None"],
    "FAILURE": [
        "INVALID",
        "UNREACHABLE",
        "UNKNOWN",
        "BLOCKED",
        "CARRIER_UNREACHABLE",
        "SPAM",
        "INVALID_MESSAGE",
        "CARRIER_BLOCKED",
        "TTL_EXPIRED",
        "MAX_PRICE_EXCEEDED",
        "OPTED_OUT",
        "NO_QUOTA_LEFT_ON_ACCOUNT",
        "NO_ORIGINATION_IDENTITY_AVAILABLE_TO_SEND",
        "DESTINATION_COUNTRY_NOT_SUPPORTED",
        "ACCOUNT_IN_SANDBOX",
        "RATE_EXCEEDED",
        "INVALID_ORIGINATION_IDENTITY",
        "ORIGINATION_IDENTITY_DOES_NOT_EXIST",
        "INVALID_DLT_PARAMETERS",
        "INVALID_PARAMETERS",
        "ACCESS_DENIED",
        "INVALID_KEYWORD",
        "INVALID_SENDER_ID",
        "INVALID_POOL_ID",
        "SENDER_ID_NOT_SUPPORTED_FOR_DESTINATION",
        "INVALID_PHONE_NUMBER",
    ],
}
EXPECTED = {
    *(f"_email.{kind} of {origin}" for kind in EMAIL_KINDS for origin in ("journey", "neither")),
    *(f"_email.{kind} of campaign" for kind in ("send", "delivered", "open", "click", "hardbounce")),
    *(f"_SMS.{kind} of {origin}" for kind in RECORD_STATUSES for origin in ("journey", "campaign", "neither")),
    *(f"{prefix}.{kind} of {prefix[1:]}" for kind in PUSH_KINDS for prefix in ("_journey", "_campaign")),
    "_campaign.send of campaign",
    "_test.event_stream of neither",
    *(f"{kind} of neither" for kind in APP_KINDS),
    *(f"status {status}" for status in [*SEND_STATUSES, "QUIET_TIME_WAIT_FINISHED"]),
    *(f"sent by {type}" for type in ("EMAIL", "SMS", "PUSH", "CUSTOM", "CONTACT_CENTER")),
    *(f"code {kind}" for kind in ("absent", "with message", "without message")),
    *(f"{kind} {status}" for kind, statuses in RECORD_STATUSES.items() for status in statuses),
    *(f"{kind} {price}" for kind in ("BUFFERED", "SUCCESS", "FAILURE") for price in ("priced", "not priced")),
    *(f"price {kind}" for kind in ("absent", "null", "of no metrics", "zero", "of a fraction")),
    *(f"parts {parts}" for parts in ("1", "2", "4")),
    *(f"timezone {known}" for known in (True, False)),
    *(f"attribute null {name}" for name in ("campaign_type", "journey_id", "journey_send_status_message")),
    *(f"complaint {kind}" for kind in ("abuse", "not-spam", "fraud", "None")),
    *(f"bounce {kind}" for kind in ("Permanent", "Transient", "Undetermined")),
    "another project",
    "arrived before it was",
    "arrived days after it was",
    "headers truncated",
    "unsubscribe link",
    "legacy identifier",
    "text beyond ASCII",
}


def facts(event: Event) -> Iterator[str]:
    """What is to be seen in one event."""
    kind, attributes = event["event_type"], event["attributes"]
    origin = "journey" if attributes.get("journey_id") else "campaign" if attributes.get("campaign_id") else "neither"
    if kind != "_journey.send":
        yield f"{kind} of {origin}"
    yield from (f"attribute null {name}" for name, value in attributes.items() if value is None)
    if event["application"]["app_id"] != "d661ff5c5094c1d222425d20ab2170bb":
        yield "another project"
    apart = event["arrival_timestamp"] - event["event_timestamp"]
    if apart < 0:
        yield "arrived before it was"
    if apart > DAY and not kind.startswith("_email."):
        yield "arrived days after it was"
    if kind == "_journey.send":
        yield from send_facts(event)
    elif kind.startswith("_SMS."):
        yield from text_facts(event)
    elif kind.startswith("_email."):
        yield from email_facts(event)
    if not str(event).isascii():
        yield "text beyond ASCII"


def send_facts(event: Event) -> Iterator[str]:
    attributes = event["attributes"]
    yield f"status {attributes['journey_send_status']}"
    if "journey_activity_type" in attributes:
        yield f"sent by {attributes['journey_activity_type']}"
    message = attributes.get("journey_send_status_message")
    code = (
        "absent" if "journey_send_status_code" not in attributes else "with message" if message else "without message"
    )
    yield f"code {code}"
    yield f"timezone {'Demographic' in json.loads(event['client_context']['custom']['endpoint'])}"


def text_facts(event: Event) -> Iterator[str]:
    kind = event["event_type"].removeprefix("_SMS.")
    metrics = event.get("metrics")
    price = (metrics or {}).get("price_in_millicents_usd")
    yield f"{kind} {attribute(event, 'record_status')}"
    yield f"{kind} {'not priced' if price is None else 'priced'}"
    yield f"parts {attribute(event, 'number_of_message_parts')}"
    if metrics is None:
        yield "price absent"
    elif not metrics:
        yield "price of no metrics"
    elif price is None:
        yield "price null"
    elif price == 0:
        yield "price zero"
    elif price % 1:
        yield "price of a fraction"


def email_facts(event: Event) -> Iterator[str]:
    inside = mail(event)
    assert inside["mail"]["message_send_timestamp"] == event["event_timestamp"] <= event["arrival_timestamp"]
    if inside["mail"]["headers_truncated"]:
        yield "headers truncated"
    if "complaint" in inside:
        yield f"complaint {inside['complaint']['complaint_feedback_type']}"
    if "bounce" in inside:
        yield f"bounce {inside['bounce']['bounce_type']}"
    if "unsubscribeLinkTag" in inside.get("click", {}).get("link_tags", {}):
        yield "unsubscribe link"
    if "client_context" in event:
        yield "legacy identifier"


def is_sound(event: Event) -> bool:
    """Whether it is none of those made up to be refused."""
    types = {"event_type": str, "event_timestamp": int, "application": dict, "attributes": dict}
    sound = all(isinstance(event.get(name), type) for name, type in types.items())
    return sound and 0 <= END.timestamp() * 1000 + DAY - event["event_timestamp"] < (DAYS + 1) * DAY


@pytest.mark.parametrize("inbox", ["sample", "clean_sample"])
def test_everything_occurs(inbox: str, request: pytest.FixtureRequest) -> None:
    events = read(request.getfixturevalue(inbox), "pinpoint/events")
    seen = {fact for event in events if is_sound(event) for fact in facts(event)}
    assert sorted(EXPECTED - seen) == []


def test_activity_types(clean_events: list[Event]) -> None:
    """A send says its activity's type, but for one status, and always the same."""
    types = defaultdict(set)
    for event in of_kind(clean_events, "_journey.send"):
        waited = attribute(event, "journey_send_status") == "QUIET_TIME_WAIT_FINISHED"
        assert ("journey_activity_type" in event["attributes"]) != waited
        if not waited:
            types[attribute(event, "journey_activity_id")].add(attribute(event, "journey_activity_type"))
    assert all(len(each) == 1 for each in types.values())


def test_soft_bounces_and_what_becomes_of_them(clean_events: list[Event]) -> None:
    ends: Counter[str] = Counter()
    for events in by_message(clean_events).values():
        kinds = [event["event_type"].removeprefix("_email.") for event in events]
        if "hardbounce" in kinds and "delivered" in kinds:
            ends["delivered, then hard" if kinds.index("delivered") < kinds.index("hardbounce") else "?"] += 1
        elif "softbounce" in kinds:
            end = next((kind for kind in ("delivered", "hardbounce") if kind in kinds), "for good")
            assert "softbounce" not in kinds[kinds.index(end) :] if end in kinds else True
            ends[end] += 1
    assert set(ends) == {"delivered, then hard", "delivered", "hardbounce", "for good"}
    assert min(ends.values()) > 10


def test_opens_and_clicks_in_one_hour_and_over_its_end(clean_events: list[Event]) -> None:
    for kind in ("_email.open", "_email.click"):
        numbers = Counter()
        for events in by_message(of_kind(clean_events, kind)).values():
            arrivals = [event["arrival_timestamp"] for event in events]
            for first, second in pairwise(arrivals):
                same_hour = first // HOUR == second // HOUR
                numbers["one hour" if same_hour else "an hour's end" if second - first < HOUR else "later"] += 1
        assert numbers["one hour"] > 20 and numbers["an hour's end"] > 20


def test_email_lives_are_plausible(clean_events: list[Event]) -> None:
    kinds = Counter(event["event_type"] for event in clean_events)
    assert kinds["_email.delivered"] / kinds["_email.send"] == pytest.approx(0.94, abs=0.04)
    assert kinds["_email.click"] < kinds["_email.open"] < 1.3 * kinds["_email.delivered"]
    messages = by_message(clean_events).values()
    assert any(events[0]["event_type"] != "_email.send" for events in messages)
    assert any({"_email.rejected"} == {event["event_type"] for event in events} for events in messages)
    late = [events[-1]["arrival_timestamp"] - events[0]["event_timestamp"] for events in messages]
    assert max(late) > 15 * DAY


# ---- Text messages


class Sends(NamedTuple):
    """When a journey sent an endpoint a text message, and that it did."""

    tried: dict[str, list[int]]
    done: dict[str, list[int]]


@pytest.fixture(scope="module")
def sends(clean_events: list[Event]) -> Sends:
    found = Sends(defaultdict(list), defaultdict(list))
    for event in of_kind(clean_events, "_journey.send"):
        if attribute(event, "journey_activity_type") == "SMS":
            client, at = event["client"]["client_id"], event["event_timestamp"]
            found.tried[client].append(at)
            if attribute(event, "journey_send_status") == "SUCCESS":
                found.done[client].append(at)
    return found


def test_texts_without_their_journey(clean_events: list[Event], sends: Sends) -> None:
    """To an endpoint that a journey sent to within 72 hours, or longer ago, or in vain, or never."""
    first: dict[str, Event] = {}
    for event in of_kind(clean_events, "_SMS.BUFFERED", "_SMS.SUCCESS", "_SMS.FAILURE"):
        id = attribute(event, "message_id")
        if event["event_timestamp"] <= first.get(id, event)["event_timestamp"]:
            first[id] = event
    cases: Counter[str] = Counter()
    for event in first.values():
        client, at = event["client"]["client_id"], event["event_timestamp"]
        ages = sorted(at - sent for sent in sends.done[client] if sent <= at)
        if attribute(event, "journey_id"):
            assert ages and ages[0] < HOUR
        elif not attribute(event, "campaign_id"):
            age = ages[0] if ages else None
            if age is None:
                cases["in vain" if sends.tried[client] else "never"] += 1
            else:
                cases["within" if age <= 72 * HOUR else "too long ago"] += 1
                cases["just within"] += 71 * HOUR < age <= 72 * HOUR
                cases["just too long ago"] += 72 * HOUR < age < 73 * HOUR
                cases["of two"] += len(ages) > 1 and ages[1] < 72 * HOUR
    assert set(cases) == {"in vain", "never", "within", "too long ago", "just within", "just too long ago", "of two"}
    assert min(cases.values()) > 2


def test_prices_of_texts(clean_events: list[Event]) -> None:
    """Told with all events of a message, with the first or the last alone, with none; the first can be another one."""
    texts = defaultdict(dict)
    for event in of_kind(clean_events, "_SMS.BUFFERED", "_SMS.SUCCESS", "_SMS.FAILURE"):
        price = (event.get("metrics") or {}).get("price_in_millicents_usd")
        texts[attribute(event, "message_id")][event["event_type"].removeprefix("_SMS.")] = price
    cases: Counter[Any] = Counter()
    for prices in texts.values():
        cases[tuple((kind, price is not None) for kind, price in sorted(prices.items()))] += 1
        cases["another"] += len({price for price in prices.values() if price is not None}) > 1
        assert prices.get("FAILURE") == prices.get("SUCCESS") or len(prices) < 3
    both = ("FAILURE", "SUCCESS")
    assert {(("FAILURE", False),), (("SUCCESS", False),), (("SUCCESS", True),)} <= set(cases)
    assert {(("BUFFERED", first), (final, True)) for first in (True, False) for final in both} <= set(cases)
    assert {(("BUFFERED", True),), (("BUFFERED", True), ("SUCCESS", False)), (("BUFFERED", False),)} <= set(cases)
    assert (("BUFFERED", False), ("FAILURE", True), ("SUCCESS", True)) in cases
    assert cases["another"] > 5


# ---- Push notifications


def test_reports_of_push_notifications(clean_events: list[Event]) -> None:
    """Both ways of receipt for one, opened without a receipt; nothing in the attributes but the journey."""
    reports = defaultdict(Counter)
    for event in of_kind(clean_events, *(f"_journey.{kind}" for kind in PUSH_KINDS)):
        attributes = event["attributes"]
        assert set(attributes) == {"journey_id", "journey_run_id", "journey_activity_id"}
        key = (event["client"]["client_id"], *sorted(attributes.values()))
        reports[key][event["event_type"].removeprefix("_journey.")] += 1
    kinds = {frozenset(each) for each in reports.values()}
    assert {frozenset({*PUSH_KINDS}), frozenset({*PUSH_KINDS[:2]}), frozenset({PUSH_KINDS[2]})} <= kinds
    assert any(each["opened_notification"] > 1 for each in reports.values())


# ---- Copies, lateness, files


def test_copies_late_and_out_of_order(clean_sample: Path) -> None:
    copies: Counter[str] = Counter()
    late: Counter[bool] = Counter()
    for path in files(clean_sample, "pinpoint/events"):
        folder = datetime(*map(int, path.relative_to(clean_sample).parts[2:6]), tzinfo=UTC).timestamp() * 1000
        lines = gunzip(path.read_bytes()).splitlines()
        arrivals = [orjson.loads(line)["arrival_timestamp"] for line in lines]
        assert len(lines) < 20 or arrivals != sorted(arrivals)
        for line, arrival in zip(lines, arrivals, strict=True):
            copies[line.decode()] += 1
            late[arrival < folder - 1000] += 1
    assert 0.003 < sum(count > 1 for count in copies.values()) / len(copies) < 0.02
    assert 0.005 < late[True] / late.total() < 0.1


def test_odd_and_damaged_files(sample: Path) -> None:
    contents = {path.name: path.read_bytes() for path in files(sample, "pinpoint/events")}
    for name in ("firehose-object", "firehose-object.gz"):
        assert contents[name][:2] == b"\x1f\x8b"
        assert b"}{" in gunzip(contents[name]) and b"\n" not in gunzip(contents[name])
    for name in ("mixed-separators", "mixed-separators.gz"):
        assert b"}{" in gunzip(contents[name]) and b"}\n{" in gunzip(contents[name])
    for name in (
        "transformation-request.json",
        "transformation-response.json.gz",
        "transformation-responses.ndjson.gz",
    ):
        envelopes = list(read_values(contents[name]))
        assert all(list(passed(envelope)) for envelope in envelopes)
        ends = {base64.b64decode(record["data"])[-1:] for envelope in envelopes for record in envelope["records"]}
        assert ends == {b"\n", b"}"}
    spoilt = next(read_values(contents["spoilt-response.json.gz"]))
    assert 0 < len(list(passed(spoilt))) == len(spoilt["records"]) - 4
    for name in ("no-timestamp", "absurd-timestamps", "unknown-kinds", "failed-delivery", "truncated-gzip"):
        assert f"{name}.ndjson.gz" in contents and f"whole-{name}.ndjson.gz" in contents


def test_no_real_people(sample: Path) -> None:
    for event in read(sample, "pinpoint/events"):
        phone = (event.get("attributes") or {}) if isinstance(event.get("attributes"), dict) else {}
        if "destination_phone_number" in phone:
            assert phone["destination_phone_number"][5:10] == "55501"
        if str(event.get("event_type")).startswith("_email.") and "facets" in event:
            assert mail(event)["mail"]["destination"][0].partition("@")[2].startswith("example.")


# ---- Journeys


def test_journeys_have_all_activities(definitions: dict[str, list[Event]]) -> None:
    assert set(definitions) == {
        "Welcome series",
        "Abandoned cart",
        "Win-back calls",
        "Test-Welcome series",
        "Autumn preview",
    }
    kinds = set()
    for journeys in definitions.values():
        for journey in journeys:
            ids = set(journey["Activities"])
            assert journey["StartActivity"] in ids and all(len(id) == 10 for id in ids)
            assert len(journey["Id"]) == len(journey["ApplicationId"]) == 32
            for activity in journey["Activities"].values():
                kinds |= set(activity) - {"Description"}
                text = json.dumps(activity)
                assert set(leads_to(json.loads(text))) <= ids
    assert kinds == {
        *("EMAIL", "SMS", "PUSH", "CUSTOM", "ContactCenter"),
        *("Wait", "ConditionalSplit", "MultiCondition", "RandomSplit", "Holdout"),
    }


def leads_to(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from leads_to(each)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key in ("NextActivity", "TrueActivity", "FalseActivity", "DefaultActivity") and inner:
                yield inner
            else:
                yield from leads_to(inner)


def test_definitions_change(definitions: dict[str, list[Event]]) -> None:
    def values(journey: str, *path: str) -> list[Any]:
        """What a field of the definition was, each value once, in order."""
        found: list[Any] = []
        for definition in definitions[journey]:
            value: Any = definition
            for name in path:
                value = value.get(name) if isinstance(value, dict) else None
            if not found or found[-1] != value:
                found.append(value)
        return found

    def activity(journey: str, kind: str) -> str:
        return next(id for id, each in definitions[journey][0]["Activities"].items() if kind in each)

    assert values("Welcome series", "Limits", "EndpointReentryCap") == [1, 3]
    assert values("Welcome series", "RefreshOnSegmentUpdate") == [False, True]
    assert values("Welcome series", "RefreshFrequency") == ["P2D"]
    assert values("Abandoned cart", "RefreshFrequency") == [None]
    assert [bool(each) for each in values("Abandoned cart", "QuietTime")] == [False, True]
    assert values("Win-back calls", "Limits", "DailyCap") == [1, None]
    push = activity("Abandoned cart", "PUSH")
    path = ("Activities", push, "PUSH", "MessageConfig", "TimeToLive")
    assert values("Abandoned cart", *path) == ["3600", "0", None]
    split = activity("Abandoned cart", "MultiCondition")
    branches = values("Abandoned cart", "Activities", split, "MultiCondition", "Branches")
    assert [len(each) for each in branches] == [2, 3]
    split = activity("Welcome series", "RandomSplit")
    shares = values("Welcome series", "Activities", split, "RandomSplit", "Branches")
    assert [[branch["Percentage"] for branch in each] for each in shares] == [[50, 30, 20], [40, 40, 20]]
    assert values("Win-back calls", "State") == ["ACTIVE", "CLOSED"]
    assert values("Test-Welcome series", "State") == ["ACTIVE", "CLOSED", "COMPLETED"]
    assert values("Autumn preview", "State") == ["DRAFT", "ACTIVE", "PAUSED", "CANCELLED"]


def test_settings_change(clean_sample: Path) -> None:
    fetched = sorted(read(clean_sample, "pinpoint/application_settings"), key=lambda record: str(record["fetched_at"]))
    resources = [record["ApplicationSettingsResource"] for record in fetched]
    caps = [
        (each.get("JourneyLimits", {}).get("DailyCap"), each["Limits"]["Daily"]) for each in resources if each["Limits"]
    ]
    assert [cap for cap, before in zip(caps, [None, *caps], strict=False) if cap != before] == [
        (4, 8),
        (6, 8),
        (None, 8),
        (None, 10),
    ]
    assert {bool(each["Limits"]) for each in resources} == {True, False}


def test_runs(clean_sample: Path, clean_events: list[Event], definitions: dict[str, list[Event]]) -> None:
    """Every run of events is told of; one journey has a run every two days, and the next one scheduled."""
    told = defaultdict(set)
    for record in read(clean_sample, "pinpoint/journey_runs"):
        for run in record["JourneyRunsResponse"]["Item"]:
            told[record["journey_id"], run["RunId"]].add(run["Status"])
            assert run["LastUpdateTime"] <= record["fetched_at"]
    runs = {
        (attribute(e, "journey_id"), attribute(e, "journey_run_id")) for e in of_kind(clean_events, "_journey.send")
    }
    assert runs <= set(told)
    welcome = definitions["Welcome series"][0]["Id"]
    assert len([run for run in runs if run[0] == welcome]) == (DAYS + 1) // 2
    assert set().union(*told.values()) == {"SCHEDULED", "RUNNING", "COMPLETED", "CANCELLED"}
    assert Counter(status == {"SCHEDULED"} for status in told.values())[True] <= 1


# ---- Execution metrics

KEYS = {
    "DAILY_CAP": "DAILY_CAP_EXCEEDED",
    "QUIET_TIME_MISSING_TIMEZONE": "QUIET_TIME",
    "FAILURE": "UNKNOWN",
    UNLISTED: "UNKNOWN",
}
MESSAGES = {"EMAIL", "MESSAGE", "SMS", "PUSH", "CUSTOM", "CONTACT_CENTER"}


class Snapshot(NamedTuple):
    """Execution metrics as of a time: of a journey, or an activity of it, or a run of it, or both."""

    at: datetime
    journey: str
    run: str
    activity: str
    type: str
    metrics: dict[str, int]


@pytest.fixture(scope="module")
def snapshots(clean_sample: Path) -> list[Snapshot]:
    """Each once, the earliest first; those that don't say as of when they are left out."""
    found = {}
    for record in read(clean_sample, "pinpoint/execution_metrics"):
        (name, answer) = next((name, value) for name, value in record.items() if name != "fetched_at")
        run, activity = answer.get("RunId", ""), answer.get("JourneyActivityId", "")
        assert name == f"Journey{'Run' * bool(run)}Execution{'Activity' * bool(activity)}MetricsResponse"
        assert all(isinstance(value, str) and int(value) > 0 for value in answer["Metrics"].values())
        if "LastEvaluatedTime" in answer:
            at = datetime.fromisoformat(answer["LastEvaluatedTime"])
            assert timedelta(0) < datetime.fromisoformat(record["fetched_at"]) - at < timedelta(minutes=10)
            metrics = {key: int(value) for key, value in answer["Metrics"].items()}
            type = answer.get("ActivityType", "")
            found[at, answer["JourneyId"], run, activity] = Snapshot(
                at, answer["JourneyId"], run, activity, type, metrics
            )
    return [found[key] for key in sorted(found)]


def series(snapshots: list[Snapshot]) -> dict[tuple[str, str, str], list[Snapshot]]:
    subjects = defaultdict(list)
    for each in snapshots:
        subjects[each.journey, each.run, each.activity].append(each)
    return subjects


def shrunk(before: Snapshot, after: Snapshot) -> bool:
    gauges = ("WAIT_STARTED", "ENDPOINT_ACTIVE")
    return any(after.metrics.get(key, 0) < value for key, value in before.metrics.items() if key not in gauges)


def test_all_activities_and_keys_are_reported(snapshots: list[Snapshot]) -> None:
    keys = defaultdict(set)
    for each in snapshots:
        keys[each.type or "run" if each.run else each.type or "journey"] |= set(each.metrics)
    assert keys["journey"] == {
        *("ENDPOINT_ACTIVE", "ENDPOINT_ENTERED", "ENDPOINT_LEFT", "CANCELLED"),
        *("REENTRY_CAP_EXCEEDED", "ACTIVE_ENDPOINT_REJECTED"),
    }
    assert keys["run"] >= keys["journey"] | {"ENDPOINT_PRODUCED", "FILTERED_OUT_BY_SEGMENT", "DUPLICATE_USER"}
    assert keys["WAIT"] == {"WAIT_STARTED", "WAIT_FINISHED", "WAIT_SKIPPED"}
    assert keys["CONDITIONAL_SPLIT"] == {"Branch_TRUE", "Branch_FALSE"}
    assert keys["MULTI_CONDITIONAL_SPLIT"] == {"Branch_1", "Branch_2", "Branch_3", "Branch_ELSE"}
    assert keys["RANDOM_SPLIT"] == {"Branch_1", "Branch_2", "Branch_3"}
    assert keys["HOLDOUT"] == {"HOLDOUT", "PASSED"}
    contact_center = {"CALL_QUEUED", "CONTINUE_WAITING", "DIAL_FAILURE", "DROPPED", "WAIT_FINISHED", "WAIT_STARTED"}
    assert keys["CONTACT_CENTER"] >= contact_center | {"WAIT_FOR_QUIET_HOURS"}
    for type in ("EMAIL", "MESSAGE", "SMS", "PUSH"):
        assert {"SUCCESS", "TRANSIENT_FAILURE", "SERVICE_FAILURE", "UNKNOWN"} <= keys[type]
    assert "CUSTOM_DELIVERY_FAILURE" in keys["CUSTOM"]


def test_snapshots_agree_with_events(clean_events: list[Event], snapshots: list[Snapshot]) -> None:
    """Of every message activity: what it did until then. Two statuses are not all streamed."""
    sends = defaultdict(list)
    for event in of_kind(clean_events, "_journey.send"):
        status = attribute(event, "journey_send_status")
        if status != "QUIET_TIME_WAIT_FINISHED":
            journey, activity = attribute(event, "journey_id"), attribute(event, "journey_activity_id")
            for run in ("", attribute(event, "journey_run_id")):
                sends[journey, run, activity].append((event["event_timestamp"], KEYS.get(status, status)))
    differing = []
    for each in snapshots:
        if each.type in MESSAGES:
            at = each.at.timestamp() * 1000
            counted = Counter(key for sent, key in sends[each.journey, each.run, each.activity] if sent < at)
            for key in set(KEYS.values()) | {"SUCCESS", "THROTTLED", "FAILURE_PERMANENT", "CUSTOM_DELIVERY_FAILURE"}:
                if counted[key] != each.metrics.get(key, 0):
                    differing.append(each)
            for key in ("TRANSIENT_FAILURE", "SERVICE_FAILURE"):
                assert counted[key] <= each.metrics.get(key, 0) or each in differing
    assert len({(each.at, each.activity) for each in differing}) == 1


def test_participants_are_kept_account_of(snapshots: list[Snapshot]) -> None:
    """Who entered left, was taken out, or is there; and so through each activity."""
    for each in snapshots:
        metrics = Counter(each.metrics)
        if not each.activity:
            gone = metrics["ENDPOINT_LEFT"] + metrics["CANCELLED"]
            assert metrics["ENDPOINT_ACTIVE"] == metrics["ENDPOINT_ENTERED"] - gone
        if each.run and not each.activity:
            turned_away = metrics["ENDPOINT_PRODUCED"] - metrics["ENDPOINT_ENTERED"]
            reasons = metrics.total() - metrics["ENDPOINT_PRODUCED"] - metrics["ENDPOINTS_FROM_USER"]
            assert turned_away == reasons - 2 * metrics["ENDPOINT_ENTERED"]
    last = {(each.journey, each.run, each.activity): Counter(each.metrics) for each in snapshots}
    types = {(each.journey, each.activity): each.type for each in snapshots}
    holdout = next(
        subject for subject, type in types.items() if type == "HOLDOUT" and last[subject[0], "", ""].total() > 99
    )
    journey = holdout[0]
    assert last[journey, "", holdout[1]].total() == last[journey, "", ""]["ENDPOINT_ENTERED"]


def test_counters_grow_but_once(snapshots: list[Snapshot]) -> None:
    falls = [
        (before, after)
        for each in series(snapshots).values()
        for before, after in pairwise(each)
        if shrunk(before, after)
    ]
    assert len(falls) == 1


def test_runs_add_up_to_their_journey(snapshots: list[Snapshot]) -> None:
    """What is told last: entries of all runs are the journey's."""
    last = {(each.journey, each.run): Counter(each.metrics) for each in snapshots if not each.activity}
    entered: Counter[str] = Counter()
    for (journey, run), metrics in last.items():
        if run:
            entered[journey] += metrics["ENDPOINT_ENTERED"]
    assert len(entered) == 4
    for journey, count in entered.items():
        assert count == last[journey, ""]["ENDPOINT_ENTERED"] > 0


def test_snapshots_missing_repeated_late(clean_sample: Path, snapshots: list[Snapshot]) -> None:
    texts: Counter[str] = Counter()
    late = undated = 0
    for path in files(clean_sample, "pinpoint/execution_metrics"):
        for line in gunzip(path.read_bytes()).splitlines():
            texts[line.decode()] += 1
            record = orjson.loads(line)
            folder = "-".join(path.parent.parts[-3:])
            late += folder > record["fetched_at"][:10]
            undated += "LastEvaluatedTime" not in str(record)
    assert max(texts.values()) > 1 and late > 10 and undated > 10
    fetched = Counter(text.partition(",")[2] for text in texts if "LastEvaluatedTime" in text)
    assert max(fetched.values()) > 1  # fetched again before it was evaluated again
    whole = [each for each in series(snapshots).values() if not each[0].run]
    assert sum(DAYS * 4 - len(each) for each in whole) / (len(whole) * DAYS * 4) == pytest.approx(0.025, abs=0.01)


# ---- Contacts


class Seen(NamedTuple):
    """What the events of one contact tell, whatever their spelling."""

    kinds: list[str]
    answers: set[str]
    reasons: set[str]
    campaigns: set[str]
    detail_types: set[str]
    keys: set[str]
    times: set[str]


@pytest.fixture(scope="module")
def contacts(clean_sample: Path) -> dict[str, Seen]:
    found: dict[str, Seen] = {}
    texts = dict.fromkeys(json.dumps(record) for record in read(clean_sample, "connect/contact_events"))
    for record in map(json.loads, texts):
        detail = {key.lower(): value for key, value in flat(record["detail"])}
        id = str(detail["contactid"])
        seen = found.setdefault(id, Seen([], set(), set(), set(), set(), set(), set()))
        seen.kinds.append(str(detail["eventtype"]))
        seen.detail_types.add(record["detail-type"])
        seen.keys.update(key for key, _ in flat(record["detail"]))
        seen.times.update(str(value) for key, value in detail.items() if key.endswith("timestamp"))
        for name, values in (
            ("answeringmachinedetectionstatus", seen.answers),
            ("disconnectreason", seen.reasons),
            ("campaignid", seen.campaigns),
        ):
            values.update({str(detail[name])} if name in detail else set())
    return found


def flat(fields: Event) -> Iterator[tuple[str, Any]]:
    for key, value in fields.items():
        yield from flat(value) if isinstance(value, dict) else [(key, value)]


ANSWERED = (
    "HUMAN_ANSWERED",
    "VOICEMAIL_BEEP",
    "VOICEMAIL_NO_BEEP",
    "AMD_UNANSWERED",
    "AMD_UNRESOLVED",
    "AMD_UNRESOLVED_SILENCE",
    "AMD_NOT_APPLICABLE",
    "AMD_ERROR",
    "SIT_TONE_BUSY",
    "SIT_TONE_DETECTED",
    "SIT_TONE_INVALID_NUMBER",
    "FAX_MACHINE_DETECTED",
    "ANSWERED",
    "UNDETECTED",
    "ERROR",
)


REASONS = (
    "CUSTOMER_DISCONNECT",
    "AGENT_DISCONNECT",
    "THIRD_PARTY_DISCONNECT",
    "TELECOM_PROBLEM",
    "BARGED",
    "CONTACT_FLOW_DISCONNECT",
    "OTHER",
    "OUTBOUND_DESTINATION_ENDPOINT_ERROR",
    "OUTBOUND_RESOURCE_ERROR",
    "OUTBOUND_ATTEMPT_FAILED",
    "EXPIRED",
    "OUTBUND_PREVIEW_DISCARDED",
    "DISCARDED",
    "IDLE_DISCONNECT",
    "CUSTOMER_CONNECTION_NOT_ESTABLISHED",
    "AGENT_COMPLETED",
)


CONTACT_KINDS = (
    "INITIATED",
    "CONNECTED_TO_SYSTEM",
    "QUEUED",
    "CONNECTED_TO_AGENT",
    "CONTACT_DATA_UPDATED",
    "DISCONNECTED",
    "COMPLETED",
    "PAUSED",
    "RESUMED",
    "AMD_DISABLED",
    "WEBRTC_API",
)


def test_all_of_contacts_occurs(contacts: dict[str, Seen]) -> None:
    everything = list(contacts.values())
    assert {kind for each in everything for kind in each.kinds} == set(CONTACT_KINDS)
    assert {answer for each in everything for answer in each.answers} == set(ANSWERED)
    assert {reason for each in everything for reason in each.reasons} == set(REASONS)
    assert {name for each in everything for name in each.detail_types} == {
        "Amazon Connect Contact Event",
        "Connect Customer Contact Event",
    }
    keys = {key for each in everything for key in each.keys}
    assert {"contactId", "ContactId", "campaignId", "CampaignId", "agentArn", "AgentArn", "disconnectReason"} <= keys
    assert any("1970-01-01T00:00:00.001Z" in each.times for each in everything)
    assert any(not each.times for each in everything)


def test_contacts_and_their_campaigns(
    contacts: dict[str, Seen], clean_events: list[Event], definitions: dict[str, list[Event]]
) -> None:
    """Most are of a journey's campaign, some of another, some of none; never of two."""
    arn = definitions["Win-back calls"][0]["JourneyChannelSettings"]["ConnectCampaignArn"]
    numbers = Counter("".join(each.campaigns) for each in contacts.values())
    assert all(len(each.campaigns) <= 1 and len(each.answers) <= 1 for each in contacts.values())
    assert len(numbers) == 3 and min(numbers.values()) > 5
    calls = [
        event
        for event in of_kind(clean_events, "_journey.send")
        if attribute(event, "journey_activity_type") == "CONTACT_CENTER"
        and attribute(event, "journey_send_status") == "SUCCESS"
    ]
    # A few are not dialled, others twice.
    assert numbers[arn.rpartition("/")[2]] == pytest.approx(len(calls), rel=0.06)


def test_contact_events_are_unordered(clean_sample: Path, contacts: dict[str, Seen]) -> None:
    times = defaultdict(list)
    for record in read(clean_sample, "connect/contact_events"):
        times[record["resources"][1]].append(record["time"])
    assert sum(each != sorted(each) for each in times.values()) > len(times) / 4
    assert any(len(each.kinds) > 5 for each in contacts.values())
    assert all(len(each.kinds) == len(set(each.kinds)) for each in contacts.values())


def test_odd_files_of_contacts_and_answers(sample: Path) -> None:
    names = {stream: {path.name for path in files(sample, stream)} for stream in STREAMS}
    for name in ("no-time", "no-detail", "unknown-detail-type", "truncated-line"):
        assert f"whole-{name}.ndjson.gz" in names["connect/contact_events"]
    assert {"mixed-separators.gz", "firehose-object", "array.json"} <= names["connect/contact_events"]
    assert "no-fetched-at.ndjson.gz" in names["pinpoint/execution_metrics"]
    assert "firehose-object" in names["pinpoint/execution_metrics"]
