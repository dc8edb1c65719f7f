"""What the sample of SES holds: every kind of event by every way, with the oddities of the real ones."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest

from tests.orchestration.test_sample import DAYS, END, EVENTS, gunzip, read_values, write_sample

Event = dict[str, Any]

START = END - timedelta(days=DAYS - 1)
# The object that holds what is an event's own, by kind.
OWN = {
    "Send": "send",
    "Reject": "reject",
    "Bounce": "bounce",
    "Complaint": "complaint",
    "Delivery": "delivery",
    "Open": "open",
    "Click": "click",
    "Rendering Failure": "failure",
    "RenderingFailure": "failure",
    "RENDERING_FAILURE": "failure",
    "renderingFailure": "failure",
    "DeliveryDelay": "deliveryDelay",
    "Subscription": "subscription",
}


class Landed(NamedTuple):
    """An event as it lies in a file: in which envelope, and in the folder of which time."""

    event: Event
    envelope: str
    folder: datetime

    @property
    def kind(self) -> str:
        return str(self.event.get("eventType") or self.event.get("notificationType"))

    @property
    def own(self) -> Event:
        own: Event = self.event.get(OWN.get(self.kind, ""), {})
        return own

    @property
    def at(self) -> datetime | None:
        """The event's time, if it is one of the sample's days."""
        return moment(self.own.get("timestamp", self.event["mail"].get("timestamp")))


def moment(text: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(text).replace(" +", "+")).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at if START - timedelta(days=61) <= at < END + timedelta(days=1) else None


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("ses"), "--systems", "ses", "--jobs", "1")


@pytest.fixture(scope="module")
def clean_sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("clean"), "--systems", "ses", "--clean", "--jobs", "1")


@pytest.fixture(scope="module")
def records(sample: Path) -> list[tuple[Event, datetime]]:
    return list(read_records(sample))


@pytest.fixture(scope="module")
def landed(records: list[tuple[Event, datetime]]) -> list[Landed]:
    return [each for record, folder in records for each in unwrap(record, folder)]


@pytest.fixture(scope="module")
def clean_landed(clean_sample: Path) -> list[Landed]:
    return [each for record, folder in read_records(clean_sample) for each in unwrap(record, folder)]


def files(inbox: Path) -> list[Path]:
    return sorted(path for path in (inbox / "ses" / "events").rglob("*") if path.is_file())


def read_records(inbox: Path) -> Iterator[tuple[Event, datetime]]:
    for path in files(inbox):
        parts = path.parent.relative_to(inbox / "ses" / "events").parts
        folder = datetime(*map(int, parts), tzinfo=UTC)
        for value in read_values(path.read_bytes()):
            if isinstance(value, dict):
                yield value, folder


def unwrap(record: Event, folder: datetime) -> Iterator[Landed]:
    """A record's event, unless it is of inbound mail, of the account or of a topic."""
    envelope, event = "bare", record
    if "Type" in record:
        envelope = "SNS with newline" if record["Message"].endswith("\n") else "SNS"
        try:
            event = json.loads(record["Message"])
        except json.JSONDecodeError:
            return
    elif "detail" in record:
        envelope, event = "EventBridge", record["detail"]
    if "mail" in event and event.get("notificationType") != "Received":
        yield Landed(event, envelope, folder)


# ---- What occurs

SUBTYPES = {
    "Undetermined": ["Undetermined"],
    "Permanent": [
        "General",
        "NoEmail",
        "Suppressed",
        "OnAccountSuppressionList",
        "EmailValidationSuppressed",
        "OnTenantSuppressionList",
    ],
    "Transient": [
        "General",
        "MailboxFull",
        "MessageTooLarge",
        "ContentRejected",
        "AttachmentRejected",
        "CustomTimeoutExceeded",
    ],
}
DELAYS = [
    "InternalFailure",
    "General",
    "MailboxFull",
    "SpamDetected",
    "RecipientServerError",
    "IPFailure",
    "TransientCommunicationFailure",
    "BYOIPHostNameLookupUnavailable",
    "Undetermined",
    "SendingDeferral",
]
TAGS = [
    "ses:configuration-set",
    "ses:from-domain",
    "ses:caller-identity",
    "ses:source-ip",
    "ses:source-tls-version",
    "ses:operation",
    "ses:outgoing-ip",
    "ses:outgoing-tls-version",
    "ses:feedback-id-a",
    "campaign",
    "variant",
    "team",
]
EXPECTED = {
    *(f"eventType={kind}" for kind in OWN),
    *(f"notificationType={kind}" for kind in ("Bounce", "Complaint", "Delivery")),
    *(f"envelope={envelope}" for envelope in ("bare", "SNS", "SNS with newline", "EventBridge")),
    *(f"bounce={type}/{subtype}" for type, subtypes in SUBTYPES.items() for subtype in subtypes),
    *(f"delay={delay}" for delay in DELAYS),
    *(
        f"complaint={kind}"
        for kind in ("abuse", "auth-failure", "fraud", "not-spam", "other", "virus", "absent", "None")
    ),
    *(f"complaintSubType={kind}" for kind in ("None", "absent", "OnAccountSuppressionList")),
    *(f"feedbackId={kind}" for kind in ("id", "absent", "None", "<feedbackId>")),
    *(f"time={form}" for form in ("Z", "-07:00", " +0000")),
    *(f"recipients={number}" for number in (1, 2, 3, 4, 5, 6)),
    *(f"tag {name}" for name in TAGS),
    *(f"campaigns={number}" for number in (0, 1, 2)),
    *(f"configuration set={name}" for name in ("news", "shop", "alerts")),
    *(f"tags={kind}" for kind in ("absent", "empty")),
    *(f"tier={tier}" for tier in ("gold", "silver", "free", "absent")),
    *(f"placement={kind}" for kind in ("hero", "footer", "body", "2 values", "null", "absent", "other tag")),
    "headersTruncated",
    "simulator",
    "bounce without report",
    "diagnostic of several lines",
    "bounce before its mail",
    "rejected, to the sender",
    "no subject",
    "text beyond ASCII",
    "outgoing-ip on Delivery only",
}


def facts(each: Landed) -> Iterator[str]:
    """What is to be seen in one event."""
    event, own, mail = each.event, each.own, each.event["mail"]
    yield f"eventType={event.get('eventType')}"
    yield f"notificationType={event.get('notificationType')}"
    yield f"envelope={each.envelope}"
    yield f"recipients={len(mail['destination'])}"
    if mail["destination"][0].endswith("@simulator.amazonses.com"):
        yield "simulator"
    time = str(mail.get("timestamp"))
    yield f"time={next((form for form in ('Z', '-07:00', ' +0000') if time.endswith(form)), None)}"
    if each.kind == "Bounce":
        yield from bounce_facts(each)
    if each.kind == "Complaint":
        yield f"complaint={own.get('complaintFeedbackType', 'absent')}"
        yield f"complaintSubType={own.get('complaintSubType', 'absent')}"
    if each.kind in ("Bounce", "Complaint"):
        id = own.get("feedbackId", "absent")
        yield f"feedbackId={'id' if id and id.startswith('0107') else id}"
    if each.kind == "DeliveryDelay":
        yield f"delay={own['delayType']}"
    if each.kind == "Reject" and mail["source"].endswith(mail["destination"][0]):
        yield "rejected, to the sender"
    if each.kind == "Click":
        yield from link_facts(own)
    if "eventType" in event:
        yield from tag_facts(each)
    if mail.get("headersTruncated"):
        yield "headersTruncated"
    if "headers" in mail:
        headers = {header["name"]: header["value"] for header in mail["headers"]}
        yield f"tier={headers.get('X-Customer-Tier', 'absent')}"
        if "subject" not in mail["commonHeaders"]:
            yield "no subject"
    if not str(event).isascii():
        yield "text beyond ASCII"


def bounce_facts(each: Landed) -> Iterator[str]:
    own = each.own
    yield f"bounce={own['bounceType']}/{own['bounceSubType']}"
    diagnostic = own["bouncedRecipients"][0].get("diagnosticCode")
    if diagnostic is None:
        yield "bounce without report"
    elif "\n" in diagnostic:
        yield "diagnostic of several lines"
    sent = moment(each.event["mail"].get("timestamp"))
    if each.at and sent and each.at < sent:
        yield "bounce before its mail"


def link_facts(click: Event) -> Iterator[str]:
    if "linkTags" not in click:
        yield "placement=absent"
    elif click["linkTags"] is None:
        yield "placement=null"
    else:
        placements = click["linkTags"].get("placement", ["other tag"])
        yield f"placement={placements[0] if len(placements) == 1 else f'{len(placements)} values'}"


def tag_facts(each: Landed) -> Iterator[str]:
    tags = each.event["mail"].get("tags")
    if not tags:
        yield f"tags={'absent' if tags is None else 'empty'}"
        return
    yield from (f"tag {name}" for name in tags)
    yield from (f"configuration set={name}" for name in tags.get("ses:configuration-set", []))
    yield f"campaigns={len(tags.get('campaign', []))}"
    if "ses:outgoing-ip" in tags:
        yield "outgoing-ip on Delivery only" if each.kind == "Delivery" else "outgoing-ip elsewhere"


@pytest.mark.parametrize("inbox", ["landed", "clean_landed"])
def test_everything_occurs(inbox: str, request: pytest.FixtureRequest) -> None:
    seen = {fact for each in request.getfixturevalue(inbox) for fact in facts(each)}
    assert sorted(EXPECTED - seen) == []
    assert "outgoing-ip elsewhere" not in seen


def test_records_of_no_sent_message(records: list[tuple[Event, datetime]]) -> None:
    seen = set()
    for record, _ in records:
        seen.add(record.get("detail-type"))
        seen.add(record.get("notificationType"))
        if record.get("Type") != "Notification":
            seen.add(record.get("Type"))
        elif '"Received"' in record["Message"]:
            seen.add("Received in SNS")
        elif record["Message"].startswith("Successfully validated SNS topic"):
            seen.add("topic validated")
    assert seen >= {
        "Received",
        "Received in SNS",
        "topic validated",
        "SubscriptionConfirmation",
        "UnsubscribeConfirmation",
        "Advisor Recommendation Status Open",
        "Advisor Recommendation Status Resolved",
        "Sending Status Enabled",
        "Sending Status Disabled",
    }


def test_number_of_records(sample: Path, clean_sample: Path) -> None:
    assert sum(1 for _ in read_records(sample)) == pytest.approx(EVENTS, rel=0.03)
    assert sum(1 for _ in read_records(clean_sample)) == pytest.approx(EVENTS, rel=0.001)


def test_clean_is_one_record_a_line_in_gzip_files(clean_sample: Path) -> None:
    kinds = set()
    for path in files(clean_sample):
        assert path.name.endswith(".ndjson.gz") and len(path.relative_to(clean_sample).parts) == 7
        for line in gunzip(path.read_bytes()).splitlines():
            assert isinstance(orjson.loads(line), dict)
        kinds.add(path.name.split("-")[0])
    assert kinds == {"firehose", "sns", "eventbridge"}


def test_lives_are_plausible(clean_landed: list[Landed]) -> None:
    """Nearly all mail arrives, a third of it is opened, and nothing happens to a message before it is sent."""
    kinds = Counter(each.kind for each in clean_landed if "eventType" in each.event)
    assert kinds["Delivery"] / kinds["Send"] == pytest.approx(0.92, abs=0.05)
    assert kinds["Click"] < kinds["Open"] < 0.7 * kinds["Delivery"]
    assert kinds["Bounce"] / kinds["Send"] < 0.12
    for each in clean_landed:
        sent = moment(each.event["mail"]["timestamp"])
        assert each.at and sent and each.at >= sent - timedelta(seconds=1)
        assert START <= each.at < END + timedelta(days=1)


def test_opens_up_to_sixty_days_late(landed: list[Landed]) -> None:
    gaps = []
    for each in landed:
        sent = moment(each.event["mail"].get("timestamp"))
        if each.kind == "Open" and each.at and sent:
            gaps.append(each.at - sent)
    assert timedelta(days=59, hours=23) < max(gaps) <= timedelta(days=60)
    assert sum(gap > timedelta(days=20) for gap in gaps) > 20


def test_opens_and_their_send(clean_landed: list[Landed]) -> None:
    """Weeks later, of a send that was extracted, and of one that was not."""
    sends = {each.event["mail"]["messageId"] for each in clean_landed if each.kind == "Send"}
    late: Counter[bool] = Counter()
    for each in clean_landed:
        sent = moment(each.event["mail"]["timestamp"])
        if each.kind == "Open" and each.at and sent and each.at - sent > timedelta(days=20):
            late[each.event["mail"]["messageId"] in sends] += 1
    assert late[True] > 5 and late[False] > 5


def test_notifications_repeat_events(clean_landed: list[Landed]) -> None:
    """The same feedback id by both ways; and where there is no configuration set, notifications alone."""
    ways: dict[str, set[str]] = defaultdict(set)
    for each in clean_landed:
        if each.kind in ("Bounce", "Complaint") and str(each.own.get("feedbackId")).startswith("0107"):
            ways[each.own["feedbackId"]].add("event" if "eventType" in each.event else "notification")
        if "notificationType" in each.event:
            assert "tags" not in each.event["mail"] and "sourceIp" in each.event["mail"]
    assert set(map(frozenset, ways.values())) == {
        frozenset({"event"}),
        frozenset({"notification"}),
        frozenset({"event", "notification"}),
    }


def test_deliveries_and_bounces_of_one_message(clean_landed: list[Landed]) -> None:
    kinds, recipients = defaultdict(set), defaultdict(list)
    for each in clean_landed:
        kinds[each.event["mail"]["messageId"]].add(each.kind)
        if each.kind == "Delivery" and "eventType" in each.event and each.envelope == "bare":
            recipients[each.event["mail"]["messageId"]].append(len(each.own["recipients"]))
    assert any({"Delivery", "Bounce"} <= each for each in kinds.values())
    assert any({"Send", "Reject"} <= each for each in kinds.values())
    assert any({"Send", "RenderingFailure"} <= each for each in kinds.values())
    assert any("RenderingFailure" in each and "Send" not in each for each in kinds.values())
    assert any(len(numbers) > 1 for numbers in recipients.values())
    assert any(numbers[0] > 1 for numbers in recipients.values())


def test_copies_late_and_out_of_order(clean_sample: Path, clean_landed: list[Landed]) -> None:
    envelopes, copies = defaultdict(set), Counter[str]()
    late, after = Counter[bool](), timedelta(hours=12)
    for each in clean_landed:
        text = json.dumps(each.event)
        envelopes[text].add(each.envelope.split()[0])
        copies[f"{each.envelope}{text}"] += 1
        assert each.at and each.folder <= END + after
        late[each.folder > each.at] += 1
    assert {"bare", "SNS", "EventBridge"} in envelopes.values()
    assert max(copies.values()) > 1
    assert 0.005 < late[True] / late.total() < 0.1
    path = next(path for path in files(clean_sample) if path.name == "firehose-00.ndjson.gz")
    times = [each.at for record in read_values(path.read_bytes()) for each in unwrap(record, END)]
    assert times != sorted(times, key=lambda at: at or END)


def test_odd_and_damaged_files(sample: Path) -> None:
    contents = {path.name: path.read_bytes() for path in files(sample)}
    assert b'}{"' in gunzip(contents["firehose-object"]) and b"\n" not in gunzip(contents["firehose-object"])
    for name in [
        "truncated-line.ndjson.gz",
        "truncated-gzip.ndjson.gz",
        "invalid-utf8.ndjson.gz",
        "no-timestamp.ndjson.gz",
        "absurd-timestamps.ndjson.gz",
        "unknown-kinds.ndjson.gz",
        "failed-delivery.ndjson.gz",
        "message-not-json.ndjson.gz",
        "whole-copied (1).ndjson.gz",
        "overlapping.ndjson.gz",
    ]:
        assert name in contents
    untimed = [value for value in read_values(contents["no-timestamp.ndjson.gz"]) if "eventType" in value]
    assert sum("timestamp" not in event["mail"] for event in untimed) == 1
