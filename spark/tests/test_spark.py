"""The generated project on Spark: every model, data test and unit test, and marts that are DuckDB's row for row."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import build, compared, needs_java
from pyspark.sql import SparkSession

pytestmark = needs_java


@dataclass(frozen=True)
class Built:
    """A night's home, and each node's status of what Spark made of its lake."""

    home: Path
    statuses: dict[str, str]


@pytest.fixture(scope="module")
def built(session: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("spark")
    home, project = folder / "sample", folder / "project"
    surroundings = os.environ | {"TOUCHSTONE_HOME": str(folder)}
    for command in ("run --events 1000 --days 8", f"spark --out {project}"):
        subprocess.run([sys.executable, "-m", "touchstone", *command.split()], env=surroundings, check=True)
    results = build("build", project, home / "lake")
    return Built(home, {node.node.unique_id: str(node.status) for node in results})


def test_every_model_and_test_passes(built: Built) -> None:
    """The sample has what some data tests warn of, on DuckDB too."""
    kinds = {id_.split(".")[0] for id_, status in built.statuses.items() if status in ("success", "pass")}
    assert kinds == {"model", "operation", "test", "unit_test"}
    assert {id_: status for id_, status in built.statuses.items() if status not in ("success", "pass", "warn")} == {}
    results = json.loads((built.home / "dbt" / "target" / "run_results.json").read_text())["results"]
    assert _warning(built.statuses) == _warning({node["unique_id"]: node["status"] for node in results})


def _warning(statuses: dict[str, str]) -> set[str]:
    return {id_.split(".")[2] for id_, status in statuses.items() if status == "warn"}


def test_every_mart_is_that_of_duckdb(built: Built, session: SparkSession) -> None:
    names = [id_.split(".")[2] for id_ in built.statuses if id_.startswith("model.")]
    found = compared(built.home, names, session)
    assert len(found) > 100
    assert {name: rows for name, rows in found.items() if rows != (0, 0)} == {}
