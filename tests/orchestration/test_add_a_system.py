"""CONTRIBUTING's "Add a system", followed word by word: a night of a made-up vendor, and whoever has to know of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from touchstone.settings import PROJECT
from touchstone.systems import downstream

from .conftest import TestHome
from .recipes import blocks, contributing, copy_project, follow

SECTION = "Add a system"
# By hand: a message is sent and clicked twice within an hour; another is sent the next day and clicked the next month.
RECORDS = [
    {"at": f"{at}Z", "action": action, "push_id": push_id, "site": "by hand"}
    for at, action, push_id in [
        ("2026-03-14T09:10:00", "sent", "a"),
        ("2026-03-14T09:11:00", "clicked", "a"),
        ("2026-03-14T09:59:59", "clicked", "a"),
        ("2026-03-15T10:00:00", "sent", "b"),
        ("2026-03-15T10:00:01", "dismissed", "b"),
        ("2026-04-01T00:00:00", "clicked", "b"),
    ]
]
# period_start, sent_count, clicked_count, clicked_message_count, click_rate
EXPECTED = {
    "hourly": [
        (datetime(2026, 3, 14, 9), 1, 2, 1, 1.0),
        (datetime(2026, 3, 15, 10), 1, 0, 0, 0.0),
        (datetime(2026, 4, 1), 0, 1, 1, None),
    ],
    "daily": [
        (date(2026, 3, 14), 1, 2, 1, 1.0),
        (date(2026, 3, 15), 1, 0, 0, 0.0),
        (date(2026, 4, 1), 0, 1, 1, None),
    ],
    "monthly": [(date(2026, 3, 1), 2, 2, 1, 0.5), (date(2026, 4, 1), 0, 1, 1, None)],
}
METRICS = ["click_rate", "clicked_count", "clicked_message_count", "sent_count"]
LIST_ASSETS = """
import json
from touchstone.definitions import definitions_of
from touchstone.settings import load_settings
assets = definitions_of(load_settings()).assets
specs = [spec for each in assets for spec in each.specs]
checks = [key.name for each in assets for key in each.check_keys]
groups = {"/".join(spec.key.path): spec.group_name for spec in specs}
print("\\n" + json.dumps([groups, checks]))
"""


class Scratch:
    """A copy of the project that knows Beacon, and a home after a night."""

    def __init__(self, folder: Path) -> None:
        self.project = copy_project(folder / "project")
        self.home = folder / "home"
        follow(SECTION, self.project)

    def run(self, *arguments: str, **settings: str) -> tuple[int, str]:
        """Python in the copy, as a person would start it there."""
        outside = {k: v for k, v in os.environ.items() if not k.startswith(("TOUCHSTONE_", "DBT_", "DAGSTER_"))}
        places = {"PYTHONPATH": str(self.project / "orchestration"), "TOUCHSTONE_HOME": str(self.home)}
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.project, env={**outside, **places, **settings}, capture_output=True, text=True,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.home / "published" / "touchstone.duckdb"), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def assets(self, **settings: str) -> tuple[dict[str, str], list[str]]:
        """Dagster's assets with their groups, and its checks."""
        code, output = self.run("-c", LIST_ASSETS, **settings)
        assert code == 0, output
        groups, checks = json.loads(next(line for line in output.splitlines() if line.startswith("[{")))
        return groups, checks

    @contextmanager
    def changed(self, name: str, before: str = "", after: str = "") -> Iterator[None]:
        """A file with a text changed, or as it is without Beacon."""
        path = self.project / name
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after) if before else (PROJECT / name).read_text())
        try:
            yield
        finally:
            path.write_text(text)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Scratch:
    scratch = Scratch(tmp_path_factory.mktemp("beacon"))
    inbox = scratch.home / "inbox"
    options = ["--systems", "beacon", "--events", "300", "--days", "2", "--end", "2026-05-31", "--jobs", "1"]
    code, output = scratch.run("-m", "touchstone.sample", str(inbox), *options)
    assert code == 0, output
    TestHome.write(inbox / "beacon/events/by-hand.ndjson.gz", RECORDS)
    code, output = scratch.run("-m", "touchstone", "nightly")
    assert code == 0, output
    assert "beacon/events" in output
    return scratch


def test_the_marts_have_the_numbers(scratch: Scratch) -> None:
    for grain, rows in EXPECTED.items():
        columns = "period_start, sent_count, clicked_count, clicked_message_count, click_rate"
        mart = f"beacon_metrics_{grain}"
        assert scratch.query(f"select {columns} from {mart} where site = 'by hand' order by 1") == rows
        assert scratch.query(f"select count(distinct site), min(sent_count) >= 0 from {mart}") == [(3, True)]
        assert scratch.query(
            f"select period_start, numerator, denominator, value from metric_values_{grain} "
            "where mart = 'beacon_metrics' and metric = 'click_rate' and keys = '{\"site\":\"by hand\"}' order by 1"
        ) == [(row[0], row[3], row[1], row[4]) for row in rows]


def test_the_catalog_and_the_long_tables_have_the_metrics(scratch: Scratch) -> None:
    assert scratch.query("select metric, decision from metric_catalog where system = 'beacon' order by 1") == [
        (metric, "docs/decisions/beacon.md#readings") for metric in METRICS
    ]
    for grain in EXPECTED:
        found = scratch.query(f"select distinct metric from metric_values_{grain} where system = 'beacon' order by 1")
        assert found == [(metric,) for metric in METRICS]


def test_the_ledger_and_the_report_name_it(scratch: Scratch) -> None:
    with duckdb.connect(str(scratch.home / "lake" / "ledger.duckdb"), read_only=True) as ledger:
        ((files, records, accepted),) = ledger.execute(
            "select count(*), sum(records), sum(accepted) from files where source = 'beacon/events'"
        ).fetchall()
    assert files > 10 and records > accepted > 300
    assert scratch.query("select status from run where system = 'beacon'") == [("current",)]
    page = (scratch.home / "published" / "report.html").read_text().replace("<wbr>", "")
    assert "Beacon" in page
    assert all(metric in page for metric in METRICS)
    manifest = json.loads((scratch.home / "dbt/project/manifest.json").read_text())
    assert "exposure.touchstone.report" in downstream(manifest, ["model.touchstone.beacon_metrics_daily"])


def test_every_column_is_described(scratch: Scratch) -> None:
    undescribed = scratch.query(
        "select table_name, column_name from duckdb_columns() "
        "where table_name like '%beacon%' and coalesce(comment, '') = ''"
    )
    assert undescribed == []


def test_dagster_has_it_and_a_setting_switches_it_off(scratch: Scratch) -> None:
    groups, checks = scratch.assets()
    assert groups["beacon/events"] == groups["beacon_metrics_daily"] == "beacon"
    tests = ("unique_combination", "never_negative", "rates_are_quotients", "grains_agree")
    assert {f"{test}_int_beacon__metrics_by_period_" for test in tests} <= {*checks}
    assert {"one_current_version_int_beacon__events_", "a_staged_beacon_event_has_its_keys"} <= {*checks}
    groups, checks = scratch.assets(TOUCHSTONE_SYSTEMS='["mailgun"]')
    assert groups and not [name for name in (*groups, *checks) if "beacon" in name]


def test_the_loop_of_one_model_catches_a_wrong_line(scratch: Scratch) -> None:
    model = "int_beacon__metrics_by_period"
    loop = ("-m", "touchstone", "model", model)
    code, output = scratch.run(*loop)
    assert code == 0, output
    with scratch.changed(f"models/intermediate/beacon/{model}.sql", "'sent'", "'clicked'"):
        code, output = scratch.run(*loop)
    assert code == 1, output
    assert "beacon_metrics_count_their_own_kind_of_event" in output


@pytest.mark.parametrize(
    "name, message",
    [
        ("models/intermediate/_int__metric_values.yml", "int_beacon__metric_values has no columns"),
        ("models/groups.yml", "beacon"),
        (
            "dbt_project.yml",
            "is of the group None, which the variable `systems` has not: add it there, or disable its folders",
        ),
    ],
)
def test_what_is_left_out_stops_the_build_with_its_name(scratch: Scratch, name: str, message: str) -> None:
    with scratch.changed(name):
        code, output = scratch.run("-m", "touchstone", "model", "metric_values_daily")
    assert code != 0
    assert message in " ".join(output.split())


def test_it_takes_as_many_lines_as_contributing_says() -> None:
    lines = {
        path: sum(bool(line.strip("+ ")) and (language != "diff" or line[0] == "+") for line in text.splitlines())
        for path, language, text in blocks(SECTION)
    }
    changed = [lines[path] for path, language, _ in blocks(SECTION) if language == "diff"]
    tested = [number for path, number in lines.items() if re.search("unit_tests|fixtures/|sample/", path)]
    stated = re.search(r"it is (\d+) lines, of which (\d+) .* and (\d+) are added", contributing(), re.DOTALL)
    assert stated and [*map(int, stated.groups())] == [sum(lines.values()), sum(tested), sum(changed)]
