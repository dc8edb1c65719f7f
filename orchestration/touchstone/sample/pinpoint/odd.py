"""Odd and damaged files that only streams of Firehose have: its objects, and records passing through a Lambda."""

from base64 import b64encode
from typing import Any

import orjson

from touchstone.sample.oddities import Layout, concatenated, gzipped, insert, plain

Record = dict[str, Any]


def mixed(lines: list[str]) -> bytes:
    """Newlines after some records, nothing after others."""
    return "".join(f"{line}{'' if number % 3 else chr(10)}" for number, line in enumerate(lines)).encode()


def passed(lines: list[str], **more: object) -> list[Record]:
    """The records that Firehose exchanges with a Lambda: each as base64, mostly with its newline."""
    return [
        {
            "recordId": f"4960{number:052}",
            **more,
            "data": b64encode(f"{line}{chr(10) * (number % 5 > 0)}".encode()).decode(),
        }
        for number, line in enumerate(lines)
    ]


def request(lines: list[str]) -> bytes:
    """What the Lambda is called with."""
    return orjson.dumps(
        {
            "invocationId": "00000000-0000-4000-8000-00000000f1fe",
            "deliveryStreamArn": "arn:aws:firehose:us-east-1:300000000001:deliverystream/pinpoint-events",
            "region": "us-east-1",
            "records": passed(lines, approximateArrivalTimestamp=1769990400000),
        }
    )


def response(lines: list[str]) -> bytes:
    """What it answers."""
    return orjson.dumps({"records": passed(lines, result="Ok")})


def responses(lines: list[str]) -> bytes:
    """An answer a line, of up to five records each."""
    return plain([response(lines[first : first + 5]).decode() for first in range(0, len(lines), 5)])


def spoilt_response(lines: list[str]) -> bytes:
    """An answer in which some records are none: no base64, no JSON, nothing."""
    records = passed(lines, result="Ok")
    spoilt = [{**records[0], "data": data} for data in ("%%%", b64encode(b'{"event_type": ').decode(), "", None)]
    return orjson.dumps({"records": [*records, *spoilt]})


def strange(*names: str, values: tuple[object, ...] = ()) -> Layout:
    """A file in which the first record appears with other values of fields, too; without values, without them."""

    def layout(lines: list[str]) -> bytes:
        record: Record = orjson.loads(lines[0])
        rest = {key: value for key, value in record.items() if key not in names}
        changed = [{**rest, **dict.fromkeys(names, value)} for value in values] or [rest]
        return insert(lines, *map(orjson.dumps, changed))

    return layout


def failed_delivery(lines: list[str]) -> bytes:
    """What Firehose writes under its error prefix."""
    failed = {
        "attemptsMade": 4,
        "arrivalTimestamp": 1769990400000,
        "errorCode": "Example.Failed",
        "errorMessage": "made up",
        "rawData": b64encode(b"{}").decode(),
    }
    return insert(lines, orjson.dumps(failed))


# As Firehose names and writes objects, with and without extension.
FORMATS: dict[str, Layout] = {
    "firehose-object": lambda lines: gzipped(concatenated(lines)),
    "firehose-object.gz": lambda lines: gzipped(concatenated(lines)),
    "mixed-separators": mixed,
    "mixed-separators.gz": lambda lines: gzipped(mixed(lines)),
}
# Besides, for events of Pinpoint.
TRANSFORMED: dict[str, Layout] = {
    "transformation-request.json": request,
    "transformation-response.json.gz": lambda lines: gzipped(response(lines)),
    "transformation-responses.ndjson.gz": lambda lines: gzipped(responses(lines)),
}
TIMES = ("event_timestamp", "arrival_timestamp")
# The distant future, the distant past, microseconds, words, nothing.
ABSURD: tuple[object, ...] = (253402300799000, -62135596800000, 1769990400000000, "soon", "", None)
DAMAGE: dict[str, Layout] = {
    "no-timestamp.ndjson.gz": strange(*TIMES),
    "absurd-timestamps.ndjson.gz": strange(*TIMES, values=ABSURD),
    "unknown-kinds.ndjson.gz": strange("event_type", values=("", None, "_journey.teleported")),
    "no-application.ndjson.gz": strange("application"),
    "attributes-no-object.ndjson.gz": strange("attributes", values=("none", 7)),
    "spoilt-response.json.gz": lambda lines: gzipped(spoilt_response(lines)),
    "failed-delivery.ndjson.gz": failed_delivery,
}
CONTACT_DAMAGE: dict[str, Layout] = {
    "no-time.ndjson.gz": strange("time"),
    "no-detail.ndjson.gz": strange("detail"),
    "unknown-detail-type.ndjson.gz": strange("detail-type", values=("Something Else", None)),
}
SNAPSHOT_DAMAGE: dict[str, Layout] = {"no-fetched-at.ndjson.gz": strange("fetched_at")}
