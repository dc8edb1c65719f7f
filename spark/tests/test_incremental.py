"""Landings in random order, with a build on Spark after each: the marts are those of DuckDB."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import build, compared, needs_java
from pyspark.sql import SparkSession

from tests.orchestration.events import some_events
from tests.orchestration.pinpoint_records import some_extracts

# Its offset has a half hour, and its clocks change on 8 March 2026.
ZONE, END = "America/St_Johns", "2026-03-31"

pytestmark = needs_java


@pytest.fixture
def catalog(session: SparkSession) -> Iterator[SparkSession]:
    """Whose tables are dropped at the end."""
    yield session
    for (name,) in session.sql("show databases like 'touchstone*'").collect():
        session.sql(f"drop database {name} cascade")


@pytest.mark.parametrize("count", [3, pytest.param(5, marks=pytest.mark.full)])
@pytest.mark.parametrize(
    ("systems", "events"),
    [(["ses"], 1000), (["alexa"], 400), (["cloudwatch", "mailgun", "pinpoint"], 400)],
    ids=lambda value: "-".join(value) if isinstance(value, list) else None,
)
def test_builds_of_what_is_new_give_the_marts_of_all_records(
    systems: list[str], events: int, count: int, catalog: SparkSession, tmp_path: Path
) -> None:
    home, all_files, project = (tmp_path / name for name in ("home", "all", "project"))
    surroundings = os.environ | {
        "TOUCHSTONE_HOME": str(home),
        "TOUCHSTONE_SYSTEMS": json.dumps(systems),
        "TOUCHSTONE_REPORTING_TIMEZONE": ZONE,
    }

    def run(*arguments: str) -> None:
        subprocess.run([sys.executable, "-m", *arguments], cwd=tmp_path, env=surroundings, check=True)

    run("touchstone.sample", str(all_files), "--events", str(events), "--days", "70", "--end", END, "--seed", "3")
    choose = random.Random(3)
    _add_random_records(all_files, choose, count)
    landings: list[list[Path]] = [[] for _ in range(count)]
    for path in sorted(all_files.rglob("*")):
        if path.is_file():
            choose.choice(landings).append(path)
    run("touchstone", "spark", "--out", str(project), "--systems", *systems)
    for landing in landings:
        for path in landing:
            to = home / "inbox" / path.relative_to(all_files)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, to)
        run("touchstone", "nightly")
        started = int(time.time())
        results = build("run", project, home / "lake")
        assert {node.status for node in results} == {"success"}, [node.message for node in results]
    incremental = [node.node.name for node in results if node.node.config.materialized == "incremental"]
    assert incremental
    for name in incremental:
        marks = dict(map(tuple, catalog.sql(f"show tblproperties touchstone_intermediate.{name}").collect()))
        assert int(marks["touchstone.full_refresh"]) < started, f"{name} was built from all records"
    found = compared(home, [node.node.name for node in results], catalog)
    assert len(found) >= 6 * len(systems)
    assert {name: rows for name, rows in found.items() if rows != (0, 0)} == {}


def _add_random_records(folder: Path, chance: random.Random, files: int) -> None:
    """Those of the property tests, shuffled, a fifth of them twice."""
    sources: dict[str, list[dict[str, Any]]] = {
        "mailgun/events": some_events(seed=5, count=500),
        **some_extracts(seed=5, scale=5),
    }
    for source, records in sources.items():
        shuffled = records + chance.sample(records, len(records) // 5)
        chance.shuffle(shuffled)
        for number in range(files):
            path = folder / source / f"random-{number}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(map(json.dumps, shuffled[number::files])))
