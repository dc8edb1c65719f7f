"""What DuckDB's SQL is in Spark's: a rule for each construct that the two spell or compute differently.

`sqlglot` writes what is the same in both. A function that neither is in `SAME` nor has a rule stops the generation:
nothing is passed through in hope.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from sqlglot import exp

from touchstone.spark.described import Described, Unmapped

# Functions that compute the same in both, as sqlglot writes them.
SAME: tuple[type[exp.Expr], ...] = (
    exp.Abs, exp.And, exp.AnyValue, exp.BitwiseOrAgg, exp.Case, exp.Coalesce, exp.ConcatWs, exp.Contains,
    exp.Count, exp.DatetimeAdd, exp.EndsWith, exp.Exists, exp.FirstValue, exp.Greatest, exp.If, exp.Lag,
    exp.LastValue, exp.Lead, exp.Least, exp.LogicalAnd, exp.LogicalOr, exp.Lower, exp.MD5, exp.MapFromEntries,
    exp.Max, exp.Min, exp.Minute, exp.Nullif, exp.Or, exp.Rank, exp.Replace, exp.RowNumber, exp.SplitPart,
    exp.Sqrt, exp.StartsWith, exp.Substring, exp.Sum, exp.Trim, exp.Unnest, exp.Upper,
)  # fmt: skip

# Far more steps than a recursion over events has.
_STEPS = 1_000_000

Node = exp.Expr
Rule = Callable[[Any], Node]
RULES: dict[type[exp.Expr], Rule] = {}
NAMED: dict[str, Rule] = {}


def rule(*kinds: type[exp.Expr] | str) -> Callable[[Rule], Rule]:
    def register(function: Rule) -> Rule:
        for kind in kinds:
            if isinstance(kind, str):
                NAMED[kind] = function
            else:
                RULES[kind] = function
        return function

    return register


def find_types(query: exp.Expr, described: Described) -> None:
    """Write the types which rules ask for into a select's parts, while it is DuckDB's SQL."""
    if isinstance(query, exp.Select):
        asked = []
        for node in query.walk(prune=lambda part: part is not query and isinstance(part, exp.Query | exp.Values)):
            wanted = next((_TYPED[kind] for kind in type(node).__mro__ if kind in _TYPED), ())
            if isinstance(node, exp.Anonymous) and node.name.lower() in _TYPED_CALLS:
                asked += node.expressions
            asked += [
                node if part == "self" else node.args[part] for part in wanted if part == "self" or node.args.get(part)
            ]
        described.types(query, [node for node in asked if not isinstance(node, exp.Literal | exp.Null | exp.Star)])


def to_spark(tree: exp.Expr) -> exp.Expr:
    """Spark's tree of a query without sugar, whose types are known. Raises Unmapped."""
    for node in reversed(list(tree.walk())):
        replaced = _mapped(node)
        if replaced is not node:
            if "type" in node.meta:
                replaced.meta.setdefault("type", node.meta["type"])
            if node is tree:
                return replaced
            node.replace(replaced)
    return tree


def _mapped(node: Node) -> Node:
    if isinstance(node, exp.Anonymous):
        if node.meta.get("spark"):
            return node
        if node.name.lower() not in NAMED:
            raise Unmapped(f"{node.name}()", node)
        return NAMED[node.name.lower()](node)
    for kind in type(node).__mro__:
        if kind in RULES:
            return RULES[kind](node)
    if isinstance(node, exp.Func) and not isinstance(node, SAME) and not node.meta.get("spark"):
        raise Unmapped(f"{node.key}()", node)
    return node


def call(name: str, *arguments: Node | str | int) -> exp.Anonymous:
    """A call in Spark's own words."""
    node = exp.Anonymous(
        this=name,
        expressions=[exp.convert(part) if not isinstance(part, exp.Expr) else part.copy() for part in arguments],
    )
    node.meta["spark"] = True
    return node


def kind(node: Node) -> str:
    """The DuckDB type of a node, without its parameters: LIST, MAP, STRUCT, DECIMAL, VARCHAR and so on."""
    type_ = node.meta.get("type") or _deduced(node)
    if type_ is None:
        raise Unmapped(f"the type of {node.sql('duckdb')} can't be told", node)
    if type_.endswith("[]"):
        return "LIST"
    return str(type_).split("(")[0]


def _deduced(node: Node) -> str | None:
    """The type of what a lambda or an outer query has a part in, where its form shows it."""
    if isinstance(node, exp.ArrayFilter | exp.Transform | exp.Array):
        return "LIST"
    if node.meta.get("element"):
        return str(node.meta["element"])
    return None


_TYPED: dict[type[exp.Expr], tuple[str, ...]] = {
    exp.Cast: ("this",), exp.Length: ("this",), exp.Div: ("this", "expression"), exp.Add: ("this", "expression"),
    exp.Sub: ("this", "expression"), exp.TimestampTrunc: ("self",), exp.DateTrunc: ("self",), exp.AtTimeZone: ("this",),
    exp.Bracket: ("this",), exp.GenerateSeries: ("self",), exp.ArrayToString: ("this",),
}  # fmt: skip
_TYPED_CALLS = ("to_json", "list_sum", "row")
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")


# Tables


@rule(exp.Table)
def _table(node: exp.Table) -> Node:
    """Models are written as dbt's refs afterwards; a join stands beside its table, not within it."""
    if "rows" in node.this.meta:
        columns = [exp.to_identifier(name) for name in node.this.meta["rows"]]
        alias = exp.TableAlias(this=exp.to_identifier(node.alias), columns=columns)
        return exp.Lateral(this=call("inline", node.this), alias=alias)
    return node


@rule(exp.With)
def _with(node: exp.With) -> Node:
    """Spark ends a recursion with an error after 100 steps, and one of which a million rows are read, unless told."""
    for cte in node.expressions if node.args.get("recursive") else ():
        name = cte.alias
        own = [id(table) for table in cte.this.find_all(exp.Table) if table.name == name]
        if not own or node.parent is None:
            continue
        for table in list(node.parent.find_all(exp.Table)):
            if table.name == name and id(table) not in own:
                read = exp.select("*").from_(name).limit(exp.var("ALL"))
                table.replace(read.subquery(table.alias or name))
        cte.args["alias"].set("this", exp.Identifier(this=f"{name} MAX RECURSION LEVEL {_STEPS}", quoted=False))
    return node


@rule("json_tree")
def _json_tree(node: exp.Anonymous) -> Node:
    """Spark has no recursion over a value: a list of its parts, to which each step adds those one level further down,
    as many times as the text has brackets that open. Their keys are those of plain names.
    """
    value, path = node.expressions
    whole = call("to_json", call("variant_get", call("parse_json", value), path, "variant"))
    nodes = _lambda(
        """(nodes, level) -> concat(nodes, flatten(transform(
            filter(nodes, n -> n.level = level and left(n.value, 1) in ('{', '[')),
            n -> if(
                left(n.value, 1) = '{',
                transform(
                    map_entries(cast(parse_json(n.value) as map<string, variant>)),
                    e -> struct(
                        n.fullkey || if(e.key rlike '^\\\\w+$', '.' || e.key, '."' || e.key || '"') as fullkey,
                        coalesce(to_json(e.value), 'null') as value,
                        level + 1 as level
                    )
                ),
                transform(
                    cast(parse_json(n.value) as array<variant>),
                    (e, i) -> struct(
                        n.fullkey || '[' || i || ']' as fullkey,
                        coalesce(to_json(e), 'null') as value,
                        level + 1 as level
                    )
                )
            )
        )))"""
    )
    typed = _lambda(
        """n -> struct(
            n.fullkey as fullkey,
            case
                when left(n.value, 1) = '{' then 'OBJECT'
                when left(n.value, 1) = '[' then 'ARRAY'
                when left(n.value, 1) = '"' then 'VARCHAR'
                when n.value in ('true', 'false') then 'BOOLEAN'
                when n.value = 'null' then 'NULL'
                when n.value rlike '^-[0-9]+$' then 'BIGINT'
                when n.value rlike '^[0-9]+$' then 'UBIGINT'
                else 'DOUBLE'
            end as type,
            if(left(n.value, 1) not in ('{', '[') and n.value <> 'null', n.value, null) as atom
        )"""
    )
    fields = [
        exp.alias_(part, name) for part, name in ((path, "fullkey"), (whole, "value"), (exp.Literal.number(1), "level"))
    ]
    first = call("if", call("isnotnull", whole), call("array", call("struct", *fields)), call("array"))
    depth = call("size", call("split", whole, "[{\\[]"))
    steps = call("sequence", 1, call("greatest", depth, 1))
    rows = call("transform", call("aggregate", steps, first, nodes), typed)
    rows.meta["rows"] = ("fullkey", "type", "atom")
    return rows


@rule(exp.CTE)
def _cte(node: exp.CTE) -> Node:
    """Spark has no word on whether a CTE is materialized."""
    node.set("materialized", None)
    return node


@rule(exp.Window)
def _window(node: exp.Window) -> Node:
    """Spark can't add an order or a frame to a named window: the window is written out. Nor can it filter what a window
    has: the rest is NULL, which these aggregates pass over.
    """
    if isinstance(node.this, exp.Filter):
        aggregate, condition = node.this.this.copy(), node.this.expression.this
        is_any = aggregate.name == "any_value"
        if not is_any and not isinstance(
            aggregate, exp.Count | exp.Max | exp.Min | exp.Sum | exp.LogicalAnd | exp.LogicalOr
        ):
            raise Unmapped("a filter of a window's rows", node)
        value = aggregate.expressions[0] if is_any else aggregate.this
        given = exp.Literal.number(1) if isinstance(value, exp.Star) else value.copy()
        value.replace(exp.Case(ifs=[exp.If(this=condition.copy(), true=given)]))
        node.set("this", aggregate)
    name = node.args.get("alias")
    if name is None or not (node.args.get("order") or node.args.get("spec") or node.args.get("partition_by")):
        return node
    select = node.find_ancestor(exp.Select)
    for window in (select.args.get("windows") or []) if select else []:
        if window.name == name.name:
            node.set("alias", None)
            for part in ("partition_by", "order", "spec"):
                if not node.args.get(part) and window.args.get(part):
                    given = window.args[part]
                    node.set(part, [each.copy() for each in given] if isinstance(given, list) else given.copy())
    return node


@rule(exp.Join)
def _join(node: exp.Join) -> Node:
    """An ASOF join takes the nearest row before: the one whose successor, if it has any, isn't before."""
    if node.args.get("method") is None:
        return node
    name, conditions = node.this.alias_or_name, list(node.args["on"].flatten()) if node.args.get("on") else []
    keys = []
    for condition in conditions[:-1]:
        own = [side for side in (condition.this, condition.expression) if _is_of(side, name)]
        if not isinstance(condition, exp.EQ) or len(own) != 1:
            raise Unmapped("an ASOF join by this condition", condition)
        keys.append(own[0].copy())
    *_, last = conditions or [node]
    if not isinstance(last, exp.GT | exp.GTE) or not _is_of(last.expression, name):
        raise Unmapped("an ASOF join that doesn't end on `of the left > of the right`", last)
    at = last.expression
    successor = exp.Window(
        this=call("lead", at),
        partition_by=keys,
        order=exp.Order(expressions=[exp.Ordered(this=at.copy(), nulls_first=True)]),
    )
    rows = exp.select("*", exp.alias_(successor, "_successor")).from_(node.this.copy())
    rows = rows.where(exp.Not(this=exp.Is(this=at.copy(), expression=exp.null())))
    following = exp.column("_successor", table=name)
    is_last = exp.Is(this=following, expression=exp.null())
    before = exp.LTE if isinstance(last, exp.GT) else exp.LT
    last.replace(exp.and_(last.copy(), exp.or_(is_last, before(this=last.this.copy(), expression=following.copy()))))
    node.set("this", rows.subquery(name))
    node.set("method", None)
    return node


def _is_of(node: Node, table: str) -> bool:
    columns = list(node.find_all(exp.Column))
    return bool(columns) and all(column.table == table for column in columns)


# Aggregates


@rule(exp.Grouping)
def _grouping(node: exp.Grouping) -> Node:
    """Spark's grouping() takes one column: bits are added up, the first column's highest."""
    *_, last = bits = [exp.Grouping(expressions=[column.copy()]) for column in node.expressions]
    for bit in bits:
        bit.meta["spark"] = True
    if len(bits) == 1:
        return bits[0]
    total: Node = exp.cast(last, "int")
    for power, bit in enumerate(reversed(bits[:-1]), 1):
        total = exp.Add(this=exp.Mul(this=exp.Literal.number(2**power), expression=bit), expression=total)
    return exp.Paren(this=total)


@rule(exp.ArgMax, exp.ArgMin)
def _arg_max(node: Any) -> Node:
    """DuckDB passes over rows whose value is NULL, Spark takes the NULL."""
    name = "max_by" if isinstance(node, exp.ArgMax) else "min_by"
    is_there = exp.Not(this=exp.Is(this=node.this.copy(), expression=exp.null()))
    return _filtered(node, call(name, node.this, node.expression), is_there)


def _filtered(node: Node, mapped: Node, condition: Node) -> Node:
    """An aggregate over the rows of a condition, beside those of its own filter."""
    if isinstance(node.parent, exp.Filter):
        where = node.parent.expression
        where.set("this", exp.and_(where.this, condition))
        return mapped
    return exp.Filter(this=mapped, expression=exp.Where(this=condition))


@rule(exp.ArrayAgg)
def _list(node: exp.ArrayAgg) -> Node:
    """Spark leaves NULLs out, and makes an empty list of no rows where DuckDB makes NULL. An order is sorted by
    afterwards.
    """
    value, order = node.this, None
    if isinstance(value, exp.Order):
        value, order = value.this, value.expressions
    (value,), is_distinct = (value.expressions, True) if isinstance(value, exp.Distinct) else ([value], False)
    if is_distinct and order:
        raise Unmapped("list(distinct ... order by ...)", node)
    keys = [part for ordered in order or () for part in _order_key(ordered)]
    aliased = [exp.alias_(key, f"key_{number}") for number, key in enumerate(keys)]
    collected = call("collect_list", call("struct", *aliased, exp.alias_(value.copy(), "value")))
    if is_distinct:
        collected.set("expressions", [exp.Distinct(expressions=collected.expressions)])
    collected.meta["sorted"] = bool(keys)
    if isinstance(node.parent, exp.Filter):
        node.parent.meta["list"] = True  # what is done with the list stands outside of the filter
        return collected
    return _listed(collected, collected)


def _listed(collected: Node, aggregate: Node) -> Node:
    whole = call("sort_array", collected) if aggregate.meta["sorted"] else collected.copy()
    return call("nullif", exp.Dot(this=whole, expression=exp.to_identifier("value")), call("array"))


@rule(exp.Filter)
def _filter(node: exp.Filter) -> Node:
    return _listed(node, node.this) if node.meta.get("list") else node


def _order_key(ordered: exp.Ordered) -> list[Node]:
    """An order as values of which Spark's own ascending order is the same: NULLs come last, as the flag does."""
    if ordered.args.get("desc"):
        raise Unmapped("a descending order within an aggregate", ordered)
    return [exp.Is(this=ordered.this.copy(), expression=exp.null()), ordered.this.copy()]


@rule(exp.IgnoreNulls)
def _any_value(node: exp.IgnoreNulls) -> Node:
    """Spark can't read `ignore nulls` before a filter."""
    if isinstance(node.this, exp.AnyValue):
        return call("any_value", node.this.this, exp.true())
    return node


@rule(exp.BitwiseLeftShift)
def _shift(node: exp.BitwiseLeftShift) -> Node:
    """By an int alone."""
    return call("shiftleft", node.this, exp.cast(node.expression.copy(), "int"))


@rule("bit_count")
def _bit_count(node: exp.Anonymous) -> Node:
    return call("bit_count", *node.expressions)


@rule(exp.PercentileCont, exp.Quantile)
def _percentile(node: Any) -> Node:
    """Both interpolate between the two nearest values."""
    return call(
        "percentile", node.this, node.args["expression" if isinstance(node, exp.PercentileCont) else "quantile"]
    )


# Lists, maps and structs


@rule(exp.Bracket)
def _bracket(node: exp.Bracket) -> Node:
    """NULL where a list or a map has no such element; DuckDB counts a list's from 1, sqlglot's tree from 0."""
    of = kind(node.this)
    (index,) = node.expressions
    if of == "LIST" and isinstance(index, exp.Literal):
        return call("try_element_at", node.this, int(index.name) + 1)
    if of == "LIST" and isinstance(index, exp.Neg):
        return call("try_element_at", node.this, index)
    if of == "TUPLE" and isinstance(index, exp.Literal):
        return exp.Dot(this=node.this, expression=exp.to_identifier(f"value_{int(index.name) + 1}"))
    if of == "MAP":
        element = call("try_element_at", node.this, index)
        type_ = exp.DataType.build(node.this.meta.get("type", "MAP(VARCHAR, VARCHAR)"), dialect="duckdb")
        element.meta["element"] = (
            "LIST" if type_.expressions[1].this == exp.DataType.Type.ARRAY else type_.expressions[1].sql("duckdb")
        )
        return element
    raise Unmapped(f"[] of {of}", node)


@rule(exp.Transform, exp.ArrayFilter)
def _with_index(node: Any) -> Any:
    """A lambda's second parameter is the element's place, which Spark counts from 0 and DuckDB from 1."""
    for place in node.expression.expressions[1:]:
        for part in list(node.expression.this.find_all(exp.Identifier)):
            is_field = isinstance(part.parent, exp.Dot) and part.arg_key == "expression"
            if part.name == place.name and not is_field and not part.parent.args.get("table"):
                counted = exp.paren(exp.Add(this=part.copy(), expression=exp.Literal.number(1)))
                (part.parent if isinstance(part.parent, exp.Column) else part).replace(counted)
    return node


@rule(exp.Array)
def _array(node: exp.Array) -> Node:
    """`[x.a for x in list if x.b]` is a list by a function."""
    if not (node.expressions and isinstance(node.expressions[0], exp.Comprehension)):
        return node
    (made,) = node.expressions
    values, name, condition = made.args["iterator"], made.expression, made.args.get("condition")
    if condition:
        values = call("filter", values, exp.Lambda(this=condition.copy(), expressions=[name.copy()]))
    return call("transform", values, exp.Lambda(this=made.this.copy(), expressions=[name.copy()]))


@rule(exp.ArrayConcat)
def _list_concat(node: exp.ArrayConcat) -> Node:
    """DuckDB takes NULL for a list without elements."""
    return call("concat", *(call("coalesce", part, call("array")) for part in [node.this, *node.expressions]))


@rule(exp.Split)
def _split(node: exp.Split) -> Node:
    """By a text, where Spark's is a pattern."""
    if not isinstance(node.expression, exp.Literal):
        raise Unmapped("a text split by what isn't a constant", node)
    return call("split", node.this, re.escape(node.expression.name))


@rule(exp.Length)
def _length(node: exp.Length) -> Node:
    """DuckDB has one name for the length of a text and of a list, and counts in bigints."""
    return exp.cast(call("array_size" if kind(node.this) == "LIST" else "length", node.this), "bigint")


@rule(exp.ArrayDistinct)
def _list_distinct(node: exp.ArrayDistinct) -> Node:
    """DuckDB leaves NULLs out."""
    return call("array_distinct", call("array_compact", node.this))


@rule(exp.Flatten)
def _flatten(node: exp.Flatten) -> Node:
    """Spark makes NULL of all lists if one is NULL; DuckDB passes over it."""
    return call("flatten", call("array_compact", node.this))


@rule("row")
def _row(node: exp.Anonymous) -> Node:
    """Rows are compared, and NULLs are the largest values in DuckDB: the flag before each value makes them so. A map
    can't be compared in Spark, its entries can.
    """
    if isinstance(node.parent, exp.ArrayAgg | exp.Bracket):
        return call("struct", *node.expressions)
    values = [call("map_entries", part) if _has_type(part, "MAP") else part for part in node.expressions]
    fields: list[Node] = []
    for number, value in enumerate(values, 1):
        fields += [exp.Is(this=value.copy(), expression=exp.null()), exp.alias_(value.copy(), f"value_{number}")]
    return call("struct", *fields)


def _has_type(node: Node, type_: str) -> bool:
    return str(node.meta.get("type")).startswith(f"{type_}(")


@rule(exp.Struct)
def _struct(node: exp.Struct) -> Node:
    """Fields by name; a column's own, where there is none."""
    parts: list[Node] = []
    for field in node.expressions:
        value = field.expression if isinstance(field, exp.PropertyEQ) else field
        if not field.name:
            raise Unmapped("a struct's field without a name", node)
        parts += [exp.Literal.string(field.name), value]
    return call("named_struct", *parts)


@rule(exp.ArrayContains)
def _list_contains(node: exp.ArrayContains) -> Node:
    """Of a list with a NULL, Spark doesn't say that it lacks a value."""
    return call(
        "array_contains",
        node.this if isinstance(node.this, exp.Array) else call("array_compact", node.this),
        node.expression,
    )


@rule("list_has_all")
def _list_has_all(node: exp.Anonymous) -> Node:
    return _has_all(*node.expressions)


def _has_all(whole: Node, part: Node) -> Node:
    return exp.EQ(this=call("array_size", call("array_except", part, whole)), expression=exp.Literal.number(0))


@rule("list_position")
def _list_position(node: exp.Anonymous) -> Node:
    """NULL where there is none; 0 in Spark."""
    return call("nullif", call("array_position", *node.expressions), 0)


@rule("list_zip")
def _list_zip(node: exp.Anonymous) -> Node:
    return call("arrays_zip", *node.expressions)


@rule("list_sum")
def _list_sum(node: exp.Anonymous) -> Node:
    """In the list's order, without its NULLs; NULL of nothing."""
    (values,) = node.expressions
    total = exp.cast(exp.null(), "double")
    return call("aggregate", values, total, _lambda("(total, value) -> coalesce(total + value, total, value)"))


@rule(exp.ArraySort)
def _list_sort(node: exp.ArraySort) -> Node:
    """NULLs last, in both."""
    return call("array_sort", node.this)


@rule(exp.ArrayToString)
def _array_to_string(node: exp.ArrayToString) -> Node:
    return call("array_join", node.this, node.expression)


@rule("map_entries")
def _map_entries(node: exp.Anonymous) -> Node:
    return call("map_entries", *node.expressions)


@rule(exp.MapKeys)
def _map_keys(node: exp.MapKeys) -> Node:
    return call("map_keys", node.this)


@rule(exp.Map)
def _map(node: exp.Map) -> Node:
    """From two lists, or without entries."""
    return call("map_from_arrays", node.args["keys"], node.args["values"]) if node.args.get("keys") else call("map")


@rule(exp.ToMap)
def _map_of(node: exp.ToMap) -> Node:
    """`map {}`"""
    if node.this.expressions:
        raise Unmapped("map {...}", node)
    return call("map")


@rule(exp.Nullif)
def _nullif(node: exp.Nullif) -> Node:
    """Spark can't compare maps, of which one without entries is told by its size."""
    if node.expression.name != "map" or node.expression.args.get("expressions"):
        return node
    is_empty = exp.EQ(this=call("size", node.this), expression=exp.Literal.number(0))
    return call("if", is_empty, exp.null(), node.this)


@rule("map_concat")
def _map_concat(node: exp.Anonymous) -> Node:
    """Of a key in both, the value is that of the second, at the place in the first; NULL is a map without entries."""
    first, second = (
        part if part.name == "map_from_arrays" else call("coalesce", part, call("map")) for part in node.expressions
    )
    values = "(k, v) -> if(map_contains_key(second, k), try_element_at(second, k), v)"
    rest = "(k, v) -> not map_contains_key(first, k)"
    return call(
        "map_concat",
        call("transform_values", first, _lambda(values, second=second)),
        call("map_filter", second, _lambda(rest, first=first)),
    )


@rule(exp.GenerateSeries)
def _series(node: exp.GenerateSeries) -> Node:
    """Spark counts down where the end is before the start; DuckDB has nothing then, and makes numbers bigints."""
    start, end, step = node.args["start"], node.args["end"], node.args.get("step")
    if node.meta.get("type") == "BIGINT[]":
        start, end = exp.cast(start.copy(), "bigint"), exp.cast(end.copy(), "bigint")
    if node.args.get("is_end_exclusive"):
        end = exp.Sub(this=end.copy(), expression=exp.Literal.number(1))
    series = call("sequence", start, end, *([step] if step else []))
    return call("if", exp.LTE(this=start.copy(), expression=end.copy()), series, call("array"))


def _lambda(text: str, **others: Node) -> Node:
    """A lambda of Spark's SQL, as it is; `others` are what columns of these names stand for."""
    tree: Node = exp.maybe_parse(f"f({text})", dialect="spark", into=None).expressions[0]
    for node in tree.walk():
        node.meta["spark"] = True
    return tree.transform(
        lambda part: others[part.name].copy() if isinstance(part, exp.Column) and part.name in others else part
    )


@rule("md5_number")
def _md5_number(node: exp.Anonymous) -> Node:
    """A number of 128 bits, which Spark lacks: its text tells the same values apart."""
    return call("md5", *node.expressions)


@rule(exp.Select)
def _unnest(select: exp.Select) -> Node:
    """Rows of lists: DuckDB lays several side by side, and Spark explodes one; within an expression none."""
    lists: list[Node] = []
    found = [
        node
        for item in select.expressions
        for node in item.find_all(exp.Explode)
        if node.find_ancestor(exp.Select) is select
    ]
    for node in found:
        if node.this not in lists:
            lists.append(node.this)
    if not found or (len(lists) == 1 and not select.args.get("from_")):
        for node in found:
            node.replace(call("explode", node.this))
        return select
    if select.args.get("group") or any(
        item.find(exp.AggFunc) for item in select.expressions if not item.find(exp.Query)
    ):
        raise Unmapped("unnest among aggregates", select)
    names = [f"item_{number}" for number in range(1, len(lists) + 1)] if len(lists) > 1 else ["item"]
    exploded = call("explode", lists[0]) if len(lists) == 1 else call("inline", call("arrays_zip", *lists))
    for node in found:
        node.replace(exp.column(names[lists.index(node.this)], table="unnested"))
    select.append("laterals", exp.Lateral(
        this=exploded, view=True,
        alias=exp.TableAlias(this=exp.to_identifier("unnested"), columns=[exp.to_identifier(name) for name in names]),
    ))  # fmt: skip
    return select


@rule("generate_subscripts")
def _subscripts(node: exp.Anonymous) -> Node:
    """The places of a list's elements, to be laid beside them."""
    size = exp.cast(call("size", node.expressions[0]), "bigint")
    places = call("sequence", exp.cast(exp.Literal.number(1), "bigint"), size)
    return exp.Explode(
        this=call("if", exp.GT(this=size.copy(), expression=exp.Literal.number(0)), places, call("array"))
    )


@rule(exp.Explode)
def _explode(node: exp.Explode) -> Node:
    """Its select does it, as it needs all of them."""
    return node


# Types


def spark_type(type_: exp.DataType) -> exp.DataType:
    """What Spark has of DuckDB's types: JSON, UUIDs and `md5_number` are text, and the largest integers decimals."""
    return exp.DataType.build(_SPARK_TYPES[type_.this], dialect="spark") if type_.this in _SPARK_TYPES else type_


_SPARK_TYPES = {
    exp.DataType.Type.JSON: "string",
    exp.DataType.Type.UUID: "string",
    exp.DataType.Type.INT128: "decimal(38, 0)",
    exp.DataType.Type.UINT128: "string",
}


@rule(exp.DataType)
def _data_type(node: exp.DataType) -> Node:
    return spark_type(node)


@rule(exp.Cast)
def _cast(node: exp.Cast) -> Any:
    """Its type is Spark's already, as a rule maps what is within first."""
    target = node.to.this.value
    if isinstance(node.this, exp.Null | exp.Literal):
        return node
    of = kind(node.this)
    if of == '"NULL"':
        return node
    if of == "JSON":
        if target in ("VARCHAR", "TEXT"):
            return node.this
        if target in ("BIGINT", "INT", "DOUBLE", "BOOLEAN", "DECIMAL"):
            node.set("this", call("get_json_object", node.this, "$"))
            return node
        if target == "MAP" and node.to.expressions[1].this in exp.DataType.NUMERIC_TYPES:
            # a number in quotes is one for DuckDB
            node.set("this", call("from_json", node.this, "map<string, string>"))
            return node
        if target == "MAP":
            return call("from_json", node.this, node.to.sql("spark").lower())
        raise Unmapped(f"cast of JSON to {target}", node)
    if target in ("VARCHAR", "TEXT") and of not in (
        "VARCHAR",
        "DATE",
        "TIMESTAMP",
        "BOOLEAN",
        "UUID",
        "DECIMAL",
        *_INTEGERS,
    ):
        raise Unmapped(f"cast of {of} to varchar", node)
    if target in ("VARCHAR", "TEXT") and of == "DECIMAL" and int(node.this.meta["type"].rstrip(")").split(",")[1]) > 6:
        raise Unmapped("cast to varchar of more than 6 decimals, which Spark may write with an exponent", node)
    if target in ("TINYINT", "SMALLINT", "INT", "BIGINT") and of in ("DOUBLE", "FLOAT", "DECIMAL"):
        # DuckDB rounds, Spark cuts
        node.set("this", call("rint" if of == "DOUBLE" else "round", node.this))
    return node


@rule(exp.Div)
def _div(node: exp.Div) -> Node:
    """DuckDB divides as doubles, whatever the numbers are."""
    node.set("typed", True)
    node.set("safe", False)
    if "DOUBLE" not in (node.this.meta.get("type"), node.expression.meta.get("type")):
        node.set("this", exp.cast(node.this.copy(), "double"))
    return node


# Times


@rule(exp.TimestampTrunc, exp.DateTrunc)
def _trunc(node: Any) -> Node:
    """Spark's has a time zone."""
    unit = node.args["unit"]
    truncated = call("date_trunc", unit.name.lower(), node.this)
    return exp.cast(truncated, "date" if kind(node) == "DATE" else "timestamp_ntz", dialect="spark")


@rule(exp.Add, exp.Sub)
def _add(node: Any) -> Any:
    """A date and an interval are a timestamp; two dates a number of days apart."""
    types = (node.this.meta.get("type"), node.expression.meta.get("type"))
    if types == ("DATE", "DATE"):
        return call("datediff", node.this, node.expression)
    if types == ("DATE", "INTERVAL"):
        node.set("this", exp.cast(node.this.copy(), "timestamp_ntz", dialect="spark"))
    return node


@rule(exp.AtTimeZone)
def _at_time_zone(node: exp.AtTimeZone) -> Node:
    """Of a time without a zone: its instant. Of an instant: the time in that zone. Spark's session is in UTC."""
    zone = node.args["zone"]
    if kind(node.this) == "TIMESTAMP WITH TIME ZONE":
        here = exp.cast(node.this.copy(), "timestamp_ntz", dialect="spark")
        return here if zone.name == "UTC" else call("convert_timezone", "UTC", zone, here)
    there = node.this if zone.name == "UTC" else call("convert_timezone", zone, "UTC", node.this)
    return exp.cast(there.copy(), "timestamp", dialect="spark")


@rule(exp.DateDiff)
def _date_diff(node: exp.DateDiff) -> Node:
    """DuckDB counts the boundaries between two times, Spark whole units."""
    unit = node.args["unit"].name.lower()
    if unit in ("day",):
        return call("datediff", node.this, node.expression)
    ends = [
        exp.cast(call("date_trunc", unit, part), "timestamp_ntz", dialect="spark")
        for part in (node.expression, node.this)
    ]
    return call("timestampdiff", exp.var(unit.upper()), *ends)


@rule(exp.RegexpExtract)
def _regexp_extract(node: exp.RegexpExtract) -> Node:
    """The whole match by default; Spark's default is the first group. Several groups are fields by their names."""
    group = node.args.get("group") or exp.Literal.number(0)
    if not isinstance(group, exp.Array):
        return call("regexp_extract", node.this, node.expression, group)
    fields: list[Node] = []
    for number, name in enumerate(group.expressions, 1):
        fields += [name, call("regexp_extract", node.this, node.expression, number)]
    found = call("named_struct", *fields)
    return call("if", call("isnotnull", node.this), found, exp.null())


@rule(exp.RegexpExtractAll)
def _regexp_extract_all(node: exp.RegexpExtractAll) -> Node:
    return call("regexp_extract_all", node.this, node.expression, node.args.get("group") or 0)


@rule(exp.RegexpLike)
def _regexp_matches(node: exp.RegexpLike) -> Node:
    return call("regexp_like", node.this, node.expression)


@rule(exp.RegexpReplace)
def _regexp_replace(node: exp.RegexpReplace) -> Node:
    """Of all matches, as Spark's is; what it puts in names no group, which Spark writes in another way."""
    modifiers, replacement = node.args.get("modifiers"), node.args["replacement"]
    if not (modifiers and modifiers.name == "g" and replacement.is_string and "\\" not in replacement.name):
        raise Unmapped("regexp_replace() of one match, or by groups", node)
    return call("regexp_replace", node.this, node.expression, replacement)


@rule(exp.RegexpFullMatch)
def _regexp_full_match(node: exp.RegexpFullMatch) -> Node:
    return call("regexp_like", node.this, f"^(?:{node.expression.name})\\z")


@rule(exp.DayOfWeekIso)
def _isodow(node: exp.DayOfWeekIso) -> Node:
    """From 1, of Monday; Spark's weekday counts from 0."""
    return exp.paren(exp.Add(this=call("weekday", node.this), expression=exp.Literal.number(1)))


@rule(exp.UnixToTime)
def _make_timestamp(node: exp.UnixToTime) -> Node:
    """Of microseconds. Spark's has a time zone, the session's, which is UTC."""
    return exp.cast(call("timestamp_micros", node.this), "timestamp_ntz", dialect="spark")


@rule(exp.GroupConcat)
def _string_agg(node: exp.GroupConcat) -> Node:
    """Texts in their order; both leave NULLs out."""
    if isinstance(node.parent, exp.Filter) or not isinstance(node.this, exp.Order):
        raise Unmapped("string_agg() with a filter, or without an order", node)
    return call("array_join", _list(exp.ArrayAgg(this=node.this.copy())), node.args["separator"])


# JSON, which is text in Spark


@rule(exp.JSONPath)
def _path(node: exp.JSONPath) -> Node:
    """Keys in brackets and quotes: Spark reads `$.a b` as NULL."""
    text = "$"
    for part in node.expressions[1:]:
        if isinstance(part, exp.JSONPathKey) and isinstance(part.this, str) and "'" not in part.this:
            text += f"['{part.this}']"
        elif isinstance(part, exp.JSONPathSubscript) and isinstance(part.this, int):
            text += f"[{part.this}]"
        elif isinstance(part.this, exp.JSONPathWildcard):
            text += "[*]" if isinstance(part, exp.JSONPathSubscript) else ".*"
        elif not isinstance(part, exp.JSONPathRoot):
            raise Unmapped("a JSON path", node)
    return exp.Literal.string(text)


@rule(exp.JSONPathKey, exp.JSONPathRoot, exp.JSONPathSubscript, exp.JSONPathWildcard)
def _path_part(node: Node) -> Node:
    return node


@rule(exp.JSONExtractScalar)
def _json_text(node: exp.JSONExtractScalar) -> Node:
    """Text of a value; of all of an object's values by `$.*`."""
    path = node.expression.name
    if not isinstance(node.expression, exp.Literal):
        return call("try_element_at", call("from_json", node.this, "map<string, string>"), node.expression)
    if path == "$.*":
        return call("map_values", call("from_json", node.this, "map<string, string>"))
    if "*" in path:
        raise Unmapped(f"->> by {path}", node)
    return call("get_json_object", node.this, node.expression)


@rule("json_extract_string")
def _json_extract_string(node: exp.Anonymous) -> Node:
    return call("get_json_object", *node.expressions)


@rule(exp.JSONExtract)
def _json(node: exp.JSONExtract) -> Node:
    """JSON of a value, by way of a variant: a text keeps its quotes, and null isn't NULL. `[*]` at the end gives a list
    of the elements, without any where the value is no list.
    """
    path = node.expression.name
    value, whole = call("parse_json", node.this), path.removesuffix("[*]")
    if "*" in whole:
        raise Unmapped(f"-> by {path}", node)
    if whole == path:
        return call("to_json", call("variant_get", value, path, "variant"))
    elements = call("coalesce", call("try_variant_get", value, whole, "array<variant>"), call("array"))
    return call("if", call("isnotnull", node.this), call("transform", elements, _lambda("e -> to_json(e)")), exp.null())


@rule(exp.JSONKeys)
def _json_keys(node: exp.JSONKeys) -> Node:
    return call("json_object_keys", node.this)


@rule(exp.JSONType)
def _json_type(node: exp.JSONType) -> Node:
    """By the first character of the value: Spark tells types of variants alone, in which a text has its quotes."""
    value = call("parse_json", node.this)
    if node.expression:
        value = call("variant_get", value, node.expression, "variant")
    first = call("left", call("to_json", value), 1)
    types = {"{": "OBJECT", "[": "ARRAY", '"': "VARCHAR"}
    ifs = [exp.If(this=exp.Literal.string(sign), true=exp.Literal.string(type_)) for sign, type_ in types.items()]
    return exp.Case(
        this=exp.cast(first, "string"), ifs=ifs, default=call("if", call("isnull", value), exp.null(), "SCALAR")
    )


@rule("to_json")
def _to_json(node: exp.Anonymous) -> Node:
    """With fields that are NULL, as DuckDB writes them. Other types than these are written differently."""
    (value,) = node.expressions
    types = set(re.findall(r"\b(?!STRUCT|MAP)[A-Z]+\b", re.sub(r'"[^"]*"', "", value.meta.get("type") or "UNKNOWN")))
    if not types <= {"VARCHAR", "BIGINT", "INTEGER", "BOOLEAN", "DATE"} or kind(value) not in ("STRUCT", "MAP"):
        raise Unmapped(f"to_json() of {value.meta.get('type')}", node)
    return call("to_json", value, call("map", "ignoreNullFields", "false"))


@rule("json_contains")
def _json_contains(node: exp.Anonymous) -> Node:
    """Of objects of texts."""
    return _has_all(*(call("map_entries", call("from_json", text, "map<string, string>")) for text in node.expressions))


@rule("json_merge_patch")
def _json_merge_patch(node: exp.Anonymous) -> Node:
    """Into nothing: an object without what is NULL in it."""
    into, value = node.expressions
    if into.name != "{}" or value.name != "to_json" or len(value.expressions) != 2:
        raise Unmapped("json_merge_patch()", node)
    return call("to_json", value.expressions[0])


@rule("json_transform")
def _json_transform(node: exp.Anonymous) -> Node:
    value, structure = node.expressions
    fields = json.loads(structure.name)
    if not all(type_ in ("DOUBLE", "VARCHAR", "BIGINT") for type_ in fields.values()):
        raise Unmapped("json_transform()", node)
    names = ", ".join(f"`{name}` {type_.lower().replace('varchar', 'string')}" for name, type_ in fields.items())
    return call("from_json", value, names)
