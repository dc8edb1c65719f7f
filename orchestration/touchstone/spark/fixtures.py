"""Rows of unit tests as Spark's SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlglot import exp

from touchstone.spark.described import Columns, Described, Rows, Unmapped
from touchstone.spark.rules import spark_type

Type = exp.DataType.Type
MANY = 500


def select_of(fixture: Mapping[str, Any], columns: Columns, described: Described) -> str:
    """A query that gives a fixture's rows, of all columns of its relation, as the stars that name them are written out.
    DuckDB reads the fixture, as it does in the models' own unit tests.
    """
    rows = _rows(fixture, columns, described)
    asked = {name.lower() for name, _ in rows.columns}
    rest = [part for part in columns if part[0].lower() not in asked]
    if not rows.rows:
        nothing = [f"cast(null as {spark_name(type_)}) as {_quoted(name)}" for name, type_ in [*rows.columns, *rest]]
        return "select\n" + _indented(nothing) + "\nwhere false"
    items = [
        *(f"cast({_quoted(name)} as {spark_name(type_)}) as {_quoted(name)}" for name, type_ in rows.columns),
        *(f"cast(null as {spark_name(type_)}) as {_quoted(name)}" for name, type_ in rest),
    ]
    literals = [
        "(" + ", ".join(literal(value, type_) for value, (_, type_) in zip(row, rows.columns, strict=True)) + ")"
        for row in rows.rows
    ]
    names = ", ".join(_quoted(name) for name, _ in rows.columns)
    return f"select\n{_indented(items)}\nfrom values\n{_indented(literals)}\nas fixture ({names})"


def expectation(fixture: Mapping[str, Any], columns: Columns, described: Described) -> dict[str, Any]:
    """What a unit test expects, as dbt compares it on Spark: rows, which it casts; of a list, map or struct it takes
    Spark's literal, without single quotes, which it would escape. Many rows are a query, if they have all columns:
    Spark can't read the longest union that dbt would write of them.
    """
    rows = _rows(fixture, columns, described)
    if len(rows.rows) > MANY and len(rows.columns) == len(columns):
        return {"format": "sql", "rows": select_of(fixture, columns, described)}
    expected = [
        {name: _expected(value, type_) for value, (name, type_) in zip(row, rows.columns, strict=True)}
        for row in rows.rows
    ]
    return {"rows": expected}


def _expected(value: Any, type_: str) -> Any:
    if value is not None and type_ == "UHUGEINT":
        return _md5(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    return literal(value, type_, '"') if _is_nested(type_) else str(value)


def _is_nested(type_: str) -> bool:
    return type_.endswith("]") or type_.startswith(("MAP(", "STRUCT("))


def _rows(fixture: Mapping[str, Any], columns: Columns, described: Described) -> Rows:
    """A fixture's rows, typed as its relation's columns are. UUIDs are text on Spark; a fixture need have none."""
    columns = [(name, "VARCHAR" if type_ == "UUID" else type_) for name, type_ in columns]
    if isinstance(fixture["rows"], str):
        return described.query_as(fixture["rows"], columns)
    types = {name.lower(): type_ for name, type_ in columns}
    names = list(dict.fromkeys(name for row in fixture["rows"] for name in row))
    typed = [(name, types[name.lower()]) for name in names]
    return Rows(typed, [described.values([(row.get(name), type_) for name, type_ in typed]) for row in fixture["rows"]])


def spark_name(type_: str) -> str:
    """Spark's name of a DuckDB type."""
    tree = exp.DataType.build("INTEGER" if type_ == '"NULL"' else type_, dialect="duckdb")
    name = tree.transform(lambda part: spark_type(part) if isinstance(part, exp.DataType) else part).sql("spark")
    return name if "STRUCT" in name else name.lower()


def literal(value: Any, type_: str | exp.DataType, quote: str = "'") -> str:
    """Spark's literal of a value as DuckDB's Python client gives it."""
    of = exp.DataType.build("INTEGER" if type_ == '"NULL"' else type_, dialect="duckdb")
    if value is None:
        return "null"
    if of.this in (Type.ARRAY, Type.LIST):
        return f"array({', '.join(literal(part, of.expressions[0], quote) for part in value)})"
    if of.this == Type.MAP:
        pairs = [
            f"{literal(key, of.expressions[0], quote)}, {literal(part, of.expressions[1], quote)}"
            for key, part in value.items()
        ]
        return f"map({', '.join(pairs)})"
    if of.this == Type.STRUCT:
        fields = [(field.name, field.args["kind"]) for field in of.expressions]
        parts = [f"{_text(name, quote)}, {_typed(value[name], kind, quote)}" for name, kind in fields]
        return f"named_struct({', '.join(parts)})"
    if of.this in (Type.BOOLEAN,):
        return str(value).lower()
    if of.this in (Type.DOUBLE, Type.FLOAT):
        return f"{value!r}D"
    if of.this in (Type.TIMESTAMP, Type.TIMESTAMPNTZ, Type.DATE):
        return f"{'date' if of.this == Type.DATE else 'timestamp_ntz'} {_text(str(value), quote)}"
    if of.this == Type.UINT128:
        return _text(_md5(value), quote)
    if of.this in (Type.TEXT, Type.VARCHAR, Type.JSON):
        return _text(str(value), quote)
    if of.this in (Type.INT, Type.BIGINT, Type.SMALLINT, Type.TINYINT, Type.INT128, Type.DECIMAL):
        return str(value)
    raise Unmapped(f"a fixture's value of type {of.sql('duckdb')}")


def _md5(number: int) -> str:
    """What Spark has in place of a `md5_number`, which is too large for its numbers."""
    return number.to_bytes(16, "little").hex()


def _typed(value: Any, type_: exp.DataType, quote: str) -> str:
    return f"cast({literal(value, type_, quote)} as {spark_name(type_.sql('duckdb'))})"


def _text(value: str, quote: str) -> str:
    return quote + value.replace("\\", "\\\\").replace(quote, f"\\{quote}").replace("\n", "\\n") + quote


def _quoted(name: str) -> str:
    return (
        name
        if exp.to_identifier(name).args.get("quoted") is not True and name.isidentifier() and name.islower()
        else f"`{name}`"
    )


def _indented(lines: Iterable[str]) -> str:
    return ",\n".join(f"    {line}" for line in lines)
