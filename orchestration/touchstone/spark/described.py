"""What DuckDB knows of a query: the columns and types of what a select reads, which Spark's SQL has to spell out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import duckdb
from sqlglot import exp

Columns = list[tuple[str, str]]


@dataclass(frozen=True)
class Rows:
    columns: Columns
    rows: list[Any]


class Unmapped(Exception):
    """A construct that no rule maps to Spark."""

    def __init__(self, why: str, node: exp.Expr | None = None) -> None:
        super().__init__(why)
        self.line = next(
            (int(part.meta["line"]) for part in (node.walk() if node else ()) if "line" in part.meta), None
        )


def sql(node: exp.Expr) -> str:
    """DuckDB's SQL of a node, with `->` written as a function: as an argument DuckDB takes it for a lambda."""
    if node.find(exp.JSONExtract):
        node = node.copy().transform(
            lambda part: (
                exp.Anonymous(this="json_extract", expressions=[part.this, part.expression])
                if isinstance(part, exp.JSONExtract)
                else part
            )
        )
    return node.sql(dialect="duckdb", comments=False)


class Described:
    """A DuckDB connection that has the relations which a query reads, for questions about parts of the query.

    The CTEs of a query are declared one by one, as empty temporary tables: DuckDB then binds what is asked, and not all
    that stands before it.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def describe(self, query: str) -> Columns:
        """Names and types of a query's columns."""
        return [(row[0], row[1]) for row in self._connection.execute(f"describe {query}").fetchall()]

    def declare(self, cte: exp.CTE, recursive: bool) -> None:
        """Let later questions read a CTE."""
        name = cte.args["alias"].sql(dialect="duckdb") if cte.args["alias"].columns else cte.alias
        query = (
            f"with recursive {sql(cte)} select * from {cte.alias}"
            if recursive
            else f"with {name} as ({sql(cte.this)}) select * from {cte.alias}"
        )
        self._create(f'temporary table "{cte.alias}"', self.describe(query))

    def create(self, relation: str, columns: Columns) -> None:
        """Create a relation, without rows, in the place of whatever has its name."""
        schema, _, _ = relation.rpartition(".")
        self._connection.execute(f"create schema if not exists {schema}")
        self._create(f"table {relation}", columns)

    def _create(self, table: str, columns: Columns) -> None:
        items = ", ".join(f'"{column}" {_declarable(type_)}' for column, type_ in columns)
        self._connection.execute(f"create or replace {table} ({items})")

    def query_as(self, query: str, columns: Columns) -> Rows:
        """The rows of a query, with the types of these columns where they can be cast to them. A value that can't is
        NULL, as one that lands is.
        """
        types = {name.lower(): type_ for name, type_ in columns}
        items = []
        for name, type_ in self.describe(query):
            wanted = types.get(name.lower(), type_)
            # as landing reads it: a cast to a time without a zone would pass over the text's
            is_zoned = (type_, wanted) == ("VARCHAR", "TIMESTAMP")
            target, rest = ("timestamptz", " at time zone 'UTC'") if is_zoned else (_declarable(wanted), "")
            for cast in ("cast", "try_cast"):
                item = f'{cast}("{name}" as {target}){rest}'
                try:
                    self._connection.execute(f"select {item} from ({query})").fetchall()
                except duckdb.Error:
                    continue
                items.append(f'{item} as "{name}"')
                break
            else:
                items.append(f'"{name}"')
        typed = f"select {', '.join(items)} from ({query})"
        return Rows(self.describe(typed), self._connection.execute(typed).fetchall())

    def values(self, typed: Iterable[tuple[Any, str]]) -> list[Any]:
        """Values as DuckDB casts them to their types."""
        given = list(typed)
        items = ", ".join(f"cast(? as {_declarable(type_)})" for _, type_ in given)
        return list(self._connection.execute(f"select {items}", [value for value, _ in given]).fetchone() or ())

    def inputs(self, select: exp.Select, items: str = "*") -> Columns:
        """Names and types of expressions over what a select reads, by default of all of its columns."""
        return self.describe(f"select {items} {_from(select)}")

    def types(self, select: exp.Select, nodes: Iterable[exp.Expr]) -> None:
        """Write the DuckDB types of parts of a select into their `meta`; those that DuckDB can't bind by themselves, as
        an outer query has a part in them, have none.
        """
        known: dict[str, str] = {}
        bound = [(node, _without_lambdas(node)) for node in nodes]
        texts = {sql(free): free for _, free in bound}
        own = {item.alias: item.this for item in select.expressions if isinstance(item, exp.Alias)}
        for batch in (list(texts), *([text] for text in texts)):
            if len(known) == len(texts):
                break
            if batch[0] in known:
                continue
            for attempt in (batch, [_with_aliases(texts[text], own) for text in batch]):
                try:
                    described = self.inputs(select, ", ".join(attempt))
                except duckdb.Error:
                    continue
                known.update(zip(batch, (type_ for _, type_ in described), strict=True))
                break
        for node, free in bound:
            if sql(free) in known:
                node.meta["type"] = known[sql(free)]


def _without_lambdas(node: exp.Expr) -> exp.Expr:
    """A part with the first element of a lambda's list in place of the lambda's parameter."""
    found, above = node.copy(), node.parent
    while above is not None and not isinstance(above, exp.Query):
        if isinstance(above, exp.Lambda) and above.parent is not None and above.parent.this is not above:
            name = above.expressions[0].name
            element = exp.Bracket(this=exp.Paren(this=above.parent.this.copy()), expressions=[exp.Literal.number(0)])
            found = exp.Paren(this=found).transform(
                lambda part, name=name, element=element: element.copy()
                if isinstance(part, exp.Identifier) and part.name == name and part.arg_key == "this"
                and not isinstance(part.parent, exp.Column) and not part.find_ancestor(exp.Lambda)
                else part
            ).this  # fmt: skip
        above = above.parent
    return found


def _with_aliases(node: exp.Expr, own: dict[str, exp.Expr]) -> str:
    """A part with what the select's own names stand for in their place."""
    return sql(
        exp.Paren(this=node.copy()).transform(
            lambda part: (
                exp.Paren(this=own[part.name].copy())
                if isinstance(part, exp.Column) and not part.table and part.name in own
                else part
            )
        )
    )


def _declarable(type_: str) -> str:
    return "integer" if type_ == '"NULL"' else type_


def scopes(query: exp.Expr, described: Described) -> Iterator[exp.Expr]:
    """The queries within a query, each before the one that reads it. What is yielded may be changed, but not replaced;
    CTEs are declared when the next one is asked for.
    """
    with_ = query.args.get("with_")
    for cte in with_.expressions if with_ else ():
        recursive = bool(cte.parent.args.get("recursive")) and any(
            table.name == cte.alias for table in cte.this.find_all(exp.Table)
        )
        if recursive:
            described.declare(cte, recursive)
        yield from scopes(cte.this, described)
        described.declare(cte, recursive)
    for child in query.iter_expressions():
        if child is not with_:
            yield from scopes(child, described)
    if isinstance(query, exp.Select | exp.SetOperation):
        yield query


def _from(select: exp.Select) -> str:
    read = select.args.get("from_")
    joins = [sql(join) for join in select.args.get("joins") or []]
    laterals = [sql(lateral) for lateral in select.args.get("laterals") or []]
    windows = sql(exp.Select(windows=[window.copy() for window in select.args.get("windows") or []])).removeprefix(
        "SELECT"
    )
    return " ".join([sql(read) if read else "", *joins, *laterals, windows])
