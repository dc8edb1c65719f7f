"""The SQL of landing: casts a stream's records to the declared types, and validates each.

JSON is parsed once, into text; each field is cast to its declared type. A cast that fails determines the record's
status, as a value that silently became NULL would later be a wrong number.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
from duckdb.sqltypes import DuckDBPyType

from touchstone.lake import is_remote
from touchstone.landing.shapes import (
    MOST_REAL,
    MOST_WHOLE,
    Leaf,
    ListOf,
    MapOf,
    Shape,
    Struct,
    children,
    normalized_name,
)
from touchstone.landing.streams import Stream
from touchstone.landing.unwrap import Route


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def files(paths: Iterable[Path | str]) -> str:
    """A list of files for DuckDB; landing named them, so that none is a pattern."""
    return f"[{', '.join(literal(str(path)) for path in paths)}]"


def read_lake(paths: Iterable[str]) -> str:
    """A relation of files of the lake, with the union of their columns and `filename`."""
    return f"read_parquet({files(paths)}, filename = true, union_by_name = true, hive_partitioning = false)"


def write_lake(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> int:
    """Write the rows of a query as a file of the lake, to the disk or store; returns how many they are."""
    row = connection.execute(
        f"copy ({query}) to {literal(str(path))} "
        "(format parquet, compression zstd, compression_level 1, row_group_size 40960)"
    ).fetchone()
    assert row is not None
    if not is_remote(path):  # a store has what it has confirmed
        with path.open("rb") as file:
            os.fsync(file.fileno())
    return int(row[0])


def read_lines(paths: Iterable[Path]) -> str:
    """A relation of the lines of newline-delimited files. The query fails on anything unclean."""
    # Control characters can't occur in JSON unescaped, so this delimiter never splits a line.
    return (
        "select filename, null::bigint as byte_offset, null::bigint as line, line as text, null::varchar as error "
        f"from read_csv({files(paths)}, columns = {{'line': 'varchar'}}, delim = '\x01', quote = '', escape = '', "
        "comment = '', header = false, auto_detect = false, filename = true, compression = 'none')"
    )


@dataclass(frozen=True)
class Routed:
    """A relation of the records in documents.

    `lines`: filename, byte_offset, line, `text` (the record), `original` (the text to keep if there is no record),
    `error`, and columns of JSON: `facts`, which the record inherits, by name, and `carriers`, the names around it, each
    with the facts that were read there. `is_split`: whether a document may hold several records along this route.
    """

    lines: str
    facts: Mapping[str, str] = field(default_factory=dict)
    carriers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    is_split: bool = False


def by_route(lines: str, routes: Sequence[Route]) -> str:
    """Documents (filename, byte_offset, line, text, error) with the place in `routes` of the first that each has.

    One that has none of them has the place of the empty route, which is the last.
    """
    has_route = " ".join(f"when {_has_route(route)} then {place}" for place, route in enumerate(routes[:-1]))
    place = f"case {has_route} else {len(routes) - 1} end" if has_route else "0"
    return f"select *, {place} as place from ({lines})"


def _has_route(route: Route) -> str:
    """SQL: whether a document has the names of the route and its facts, up to a text inside of it."""
    path, paths, last = "$", [], None
    for step, *names in route:
        if step not in ("name", "each"):
            break
        paths += [f"{path}.{quoted(spelled)}" for spelled in names[1::2]]
        path += f".{quoted(names[0])}" if names else "[0]"
        last = names[0] if names else last
    # searching is faster than parsing
    searched = f"contains(text, {literal(json.dumps(last))}) and " if last else ""
    return f"{searched}try(list_bool_and(json_exists(text, {[*paths, path]!r})))"


def routed(lines: str, route: Route) -> Routed:
    """The records in documents (filename, byte_offset, line, text, error) along one route."""
    documents = Routed(f"select *, text as original from ({lines})")
    path: list[str] = []
    facts: dict[str, str] = {}
    for step, *names in (*route, ("object",)):
        if step == "name":
            facts |= {name: _path([*path, spelled]) for spelled, name in zip(names[1::2], names[2::2], strict=True)}
            path.append(names[0])
        elif path or step != "object":
            documents = _inside(documents, path, facts, step)
            path, facts = [], {}
    return documents


def _inside(outer: Routed, path: list[str], facts: Mapping[str, str], step: str) -> Routed:
    """The value at a path: an object, each item of a list, a text of JSON, or base64 of such a text."""
    number = len(outer.carriers)
    carrier = quoted(f"_{number}")
    new = {name: quoted(f"_{number}_{name}") for name in facts}
    around = [_path(path[:depth]) for depth in range(max(len(path), 1))]
    kept = ", ".join(
        [
            f"try(json_keys(text, {around!r})) as {carrier}",
            *(f"try(json_extract(text, {literal(facts[name])})) as {column}" for name, column in new.items()),
        ]
    )
    inherited = {**outer.facts, **new}
    place = literal(_path(path))
    inside, text = f"try(json_extract(text, {place})::varchar)", "inside"
    if step == "each":
        inside = f"unnest(coalesce(nullif(json_extract(text, {literal(f'{_path(path)}[*]')}), []), [null]))::varchar"
        # each item is read alone, with the facts that it inherits
        inherits = "".join(
            f"{literal(json.dumps(name) + ':')} || coalesce({column}::varchar, 'null') || ',' || "
            for name, column in inherited.items()
        )
        text = f"'{{' || {inherits} substr(inside, 2)" if inherits else "inside"
    elif step != "object":
        inner = f"text ->> {place}"
        inside = f"try({f'decode(from_base64({inner}))' if step == 'base64' else inner})"
        # A carrier's texts beside records are often not JSON, for which `try` evaluates rows one by one, slowly.
        text = "case when json_valid(inside) then inside end"
    replaced = f"{text} as text" + (f", {text} as original" if step == "each" else "")
    within = f"select *, {inside} as inside, {kept} from ({outer.lines})"
    lines = f"select * exclude (inside) replace ({replaced}) from ({within})"
    return Routed(lines, inherited, {**outer.carriers, carrier: [*facts]}, outer.is_split or step == "each")


def read(stream: Stream, documents: Routed) -> str:
    """The lines of `documents` with `raw`, all fields of the record as text, and `is_object`, whether there is one."""
    structure = {name: _structure(type_) for name, type_ in stream.types.items()}
    raw = f"try(json_transform(text, {literal(json.dumps(structure))}))"
    lines = f"select *, {raw} as raw, raw is not null as is_object from ({documents.lines})"
    if not documents.facts:
        return lines
    fields = {name: f"raw.{quoted(name)}" for name in structure}
    for name, fact in documents.facts.items():
        fields[name] = f"coalesce({fields[name]}, json_transform({fact}, {literal(json.dumps(structure[name]))}))"
    packed = ", ".join(f"{quoted(name)} := {value}" for name, value in fields.items())
    # No CASE for the lines without an object: it would copy every value.
    return f"select * replace (struct_pack({packed}) as raw) from ({lines})"


def shaped(stream: Stream, documents: Routed) -> str:
    """The columns of `read` and a `shape`, equal for records with equal field names and JSON types; else NULL.

    The shape doesn't depend on the values of scalars, except in lists.
    """
    names, types, structures, texts, of_texts, structures_of_texts = ["$"], [], [], [], [], []
    for label, path, place in _fields_of(stream.shape, "", "$"):
        raw, in_json = f"raw.{'.'.join(map(quoted, label.split('.')))}", _in_json(stream, label)
        structure = f"structure(json_extract(text, {literal(path)}))"
        if isinstance(place, Struct) or (isinstance(place, MapOf) and place.keys):
            names.append(path)
        # the text of any other scalar states its JSON type
        if not isinstance(place, Leaf) or (place.kind == "text" and in_json):
            types.append(path)
        if isinstance(place, ListOf | MapOf) and in_json:
            structures.append(structure)
        elif isinstance(place, ListOf) and isinstance(place.item, Struct):
            names.append(f"{path}[0]")
            differs = _item_may_differ(place.item) if _is_all_text(place.item) else "true"
            structures.append(f"case when len(list_filter({raw}, lambda item: {differs})) > 0 then {structure} end")
        elif isinstance(place, ListOf | MapOf):
            values = raw if isinstance(place, ListOf) else f"map_values({raw})"
            values = f"flatten({values})" if isinstance(place, MapOf) and isinstance(place.value, ListOf) else values
            texts.append(f"array_to_string({values}, chr(1))")
            structures_of_texts.append(structure)
        elif isinstance(place, Leaf) and place.kind == "text" and not in_json:
            texts.append(raw)
            of_texts.append(path)
    structures_of_texts.append(f"json_type(text, {of_texts!r})")
    # how an object, a list, or a whole number with a point looks as text
    may_be_json = r"regexp_matches(texts, '\x01([{\[]|-?[0-9]+[.]0\x01)')"
    parts = [
        f"json_keys(text, {names!r})",
        f"json_type(text, {types!r})",
        *structures,
        *documents.carriers,
        *(f"json_type({fact})" for fact in documents.facts.values()),
        f"case when {may_be_json} then hash({', '.join(structures_of_texts)}) end",
    ]
    shape = f"case when is_object and not is_unread then hash({', '.join(parts)}) end"
    # A split document is read again as a whole, as one of its items lacks the carriers of the others.
    error = "* replace (case when is_unread then 'read with its carriers' else error end as error)"
    columns = error if documents.is_split else "*"
    lines = (
        f"select *, concat_ws(chr(1), '', {', '.join(texts)}, '') as texts, "
        f"{_unread_facts(stream, documents)} as is_unread from ({read(stream, documents)})"
    )
    return f"select {columns}, {shape} as shape from ({lines})"


def _unread_facts(stream: Stream, documents: Routed) -> str:
    """Whether carriers have a fact that the route, determined by another document, doesn't read."""
    conditions = []
    for carrier, facts in documents.carriers.items():
        read_here, inherited = ({normalized_name(name) for name in names} for names in (facts, stream.inherit))
        name = "replace(replace(lower(name), '-', ''), '_', '')"
        if others := sorted(inherited - read_here):
            conditions.append(f"len(list_filter(flatten({carrier}), lambda name: {name} in {(*others, '')!r})) > 0")
        if read_here:
            found = f"list_filter(flatten({carrier}), lambda name: {name} in {(*sorted(read_here), '')!r})"
            conditions.append(f"len({found}) > {len(facts)}")
    return " or ".join(f"coalesce({condition}, false)" for condition in conditions) or "false"


# The columns that `validated` needs, beside `raw`, `is_certain`, `shape` and `is_known_shape`.
_KEPT = "filename, byte_offset, line, original, error"


def of_known_shape(stream: Stream, lines: str, routes: Sequence[Route]) -> str:
    """Lines for `validated`, with the result of the table `shapes` for each document's shape."""
    documents = [
        routed(f"select * exclude (place) from documents where place = {place}", route)
        for place, route in enumerate(routes)
    ]
    shapes = " union all ".join(f"select {_KEPT}, raw, shape from ({shaped(stream, each)})" for each in documents)
    return f"""
    with documents as (
        {by_route(lines, routes)}
    )
    select
        {_KEPT}, raw, null::varchar as control, null::varchar[] as fields,
        shape is not null and (shapes.shape is null or shapes.fields is not null) as is_certain,
        shape, shapes.shape is not null as is_known_shape
    from ({shapes})
    left join shapes using (shape)
    """


def rewritten(stream: Stream, table: str) -> str:
    """Lines for `validated`, of a table of rewritten records; those with `text` are as declared."""
    return f"""
    select
        {_KEPT}, raw, control, fields,
        text is not null as is_certain,
        null::ubigint as shape, true as is_known_shape
    from ({read(stream, Routed(f"from {table}"))})
    """


def validated(stream: Stream, lines: str, final: bool) -> str:
    """The records of `lines`, typed, each with its status.

    `lines`: filename, byte_offset, line, `raw` (the record's fields, or NULL), `original` (the text in the file),
    `error` (why it is not a record), `control` (the kind of a control record), `is_certain` (whether names and JSON
    types are as declared; not yet known unless `is_known_shape`), `shape`, and `fields` (undeclared ones).

    Result: the `validated_columns`; only quarantined records have a `_reason`, and only those that may have to be read
    again a `_text`. Records that are not certainly as declared are 'unproven', or if `final`, 'quarantined'.
    """
    columns = ", ".join(f"{_typed(f'raw.{quoted(n)}', t, stream)} as {quoted(n)}" for n, t in stream.types.items())
    names = ", ".join(quoted(name) for name in stream.columns)
    checks = [*_checks(stream)]
    if final:
        errors = ", ".join(
            f"case when not coalesce({check}, true) then {literal(reason)} end" for check, reason in checks if reason
        )
        type_error = f"coalesce({errors or 'null'}, null)"
        reason, other = "_reason", "quarantined"
    else:
        proven = " and ".join(f"coalesce({check}, true)" for check, _ in checks)
        type_error = f"case when not (is_certain and {proven or 'true'}) then 'unproven' end"
        reason, other = "error", "unproven"
    return f"""
with lines as (
    {lines}
),
typed as (
    select
        {columns},
        filename, byte_offset, line, original, error, control, fields, raw, is_certain, shape, is_known_shape
    from lines
),
timed as (
    select *, {stream.kind or "null::varchar"} as _kind, {stream.event_at} as _at, {values_of(stream)} as _record
    from typed
),
checked as (
    select *, {type_error} as type_error
    from timed
),
reasoned as (
    select *, {_reason(stream)} as _reason
    from checked
)
select
    {names}, filename as _filename, byte_offset as _byte_offset, line as _line,
    coalesce(control, _kind) as _kind, _at, cast(_at as date) as _date,
    case
        when control is not null then 'ignored'
        when _reason is not null then '{other}'
        when {_ignored(stream)} then 'ignored'
        else 'accepted'
    end as _status,
    {reason} as _reason,
    case when control is null and (_reason is not null or not is_known_shape) then original end as _text,
    fields as _fields,
    shape as _shape,
    case when is_certain then {key_of(stream)} end as _key
from reasoned
"""


def values_of(stream: Stream) -> str:
    """SQL of the values of all declared fields, which `key_of` knows as `_record`."""
    leaves = (leaf for name, type_ in stream.types.items() for leaf in _leaves(quoted(name), type_))
    return f"[{', '.join(f'cast({leaf} as varchar)' for leaf in leaves)}]::varchar"


def key_of(stream: Stream) -> str:
    """SQL of a record's key, over the declared columns, `_kind`, `_at` and `_record`."""
    return f"try(md5(cast(to_json({stream.key}) as varchar))::uuid)"


def validated_columns(stream: Stream) -> str:
    """Names and types of the columns of `validated`."""
    declared = "".join(f"{quoted(name)} {type_}, " for name, type_ in stream.columns.items())
    return declared + (
        "_filename varchar, _byte_offset bigint, _line bigint, _kind varchar, _at timestamp, _date date, "
        "_status varchar, _reason varchar, _text varchar, _fields varchar[], _shape ubigint, _key uuid"
    )


def content(stream: Stream) -> str:
    """Equal for versions of a record with the same values. Not for storage: a later DuckDB may hash differently."""
    fields = ", ".join(f"{quoted(name)} := {quoted(name)}" for name in stream.columns)
    return f"hash(struct_pack({fields}))"


def _path(names: Iterable[str]) -> str:
    """A JSON path."""
    return ".".join(["$", *map(quoted, names)])


def _fields_of(struct: Struct, label: str, path: str) -> Iterator[tuple[str, str, Shape]]:
    """Dotted name, JSON path and shape of every field outside of lists and maps."""
    for name, shape in struct.fields.items():
        place, inner = f"{label}.{name}" if label else name, f"{path}.{quoted(name)}"
        yield place, inner, shape
        if isinstance(shape, Struct):
            yield from _fields_of(shape, place, inner)


def _in_json(stream: Stream, label: str) -> bool:
    """Whether a field is a JSON column or inside of one."""
    return any(label == name or label.startswith(f"{name}.") for name in stream.inner)


def _structure(type_: DuckDBPyType) -> object:
    """The structure of a type for json_transform: every value as text, so that no failed cast goes unnoticed."""
    if type_.id == "struct":
        return {name: _structure(child) for name, child in children(type_)}
    if type_.id == "list":
        return [_structure(children(type_)[0][1])]
    if type_.id == "map":
        return str(type_)
    return "JSON" if str(type_) == "JSON" else "VARCHAR"


def _is_text(type_: DuckDBPyType) -> bool:
    """Whether no part of the type needs a cast."""
    if type_.id in ("struct", "list"):
        return all(_is_text(child) for _, child in children(type_))
    return type_.id == "map" or str(type_) in ("VARCHAR", "JSON")


def _typed(value: str, type_: DuckDBPyType, stream: Stream) -> str:
    if _is_text(type_):
        return value
    if type_.id == "struct":
        fields = ", ".join(
            f"{quoted(name)} := {_typed(f'{value}.{quoted(name)}', child, stream)}" for name, child in children(type_)
        )
        return f"case when {value} is not null then struct_pack({fields}) end"
    if type_.id == "list":
        return f"list_transform({value}, lambda item: {_typed('item', children(type_)[0][1], stream)})"
    if str(type_) == "TIMESTAMP":
        # not NULLIF, which would copy the value into the macro several times
        never = stream.not_happened
        return f"case when {value} <> {literal(never)} then instant({value}) end" if never else f"instant({value})"
    return f"try_cast(nullif(trim({value}), '') as {type_})"


# The names and types inside of a value. A value with items of several types is its own structure.
STRUCTURE = """
create or replace temp macro structure(value) as
list_transform(
    [json_structure(value)::varchar],
    lambda types: case when contains(types, '"JSON"') then value::varchar else types end
)[1]
"""

# The UTC time of a text: ISO 8601, an e-mail's date, or a Unix epoch in seconds or milliseconds; else NULL.
INSTANT = """
create or replace temp macro instant(stated) as
case
    when contains(stated, ',') then try_strptime(stated, '%a, %d %b %Y %H:%M:%S %z') at time zone 'UTC'
    when contains(stated, '-')
        then try_cast(replace(replace(stated, ' +', '+'), ' -', '-') as timestamptz) at time zone 'UTC'
    when contains(stated, '_') then null
    when try_cast(stated as decimal(20, 6)) between 946684800 and 4102444800
        then make_timestamp(cast(try_cast(stated as decimal(20, 6)) * 1000000 as bigint))
    when try_cast(stated as decimal(20, 6)) between 946684800000 and 4102444800000
        then make_timestamp(cast(try_cast(stated as decimal(20, 6)) * 1000 as bigint))
end
"""


def _checks(stream: Stream) -> Iterator[tuple[str, str | None]]:
    """Whether each scalar is of its declared type and words, written so that there is one way to read it.

    Pairs of an expression, NULL without a value, and the reason if it is false; None if only Python can decide.
    """
    for name, shape in stream.shape.fields.items():
        in_json = str(stream.types[name]) == "JSON"
        yield from _checks_of(stream, shape, f"raw.{quoted(name)}", quoted(name), name, "$" if in_json else None)


def _checks_of(
    stream: Stream, shape: Shape, raw: str, typed: str, label: str, path: str | None
) -> Iterator[tuple[str, str | None]]:
    """`path`: its path inside of a JSON column, which is then `raw`."""
    if isinstance(shape, Struct):
        for name, child in shape.fields.items():
            place, inner = f"{label}.{name}", quoted(name)
            if path is not None:
                yield from _checks_of(stream, child, raw, typed, place, f"{path}.{inner}")
            else:
                inside = "$" if place in stream.inner else None
                yield from _checks_of(stream, child, f"{raw}.{inner}", f"{typed}.{inner}", place, inside)
        return
    if isinstance(shape, ListOf | MapOf):
        if path is not None and _counts(shape):
            # no cast checks the numbers in lists and maps
            yield f"not regexp_matches({raw}::varchar, {literal(_OUT_OF_RANGE)})", None
        elif path is None and isinstance(shape, MapOf):
            yield f"not list_contains(map_values({raw}), null)", None
        elif path is None and isinstance(shape, ListOf) and not _is_all_text(shape.item):
            yield f"len({raw}) = 0", None
        return
    value = raw if path is None else f"({raw} ->> {literal(path)})"
    for check in _checks_of_leaf(stream, shape, value, typed, path is not None or label in stream.inner):
        yield f"case when {value} is not null then {check} end", f"field {label}: not as it is declared"


def _is_all_text(item: Shape) -> bool:
    """Whether an item of a list needs no check beyond its names and JSON types."""
    if isinstance(item, Struct):
        return all(map(_is_all_text, item.fields.values()))
    return isinstance(item, Leaf) and item.kind == "text" and not item.words


def _item_may_differ(item: Struct) -> str:
    """Whether an item may have another shape than the first of its list."""
    fields = [f"item.{quoted(name)}" for name in item.fields]
    return " or ".join(f"{it} is null or starts_with({it}, '{{') or starts_with({it}, '[')" for it in fields)


def _checks_of_leaf(stream: Stream, leaf: Leaf, value: str, typed: str, stays: bool) -> Iterator[str]:
    """`stays`: whether the lake keeps the text unchanged."""
    if stays:
        typed = f"try_cast({value} as {leaf.type})"
    if leaf.kind == "integer":
        most = MOST_WHOLE if leaf.type == "BIGINT" else 2**31 - 1
        yield f"cast({typed} as varchar) is not distinct from {value} and {typed} between -{most} and {most}"
    elif leaf.kind == "real":
        yield f"coalesce(abs({typed}) <= {MOST_REAL} and not contains({value}, '_'), false)"
    elif leaf.kind == "decimal":
        yield f"regexp_full_match({value}, '-?[0-9]{{1,15}}([.][0-9]{{1,{leaf.scale}}})?')"
    elif leaf.kind == "boolean":
        yield f"{value} in ('true', 'false')"
    elif leaf.kind == "time":
        time = f"case when regexp_full_match({value}, '[0-9T:.-]+Z') then instant({value}) end" if stays else typed
        bounds = "between timestamp '2000-01-01' and timestamp '2100-01-01'"
        yield f"{value} in ('', {literal(stream.not_happened or '')}) or coalesce({time} {bounds}, false)"
    if leaf.words:
        yield f"{value} in ('', {', '.join(map(literal, leaf.words))})"


def _counts(shape: Shape) -> bool:
    """Whether the shape has numbers."""
    if isinstance(shape, Struct):
        return any(map(_counts, shape.fields.values()))
    if isinstance(shape, ListOf):
        return _counts(shape.item)
    if isinstance(shape, MapOf):
        return _counts(shape.value)
    return shape.kind in ("integer", "real", "decimal")


# Sixteen digits before the point, or an exponent of two digits.
_OUT_OF_RANGE = r"(^|[^0-9.])[0-9]{16}|[0-9][eE][+]?[0-9]{2}"


def _leaves(value: str, type_: DuckDBPyType) -> Iterator[str]:
    """Expressions of all values that are not structs."""
    if type_.id == "struct":
        for name, child in children(type_):
            yield from _leaves(f"{value}.{quoted(name)}", child)
    else:
        yield value


def _ignored(stream: Stream) -> str:
    """SQL: whether a record is of a kind that no metric uses."""
    if stream.other_kinds == "ignored":
        return f"not ({_among(stream.counted_kinds)})"
    return _among(stream.ignored_kinds)


def _among(kinds: Sequence[str]) -> str:
    return f"_kind in ({', '.join(map(literal, kinds))})" if kinds else "false"


def _reason(stream: Stream) -> str:
    """SQL: why a record is quarantined, or NULL."""
    branches = ["when error is not null then error"]
    branches.append("when not coalesce(is_certain, false) then type_error")
    if stream.kind:
        branches.append(
            "when nullif(_kind, '') is null then 'it does not say its kind: is it a record of this stream?'"
        )
    branches.append(f"when {_ignored(stream)} then null")
    branches.append("when type_error is not null then type_error")
    if stream.counted_kinds:
        known = ", ".join(stream.counted_kinds)
        reason = f"unknown kind; those that count are {known}"
        branches.append(f"when not ({_among(stream.counted_kinds)}) then {literal(reason)}")
    branches += [f"when ({value}) is null then {literal(f'no {name}')}" for name, value in stream.required.items()]
    branches += [f"when {condition} then {literal(reason)}" for reason, condition in stream.refused.items()]
    # Other times are mistakes, or a vendor's "not set": a few milliseconds after the epoch.
    no_time = f"no time from 2000 to 2100 in {_times(stream)}; write it as ISO 8601 with its zone, or as a Unix epoch"
    branches.append(
        "when coalesce(_at not between timestamp '2000-01-01' and timestamp '2100-01-01', true) "
        f"then {literal(no_time)}"
    )
    return f"case {' '.join(branches)} end"


def _times(stream: Stream) -> str:
    """The names of the fields that may hold the time of the event."""
    expression = stream.event_at.replace('"', "")
    fields = [label for label, _, place in _fields_of(stream.shape, "", "$") if place == Leaf("time", "TIMESTAMP")]
    used = [field for field in fields if re.search(rf"(?<![\w.]){re.escape(field)}(?![\w.])", expression)]
    return " or ".join(used) or "it"
