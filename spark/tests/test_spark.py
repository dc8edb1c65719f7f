"""The generated project on Spark: every model, data test and unit test, and marts that are DuckDB's row for row."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
import yaml
from pyspark.sql import SparkSession

HERE = Path(__file__).parents[1]
# The systems of which every model has its rules.
SYSTEMS = ["ses"]
# Doubles are as good as equal to so many digits: sums are in another order.
DIGITS = 9

pytestmark = pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java: install default-jre-headless")


@dataclass(frozen=True)
class Built:
    """A night's home; of what Spark made of its lake, each node's status, and a session that reads it."""

    home: Path
    statuses: dict[str, str]
    session: SparkSession


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    folder = tmp_path_factory.mktemp("spark")
    os.environ |= {"TOUCHSTONE_HOME": str(folder), "DBT_SPARK_WAREHOUSE": str(folder / "spark")}

    def run(*arguments: str, check: bool = True) -> None:
        subprocess.run([sys.executable, "-m", *arguments], cwd=folder, check=check)

    run("touchstone", "run", "--events", "2000", "--days", "10")
    os.environ["TOUCHSTONE_HOME"] = str(folder / "sample")
    run("touchstone", "spark", "--out", "project", "--systems", *SYSTEMS, "--lake", "lake")
    folders = (
        "--project-dir",
        "project",
        "--profiles-dir",
        str(HERE),
        "--vars",
        json.dumps({"lake": str(folder / "lake")}),
    )
    run("dbt.cli.main", "build", *folders, check=False)  # what failed is a test's to say
    results = json.loads((folder / "project" / "target" / "run_results.json").read_text())["results"]
    session = SparkSession.builder.enableHiveSupport()
    for name, value in _parameters().items():
        session = session.config(name, value)
    reading = session.getOrCreate()
    yield Built(folder / "sample", {node["unique_id"]: node["status"] for node in results}, reading)
    reading.stop()


def _parameters() -> dict[str, str]:
    """What the profile sets in Spark."""
    text = (HERE / "profiles.yml").read_text()
    text = text.replace("{{ env_var('DBT_SPARK_WAREHOUSE', 'spark-warehouse') }}", os.environ["DBT_SPARK_WAREHOUSE"])
    return dict(yaml.safe_load(text)["touchstone_spark"]["outputs"]["local"]["server_side_parameters"])


def test_every_model_and_test_passes(built: Built) -> None:
    kinds = {id_.split(".")[0] for id_, status in built.statuses.items() if status in ("success", "pass")}
    assert kinds == {"model", "test", "unit_test"}
    assert {id_: status for id_, status in built.statuses.items() if status not in ("success", "pass")} == {}


def test_every_mart_is_that_of_duckdb(built: Built) -> None:
    with duckdb.connect(str(built.home / "published" / "touchstone.duckdb"), read_only=True) as connection:
        marts = [
            name
            for (name,) in connection.execute("select view_name from duckdb_views() where not internal").fetchall()
            if any(name.startswith(f"{system}_") for system in SYSTEMS)
        ]
        assert len(marts) >= 6 * len(SYSTEMS)
        differing = {
            name: found for name in marts if (found := _differences(connection, name, built.session)) != (0, 0)
        }
    assert differing == {}


def _differences(connection: duckdb.DuckDBPyConnection, mart: str, session: SparkSession) -> tuple[int, int]:
    """How many rows only DuckDB has, and how many only Spark has."""
    connection.register("of_spark", session.table(f"touchstone.{mart}").toArrow())
    columns = connection.execute(f"describe {mart}").fetchall()
    items = ", ".join(
        f"printf('%.{DIGITS}e', {name}) as {name}" if type_ == "DOUBLE" else f"{name}::{type_} as {name}"
        for name, type_, *_ in columns
    )
    ours, theirs = f"select {items} from {mart}", f"select {items} from of_spark"
    only = [
        connection.execute(f"select count(*) from (({one}) except all ({other}))").fetchone()
        for one, other in ((ours, theirs), (theirs, ours))
    ]
    return only[0][0], only[1][0]
