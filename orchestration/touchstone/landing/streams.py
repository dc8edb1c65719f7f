"""The declared streams, read from the dbt sources: columns, envelopes, kinds, event time and dedupe key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

import duckdb
import yaml
from duckdb.sqltypes import DuckDBPyType

from touchstone.landing.shapes import Rules, Struct, record_shape
from touchstone.settings import PROJECT


@dataclass(frozen=True)
class Stream:
    """One `system/stream` of the inbox. SQL expressions are over the declared columns, `event_at`'s
    also over `_kind`, and `key`'s over `_kind` and `_at`, the results of the other two.

    `signature`: alternative sets of names that identify a record of the stream; `!` before a name: it is absent.
    `inherit`: fields that a record takes from its carriers if it lacks them itself.
    `event_source`: the EventBridge source whose other events are ignored, and counted by their detail-type.
    `not_kept`: known fields that the lake doesn't keep, by dotted path.
    `inner`: types of the content of JSON columns; content without a type is kept unread.
    `words`: the allowed texts of a field. `map_keys`: names in a map whose other spellings are restored.
    `bare`: the field whose value a text in an object's place is.
    `not_happened`: the time that the vendor writes for "never".
    `kind`: the record's kind; None if all records are of one kind. `other_kinds`: the status of a kind that is neither
    in `counted_kinds` nor in `ignored_kinds`: quarantined, as it may be a mistake, or ignored.
    `required`: required values by name, each an expression that is NULL if the record lacks it.
    `refused`: reasons to quarantine a record, each with its condition.
    `event_at`: the record's time, a UTC TIMESTAMP, NULL if it has none.
    `key`: a list of text, equal for records of the same fact. It may contain `_record`, the values of all declared
    fields, if the vendor gives its records no id. `dated_key`: the UTC date of `event_at` is part of the key, so that
    earlier copies are searched on those days alone.
    `personal`: what is left of a column in a record of a person who was erased, an expression over the columns; the
    macro `hidden` puts a token in the place of a text by which records are told apart.
    `persons`: what is left of a column that names persons once a record is old: tokens, by the macros of
    `persons.create_tokens`, so that what was equal still is.
    """

    system: str
    name: str
    columns: dict[str, str]
    signature: tuple[tuple[str, ...], ...]
    event_at: str
    key: str
    dated_key: bool = True
    inherit: tuple[str, ...] = ()
    event_source: str | None = None
    not_kept: tuple[str, ...] = ()
    inner: dict[str, str] = field(default_factory=dict)
    words: dict[str, tuple[str, ...]] = field(default_factory=dict)
    map_keys: dict[str, tuple[str, ...]] = field(default_factory=dict)
    bare: dict[str, str] = field(default_factory=dict)
    not_happened: str | None = None
    kind: str | None = None
    counted_kinds: tuple[str, ...] = ()
    ignored_kinds: tuple[str, ...] = ()
    other_kinds: Literal["quarantined", "ignored"] = "quarantined"
    required: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    personal: dict[str, str] = field(default_factory=dict)
    persons: dict[str, str] = field(default_factory=dict)

    @property
    def source(self) -> str:
        return f"{self.system}/{self.name}"

    @cached_property
    def types(self) -> dict[str, DuckDBPyType]:
        return {name: duckdb.sqltype(text) for name, text in self.columns.items()}

    @cached_property
    def shape(self) -> Struct:
        return record_shape(self.types, Rules(self.inner, self.words, self.map_keys, self.bare))


def read_streams(staging: Path = PROJECT / "models" / "staging") -> dict[str, Stream]:
    """All streams by `system/stream`, in the order of their files' names."""
    return {
        stream.source: stream
        for path in sorted(staging.glob("*/_*__sources.yml"))
        for stream in _streams_of(_document(path))
    }


def asked_for(source: str, staging: Path = PROJECT / "models" / "staging") -> dict[str, Any]:
    """What a stream's vendor is asked for where its API needs names: `config.meta.fetching` of the stream."""
    system, name = source.split("/")
    (declared,) = _document(staging / system / f"_{system}__sources.yml")["sources"]
    (asked,) = (table["config"]["meta"]["fetching"] for table in declared["tables"] if table["name"] == name)
    return dict(asked)


@cache
def signatures() -> dict[str, tuple[tuple[str, ...], ...]]:
    """The signature of each stream."""
    return {source: stream.signature for source, stream in read_streams().items()}


@cache
def _document(path: Path) -> Any:
    return yaml.load(path.read_text(), yaml.CSafeLoader)


def _streams_of(document: dict[str, Any]) -> Iterator[Stream]:
    for source in document["sources"]:
        for table in source["tables"]:
            rules = {name: _frozen(value) for name, value in table["config"]["meta"]["landing"].items()}
            columns = {column["name"]: column["data_type"] for column in table["columns"]}
            yield Stream(source["name"], table["name"], columns, **rules)


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _frozen(inner) for name, inner in value.items()}
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
