"""Finds a stream's records in their carriers: notifications, queues, log subscriptions and loaders' rows.

Carriers are opened recursively, by the names of their members and by their content, until an object has the signature
of the stream.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from touchstone.landing import metric_data, opentelemetry
from touchstone.landing.formats import HEAD_BYTES, format_of
from touchstone.landing.normalise import decoder, parse
from touchstone.landing.shapes import normalized_name

_MAX_DEPTH = 24
# The largest inflated content of one document, in bytes.
_MAX_INFLATED = 64 * 2**20
_SEPARATOR = re.compile(r"__|\.|_")
_FLATTENED = re.compile(r"__|\.")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}\s*")
_KIND = re.compile(r"[A-Za-z0-9 _.:/()-]{1,80}")

# Members that hold records, or further carriers, by their normalized_name names.
_CARRIERS = frozenset(
    normalized_name(name)
    for name in (
        # SNS, SQS, EventBridge, Lambda and its destinations, API Gateway, Kinesis, Firehose
        *("Message", "Messages", "Sns", "Records", "body", "detail", "requestPayload", "responsePayload"),
        *("kinesis", "data", "rawData", "event"),
        # CloudWatch Logs and its exports
        *("awslogs", "logEvents", "events", "log"),
        # answers of APIs, and webhooks
        *("items", "Item", "event-data", "payload", "content", "JourneyResponse", "JourneysResponse"),
        *("ApplicationSettingsResource", "JourneyRunsResponse", "JourneyExecutionMetricsResponse"),
        *("JourneyExecutionActivityMetricsResponse", "JourneyRunExecutionMetricsResponse"),
        "JourneyRunExecutionActivityMetricsResponse",
        # loaders, queues and stores: Airbyte, Singer, Debezium, Elasticsearch, Splunk, Cloud Logging
        *("_airbyte_data", "record", "after", "value", "_source", "hits", "result", "_raw"),
        *("jsonPayload", "textPayload"),
    )
)
_SINGER = {"SCHEMA", "STATE", "ACTIVATE_VERSION", "BATCH"}
_AIRBYTE = {"STATE", "LOG", "TRACE", "SPEC", "CATALOG", "CONNECTION_STATUS", "CONTROL"}

Signature = tuple[tuple[str, ...], ...]
Route = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Record:
    """An object with the stream's signature and the facts that it inherits from its carriers."""

    value: dict[str, Any]


@dataclass(frozen=True)
class Control:
    """A control record of a carrier, which is ignored and counted by kind."""

    kind: str
    text: str


@dataclass(frozen=True)
class Refusal:
    """An object that is not a record of the stream; the quarantine keeps `text`."""

    reason: str
    text: str


Item = Record | Control | Refusal


@lru_cache(4096)
def _first_part(name: str) -> str:
    """The first part of a flattened name."""
    return name if name.startswith(("_", ".")) else _SEPARATOR.split(name, maxsplit=1)[0]


def shows(signature: Signature, value: Mapping[str, Any]) -> bool:
    """Whether an object has all names of one of the alternatives, and lacks those with a `!`."""
    return _alternative(signature, tuple(value)) is not None


@lru_cache(4096)
def _alternative(signature: Signature, of_object: tuple[str, ...]) -> tuple[str, ...] | None:
    """The first alternative that an object with these names matches."""
    names = {normalized_name(name) for name in of_object}
    names |= {normalized_name(_first_part(name)) for name in of_object}
    for alternative in signature:
        if all((normalized_name(name.removeprefix("!")) in names) != name.startswith("!") for name in alternative):
            return alternative
    return None


class Unwrapper:
    """Unwrapper of one stream. `signatures` of all streams let it name another stream's records."""

    def __init__(
        self,
        source: str,
        signatures: Mapping[str, Signature],
        inherit: Sequence[str] = (),
        event_source: str | None = None,
    ) -> None:
        self._source = source
        self._signature = signatures[source]
        self._others = {other: signature for other, signature in signatures.items() if other != source}
        self._inherit = {normalized_name(name): name for name in inherit}
        self._event_source = event_source
        self._bytes_left = 0

    def shows(self, value: Mapping[str, Any]) -> bool:
        """Whether an object is a record of the stream; not if it carries one with the same signature."""
        shown = _alternative(self._signature, tuple(value))
        return shown is not None and not any(
            isinstance(child, dict) and normalized_name(name) in _CARRIERS and shows((shown,), child)
            for name, child in value.items()
        )

    def items(self, document: Any) -> list[Item]:
        """All items of a document; none for an empty page."""
        self._bytes_left = _MAX_INFLATED
        opened = self._open(document, {}, 0)
        return [Refusal(NO_OBJECT, _text(document))] if opened is None else opened

    def route(self, document: Any) -> Route | None:
        """The steps to the first record, or None: (each,), (text,), (base64,), or (name, a member's name, ...) with the
        names of the inherited facts there, each as spelled and as declared.

        The route is empty if the document is a record.
        """
        self._bytes_left = _MAX_INFLATED
        return self._route_to(document, (), 0)

    def _route_to(self, value: Any, way: Route, depth: int) -> Route | None:
        if depth > _MAX_DEPTH:
            return None
        if isinstance(value, dict):
            if self.shows(value):
                return way
            facts = [
                part for n in value if (declared := self._inherit.get(normalized_name(n))) for part in (n, declared)
            ]
            for name, child in value.items():
                if normalized_name(name) in _CARRIERS:
                    found = self._route_to(child, (*way, ("name", name, *facts)), depth + 1)
                    if found is not None:
                        return found
        elif isinstance(value, list) and value:
            return self._route_to(value[0], (*way, ("each",)), depth + 1)
        elif isinstance(value, str):
            for step, text in (("text", value), ("base64", _json_in(self._content(value) or b""))):
                try:
                    inner = parse(text) if text and text.lstrip()[:1] in ("{", "[") else None
                except ValueError:
                    inner = None
                if inner is not None:
                    return self._route_to(inner, (*way, (step,)), depth + 1)
        return None

    def _open(self, value: Any, inherited: dict[str, Any], depth: int) -> list[Item] | None:
        """The items in a value; None if it is not a carrier."""
        if depth > _MAX_DEPTH:
            return [Refusal("carriers in carriers, too deep to open; unwrap the records", _text(value))]
        if isinstance(value, dict):
            return self._object(value, inherited, depth)
        if isinstance(value, list):
            opened = [self._open(item, inherited, depth + 1) for item in value]
            if value and all(items is None for items in opened):
                return None
            return [
                item
                for child, items in zip(value, opened, strict=True)
                for item in ([Refusal(NO_OBJECT, _text(child))] if items is None else items)
            ]
        return self._text_items(value, inherited, depth) if isinstance(value, str) else None

    def _object(self, value: dict[str, Any], inherited: dict[str, Any], depth: int) -> list[Item]:
        if self.shows(value):
            said = {normalized_name(name) for name, fact in value.items() if fact is not None}
            facts = {name: fact for name, fact in inherited.items() if normalized_name(name) not in said}
            return [Record({**value, **facts} if facts else value)]
        if (kind := _control(value)) is not None:
            return [Control(kind, _text(value))]
        if value.keys() >= metric_data.PARTS and self._source == metric_data.SOURCE:
            found = metric_data.records(value)
            return [Refusal(reason, _text(item)) if reason else Record(item) for item, reason in found]
        facts = {
            self._inherit[normalized_name(n)]: fact for n, fact in value.items() if normalized_name(n) in self._inherit
        }
        inherited = {**inherited, **facts}
        members = _unflattened(value).items()
        carried = [self._open(child, inherited, depth + 1) for n, child in members if normalized_name(n) in _CARRIERS]
        opened = [items for items in carried if items is not None]
        if any(not isinstance(item, Refusal) for items in opened for item in items):
            # objects without records beside a carrier of records belong to the envelope
            return [item for items in opened if not _are_refusals(items) for item in items]
        if (kind := self._event_kind(value)) is not None:
            return [Control(kind, _text(value))]
        if (kind := _log_line(value)) is not None:
            return [Control(kind, _text(value))]
        named = self._known_kind(value)
        if named is None and opened and not any(opened):
            return []  # a page without records
        inner = [item for items in opened for item in items]
        if named is None:
            known = [item for item in inner if isinstance(item, Refusal) and item.reason != self._no_record]
            named = known[0].reason if known else self._no_record
        return [Refusal(named, _text(value))]

    def _text_items(self, text: str, inherited: dict[str, Any], depth: int) -> list[Item] | None:
        """The items in a text: JSON, a log line that ends in JSON, or base64 of JSON or OpenTelemetry."""
        if text.startswith("Successfully validated SNS topic"):
            return [Control("topicvalidation", text)]
        start = text.find("{")
        if text.lstrip()[:1] in ("{", "["):
            return self._documents(text, inherited, depth)
        if start < 0 and (content := self._content(text)):
            if format_of(content[:HEAD_BYTES]) == "opentelemetry":
                return self._datapoints(content, inherited, depth)
            return self._documents(inner, inherited, depth) if (inner := _json_in(content)) else None
        if start < 0:
            return None
        items = self._documents(text[start:], inherited, depth)
        # the text around the record belongs to the log
        return [item for item in items if isinstance(item, Record)] or None

    def _documents(self, text: str, inherited: dict[str, Any], depth: int) -> list[Item]:
        """The items of one or several JSON documents, with any white space between them."""
        items: list[Item] = []
        at = 0
        while (at := _after_space(text, at)) < len(text):
            try:
                value, end = decoder.raw_decode(text, at)
            except (ValueError, RecursionError):
                end = text.find("\n{", at + 1)
                end = len(text) if end < 0 else end + 1
                items.append(Refusal("a text inside it that is no JSON; write the whole record", text[at:end]))
            else:
                opened = self._open(value, inherited, depth + 1)
                items += [Refusal(NO_OBJECT, _text(value))] if opened is None else opened
            at = end
        return items

    def _datapoints(self, messages: bytes, inherited: dict[str, Any], depth: int) -> list[Item]:
        """The items in messages of OpenTelemetry."""
        items: list[Item] = []
        for _, text, error in opentelemetry.records(messages):
            items += [Refusal(error, text)] if error else self._object(json.loads(text), inherited, depth + 1)
        return items

    def _content(self, text: str) -> bytes | None:
        """The bytes in base64, inflated if they are gzip."""
        if not _BASE64.fullmatch(text):
            return None
        plain = text.strip().rstrip("=").replace("-", "+").replace("_", "/")
        try:
            data = base64.b64decode(plain + "=" * (-len(plain) % 4))
            if data.startswith(b"\x1f\x8b"):
                data = zlib.decompressobj(wbits=31).decompress(data, self._bytes_left)
        except (binascii.Error, zlib.error, ValueError):
            return None
        self._bytes_left = max(self._bytes_left - len(data), 1)
        return data

    def _event_kind(self, value: dict[str, Any]) -> str | None:
        """The kind of an event of the stream's service that is not one of its records."""
        kind = value.get("detail-type")
        if self._event_source is None or value.get("source") != self._event_source or "detail" not in value:
            return None
        return kind if isinstance(kind, str) and _KIND.fullmatch(kind) else "event of another kind"

    @property
    def _no_record(self) -> str:
        alternatives = " or ".join(
            " and ".join(name for name in names if not name.startswith("!")) for names in self._signature
        )
        return f"nothing in it shows a record of {self._source}, which has {alternatives}"

    def _known_kind(self, value: dict[str, Any]) -> str | None:
        """The reason for an object of a known kind, with the remedy."""
        names = set(value)
        request = value.get("request")
        if isinstance(request, dict) and "version" in names and names & {"context", "session"}:
            if str(request.get("type", "")).startswith("AlexaSkillEvent."):
                return _of_stream("alexa/skill_events")
            return "a raw skill envelope: write it as docs/alexa-request-log.md says"
        for shape, reason in _FOREIGN.items():
            if set(shape) <= names:
                return reason
        for other, signature in self._others.items():
            if shows(signature, value):
                return _of_stream(other)
        if names & {"message", "Message", "error", "errors", "errorMessage", "__type"} and names <= _OF_ERRORS:
            return "an error answer, not a record; ask again"
        if {"detail-type", "source", "detail"} <= names:
            return f"an EventBridge event of another service; {self._source} has none of it"
        return None


NO_OBJECT = "not a JSON object; write one object for each record"
_FOREIGN = {
    tuple(metric_data.PARTS): f"an answer of GetMetricData; put it into inbox/{metric_data.SOURCE}",
    ("MetricDataResults",): "an answer of GetMetricData without its queries; write both as docs/extracts.md says",
    ("Datapoints", "Label"): "an answer of GetMetricStatistics; ask GetMetricData",
    ("resourceMetrics",): "an OpenTelemetry metric stream; set the stream's output format to JSON",
    ("resourceLogs",): "OpenTelemetry logs; export the records themselves",
    ("resourceSpans",): "OpenTelemetry traces; export the records themselves",
}
_OF_ERRORS = {
    *("message", "Message", "error", "errors", "errorMessage", "errorType", "__type", "code", "Code", "status"),
    *("statusCode", "violations", "requestId", "RequestID", "stackTrace", "type", "error_description", "trace"),
}


def _unflattened(value: dict[str, Any]) -> dict[str, Any]:
    """An object with its flattened carriers nested again."""
    result: dict[str, Any] = {}
    for name, child in value.items():
        carrier, rest = (*_FLATTENED.split(name, maxsplit=1), name)[:2]
        if rest != name and carrier not in value and normalized_name(carrier) in _CARRIERS:
            result.setdefault(carrier, {})[rest] = child
        else:
            result[name] = child
    return result


def _of_stream(source: str) -> str:
    return f"a record of {source}; put it into inbox/{source}"


def _json_in(content: bytes) -> str | None:
    """The text of bytes, if it may be JSON."""
    try:
        text = content.decode()
    except ValueError:
        return None
    return text if text.lstrip()[:1] in ("{", "[") else None


def _are_refusals(items: list[Item]) -> bool:
    return all(isinstance(item, Refusal) for item in items)


def _control(value: dict[str, Any]) -> str | None:
    """The kind of a control record of queues, streams and loaders."""
    kind = value.get("Type")
    if kind in ("SubscriptionConfirmation", "UnsubscribeConfirmation") and {"TopicArn", "Token"} & set(value):
        return str(kind).lower()
    if value.get("messageType") == "CONTROL_MESSAGE":
        return "CloudWatch Logs control message"
    kind = value.get("type")
    if not isinstance(kind, str):
        return None
    if kind in _SINGER and ("stream" in value or "value" in value):
        return f"Singer {kind}"
    if kind in _AIRBYTE and normalized_name(kind) in {normalized_name(name) for name in value}:
        return f"Airbyte {kind}"
    if kind.startswith("platform.") and "record" in value:
        return "Lambda platform event"
    return None


def _log_line(value: dict[str, Any]) -> str | None:
    """The kind of a log line without a record."""
    if isinstance(value.get("message"), str) and "timestamp" in value and {"id", "level", "ingestionTime"} & set(value):
        return "log line"
    return None


def _after_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n,":
        at += 1
    return at


def _text(value: Any) -> str:
    return json.dumps(value)
