"""Odd and damaged files that only metric streams have."""

from typing import Any

import orjson

from touchstone.sample.oddities import Layout, concatenated, gzipped, insert

Record = dict[str, Any]


def strange(name: str, *values: object) -> Layout:
    """A file in which the first record appears with other values of a field, too; without values, without it."""

    def layout(lines: list[str]) -> bytes:
        record: Record = orjson.loads(lines[0])
        rest = {key: value for key, value in record.items() if key != name}
        changed = [{**rest, name: value} for value in values] or [rest]
        return insert(lines, *map(orjson.dumps, changed))

    return layout


FORMATS: dict[str, Layout] = {
    # As Firehose names and writes objects: no extension, and nothing between records.
    "firehose-object": lambda lines: gzipped(concatenated(lines)),
}
DAMAGE: dict[str, Layout] = {
    "no-timestamp.ndjson.gz": strange("timestamp"),
    # The distant future, the distant past, microseconds, words, nothing.
    "absurd-timestamps.ndjson.gz": strange(
        "timestamp", 253402300799000, -62135596800000, 1769990400000000, "soon", "", None
    ),
    "no-namespace.ndjson.gz": strange("namespace"),
    "no-metric-name.ndjson.gz": strange("metric_name", None),
}
