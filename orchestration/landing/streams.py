"""The declared streams, read from the dbt sources: columns, envelopes, kinds, event time and dedupe key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import duckdb
import yaml
from duckdb.sqltypes import DuckDBPyType

from orchestration.settings import PROJECT


@dataclass(frozen=True)
class Stream:
    """One `system/stream` of the inbox. SQL expressions are over the declared columns, `event_at`'s
    also over `_kind`, and `key`'s over `_kind` and `_at`, the results of the other two.

    `not_kept`: fields that are known beside the columns, and passed over.
    `unwrap`: JSON paths of envelopes; one that ends in `[*]` holds several records, in `::json` one as text,
    and one that ends in `::base64` several as base64.
    `inherit`: fields of an envelope that its records keep.
    `kind`: the record's kind; None where all records are of one kind. `other_kinds` says what becomes of a kind
    that is neither counted nor ignored by name: quarantined, as it may be a mistake, or ignored.
    `required`: what a record has to say, by name: an expression that is NULL where it doesn't.
    `event_at`: the record's time, a UTC TIMESTAMP, NULL where it has none.
    `key`: a list of text; records with the same key tell the same fact. It may hold `_record`, the JSON text of
    the whole record without white space, where a vendor gives its records no id. `dated_key` says that the UTC date
    of `event_at` is part of it, so that only those days need be searched for an earlier copy.
    """

    system: str
    name: str
    columns: dict[str, str]
    event_at: str
    key: str
    dated_key: bool = True
    not_kept: tuple[str, ...] = ()
    unwrap: tuple[str, ...] = ()
    inherit: tuple[str, ...] = ()
    kind: str | None = None
    counted_kinds: tuple[str, ...] = ()
    ignored_kinds: tuple[str, ...] = ()
    other_kinds: Literal["quarantined", "ignored"] = "quarantined"
    required: dict[str, str] = field(default_factory=dict)

    @property
    def source(self) -> str:
        return f"{self.system}/{self.name}"

    @cached_property
    def envelopes(self) -> dict[str, str]:
        """The fields that hold other records, and the JSON path of each."""
        return {_holder(path): path for path in self.unwrap}

    @cached_property
    def types(self) -> dict[str, DuckDBPyType]:
        return {name: duckdb.sqltype(text) for name, text in self.columns.items()}


def _holder(path: str) -> str:
    """The top-level field that an envelope's path begins with."""
    return path.split("::")[0].split("[*]")[0].removeprefix("$.").strip('"')


def read_streams(staging: Path = PROJECT / "models" / "staging") -> dict[str, Stream]:
    """All streams by `system/stream`, in the order of their files' names."""
    return {
        stream.source: stream
        for path in sorted(staging.glob("*/_*__sources.yml"))
        for stream in _streams_of(yaml.safe_load(path.read_text()))
    }


def _streams_of(document: dict[str, Any]) -> Iterator[Stream]:
    for source in document["sources"]:
        for table in source["tables"]:
            rules = dict(table["config"]["meta"]["landing"])
            for name, value in rules.items():
                if isinstance(value, list):
                    rules[name] = tuple(value)
            columns = {column["name"]: column["data_type"] for column in table["columns"]}
            yield Stream(source["name"], table["name"], columns, **rules)
