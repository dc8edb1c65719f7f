"""Files of CloudWatch metric streams in OpenTelemetry, written with the package of its definitions."""

from __future__ import annotations

import io
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from google.protobuf.proto import serialize_length_prefixed
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, SummaryDataPoint
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from touchstone.landing.land import Landed

from .conftest import TestHome

SOURCE = "cloudwatch/metric_stream"

Record = dict[str, Any]

UNITS = {
    "Seconds": "s",
    "Microseconds": "us",
    "Milliseconds": "ms",
    "Bytes": "By",
    "Terabytes": "TBy",
    "Megabits": "MBit",
    "Percent": "%",
    "Count": "{Count}",
    "None": "1",
    "Bytes/Second": "By/s",
    "Count/Second": "{Count}/s",
}


def text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def point_of(record: Record, version: str = "1.0") -> SummaryDataPoint:
    """The datapoint of a record in JSON."""
    value = dict(record["value"])
    quantiles = {0.0: value.pop("min"), 1.0: value.pop("max")}
    total, count = value.pop("sum"), value.pop("count")
    quantiles |= {float(name.removeprefix("p")) / 100: number for name, number in value.items()}
    point = SummaryDataPoint(
        start_time_unix_nano=record["timestamp"] * 1_000_000,
        time_unix_nano=(record["timestamp"] + 60_000) * 1_000_000,
        count=int(count),
        sum=total,
        quantile_values=[{"quantile": at, "value": number} for at, number in sorted(quantiles.items())],
    )
    named = {"Namespace": record["namespace"], "MetricName": record["metric_name"]}
    dimensions = record.get("dimensions", {})
    if version == "1.0":
        point.attributes.extend(text(key, value) for key, value in named.items())
        pairs = [text(key, value) for key, value in dimensions.items()]
        point.attributes.append(KeyValue(key="Dimensions", value=AnyValue(kvlist_value={"values": pairs})))
        return point
    for key, label in [*named.items(), *dimensions.items()]:
        # field 1, which 1.0 left free: StringKeyValue, of which InstrumentationScope has the fields
        labels = io.BytesIO(b"\x0a")
        labels.seek(1)
        serialize_length_prefixed(InstrumentationScope(name=key, version=label), labels)
        point.MergeFromString(labels.getvalue())
    return point


def resource_of(record: Record) -> Resource:
    region, account = record["region"], record["account_id"]
    arn = f"arn:aws:cloudwatch:{region}:{account}:metric-stream/{record['metric_stream_name']}"
    attributes = {"cloud.provider": "aws", "cloud.account.id": account, "cloud.region": region, "aws.exporter.arn": arn}
    return Resource(attributes=[text(key, value) for key, value in attributes.items()])


def message_of(records: Iterable[Record], version: str = "1.0") -> ExportMetricsServiceRequest:
    """A message of records: a resource for each row of one origin, and a metric for each row of one metric."""
    request = ExportMetricsServiceRequest()
    for _, one_origin in groupby(records, lambda r: (r["metric_stream_name"], r["account_id"], r["region"])):
        resource = None
        for (namespace, name, unit), group in groupby(
            one_origin, lambda r: (r["namespace"], r["metric_name"], r["unit"])
        ):
            points = list(group)
            if resource is None:
                resource = request.resource_metrics.add(resource=resource_of(points[0]))
                scope = resource.scope_metrics.add()
            metric = Metric(name=f"amazonaws.com/{namespace}/{name}", unit=UNITS[unit])
            metric.summary.data_points.extend(point_of(point, version) for point in points)
            scope.metrics.append(metric)
    return request


def file_of(*messages: ExportMetricsServiceRequest) -> bytes:
    file = io.BytesIO()
    for message in messages:
        serialize_length_prefixed(message, file)
    return file.getvalue()


def landed(home: TestHome) -> Landed:
    """Land the stream; every file's counts add up."""
    result = home.land()[SOURCE]
    with home.ledger() as ledger:
        assert ledger.files_that_do_not_add_up(SOURCE) == []
    return result
