"""Nights on Spark: a stand-in for dbt has the marts of DuckDB's night, so that only what is around Spark is tested."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import psutil
import pytest
from dagster import AssetCheckKey, AssetKey, DagsterInstance

from touchstone.definitions import definitions_of
from touchstone.event_log import last_evaluations
from touchstone.plan import fingerprint
from touchstone.settings import Settings

from .commands import run, start
from .conftest import TestHome
from .events import some_events
from .test_runs import fill, marts, published

# Writes the results of what is selected, as `results` in its folder says by name, and the Parquet of what is exported.
DBT = """#!{python}
import argparse, json, os, pathlib, duckdb
parser = argparse.ArgumentParser()
for name in ("project-dir", "target-path", "vars"):
    parser.add_argument("--" + name)
parser.add_argument("--select", nargs="+")
given, _ = parser.parse_known_args()
folder = pathlib.Path(__file__).parent
called = dict(names=given.select, vars=json.loads(given.vars), **{{
    name: os.environ["TOUCHSTONE_" + name.upper()].split(",") for name in ("full_refresh", "empty")}})
(folder / "called.json").write_text(json.dumps(called))
project = pathlib.Path(given.project_dir)
known = {{path.stem: path.relative_to(project).parts[0] for path in project.rglob("*.sql")}}
changed = json.loads((folder / "results.json").read_text())
results = []
with duckdb.connect(str(folder / "reference.duckdb"), read_only=True) as reference:
    schemas = dict(reference.execute("select name, schema from (show all tables)").fetchall())
    for name in given.select:
        if name not in known:
            continue
        kind, good = ("test", "pass") if known[name] == "tests" else ("model", "success")
        result = dict(unique_id=f"{{kind}}.touchstone_spark.{{name}}", status=good, failures=0, message=None,
                      execution_time=1.0) | changed.get(name, {{}})
        results.append(result)
        print(f"1 of 1 OK created sql view model touchstone.{{name}} ....... [OK in 1.00s]")
        if result["status"] == "success" and name in called["vars"]["exported"]:
            to = pathlib.Path(called["vars"]["marts"], name)
            to.mkdir(parents=True)
            reference.execute(f"copy {{schemas[name]}}.{{name}} to '{{to}}/part-0.parquet'")
target = pathlib.Path(given.target_path)
target.mkdir(exist_ok=True)
(target / "run_results.json").write_text(json.dumps(dict(results=results)))
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project for Spark, which takes a minute or two to write."""
    return tmp_path_factory.mktemp("written") / "spark"


@pytest.fixture
def home(session_home: TestHome, written: Path) -> Iterator[Path]:
    session_home.reset()
    assert session_home.manifest
    path = session_home.settings.home
    fill(path)
    session_home.put("ses/events", "a.json", ses_events())
    if written.exists():
        shutil.copytree(written, path / "spark")
    yield path
    if not written.exists():
        shutil.copytree(path / "spark", written, ignore=shutil.ignore_patterns("marts", "target", "logs"))


def ses_events() -> list[dict[str, Any]]:
    mail = {"messageId": "m1", "timestamp": "2026-01-05T10:00:00.000Z", "source": "a@example.com"}
    mail |= {"destination": ["b@example.com"], "tags": {"ses:configuration-set": ["all"]}}
    return [{"eventType": "Send", "mail": mail, "send": {}}]


class Spark:
    """The stand-in and the settings with which a night uses it."""

    def __init__(self, home: Path, folder: Path) -> None:
        self._home, self._folder = home, folder
        self.program = folder / "dbt"
        self.program.write_text(DBT.format(python=sys.executable))
        self.program.chmod(0o755)
        (home / "profiles.yml").write_text("touchstone_spark: {target: none}\n")

    def night(self, **results: dict[str, Any]) -> tuple[int, str]:
        (self._folder / "results.json").write_text(json.dumps(results))
        (self._folder / "called.json").unlink(missing_ok=True)
        return run(self._home, TOUCHSTONE_TARGET="spark", TOUCHSTONE_SPARK_DBT=str(self.program))

    def know(self) -> None:
        """Have the marts that are published now."""
        published = (self._home / "published").resolve() / "touchstone.duckdb"
        (self._folder / "reference.duckdb").write_bytes(published.read_bytes())

    def called(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self._folder / "called.json").read_text())
        return found


def told(home: Path) -> tuple[set[AssetKey], dict[AssetCheckKey, bool]]:
    """What Dagster knows: the assets that are materialized, and whether each check that ran has passed."""
    keys = [*definitions_of(Settings(home=home)).resolve_asset_graph().asset_check_keys]
    with DagsterInstance.from_config(str(home / "dagster")) as instance:
        outcomes = last_evaluations(instance, keys)
        return {*instance.all_asset_keys()}, {key: outcome.passed for key, outcome in outcomes.items()}


def test_a_night_on_spark_is_published_as_one_on_duckdb(home: Path, tmp_path: Path) -> None:
    code, output = run(home)
    assert code == 0, output
    known, first = told(home), marts(home)
    relations = published(home, "select schema, name from (show all tables) where schema = 'main' order by all")
    catalog = published(home, "select * from metric_catalog order by all")
    spark = Spark(home, tmp_path)
    spark.know()

    code, output = spark.night()
    assert code == 0, output
    assert "built mailgun_metrics_daily" in output
    assert "Built by:  Spark" in output
    called = spark.called()
    assert {"int_mailgun__events", "int_ses__events", "metric_catalog"} <= {*called["full_refresh"]}
    assert {"mailgun_metrics_daily", "mailgun_loses_no_record", "int_ses__events"} <= {*called["names"]}
    assert not [name for name in called["names"] if "alexa" in name], "nothing of it has landed"
    assert called["vars"]["lake"] == str(home / "lake")
    assert marts(home) == first
    assert published(home, "select * from metric_catalog order by all") == catalog
    assert published(home, "select schema, name from (show all tables) where schema = 'main' order by all") == relations
    assets, checks = told(home)
    assert assets == known[0]
    assert known[1].items() <= checks.items()
    with duckdb.connect(str(home / "warehouse" / "internal.duckdb"), read_only=True) as connection:
        assert connection.execute("select count(*) from duckdb_tables()").fetchone() == (0,)

    code, output = spark.night()
    assert code == 0, output
    assert not (tmp_path / "called.json").exists(), "nothing is new"

    TestHome.write(home / "inbox" / "mailgun" / "events" / "later.json", some_events(9, 50))
    code, output = spark.night(mailgun_loses_no_record={"status": "fail", "failures": 3})
    assert code == 2, output
    assert "test mailgun_loses_no_record found 3 rows" in output
    assert "writing the project" not in output
    called = spark.called()
    assert called["full_refresh"] == [""]
    assert "int_mailgun__events" in called["names"]
    assert not [name for name in called["names"] if "ses" in name.split("_")], "nothing of it has landed since"
    assert dict(published(home, "select system, status from run")) == {"mailgun": "held back", "ses": "current"}
    assert marts(home) == first

    failing = {"int_mailgun__events": {"status": "error", "message": "out of luck"}}
    failing |= {"mailgun_metrics_daily": {"status": "skipped"}}
    code, output = spark.night(**failing)
    assert code == 2, output
    assert "model int_mailgun__events failed" in output

    code, output = run(home)
    assert code == 0, output
    assert dict(published(home, "select system, status from run")) == {"mailgun": "current", "ses": "current"}
    again = marts(home)
    assert again["ses_metrics_daily"] == first["ses_metrics_daily"]
    assert again["mailgun_metrics_daily"] != first["mailgun_metrics_daily"]


def test_what_is_missing_is_named_with_the_remedy(home: Path, tmp_path: Path) -> None:
    def said(**settings: str) -> str:
        code, output = run(home, TOUCHSTONE_TARGET="spark", **settings)
        assert code == 1, output
        assert "Traceback" not in output
        return output

    assert "there is no program /no/dbt: pip install 'dbt-spark[session]'" in said(TOUCHSTONE_SPARK_DBT="/no/dbt")
    assert f"{home}/profiles.yml has no profile touchstone_spark" in said(TOUCHSTONE_SPARK_DBT="/bin/sh")
    assert "spark has no rule for the tokens of keep_records_days" in said(TOUCHSTONE_KEEP_RECORDS_DAYS="30")
    spark = Spark(home, tmp_path)
    for sign, remedy in {
        "Could not find adapter type spark!": "dbt-databricks",
        "JAVA_GATEWAY_EXITED": "Java 17",
    }.items():
        spark.program.write_text(f"#!/bin/sh\necho '{sign}'\nexit 2\n")
        output = said(TOUCHSTONE_SPARK_DBT=str(spark.program))
        assert "dbt could not build on Spark: " in output
        assert remedy in output
    assert not (home / "published").exists()


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_dbt_ends_with_a_night_that_is_killed(home: Path, tmp_path: Path) -> None:
    spark = Spark(home, tmp_path)
    script = "echo $$ > unfinished; mv unfinished number; exec sleep 300"
    spark.program.write_text(f"#!/bin/sh\ncd '{tmp_path}'; {script}\n")
    night = start(home, TOUCHSTONE_TARGET="spark", TOUCHSTONE_SPARK_DBT=str(spark.program))
    number = tmp_path / "number"
    wait_until(number.exists)
    dbt = psutil.Process(int(number.read_text()))
    assert dbt.is_running()
    os.kill(night.pid, signal.SIGKILL)
    wait_until(lambda: not dbt.is_running() or dbt.status() == psutil.STATUS_ZOMBIE)


def test_each_engine_has_definitions_of_its_own(tmp_path: Path) -> None:
    assert fingerprint(Settings(home=tmp_path)) != fingerprint(Settings(home=tmp_path, target="spark"))
