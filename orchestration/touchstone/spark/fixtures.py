"""Rows of unit tests as Spark's SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlglot import exp

from touchstone.spark.described import Columns, Described, Unmapped
from touchstone.spark.rules import spark_type

Type = exp.DataType.Type


def select_of(fixture: Mapping[str, Any], columns: Columns, described: Described, complete: bool) -> str:
    """A query that gives a fixture's rows: of all columns of its relation if `complete`, as dbt gives a model, or else of
    those that the fixture has. DuckDB reads the fixture, as it does in the models' own unit tests.
    """
    types = {name.lower(): type_ for name, type_ in columns}
    if isinstance(fixture["rows"], str):
        given = described.query_as(fixture["rows"], columns)
        names = [name for name, _ in given.columns]
        types = {name.lower(): type_ for name, type_ in given.columns}
        rows: list[Sequence[Any]] = given.rows
        complete = False
    else:
        names = list(dict.fromkeys(name for row in fixture["rows"] for name in row))
        rows = [described.values([(row.get(name), types[name.lower()]) for name in names]) for row in fixture["rows"]]
    shown = [name for name, _ in columns] if complete else names
    asked = {name.lower() for name in names}
    items = [
        f"cast({_quoted(name) if name.lower() in asked else 'null'} as {spark_name(types[name.lower()])}) as {_quoted(name)}"
        for name in shown
    ]
    if not rows:
        nothing = [f"cast(null as {spark_name(types[name.lower()])}) as {_quoted(name)}" for name in shown]
        return "select\n" + _indented(nothing, ",") + "\nwhere false"
    literals = [
        "(" + ", ".join(literal(value, types[name.lower()]) for name, value in zip(names, row, strict=True)) + ")"
        for row in rows
    ]
    return (
        "select\n" + _indented(items, ",") + "\nfrom values\n" + _indented(literals, ",")
        + f"\nas fixture ({', '.join(_quoted(name) for name in names)})"
    )  # fmt: skip


def spark_name(type_: str) -> str:
    """Spark's name of a DuckDB type."""
    tree = exp.DataType.build("INTEGER" if type_ == '"NULL"' else type_, dialect="duckdb")
    name = tree.transform(lambda part: spark_type(part) if isinstance(part, exp.DataType) else part).sql("spark")
    return name if "STRUCT" in name else name.lower()


def literal(value: Any, type_: str | exp.DataType) -> str:
    """Spark's literal of a value as DuckDB's Python client gives it."""
    of = exp.DataType.build("INTEGER" if type_ == '"NULL"' else type_, dialect="duckdb")
    if value is None:
        return "null"
    if of.this in (Type.ARRAY, Type.LIST):
        return f"array({', '.join(literal(part, of.expressions[0]) for part in value)})"
    if of.this == Type.MAP:
        pairs = [
            f"{literal(key, of.expressions[0])}, {literal(part, of.expressions[1])}" for key, part in value.items()
        ]
        return f"map({', '.join(pairs)})"
    if of.this == Type.STRUCT:
        fields = [(field.name, field.args["kind"]) for field in of.expressions]
        return f"named_struct({', '.join(f'{_text(name)}, {_typed(value[name], kind)}' for name, kind in fields)})"
    if of.this in (Type.BOOLEAN,):
        return str(value).lower()
    if of.this in (Type.DOUBLE, Type.FLOAT):
        return f"{value!r}D"
    if of.this in (Type.TIMESTAMP, Type.TIMESTAMPNTZ, Type.DATE):
        return f"{'date' if of.this == Type.DATE else 'timestamp_ntz'} {_text(str(value))}"
    if of.this in (Type.TEXT, Type.VARCHAR, Type.JSON, Type.UUID):
        return _text(str(value))
    if of.this in (Type.INT, Type.BIGINT, Type.SMALLINT, Type.TINYINT, Type.INT128, Type.DECIMAL):
        return str(value)
    raise Unmapped(f"a fixture's value of type {of.sql('duckdb')}")


def _typed(value: Any, type_: exp.DataType) -> str:
    return f"cast({literal(value, type_)} as {spark_name(type_.sql('duckdb'))})"


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def _quoted(name: str) -> str:
    return (
        name
        if exp.to_identifier(name).args.get("quoted") is not True and name.isidentifier() and name.islower()
        else f"`{name}`"
    )


def _indented(lines: Iterable[str], separator: str) -> str:
    return f"{separator}\n".join(f"    {line}" for line in lines)
