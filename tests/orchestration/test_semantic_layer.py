"""MetricFlow's numbers are the marts' at day, week and month, for every metric; the others are listed with a reason."""

from __future__ import annotations

import csv
import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from touchstone.semantic_layer import FOLDER, REASONS, divide, metric_name
from touchstone.settings import PROJECT

from .conftest import TestHome
from .test_release import published, release

Numbers = dict[str, Any]

# Keys whose rows `all` total the others.
TOTALLED = ("locale", "flow", "capability", "directive", "product_id", "product_type", "vendor", "account", "sender")
# Marts whose month may be unknown where some of its days are known; the page says so.
OF_CLOUDWATCH = ("connect_", "voice_id_", "appintegrations_")
ENTRIES = "select distinct mart, metric, rollup, numerator, denominator from metric_catalog"


@pytest.fixture(scope="module")
def home(session_home: TestHome) -> TestHome:
    from touchstone.sample.__main__ import main

    session_home.reset()
    main([str(session_home.settings.inbox), "--events", "1500", "--days", "35", "--clean", "--jobs", "1"])
    session_home.land()
    session_home.build()
    release(session_home)
    return session_home


@pytest.fixture(scope="module")
def layer(home: TestHome) -> Path:
    return home.settings.published.resolve() / FOLDER


def parts_of(mart: str, keys: list[str]) -> str:
    """The rows that count each record once: parts, but for keys that some operations don't have."""
    only_totals = ("capability", "directive") if mart == "alexa_operations" else ()
    signs = {key: "=" if key in only_totals else "<>" for key in keys if key in TOTALLED}
    return " and ".join(f"{key} {sign} 'all'" for key, sign in signs.items()) or "true"


def run(layer: Path, *command: str) -> str:
    """What a command prints in the layer's folder, in an environment that knows nothing of the home."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DBT_", "TOUCHSTONE_"))}
    ran = subprocess.run(
        command, cwd=layer, env=environment | {"PYTHONPATH": str(PROJECT)}, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def numbers(layer: Path, tmp_path_factory: pytest.TempPathFactory) -> Numbers:
    file = tmp_path_factory.mktemp("numbers") / "numbers.json"
    printed = run(layer, str(Path(sys.executable).with_name("dbt")), "parse", "--show-all-deprecations")
    assert "WARNING" not in printed, printed
    run(layer, sys.executable, "-m", "tests.orchestration.metricflow_queries", str(file))
    found: Numbers = json.loads(file.read_text())
    return found


def metrics_of(layer: Path) -> dict[str, dict[str, Any]]:
    files = (layer / "models").glob("*.yml")
    return {metric["name"]: metric for file in files for metric in yaml.safe_load(file.read_text()).get("metrics", [])}


def equal(ours: Any, marts: Any) -> bool:
    if ours is None or marts is None:
        return ours is marts
    return math.isclose(ours, marts, rel_tol=1e-9, abs_tol=1e-12)


def test_every_number_by_day_and_month_is_the_marts(home: TestHome, layer: Path, numbers: Numbers) -> None:
    compared = set()
    for mart, found in numbers.items():
        keys, metrics = found["keys"], found["metrics"]
        for grain, table in (("day", f"{mart}_daily"), ("month", f"{mart}_monthly")):
            columns = ", ".join(["period_start", *keys, *metrics])
            rows = published(home, f"select {columns} from {table} where {parts_of(mart, keys)}")
            expected = {(str(row[0]), *row[1 : 1 + len(keys)]): row[1 + len(keys) :] for row in rows}
            ours = {tuple(row[: 1 + len(keys)]): row[1 + len(keys) :] for row in found[grain]}
            assert expected and ours.keys() == expected.keys(), (mart, grain)
            for key, row in ours.items():
                for metric, value, of_mart in zip(metrics, row, expected[key], strict=True):
                    same = equal(value, of_mart) or (
                        grain == "month"
                        and mart.startswith(OF_CLOUDWATCH)
                        and of_mart is None
                        and has_unknown_day(home, mart, metric, keys, key)
                    )
                    assert same, (mart, grain, metric, key, value, of_mart)
                    compared.add(metric_name(mart, metric))
    assert compared == metrics_of(layer).keys()


def has_unknown_day(home: TestHome, mart: str, metric: str, keys: list[str], key: tuple[Any, ...]) -> bool:
    """Whether a month of a key has a day without a number, which a sum passes over."""
    where = " and ".join(f"{name} is not distinct from '{value}'" for name, value in zip(keys, key[1:], strict=True))
    month = f"date_trunc('month', period_start) = date '{key[0]}'"
    days = published(home, f"select count(*) - count({metric}) from {mart}_daily where {month} and {where}")
    return bool(days[0][0])


def test_every_number_by_week_is_that_of_its_days(home: TestHome, numbers: Numbers) -> None:
    entries = {(mart, metric): rest for mart, metric, *rest in published(home, ENTRIES)}
    for mart, found in numbers.items():
        keys, metrics = found["keys"], found["metrics"]
        aggregates = []
        for metric in metrics:
            rollup, numerator, denominator = entries[mart, metric]
            aggregates.append(
                f"sum({numerator}) / nullif(sum({denominator}), 0)"
                if rollup == "ratio"
                else {"sum": f"sum({metric})", "max": f"max({metric})", "any": f"bool_or({metric})"}[rollup]
            )
        parts = parts_of(mart, keys)
        rows = published(
            home,
            f"select cast(date_trunc('week', period_start) as date), {', '.join([*keys, *aggregates])} "
            f"from {mart}_daily where {parts} group by all",
        )
        expected = {(str(row[0]), *row[1 : 1 + len(keys)]): row[1 + len(keys) :] for row in rows}
        ours = {tuple(row[: 1 + len(keys)]): row[1 + len(keys) :] for row in found["week"]}
        assert expected and ours.keys() == expected.keys(), mart
        for key, row in ours.items():
            assert all(map(equal, row, expected[key])), (mart, key, row, expected[key])


def test_parts_make_the_rows_that_total_them(home: TestHome, numbers: Numbers) -> None:
    entries = {(mart, metric): rest for mart, metric, *rest in published(home, ENTRIES)}
    compared = 0
    for mart, found in numbers.items():
        totals = [key for key in found["keys"] if key in TOTALLED]
        sums = [metric for metric in found["metrics"] if entries[mart, metric][0] == "sum"]
        if not totals or not sums:
            continue
        others = [key for key in found["keys"] if key not in totals]
        columns = ", ".join(["period_start", *others])
        summed = ", ".join(f"sum({metric})" for metric in sums)
        of_totals, of_parts = (
            published(home, f"select {columns}, {summed} from {mart}_daily where {rows} group by all order by all")
            for rows in (" and ".join(f"{key} = 'all'" for key in totals), parts_of(mart, found["keys"]))
        )
        assert len(of_totals) == len(of_parts), mart
        for total, part in zip(of_totals, of_parts, strict=True):
            assert all(a == b or equal(a, b) for a, b in zip(total, part, strict=True)), (mart, sums, total, part)
        compared += len(of_totals)
    assert compared


def test_every_metric_is_in_the_layer_or_left_out_with_its_reason(home: TestHome, layer: Path) -> None:
    with (layer / "left_out.csv").open() as file:
        left_out = [(row["mart"], row["metric"]) for row in csv.DictReader(file)]
    in_layer = {(m["config"]["meta"]["mart"], m["config"]["meta"]["column"]) for m in metrics_of(layer).values()}
    known = set(published(home, "select distinct mart, metric from metric_catalog"))
    assert len(left_out) == len({*left_out}) and not in_layer & {*left_out}
    assert in_layer | {each for each in left_out if not each[0].endswith("_by_dimension")} == known


def test_a_rate_is_a_ratio_and_nothing_else_is(home: TestHome, layer: Path) -> None:
    rates = {
        metric_name(*row) for row in published(home, "select mart, metric from metric_catalog where kind = 'rate'")
    }
    metrics = metrics_of(layer)
    assert {name for name, metric in metrics.items() if metric["type"] == "ratio"} == rates & metrics.keys() != set()


def test_the_page_gives_every_reason(home: TestHome) -> None:
    page = " ".join((PROJECT / "docs" / "semantic-layer.md").read_text().split())
    assert [reason for reason in REASONS if reason not in page] == []


def test_a_metric_of_an_unknown_rollup_is_refused(home: TestHome) -> None:
    entry = {"system": "mailgun", "mart": "mailgun_metrics", "metric": "sent_count", "rollup": "median"}
    with pytest.raises(KeyError, match="median"):
        divide([entry | {"numerator": None, "denominator": None}], home.project)


def delivered_by_month(folder: Path) -> dict[str, int]:
    """What `mf query` finds of Mailgun's delivered messages, by month."""
    file = folder / "delivered.csv"
    metrics = "mailgun_metrics_delivered_count,mailgun_metrics_delivered_rate"
    query = ("query", "--metrics", metrics, "--group-by", "metric_time__month", "--csv", str(file))
    run(folder, str(Path(sys.executable).with_name("mf")), *query)
    with file.open() as rows:
        return {row["metric_time__month"][:10]: int(row[metrics.split(",")[0]]) for row in csv.DictReader(rows)}


def expected_by_month(home: TestHome) -> dict[str, int]:
    sql = "select cast(period_start as varchar), sum(delivered_count) from mailgun_metrics_monthly group by all"
    return {month: int(count) for month, count in published(home, sql)}


def test_mf_query_answers_in_the_folder(home: TestHome, layer: Path, numbers: Numbers) -> None:
    assert delivered_by_month(layer) == expected_by_month(home)


def test_the_models_work_in_a_project_of_ones_own(home: TestHome, layer: Path, tmp_path: Path) -> None:
    """As the page says: with the database named under which the published file is attached."""
    models = shutil.copytree(layer / "models", tmp_path / "models" / "engagement")
    for file in (models / "sources.yml", models / "days.yml"):
        content = yaml.safe_load(file.read_text())
        content["sources"][0]["database"] = "touchstone"
        file.write_text(yaml.safe_dump(content))
    project = {"name": "shop", "profile": "shop", "flags": {"send_anonymous_usage_stats": False}}
    (tmp_path / "dbt_project.yml").write_text(yaml.safe_dump(project))
    attached = {"path": str(layer.parent / "touchstone.duckdb"), "alias": "touchstone", "read_only": True}
    output = {"type": "duckdb", "path": "shop.duckdb", "schema": "main", "attach": [attached]}
    profile = {"shop": {"target": "dev", "outputs": {"dev": output}}}
    (tmp_path / "profiles.yml").write_text(yaml.safe_dump(profile))
    run(tmp_path, str(Path(sys.executable).with_name("dbt")), "run")
    assert delivered_by_month(tmp_path) == expected_by_month(home)
