"""Records of every stream land once in other spellings, types and carriers; records with wrong values never do."""

from __future__ import annotations

import base64
import copy
import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.orchestration.conftest import TestHome
from touchstone.landing.land import land
from touchstone.landing.shapes import Leaf, ListOf, MapOf, Shape, Struct
from touchstone.landing.streams import Stream, read_streams, signatures
from touchstone.landing.unwrap import Refusal, Unwrapper

Record = dict[str, Any]
SECRET = "qzsecretq"
AT = "2026-04-05T06:07:08.250Z"
LATER = "2026-04-05T06:07:09.500Z"
STREAMS = read_streams()

# One record of each stream that has objects or lists, as its vendor writes it.
RECORDS: dict[str, Record] = {
    "mailgun/events": {
        "event": "delivered",
        "id": "mg-1",
        "timestamp": AT,
        "recipient": "ada@post.example",
        "domain": {"name": "send.example"},
        "account": {"id": "acc", "parent-id": "top"},
        "delivery-status": {"attempt-no": 2, "code": "250", "message": "fine"},
        "flags": {"is-authenticated": True, "is-test-mode": False},
        "envelope": {"transport": "smtp", "sending-ip": "192.0.2.7"},
        "message": {"headers": {"message-id": "m1@send.example"}},
        "client-info": {"device-type": "desktop", "bot": "apple"},
        "tags": ["spring"],
    },
    "mailgun/reported_metrics": {
        "resolution": "day",
        "dimensions": [{"dimension": "time", "value": "Sun, 05 Apr 2026 00:00:00 +0000", "display_value": "x"}],
        "metrics": {"delivered_count": 7, "delivered_rate": 0.5},
    },
    "ses/events": {
        "eventType": "Bounce",
        "mail": {
            "timestamp": AT,
            "messageId": "ses-1",
            "sendingAccountId": "210000000001",
            "destination": ["bob@post.example"],
            "headers": [{"name": "Subject", "value": "Hi"}],
            "tags": {"ses:configuration-set": ["main"], "ses:from-domain": ["send.example"]},
        },
        "bounce": {
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "bouncedRecipients": [{"emailAddress": "bob@post.example", "status": "5.1.1"}],
            "timestamp": LATER,
            "feedbackId": "fb-1",
        },
    },
    "cloudwatch/metric_stream": {
        "metric_stream_name": "all",
        "account_id": "210000000001",
        "region": "eu-west-1",
        "namespace": "AWS/Connect",
        "metric_name": "MissedCalls",
        "dimensions": {"InstanceId": "i-9", "MetricGroup": "VoiceCalls"},
        "timestamp": AT,
        "value": {"count": 2, "sum": 3.5, "max": 2, "min": 1.5},
        "unit": "Count",
    },
    "connect/contact_events": {
        "time": AT,
        "eventType": "CONNECTED_TO_AGENT",
        "contactId": "c-1",
        "initiationTimestamp": AT,
        "agentInfo": {"connectedToAgentTimestamp": LATER},
        "campaign": {"campaignId": "camp"},
    },
    "pinpoint/events": {
        "event_type": "_SMS.SUCCESS",
        "event_timestamp": AT,
        "arrival_timestamp": LATER,
        "application": {"app_id": "app"},
        "client": {"client_id": "ep"},
        "attributes": {"journey_id": "j", "journey_activity_id": "a", "message_id": "m", "record_status": "DELIVERED"},
        "metrics": {"price_in_millicents_usd": 883.5},
    },
    "pinpoint/journeys": {
        "fetched_at": AT,
        "ApplicationId": "app",
        "Id": "j",
        "Name": "Welcome",
        "State": "ACTIVE",
        "LastModifiedDate": AT,
        "RefreshOnSegmentUpdate": True,
        "Limits": {"DailyCap": 3, "EndpointReentryCap": 1},
        "Activities": {"a": {"PUSH": {"MessageConfig": {"TimeToLive": 60}}}, "b": {"EMAIL": {"NextActivity": "a"}}},
    },
    "pinpoint/application_settings": {
        "fetched_at": AT,
        "ApplicationId": "app",
        "LastModifiedDate": AT,
        "Limits": {"Daily": 5},
        "JourneyLimits": {"DailyCap": 4},
    },
    "pinpoint/journey_runs": {
        "fetched_at": AT,
        "application_id": "app",
        "journey_id": "j",
        "Item": [{"RunId": "r", "CreationTime": AT, "LastUpdateTime": LATER, "Status": "COMPLETED"}],
    },
    "pinpoint/execution_metrics": {
        "fetched_at": LATER,
        "ApplicationId": "app",
        "JourneyId": "j",
        "JourneyActivityId": "a",
        "LastEvaluatedTime": AT,
        "Metrics": {"SUCCESS": 12, "UNKNOWN": 0},
    },
    "alexa/skill_requests": {
        "received_at": AT,
        "responded_at": LATER,
        "outcome": "ok",
        "stage": "live",
        "is_test": False,
        "request": {
            "session": {"sessionId": "s", "application": {"applicationId": "skill"}, "user": {"userId": "u"}},
            "request": {"type": "IntentRequest", "requestId": "r", "locale": "en-GB", "intent": {"name": "Play"}},
        },
        "response": {"response": {"shouldEndSession": True, "directives": [{"type": "AudioPlayer.Play"}]}},
    },
    "alexa/skill_events": {
        "stage": "live",
        "context": {"System": {"application": {"applicationId": "skill"}, "user": {"userId": "u"}}},
        "request": {
            "type": "AlexaSkillEvent.SkillEnabled",
            "requestId": "e",
            "timestamp": LATER,
            "eventCreationTime": AT,
        },
    },
    "alexa/smart_home_messages": {
        "at": AT,
        "direction": "out_async",
        "invocation_id": "i",
        "skill_id": "skill",
        "stage": "live",
        "locale": "en-GB",
        "message": {
            "event": {
                "header": {"namespace": "Alexa", "name": "ChangeReport", "messageId": "m", "correlationToken": "t"},
                "endpoint": {"endpointId": "lamp"},
                "payload": {"change": {"properties": [{"namespace": "A", "name": "p", "value": "ON"}]}},
            },
        },
    },
    "alexa/token_requests": {
        "received_at": AT,
        "responded_at": LATER,
        "skill_id": "skill",
        "stage": "live",
        "grant_type": "refresh_token",
        "http_status": 200,
        "body": {"access_token": "x"},
        "request_id": "r",
    },
    "alexa/smapi_metrics": {
        "fetched_at": AT,
        "skill_id": "skill",
        "query": {"metric": "uniqueCustomers", "period": "P1D", "startTime": AT, "endTime": LATER, "stage": "live"},
        "response": {"metric": "uniqueCustomers", "timestamps": [AT], "values": [4]},
    },
}


def plain_record(stream: Stream) -> Record:
    """A record of a stream whose fields are all single values, of the first kind that counts."""
    values = {"text": "any", "time": AT, "integer": 2, "real": 0.5, "decimal": 0.5, "boolean": False}
    record: Record = {}
    for name, leaf in stream.shape.fields.items():
        assert isinstance(leaf, Leaf) and leaf.kind in values, f"RECORDS needs one of {stream.source} for {name}"
        words = stream.counted_kinds if name == stream.kind else leaf.words
        record[name] = words[0] if words else values[leaf.kind]
    return record


RECORDS |= {source: plain_record(stream) for source, stream in STREAMS.items() if source not in RECORDS}


def written(value: Any) -> str:
    return json.dumps(value)


def coded(value: Any) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def zipped(value: Any) -> str:
    return base64.b64encode(gzip.compress(json.dumps(value).encode(), mtime=0)).decode()


def log_events(value: Any) -> Record:
    return {"messageType": "DATA_MESSAGE", "logEvents": [{"id": "1", "timestamp": 1, "message": written(value)}]}


CARRIERS: list[Callable[[Any], Any]] = [
    lambda r: {"Type": "Notification", "TopicArn": "arn:t", "Message": written(r)},
    lambda r: {"Records": [{"EventSource": "aws:sns", "Sns": {"Type": "Notification", "Message": written(r)}}]},
    lambda r: {"Records": [{"eventSource": "aws:sqs", "body": written(r)}]},
    lambda r: {"Records": [{"eventSource": "aws:kinesis", "kinesis": {"data": coded(r)}}]},
    lambda r: {"invocationId": "i", "records": [{"recordId": "1", "data": coded(r)}]},
    lambda r: {"attemptsMade": 1, "errorCode": "x", "rawData": coded(r)},
    lambda r: {"resource": "/", "httpMethod": "POST", "body": coded(r), "isBase64Encoded": True},
    lambda r: {"awslogs": {"data": zipped(log_events(r))}},
    log_events,
    lambda r: {"version": "0", "id": "e", "source": "custom", "detail": r},
    lambda r: {"_airbyte_raw_id": "u", "_airbyte_data": r},
    lambda r: {"type": "RECORD", "stream": "s", "record": r},
    lambda r: {"hits": {"hits": [{"_index": "i", "_source": r}]}},
    lambda r: {"signature": {"token": "t"}, "payload": written(r)},
]


def spelled(name: str, random: Random) -> str:
    return random.choice([name, name.replace("-", "_"), name.lower(), name.upper()])


def reshaped(shape: Shape, value: Any, random: Random) -> Any:
    """The same value as a loader may write it."""
    if isinstance(shape, Leaf):
        return retyped(shape, value, random)
    if isinstance(shape, Struct):
        result = {
            spelled(name, random): reshaped(shape.fields[name], child, random) if name in shape.fields else child
            for name, child in value.items()
        }
    elif isinstance(shape, MapOf):
        result = {name: reshaped(shape.value, child, random) for name, child in value.items()}
        if random.random() < 0.2:
            return [{"key": name, "value": child} for name, child in result.items()]
    else:
        items = [reshaped(shape.item, child, random) for child in value]
        if len(items) == 1 and random.random() < 0.3:
            return items[0]
        return written(items) if random.random() < 0.2 else items
    return written(result) if random.random() < 0.2 else result


def retyped(leaf: Leaf, value: Any, random: Random) -> Any:
    if leaf.kind == "time":
        time = datetime.fromisoformat(value)
        micros = (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        there = (time + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%S.%f")
        epochs = [micros / 10**6, micros // 1000, micros, micros * 1000, str(micros // 1000), f"{micros / 10**6:.3f}"]
        texts = [value.replace("T", " ").rstrip("Z"), f"{there}+02:00", f"{there} +0200", value[:-1] + "000+00:00"]
        return random.choice([value, *epochs, *texts])
    if leaf.kind == "integer":
        return random.choice([value, str(value), float(value), f"{value}.0"])
    if leaf.kind in ("real", "decimal"):
        return random.choice([value, str(value), float(value)])
    if leaf.kind == "boolean":
        return random.choice([value, int(value), str(value), str(value).lower()])
    if leaf.kind == "text" and isinstance(value, str) and value.isdigit() and value[0] != "0":
        return random.choice([value, int(value), float(value)])
    if leaf.words:
        return random.choice([value, value.upper(), value.lower()])
    return value


def flattened(shape: Struct, record: Record, random: Random) -> Record:
    """The record with one of its objects spread over its fields."""
    objects = [name for name, child in record.items() if isinstance(shape.fields.get(name), Struct) and child]
    if not objects or random.random() < 0.5:
        return record
    name, separator = random.choice(objects), random.choice(["__", ".", "_"])
    spread = {f"{name}{separator}{inner}": child for inner, child in record[name].items()}
    return {**{other: child for other, child in record.items() if other != name}, **spread}


def scalars(shape: Shape, value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Shape]]:
    """Path and shape of every field whose value can be replaced by a wrong one."""
    if value is None or (isinstance(shape, Leaf) and shape.kind == "any"):
        return
    if path and not (isinstance(shape, Struct) and shape.bare):
        yield path, shape
    if isinstance(shape, Struct):
        for name, child in value.items():
            if name in shape.fields:
                yield from scalars(shape.fields[name], child, (*path, name))
    elif isinstance(shape, ListOf):
        for number, child in enumerate(value):
            yield from scalars(shape.item, child, (*path, number))
    elif isinstance(shape, MapOf):
        for name, child in value.items():
            yield from scalars(shape.value, child, (*path, name))


def damages(shape: Shape) -> list[Any]:
    """Values that are invalid for the declared type in any reading."""
    if isinstance(shape, Struct | MapOf):
        return [f"{SECRET} text", 5, [SECRET, 1], f'{{"{SECRET}": ']
    if isinstance(shape, ListOf):
        item = shape.item
        return [f"{SECRET}, and more", f"[{SECRET}", {SECRET: 1} if isinstance(item, Leaf) else 5]
    if shape.words:
        return [SECRET, f"{shape.words[0]}{SECRET}", {SECRET: 1}]
    values: dict[str, list[Any]] = {
        "text": [{SECRET: 1}, [SECRET]],
        "integer": [3.7, "3.7", "1_000", 2**63, -(2**63), SECRET, [1], True, "infinity"],
        "real": ["1_000", 1e300, "infinity", "nan", SECRET, {SECRET: 1}],
        "decimal": ["1_000", 1e300, "infinity", "nan", SECRET, {SECRET: 1}],
        "boolean": [2, SECRET, [True]],
        "time": ["1970-01-02T00:00:00Z", "1999-12-31T23:59:59Z", 2**63 - 1, -1, 12, SECRET, [AT], "infinity", "now"],
    }
    return values[shape.kind]


def put(record: Record, path: tuple[Any, ...], value: Any) -> Record:
    record = copy.deepcopy(record)
    inner: Any = record
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return record


@dataclass(frozen=True)
class Outcome:
    """Accepted, duplicates, quarantined and ignored; the lake's rows; lines and reasons of what is quarantined."""

    counts: tuple[int, int, int, int]
    rows: list[Record]
    lines: list[int]
    reasons: list[str]


def landed(home: TestHome, stream: Stream, files: list[Any]) -> Outcome:
    """Land files (bytes as they are, anything else as JSON), none of which may be refused."""
    home.reset()
    for number, content in enumerate(files):
        home.put(
            stream.source, f"{number:02d}.json", content if isinstance(content, bytes) else written(content).encode()
        )
    with home.ledger() as ledger:
        result = land(stream, home.settings, ledger, lambda text: None)
        kept = ledger.connection.execute("select line, reason from quarantine order by path, line").fetchall()
        paths = ledger.lake_paths(stream.source, of_batch=False)
    assert not result.refused
    totals = result.totals
    counts = (totals.accepted, totals.duplicates, totals.quarantined, totals.ignored)
    rows = duckdb.sql(f"from read_parquet({paths!r})").to_arrow_table().to_pylist() if paths else []
    return Outcome(counts, rows, [line for line, _ in kept], [reason for _, reason in kept])


FUZZ = settings(
    max_examples=2,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def test_every_record_is_of_a_stream() -> None:
    assert RECORDS.keys() == STREAMS.keys()


@pytest.mark.parametrize("source", RECORDS)
def test_a_record_in_another_streams_folder_is_named(source: str) -> None:
    for other in STREAMS.keys() - {source}:
        (item,) = Unwrapper(other, signatures(), STREAMS[other].inherit).items(RECORDS[source])
        assert isinstance(item, Refusal), other
        assert item.reason == f"a record of {source}; put it into inbox/{source}", other


@pytest.mark.parametrize("source", STREAMS)
@FUZZ
@given(seed=st.integers(0, 2**32))
def test_a_record_lands_once_in_any_spelling(home: TestHome, source: str, seed: int) -> None:
    random = Random(seed)
    stream, record = STREAMS[source], RECORDS[source]
    files: list[Any] = [record]
    for _ in range(8):
        document: Any = flattened(stream.shape, record, random)
        document = reshaped(stream.shape, document, random)
        while isinstance(document, str):
            document = json.loads(document)
        for carrier in random.choices(CARRIERS, k=random.randrange(4)):
            document = carrier(document)
        files.append(document)
    # A file that is the same byte for byte is known already.
    files = [json.loads(text) for text in dict.fromkeys(map(json.dumps, files))]
    outcome = landed(home, stream, files)
    assert (outcome.counts, len(outcome.rows)) == ((1, len(files) - 1, 0, 0), 1), (outcome.reasons, files)


@pytest.mark.parametrize("source", STREAMS)
@FUZZ
@given(seed=st.integers(0, 2**32))
def test_a_record_with_a_wrong_value_is_quarantined_and_the_reason_omits_the_value(
    home: TestHome, source: str, seed: int
) -> None:
    random = Random(seed)
    stream, record = STREAMS[source], RECORDS[source]
    places = [(path, value) for path, shape in scalars(stream.shape, record) for value in damages(shape)]
    files: list[Any] = []
    for path, value in random.sample(places, min(8, len(places))):
        document: Any = put(record, path, value)
        if random.random() < 0.5:
            document = random.choice(CARRIERS)(document)
        files.append(document)
    files = [json.loads(text) for text in dict.fromkeys(map(json.dumps, files))]
    outcome = landed(home, stream, files)
    assert outcome.counts == (0, 0, len(files), 0), files
    assert not [reason for reason in outcome.reasons if SECRET in reason or len(reason) > 600]


@pytest.mark.parametrize("source", STREAMS)
@FUZZ
@given(seed=st.integers(0, 2**32))
def test_a_cut_or_empty_carrier_affects_no_other_record(home: TestHome, source: str, seed: int) -> None:
    random = Random(seed)
    stream, record = STREAMS[source], RECORDS[source]
    carrier = random.choice(CARRIERS)
    whole = json.dumps(carrier(record))
    subscription = json.dumps(
        {"Type": "SubscriptionConfirmation", "TopicArn": "arn:t", "Token": "t", "Message": "Visit"}
    )
    cut = whole[: random.randrange(2, len(whole))]
    outcome = landed(home, stream, ["\n".join([whole, subscription, whole, cut]).encode()])
    accepted, duplicates, _, ignored = outcome.counts
    assert (accepted, duplicates, ignored, {*outcome.lines}) == (1, 1, 1, {4}), cut


def test_a_records_own_value_wins_over_its_carriers(home: TestHome) -> None:
    event = {**RECORDS["ses/events"], "account": "210000000002"}
    carriers = [
        {"account": "210000000001", "detail": event},
        {"account": "210000000001", "detail": {**event, "account": None}},
    ]
    outcome = landed(home, STREAMS["ses/events"], ["\n".join(map(json.dumps, carriers)).encode()])
    assert sorted(row["account"] for row in outcome.rows) == ["210000000001", "210000000002"]


# What carriers say of their records.
FACTS = {
    "account": "210000000009",
    "application_id": "app-9",
    "end": LATER,
    "fetched_at": LATER,
    "journey_id": "journey-9",
    "resolution": "day",
    "start": AT,
}


@pytest.mark.parametrize("source", [source for source in STREAMS if STREAMS[source].inherit])
@pytest.mark.parametrize("carried", [lambda record: record, lambda record: [record, record]], ids=["one", "several"])
def test_a_record_inherits_from_its_own_carrier_alone(
    home: TestHome, source: str, carried: Callable[[Record], Any]
) -> None:
    stream = STREAMS[source]
    record = {name: value for name, value in RECORDS[source].items() if name not in stream.inherit}
    facts = {name: RECORDS[source].get(name, FACTS[name]) for name in stream.inherit if name in FACTS}
    silent, telling = {"Records": carried(record)}, {**facts, "Records": carried(record)}
    (expected,) = landed(home, stream, [telling]).rows
    rows = landed(home, stream, ["\n".join(map(json.dumps, [silent, telling])).encode()]).rows
    assert [expected[name] for name in stream.columns] in [[row[name] for name in stream.columns] for row in rows]
