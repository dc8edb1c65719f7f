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
from conftest import build, differences, needs_java
from pyspark.sql import SparkSession

# Systems, each with the folders of the inbox that it reads.
SYSTEMS = {"ses": ("ses", "cloudwatch")}
LANDINGS = 5

pytestmark = needs_java


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
