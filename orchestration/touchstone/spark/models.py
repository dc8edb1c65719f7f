"""One model of DuckDB's as Spark's SQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.dialects import DuckDB
from sqlglot.errors import ParseError

from touchstone.spark.described import Described, Unmapped, scopes
from touchstone.spark.rules import find_types, to_spark
from touchstone.spark.sugar import desugar

# A reporting time zone of which nobody else's SQL speaks: in what is generated, the project's variable has its place.
ZONE = "Antarctica/Troll"
# What DuckDB's macro `load_limit` says outside of nights.
_ALL = exp.Literal.number(2**63 - 1)


def translated(compiled: str, relations: Mapping[str, str], described: Described) -> str:
    """Spark's SQL, with dbt's Jinja, of a model or test that dbt has compiled for DuckDB.

    `relations` has the Jinja for each relation that it reads, by DuckDB's SQL of it; for a file, by `system/stream`.
    Raises Unmapped.
    """
    for sign in ("{{", "{%", "{#"):
        if sign in compiled:
            raise Unmapped(f"SQL with Jinja's sign {sign}")
    try:
        tree: exp.Expr = sqlglot.parse_one(compiled, dialect="duckdb")
    except ParseError as error:
        raise Unmapped(f"SQL that sqlglot can't parse: {error.errors[0]['description']}") from error
    _read_arrows(tree)
    try:
        for query in scopes(tree, described):
            desugar(query, described)
            find_types(query, described)
    except duckdb.Error as error:
        why = str(error).splitlines()[0]
        raise Unmapped(f"SQL that DuckDB no longer reads once sqlglot has parsed it: {why}") from error
    written = {f"relation_{number}": jinja for number, jinja in enumerate(dict.fromkeys(relations.values()))}
    names = {jinja: name for name, jinja in written.items()}
    for number, (node, jinja) in enumerate([*_numbers(tree), *_of_few(tree)]):
        written[f"jinja_{number}"] = f"{{{{ {jinja} }}}}"
        node.replace(exp.column(exp.to_identifier(f"jinja_{number}", quoted=True)))
    for table in tree.find_all(exp.Table):
        if isinstance(table.this, exp.ReadParquet):
            key = "/".join(table.this.expressions[0].name.split("/")[-3:-1])
        elif table.catalog:
            key = f'"{table.catalog}"."{table.db}"."{table.name}"'
        else:
            continue
        table.set("this", exp.to_identifier(names[relations[key]], quoted=True))
        table.set("catalog", None)
        table.set("db", None)
    result = to_spark(tree).sql(dialect="spark", pretty=True)
    for name, jinja in written.items():
        result = result.replace(f"/*+ `{name}` */", jinja).replace(f"`{name}`", jinja)
    return result.replace(f"'{ZONE}'", "'{{ var(\"reporting_timezone\") }}'")


def _read_arrows(tree: exp.Expr) -> None:
    """`column -> '$.path'` as an argument is JSON's; sqlglot takes it for a lambda. Those are `lambda x: ...`."""
    for arrow in list(tree.find_all(exp.Lambda)):
        if isinstance(arrow.this, exp.Literal) and arrow.this.is_string and len(arrow.expressions) == 1:
            path = DuckDB().to_json_path(arrow.this)
            arrow.replace(exp.JSONExtract(this=exp.column(arrow.expressions[0]), expression=path))


def _numbers(tree: exp.Expr) -> list[tuple[exp.Expr, str]]:
    """The numbers of loads that DuckDB's macros have compiled into a model, each with the Jinja of it on Spark."""
    found: list[tuple[exp.Expr, str]] = []
    for select in tree.find_all(exp.Select):
        read = select.args.get("from_")
        parent = read.this.name if read and isinstance(read.this, exp.Table) else None
        for item in select.expressions:
            if not isinstance(item, exp.Alias):
                continue
            if item.alias == "load_id" and isinstance(item.this, exp.Literal):
                found.append((item.this, "load_id()"))
            if item.alias == "is_changed" and isinstance(item.this, exp.GT):
                found.append((item.this.expression, f"loaded_through('{parent}')"))
        for limit in select.find_all(exp.LTE):
            if limit.expression == _ALL and limit.parent_select is select:
                found.append((limit.expression, f"landed_through('{parent}')"))
    return found


def _of_few(tree: exp.Expr) -> list[tuple[exp.Expr, str]]:
    """What Spark can't tell by itself in a build of what is new, each in a node of its own with its Jinja: which CTEs
    are small, as they read changed rows alone, and of which dates all versions of revised records are.
    """
    if not any(jinja.startswith("loaded_through") for _, jinja in _numbers(tree)):
        return []
    found: list[tuple[exp.Expr, str]] = []
    few: dict[str, bool] = {}  # each with whether it has revised records
    for cte in tree.find_all(exp.CTE, bfs=False):
        selects = list(_selects(cte.this))
        read_few = [_reads(select) in few or _is_where(select, "is_changed") for select in selects]
        if all(read_few) and not any(select.args.get("joins") for select in selects):
            few[cte.alias] = any(_is_where(select, "is_revision") for select in selects)
    staged = {cte.alias: _reads(cte.this) for cte in tree.find_all(exp.CTE) if _reads(cte.this).startswith("stg_")}
    for select in tree.find_all(exp.Select):
        joins = [join for join in select.args.get("joins") or [] if join.this.name in few]
        if joins:
            select.set("hint", exp.Hint(expressions=[exp.null()]))
            names = ", ".join(dict.fromkeys(join.this.alias_or_name for join in joins))
            found.append((select.args["hint"].expressions[0], f"broadcast('{names}')"))
        revised = [join for join in joins if few[join.this.name] and join.kind == "SEMI"]
        if revised and _reads(select) in staged:
            key = [column.name for column in revised[-1].args["using"]]
            dates = exp.In(this=exp.column("record_date"), expressions=[exp.null()])
            select.where(dates, copy=False)
            found.append((dates.expressions[0], f"revised_dates('{staged[_reads(select)]}', {key})"))
    return found


def _selects(query: exp.Expr) -> Iterator[exp.Select]:
    """The selects of a union, or the one that a query is."""
    if isinstance(query, exp.Select):
        yield query
    elif isinstance(query, exp.SetOperation):
        yield from _selects(query.this)
        yield from _selects(query.expression)


def _reads(query: exp.Expr) -> str:
    """The name of the table from which a select reads."""
    read = query.args.get("from_")
    return read.this.name if read and isinstance(read.this, exp.Table) else ""


def _is_where(select: exp.Select, column: str) -> bool:
    """Whether a select takes only rows of which a boolean column is true."""
    where = select.args.get("where")
    if not where:
        return False
    parts = where.this.flatten() if isinstance(where.this, exp.And) else [where.this]
    return any(isinstance(part, exp.Column) and part.name == column for part in parts)
