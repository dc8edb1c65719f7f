"""dbt: the project, its manifest, and one build of it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from graphlib import TopologicalSorter
from importlib import metadata
from pathlib import Path
from typing import Any

import duckdb
from dagster import AssetExecutionContext, Output
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, DbtProject
from packaging.version import Version

from orchestration.console import hushed, say
from orchestration.publish import is_mart
from orchestration.settings import PROJECT, Settings

# What the marts are made of; a change in any of it means a build from nothing.
_DEFINITIONS = ("dbt_project.yml", "models", "macros", "seeds")
# How dbt's nodes become assets.
translator = DagsterDbtTranslator()
_DBT = ("-m", "orchestration.dbt")
_PARSED = (*_DEFINITIONS, "tests", "profiles")


def project(settings: Settings) -> DbtProject:
    """The dbt project with a manifest that is up to date."""
    manifest = settings.home / "dbt" / "target" / "manifest.json"
    if not manifest.exists() or manifest.stat().st_mtime < _last_change(_PARSED):
        say("reading the dbt project")
        run_dbt(["parse", "--quiet", *variables(settings)])
        manifest.touch()
    return DbtProject(PROJECT, target_path=manifest.parent, profiles_dir=PROJECT / "profiles")


def variables(settings: Settings) -> list[str]:
    return ["--vars", json.dumps({"reporting_timezone": settings.reporting_timezone})]


def run_dbt(arguments: list[str]) -> None:
    """Run dbt's command line; raises CalledProcessError."""
    subprocess.run([sys.executable, *_DBT, *arguments], check=True, cwd=PROJECT)


class Dbt(DbtCliResource):
    """dbt for Dagster's assets: the one of this environment, which needn't be on the PATH.

    Dagster would run `dbt --version` and set up an adapter of its own before each build. The lock file says the
    version, and rows are counted here: without both, a night is 4 seconds shorter.
    """

    @cached_property
    def _cli_version(self) -> Version:
        return Version(metadata.version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> Any:
        return None


def resource(dbt_project: DbtProject) -> Dbt:
    return Dbt(
        project_dir=str(dbt_project.project_dir),
        profiles_dir=str(PROJECT / "profiles"),
        dbt_executable=sys.executable,
        global_config_flags=[*_DBT],
    )


def fingerprint(settings: Settings) -> str:
    """What the numbers depend on beside the records: every definition, and the reporting time zone."""
    digest = hashlib.blake2b(settings.reporting_timezone.encode(), digest_size=16)
    for path in _files(_DEFINITIONS):
        if path.suffix == ".yml" and path.name != "dbt_project.yml":
            continue  # descriptions, contracts and tests change no number
        digest.update(str(path.relative_to(PROJECT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def build(
    context: AssetExecutionContext,
    dbt: DbtCliResource,
    settings: Settings,
    manifest: Mapping[str, Any],
    anew: bool,
    left_out: Sequence[dict[str, Any]],
    passes: Sequence[int],
) -> Iterator[Any]:
    """One `dbt build` without unit tests, which need made-up inputs; `anew` builds every model from nothing.

    Models and seeds `left_out` stay as they are. `passes` are the last landings of the passes that new records take;
    all but the last only run the models. Yields Dagster's events, materialisations with their row counts. A failed
    model or test raises at the end.
    """
    arguments = ["build", *variables(settings), "--exclude-resource-type", "unit_test"]
    if left_out:  # and not the others selected, as Dagster adds a selection of all to that
        arguments += ["--exclude", " ".join(selectors(manifest, left_out))]
    for number, landing in enumerate(passes[:-1], start=1):
        say(f"building: pass {number} of {len(passes)}")
        os.environ["TOUCHSTONE_LAST_LANDING"] = str(landing)
        run_dbt(["--quiet", *arguments, "--exclude-resource-type", "test", *(["--full-refresh"] if anew else [])])
        anew = False
    os.environ.pop("TOUCHSTONE_LAST_LANDING", None)
    if anew:
        arguments.append("--full-refresh")
    # One target folder for all runs: Dagster's own choice is a new one each, which pile up.
    invocation = dbt.cli(arguments, context=context, target_path=settings.home / "dbt" / "target")
    # Marts that stay as they are count as made all the same: Dagster would not publish after one that is missing.
    events: list[Any] = [
        Output(
            None,
            context.assets_def.get_output_name_for_asset_key(translator.get_asset_key(node)),
            metadata={"unique_id": node["unique_id"], "rebuilt": False},
        )
        for node in left_out
        if is_mart(node)
    ]
    failure = None
    try:
        with hushed():
            for event in invocation.stream():
                events.append(event)
                if isinstance(event, Output):
                    say(f"built {str(event.metadata['unique_id'].value).rpartition('.')[2]}")
    except Exception as error:
        failure = error
    relations = {id_: node["relation_name"] for id_, node in _built(manifest).items()}
    with read_only(settings) as connection:
        for event in events:
            if isinstance(event, Output) and (relation := relations.get(str(event.metadata["unique_id"].value))):
                (rows,) = connection.execute(f"select count(*) from {relation}").fetchone() or (None,)
                event = event.with_metadata({**event.metadata, "dagster/row_count": rows})
            yield event
    if failure:
        raise failure


def unaffected(manifest: Mapping[str, Any], sources: Sequence[str]) -> list[dict[str, Any]]:
    """The models and seeds that nothing of `sources` goes into: nodes of the manifest, each after its parents."""
    project_name = manifest["metadata"]["project_name"]
    reached = {f"source.{project_name}.{source.replace('/', '.')}" for source in sources}
    ahead = list(reached)
    while ahead:
        ahead = [child for each in ahead for child in manifest["child_map"][each] if child not in reached]
        reached.update(ahead)
    built = _built(manifest)
    ordered = (id_ for id_ in TopologicalSorter(manifest["parent_map"]).static_order() if id_ in built)
    return [built[id_] for id_ in ordered if id_ not in reached]


def selectors(manifest: Mapping[str, Any], chosen: Sequence[dict[str, Any]]) -> set[str]:
    """Models and seeds for dbt's command line, by name; all of a folder by its path, as dbt takes time for each."""
    names = {node["name"] for node in chosen}
    mixed = {_folder(node) for node in _built(manifest).values() if node["name"] not in names}
    return {node["name"] if (folder := _folder(node)) in mixed else f"path:{folder}" for node in chosen}


def _folder(node: Mapping[str, Any]) -> str:
    return str(Path(node["original_file_path"]).parent)


def _built(manifest: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What a build makes: models and seeds, by unique id."""
    return {id_: node for id_, node in manifest["nodes"].items() if node["resource_type"] in ("model", "seed")}


def is_there(settings: Settings) -> bool:
    """Whether the warehouse has its files: a build of some models would not make the others."""
    return all((settings.warehouse / name).exists() for name in ("touchstone.duckdb", "facts.duckdb"))


def read_only(settings: Settings) -> duckdb.DuckDBPyConnection:
    """A connection to the warehouse that changes nothing; only while no build runs."""
    connection = duckdb.connect(str(settings.warehouse / "touchstone.duckdb"), read_only=True)
    connection.execute(f"attach '{settings.warehouse / 'facts.duckdb'}' as facts (read_only)")
    return connection


def _last_change(names: tuple[str, ...]) -> float:
    return max(path.stat().st_mtime for path in _files(names))


def _files(names: tuple[str, ...]) -> list[Path]:
    found = [path for name in names for path in [PROJECT / name, *(PROJECT / name).rglob("*")]]
    return sorted(path for path in found if path.is_file())
