"""The SQL of landing: types the records of a stream as its columns declare, and judges each.

JSON is taken apart once, into text; a field becomes its declared type by a cast that may fail. A failed cast
is a verdict on the record, as a value that silently became NULL would be a wrong number later.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import cast

from duckdb.sqltypes import DuckDBPyType

from orchestration.landing.streams import Stream


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def read_lines(paths: list[str], gzip: bool) -> str:
    """A relation `filename, text`: the lines of newline-delimited files. It fails on anything unclean."""
    # Control characters can't occur in JSON unescaped, so this delimiter never splits a line.
    return (
        "select filename, null::bigint as byte_offset, null::bigint as line, line as text, null::varchar as error "
        f"from read_csv({paths!r}, columns = {{'line': 'varchar'}}, delim = '\\x01', quote = '', escape = '', "
        "comment = '', header = false, auto_detect = false, filename = true, "
        f"compression = '{'gzip' if gzip else 'none'}')"
    )


def read_rows(path: str) -> str:
    """A relation like that of `read_lines`: the rows of a Parquet file as JSON, without what is NULL."""
    return (
        f"select {literal(path)} as filename, null::bigint as byte_offset, row_number() over () as line, "
        f"json_merge_patch('{{}}', to_json(_row)) as text, null::varchar as error "
        f"from read_parquet({literal(path)}) as _row"
    )


def judged(stream: Stream, lines: str, checked: bool, opened: Sequence[str]) -> str:
    """The records of `lines` (filename, byte_offset, line, text, error), typed, each with its verdict.

    Result: the stream's columns, then `_filename`, `_byte_offset`, `_line`, `_kind`, `_at`, `_date`, `_key`,
    `_verdict`, `_reason` and `_text` (both quarantined only), `_fields` (the names of its top-level fields).
    `checked` lines may hold anything; where they are not, text that is no JSON fails the statement.
    Envelopes of the fields `opened` are opened, as each costs time; a record in another one is quarantined.
    """
    record, inside = _record(stream, opened, checked)
    structure: object = {name: _structure(type_) for name, type_ in stream.types.items()}
    envelope = ""
    if inside != "$":
        structure = {opened[0]: structure}
        envelope = f".{quoted(opened[0])}"
    columns = ", ".join(f"{_typed(f'raw.{quoted(n)}', t)} as {quoted(n)}" for n, t in stream.types.items())
    names = ", ".join(quoted(name) for name in stream.columns)
    return f"""
with lines as (
    {lines}
),
documents as (
    select *, {"try_cast(text as json)" if checked else "text"} as document
    from lines
    where text is not null
),
records as (
    select filename, byte_offset, line, error, text, {record} as record
    from documents
),
fields as (
    select
        *,
        json_keys(record, {literal(inside)}) as keys,
        json_transform(record, {literal(json.dumps(structure))}){envelope} as raw
    from records
),
typed as (
    select
        {columns},
        filename, byte_offset, line, text, record, keys,
        case
            when error is not null then error
            when len(keys) > 0 then null
            when record is null then 'not JSON'
            when json_type(record, {literal(inside)}) <> 'OBJECT' then 'not a JSON object'
        end as damage,
        {_misfits(stream, inside)} as misfit
    from fields
),
timed as (
    select
        *, {stream.kind or "null::varchar"} as _kind, {stream.event_at} as _at,
        cast(json_extract(record, {literal(inside)}) as varchar) as _record
    from typed
),
judged as (
    select *, {_reason(stream, opened)} as _reason
    from timed
)
select
    {names}, filename as _filename, byte_offset as _byte_offset, line as _line, _kind, _at,
    cast(_at as date) as _date,
    case
        when _reason is not null then 'quarantined'
        when {_ignored(stream)} then 'ignored'
        else 'accepted'
    end as _verdict,
    _reason,
    case when _reason is not null then coalesce(cast(record as varchar), text) end as _text,
    keys as _fields,
    case when damage is null then try(md5(cast(to_json({stream.key}) as varchar))::uuid) end as _key
from judged
"""


def content(stream: Stream) -> str:
    """Equal for records of one key that say the same. Not for keeping, as a later DuckDB may hash otherwise."""
    fields = ", ".join(f"{quoted(name)} := {quoted(name)}" for name in stream.columns)
    return f"hash(struct_pack({fields}))"


def _record(stream: Stream, opened: Sequence[str], checked: bool) -> tuple[str, str]:
    """What makes records of a `document`, and the JSON path of a record in what that gives."""
    if not opened:
        return "document", "$"
    paths = [stream.envelopes[field] for field in opened]
    if not checked and len(paths) == 1 and not paths[0].endswith(("[*]", "::json", "::base64")) and not stream.inherit:
        return "document", paths[0]  # every document is one envelope: its record is read where it stands
    parent = ", ".join(f"{quoted(name)} := document -> {literal(f'$.{quoted(name)}')}" for name in stream.inherit)
    branches = []
    for field, path in zip(opened, paths, strict=True):
        if path.endswith("[*]"):
            is_one = f"json_type(document, {literal(path.removesuffix('[*]'))}) = 'ARRAY'"
            inside = f"json_extract(document, {literal(path)})"
        elif path.endswith("::base64"):
            items, data = path.removesuffix("::base64").split("[*]")
            is_one = f"json_type(document, {literal(items)}) = 'ARRAY'"
            # What is no JSON in base64 stays as it stands, and so does an item without any, to be quarantined.
            told = f"coalesce(try(decode(from_base64(r ->> '${data}'))::json), r -> '${data}', r)"
            inside = f"list_transform(json_extract(document, {literal(f'{items}[*]')}), lambda r: {told})"
        elif path.endswith("::json"):
            text = f"try_cast(document ->> {literal(path.removesuffix('::json'))} as json)"
            is_one, inside = f"json_type({text}) = 'OBJECT'", f"[{text}]"
        else:
            is_one, inside = (
                f"json_type(document, {literal(path)}) = 'OBJECT'",
                f"[json_extract(document, {literal(path)})]",
            )
        if parent:
            inside = f"list_transform({inside}, lambda r: json_merge_patch(to_json(struct_pack({parent})), r))"
        # The text is searched first: most documents have no envelope, and looking is cheaper than parsing.
        branches.append(f"when contains(text, {literal(json.dumps(field))}) and {is_one} then {inside}")
    return f"unnest(case {' '.join(branches)} else [document] end)", "$"


def _children(type_: DuckDBPyType) -> list[tuple[str, DuckDBPyType]]:
    """The fields of a struct, or the one child of a list."""
    return cast(list[tuple[str, DuckDBPyType]], type_.children)


def _structure(type_: DuckDBPyType) -> object:
    """What json_transform takes for a type: every value as text, so that no cast is lost in silence."""
    if type_.id == "struct":
        return {name: _structure(child) for name, child in _children(type_)}
    if type_.id == "list":
        return [_structure(_children(type_)[0][1])]
    return "JSON" if str(type_) == "JSON" else "VARCHAR"


def _is_text(type_: DuckDBPyType) -> bool:
    """Whether the type needs no cast anywhere inside."""
    if type_.id in ("struct", "list"):
        return all(_is_text(child) for _, child in _children(type_))
    return str(type_) in ("VARCHAR", "JSON")


def _typed(value: str, type_: DuckDBPyType) -> str:
    if _is_text(type_):
        return value
    if type_.id == "struct":
        fields = ", ".join(
            f"{quoted(name)} := {_typed(f'{value}.{quoted(name)}', child)}" for name, child in _children(type_)
        )
        return f"case when {value} is not null then struct_pack({fields}) end"
    if type_.id == "list":
        return f"list_transform({value}, lambda item: {_typed('item', _children(type_)[0][1])})"
    return f"try_cast(nullif(trim({value}), '') as {type_})"


def _misfits(stream: Stream, inside: str) -> str:
    """The first field whose value isn't of its declared type, as text, or NULL."""
    found = [check for name, type_ in stream.types.items() for check in _misfit(name, type_, inside)]
    return f"coalesce({', '.join([*found, 'null::varchar'])})"


def _misfit(name: str, type_: DuckDBPyType, inside: str) -> Iterator[str]:
    value = f"raw.{quoted(name)}"
    if type_.id in ("struct", "list"):
        # An empty list or text stands for an empty object in what PHP writes.
        path = literal(f'{inside}."{name}"')
        empty = " and ".join(f"{leaf} is null" for leaf, _ in _leaves(value, type_)) if type_.id == "struct" else ""
        yield (
            f"case when {empty or f'{value} is null'} and list_contains(keys, {literal(name)}) "
            f"and json_type(record, {path}) not in ('NULL', '{'OBJECT' if type_.id == 'struct' else 'ARRAY'}') "
            f"and (record ->> {path}) not in ('[]', '{{}}', '') "
            f"then 'field {name} is no {'object' if type_.id == 'struct' else 'list'}: ' || (record ->> {path}) end"
        )
    for leaf, leaf_type in _leaves(value, type_):
        if not _is_text(leaf_type):
            label = leaf.removeprefix("raw.").replace('"', "")
            yield (
                f"case when nullif(trim({leaf}), '') is not null and try_cast(trim({leaf}) as {leaf_type}) is null "
                f"then 'field {label} is no {str(leaf_type).lower()}: ' || {leaf} end"
            )


def _leaves(value: str, type_: DuckDBPyType) -> Iterator[tuple[str, DuckDBPyType]]:
    """Every scalar inside structs, as an expression and its type. What is in lists is not looked at."""
    if type_.id == "struct":
        for name, child in _children(type_):
            yield from _leaves(f"{value}.{quoted(name)}", child)
    elif type_.id != "list":
        yield value, type_


def _ignored(stream: Stream) -> str:
    """Whether a record is of a kind that no metric uses."""
    if stream.other_kinds == "ignored":
        return f"not ({_among(stream.counted_kinds)})"
    return _among(stream.ignored_kinds)


def _among(kinds: Sequence[str]) -> str:
    return f"_kind in ({', '.join(map(literal, kinds))})" if kinds else "false"


def _reason(stream: Stream, opened: Sequence[str]) -> str:
    """Why a record is quarantined, or NULL."""
    branches = ["when damage is not null then damage"]
    if closed := stream.envelopes.keys() - set(opened):
        fields = ", ".join(map(literal, sorted(closed)))
        branches.append(f"when list_has_any(keys, [{fields}]) then 'an envelope'")
    if stream.kind:
        branches.append(
            "when nullif(_kind, '') is null then 'it does not say its kind: is it a record of this stream?'"
        )
    branches.append(f"when {_ignored(stream)} then null")
    if stream.counted_kinds:
        branches.append(f"when not ({_among(stream.counted_kinds)}) then 'unknown kind: ' || _kind")
    branches.append("when misfit is not null then misfit")
    branches += [f"when ({value}) is null then {literal(f'no {name}')}" for name, value in stream.required.items()]
    # Beyond these it is a mistake, or a vendor's mark for "not set", which are milliseconds after the epoch.
    branches.append(
        "when coalesce(_at not between timestamp '1970-01-02' and timestamp '2100-01-01', true) "
        "then 'no time of the event that can be read'"
    )
    return f"case {' '.join(branches)} end"
