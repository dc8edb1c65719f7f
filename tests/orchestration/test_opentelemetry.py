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
from touchstone.landing.land import Landed

from .conftest import TestHome, no_time_in
from .metric_streams import UNITS, file_of, message_of, text
from .test_cloudwatch import some_datapoints

SOURCE = "cloudwatch/metric_stream"
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
        if "p99" in record["value"]:
            record["value"] |= {"p99.9": chance.random(), "p99.99995": 0.0}
        record.setdefault("dimensions", {})
    return found


def messages(found: list[Record], version: str) -> bytes:
    return file_of(*(message_of(found[start : start + 30], version) for start in range(0, len(found), 30)))


def landed(home: TestHome) -> Landed:
    result = home.land()[SOURCE]
    with home.ledger() as ledger:
        assert ledger.files_that_do_not_add_up(SOURCE) == []
    return result


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
