"""Metric streams in OpenTelemetry land the records that the same stream writes as JSON."""

from __future__ import annotations

import base64
import gzip
import json
import random
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Gauge

from touchstone.landing.formats import format_of

from .conftest import TestHome, no_time_in
from .metric_streams import SOURCE, UNITS, file_of, landed, message_of, text
from .test_cloudwatch import some_datapoints

Record = dict[str, Any]
Change = Callable[[ExportMetricsServiceRequest], None]

# Written by opentelemetry-proto 1.0.0, which has the definitions of 0.7 and can't be installed beside today's.
OF_0_7 = (
    "lgMKkwMKlQEKFwoOY2xvdWQucHJvdmlkZXISBQoDYXdzChcKEGNsb3VkLmFjY291bnQuaWQSAwoBMQobCgxjbG91ZC5yZWdpb24SCwoJZXUt"
    "d2VzdC0xCkQKEGF3cy5leHBvcnRlci5hcm4SMAouYXJuOmF3czpjbG91ZHdhdGNoOmV1LXdlc3QtMToxOm1ldHJpYy1zdHJlYW0vcxL4ARL1"
    "AQojYW1hem9uYXdzLmNvbS9BV1MvQ29ubmVjdC9RdWV1ZVNpemUaB3tDb3VudH1axAEKwQEKGAoJTmFtZXNwYWNlEgtBV1MvQ29ubmVjdAoX"
    "CgpNZXRyaWNOYW1lEglRdWV1ZVNpemUKDwoKSW5zdGFuY2VJZBIBaQoUCgtNZXRyaWNHcm91cBIFUXVldWUKDgoJUXVldWVOYW1lEgFxEQAA"
    "L2uPjpgYGQBYdmOdjpgYIQIAAAAAAAAAKQAAAAAAABZAMgkRAAAAAAAA+D8yEgmuR+F6FK7vPxEAAAAAAAAOQDISCQAAAAAAAPA/EQAAAAAA"
    "ABBA"
)
GOOD: Record = {
    "metric_stream_name": "s",
    "account_id": "1",
    "region": "eu-west-1",
    "namespace": "AWS/Connect",
    "metric_name": "QueueSize",
    "dimensions": {"InstanceId": "i", "MetricGroup": "Queue", "QueueName": "q"},
    "timestamp": 1772323200000,
    "value": {"max": 4.0, "min": 1.5, "sum": 5.5, "count": 2.0, "p99": 3.75},
    "unit": "Count",
}


def records(seed: int, count: int) -> list[Record]:
    """Datapoints as OpenTelemetry has them: of other statistics, percentiles alone."""
    chance = random.Random(seed)
    found = some_datapoints(seed, count)
    for record in found:
        record["unit"] = chance.choice([*UNITS])
        record["value"].pop("TM(25%:75%)", None)
        record.pop("period", None)
        if "p99" in record["value"]:
            record["value"] |= {"p99.9": chance.random(), "p99.99995": 0.0}
        odd = {"Tür ☎": "größer 😀\t"} if chance.random() < 0.1 else {}
        record["dimensions"] = odd | record.get("dimensions", {})
    return found


def messages(found: list[Record], version: str) -> bytes:
    return file_of(*(message_of(found[start : start + 30], version) for start in range(0, len(found), 30)))


def lake(home: TestHome) -> list[tuple[Any, ...]]:
    """The rows of the lake, but for where they came from."""
    files = f"'{home.settings.lake}/{SOURCE}/*.parquet'"
    return home.ledger_rows(f"select columns(lambda name: name[1] <> '_' or name = '_at') from {files} order by all")


def quarantine(home: TestHome) -> list[tuple[Any, ...]]:
    return home.ledger_rows("select path, byte_offset, line, reason, text from quarantine order by all")


def test_a_file_of_0_7_by_its_own_package_is_the_record_in_json(home: TestHome) -> None:
    content = base64.b64decode(OF_0_7)
    # the same fields; today's package writes what it doesn't know last
    assert sorted(content) == sorted(file_of(message_of([GOOD], "0.7")))
    home.put(SOURCE, "a", content)
    home.put(SOURCE, "b.json", [GOOD])
    totals = landed(home).totals
    assert (totals.records, totals.accepted, totals.duplicates) == (2, 1, 1)


@pytest.mark.parametrize("seed", range(2))
def test_the_lake_has_the_same_rows_from_any_format(home: TestHome, seed: int) -> None:
    found = records(seed, 400)
    rows = {}
    for version in ("json", "1.0", "0.7"):
        home.reset()
        content = messages(found, version)
        home.put(SOURCE, "a", found if version == "json" else content if seed else gzip.compress(content))
        totals = landed(home).totals
        assert totals.quarantined == 0
        assert totals.ignored == sum(record["namespace"] == "AWS/EC2" for record in found)
        rows[version] = lake(home)
    assert len(rows["json"]) > 200
    assert rows["1.0"] == rows["json"]
    assert rows["0.7"] == rows["json"]


def test_a_datapoint_that_comes_in_every_format_counts_once(home: TestHome) -> None:
    found = records(2, 100)
    home.put(SOURCE, "0.json", found)
    assert landed(home).totals.accepted > 0
    rows = lake(home)
    for version in ("1.0", "0.7"):
        home.put(SOURCE, version, messages(found, version))
        totals = landed(home).totals
        assert (totals.accepted, totals.duplicates + totals.ignored) == (0, 100)
    assert lake(home) == rows


def test_files_are_told_by_content(home: TestHome) -> None:
    found = [{**GOOD, "timestamp": GOOD["timestamp"] + 60_000 * n} for n in range(250)]
    a, b, d = (messages(found[n::4], "1.0") for n in (0, 1, 3))
    zstd = pa.compress(b, codec="zstd", asbytes=True)
    delimited = b"\n".join(file_of(message_of([record])) for record in found[2::4]) + b"\n"
    for name, content in {
        "a.json": a,
        "b.gz": zstd,
        "c.parquet": delimited,
        "d": gzip.compress(gzip.compress(d)),
    }.items():
        home.put(SOURCE, f"2026/03/01/{name}", content)
    totals = landed(home).totals
    assert (totals.records, totals.accepted) == (250, 250)
    # a length of 65,407, whose bytes would be the mark of UTF-16
    long = b"\xff\xfe\x03" + file_of(message_of(found))[3:]
    assert format_of(long[:4096]) == "opentelemetry"
    assert format_of(b"1\n2\n3\n4\n5\n6\n") == "text"


@pytest.mark.parametrize("seed", range(5))
def test_damage_affects_one_message(home: TestHome, seed: int) -> None:
    chance = random.Random(seed)
    parts = [file_of(message_of([{**GOOD, "timestamp": GOOD["timestamp"] + 60_000 * n}])) for n in range(20)]
    cut = parts[4][: chance.randrange(1, len(parts[4]))]
    garbage = chance.randbytes(50)
    wrong_length = b"\x05" + parts[12][2:]
    content = b"".join([*parts[:4], cut, *parts[5:9], garbage, *parts[9:12], wrong_length, *parts[13:]])
    home.put(SOURCE, "a", content + parts[0][:-1])
    totals = landed(home).totals
    assert (totals.accepted, totals.quarantined) == (18, 4)
    lengths = [len(part) for part in parts]
    offsets = [sum(lengths[:4])]
    offsets.append(offsets[-1] + len(cut) + sum(lengths[5:9]))
    offsets.append(offsets[-1] + len(garbage) + sum(lengths[9:12]))
    found = quarantine(home)
    assert [offset for _, offset, *_ in found] == [*offsets, len(content)]
    assert [line for _, _, line, *_ in found] == [5, 10, 14, 22]
    assert {reason for *_, reason, _ in found} == {
        "a message that is cut or damaged, or none of OpenTelemetry's metrics; fetch the file again"
    }
    home.put(SOURCE, "a", b"".join(parts))
    assert landed(home).totals.accepted == 2
    assert home.ledger_rows("select count(*) from quarantine where closed_at is null") == [(0,)]


def _resource(request: ExportMetricsServiceRequest) -> Any:
    return request.resource_metrics[0].resource


def _metric(request: ExportMetricsServiceRequest) -> Any:
    return request.resource_metrics[0].scope_metrics[0].metrics[0]


def _point(request: ExportMetricsServiceRequest) -> Any:
    return _metric(request).summary.data_points[0]


FOREIGN: dict[str, Change] = {
    "no attribute cloud.account.id: ": lambda r: _resource(r).attributes.pop(1),
    "another cloud.provider than aws: ": lambda r: _resource(r).attributes[0].MergeFrom(text("cloud.provider", "gcp")),
    "an aws.exporter.arn that is no metric stream's: ": lambda r: (
        _resource(r).attributes[3].MergeFrom(text("aws.exporter.arn", "arn:aws:firehose:eu-west-1:1:deliverystream/s"))
    ),
    "an attribute cloud.region that is no text: ": lambda r: (
        _resource(r).attributes[2].MergeFrom(KeyValue(value=AnyValue(int_value=1)))
    ),
    "an OpenTelemetry metric that is no summary: ": lambda r: _metric(r).gauge.CopyFrom(Gauge()),
    "a unit that CloudWatch has not: ": lambda r: setattr(_metric(r), "unit", "{Widgets}"),
    "no attribute Namespace: ": lambda r: _point(r).attributes.pop(0),
    "an attribute Dimensions that is no list of names and values: ": lambda r: (
        _point(r).attributes[2].MergeFrom(text("", "InstanceId"))
    ),
    "an attribute Dimensions.* that is no text: ": lambda r: (
        _point(r).attributes[2].value.kvlist_value.values[0].value.MergeFrom(AnyValue(bool_value=True))
    ),
    "a quantile twice, with different values: ": lambda r: _point(r).quantile_values.add(quantile=0.99, value=1),
    "a quantile that is not from 0 to 1: ": lambda r: _point(r).quantile_values.add(quantile=99, value=1),
    "both labels and attributes: ": lambda r: _point(r).MergeFromString(b"\x0a\x00"),
    # as of a record in JSON
    "no number for value.max": lambda r: _point(r).quantile_values.pop(2),
    "field value.*: a text that is none where ": lambda r: setattr(_point(r), "sum", float("nan")),
    no_time_in("timestamp"): lambda r: setattr(_point(r), "start_time_unix_nano", 0),
}


def test_what_cloudwatch_does_not_write_is_quarantined_with_its_reason(home: TestHome) -> None:
    for number, change in enumerate(FOREIGN.values()):
        good, changed = (
            message_of([{**GOOD, "timestamp": GOOD["timestamp"] + 60_000 * (2 * number + n)}]) for n in range(2)
        )
        change(changed)
        home.put(SOURCE, f"{number:02d}", file_of(changed, good))
    totals = landed(home).totals
    assert (totals.accepted, totals.quarantined) == (len(FOREIGN), len(FOREIGN))
    for (path, offset, line, reason, kept), expected in zip(quarantine(home), FOREIGN, strict=True):
        assert reason.startswith(expected), (path, reason, expected)
        assert (offset, line) == (0, 1)
        assert json.loads(kept)
        assert "Widgets" not in reason
    assert home.replay() == 0


def test_what_cloudwatch_may_add_one_day_is_reported_and_lands(home: TestHome) -> None:
    request = message_of([GOOD])
    _resource(request).attributes.append(text("cloud.platform", "aws_ec2"))
    _point(request).attributes.append(text("Tenant", "t"))
    home.put(SOURCE, "a", file_of(request))
    result = landed(home)
    assert result.totals.accepted == 1
    assert result.unknown_fields == {"resource.cloud.platform": 1, "attribute.Tenant": 1}


def test_a_metric_stream_in_another_folder_is_named(home: TestHome) -> None:
    for name, carrier in {"a": file_of, "b": firehose}.items():
        home.put("mailgun/events", name, carrier(message_of([GOOD])))
    assert home.land()["mailgun/events"].totals.quarantined == 2
    reasons = home.ledger_rows("select reason from quarantine")
    assert all(SOURCE in reason for (reason,) in reasons)


def data_of(*requests: ExportMetricsServiceRequest) -> str:
    return base64.b64encode(file_of(*requests)).decode()


def firehose(*requests: ExportMetricsServiceRequest) -> bytes:
    """Firehose's delivery to an address, a record for each message."""
    delivery = {"requestId": "r", "timestamp": 1772323200001, "records": [{"data": data_of(r)} for r in requests]}
    return json.dumps(delivery).encode()


def kinesis(*requests: ExportMetricsServiceRequest) -> bytes:
    """Records of Kinesis as a Lambda gets them."""
    part = {"partitionKey": "p", "approximateArrivalTimestamp": 1772323200.5}
    records = [{"eventSource": "aws:kinesis", "kinesis": {**part, "data": data_of(r)}} for r in requests]
    return json.dumps({"Records": records}).encode()


def queue(*requests: ExportMetricsServiceRequest) -> bytes:
    """A queue's message: all of a delivery at once, in gzip."""
    return json.dumps({"Messages": [{"Body": base64.b64encode(gzip.compress(file_of(*requests))).decode()}]}).encode()


@pytest.mark.parametrize("version", ["1.0", "0.7"])
@pytest.mark.parametrize("carrier", [firehose, kinesis, queue])
def test_what_is_in_a_carrier_lands_as_it_does_from_a_file(
    home: TestHome, carrier: Callable[..., bytes], version: str
) -> None:
    """Each carrier with one record and with many, in one file, beside JSON in the same carrier."""

    def values() -> list[tuple[Any, ...]]:
        """The rows of the lake, with whole numbers in any spelling."""
        return [tuple(json.loads(v) if str(v)[:1] == "{" else v for v in row) for row in lake(home)]

    found = records(4, 60)
    home.put(SOURCE, "a", found)
    whole = landed(home).totals
    rows = values()
    home.reset()
    requests = [message_of([record], version) for record in found[:10]]
    lines = [carrier(request) for request in requests]
    lines.append(carrier(*(message_of(found[start : start + 7], version) for start in range(10, 60, 7))))
    json_lines = b"\n".join(json.dumps(record).encode() for record in found[:2])
    delivery = {"requestId": "r", "timestamp": 1, "records": [{"data": base64.b64encode(json_lines).decode()}]}
    home.put(SOURCE, "a.json", b"\n".join([*lines, json.dumps(delivery).encode()]))
    totals = landed(home).totals
    assert (totals.records, totals.accepted, totals.quarantined) == (62, whole.accepted, 0)
    assert values() == rows


def test_damage_in_a_carrier_affects_one_message(home: TestHome) -> None:
    good, other, foreign = (message_of([{**GOOD, "timestamp": GOOD["timestamp"] + 60_000 * n}]) for n in range(3))
    _metric(foreign).unit = "{Widgets}"
    delivery = json.loads(firehose(good, other, foreign))
    content = base64.b64decode(delivery["records"][1]["data"])
    texts = [content[:-9], b"\x00" + content, content[:40] + b"\n" + base64.b64decode(data_of(good))]
    delivery["records"] += [{"data": base64.b64encode(text).decode()} for text in texts]
    delivery["records"].append({"data": delivery["records"][1]["data"][:-3] + "!!!"})
    home.put(SOURCE, "a.json", json.dumps(delivery).encode())
    totals = landed(home).totals
    assert (totals.accepted, totals.duplicates, totals.quarantined) == (2, 1, 5)
    cut = "a message that is cut or damaged, or none of OpenTelemetry's metrics"
    nothing = "nothing in it shows a record of cloudwatch/metric_stream, which has namespace and metric_name"
    unit = "a unit that CloudWatch has not: it isn't of a CloudWatch metric stream"
    assert sorted(reason.split("; ")[0] for *_, reason, _ in quarantine(home)) == [cut, cut, unit, nothing, nothing]
    assert home.replay() == 0
