"""A night on Spark: a build by dbt in a process of its own, and the DuckDB file of what it publishes."""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb

from touchstone.console import log_progress, printable, without_progress
from touchstone.home import environment, own_seeds
from touchstone.landing.inbox import filesystem_of
from touchstone.manifest import PARSED, project_files
from touchstone.release import empty_view, kinds_of
from touchstone.settings import Settings
from touchstone.spark import NAME, generate
from touchstone.systems import SHARED, Manifest, built_nodes, is_mart, parents_first

Node = Mapping[str, Any]
# What dbt prints of a model that it has built.
_BUILT = re.compile(r"\d+ of \d+ OK created .* model \S*?(\w+) \.*\s*\[")
# What dbt prints where it can't begin, each with what to do.
_REMEDIES = {
    "Could not find adapter type": "it has no adapter for the profile's type: pip install 'dbt-spark[session]' or "
    "dbt-databricks beside it, or name the dbt of another environment in the setting spark_dbt",
    "JAVA_GATEWAY_EXITED": "Spark didn't start: install Java 17, or set JAVA_HOME",
    "Env var required but not provided": "the profile reads an environment variable that isn't set",
}
_PR_SET_PDEATHSIG = 1


class SparkFailed(Exception):
    """dbt could not begin, or Spark's marts can't be read here. The message says why, with the remedy."""


def check(settings: Settings) -> None:
    """Raises SparkFailed where a setting names what isn't there."""
    if not shutil.which(_dbt(settings)):
        raise SparkFailed(
            f"target is spark, and there is no program {printable(_dbt(settings))}: pip install 'dbt-spark[session]', "
            "or name the dbt of another environment in the setting spark_dbt"
        )
    profiles = _profiles(settings) / "profiles.yml"
    if not (profiles.is_file() and re.search(rf"^{NAME}:", profiles.read_text(), re.MULTILINE)):
        raise SparkFailed(
            f"target is spark, and {printable(str(profiles))} has no profile {NAME}: write it (docs/scaling.md, "
            "Nights on Spark), or name its folder in the setting spark_profiles"
        )


def run(
    settings: Settings, manifest: Manifest, names: Iterable[str], full_refresh: Iterable[str], empty: Iterable[str]
) -> list[dict[str, Any]]:
    """Build the models and data tests of these names on Spark, those of `full_refresh` from all records; models of the
    names `empty` are views without rows, where there is nothing else.

    Returns dbt's results, by the unique ids of the manifest. Raises SparkFailed, and NotGenerated.
    """
    check(settings)
    folder = settings.home / "spark"
    project = _project(settings)
    results = folder / "target" / "run_results.json"
    results.unlink(missing_ok=True)
    chosen, exported = sorted(names), sorted(node["name"] for node in exported_nodes(manifest))
    _remove_exported(settings, {*chosen} & {*exported})
    variables = {
        "lake": settings.spark_lake or str(settings.lake),
        "marts": _marts(settings),
        "exported": exported,
    }
    command = [
        *(_dbt(settings), "--no-use-colors", "build", "--exclude-resource-type", "unit_test"),
        *("--project-dir", str(project), "--profiles-dir", str(_profiles(settings))),
        *("--target-path", str(folder / "target"), "--log-path", str(settings.dbt_log.parent)),
        *("--vars", json.dumps(variables), "--indirect-selection", "empty", "--select", *chosen),
    ]
    # A change of dbt's own vars would make it parse the project again: what differs by night is in the environment.
    own = environment(settings)
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("DBT_") or name not in own}
    surroundings |= {"TOUCHSTONE_FULL_REFRESH": ",".join(full_refresh), "TOUCHSTONE_EMPTY": ",".join(empty)}
    said = _run_dbt(command, folder, surroundings)
    if not results.exists():
        remedies = [remedy for sign, remedy in _REMEDIES.items() if sign in said]
        raise SparkFailed(f"dbt could not build on Spark: {'; '.join([*remedies, f'its log is {settings.dbt_log}'])}")
    ids = {(_kind(node), node["name"]): id_ for id_, node in manifest["nodes"].items()}
    found = []
    for result in json.loads(results.read_text())["results"]:
        kind, _, name = result["unique_id"].split(".", 2)
        if kind == "operation" and result["status"] not in ("success", "pass", "skipped"):
            raise SparkFailed(f"Spark could not declare the lake's tables: dbt's log is {settings.dbt_log}")
        if (kind, name) in ids:
            found.append({**result, "unique_id": ids[kind, name]})
    return found


def _kind(node: Node) -> str:
    """The kind of a node in the project for Spark, in which seeds are models."""
    return "test" if node["resource_type"] == "test" else "model"


def _run_dbt(command: list[str], folder: Path, surroundings: Mapping[str, str]) -> str:
    """Run dbt, whose models show as progress; returns what it printed. It ends when this process does, however that
    ends, and Spark's session with it.
    """
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
    lines = []
    with subprocess.Popen(
        command,
        cwd=folder,
        env=surroundings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        preexec_fn=prctl and (lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)),
    ) as dbt:
        assert dbt.stdout
        try:
            for line in dbt.stdout:
                lines.append(line)
                if built := _BUILT.search(line):
                    log_progress(f"built {built[1]}")
        finally:
            dbt.terminate()
    return "".join(lines)


# dbt runs in another folder than this process: paths are absolute.
def _dbt(settings: Settings) -> str:
    given = settings.spark_dbt or str(Path(sys.executable).with_name("dbt"))
    return str(Path(shutil.which(given) or given).absolute())


def _profiles(settings: Settings) -> Path:
    return (settings.spark_profiles or settings.home).absolute()


def _marts(settings: Settings) -> str:
    given = settings.spark_marts.rstrip("/") or str(settings.home / "spark" / "marts")
    return given if "://" in given else str(Path(given).absolute())


def _project(settings: Settings) -> Path:
    """The project for Spark, written where anything that it is made of has changed since."""
    project = settings.home / "spark" / "project"
    written_of = project.with_name("written-of")
    seeds = own_seeds(settings)
    digest = hashlib.blake2b(json.dumps([settings.systems, settings.dbt_vars]).encode(), digest_size=16)
    code = [path for path in Path(__file__).parent.rglob("*") if path.suffix in (".py", ".sql")]
    for path in (*project_files(PARSED), *sorted(code), *seeds.values()):
        digest.update(f"{path}\0".encode() + path.read_bytes())
    if not written_of.exists() or written_of.read_text() != digest.hexdigest():
        log_progress("writing the project for Spark")
        written_of.unlink(missing_ok=True)
        with without_progress():
            generate(settings, project)
        written_of.write_text(digest.hexdigest())
    return project


def exported_nodes(manifest: Manifest) -> list[Node]:
    """What the DuckDB file has as tables: the marts, and the tables of which its views are made."""
    views = {node["unique_id"] for node in views_of(manifest)}
    read = {parent for id_ in views for parent in manifest["nodes"][id_]["depends_on"]["nodes"]}
    return [node for id_, node in built_nodes(manifest).items() if id_ not in views and (is_mart(node) or id_ in read)]


def views_of(manifest: Manifest) -> list[Node]:
    """What the file has as views, as DuckDB's own: the shared marts, and the views between them and the systems' marts;
    parents first. They repeat what the marts have, in many more rows.
    """
    built = built_nodes(manifest)
    views = {id_ for id_, node in built.items() if node["config"]["materialized"] == "view"}
    marts = {id_ for id_, node in built.items() if is_mart(node)}
    found: set[str] = set()
    newest = {id_ for id_ in views & marts if built[id_]["group"] == SHARED}
    while newest:
        found |= newest
        newest = {parent for id_ in newest for parent in built[id_]["depends_on"]["nodes"]} & views - marts - found
    return [node for node in parents_first(manifest) if node["unique_id"] in found]


def load(connection: duckdb.DuckDBPyConnection, settings: Settings, manifest: Manifest, built: Collection[str]) -> None:
    """Replace, in the DuckDB file, the tables of what is `built`, by unique id, by what Spark has exported, with the
    types of contracts. Other tables are those of nights before, or views without rows; all else is dropped.

    Raises SparkFailed where Spark's files aren't there.
    """
    exported = exported_nodes(manifest)
    tables = {(node["schema"], node["name"]) for node in exported}
    for relation, kind in kinds_of(connection).items():
        if kind == "view" or relation not in tables:
            connection.execute(f'drop {kind} "{relation[0]}"."{relation[1]}"')
    filesystem, root = filesystem_of(_marts(settings), "the setting spark_marts")
    if "file" not in filesystem.protocol:
        connection.register_filesystem(filesystem)
    connection.execute("set TimeZone = 'UTC'")
    for schema, _ in tables:
        connection.execute(f'create schema if not exists "{schema}"')
    for node in exported:
        relation = node["relation_name"]
        if node["unique_id"] in built:
            items = [
                f'cast("{name}" as {column["data_type"]}) as "{name}"'
                for name, column in node["columns"].items()
                if column["data_type"]
            ]
            files = filesystem.unstrip_protocol(f"{root}/{node['name']}/*.parquet")
            try:
                connection.execute(
                    f"create or replace table {relation} as select {', '.join(items) or '*'} from read_parquet(?)",
                    [files],
                )
            except duckdb.IOException as error:
                raise SparkFailed(
                    f"Spark has built {node['name']}, and {printable(_marts(settings))} has no Parquet of it: name "
                    "a folder or an address that Spark and this machine both reach in the setting spark_marts"
                ) from error
    existing = kinds_of(connection)
    for node in exported:
        if (node["schema"], node["name"]) not in existing and node["columns"]:
            connection.execute(empty_view(node["relation_name"], node))


def _remove_exported(settings: Settings, names: Collection[str]) -> None:
    """Remove what an earlier night has exported of these models: it must not be taken for this one's."""
    filesystem, root = filesystem_of(_marts(settings), "the setting spark_marts")
    for name in names:
        if filesystem.exists(f"{root}/{name}"):
            filesystem.rm(f"{root}/{name}", recursive=True)
