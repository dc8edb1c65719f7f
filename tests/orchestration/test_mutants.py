"""The mutants: what is changed in a text, and that unit tests catch a sample of all of them."""

from __future__ import annotations

import random
from pathlib import Path

import duckdb
import pytest

from tools import mutants
from tools.mutants import Model, Sql

# Of so many models so many mutants, the same ones every time; `make mutants` judges all of all.
_SAMPLES = [(8, 40), pytest.param(20, 60, marks=pytest.mark.full)]


def changed(text: str) -> set[str]:
    texts = {text[:start] + after + text[end:] for start, end, after in Sql(text).changes()}
    return {" ".join(after.split()).replace("( ", "(") for after in texts}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = b", {"a <> b"}),
        ("at >= a", {"at > a", "at < a"}),
        ("a = 1.5", {"a <> 1.5", "a >= 1.5", "a = 1.6", "a = 1.4"}),
        ("a is distinct from b", {"a is not distinct from b", "a <> b"}),
        ("x is null or y", {"x is not null or y", "x is null and y"}),
        ("not y", {"y"}),
        ("a << b", {"a >> b"}),
        ("a between b and c", set()),
        ("select *, -t.* from t", set()),
        ("select a * b", {"select a / b", "select b * b", "select a * a"}),
        ("min(a)", {"max(a)"}),
        ("count(distinct a)", {"count(a)"}),
        ("order by a desc", {"order by a asc"}),
        ("left join t using (a, b)", {"inner join t using (a, b)", "left join t using (b)", "left join t using (a)"}),
        ("semi join t using (a)", {"anti join t using (a)"}),
        ("nullif(a, b)", {"nullif(a, null)"}),
        ("cast(a as decimal(18, 2))", set()),
        ("interval 7 days", {"interval 8 days", "interval 6 days", "interval 7 hours"}),
        ("coalesce(a, 'x')", {"coalesce('x')", "coalesce(a, '~')"}),
        ("f('x') f('y')", {"f('y') f('y')", "f('~') f('y')", "f('x') f('x')", "f('x') f('~')"}),
        ("with a as not materialized (b)", set()),
        ("-- a = 1\n/* a or b */ {# true #} {% if not x %} {{ f(a, 'b') }} {% endif %}", set()),
    ],
)
def test_each_bit_is_changed(text: str, expected: set[str]) -> None:
    assert changed(text) == expected


def test_conditions_are_met_and_missed_and_lose_their_parts() -> None:
    assert changed("case when x and k in ('a', 'b') then 1 end").issuperset(
        {
            "case when true then 1 end",
            "case when false then 1 end",
            "case when true and k in ('a', 'b') then 1 end",
            "case when x and true then 1 end",
            "case when x and k in ('~', 'b') then 1 end",
        }
    )
    assert {"from a where false group by all", "from a where b or false group by all"} <= changed(
        "from a where b or c group by all"
    )


def test_a_column_is_taken_for_its_siblings() -> None:
    after = changed("case when is_a then 1 end, case when is_b then 1 end, a_count / nullif(b_count, 0)")
    assert "case when is_b then 1 end, case when is_b then 1 end, a_count / nullif(b_count, 0)" in after
    assert "case when is_a then 1 end, case when is_b then 1 end, a_count / nullif(a_count, 0)" in after
    assert not any("then 2" in text for text in after), "a number that only marks what is counted"


def test_a_marked_model_is_the_model_and_a_mutant_changes_one_bit_of_it() -> None:
    text = "select a\nfrom (values (1), (2)) as t(a)\nwhere a > 1 and a < 3"
    model = Model.of(Path("m.sql"), text)

    def rows(statement: str) -> list[tuple[int]]:
        return duckdb.sql(statement).fetchall()

    assert rows(model.marked) == rows(text) == [(2,)]
    (mutant,) = (m for m in model.mutants if m.place == "m.sql:3: where [a > 1 -> true] and a < 3")
    assert rows(mutant.of(model.marked)) == [(1,), (2,)]


@pytest.mark.parametrize(("of_models", "of_mutants"), _SAMPLES)
def test_the_unit_tests_catch_a_sample_of_mutants(of_models: int, of_mutants: int, tmp_path: Path) -> None:
    chance = random.Random(1)
    tested = [model for model in mutants.read_models() if "intermediate" in model.path.parts and model.mutants]
    models = chance.sample(tested, of_models)
    statements = mutants.unit_tests(models, tmp_path)
    sample = chance.sample(mutants.selected_mutants(models, statements), of_mutants)
    survivors = [mutant.place for mutant, caught in mutants.results(sample, statements, tmp_path) if not caught]
    assert survivors == []
