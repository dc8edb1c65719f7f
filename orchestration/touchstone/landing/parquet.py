"""Rows of a Parquet file as JSON records, whichever program wrote it: Glue, Spark, pandas, DuckDB."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import duckdb
from duckdb.sqltypes import DuckDBPyType

from touchstone.landing.records import files, literal, quoted


def rows(connection: duckdb.DuckDBPyConnection, path: Path) -> str:
    """A relation like that of `records.read_lines`: each row is a JSON object without its NULLs, at any depth.

    Times are ISO text in UTC; one without a zone is UTC. Raises duckdb.Error for a damaged file.
    """
    source = f"read_parquet({files([path])}, hive_partitioning = false, binary_as_string = true)"
    columns = connection.sql(f"select * from {source} limit 0")
    values = {name: _value(quoted(name), type_, 0) for name, type_ in zip(columns.columns, columns.types, strict=True)}
    return (
        f"select {literal(str(path))} as filename, null::bigint as byte_offset, row_number() over () as line, "
        f"{_object(values)} as text, null::varchar as error from {source}"
    )


def _object(values: dict[str, str]) -> str:
    fields = ", ".join(f"{quoted(name)} := {value}" for name, value in values.items())
    return f"json_merge_patch('{{}}', to_json(struct_pack({fields})))"


def _value(value: str, type_: DuckDBPyType, depth: int) -> str:
    """The expression of a value for to_json; `depth` is that of lists, for the names of lambda parameters."""
    match type_.id:
        case "struct":
            values = {name: _value(f"{value}.{quoted(name)}", child, depth) for name, child in _children(type_)}
            return f"case when {value} is not null then {_object(values)} end"
        case "list" | "array":
            item = f"item_{depth}"
            return f"list_transform({value}, lambda {item}: {_value(item, _children(type_)[0][1], depth + 1)})"
        case "map":
            (_, _), (_, child) = _children(type_)
            entry = f"entry_{depth}"
            pair = f"struct_pack(key := {entry}.key, value := {_value(f'{entry}.value', child, depth + 1)})"
            return f"map_from_entries(list_transform(map_entries({value}), lambda {entry}: {pair}))"
        case "float" | "double":
            # JSON has no infinity or NaN: landing validates them as text.
            return f"case when isfinite({value}) then to_json({value}) else to_json({value}::varchar) end"
        case "timestamp with time zone":
            return _time(f"({value} at time zone 'UTC')")
        case "timestamp" | "timestamp_s" | "timestamp_ms" | "timestamp_ns":
            return _time(value)
    return value


def _time(value: str) -> str:
    return f"replace({value}::varchar, ' ', 'T') || 'Z'"


def _children(type_: DuckDBPyType) -> list[tuple[str, DuckDBPyType]]:
    return cast(list[tuple[str, DuckDBPyType]], type_.children)
