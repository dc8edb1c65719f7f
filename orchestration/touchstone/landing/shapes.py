"""The shape of a stream's records: its declared types as a tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import cast

import duckdb
from duckdb.sqltypes import DuckDBPyType

# The largest whole and other numbers: sums of any number of records stay in range.
MOST_WHOLE = 10**15
MOST_REAL = 1e18


@lru_cache(4096)
def normalized_name(name: str) -> str:
    """A name in lower case without dashes and underscores, which is equal for all its spellings."""
    return name.lower().replace("-", "").replace("_", "")


@dataclass(frozen=True)
class Leaf:
    """A scalar. `kind`: text, integer, real, decimal, boolean, time, or any, which is JSON of undeclared content.

    `words`: the allowed texts; none: any text. `scale`: digits after the point of a decimal.
    """

    kind: str
    type: str
    scale: int = 0
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class ListOf:
    item: Shape


@dataclass(frozen=True)
class MapOf:
    """A map: any names, values of one shape. `keys`: names whose other spellings are restored."""

    value: Shape
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class Struct:
    """An object of declared fields. `bare`: the field whose value a text in the object's place is."""

    fields: dict[str, Shape]
    bare: str | None = None
    by_name: dict[str, str] = field(init=False, default_factory=dict)
    flattened: dict[str, tuple[str, ...]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.fields:
            assert normalized_name(name) not in self.by_name, (
                f"{name} is {self.by_name[normalized_name(name)]} in another spelling"
            )
            self.by_name[normalized_name(name)] = name
        paths = [path for path in _paths(self) if len(path) > 1]
        names = [normalized_name("".join(path)) for path in paths]
        for name, path in zip(names, paths, strict=True):
            if names.count(name) == 1 and name not in self.by_name:
                self.flattened[name] = path


Shape = Leaf | ListOf | MapOf | Struct


def _paths(struct: Struct) -> Iterator[tuple[str, ...]]:
    for name, shape in struct.fields.items():
        yield (name,)
        if isinstance(shape, Struct):
            yield from ((name, *rest) for rest in _paths(shape))


@dataclass(frozen=True)
class Rules:
    """Declarations of fields beside their types, by dotted path.

    `inner`: types of the content of JSON or text columns, which the lake keeps as JSON or text.
    """

    inner: Mapping[str, str]
    words: Mapping[str, tuple[str, ...]]
    keys: Mapping[str, tuple[str, ...]]
    bare: Mapping[str, str]


def record_shape(types: Mapping[str, DuckDBPyType], rules: Rules) -> Struct:
    """The tree of a record. Raises AssertionError for a rule of no field, and fields that differ in spelling only."""
    unused = {*rules.inner, *rules.words, *rules.keys, *rules.bare}
    shape = Struct({name: _shape(type_, name, rules, unused) for name, type_ in types.items()})
    assert not unused, f"rules of no field: {', '.join(sorted(unused))}"
    return shape


def _shape(type_: DuckDBPyType, path: str, rules: Rules, unused: set[str]) -> Shape:
    if path in rules.inner and str(type_) in ("JSON", "VARCHAR"):
        unused.discard(path)
        return _shape(duckdb.sqltype(rules.inner[path]), path, rules, unused)
    unused -= {path}
    if type_.id == "struct":
        fields = {name: _shape(child, f"{path}.{name}", rules, unused) for name, child in children(type_)}
        return Struct(fields, rules.bare.get(path))
    if type_.id == "list":
        return ListOf(_shape(children(type_)[0][1], path, rules, unused))
    if type_.id == "map":
        return MapOf(_shape(children(type_)[1][1], f"{path}.*", rules, unused), rules.keys.get(path, ()))
    words = rules.words.get(path, ())
    if type_.id == "decimal":
        return Leaf("decimal", str(type_), int(cast(int, type_.children[1][1])), words)
    return Leaf(_KINDS[str(type_)], str(type_), 0, words)


_KINDS = {
    "VARCHAR": "text",
    "JSON": "any",
    "BIGINT": "integer",
    "INTEGER": "integer",
    "DOUBLE": "real",
    "BOOLEAN": "boolean",
    "TIMESTAMP": "time",
}


def children(type_: DuckDBPyType) -> list[tuple[str, DuckDBPyType]]:
    """The fields of a struct, the one child of a list, or key and value of a map."""
    return cast(list[tuple[str, DuckDBPyType]], type_.children)
