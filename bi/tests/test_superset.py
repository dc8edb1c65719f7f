"""Superset as `make bi` starts it: every chart has data, every dashboard is drawn, and a night isn't in its way."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import yaml
from playwright.sync_api import Browser, Page, expect, sync_playwright

from bi.home import PROJECT
from bi.tests.conftest import Pipeline, Superset

DASHBOARDS = {
    each["title"]: each["charts"]
    for each in yaml.safe_load((PROJECT / "bi" / "dashboards.yml").read_text())["dashboards"]
}


def test_every_chart_has_data(superset: Superset) -> None:
    charts = superset.charts()
    assert len(charts) == sum(map(len, DASHBOARDS.values()))
    for chart in charts:
        rows = superset.rows(chart["id"])
        metrics = re.findall(r"\*\*(\w+)\*\*:", chart["description"])
        assert metrics
        for metric in metrics:
            assert any(row[metric] is not None for row in rows), (chart["slice_name"], metric)


def test_the_chart_of_a_rate_divides_the_sums(superset: Superset, pipeline: Pipeline) -> None:
    (domains,) = (chart for chart in superset.charts() if chart["slice_name"] == "Domains")
    given = {row["domain"]: row["bounce_rate"] for row in superset.rows(domains["id"])}
    with duckdb.connect(str(pipeline.database.resolve()), read_only=True) as connection:
        expected = connection.execute(
            "select domain, sum(bounced_count) / sum(processed_count) from mailgun_metrics_daily "
            "where period_start >= current_date - 90 group by domain"
        ).fetchall()
    assert given == pytest.approx(dict(expected))


def test_metrics_say_what_they_are(superset: Superset) -> None:
    query = "(filters:!((col:table_name,opr:eq,value:mailgun_metrics_daily)))"
    (dataset,) = superset.get(f"/api/v1/dataset/?q={query}")["result"]
    detail = superset.get(f"/api/v1/dataset/{dataset['id']}")["result"]
    metrics = {metric["metric_name"]: metric for metric in detail["metrics"]}
    assert "no suppression explains" in metrics["bounced_count"]["description"]
    assert metrics["bounce_rate"]["expression"] == "sum(bounced_count) / nullif(sum(processed_count), 0)"
    # Only keys are columns: of a column Superset would make any average.
    assert {column["column_name"] for column in detail["columns"]} == {"subaccount", "domain", "period_start"}


@pytest.mark.parametrize(
    "statement",
    [
        "create table x as select 1",
        "select * from read_text('/etc/hostname')",
        "copy (select 1) to '/tmp/x.csv'",
        "attach '/tmp/x.duckdb'",
        "set enable_external_access = true",
        "install httpfs",
    ],
)
def test_sql_lab_reads_nothing_but_the_marts_and_writes_nothing(superset: Superset, statement: str) -> None:
    assert superset.sql("select count(*) from mailgun_metrics_daily").status_code == 200
    answer = superset.sql(statement)
    assert answer.status_code >= 400, answer.text


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def page(browser: Browser, superset: Superset) -> Page:
    # High enough for all charts, as Superset draws those that are in view.
    page = browser.new_page(viewport={"width": 1440, "height": 2600})
    page.goto(f"{superset.address}/login/")
    page.fill("#username", "admin")
    page.fill("#password", superset.password)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{superset.address}/superset/welcome/")
    return page


@pytest.mark.parametrize("title", DASHBOARDS)
def test_a_dashboard_is_drawn_without_an_error(
    page: Page, superset: Superset, title: str, request: pytest.FixtureRequest
) -> None:
    charts = DASHBOARDS[title]
    loaded: list[str] = []
    page.on("requestfinished", lambda finished: loaded.append(finished.url))
    page.goto(f"{superset.address}/superset/dashboard/{title.lower()}/")
    holders = page.locator(".dashboard-component-chart-holder")
    expect(holders).to_have_count(len(charts), timeout=60_000)
    for chart in charts:
        holder = holders.filter(has=page.get_by_text(chart["title"], exact=True))
        drawn = {"number": ".header-line", "table": "tbody tr", "lines": "canvas", "bars": "canvas"}
        (view,) = drawn.keys() & chart.keys()
        expect(holder.locator(drawn[view]).first, f"{title}: {chart['title']}").to_be_visible(timeout=60_000)
    for wrong in (".ant-alert-error", "[data-test='error-alert']", ".missing-chart-container"):
        expect(page.locator(wrong)).to_have_count(0)
    for words in ("No results were returned", "Unexpected error", "No data"):
        expect(page.get_by_text(words)).to_have_count(0)
    elsewhere = [url for url in loaded if not url.startswith((superset.address, "data:", "blob:"))]
    assert not elsewhere
    if folder := request.config.getoption("--screenshots"):
        page.wait_for_timeout(2000)
        page.screenshot(path=Path(folder) / f"{title.lower()}.png", full_page=True)


def test_superset_reads_while_a_night_runs_and_then_sees_its_release(
    superset: Superset, pipeline: Pipeline, tmp_path: Path
) -> None:
    (chart,) = (each["id"] for each in superset.charts() if each["slice_name"] == "Domains")

    def sent() -> float:
        return float(sum(row["sent_count"] for row in superset.rows(chart)))

    before, release = sent(), pipeline.database.resolve()
    pipeline.run("touchstone.sample", str(tmp_path), "--systems", "mailgun", "--seed", "8", "--events", "1000")
    for folder in (tmp_path / "mailgun").iterdir():
        shutil.copytree(folder, pipeline.home / "inbox" / "mailgun" / folder.name / "late")
    night = pipeline.start("touchstone", "nightly")
    seen = []
    while night.poll() is None:
        seen.append(sent())
    assert night.returncode == 0, night.stdout and night.stdout.read()
    assert len(seen) > 10
    assert pipeline.database.resolve() != release
    after = sent()
    assert after > before
    assert set(seen) <= {before, after}


def test_nothing_is_written_outside_of_its_folder(superset: Superset, pipeline: Pipeline) -> None:
    assert not list(superset.user_home.iterdir())
    assert {path.name for path in pipeline.database.resolve().parent.iterdir()} <= {
        "touchstone.duckdb",
        "parquet",
        "report.html",
    }
    modes = {path.name: path.stat().st_mode & 0o777 for path in (pipeline.home / "bi").iterdir()}
    assert modes["password"] == modes["secret_key"] == 0o600
