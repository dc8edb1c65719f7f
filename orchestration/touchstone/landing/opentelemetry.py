"""CloudWatch metric streams in OpenTelemetry: each datapoint as the JSON record that the stream would write of it.

A file is a row of ExportMetricsServiceRequest messages, each after its length. One message class reads 1.0 and 0.7,
as they differ in one field. What CloudWatch writes is in its user guide, under "Translations with OpenTelemetry 1.0.0
format" and "... 0.7.0 format": https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-metric-streams-formats.html
"""

from __future__ import annotations

import json
import math
import mmap
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.proto import parse_length_prefixed
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.resource.v1 import resource_pb2

_LENGTH = rb"[\x80-\xff]{0,4}[\x01-\x7f]"
# A message's length, and then its first resource, that one's first attribute, and the name of that.
BEGINNING = re.compile(_LENGTH + rb"(?:\x0a" + _LENGTH + rb"){3}\x0a")
_ANY_BEGINNING = re.compile(rb"(?=" + BEGINNING.pattern + rb")")
# How much of a damaged message is kept.
_KEPT = 4096

_PROVIDER, _ACCOUNT, _REGION, _STREAM = "cloud.provider", "cloud.account.id", "cloud.region", "aws.exporter.arn"
_ARN = re.compile(r"arn:[^:]+:cloudwatch:[^:]*:[^:]*:metric-stream/(.+)")
_NAMESPACE, _METRIC, _DIMENSIONS = "Namespace", "MetricName", "Dimensions"
_UNITS = {
    "s": "Seconds",
    "us": "Microseconds",
    "ms": "Milliseconds",
    "by": "Bytes",
    "kby": "Kilobytes",
    "mby": "Megabytes",
    "gby": "Gigabytes",
    "tby": "Terabytes",
    "bit": "Bits",
    "kbit": "Kilobits",
    "mbit": "Megabits",
    "gbit": "Gigabits",
    "tbit": "Terabits",
    "%": "Percent",
    "{count}": "Count",
    "1": "None",
}
_NOT_CLOUDWATCH = "it isn't of a CloudWatch metric stream; remove it, or export these records as JSON"

# Filename, offset of the message, number of the datapoint in the file, the record as JSON, and the error in its place.
Document = tuple[str, int, int, str, str | None]
# Offset of the message, the record as JSON, and the error in its place.
Found = tuple[int, str, str | None]


class _Foreign(Exception):
    """What CloudWatch doesn't write; the message says what, without its content."""


def documents(path: Path) -> Iterator[Document]:
    """Each datapoint of an uncompressed file; what is damaged or not CloudWatch's has an error."""
    name = str(path)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for number, (offset, text, error) in enumerate(_found(content), 1):
            yield name, offset, number, text, error


def records(content: bytes) -> Iterator[Found]:
    """Each datapoint of messages in memory, as `documents` has those of a file."""
    with mmap.mmap(-1, len(content)) as memory:
        memory[:] = content
        yield from _found(memory)


def _found(content: mmap.mmap) -> Iterator[Found]:
    for offset, message in _messages(content):
        for text, error in [_damaged(message)] if isinstance(message, bytes) else _records(message):
            yield offset, text, error


def _classes() -> tuple[Any, Any]:
    """ExportMetricsServiceRequest of 1.0, with the labels of 0.7 in the field that 1.0 left free; and that of a label.

    A datapoint's labels and attributes stay bytes: datapoints of a metric repeat them, so that few have to be parsed.
    """
    pool = DescriptorPool()
    for module in (common_pb2, resource_pb2, metrics_pb2, metrics_service_pb2):
        file = FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(file)
        if module is metrics_pb2:
            label = file.message_type.add(name="StringKeyValue")
            point = next(message for message in file.message_type if message.name == "SummaryDataPoint")
            del point.reserved_range[:]
            attributes = next(field for field in point.field if field.name == "attributes")
            attributes.type = FieldDescriptorProto.TYPE_BYTES
            attributes.ClearField("type_name")
            point.field.add(name="labels", number=1, type=attributes.type, label=attributes.label)
            for number, field in enumerate(("key", "value"), 1):
                label.field.add(
                    name=field,
                    number=number,
                    type=FieldDescriptorProto.TYPE_STRING,
                    label=FieldDescriptorProto.LABEL_OPTIONAL,
                )
        pool.Add(file)

    def named(name: str) -> Any:
        return GetMessageClass(pool.FindMessageTypeByName(f"opentelemetry.proto.{name}"))

    return named("collector.metrics.v1.ExportMetricsServiceRequest"), named("metrics.v1.StringKeyValue")


_REQUEST, _LABEL = _classes()


def _messages(content: mmap.mmap) -> Iterator[tuple[int, Any]]:
    """The messages with their offsets; bytes for what is none, up to the next message."""
    message = lru_cache(4)(lambda at: _message(content, at))

    def following(at: int) -> int:
        """Where the next message begins, or the end."""
        begins = (match.start() for match in _ANY_BEGINNING.finditer(content, at + 1))
        return next((begin for begin in begins if message(begin)), len(content))

    at = 0
    while at < len(content):
        if found := message(at):
            request, end = found
            # The length of a message that was cut may reach into the next one: protobuf can make a wrong number of that
            if end == len(content) or message(end) or following(at) >= end:
                yield at, request
                at = end
                continue
        begin = following(at)
        # Firehose can write a line break after each of its records
        if content[at:begin].strip():
            yield at, content[at : min(begin, at + _KEPT)]
        at = begin


def _message(content: mmap.mmap, at: int) -> tuple[Any, int] | None:
    """The message at an offset, and where it ends; None if there is none."""
    if not BEGINNING.match(content, at):
        return None
    content.seek(at)
    try:
        return parse_length_prefixed(_REQUEST, content), content.tell()
    except (DecodeError, ValueError):
        return None


def _damaged(message: bytes) -> tuple[str, str]:
    return message.decode("utf-8", "backslashreplace"), (
        "a message that is cut or damaged, or none of OpenTelemetry's metrics; fetch the file again"
    )


def _records(request: Any) -> Iterator[tuple[str, str | None]]:
    """The records of a message; for what is foreign, OpenTelemetry's JSON, which never lands, and the error."""
    for resource in request.resource_metrics:
        try:
            origin = _origin(resource.resource)
        except _Foreign as foreign:
            yield MessageToJson(resource.resource, indent=None), f"{foreign}: {_NOT_CLOUDWATCH}"
            continue
        for metric in (metric for scope in resource.scope_metrics for metric in scope.metrics):
            try:
                if metric.WhichOneof("data") != "summary":
                    raise _Foreign("an OpenTelemetry metric that is no summary")
                unit = _unit(metric.unit)
            except _Foreign as foreign:
                yield MessageToJson(metric, indent=None), f"{foreign}: {_NOT_CLOUDWATCH}"
                continue
            for point in metric.summary.data_points:
                try:
                    series = _series(tuple(point.labels), tuple(point.attributes))
                    yield f"{{{origin}{series}{_values(point)}{unit}}}", None
                except _Foreign as foreign:
                    yield MessageToJson(point, indent=None), f"{foreign}: {_NOT_CLOUDWATCH}"


def _origin(resource: Any) -> str:
    """Members of a record: stream, account and region."""
    attributes = {attribute.key: attribute.value for attribute in resource.attributes}
    texts = {name: _text(attributes.pop(name, None), name) for name in (_PROVIDER, _ACCOUNT, _REGION, _STREAM)}
    if texts[_PROVIDER] != "aws":
        raise _Foreign(f"another {_PROVIDER} than aws")
    if not (stream := _ARN.fullmatch(texts[_STREAM])):
        raise _Foreign(f"an {_STREAM} that is no metric stream's")
    named = {"metric_stream_name": stream[1], "account_id": texts[_ACCOUNT], "region": texts[_REGION]}
    return _members(
        named | {f"resource.{name}": MessageToJson(value, indent=None) for name, value in attributes.items()}
    )


@lru_cache(2**16)
def _series(labels: Sequence[bytes], attributes: Sequence[bytes]) -> str:
    """Members of a record: namespace, metric and dimensions, by the labels of 0.7 or the attributes of 1.0."""
    try:
        if labels and not attributes:
            return _series_of_labels([_LABEL.FromString(label) for label in labels])
        found = [common_pb2.KeyValue.FromString(attribute) for attribute in attributes]
    except DecodeError:
        raise _Foreign("attributes that can't be read") from None
    if labels:
        raise _Foreign("both labels and attributes")
    values = {attribute.key: attribute.value for attribute in found}
    namespace, metric = (_text(values.pop(name, None), name) for name in (_NAMESPACE, _METRIC))
    dimensions = values.pop(_DIMENSIONS, None)
    if dimensions is not None and dimensions.WhichOneof("value") != "kvlist_value":
        raise _Foreign(f"an attribute {_DIMENSIONS} that is no list of names and values")
    pairs = dimensions.kvlist_value.values if dimensions is not None else ()
    named = {
        "namespace": namespace,
        "metric_name": metric,
        "dimensions": {pair.key: _text(pair.value, f"{_DIMENSIONS}.*") for pair in pairs},
    }
    return _members(named | {f"attribute.{name}": MessageToJson(value, indent=None) for name, value in values.items()})


def _series_of_labels(labels: Sequence[Any]) -> str:
    """Namespace and metric come first; a dimension may have one of these names."""
    pairs = [(label.key, label.value) for label in labels]
    named = {}
    for member, name in (("namespace", _NAMESPACE), ("metric_name", _METRIC)):
        pair = next((pair for pair in pairs if pair[0] == name), None)
        if not pair:
            raise _Foreign(f"no attribute {name}")
        pairs.remove(pair)
        named[member] = pair[1]
    return _members(named | {"dimensions": dict(pairs)})


def _text(value: Any, name: str) -> str:
    if value is None or value.WhichOneof("value") != "string_value":
        raise _Foreign(f"no attribute {name}" if value is None else f"an attribute {name} that is no text")
    return str(value.string_value)


def _members(named: dict[str, Any]) -> str:
    return json.dumps(named, ensure_ascii=False)[1:-1] + ", "


def _values(point: Any) -> str:
    """Members of a record: the start of the period, and the statistics."""
    statistics: dict[str, float] = {}
    for at in point.quantile_values:
        if statistics.setdefault(_statistic(at.quantile), at.value) != at.value:
            raise _Foreign("a quantile twice, with different values")
    # JSON's order of them, so that the record is the same text
    ends = {name: statistics.pop(name) for name in ("max", "min") if name in statistics}
    named = ends | {"sum": point.sum, "count": float(point.count)} | statistics
    value = ", ".join([f'"{name}": {_number(number)}' for name, number in named.items()])
    nanoseconds = point.start_time_unix_nano
    milliseconds, rest = divmod(nanoseconds, 1_000_000)
    # a period that states no start has no time, and is quarantined
    timestamp = f'"timestamp": {nanoseconds if rest else milliseconds}, ' if nanoseconds else ""
    return f'{timestamp}"value": {{{value}}}'


@lru_cache(2**10)
def _statistic(quantile: float) -> str:
    """CloudWatch's name: p99.9 for 0.999. OpenTelemetry has no other statistics."""
    if quantile in (0, 1):
        return "max" if quantile else "min"
    if not 0 < quantile < 1:
        raise _Foreign("a quantile that is not from 0 to 1")
    # CloudWatch takes ten decimals; more are a float's
    return f"p{100 * quantile:.10f}".rstrip("0").rstrip(".")


def _number(number: float) -> str:
    """JSON has no infinity or NaN: landing refuses them as text."""
    return repr(number) if math.isfinite(number) else f'"{number}"'


@lru_cache(2**10)
def _unit(unit: str) -> str:
    """The member of a record, as CloudWatch names the unit: Bytes/Second for By/s."""
    if not unit:
        return ""
    plain = unit.lower()
    rate = plain.removesuffix("/s")
    if rate not in _UNITS:
        raise _Foreign("a unit that CloudWatch has not")
    return f', "unit": "{_UNITS[rate]}{"/Second" if rate != plain else ""}"'
