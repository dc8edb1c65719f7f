"""Landings in random order, with a build on Spark after each: the marts are those of DuckDB."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from conftest import HERE, differences
from dbt.cli.main import dbtRunner
from pyspark.sql import SparkSession

# Systems, each with the folders of the inbox that it reads.
SYSTEMS = {"ses": ("ses", "cloudwatch")}
LANDINGS = 5

pytestmark = pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java: install default-jre-headless")


def test_builds_of_what_is_new_give_the_marts_of_all_records(session: SparkSession, tmp_path: Path) -> None:
    home, all_files, project = (tmp_path / name for name in ("home", "all", "project"))
    surroundings = os.environ | {"TOUCHSTONE_HOME": str(home), "TOUCHSTONE_SYSTEMS": json.dumps([*SYSTEMS])}

    def run(*arguments: str) -> None:
        subprocess.run([sys.executable, "-m", *arguments], cwd=tmp_path, env=surroundings, check=True)

    run("touchstone.sample", str(all_files), "--events", "1000", "--days", "70", "--seed", "3")
    folders = sorted({folder for read in SYSTEMS.values() for folder in read})
    files = [path for folder in folders for path in sorted((all_files / folder).rglob("*")) if path.is_file()]
    choose = random.Random(3)
    landings: list[list[Path]] = [[] for _ in range(LANDINGS)]
    for path in files:
        choose.choice(landings).append(path)
    run("touchstone", "spark", "--out", str(project), "--systems", *SYSTEMS)
    folders_of_dbt = ("--project-dir", str(project), "--profiles-dir", str(HERE), "--target-path", "target")
    for landing in landings:
        for path in landing:
            to = home / "inbox" / path.relative_to(all_files)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, to)
        run("touchstone", "nightly")
        variables = json.dumps({"lake": str(home / "lake")})
        built = dbtRunner().invoke(["run", *folders_of_dbt, "--vars", variables])
        assert built.success, [node.message for node in built.result or [] if node.message]
    models = [node["name"] for node in _models(project) if node["config"]["materialized"] == "incremental"]
    assert models
    for name in models:
        marks = dict(map(tuple, session.sql(f"show tblproperties touchstone_intermediate.{name}").collect()))
        assert marks["touchstone.full_refresh"] < marks["touchstone.load_id"], f"{name} was built from all records"
    with duckdb.connect(str(home / "published" / "touchstone.duckdb"), read_only=True) as marts:
        names = [
            name for (name,) in marts.execute("select view_name from duckdb_views() where not internal").fetchall()
        ]
        compared = [name for name in names if name.startswith(tuple(f"{system}_" for system in SYSTEMS))]
        assert len(compared) >= 6 * len(SYSTEMS)
        found = {name: differences(marts, name, session) for name in compared}
    assert {name: rows for name, rows in found.items() if rows != (0, 0)} == {}


def _models(project: Path) -> list[dict]:
    manifest = json.loads((project / "target" / "manifest.json").read_text())
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
