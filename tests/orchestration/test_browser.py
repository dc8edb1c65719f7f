"""What a person sees, in headless Chromium: the report of a release, and the Dagster UI."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path
from threading import Thread
from typing import Any

import duckdb
import psutil
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from touchstone.report.headlines import declared
from touchstone.sample.__main__ import main as sample
from touchstone.settings import PROJECT

from .commands import run
from .conftest import TestHome
from .servers import free_port, until

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")

# Nothing but what is asked for: no look-ups, updates or synchronisation.
_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SECTIONS = declared()


@pytest.fixture(scope="module")
def home(session_home: TestHome) -> Path:
    """A home after a night over the sample."""
    session_home.reset()
    assert session_home.manifest  # parsed, which the night need not do
    home = session_home.settings.home
    sample([str(home / "inbox"), "--days=35", "--events=6000"])
    code, output = run(home)
    assert code == 0, output
    return home


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_OPTIONS)
        yield browser
        browser.close()


class Opened:
    """The report in its own page, and the browser's messages."""

    def __init__(self, browser: Browser, home: Path, **context: Any) -> None:
        self.page = browser.new_context(**context).new_page()
        self.said: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.address = (home / "published" / "report.html").as_uri()
        self.page.goto(self.address)


@pytest.fixture
def report(browser: Browser, home: Path) -> Iterator[Page]:
    opened = Opened(browser, home, viewport={"width": 1280, "height": 900})
    yield opened.page
    opened.page.context.close()
    assert opened.said == []
    assert opened.requests == [opened.address], "the report is one file"


def figures(home: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home / "published" / "touchstone.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_the_report_has_every_section_and_its_charts_have_data(report: Page) -> None:
    for section in SECTIONS:
        place = report.locator(f"section#{section.system}")
        charts = place.locator("figure.chart")
        assert [title.inner_text() for title in charts.locator("h4").all()] == [chart.title for chart in section.charts]
        for chart in charts.all():
            marks = chart.locator(".plot svg path[stroke^='var(--line']").all()
            points = [point for mark in marks for point in re.findall("[ML]", mark.get_attribute("d") or "")]
            assert len(points) > 5, chart.locator("h4").inner_text()
    # thresholds are drawn in, with their names
    for chart in (chart for section in SECTIONS for chart in section.charts):
        drawn = report.locator("figure.chart", has=report.get_by_role("heading", name=chart.title, exact=True))
        for threshold in chart.thresholds:
            expect(drawn.locator("svg text", has_text=re.compile(f"^{threshold.name}$"))).to_have_count(1)


def test_the_reports_numbers_are_the_marts(report: Page, home: Path) -> None:
    ((day, sent, delivered),) = figures(
        home,
        "select max(period_start), arg_max(sent, period_start), arg_max(delivered, period_start) from ("
        "select period_start, sum(sent_count) as sent, sum(delivered_count) as delivered "
        "from mailgun_metrics_daily group by period_start)",
    )
    ((median,),) = figures(
        home,
        "select median(sent) from (select period_start, sum(sent_count) as sent from mailgun_metrics_daily "
        f"group by period_start) where period_start in (date '{day}' - 7, date '{day}' - 14, date '{day}' - 21, "
        f"date '{day}' - 28, date '{day}' - 35)",
    )
    compared = report.locator("section#mailgun table.compared")
    row = compared.get_by_role("row", name=re.compile("^Sent "))
    assert [cell.inner_text() for cell in row.locator("td").all()[:2]] == [
        f"{sent:,}",
        f"{median:,.1f}".removesuffix(".0"),
    ]
    row = compared.get_by_role("row", name=re.compile("^Delivered rate"))
    assert row.locator("td").first.inner_text().startswith(f"{100 * delivered / sent:.1f}")
    ((records, files),) = figures(home, "select sum(records)::bigint, count(*) from intermediate.landed_files")
    ledger = report.locator("section#ledger tfoot td")
    assert [ledger.nth(cell).inner_text() for cell in (0, 5)] == [f"{records:,}", f"{files:,}"]
    ((unexplained,),) = figures(home, "select count(*) from reconciliation_daily where status = 'unexplained'")
    shown = report.locator("section#reconciliation table").first.locator("tbody tr td:nth-child(4)").all()
    assert sum(int(cell.inner_text().replace(",", "")) for cell in shown) == unexplained


def test_a_rate_above_one_is_explained_where_it_stands(report: Page, home: Path) -> None:
    above = figures(
        home,
        "select distinct definition || ' ' || coalesce(caveat, '') from metric_values_daily as v "
        "inner join metric_catalog as c on c.metric = v.metric and c.mart = replace(v.mart, '_by_dimension', '') "
        "where unit = 'ratio' and value > 1",
    )
    assert len(above) > 5
    assert [text for (text,) in above if "above 1" not in text.lower()] == []
    chart = report.locator("section#connect figure.chart", has_text="Part of the estimated quota in use")
    expect(chart.locator(".note", has_text="above 1 where more were active than it allows").first).to_be_visible()


def test_checks_say_what_they_found_and_what_to_do(report: Page) -> None:
    found = report.locator(
        ".findings li", has=report.locator("code", has_text="mailgun/events: no_quarantined_records")
    )
    assert re.match(
        r"\d+ records of mailgun/events quarantined, \d+ files? refused$", found.locator("p").first.inner_text()
    )
    assert "Correct the files" in found.locator(".note").inner_text()
    lines = [line.inner_text() for line in report.locator(".findings li p:first-child").all()]
    assert len(lines) > 10
    assert [line for line in lines if re.search(r"\b(int|stg)_|__|\b[a-z]+(_[a-z]+){2}\b(?!/)", line)] == [
        line for line in lines if "cloudwatch_metric_definitions" in line or "smart_home_messages" in line
    ], "names of checks and models are below"
    expect(report.locator("section#new")).to_contain_text("There is no earlier report to compare with")


def test_the_catalog_is_searched(report: Page, home: Path) -> None:
    ((metrics,),) = figures(home, "select count(*) from metric_catalog")
    rows = report.locator("section#catalog tbody tr:visible")
    expect(rows).to_have_count(metrics)
    report.get_by_role("searchbox", name="Search").fill("bounce rate")
    report.get_by_role("combobox", name="System").select_option("ses")
    ((found,),) = figures(
        home, "select count(*) from metric_catalog where system = 'ses' and metric ~ 'bounce' and metric ~ 'rate'"
    )
    assert 0 < found <= rows.count() < 30
    assert all("bounce" in row.inner_text().lower() for row in rows.all())
    expect(report.locator("#found")).to_have_text(f"{rows.count()} metrics")
    report.get_by_role("searchbox", name="Search").fill("no such thing")
    expect(rows).to_have_count(0)


def test_a_keyboard_is_enough(report: Page) -> None:
    report.keyboard.press("Tab")
    skip = report.get_by_role("link", name="Skip to the numbers")
    expect(skip).to_be_focused()
    assert skip.evaluate("element => getComputedStyle(element).outlineStyle") != "none"
    report.keyboard.press("Enter")
    assert report.url.endswith("#main")
    summary = report.locator("figure.chart summary").first
    summary.focus()
    report.keyboard.press("Enter")
    expect(report.locator("figure.chart table.numbers").first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_report_is_for_everybody(browser: Browser, home: Path, scheme: Any, width: int) -> None:
    opened = Opened(browser, home, viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert opened.page.evaluate("document.documentElement.scrollWidth") == width, "nothing is cut off"
    quarantined = opened.page.get_by_role("columnheader", name="Quarantined", exact=True).bounding_box()
    assert quarantined and quarantined["x"] + quarantined["width"] < width - 14
    background = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", background)[:3])) < 200) == (scheme == "dark")
    # contrast, names of charts and fields, headings, tables, landmarks
    opened.page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true })")
    found = Axe().run(opened.page)
    assert found.violations_count == 0, found.generate_report()
    charts = opened.page.locator("figure.chart .plot")
    assert charts.count() == charts.and_(opened.page.get_by_role("img", name="Line chart")).count()
    opened.page.context.close()


def test_the_report_needs_no_script(browser: Browser, home: Path) -> None:
    opened = Opened(browser, home, java_script_enabled=False)
    assert opened.page.locator("figure.chart .plot > svg").count() == sum(len(section.charts) for section in SECTIONS)
    expect(opened.page.locator("section#catalog tbody tr").first).to_be_visible()
    opened.page.context.close()


# ---- Dagster


@pytest.fixture(scope="module")
def ui(home: Path) -> Iterator[str]:
    """Address of `touchstone ui` over the home, as it prints it."""
    environment = {**os.environ, "TOUCHSTONE_HOME": str(home), "PORT": str(free_port())}
    log = home / "ui.log"
    with log.open("w") as output:
        command = [sys.executable, "-m", "touchstone", "ui"]
        server = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=output, stderr=output)
    services: list[psutil.Process] = []
    try:
        until(lambda: server.poll() is not None or "Dagster's UI: " in log.read_text(), 120)
        found = re.search(r"Dagster's UI: (http://127\.0\.0\.1:\d+/\?token=[\w-]+)\n", log.read_text())
        assert found, log.read_text()
        yield found[1]
        services = psutil.Process(server.pid).children(recursive=True)
        assert any("daemon" in " ".join(each.cmdline()) for each in services)
    finally:
        server.terminate()
        assert server.wait(60) == 0
    _, left = psutil.wait_procs(services, 60)
    assert left == []


@pytest.fixture
def page(browser: Browser, ui: str) -> Iterator[Page]:
    """A page of a browser that has opened the address with the token."""
    page = browser.new_page(viewport={"width": 1600, "height": 900}, base_url=ui)
    page.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    page.goto(ui)
    yield page
    page.context.close()


def test_the_ui_asks_for_its_token(browser: Browser, ui: str) -> None:
    address, _, token = ui.partition("?token=")
    stranger = browser.new_page(color_scheme="dark")
    stranger.goto(f"{address}jobs")
    expect(stranger.get_by_text("The token is in the file ui_token of the home")).to_be_visible()
    found = Axe().run(stranger)
    assert found.violations_count == 0, found.generate_report()
    stranger.get_by_label("Token").fill("wrong")
    stranger.get_by_role("button", name="Open").click()
    expect(stranger.get_by_label("Token")).to_be_empty()
    stranger.get_by_label("Token").fill(token)
    stranger.get_by_role("button", name="Open").click()
    expect(stranger.get_by_text("nightly").first).to_be_visible(timeout=60_000)
    assert stranger.url == f"{address}jobs", "the token doesn't stay in the history"
    (cookie,) = stranger.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    stranger.context.close()


_ATTACK = """async ([address, socket]) => {
  const body = JSON.stringify({query: "{ version }"});
  const sent = {method: "POST", credentials: "include", body};
  const answer = await fetch(address + "graphql", {...sent, mode: "no-cors"}).catch((error) => error);
  const readable = await fetch(address + "graphql", sent).then(() => "read", () => "refused");
  const opened = await new Promise((done) => {
    const opening = new WebSocket(socket, "graphql-ws");
    opening.onopen = () => done("opened");
    opening.onerror = () => done("refused");
  });
  return [answer.type, readable, opened];
}"""


def test_another_page_of_this_machine_can_do_nothing_in_the_ui(page: Page, ui: str) -> None:
    """Its requests carry the cookie, as another port is the same site."""
    address = ui.partition("?")[0]
    statuses: list[int] = []
    page.on("response", lambda response: statuses.append(response.status) if "/graphql" in response.url else None)
    page.goto(f"{address}server_info")  # a page without requests of its own
    socket = address.replace("http", "ws") + "graphql"
    assert page.evaluate(_ATTACK, [address, socket]) == ["basic", "read", "opened"], "as the UI's own pages do"
    with HTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as other:
        Thread(target=other.serve_forever, daemon=True).start()
        page.goto(f"http://127.0.0.1:{other.server_port}/nowhere")
        statuses.clear()
        assert page.evaluate(_ATTACK, [address, socket]) == ["opaque", "refused", "refused"]
        other.shutdown()
    assert statuses
    assert set(statuses) == {403}


# The boxes of the graph that have a name, and its lines. At once, as the page redraws them now and then.
_GRAPH = """() => ({
  boxes: [...document.querySelectorAll("foreignObject:has([data-tooltip])")].map((box) => [
    box.querySelector("[data-tooltip]").dataset.tooltip,
    ...["x", "y", "width", "height"].map((side) => Number(box.getAttribute(side))),
  ]),
  lines: [...document.querySelectorAll("svg path")].map((path) => path.getAttribute("d") || ""),
})"""


def lineage(page: Page) -> set[tuple[str, str]]:
    """Which box of the graph an edge leads from, and which to: an edge leaves at the right and arrives at the left."""
    graph = page.evaluate(_GRAPH)
    # but for the box around those of a group
    boxes = {name: (x, y, x + wide, y + high) for name, x, y, wide, high in graph["boxes"] if high < 500}
    edges = set()
    for line in graph["lines"]:
        numbers = [float(number) for number in re.findall(r"-?[\d.]+", line)]
        if len(numbers) == 8:
            (x, y), (to_x, to_y) = numbers[:2], numbers[-2:]
            above = [name for name, (_, top, right, low) in boxes.items() if abs(right - x) < 9 and top < y < low]
            below = [name for name, (left, top, _, low) in boxes.items() if abs(left - to_x) < 9 and top < to_y < low]
            edges |= {(one, other) for one in above for other in below}
    return edges


def expect_joined(page: Page, edges: set[tuple[str, str]]) -> None:
    until = time.monotonic() + 30
    while not edges <= lineage(page) and time.monotonic() < until:
        page.wait_for_timeout(500)
    assert edges - lineage(page) == set()


def test_the_lineage_joins_landing_to_the_release(page: Page, ui: str) -> None:
    page.set_viewport_size({"width": 9000, "height": 6000})  # where there is less room, names are shortened
    page.goto("/asset-groups")
    systems = ("alexa", "catalog", "cloudwatch", "mailgun", "pinpoint", "ses")
    expect_joined(page, {(system, "publish") for system in systems})
    page.locator("foreignObject.group", has=page.locator("[data-tooltip='mailgun']")).dblclick()
    grains = ("hourly", "daily", "monthly")
    marts = [f"mailgun_metrics{part}_{grain}" for part in ("", "_by_dimension") for grain in grains]
    expect_joined(
        page,
        {
            ("events", "stg_mailgun__events"),
            ("stg_mailgun__events", "int_mailgun__events"),
            ("int_mailgun__events", "int_mailgun__event_flags"),
            ("int_mailgun__event_flags", "int_mailgun__counts_by_period"),
            ("int_mailgun__counts_by_period", "int_mailgun__metrics_by_period"),
            *(("int_mailgun__metrics_by_period", mart) for mart in marts),
            *((mart, "publish") for mart in marts),
        },
    )


def test_an_asset_says_what_it_is(page: Page, ui: str, home: Path) -> None:
    ((rows,),) = figures(home, "select count(*) from mailgun_metrics_daily")
    page.goto("/assets/mailgun_metrics_daily")
    expect(page.get_by_text("Every Mailgun metric by period")).to_be_visible()
    expect(page.get_by_text("data-email@example.com").first).to_be_visible()
    expect(page.get_by_text("DuckDB", exact=True)).to_be_visible()
    expect(page.get_by_text("touchstone.main.mailgun_metrics_daily").first).to_be_visible()
    expect(page.get_by_text(f"{rows:,}", exact=True).first).to_be_visible()
    expect(page.get_by_text("Sending domain; none where the record names none.")).to_be_visible()


def test_a_source_shows_what_has_landed_and_its_checks(page: Page, ui: str) -> None:
    page.goto("/assets/mailgun/events?view=checks")
    for check in ("ledger_adds_up", "no_quarantined_records", "source_freshness", "no_missing_hours"):
        expect(page.get_by_text(check).first).to_be_visible()
