"""The sample is the same every time, of the size asked for, and holds all that its readers have to cope with."""

import hashlib
import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest

from touchstone.sample.__main__ import main

END = datetime(2026, 5, 31, tzinfo=UTC)
DAYS = 35
EVENTS = 20_000

Event = dict[str, Any]


class Landed(NamedTuple):
    """An event as it lies in a file: which shape, and in the folder of which day."""

    event: Event
    shape: str
    folder: str

    @property
    def at(self) -> datetime | None:
        """The event's time, if it is one of the sample's days."""
        try:
            if "@timestamp" in self.event:
                at = datetime.fromisoformat(self.event["@timestamp"])
            else:
                # In whole milliseconds, so that shapes agree.
                milliseconds = int(float(self.event["timestamp"]) * 1000 + 1e-3)
                at = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)
        except (KeyError, ValueError, TypeError, OverflowError):
            return None
        return at if timedelta(0) <= END + timedelta(days=1) - at <= timedelta(days=DAYS) else None


def write_sample(inbox: Path, *arguments: str) -> Path:
    assert main([str(inbox), "--end", f"{END:%Y-%m-%d}", *arguments]) == 0
    return inbox


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("sample"), "--jobs", "1")


@pytest.fixture(scope="module")
def clean_sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("clean"), "--clean", "--jobs", "1")


@pytest.fixture(scope="module")
def landed(sample: Path) -> list[Landed]:
    return list(read_inbox(sample))


def event_files(inbox: Path) -> list[Path]:
    return sorted(path for path in (inbox / "mailgun" / "events").rglob("*") if path.is_file())


def digests(inbox: Path) -> dict[str, str]:
    """Of what is in each file, as the compressor writes other bytes now and then; but for those that are cut off."""
    whole = (path for path in inbox.rglob("*") if path.is_file() and not path.name.startswith("truncated-gzip"))
    return {str(path.relative_to(inbox)): hashlib.sha256(gunzip(path.read_bytes())).hexdigest() for path in whole}


def read_inbox(inbox: Path) -> Iterator[Landed]:
    """Every event that can be read, whatever is around it."""
    for path in event_files(inbox):
        folder = "-".join(path.parent.parts[-3:])
        for value in read_values(path.read_bytes()):
            if isinstance(value, dict):
                yield from (Landed(event, shape, folder) for event, shape in unwrap(value))


def read_values(data: bytes) -> Iterator[Any]:
    """JSON values one after the other; after damage, from the next line on."""
    text = gunzip(data).decode("utf-8-sig", errors="replace")
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        try:
            value, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError:
            at = text.find("\n", at) + 1 or len(text)
        else:
            yield from value if isinstance(value, list) else [value]


def gunzip(data: bytes) -> bytes:
    """All streams of a gzip file, the last of them perhaps cut off."""
    text = b"" if data[:2] == b"\x1f\x8b" else data
    while data[:2] == b"\x1f\x8b":
        stream = zlib.decompressobj(wbits=31)
        text += stream.decompress(data)
        data = stream.unused_data
    return text


def unwrap(record: Event) -> list[tuple[Event, str]]:
    if "event-data" in record:
        return [(record["event-data"], "webhook")]
    if "paging" in record:
        return [(item, "events page") for item in record["items"]]
    if "items" in record:
        return [(item, "logs page") for item in record["items"]]
    return [(record, "logs" if "@timestamp" in record else "events")]


# ---- The same every time, of the size asked for


def test_same_arguments_give_the_same_bytes(sample: Path, tmp_path: Path) -> None:
    write_sample(tmp_path, "--jobs", "2")
    assert digests(tmp_path) == digests(sample)


def test_jobs_do_not_matter_where_events_are_shared_out(tmp_path: Path) -> None:
    arguments = ["--clean", "--events", "100000", "--days", "4"]
    one = write_sample(tmp_path / "one", *arguments, "--jobs", "1")
    two = write_sample(tmp_path / "two", *arguments, "--jobs", "2")
    assert len(event_files(one)) == 4 * 3 * 4  # streams, shapes, days
    assert digests(one) == digests(two)


def test_another_seed_gives_another_sample(sample: Path, tmp_path: Path) -> None:
    write_sample(tmp_path, "--jobs", "1", "--seed", "8")
    assert not set(digests(tmp_path).values()) & set(digests(sample).values()) - empty_files(sample)


def empty_files(inbox: Path) -> set[str]:
    return {digest for name, digest in digests(inbox).items() if Path(name).name.startswith("empty")}


def test_number_of_records(sample: Path, landed: list[Landed], clean_sample: Path) -> None:
    assert len(landed) == pytest.approx(EVENTS, rel=0.03)
    assert sum(1 for _ in read_inbox(clean_sample)) == pytest.approx(EVENTS, rel=0.001)


@pytest.mark.parametrize("events, days", [(1, 1), (30, 10), (700, 3)])
def test_small_samples(tmp_path: Path, events: int, days: int) -> None:
    write_sample(tmp_path, "--events", str(events), "--days", str(days), "--jobs", "1")
    assert len(list(read_inbox(tmp_path))) >= events // 2


def test_one_system_alone_is_the_same(sample: Path, tmp_path: Path) -> None:
    write_sample(tmp_path, "--jobs", "1", "--systems", "ses,mailgun")
    assert {path.name for path in tmp_path.iterdir()} == {"mailgun", "ses"}
    assert digests(tmp_path).items() < digests(sample).items()


def test_unknown_systems_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        write_sample(tmp_path, "--systems", "mailgun,telegraph")
    assert "no such system: telegraph; there are mailgun, ses, cloudwatch, pinpoint, alexa" in capsys.readouterr().err


def test_clean_is_one_record_a_line_in_gzip_files(clean_sample: Path) -> None:
    kinds: Counter[str] = Counter()
    for path in event_files(clean_sample):
        data = path.read_bytes()
        assert path.name.endswith(".ndjson.gz") and data[:2] == b"\x1f\x8b"
        for line in gunzip(data).splitlines():
            record = orjson.loads(line)
            assert isinstance(record, dict) and "items" not in record
            kinds[path.name.split("-")[0]] += 1
    assert set(kinds) == {"events", "webhooks", "logs"}


def test_days_and_nights(landed: list[Landed]) -> None:
    times = [each.at for each in landed if each.at]
    days, hours = Counter(at.date() for at in times), Counter(at.hour for at in times)
    assert len(days) == DAYS
    assert min(hours.values()) * 3 < max(hours.values())
    weekend = sum(count for day, count in days.items() if day.weekday() >= 5) / 10
    assert weekend < 0.8 * sum(count for day, count in days.items() if day.weekday() < 5) / 25


# ---- What occurs

KINDS = [
    "accepted",
    "rejected",
    "delivered",
    "failed",
    "opened",
    "clicked",
    "unsubscribed",
    "complained",
    "stored",
    "email_validation",
    "list_member_uploaded",
    "list_member_upload_error",
    "list_uploaded",
    "trapped",
    "dropped",
    "bounced",
    "unique_opened",
    "unique_clicked",
    "OPENED",
    "CLICKED",
]
REASONS = [
    "generic",
    "bounce",
    "espblock",
    "greylisted",
    "blacklisted",
    "suppress-bounce",
    "suppress-complaint",
    "suppress-unsubscribe",
    "old",
    "hardfail",
    "unknown",
    "absent",
    "BOUNCE",
]
FLAGS = [
    "is-authenticated",
    "is-routed",
    "is-system-test",
    "is-test-mode",
    "is-delayed-bounce",
    "is-callback",
    "is-webhook",
    "is-big",
    "is-amp",
    "is-encrypted",
]
CODES = (498, 499, 602, 605, 606, 607, 625, 650, 680, 250, 200, "5.1.1")
EXPECTED = {
    *(f"event={kind}" for kind in KINDS),
    *(f"severity={severity}" for severity in ["permanent", "temporary", "internal", "unknown", "absent", "PERMANENT"]),
    *(f"reason={reason}" for reason in REASONS),
    *(f"flag {flag}=True" for flag in FLAGS),
    "flag is-authenticated=False",
    "flag is-authenticated=absent",
    "flag is-routed=None",
    *(f"code={code}" for code in CODES),
    *(f"attempt={attempt}" for attempt in (1, 2, 3, 4, 5, 8, 0, "absent")),
    *(f"transport={transport}" for transport in ("smtp", "http", "SMTP", "", "absent")),
    *(f"method={method}" for method in ("smtp", "http", "HTTP")),
    *(f"bounce-type={kind}" for kind in ("hard", "soft")),
    *(f"bot={bot}" for bot in ("apple", "gmail", "generic", "APPLE", "None", "", "absent")),
    *(f"device={device}" for device in ["desktop", "mobile", "tablet", "other", "unknown"]),
    *(f"country={country}" for country in ["US", "GB", "DE", "FR", "BR", "IN", "JP", "Unknown", "absent"]),
    *(f"optimizer={optimizer}" for optimizer in ("sto", "", "absent")),
    *(f"pool={pool}" for pool in ("bulk", "warm-up", "shared", "transactional", "absent")),
    *(f"shape={shape}" for shape in ("events", "webhook", "logs", "events page", "logs page")),
    *(f"time={kind}" for kind in ("float", "int", "str", "seventh decimal")),
    *(f"variables={kind}" for kind in ("dict", "list", "str")),
    *(f"{field}={kind}" for field, kind in (("routes", "dict"), ("routes", "list"), ("storage", "list"))),
    *(f"storage url={kind}" for kind in ("str", "list")),
    *(f"delivered-at={kind}" for kind in ("int", "str")),
    *(f"domain={kind}" for kind in ("object", "name", "absent")),
    *(f"account={kind}" for kind in ("plain", "subaccount", "absent")),
    *(f"tags={kind}" for kind in ("none", "one", "several", "repeated", "absent", "scope")),
    "delivery-status=null",
    "envelope={}",
    "delayed bounce: flag only",
    "no id",
    "message-id in <>",
    "recipient in other case",
    "no recipient",
    "recipient-domain absent",
    "link absent",
    "field of no schema",
    "text beyond ASCII",
}


def facts(landed: Landed) -> Iterator[str]:
    """What is to be seen in one event."""
    event = landed.event
    flags, envelope = event.get("flags", {}), event.get("envelope", {})
    status = event.get("delivery-status") or {}
    client = event.get("client-info", {})
    kind = str(event["event"]).lower()
    yield f"shape={landed.shape}"
    yield f"event={event['event']}"
    yield f"method={event.get('method')}"
    yield f"optimizer={event.get('i-delivery-optimizer', 'absent')}"
    yield f"pool={envelope.get('i-ip-pool-name', 'absent')}"
    yield f"code={status.get('code')}"
    yield f"bounce-type={status.get('bounce-type')}"
    yield f"flag is-authenticated={flags.get('is-authenticated', 'absent')}"
    yield from (f"flag {name}={value}" for name, value in flags.items())
    yield f"routes={type(event.get('routes')).__name__}"
    yield f"storage={type(event.get('storage')).__name__}"
    if isinstance(event.get("storage"), dict):
        yield f"storage url={type(event['storage']['url']).__name__}"
    yield f"variables={type(event.get('user-variables')).__name__}"
    yield f"delivered-at={type(event.get('delivered-at')).__name__}"
    if landed.at:
        yield f"time={type(event.get('timestamp')).__name__}"
    if len(str(event.get("timestamp")).partition(".")[2]) == 7:
        yield "time=seventh decimal"
    yield from owner_facts(event)
    yield from tag_facts(event)
    if kind == "failed":
        yield f"severity={event.get('severity', 'absent')}"
        yield f"reason={event.get('reason', 'absent')}"
    if kind == "delivered":
        yield f"attempt={status.get('attempt-no', 'absent')}"
        yield f"transport={envelope.get('transport', 'absent')}"
    if kind == "failed" and "attempt-no" in status:
        yield f"attempt={status['attempt-no']}"
    if kind == "opened":
        yield f"bot={client.get('bot', 'absent')}"
        yield f"device={client.get('device-type')}"
        yield f"country={event.get('geolocation', {}).get('country', 'absent')}"
    if event.get("delivery-status", "") is None:
        yield "delivery-status=null"
    if "envelope" in event and not envelope:
        yield "envelope={}"
    if flags == {"is-delayed-bounce": True}:
        yield "delayed bounce: flag only"
    if "id" not in event:
        yield "no id"
    if message_id(event) != message_id(event).strip("<>"):
        yield "message-id in <>"
    recipient = event.get("recipient", "")
    if recipient != recipient.lower():
        yield "recipient in other case"
    if kind in ("rejected", "stored") and not recipient:
        yield "no recipient"
    if recipient and "recipient-domain" not in event:
        yield "recipient-domain absent"
    if kind == "clicked" and "url" not in event:
        yield "link absent"
    if "x-campaign-cohort" in event:
        yield "field of no schema"
    if not str(event).isascii():
        yield "text beyond ASCII"


def owner_facts(event: Event) -> Iterator[str]:
    domain, account = event.get("domain"), event.get("account")
    yield f"domain={'absent' if domain is None else 'name' if isinstance(domain, str) else 'object'}"
    yield f"account={'absent' if account is None else 'subaccount' if 'parent-id' in account else 'plain'}"


def tag_facts(event: Event) -> Iterator[str]:
    tags = event.get("tags")
    if tags is None:
        yield "tags=absent"
    elif tags == ["*"]:
        yield "tags=scope"
    else:
        yield f"tags={('none', 'one', 'several')[min(len(tags), 2)]}"
        if len(set(tags)) < len(tags):
            yield "tags=repeated"


def message_id(event: Event) -> str:
    headers: dict[str, str] = event.get("message", {}).get("headers", {})
    return headers.get("message-id", "")


def test_everything_occurs(landed: list[Landed]) -> None:
    seen = {fact for each in landed for fact in facts(each)}
    assert sorted(EXPECTED - seen) == []


def test_everything_of_events_occurs_in_clean_too(clean_sample: Path) -> None:
    seen = {fact for each in read_inbox(clean_sample) for fact in facts(each)}
    assert sorted(EXPECTED - seen) == ["shape=events page", "shape=logs page"]


def test_client_types(landed: list[Landed]) -> None:
    types = {each.event.get("client-info", {}).get("client-type") for each in landed}
    assert types >= {"library", "robot", "feed reader", "other", "unknown", "browser", "mobile browser", "email client"}


def test_opens_around_seven_days(landed: list[Landed]) -> None:
    opens: dict[tuple[str, ...], set[datetime]] = defaultdict(set)
    for each in landed:
        if each.event["event"] in ("opened", "OPENED") and each.at:
            bot = (each.event["client-info"].get("bot") or "none").lower()
            key = (message_id(each.event).strip("<>"), each.event["recipient"].lower(), bot)
            opens[key].add(each.at)
    gaps = [later - earlier for times in opens.values() for earlier, later in pairwise(sorted(times))]
    week = timedelta(days=7)
    assert week in gaps
    assert any(week - timedelta(minutes=20) < gap < week for gap in gaps)
    assert any(week < gap < week + timedelta(days=1) for gap in gaps)
    assert any(gap < timedelta(hours=1) for gap in gaps)
    # Someone who opens every day for two weeks has two or three unique opens, by the rule one takes.
    assert any(len(times) >= 15 and max(times) - min(times) > 2 * week for times in opens.values())
    mails = defaultdict(set)
    for mail, recipient, bot in opens:
        mails[mail, recipient].add(bot)
    assert any({"none", "apple"} <= bots for bots in mails.values())


def test_late_and_out_of_order(sample: Path, landed: list[Landed]) -> None:
    late = Counter(each.folder > f"{each.at:%Y-%m-%d}" for each in landed if each.at)
    assert 0.01 < late[True] / late.total() < 0.1
    path = next(path for path in event_files(sample) if path.name == "events-00.ndjson.gz")
    times = [float(event["timestamp"]) for event in read_values(path.read_bytes())]
    assert times != sorted(times)


def test_ids_and_copies(landed: list[Landed]) -> None:
    shapes, kinds, days = defaultdict(set), defaultdict(set), defaultdict(set)
    copies: Counter[tuple[str, ...]] = Counter()
    for each in landed:
        id, event = each.event.get("id"), each.event["event"]
        if id and each.at and isinstance(event, str):
            shapes[id, event].add(each.shape.split()[0])
            copies[id, event, each.shape, json.dumps(each.event)] += 1
            kinds[id].add((event, each.at))
            days[id, event].add(each.at.date())
    assert Counter(map(len, shapes.values())).keys() == {1, 2, 3}
    assert max(copies.values()) > 1
    assert any({"opened", "clicked", "unsubscribed"} <= {event for event, _ in events} for events in kinds.values())
    assert any(len(dates) > 1 for dates in days.values())


def test_shapes_of_an_event_agree(landed: list[Landed]) -> None:
    """The same time to the millisecond, and the same domain, or the copies would count as two."""
    times, domains = defaultdict(set), defaultdict(set)
    for each in landed:
        if each.at and each.event.get("id"):
            key = (each.event["id"], str(each.event["event"]).lower(), each.at.date())
            times[key].add(each.at)
            domains[key].add(domain_of(each.event))
    assert all(len(values) == 1 for values in times.values())
    assert all(len(values) == 1 for values in domains.values())


def test_odd_and_damaged_files(sample: Path) -> None:
    names = {path.name for path in event_files(sample)}
    for part in [
        "plain",
        "pretty-printed",
        "concatenated",
        "array",
        "gzip-without-suffix",
        "blank-lines",
        "crlf",
        "bom",
        "two-members",
        "pages",
        "truncated-line",
        "truncated-end",
        "truncated-gzip",
        "garbage",
        "invalid-utf8",
        "nul-byte",
        "not-objects",
        "no-timestamp",
        "absurd-timestamps",
        "unknown-kinds",
        "empty",
        "overlapping",
    ]:
        assert any(name.startswith(part) for name in names), part
    assert "whole-copied (1).ndjson.gz" in names


def test_damage_is_damage(sample: Path) -> None:
    """Each damaged file has something that a strict reader refuses, or a value that is no event."""
    files = {path.name: path.read_bytes() for path in event_files(sample)}
    stream = zlib.decompressobj(wbits=31)
    stream.decompress(files["truncated-gzip.ndjson.gz"])
    assert not stream.eof
    for name in ("truncated-line", "garbage", "nul-byte", "invalid-utf8"):
        refused = 0
        for line in gunzip(files[f"{name}.ndjson.gz"]).splitlines():
            try:
                orjson.loads(line)
            except orjson.JSONDecodeError:
                refused += 1
        assert refused >= 1, name
    values = list(read_values(files["not-objects.ndjson.gz"]))
    assert 42 in values and "text" in values and None in values
    records = read_values(files["no-timestamp.ndjson.gz"])
    events = [event for record in records for event, _ in unwrap(record)]
    assert sum("timestamp" not in event and "@timestamp" not in event for event in events) == 1
    assert files["empty.ndjson"] == b""


# ---- The vendor's numbers


def domain_of(event: Event) -> str | None:
    domain = event.get("domain")
    return domain["name"] if isinstance(domain, dict) else domain


def metrics_of(event: Event) -> Iterator[str]:
    """Which counts an event is in, by the rules of the documentation."""
    kind = str(event["event"]).lower()
    if kind in ("accepted", "opened", "clicked", "failed"):
        yield f"{kind}_count"
    if kind == "accepted":
        outgoing = event.get("flags", {}).get("is-authenticated")
        yield "accepted_outgoing_count" if outgoing else "accepted_incoming_count"
    if kind == "delivered":
        yield "delivered_count"
    if kind == "failed" and event.get("severity", "").lower() == "permanent":
        yield "permanent_failed_count"
        if not event.get("reason", "").lower().startswith("suppress-"):
            yield "bounced"


@pytest.mark.parametrize("inbox", ["sample", "clean_sample"])
def test_reported_metrics_are_true(inbox: str, request: pytest.FixtureRequest) -> None:
    folder: Path = request.getfixturevalue(inbox)
    unique: dict[tuple[Any, ...], Landed] = {}
    for each in read_inbox(folder):
        event = each.event
        if not each.at or not (domain := domain_of(event)):
            continue
        address = (each.at, event.get("recipient", "").lower(), message_id(event).strip("<>"), event.get("url"))
        key = (event["id"], each.at.date()) if event.get("id") else address
        unique[(domain, str(event["event"]).lower(), *key)] = each
    counts = Counter(
        (f"{each.at:%a, %d %b %Y} 00:00:00 +0000", domain_of(each.event), metric)
        for each in unique.values()
        for metric in metrics_of(each.event)
    )
    reported = sorted((folder / "mailgun" / "reported_metrics").glob("*.json"))
    assert [path.stem for path in reported] == [f"{END - timedelta(days=ago):%Y-%m-%d}" for ago in range(6, -1, -1)]
    for path in reported:
        response = orjson.loads(path.read_bytes())
        assert len(response["items"]) >= 6
        for item in response["items"]:
            key = tuple(dimension["value"] for dimension in item["dimensions"])
            for metric, value in item["metrics"].items():
                if metric.endswith("_count"):
                    assert value == counts[*key, metric], (key, metric)
            delivered = counts[*key, "delivered_count"]
            sent = delivered + counts[*key, "bounced"]
            assert item["metrics"]["delivered_rate"] == (f"{delivered / sent:.4f}" if sent else "0.0000")
