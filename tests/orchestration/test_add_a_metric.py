"""CONTRIBUTING's "Add a metric", followed: lines in a model, entries in YAML, rows of a unit test; no more."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

from touchstone import dbt
from touchstone.publish import publish
from touchstone.report import write_report

from .conftest import TestHome
from .events import some_events
from .recipes import copy_project, follow

MARTS = "models/marts/mailgun/_mailgun__marts.yml"
KEY = "00000000-0000-0000-0000-00000000000"
FLAG = "subaccount: none, domain: a.example, record_count: 1, is_current: true, load_id: 1, event_at: 2026-03-14 09"
PERIODS = {"hour": "2026-03-14 09:00:00", "day": "2026-03-14", "month": "2026-03-01"}
COUNTED = "".join(
    f"        - {{grain: {grain}, period_start: {start}, record_count: 2, greylisted_count: 1}}\n"
    for grain, start in PERIODS.items()
)
UNIT_TESTS = f"""
unit_tests:
  - name: greylisted_failures_have_a_flag
    model: int_mailgun__event_flags
    given:
      - input: ref('int_mailgun__events')
        rows:
          - {{event_key: {KEY}1, event: failed, reason: greylisted}}
          - {{event_key: {KEY}2, event: failed, reason: generic}}
          - {{event_key: {KEY}3, event: delivered, reason: greylisted}}
    expect:
      rows:
        - {{event_key: {KEY}1, greylisted_count: 1}}
        - {{event_key: {KEY}2, greylisted_count: null}}
        - {{event_key: {KEY}3, greylisted_count: null}}

  - name: greylisted_failures_are_counted
    model: int_mailgun__counts_by_period
    given:
      - input: ref('int_mailgun__event_flags')
        rows:
          - {{event_key: {KEY}1, greylisted_count: 1, {FLAG}:10:00}}
          - {{event_key: {KEY}2, {FLAG}:20:00}}
      - {{input: ref('int_mailgun__engagements'), rows: []}}
    expect:
      rows:
{COUNTED}
  - name: greylisted_failures_are_divided_by_failures
    model: int_mailgun__metrics_by_period
    given:
      - input: ref('int_mailgun__counts_by_period')
        rows:
          - {{greylisted_count: 1, permanent_failed_count: 3, temporary_failed_count: 1}}
          - {{greylisted_count: 0, permanent_failed_count: 0, temporary_failed_count: 0}}
    expect:
      rows:
        - {{greylisted_count: 1, greylisted_rate: 0.25}}
        - {{greylisted_count: 0, greylisted_rate: null}}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the dbt project with a count and a rate more."""
    folder = copy_project(tmp_path / "project")
    follow("Add a metric", folder)
    marts = folder / MARTS
    marts.write_text(
        marts.read_text().replace("*complained_count,", "*greylisted_count, *greylisted_rate, *complained_count,")
    )
    (folder / "models/intermediate/mailgun/_added__unit_tests.yml").write_text(UNIT_TESTS)
    return folder


def test_a_metric_and_a_rate_are_everywhere_after_three_edits(home: TestHome, project: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"

    def run_dbt(*arguments: str, manifest: Any = None) -> Any:
        result = dbt.invoke(
            "--quiet", *arguments, "--project-dir", str(project), "--target-path", str(target),
            "--vars", json.dumps({"reporting_timezone": "UTC"}), manifest=manifest,
        )  # fmt: skip
        assert result.success, [r.message for r in getattr(result.result, "results", [])] or result.exception
        return result.result

    home.put("mailgun/events", "a.json", some_events(seed=3, count=400))
    home.land()
    home.build()
    parsed = run_dbt("parse")
    run_dbt("run", "--full-refresh", "--select", "int_mailgun__event_flags+", "metric_catalog", manifest=parsed)
    unit_tests = ("have_a_flag", "are_counted", "are_divided_by_failures")
    run_dbt(
        "test",
        "--select",
        *(f"greylisted_failures_{name}" for name in unit_tests),
        "rates_are_quotients_int_mailgun__metrics_by_period_",
        "grains_agree_int_mailgun__metrics_by_period_",
        manifest=parsed,
    )
    selected = ("--select", "mailgun_metrics_by_dimension_monthly")
    run_dbt("docs", "generate", "--no-compile", *selected, manifest=parsed)

    # marts and the long table
    for grain in ("hourly", "daily", "monthly"):
        for mart in ("mailgun_metrics", "mailgun_metrics_by_dimension"):
            ((count, rates),) = home.query(f"select sum(greylisted_count), count(greylisted_rate) from {mart}_{grain}")
            assert count > 0 < rates
            found = home.query(
                "select metric, count(value), sum(numerator), sum(denominator) > sum(numerator) "
                f"from metric_values_{grain} where mart = '{mart}' and metric like 'greylisted%' group by 1 order by 1"
            )
            assert found[1] == ("greylisted_rate", rates, count, True)
            assert found[0][0] == "greylisted_count"

    # the catalog
    columns = "metric, vendor_label, definition, kind, rollup, unit, formula, source, decision, caveat"
    assert home.query(f"select {columns} from metric_catalog where metric like 'greylisted%' order by 1") == [
        (
            "greylisted_count", "Greylisted", "Failures with reason greylisted.", "count", "sum", "count", None,
            "mailgun/events", "docs/decisions/mailgun.md#readings-what-counts", None,
        ),
        (
            "greylisted_rate", None,
            "greylisted_count / failed_count. Part of the failures that were greylisted.", "rate", "ratio", "ratio",
            "greylisted_count / failed_count", "mailgun/events", "docs/decisions/mailgun.md#readings-what-counts",
            "Made up.",
        ),
    ]  # fmt: skip

    # dbt docs
    manifest: dict[str, Any] = json.loads((target / "manifest.json").read_text())
    node = "model.touchstone.mailgun_metrics_by_dimension_monthly"
    assert manifest["nodes"][node]["columns"]["greylisted_rate"]["meta"]["numerator"] == "greylisted_count"
    docs = json.loads((target / "catalog.json").read_text())["nodes"][node]["columns"]
    assert docs["greylisted_count"]["type"] == "BIGINT"

    # what readers have: a release's comments, and the catalog in its report
    with home.ledger() as ledger:
        ledger.builds.start("run", "definitions")
        ledger.builds.finish({})
        build = ledger.builds.last()
    publish(home.settings, manifest, "run", build, {}, {})
    release = home.settings.published.resolve()
    with home.ledger() as ledger:
        page = write_report(release, home.settings, ledger, []).read_text()
    with duckdb.connect(str(release / "touchstone.duckdb"), read_only=True) as connection:
        comments = connection.execute(
            "select distinct table_name, comment from duckdb_columns() where column_name = 'greylisted_rate'"
        ).fetchall()
    assert len(comments) == 7
    assert {text for _, text in comments} == {
        "greylisted_count / failed_count. Part of the failures that were greylisted."
    }
    assert "greylisted_count" in page.replace("<wbr>", "")
    assert "Part of the failures that were greylisted." in page


def test_a_mart_that_the_long_table_leaves_out_stops_the_build(home: TestHome, project: Path, tmp_path: Path) -> None:
    home.land()
    home.build_empty()
    model = project / "models/intermediate/mailgun/int_mailgun__metric_values.sql"
    model.write_text(model.read_text().replace(", 'mailgun_metrics_by_dimension'", ""))
    places = ("--project-dir", str(project), "--target-path", str(tmp_path / "target"))
    result = dbt.invoke("--quiet", "compile", "--select", model.stem, *places)
    assert not result.success
    message = "mailgun_metrics_by_dimension_(hourly|daily|monthly) has metrics and is not in int_mailgun__metric_values"
    assert re.search(message, str(result.exception))
