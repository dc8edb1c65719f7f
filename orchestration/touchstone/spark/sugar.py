"""DuckDB's own sugar, written out in plain SQL: stars that leave out or replace, `columns()`, `union all by name`.

The result is DuckDB SQL still, with the same rows; the columns are those that DuckDB describes.
"""

from __future__ import annotations

import re

from sqlglot import exp

from touchstone.spark.described import Described, sql


def desugar(query: exp.Expr, described: Described) -> None:
    """Write out the sugar of a select or of a union, in place; what it reads has none any more."""
    if isinstance(query, exp.Select):
        _name_unpivoted(query, described)
        _expand(query, described)
        _write_out_names(query, described)
    elif query.args.get("by_name"):
        _align(query, described)


def _name_unpivoted(select: exp.Select, described: Described) -> None:
    """Write out the columns of `unpivot (... in (columns('...')))`."""
    for pivot in [pivot for read in _read(select) for pivot in read.args.get("pivots") or []]:
        source = pivot.parent.copy()
        source.set("pivots", None)
        for columns in [part for field in pivot.args["fields"] for part in field.expressions]:
            if isinstance(columns, exp.Columns):
                names = described.describe(f"select {sql(columns)} from {sql(source)}")
                columns.replace([exp.column(_name(name)) for name, _ in names])


def _read(select: exp.Select) -> list[exp.Expr]:
    read = select.args.get("from_")
    return [part.this for part in [read, *(select.args.get("joins") or [])] if part]


def _expand(select: exp.Select, described: Described) -> None:
    read = select.args.get("from_")
    joined = bool(select.args.get("joins")) or bool(read and read.this.args.get("joins"))
    # more columns on Spark have ASOF joins, what is chosen by a window, and tables, by their partitions
    more = (
        any(join.args.get("method") for join in select.args.get("joins") or [])
        or bool(select.args.get("qualify"))
        or any(isinstance(part, exp.Table) and part.catalog for part in _read(select))
    )
    by_name = any(union.args.get("by_name") for union in _unions(select))
    if not select.expressions:
        select.set("expressions", [exp.Star()])
    expanded: list[exp.Expr] = []
    for item in select.expressions:
        star = item if isinstance(item, exp.Star) else item.this if isinstance(item, exp.Column) else None
        if isinstance(star, exp.Star):
            plain = not (star.args.get("except_") or star.args.get("replace") or star.args.get("rename"))
            qualified = isinstance(item, exp.Column)
            if plain and not by_name and not more and (qualified or not joined):
                expanded.append(item)
            else:
                expanded += _columns_of(item, star, select, described)
        elif isinstance(item, exp.Explode) and item.expressions:
            # fields of structs become columns: of one level, as `find_types` shows
            fields = [name for name, _ in described.inputs(select, sql(item))]
            bare = exp.Paren(this=exp.Explode(this=item.this.copy()))
            expanded += [exp.alias_(exp.Dot(this=bare.copy(), expression=_name(name)), _name(name)) for name in fields]
        elif item.find(exp.Columns):
            expanded += _each(item, select, described)
        else:
            expanded.append(item)
    select.set("expressions", expanded)


def _write_out_names(select: exp.Select, described: Described) -> None:
    """Write what a select's own names stand for in their place in its windows and its condition, where Spark can't
    read them.
    """
    own = {item.alias.lower(): item.this for item in select.expressions if isinstance(item, exp.Alias)}
    found = [
        column
        for part in [*select.find_all(exp.Window), *select.find_all(exp.Where)]
        for column in part.find_all(exp.Column)
        if column.name.lower() in own and not column.table and column.find_ancestor(exp.Select) is select
    ]
    if not found:
        return
    read = {name.lower() for name, _ in described.inputs(select)}
    for column in found:
        if column.name.lower() not in read and not own[column.name.lower()].find(exp.Window):
            column.replace(exp.paren(own[column.name.lower()].copy()))


def _unions(select: exp.Select) -> list[exp.SetOperation]:
    found, above = [], select.parent
    while isinstance(above, exp.SetOperation | exp.Paren | exp.Subquery):
        if isinstance(above, exp.SetOperation):
            found.append(above)
        above = above.parent
    return found


def _columns_of(item: exp.Expr, star: exp.Star, select: exp.Select, described: Described) -> list[exp.Expr]:
    table = item.args.get("table")
    renamed = {alias.this.name.lower(): alias for alias in star.args.get("rename") or []}
    item = item.copy()
    (item if isinstance(item, exp.Star) else item.this).set("rename", None)
    replaced = {alias.alias.lower(): alias for alias in star.args.get("replace") or []}
    found: list[exp.Expr] = []
    for name, _ in described.inputs(select, sql(item)):
        if name.lower() in renamed:
            found.append(exp.alias_(exp.column(_name(name)), renamed[name.lower()].alias))
        elif name.lower() in replaced:
            found.append(replaced[name.lower()].copy())
        else:
            found.append(exp.column(_name(name), table=table.copy() if table else None))
    return found


def _each(item: exp.Expr, select: exp.Select, described: Described) -> list[exp.Expr]:
    """An item with `columns()` as many times as it has columns; one with `*columns()` once, with all of them."""
    columns = item.find(exp.Columns)
    assert columns is not None
    if columns.args.get("unpack"):
        packed = columns.copy()
        packed.set("unpack", False)
        names = [name for name, _ in described.inputs(select, sql(packed))]
        call = columns.parent
        assert call is not None
        call.set(
            "expressions",
            [
                part
                for given in call.expressions
                for part in ([exp.column(_name(name)) for name in names] if given is columns else [given])
            ],
        )
        return [item]
    bare = item.unalias()
    pattern = columns.this.name if isinstance(columns.this, exp.Literal) else None
    found = []
    for name, _ in described.inputs(select, sql(columns)):
        copied = bare.copy()
        for place in list(copied.find_all(exp.Columns)):
            column = exp.column(_name(name))
            if place is copied:
                copied = column
            else:
                place.replace(column)
        alias = name
        if isinstance(item, exp.Alias):
            alias = re.sub(pattern or ".*", item.alias, name, count=1) if "\\" in item.alias else item.alias
        found.append(
            copied if copied.name == alias and isinstance(copied, exp.Column) else exp.alias_(copied, _name(alias))
        )
    return found


def _align(union: exp.Expr, described: Described) -> None:
    sides = [(side, described.describe(sql(side))) for side in (union.this, union.expression)]
    types: dict[str, str] = {}
    names: dict[str, str] = {}
    for _, outputs in sides:
        for name, type_ in outputs:
            names.setdefault(name.lower(), name)
            if types.get(name.lower(), '"NULL"') == '"NULL"':
                types[name.lower()] = type_
    for key, (side, outputs) in zip(("this", "expression"), sides, strict=True):
        if [name.lower() for name, _ in outputs] == list(names):
            continue
        if isinstance(side, exp.Select) and not side.args.get("distinct") and len(side.expressions) == len(outputs):
            given = {name.lower(): item for (name, _), item in zip(outputs, side.expressions, strict=True)}
            target = side
        else:
            given = {name.lower(): exp.column(_name(name)) for name, _ in outputs}
            target = exp.Select(from_=exp.From(this=exp.Subquery(this=side.copy())))
            union.set(key, target)
        target.set("expressions", [given.get(name) or _null(types[name], names[name]) for name in names])
    union.set("by_name", False)


def _null(type_: str, name: str) -> exp.Expr:
    return exp.alias_(exp.cast(exp.null(), exp.DataType.build(type_, dialect="duckdb")), _name(name))


def _name(name: str) -> exp.Identifier:
    return exp.to_identifier(name, quoted=not re.fullmatch(r"[a-z_][a-z0-9_]*", name))
