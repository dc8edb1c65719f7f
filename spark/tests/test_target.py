"""Nights with the target Spark, in a process of its own as a user's: what they publish is what DuckDB's do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
from conftest import DIGITS, HERE, needs_java

pytestmark = needs_java


def night(home: Path, target: str) -> int:
    surroundings = {"TOUCHSTONE_HOME": str(home), "TOUCHSTONE_SYSTEMS": '["ses"]', "TOUCHSTONE_TARGET": target}
    surroundings["TOUCHSTONE_SPARK_PROFILES"] = str(HERE)
    command = [sys.executable, "-m", "touchstone", "nightly"]
    # the profile's folder is one of the home's
    others = {name: value for name, value in os.environ.items() if name != "SPARK_WAREHOUSE"}
    return subprocess.run(command, env=others | surroundings).returncode


def marts(home: Path) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of each table and view for readers, but for those of this night alone."""
    with duckdb.connect(str(home / "published" / "touchstone.duckdb"), read_only=True) as connection:
        found = {}
        for (name,) in connection.execute("select name from (show all tables) where schema = 'main'").fetchall():
            columns = connection.execute(f"describe {name}").fetchall()
            items = [f"printf('%.{DIGITS}e', {name})" if type_ == "DOUBLE" else name for name, type_, *_ in columns]
            rows = connection.execute(f"select {', '.join(items)} from {name} order by all").fetchall()
            found[name] = [*columns, *rows]
        return {name: rows for name, rows in found.items() if name not in ("run", "source_freshness")}


def results(home: Path) -> dict[str, dict[str, Any]]:
    """Of the last build on Spark, by name."""
    found = json.loads((home / "spark" / "target" / "run_results.json").read_text())["results"]
    return {result["unique_id"].split(".")[2]: result for result in found}


def test_nights_on_spark_publish_what_nights_on_duckdb_do(tmp_path: Path) -> None:
    homes = {name: tmp_path / name for name in ("duckdb", "spark")}
    files = tmp_path / "files"
    sample = ["--events", "400", "--days", "40", "--seed", "3", "--systems", "ses"]
    subprocess.run([sys.executable, "-m", "touchstone.sample", str(files), *sample], check=True)
    landed = sorted(path for path in files.rglob("*") if path.is_file())

    def nights(part: list[Path]) -> None:
        for target, home in homes.items():
            for path in part:
                to = home / "inbox" / path.relative_to(files)
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, to)
            assert night(home, target) == 0
        assert marts(homes["spark"]) == marts(homes["duckdb"])

    nights(landed[::2])
    project = homes["spark"] / "spark" / "project"
    written = (project / "dbt_project.yml").stat().st_mtime_ns
    nights(landed[1::2])
    assert (project / "dbt_project.yml").stat().st_mtime_ns == written
    compiled = project.parent / "target" / "compiled" / "touchstone_spark" / "models" / "intermediate" / "ses"
    assert "load_id > 0" not in (compiled / "int_ses__events.sql").read_text(), "built from all records"
    assert "metric_catalog" not in results(homes["spark"]), "nothing of it is new"

    # a data test that fails: what is published stays
    before = marts(homes["spark"])
    (project / "tests" / "ses_identities_hold.sql").write_text("select 1 as found")
    other = ["--events", "100", "--days", "10", "--seed", "4", "--systems", "ses"]
    subprocess.run(
        [sys.executable, "-m", "touchstone.sample", str(homes["spark"] / "inbox" / "other"), *other], check=True
    )
    shutil.move(
        homes["spark"] / "inbox" / "other" / "ses" / "events", homes["spark"] / "inbox" / "ses" / "events" / "b"
    )
    assert night(homes["spark"], "spark") == 1, "nothing but this system could be published"
    assert results(homes["spark"])["ses_identities_hold"]["status"] == "fail"
    assert marts(homes["spark"]) == before
