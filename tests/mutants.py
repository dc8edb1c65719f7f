"""Mutation testing of the metric definitions: change the models' SQL one bit at a time, and see a dbt unit test fail.

`make mutants` runs all mutants; `--model NAME`, `--sample N --seed S` run a part of them and `--list` prints them.

Running dbt once per mutant would take hours. dbt runs once instead, on a copy of the project in which every bit that
can be changed stands between two numbered SQL comments. dbt keeps comments, so that they are also in the statement it
makes of each unit test: fixtures, model and expected rows. A mutant is that statement with one bit replaced, run in
DuckDB and judged as dbt does: actual and expected rows have to be the same, in any order.

Nothing here knows a model. Comments, Jinja, types, and the names of CTEs and columns are left as they are.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from dbt.cli.main import dbtRunner

from orchestration.home import environment
from orchestration.landing.land import land
from orchestration.landing.ledger import Ledger
from orchestration.landing.streams import read_streams
from orchestration.settings import PROJECT, Settings
from orchestration.warehouse import read_only

# Folders of which every model needs unit tests; of the others those count that have some.
_TESTED = ("intermediate", "marts")
_PATIENCE_S = 3.0  # a mutant that takes longer, such as a recursion without end, is caught

_TOKEN = re.compile(
    r"""(?P<comment>--[^\n]*|/\*.*?\*/|\{\#.*?\#\})
    |(?P<statement>\{%.*?%\})
    |(?P<jinja>\{\{.*?\}\})
    |(?P<string>'(?:''|\{\{.*?\}\}|[^'])*')
    |(?P<name>"(?:""|[^"])*"|[a-z_]\w*)
    |(?P<number>\d+(?:\.\d+)?)
    |(?P<symbol>->>|->|<=|>=|<>|!=|::|\|\||\S)""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
# Words that are no operand: what stands beside them is no addition, and they are no column.
_KEYWORDS = frozenset(
    "select distinct from where on using and or not is in like between case when then else group by order having "
    "qualify limit as with over partition filter exclude replace all asc desc null true false interval".split()
)
# Words that end a condition which no bracket ends.
_CLAUSES = frozenset(
    "group order having qualify limit union except intersect window where select inner left right full cross semi "
    "anti asof join".split()
)
# Sequences of words and what each is changed to; the longest that fits is taken.
_CHANGES: dict[str, tuple[str, ...]] = {
    "=": ("<>",), "<>": ("=",), "!=": ("=",),
    "<": ("<=", ">="), "<=": ("<", ">"), ">": (">=", "<="), ">=": (">", "<"),
    "is distinct from": ("is not distinct from", "<>"), "is not distinct from": ("is distinct from", "="),
    "is null": ("is not null",), "is not null": ("is null",), "not": ("",), "not materialized": (),
    "and": ("or",), "or": ("and",), "true": ("false",), "false": ("true",),
    "+": ("-",), "-": ("+",), "*": ("/",), "/": ("*",), "asc": ("desc",), "desc": ("asc",),
    "left join": ("inner join",), "inner join": ("left join",), "full join": ("inner join",),
    "anti join": ("semi join",), "semi join": ("anti join",),
    "( distinct": ("(",), "min (": ("max(",), "max (": ("min(",), "sum (": ("max(",), "avg (": ("max(",),
    "least (": ("greatest(",), "greatest (": ("least(",),
    "bool_or (": ("bool_and(",), "bool_and (": ("bool_or(",),
}  # fmt: skip
_UNITS = {"second": "minute", "minute": "hour", "hour": "day", "day": "hour", "week": "day", "month": "day"}
_LIST_CALLS = frozenset(("coalesce", "concat", "concat_ws", "greatest", "least", "using"))


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    start: int
    end: int

    @property
    def word(self) -> str:
        return self.text.lower()

    @property
    def is_column(self) -> bool:
        return self.kind == "name" and self.word not in _KEYWORDS and self.word not in _CLAUSES and self.word != "end"

    @property
    def ends_operand(self) -> bool:
        return self.is_column or self.kind in ("number", "string", "jinja") or self.word in (")", "]", "end")


Change = tuple[int, int, str]  # replace the characters from .. to by this text


class Sql:
    """The tokens of one model, and where its brackets close."""

    def __init__(self, text: str) -> None:
        self.text = text
        found = [Token(str(m.lastgroup), m.group(), m.start(), m.end()) for m in _TOKEN.finditer(text)]
        self.tokens = [token for token in found if token.kind != "comment"]
        self.words = [token.word for token in self.tokens]
        self.closing: dict[int, int] = {}
        opened: list[int] = []
        for i, word in enumerate(self.words):
            if word in ("(", "[", "case"):
                opened.append(i)
            elif word in (")", "]", "end") and opened:
                self.closing[opened.pop()] = i

    def word(self, i: int) -> str:
        return self.words[i] if 0 <= i < len(self.words) else ""

    def changed(self, first: int, last: int, after: str) -> Change:
        return self.tokens[first].start, self.tokens[last].end, after

    def top_level(self, first: int, last: int) -> Iterator[int]:
        """The tokens from first to last that are in no bracket or `case` of their own."""
        i = first
        while i <= last:
            yield i
            i = self.closing.get(i, i) + 1

    def changes(self) -> list[Change]:
        """All of them, once each, in the order of their places."""
        finders: tuple[Callable[[], Iterator[Change]], ...] = (
            self._operators, self._constants, self._conditions, self._calls, self._columns,
        )  # fmt: skip
        return sorted({change for find in finders for change in find()})

    def _operators(self) -> Iterator[Change]:
        i = 0
        between = 0
        while i < len(self.tokens):
            length = next((n for n in (4, 3, 2, 1) if " ".join(self.words[i : i + n]) in _CHANGES), 0)
            operator = " ".join(self.words[i : i + length])
            between += self.words[i] == "between"
            if operator == "and" and between:
                between -= 1
            elif operator not in ("+", "-", "*", "/") or self.tokens[i - 1].ends_operand:
                for after in _CHANGES.get(operator, ()):
                    yield self.changed(i, i + length - 1, after)
            if operator == "=" and self.tokens[i + 1].kind == "number":
                yield self.changed(i, i, ">=")
            i += length or 1

    def _constants(self) -> Iterator[Change]:
        strings: dict[Any, dict[str, None]] = defaultdict(dict)  # in the order of the text
        compared = [self._compared(i) for i in range(len(self.tokens))]
        for token, subject in zip(self.tokens, compared, strict=True):
            if token.kind == "string" and subject:
                strings[subject][token.text] = None
        for i, token in enumerate(self.tokens):
            if token.kind == "number":
                digits = len(token.text.partition(".")[2])
                for step in (1, -1):
                    yield self.changed(i, i, f"{float(token.text) + step * 10**-digits:.{digits}f}")
            elif token.kind == "string" and "{{" not in token.text:
                beside = self._list_of(i)
                for after in ("'~'", *strings.get(compared[i], ())):
                    if after != token.text and after not in beside:
                        yield self.changed(i, i, after)
            elif self.word(i - 2) == "interval" and (unit := token.word.removesuffix("s")) in _UNITS:
                yield self.changed(i, i, _UNITS[unit] + "s")

    def _compared(self, i: int) -> str:
        """What a constant is compared with: `column`, or `function(` where it is the first argument."""
        before = i - 1
        if self.word(before) in ("(", ",") and "in (" in (listed := " ".join(self._before_bracket(i))):
            return listed.split()[0]
        if self.word(before) == "(" and self.tokens[before - 1].is_column:
            return self.word(before - 1) + "("
        while self.word(before) in ("=", "<>", "is", "not", "distinct", "from"):
            before -= 1
        return self.word(before) if before < i - 1 and self.tokens[before].is_column else ""

    def _before_bracket(self, i: int) -> list[str]:
        """`column in (` for an item of its list."""
        opening = max((o for o, c in self.closing.items() if o < i < c), default=0)
        first = opening - (3 if self.word(opening - 2) == "not" else 2)
        return [self.word(first), *self.words[opening - 1 : opening + 1]]

    def _list_of(self, i: int) -> list[str]:
        opening = max((o for o, c in self.closing.items() if o < i < c), default=0)
        if self.word(opening - 1) != "in":
            return []
        return [token.text for token in self.tokens[opening + 1 : self.closing[opening]]]

    def _conditions(self) -> Iterator[Change]:
        """Each condition always and never true, and each of its parts left out."""
        for opening in (i for i, word in enumerate(self.words) if word == "case"):
            if self.word(opening + 1) == "when":
                inside = list(self.top_level(opening + 1, self.closing[opening] - 1))
                whens = [i for i in inside if self.words[i] == "when"]
                thens = [i for i in inside if self.words[i] == "then"]
                for when, then in zip(whens, thens, strict=True):
                    yield from self._condition(when + 1, then - 1)
        for i, word in enumerate(self.words):
            if word in ("where", "having", "qualify", "on"):
                yield from self._condition(i + 1, self._last_of_clause(i + 1))

    def _last_of_clause(self, first: int) -> int:
        for i in self.top_level(first, len(self.tokens) - 1):
            ends = self.words[i] in _CLAUSES and self.word(i + 1) != "("
            if ends or self.words[i] in (")", "]", ",", ";") or self.tokens[i].kind == "statement":
                return i - 1
        return len(self.tokens) - 1

    def _condition(self, first: int, last: int) -> Iterator[Change]:
        yield self.changed(first, last, "true")
        yield self.changed(first, last, "false")
        joints = [i for i in self.top_level(first, last) if self.words[i] in ("and", "or")]
        joints = [i for i in joints if "between" not in (self.word(i - 2), self.word(i - 4))]
        if len({self.words[i] for i in joints}) == 1:
            neutral = "true" if self.words[joints[0]] == "and" else "false"
            for start, end in zip([first, *(i + 1 for i in joints)], [*(i - 1 for i in joints), last], strict=True):
                yield self.changed(start, end, neutral)

    def _calls(self) -> Iterator[Change]:
        """`nullif(a, b)` without nullif; lists of arguments and of join keys with each column left out."""
        for opening, closing in self.closing.items():
            function = self.word(opening - 1)
            commas = [i for i in self.top_level(opening + 1, closing - 1) if self.words[i] == ","]
            starts, ends = [opening + 1, *(i + 1 for i in commas)], [*(i - 1 for i in commas), closing - 1]
            if self.words[opening] != "(" or not commas:
                continue
            texts = [self.text[self.tokens[s].start : self.tokens[e].end] for s, e in zip(starts, ends, strict=True)]
            if function == "nullif" and "{" not in texts[0]:
                yield self.changed(opening - 1, closing, texts[0])
            if function in _LIST_CALLS:
                for i, (start, end) in enumerate(zip(starts, ends, strict=True)):
                    if start < end or self.tokens[start].is_column:
                        yield self.changed(start, end + 1, "") if i < len(commas) else self.changed(start - 1, end, "")

    def _columns(self) -> Iterator[Change]:
        """A column by the next one that stands in the same kind of place."""
        places: dict[str, list[int]] = defaultdict(list)
        for i, token in enumerate(self.tokens):
            if token.is_column and (place := self._place(i)):
                places[place].append(i)
        for found in places.values():
            siblings = list(dict.fromkeys(self.words[i] for i in found))
            for i in found:
                after = siblings[(siblings.index(self.words[i]) + 1) % len(siblings)]
                if after != self.words[i]:
                    yield self.changed(i, i, after)

    def _place(self, i: int) -> str:
        before, after = self.word(i - 1), self.word(i + 1)
        if before in ("+", "-", "*", "/") or after in ("+", "-", "/") or (before == "(" and self.word(i - 2) == "nullif"):
            return "operand" if self.words[i].endswith("_count") or after != "(" else ""
        if before == "(" and after == ")" and self.tokens[i - 2].is_column:
            return self.word(i - 2) + "("
        if before == "then" and after in ("end", "else", "when"):
            return "result"
        return "condition" if before in ("when", "and", "or", "not") and after in ("and", "or", "then", ")") else ""
