"""Spark as the profile sets it up, in this process."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from dbt.cli.main import dbtRunner
from pyspark.sql import SparkSession

HERE = Path(__file__).parents[1]
needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java: install default-jre-headless")
WAREHOUSE = "SPARK_WAREHOUSE"
# What tests spend most time on is compiling: few rows are read faster as they are planned. A night of the target's test
# compiles, as that of a user.
_INTERPRETED = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
_OF_JAVA = "-XX:+UseSerialGC -Dderby.system.durability=test"
# Doubles are equal to so many digits: sums are in another order.
DIGITS = 9


@pytest.fixture(scope="session")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """Of a metastore of its own, which dbt in this process has too."""
    os.environ[WAREHOUSE] = str(tmp_path_factory.mktemp("warehouse"))
    os.environ.setdefault("JDK_JAVA_OPTIONS", _OF_JAVA)
    text = (HERE / "profiles.yml").read_text()
    text = text.replace("{{ env_var('" + WAREHOUSE + "', 'spark-warehouse') }}", os.environ[WAREHOUSE])
    builder = SparkSession.builder.enableHiveSupport()
    parameters = yaml.safe_load(text)["touchstone_spark"]["outputs"]["local"]["server_side_parameters"]
    for name, value in (parameters | _INTERPRETED).items():
        builder = builder.config(name, value)
    found = builder.getOrCreate()
    yield found
    found.stop()


def build(command: str, project: Path, lake: Path, **variables: str) -> list[Any]:
    """Run dbt's `run` or `build` in this process, and thus in the session. Returns its results."""
    folders = ("--project-dir", str(project), "--profiles-dir", str(HERE), "--target-path", str(project / "target"))
    given = json.dumps({"lake": str(lake), **variables})
    result = dbtRunner().invoke([command, "--no-partial-parse", *folders, "--vars", given])
    assert result.exception is None, result.exception
    return list(result.result)


def compared(home: Path, built: Iterable[str], session: SparkSession) -> dict[str, tuple[int, int]]:
    """Of each mart of a release that Spark has built too, how many rows only DuckDB has, and how many only Spark."""
    with duckdb.connect(str(home / "published" / "touchstone.duckdb"), read_only=True) as marts:
        views = marts.execute(
            "select view_name from duckdb_views() where schema_name = 'main' and not internal"
        ).fetchall()
        return {name: _differences(marts, name, session) for name in sorted({name for (name,) in views} & {*built})}


def _differences(marts: duckdb.DuckDBPyConnection, mart: str, session: SparkSession) -> tuple[int, int]:
    marts.register("of_spark", session.table(f"touchstone.{mart}").toArrow())
    columns = marts.execute(f"describe {mart}").fetchall()
    items = ", ".join(
        f"printf('%.{DIGITS}e', {name}) as {name}" if type_ == "DOUBLE" else f"{name}::{type_} as {name}"
        for name, type_, *_ in columns
    )
    ours, theirs = f"select {items} from {mart}", f"select {items} from of_spark"
    (only_ours,), (only_theirs,) = (
        marts.execute(f"select count(*) from (({one}) except all ({other}))").fetchall()[0]
        for one, other in ((ours, theirs), (theirs, ours))
    )
    return only_ours, only_theirs
