"""Landings in random order, with a build on Spark after each: the marts are those of DuckDB."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import build, compared, needs_java
from pyspark.sql import SparkSession

LANDINGS = 5

pytestmark = needs_java


@pytest.fixture
def catalog(session: SparkSession) -> Iterator[SparkSession]:
    """Whose tables are dropped at the end."""
    yield session
    for (name,) in session.sql("show databases like 'touchstone*'").collect():
        session.sql(f"drop database {name} cascade")


@pytest.mark.parametrize(
    ("systems", "events"),
    [
        (["ses"], 1000),
        pytest.param(["alexa"], 400, marks=pytest.mark.full),
        pytest.param(["cloudwatch", "mailgun", "pinpoint"], 400, marks=pytest.mark.full),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else None,
)
def test_builds_of_what_is_new_give_the_marts_of_all_records(
    systems: list[str], events: int, catalog: SparkSession, tmp_path: Path
) -> None:
    home, all_files, project = (tmp_path / name for name in ("home", "all", "project"))
    surroundings = os.environ | {"TOUCHSTONE_HOME": str(home), "TOUCHSTONE_SYSTEMS": json.dumps(systems)}

    def run(*arguments: str) -> None:
        subprocess.run([sys.executable, "-m", *arguments], cwd=tmp_path, env=surroundings, check=True)

    run("touchstone.sample", str(all_files), "--events", str(events), "--days", "70", "--seed", "3")
    choose = random.Random(3)
    landings: list[list[Path]] = [[] for _ in range(LANDINGS)]
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
        results = build("run", project, home / "lake")
        assert {node.status for node in results} == {"success"}, [node.message for node in results]
    incremental = [node.node.name for node in results if node.node.config.materialized == "incremental"]
    assert incremental
    for name in incremental:
        marks = dict(map(tuple, catalog.sql(f"show tblproperties touchstone_intermediate.{name}").collect()))
        assert marks["touchstone.full_refresh"] < marks["touchstone.load_id"], f"{name} was built from all records"
    found = compared(home, [node.node.name for node in results], catalog)
    assert len(found) >= 6 * len(systems)
    assert {name: rows for name, rows in found.items() if rows != (0, 0)} == {}
