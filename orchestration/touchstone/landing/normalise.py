"""Rewrites a record as its stream declares it: one spelling of each name, one type of each value.

Loaders and queues rename, flatten and retype records. A value that can be read in one way only is converted; any other
is refused, with a reason that names the field and never contains its value.
"""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

from touchstone.landing.shapes import MOST_REAL, MOST_WHOLE, Leaf, ListOf, MapOf, Shape, Struct, normalized_name

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_WHOLE = re.compile(r"[+-]?\d+(\.0*)?")
_SEPARATORS = re.compile(r"__|\.")
_FRACTION = re.compile(r"(\.\d{6})\d+")
_WANTED = {
    "text": ("a text", "write it as a text"),
    "integer": ("a whole number", "write it as digits alone"),
    "real": ("a number", "write it as a JSON number"),
    "decimal": ("a number", "write it as a JSON number"),
    "boolean": ("true or false", "write it so"),
    "time": ("a time", "write it as ISO 8601 with its zone, or as a Unix epoch"),
}


class Unreadable(Exception):
    """A record that can't be rewritten as declared; the message is the reason, without any of the record's values.

    `field`: the path of the field that can't be read, if it is one.
    """

    field: str | None = None


class Normaliser:
    """Normaliser of one stream's records.

    `not_happened`: the time that the vendor writes for "never".
    """

    def __init__(self, shape: Struct, known: frozenset[str], not_happened: str | None = None) -> None:
        self._shape = shape
        self._known = frozenset(map(normalized_name, known))
        self._known_inside = tuple(path.removesuffix("*") for path in self._known if path.endswith(".*"))
        self._not_happened = not_happened
        self._undeclared: list[str] = []
        self._unreadable: Unreadable | None = None
        self._is_certain = True
        self._example = False

    def record(self, record: dict[str, Any]) -> tuple[str, list[str], Unreadable | None]:
        """The record as JSON text with declared fields only, the paths of its undeclared fields, and an error.

        If one field can't be read, the text omits it and the error is returned. Raises Unreadable if there is no text.
        """
        self._start(example=False)
        canonical = self._struct(self._shape, record, "", checked=True)
        try:
            text = json.dumps(canonical, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        except ValueError:
            raise Unreadable("a number that is out of range; write it as a text") from None
        return _whole_characters(text), self._undeclared, self._unreadable

    def proves(self, example: dict[str, Any]) -> list[str] | None:
        """Paths of undeclared fields if all records with this one's names and JSON types are as declared, else None.

        The caller checks the values of scalars outside of lists, maps and JSON columns.
        """
        self._start(example=True)
        try:
            self._struct(self._shape, example, "", checked=True)
        except Unreadable:
            return None
        return self._undeclared if self._is_certain else None

    def _is_known(self, path: str) -> bool:
        """Whether the stream declares the field, or an object around it, as not kept."""
        path = normalized_name(path)
        return path in self._known or path.startswith(self._known_inside)

    def _start(self, example: bool) -> None:
        self._undeclared, self._unreadable, self._is_certain, self._example = [], None, True, example

    def _field(self, shape: Shape, value: Any, path: str, checked: bool) -> Any:
        """A field's value; None if it can't be read, with the first such error kept for `record`."""
        try:
            return self._value(shape, value, path, checked)
        except Unreadable as refusal:
            if self._example:
                raise
            if self._unreadable is None:
                self._unreadable = refusal
                refusal.field = path
            return None

    def _value(self, shape: Shape, value: Any, path: str, checked: bool) -> Any:
        """`checked`: whether SQL checks the values of scalars here."""
        if value is None:
            return None
        if isinstance(shape, Leaf):
            return self._leaf(shape, value, path, checked)
        if isinstance(value, str):
            if isinstance(shape, Struct) and shape.bare and self._example:
                return value  # it may stay so
            value = self._parsed(shape, value, path)
        if isinstance(shape, Struct):
            return self._object(shape, value, path, checked)
        if isinstance(shape, ListOf):
            return self._list(shape, value, path)
        return self._map(shape, value, path)

    def _parsed(self, shape: Struct | ListOf | MapOf, text: str, path: str) -> Any:
        """An object, list or map that a loader wrote as text."""
        self._is_certain = False
        stripped = text.strip()
        if not stripped:
            return [] if isinstance(shape, ListOf) else {}
        if stripped[0] in "[{":
            try:
                return parse(stripped)
            except ValueError:
                raise _unreadable(path, "a text that is no JSON", *_wanted(shape)) from None
        return stripped

    def _object(self, shape: Struct, value: Any, path: str, checked: bool) -> Any:
        if isinstance(value, dict):
            return self._struct(shape, value, path, checked)
        self._is_certain = False
        if value == []:
            return {}  # PHP's empty object
        if isinstance(value, str) and shape.bare:
            return {shape.bare: value}
        raise _unreadable(path, _type_of(value), *_wanted(shape))

    def _struct(self, shape: Struct, value: dict[str, Any], path: str, checked: bool) -> dict[str, Any]:
        result: dict[str, Any] = {}
        spread: list[tuple[tuple[str, ...], str | None, Any]] = []
        for name, child in value.items():
            if name in shape.fields:
                self._set(result, name, self._field(shape.fields[name], child, _join(path, name), checked), path)
            elif (declared := shape.by_name.get(normalized_name(name))) is not None:
                self._is_certain = False
                inner = self._field(shape.fields[declared], child, _join(path, declared), True)
                self._set(result, declared, inner, path)
            elif (place := _nested(shape, name)) is not None:
                self._is_certain = False
                spread.append((*place, child))
            elif not self._is_known(_join(path, name)):
                self._undeclared.append(_join(path, name))
        for where, key, child in spread:
            self._spread(shape, result, where, key, child, path)
        return result

    def _spread(
        self, shape: Struct, result: dict[str, Any], where: tuple[str, ...], key: str | None, child: Any, path: str
    ) -> None:
        """Nest a flattened field; `key`: the entry of a map."""
        if child is None:
            return
        inner: Shape = shape
        for name in where[:-1]:
            assert isinstance(inner, Struct)
            inner, path = inner.fields[name], _join(path, name)
            result[name] = {} if result.get(name) is None else result[name]
            result = result[name]
        assert isinstance(inner, Struct)
        last, path_of = inner.fields[where[-1]], _join(path, where[-1])
        if key is None:
            self._set(result, where[-1], self._field(last, child, path_of, True), path)
        else:
            parts = _SEPARATORS.split(key, maxsplit=1)
            if isinstance(last, MapOf) and not isinstance(last.value, Leaf) and len(parts) == 2:
                key, child = parts[0], {parts[1]: child}
            self._set(result, where[-1], self._field(last, {key: child}, path_of, True), path)

    def _set(self, result: dict[str, Any], name: str, value: Any, path: str) -> None:
        """Set a field; a second spelling of it must have the same value."""
        before = result.get(name)
        if before is None:
            result[name] = value
            return
        self._is_certain = False
        if isinstance(before, dict) and isinstance(value, dict):
            for inner, child in value.items():
                self._set(before, inner, child, _join(path, name))
        elif value is not None and value != before:
            raise Unreadable(f"field {_join(path, name)}: two spellings with different values; keep the right one")

    def _list(self, shape: ListOf, value: Any, path: str) -> list[Any]:
        if not isinstance(value, list):
            self._is_certain = False
            # a text with commas may be one value or several
            if (isinstance(value, str) and "," in value) or (isinstance(value, dict) and isinstance(shape.item, Leaf)):
                saw = "a text with commas" if isinstance(value, str) else "an object"
                raise _unreadable(path, saw, *_wanted(shape))
            value = [value]
        return [self._value(shape.item, item, path, False) for item in value]

    def _map(self, shape: MapOf, value: Any, path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            self._is_certain = False
            value = _entries(value, path, *_wanted(shape))
        result: dict[str, Any] = {}
        known = {_plain(key): key for key in shape.keys}
        for key, child in value.items():
            # loaders change a whole name to one case; a mixed-case name is kept: Amazon has InstanceId and Instance ID
            respelled = key in (key.lower(), key.upper())
            name = known.get(_plain(key), key) if respelled else key
            self._is_certain = self._is_certain and name == key
            self._set(result, name, self._value(shape.value, child, f"{path}.*", False), path)
        return result

    def _leaf(self, leaf: Leaf, value: Any, path: str, checked: bool) -> Any:
        if leaf.kind == "any":
            return value
        if self._example and checked and (leaf.kind != "text" or isinstance(value, str | bool | int)):
            # SQL would write a greater number with an exponent
            self._is_certain = self._is_certain and not (
                leaf.kind == "text" and isinstance(value, int) and abs(value) >= 2**63
            )
            return value
        if self._example:
            self._is_certain = self._is_certain and leaf.kind != "time"
        read = _READERS[leaf.kind](self, leaf, value)
        if read is _INVALID:
            wanted, remedy = _WANTED[leaf.kind]
            raise _unreadable(path, _mismatch(leaf.kind, value), wanted, remedy)
        same = leaf.kind == "real" and not isinstance(value, str)  # 3.0 is 3
        if read is not value and not same and (type(read) is not type(value) or read != value):
            self._is_certain = False
        if leaf.words and isinstance(read, str) and read:
            return self._word(leaf, read, path)
        return read

    def _word(self, leaf: Leaf, text: str, path: str) -> str:
        for word in leaf.words:
            if word.lower() == text.strip().lower():
                self._is_certain = self._is_certain and word == text
                return word
        raise Unreadable(
            f"field {path}: another word where one of {', '.join(leaf.words)} is expected; write it as one of these"
        )

    def _text(self, leaf: Leaf, value: Any) -> Any:
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int):
            return str(value)
        if isinstance(value, float) and math.isfinite(value):
            return str(int(value)) if value.is_integer() and abs(value) < 2**63 else repr(value)
        return _INVALID

    def _integer(self, leaf: Leaf, value: Any) -> Any:
        if isinstance(value, str):
            value = value.strip()
            if not value:
                return None
            if not _WHOLE.fullmatch(value):
                return _INVALID
            value = int(Decimal(value))
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            most = MOST_WHOLE if leaf.type == "BIGINT" else 2**31 - 1
            if abs(value) <= most:
                return value
        return _INVALID

    def _real(self, leaf: Leaf, value: Any) -> Any:
        if isinstance(value, str):
            value = value.strip()
            if not value:
                return None
            if not _NUMBER.fullmatch(value):
                return _INVALID
            value = float(value)
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MOST_REAL:
            return int(value) if float(value).is_integer() and abs(value) <= MOST_WHOLE else value
        return _INVALID

    def _decimal(self, leaf: Leaf, value: Any) -> Any:
        """Text without an exponent, with at most the declared digits after the point."""
        if isinstance(value, str) and not value.strip():
            return None
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return _INVALID
        text = str(value).strip()
        if not _NUMBER.fullmatch(text):
            return _INVALID
        number = Decimal(text)
        if abs(number) > MOST_WHOLE:
            return _INVALID
        return f"{number.quantize(Decimal(1).scaleb(-leaf.scale)):f}"

    def _boolean(self, leaf: Leaf, value: Any) -> Any:
        if isinstance(value, bool):
            return value
        if isinstance(value, str):
            text = value.strip().lower()
            return None if not text else {"true": True, "false": False, "1": True, "0": False}.get(text, _INVALID)
        return value == 1 if value in (0, 1) else _INVALID

    def _time(self, leaf: Leaf, value: Any) -> Any:
        if isinstance(value, str) and (not value.strip() or value == self._not_happened):
            return None
        return (_time_text(value) if isinstance(value, str | int | float) else None) or _INVALID


_INVALID = object()
_READERS = {
    "text": Normaliser._text,
    "integer": Normaliser._integer,
    "real": Normaliser._real,
    "decimal": Normaliser._decimal,
    "boolean": Normaliser._boolean,
    "time": Normaliser._time,
}


@lru_cache(2**16)
def _time_text(value: str | int | float) -> str | None:
    """The UTC time of a value, from 2000 to 2100, as ISO 8601, or None. Lists of points repeat their times."""
    time = instant(value)
    if time is None:
        return None
    digits = "microseconds" if time.microsecond % 1000 else "milliseconds" if time.microsecond else "seconds"
    return time.replace(tzinfo=None).isoformat(timespec=digits) + "Z"


def instant(value: Any) -> datetime | None:
    """The UTC time of a value, from 2000 to 2100, or None.

    ISO 8601 (also with a blank for the T, without a zone, or with a blank before it), an e-mail's date, or a Unix epoch
    in seconds, milli-, micro- or nanoseconds, which are distinguished by their size.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value).strip()
    try:
        if _NUMBER.fullmatch(text):
            time = _of_epoch(Decimal(text))
        elif "," in text:
            time = parsedate_to_datetime(text)
        else:
            text = _FRACTION.sub(r"\1", text.removesuffix(" UTC").removesuffix(" GMT"))
            time = datetime.fromisoformat(re.sub(r" (?=[+-]\d\d:?\d\d$|Z$)", "", text))
    except (ValueError, OverflowError, TypeError):
        return None
    if time is None:
        return None
    time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    return time if EARLIEST <= time <= LATEST else None


def _of_epoch(number: Decimal) -> datetime | None:
    for power in (0, 3, 6, 9):
        seconds = number.scaleb(-power)
        if Decimal(946684800) <= seconds <= Decimal(4102444800):
            rounded = number.quantize(Decimal("1e-6"), ROUND_HALF_UP)  # as SQL rounds it
            return _EPOCH + timedelta(microseconds=int(rounded.scaleb(6 - power)))
    return None


def parse(text: str, once: bool = False) -> Any:
    """Parse strict JSON: no NaN, and no name twice in an object with different values, or with `once` twice at all.

    Raises ValueError.
    """
    try:
        return json.loads(text, object_pairs_hook=_once if once else _object, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("its values are nested too deeply") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs) and any(result[name] != value for name, value in pairs):
        raise ValueError("one name twice in an object, with different values")
    return result


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ValueError("one name twice in an object")
    return result


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant)


def _nested(shape: Struct, name: str) -> tuple[tuple[str, ...], str | None] | None:
    """The path of the declared field that a flattened name stands for, and the key if that field is a map."""
    if (path := shape.flattened.get(normalized_name(name.replace(".", "")))) is not None:
        return path, None
    parts = _SEPARATORS.split(name, maxsplit=1)
    if len(parts) == 1 or (declared := shape.by_name.get(normalized_name(parts[0]))) is None:
        return None
    inner = shape.fields[declared]
    if isinstance(inner, MapOf) or (isinstance(inner, Leaf) and inner.kind == "any"):
        return (declared,), parts[1]
    if isinstance(inner, Struct) and (rest := _nested(inner, parts[1])) is not None:
        return (declared, *rest[0]), rest[1]
    return None


def _entries(value: Any, path: str, wanted: str, remedy: str) -> dict[str, Any]:
    """A map from a loader's list of names and values."""
    result: dict[str, Any] = {}
    if isinstance(value, list):
        for item in value:
            entry = {normalized_name(name): child for name, child in item.items()} if isinstance(item, dict) else {}
            key = entry.get("key", entry.get("name"))
            if len(entry) != 2 or not isinstance(key, str) or "value" not in entry or key in result:
                break
            result[key] = entry["value"]
        else:
            return result
    raise _unreadable(path, _type_of(value), wanted, remedy)


@lru_cache(2**12)
def _plain(key: str) -> str:
    return re.sub(r"[^a-z0-9]", "", key.lower())


def _whole_characters(text: str) -> str:
    """Replace halves of surrogate pairs, which are not characters, by U+FFFD."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _wanted(shape: Struct | ListOf | MapOf) -> tuple[str, str]:
    if isinstance(shape, ListOf):
        return "a list", "write it as a JSON list"
    return "an object", "write it as a JSON object"


def _unreadable(path: str, seen: str, wanted: str, remedy: str) -> Unreadable:
    return Unreadable(f"field {path}: {seen} where {wanted} is expected; {remedy}")


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    return "a text" if isinstance(value, str) else "a number"


def _mismatch(kind: str, value: Any) -> str:
    """How a value differs from a scalar of this kind."""
    seen = _type_of(value)
    if seen in ("a text", "a number"):
        if kind == "time":
            return f"{seen} that is no time from 2000 to 2100"
        if kind == "integer" and isinstance(value, float) and not value.is_integer():
            return "a number with a fraction"
        if kind != "boolean" and seen == "a number":
            return "a number that is out of range"
        return f"{seen} that is none"
    return seen
