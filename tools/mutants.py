"""Mutation testing of the metric definitions: change the models' SQL one bit at a time, and see a dbt unit test fail.

`make mutants` tests all mutants; `--model NAME` and `--sample N --seed S` test a part of them, `--list` prints them.

Running dbt once per mutant would take an hour. Instead dbt runs once, on a copy of the project in which every bit that
can be changed is between two numbered SQL comments. dbt keeps comments, so that they are also in the statement that it
makes of each unit test: fixtures, model and expected rows. A mutant is that statement with one bit replaced. It is run
in DuckDB and compared as dbt does: actual and expected rows have to be the same, in any order.

No model is named here. Comments, Jinja, types, and the names of CTEs and result columns don't change.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb
from sqlglot import TokenType, tokenize

from touchstone import dbt
from touchstone.home import environment
from touchstone.landing.land import land
from touchstone.landing.ledger import Ledger
from touchstone.landing.streams import read_streams
from touchstone.settings import PROJECT, Settings
from touchstone.warehouse import read_only

# All models of these folders are tested, as they need unit tests; of the others, those that have some.
_TESTED = {"intermediate", "marts"}
# Seconds. A mutant that takes longer, such as a recursion without end, is caught; a test may take 4 on a busy machine.
_PATIENCE = 10.0

# Jinja: a comment, a statement or an expression.
_JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_KINDS = {"{%": "statement", "{{": "expression"}
# Sequences of words and their changes; the longest match is used. An inner join doesn't become a left one, as the two
# are the same where every row has a partner.
_CHANGES: dict[str, tuple[str, ...]] = {
    "=": ("<>",), "<>": ("=",), "!=": ("=",),
    "<": ("<=", ">="), "<=": ("<", ">"), ">": (">=", "<="), ">=": (">", "<"),
    "is distinct from": ("is not distinct from", "<>"), "is not distinct from": ("is distinct from", "="),
    "is null": ("is not null",), "is not null": ("is null",), "not": ("",), "not materialized": (),
    "and": ("or",), "or": ("and",), "true": ("false",), "false": ("true",), "asc": ("desc",), "desc": ("asc",),
    "< <": (">>",), "+": ("-",), "-": ("+",), "*": ("/",), "/": ("*",), "//": ("*",), "%": ("*",),
    "left join": ("inner join",), "full join": ("inner join",),
    "anti join": ("semi join",), "semi join": ("anti join",),
    "( distinct": ("(",), "min (": ("max(",), "max (": ("min(",), "sum (": ("max(",), "avg (": ("max(",),
    "least (": ("greatest(",), "greatest (": ("least(",), "bool_or (": ("bool_and(",), "bool_and (": ("bool_or(",),
}  # fmt: skip
_ARITHMETIC = {"+", "-", "*", "/", "//", "%"}
_COMPARISON = {"=", "<>", "!=", "is", "not", "distinct", "from", "in"}
_UNITS = {"second": "minute", "minute": "hour", "hour": "day", "day": "hour", "week": "day", "month": "day"}
_LISTS = {"coalesce", "concat", "concat_ws", "greatest", "least", "using"}
# Words that end a condition, if no bracket does.
_CLAUSES = {
    *("where", "group", "order", "having", "qualify", "limit", "union", "except", "intersect", "window", "select"),
    *("join", "inner", "left", "right", "full", "cross", "semi", "anti", "asof"),
}
_KEYWORDS = _CLAUSES | {
    *("distinct", "from", "on", "using", "and", "or", "not", "is", "in", "like", "between", "case", "when", "then"),
    *("else", "end", "by", "as", "with", "over", "partition", "filter", "exclude", "replace", "all", "asc", "desc"),
    *("null", "true", "false", "interval"),
}

# Replace the characters from the first number to the second by the text.
Change = tuple[int, int, str]


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    start: int
    end: int


class Sql:
    """The tokens of one model without its comments, and every change that can be made to them."""

    def __init__(self, text: str) -> None:
        self.tokens = [*_tokens(text)]
        self.words = [token.text.lower() for token in self.tokens]
        # By a token's index: where the bracket or `case` that it opens is closed, and which one it stands in.
        self.closing: dict[int, int] = {}
        self.around: list[int] = []
        self.joints: set[int] = set()  # each `and` and `or` but those of `between`
        opened = [-1]
        between = False
        for i, word in enumerate(self.words):
            if word in (")", "]", "end") and len(opened) > 1:
                self.closing[opened.pop()] = i
            self.around.append(opened[-1])
            if word in ("(", "[", "case"):
                opened.append(i)
            if word in ("and", "or") and not between:
                self.joints.add(i)
            between = word == "between" or (between and word != "and")

    def changes(self) -> list[Change]:
        """Each of them once, in the order of their places."""
        finders = (self._operators, self._constants, self._conditions, self._calls, self._columns)
        return sorted({change for find in finders for change in find()})

    def _operators(self) -> Iterator[Change]:
        i = 0
        while i < len(self.words):
            sequences = (self.words[i : i + length] for length in (4, 3, 2, 1))
            sequence = next((words for words in sequences if " ".join(words) in _CHANGES), [self.words[i]])
            operator = " ".join(sequence)
            unary = operator in _ARITHMETIC and not self._is_operand(i - 1)
            if not unary and (i in self.joints or operator != "and"):
                for after in _CHANGES.get(operator, ()):
                    yield self._change(i, i + len(sequence) - 1, after)
            if operator == "=" and self.tokens[i + 1].kind == "number":
                yield self._change(i, i, ">=")
            i += len(sequence)

    def _constants(self) -> Iterator[Change]:
        """Numbers one up and down; strings by nonsense, and by each that the same thing is compared with elsewhere."""
        subjects = [self._subject(i) if token.kind == "string" else "" for i, token in enumerate(self.tokens)]
        compared: dict[str, dict[str, None]] = defaultdict(dict)
        for token, subject in zip(self.tokens, subjects, strict=True):
            compared[subject][token.text] = None
        compared[""] = {}
        for i, token in enumerate(self.tokens):
            unit = self.words[i].removesuffix("s")
            if token.kind == "number" and self._is_value(i):
                digits = len(token.text.partition(".")[2])
                for step in (10**-digits, -(10**-digits)):
                    yield self._change(i, i, f"{float(token.text) + step:.{digits}f}")
            elif token.kind == "string" and "{{" not in token.text:
                for after in {"'~'", *compared[subjects[i]]} - self._beside(i):
                    yield self._change(i, i, after)
            elif unit in _UNITS and self._word(i - 2) == "interval":
                yield self._change(i, i, _UNITS[unit] + "s")

    def _conditions(self) -> Iterator[Change]:
        """Each condition always and never true, and each of its parts omitted."""
        for i, word in enumerate(self.words):
            if word == "when" and self._word(self.around[i] + 1) == "when":
                last = next(j for j in self._level(i, len(self.words) - 1) if self.words[j] == "then") - 1
            elif word in ("where", "having", "qualify", "on"):
                last = self._end_of_clause(i + 1)
            else:
                continue
            yield self._change(i + 1, last, "true")
            yield self._change(i + 1, last, "false")
            joints = [j for j in self._level(i + 1, last) if j in self.joints]
            if len({self.words[j] for j in joints}) == 1:
                for first, end in self._parts(i + 1, last, joints):
                    yield self._change(first, end, "true" if self.words[joints[0]] == "and" else "false")

    def _calls(self) -> Iterator[Change]:
        """`nullif` without its second argument; lists of arguments and of join keys without each, but for constants."""
        for opening, closing in self.closing.items():
            name = self._word(opening - 1)
            commas = [i for i in self._level(opening + 1, closing - 1) if self.words[i] == ","]
            if name == "nullif":
                yield self._change(commas[0] + 1, closing - 1, "null")
            if name in _LISTS and commas:
                for first, last in self._parts(opening + 1, closing - 1, commas):
                    if first < last or self._is_column(first):
                        comma_first = first > opening + 1
                        yield self._change(first - comma_first, last + (not comma_first), "")

    def _columns(self) -> Iterator[Change]:
        """A column by the next one that stands in the same kind of place."""
        places: dict[str, list[int]] = defaultdict(list)
        for i in range(len(self.words)):
            if self._is_column(i) and (place := self._place(i)):
                places[place].append(i)
        for found in places.values():
            names = list(dict.fromkeys(self.words[i] for i in found))
            for i in found:
                after = names[(names.index(self.words[i]) + 1) % len(names)]
                if after != self.words[i]:
                    yield self._change(i, i, after)

    def _place(self, i: int) -> str:
        before, after = self._word(i - 1), self._word(i + 1)
        if before == "(" and after == ")" and self._is_name(i - 2):
            return f"{self._word(i - 2)}(x)"
        if before in _ARITHMETIC or after in _ARITHMETIC or (before == "(" and self._word(i - 2) == "nullif"):
            return "operand"
        if before == "then":
            return "result"
        return "condition" if before in ("when", "and", "or", "not") and after in ("and", "or", "then", ")") else ""

    def _subject(self, i: int) -> str:
        """What a constant is compared with: a column, or `function(` where it is the first argument."""
        opening = self.around[i]
        if self._word(opening - 1) == "in":
            i = opening
        elif opening == i - 1 and self._is_name(opening - 1):
            return f"{self._word(opening - 1)}("
        before = i - 1
        while self._word(before) in _COMPARISON:
            before -= 1
        return self._word(before) if before < i - 1 and self._is_column(before) else ""

    def _beside(self, i: int) -> set[str]:
        """The texts that would change nothing in the place of this one: itself, and those in the same `in (...)`."""
        opening = self.around[i]
        listed = range(opening, self.closing[opening]) if self._word(opening - 1) == "in" else (i,)
        return {self.tokens[j].text for j in listed}

    def _is_value(self, i: int) -> bool:
        """No number of a type, nor that of `case when ... then 1 end`, 1 or NULL: any other is the same to count()."""
        call = self._word(self.around[i] - 1)
        is_mark = self._word(i - 1) == "then" and self._word(i + 1) == "end" and call != "("
        return not is_mark and call not in ("decimal", "numeric", "varchar")

    def _is_name(self, i: int) -> bool:
        return i >= 0 and self.tokens[i].kind == "name" and self.words[i] not in _KEYWORDS

    def _is_column(self, i: int) -> bool:
        return self._is_name(i) and self._word(i + 1) != "("

    def _is_operand(self, i: int) -> bool:
        constant = self.tokens[i].kind in ("number", "string", "expression")
        return constant or self._is_name(i) or self.words[i] in (")", "]", "end")

    def _end_of_clause(self, first: int) -> int:
        for i in self._level(first, len(self.words) - 1):
            ends = self.words[i] in _CLAUSES and self._word(i + 1) != "("
            if ends or self.words[i] in (")", "]", ",", ";") or self.tokens[i].kind == "statement":
                return i - 1
        return len(self.words) - 1

    def _level(self, first: int, last: int) -> Iterator[int]:
        """The tokens from first to last that stand in no bracket or `case` of their own."""
        while first <= last:
            yield first
            first = self.closing.get(first, first) + 1

    @staticmethod
    def _parts(first: int, last: int, separators: list[int]) -> Iterator[tuple[int, int]]:
        yield from zip([first, *(i + 1 for i in separators)], [*(i - 1 for i in separators), last], strict=True)

    def _word(self, i: int) -> str:
        return self.words[i] if 0 <= i < len(self.words) else ""

    def _change(self, first: int, last: int, after: str) -> Change:
        return self.tokens[first].start, self.tokens[last].end, after


def _tokens(text: str) -> Iterator[Token]:
    """sqlglot's tokens without comments; it sees what is Jinja as a name, and what it takes for one token of several
    words is several.
    """
    jinja = {match.start(): match for match in _JINJA.finditer(text)}
    masked = _JINJA.sub(
        lambda match: f" {'_' * (len(match[0]) - 2)} " if match[0][:2] in _KINDS else " " * len(match[0]), text
    )
    for token in tokenize(masked, dialect="duckdb"):
        if match := jinja.get(token.start - 1):
            yield Token(_KINDS[match[0][:2]], match[0], *match.span())
        elif token.token_type in (TokenType.STRING, TokenType.NUMBER):
            kind = token.token_type.name.lower()
            yield Token(kind, text[token.start : token.end + 1], token.start, token.end + 1)
        else:
            for word in re.compile(r"\S+").finditer(text, token.start, token.end + 1):
                yield Token("name" if re.match(r'\w|"', word[0]) else "symbol", word[0], *word.span())


@dataclass(frozen=True)
class Mutant:
    """One change of one model. `number` is that of the comments around what is changed."""

    model: str
    number: int
    place: str
    after: str

    def of(self, statement: str) -> str:
        """A unit test's statement with the change; the same if what is changed isn't in it."""
        first, last = f"/*<{self.number}*/", f"/*{self.number}>*/"
        while first in statement:
            before, _, rest = statement.partition(first)
            statement = f"{before} {self.after} {rest.partition(last)[2]}"
        return statement


@dataclass(frozen=True)
class Model:
    """A model's SQL with numbered comments around each bit that can be changed, and its mutants."""

    path: Path
    marked: str
    mutants: list[Mutant]

    @classmethod
    def of(cls, path: Path, text: str, used: int = 0) -> Model:
        """`used` is how many numbers other models have."""
        numbers: dict[tuple[int, int], int] = {}
        mutants = []
        for start, end, after in Sql(text).changes():
            number = numbers.setdefault((start, end), used + len(numbers))
            line_start, line_end = text.rfind("\n", 0, start) + 1, (text + "\n").index("\n", end)
            shown = f"{text[line_start:start]}[{text[start:end]} -> {after.strip()}]{text[end:line_end]}"
            line = text.count("\n", 0, start) + 1
            mutants.append(Mutant(path.stem, number, f"{path}:{line}: {' '.join(shown.split())}", after))
        # At the same place the outer of two bits opens first and closes last.
        comments = [(start, 1, -end, f"/*<{number}*/") for (start, end), number in numbers.items()]
        comments += [(end, 0, -start, f"/*{number}>*/") for (start, end), number in numbers.items()]
        marked, done = "", 0
        for position, _, _, comment in sorted(comments):
            marked += text[done:position] + comment
            done = position
        return cls(path, marked + text[done:], mutants)


def read_models() -> list[Model]:
    """The project's models; no number stands in two of them."""
    models: list[Model] = []
    for path in sorted((PROJECT / "models").rglob("*.sql")):
        used = sum(len(model.mutants) for model in models)
        models.append(Model.of(path.relative_to(PROJECT), path.read_text(), used))
    return models


def unit_tests(models: list[Model], home: Path) -> list[str]:
    """The statement of each unit test of `models`, marked; dbt has run all of them without a failure.

    The home has to be empty. An empty lake and empty models are all that dbt needs to know the columns.
    """
    settings = Settings(home=home)
    settings.make_directories()
    with Ledger.open(settings) as ledger:
        for stream in read_streams().values():
            land(stream, settings, ledger, lambda text: None)
    project = home / "project"
    for name in ("models", "macros", "seeds", "profiles", "tests"):
        shutil.copytree(PROJECT / name, project / name, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    shutil.copy(PROJECT / "dbt_project.yml", project)
    for model in models:
        (project / model.path).write_text(model.marked)
    places = {"DBT_PROJECT_DIR": str(project), "DBT_PROFILES_DIR": str(project / "profiles")}
    with patch.dict(os.environ, {**environment(settings), **places}):
        names = [model.path.stem for model in models]
        parsed = dbt.invoke("--quiet", "parse").result
        parents = ["build", "--empty", "--exclude-resource-type", "unit_test", "test", "--select"]
        tests = ["test", "--select"]
        for command in ([*parents, *(f"+{name}" for name in names)], [*tests, *(f"{n},test_type:unit" for n in names)]):
            result: Any = dbt.invoke("--quiet", *command, manifest=parsed)
            if not result.success:
                raise RuntimeError(f"dbt {command[0]} fails before anything is changed") from result.exception
    texts = [path.read_text() for path in (home / "dbt" / "target" / "run").rglob("*.sql")]
    statements = [text for text in texts if "dbt_internal_unit_test_actual" in text]
    if len(statements) != sum(test.node.resource_type == "unit_test" for test in result.result):
        raise RuntimeError("two unit tests of one file have the same name, and dbt has kept one of them")
    return statements


def selected_mutants(models: list[Model], statements: list[str]) -> list[Mutant]:
    """The mutants to test: those of each model that has unit tests or needs them."""
    everything = "".join(statements)
    return [
        mutant
        for model in models
        if not _TESTED.isdisjoint(model.path.parts) or any(f"/*<{m.number}*/" in everything for m in model.mutants)
        for mutant in model.mutants
    ]


def results(mutants: list[Mutant], statements: list[str], home: Path) -> Iterator[tuple[Mutant, bool]]:
    """Each mutant, and whether a unit test catches it."""
    # Planning takes longer than running. All in memory, so that a recursion without end comes to one.
    means = "threads = 1; set memory_limit = '1GB'; set temp_directory = ''; pragma disable_optimizer"
    with read_only(Settings(home=home)) as connection:
        connection.execute(f"set timezone = 'UTC'; set {means}")
        if not all(_passes(statement, connection) for statement in statements):
            raise RuntimeError("a unit test that passes with dbt fails here")
        for mutant in mutants:
            caught = (s for s in statements if (changed := mutant.of(s)) != s and not _passes(changed, connection))
            catcher = next(caught, None)
            if catcher:  # likely to catch the next mutant too
                statements = [catcher, *(statement for statement in statements if statement is not catcher)]
            yield mutant, catcher is not None


def _passes(statement: str, connection: duckdb.DuckDBPyConnection) -> bool:
    timer = threading.Timer(_PATIENCE, connection.interrupt)
    timer.start()
    try:
        rows = connection.execute(statement).fetchall()
    except duckdb.Error:
        return False
    finally:
        timer.cancel()
    sides: dict[str, Counter[str]] = {"actual": Counter(), "expected": Counter()}
    for *values, side in rows:
        sides[side][repr(values)] += 1
    return sides["actual"] == sides["expected"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", nargs="+", metavar="NAME", help="test mutants of these models only")
    parser.add_argument("--sample", type=int, help="test a random sample of this size")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--list", action="store_true", help="print the mutants without testing them")
    options = parser.parse_args()
    began = time.monotonic()
    models = read_models()
    unknown = set(options.model or ()) - {model.path.stem for model in models}
    if unknown:
        parser.error(f"there is no model {', '.join(sorted(unknown))}")
    chosen = [model for model in models if not options.model or model.path.stem in options.model]
    if options.list:
        print(*(mutant.place for model in chosen for mutant in model.mutants), sep="\n")
        return 0
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        statements = unit_tests(chosen, Path(folder))
        mutants = selected_mutants(chosen, statements)
        if options.sample:
            mutants = random.Random(options.seed).sample(mutants, min(options.sample, len(mutants)))
        print(f"{len(statements)} unit tests pass; testing {len(mutants)} mutants", flush=True)
        survivors = []
        for number, (mutant, caught) in enumerate(results(mutants, statements, Path(folder)), start=1):
            survivors += [] if caught else [mutant]
            if number % 200 == 0:
                print(f"{number} tested, {len(survivors)} survived, {time.monotonic() - began:.0f} s", flush=True)
    _report(mutants, survivors)
    return 1 if survivors else 0


def _report(mutants: list[Mutant], survivors: list[Mutant]) -> None:
    if survivors:
        print("\nNo unit test fails when this is changed:", *(mutant.place for mutant in survivors), sep="\n")
    total, survived = Counter(m.model for m in mutants), Counter(m.model for m in survivors)
    rows = [*((name, total[name], survived[name]) for name in total), ("total", len(mutants), len(survivors))]
    print(f"\n{'model':50}{'mutants':>10}{'caught':>10}{'survived':>10}")
    for name, number, alive in rows:
        print(f"{name:50}{number:10}{number - alive:10}{alive:10}")
    print(f"{1 - len(survivors) / max(len(mutants), 1):.1%} caught")


if __name__ == "__main__":
    sys.exit(main())
