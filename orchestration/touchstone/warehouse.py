"""dbt: the project, its manifest, and one build of it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from graphlib import TopologicalSorter
from importlib import metadata
from pathlib import Path
from typing import Any

import duckdb
from dagster import AssetCheckSpec, AssetExecutionContext, Output
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, DbtProject
from packaging.version import Version

from touchstone.console import hushed, say
from touchstone.landing.ledger import Ledger, unfinished
from touchstone.landing.records import literal
from touchstone.settings import PROJECT, Settings
from touchstone.systems import (
    SHARED,
    Manifest,
    downstream,
    groups_of,
    is_mart,
    owner_of,
    sources_of,
    systems_of,
)

# What the marts are made of; a change in any of it means a build from nothing.
_DEFINITIONS = ("dbt_project.yml", "models", "macros", "seeds")
# What dbt exits with when it has done what it could; others mean that it didn't get so far.
_HANDLED = (0, 1)
# Of what failed, so much is named.
_SHOWN = 3


class _Translator(DagsterDbtTranslator):
    """How dbt's nodes become assets. No test blocks: what failed is held back, and the others are published."""

    def get_asset_check_spec(self, *arguments: Any, **named: Any) -> AssetCheckSpec | None:
        spec = super().get_asset_check_spec(*arguments, **named)
        return spec and spec._replace(blocking=False)


translator = _Translator()
_DBT = ("-m", "touchstone.dbt")
_PARSED = (*_DEFINITIONS, "tests", "profiles")


def project(settings: Settings) -> DbtProject:
    """The dbt project with a manifest that is up to date."""
    # a copy: each build writes dbt's own anew, and a killed one leaves half of it
    manifest = settings.home / "dbt" / "project" / "manifest.json"
    if not manifest.exists() or manifest.stat().st_mtime < _last_change(_PARSED):
        say("reading the dbt project")
        run_dbt(["parse", "--quiet", *variables(settings)])
        manifest.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(settings.home / "dbt" / "target" / "manifest.json", unfinished(manifest))
        os.replace(unfinished(manifest), manifest)
    return DbtProject(PROJECT, target_path=manifest.parent, profiles_dir=PROJECT / "profiles")


def variables(settings: Settings) -> list[str]:
    return ["--vars", json.dumps({"reporting_timezone": settings.reporting_timezone})]


def run_dbt(arguments: list[str], may_fail: bool = False) -> None:
    """Run dbt's command line; raises CalledProcessError, but not for failed models or tests if these `may_fail`."""
    result = subprocess.run([sys.executable, *_DBT, *arguments], cwd=PROJECT)
    if result.returncode not in (_HANDLED if may_fail else (0,)):
        result.check_returncode()


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


@dataclass(frozen=True)
class Plan:
    """What a build has to do.

    `anew`: groups whose models are built from nothing. `published`: by system, the landing up to which readers see all
    that these definitions make of it: checks look at what is newer. `left_out`: models and seeds that stay as they are.
    `passes`: the last landings of the passes that new records take; all but the last only run the models.
    """

    anew: frozenset[str]
    published: Mapping[str, int]
    left_out: Sequence[dict[str, Any]]
    passes: Sequence[int]


def plan(
    ledger: Ledger, settings: Settings, manifest: Manifest, definitions: str, only_what_is_new: bool
) -> Plan | None:
    """What a build of these definitions has to do, or None if nothing is new since the last one.

    A system that the last build held back is built and checked again, though nothing of it may be new.
    """
    systems, owner = systems_of(manifest), owner_of(manifest)
    sources = sources_of(manifest) | {SHARED: set()}  # what goes into it goes into a system
    failed = {owner[source] for source in ledger.failed_landings()}
    good = {group: ledger.builds.last_good(group) for group in (*systems, SHARED)}
    behind = failed | {system for system in systems if good[system] != good[SHARED]}
    last = ledger.builds.last()
    up_to_date = (
        last is not None
        and last.succeeded
        and last.published
        and (last.fingerprint, last.landing) == (definitions, ledger.last_lake_number())
    )
    until = {group: ledger.builds.good_until(build, definitions, sources[group]) for group, build in good.items()}
    anew = frozenset(group for group, landing in until.items() if landing is None)
    if only_what_is_new and up_to_date and not behind and not anew:
        return None
    new = {source for group in until for source in ledger.landed_after(until[group] or 0, sources[group])}
    left_out: list[dict[str, Any]] = []
    if only_what_is_new and good[SHARED] and is_there(settings) and (new or behind or anew):
        left_out = unaffected(manifest, new, behind | anew)
    after = {source: min(until[system] or 0 for system in systems if source in sources[system]) for source in owner}
    published = {
        system: ledger.builds.good_until(ledger.builds.last_good(system, published=True), definitions, sources[system])
        or 0
        for system in systems
    }
    return Plan(anew, published, left_out, ledger.builds.batches(after, settings.pass_records))


def build(
    context: AssetExecutionContext, dbt: DbtCliResource, settings: Settings, manifest: Manifest, plan: Plan
) -> Generator[Any, None, dict[str, str]]:
    """One `dbt build` without unit tests, which need made-up inputs.

    Yields Dagster's events, materialisations with their row counts. Returns the groups of which a model or a test
    has failed, or a mart couldn't be built as something before it had, with what it was. Raises if dbt itself fails.
    """
    arguments = ["build", *variables(settings), "--exclude-resource-type", "unit_test"]
    if plan.left_out:  # and not the others selected, as Dagster adds a selection of all to that
        arguments += ["--exclude", " ".join(selectors(manifest, plan.left_out))]
    anew = set(plan.anew)
    for number, landing in enumerate(plan.passes[:-1], start=1):
        say(f"building: pass {number} of {len(plan.passes)}")
        with _told_to_dbt(TOUCHSTONE_LAST_LANDING=str(landing), TOUCHSTONE_ANEW=",".join(anew)):
            run_dbt(["--quiet", *arguments, "--exclude-resource-type", "test"], may_fail=True)
        # what was not built from nothing in this pass has to be in the next
        anew &= _failures(settings, manifest).keys()
    events: list[Any] = []
    with _told_to_dbt(TOUCHSTONE_PUBLISHED=json.dumps(plan.published), TOUCHSTONE_ANEW=",".join(anew)), hushed():
        # One target folder for all runs: Dagster's own choice is a new one each, which pile up.
        target = settings.home / "dbt" / "target"
        (target / "run_results.json").unlink(missing_ok=True)
        invocation = dbt.cli(arguments, context=context, target_path=target, raise_on_error=False)
        for event in invocation.stream():
            events.append(event)
            if isinstance(event, Output):
                say(f"built {str(event.metadata['unique_id'].value).rpartition('.')[2]}")
    if invocation.process.returncode not in _HANDLED:
        raise invocation.get_error() or RuntimeError("dbt failed")
    left_out = {node["unique_id"] for node in plan.left_out}
    # Dagster wants each after what it is made of: before what was made, and, further down, after it.
    yield from _as_before(context, plan.left_out)
    relations = {id_: node["relation_name"] for id_, node in _built(manifest).items()}
    with read_only(settings) as connection:
        for event in events:
            if isinstance(event, Output) and (relation := relations.get(str(event.metadata["unique_id"].value))):
                (rows,) = connection.execute(f"select count(*) from {relation}").fetchone() or (None,)
                event = event.with_metadata({**event.metadata, "dagster/row_count": rows})
            yield event
    made = {str(event.metadata["unique_id"].value) for event in events if isinstance(event, Output)}
    yield from _as_before(context, (node for node in _in_order(manifest) if node["unique_id"] not in made | left_out))
    return _failures(settings, manifest)


def _as_before(context: AssetExecutionContext, nodes: Iterable[Mapping[str, Any]]) -> Iterator[Any]:
    """Marts that stay as they are count as made all the same: Dagster would not publish after one that is missing."""
    for node in nodes:
        if is_mart(node):
            name = context.assets_def.get_output_name_for_asset_key(translator.get_asset_key(node))
            yield Output(None, name, metadata={"unique_id": node["unique_id"], "rebuilt": False})


@contextmanager
def _told_to_dbt(**environment: str) -> Iterator[None]:
    """Variables for macros, by the environment: as dbt's own variables they would have it read the project anew."""
    os.environ.update(environment)
    try:
        yield
    finally:
        for name in environment:
            os.environ.pop(name, None)


def _failures(settings: Settings, manifest: Manifest) -> dict[str, str]:
    """The groups of which anything failed when dbt last ran, or a mart was passed over, with what it was."""
    results = json.loads((settings.home / "dbt" / "target" / "run_results.json").read_text())["results"]
    failed: dict[str, list[str]] = {}
    passed_over: set[str] = set()
    for result in results:
        node = manifest["nodes"].get(result["unique_id"])
        if node is None or result["status"] not in ("error", "fail", "skipped"):
            continue
        if result["status"] == "skipped":
            passed_over |= {node["group"]} if is_mart(node) else set()
            continue
        found = f" found {result['failures']} rows" if result["status"] == "fail" else " failed"
        for group in groups_of(manifest, result["unique_id"]):
            failed.setdefault(group, []).append(f"{node['resource_type']} {node['name']}{found}")
    reasons = {group: _listed(names) for group, names in failed.items()}
    # The shared marts are passed over for whatever fails in a system: publishing makes them of what there is.
    return reasons | {
        group: "what it is counted from failed: " + _listed([name for names in failed.values() for name in names])
        for group in passed_over - failed.keys() - {SHARED}
    }


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def unaffected(manifest: Manifest, sources: Iterable[str], groups: Iterable[str] = ()) -> list[dict[str, Any]]:
    """The models and seeds that nothing of `sources` and `groups` goes into: nodes of the manifest, parents first."""
    project_name = manifest["metadata"]["project_name"]
    built = _built(manifest)
    begun = {f"source.{project_name}.{source.replace('/', '.')}" for source in sources}
    begun |= {id_ for id_, node in built.items() if node["group"] in groups}
    reached = downstream(manifest, begun)
    return [node for node in _in_order(manifest) if node["unique_id"] not in reached]


def _in_order(manifest: Manifest) -> Iterator[dict[str, Any]]:
    """What a build makes, each after what it is made of."""
    built = _built(manifest)
    ordered: Iterable[str] = TopologicalSorter(manifest["parent_map"]).static_order()
    return (built[id_] for id_ in ordered if id_ in built)


def compiled(settings: Settings, manifest: Manifest, names: Sequence[str]) -> dict[str, str]:
    """The SQL of models, by name, whether or not it can be run."""
    run_dbt(["--quiet", "compile", *variables(settings), "--select", " ".join(names)])
    nodes = {node["name"]: node for node in _built(manifest).values()}
    folder = settings.home / "dbt" / "target" / "compiled" / manifest["metadata"]["project_name"]
    return {name: (folder / nodes[name]["original_file_path"]).read_text() for name in names}


def selectors(manifest: Manifest, chosen: Sequence[dict[str, Any]]) -> set[str]:
    """Models and seeds for dbt's command line, by name; all of a folder by its path, as dbt takes time for each."""
    names = {node["name"] for node in chosen}
    mixed = {_folder(node) for node in _built(manifest).values() if node["name"] not in names}
    return {node["name"] if (folder := _folder(node)) in mixed else f"path:{folder}" for node in chosen}


def _folder(node: Mapping[str, Any]) -> str:
    return str(Path(node["original_file_path"]).parent)


def _built(manifest: Manifest) -> dict[str, dict[str, Any]]:
    """What a build makes: models and seeds, by unique id."""
    return {id_: node for id_, node in manifest["nodes"].items() if node["resource_type"] in ("model", "seed")}


def is_there(settings: Settings) -> bool:
    """Whether the warehouse has its files: a build of some models would not make the others."""
    return all((settings.warehouse / name).exists() for name in ("touchstone.duckdb", "facts.duckdb"))


def read_only(settings: Settings) -> duckdb.DuckDBPyConnection:
    """A connection to the warehouse that changes nothing; only while no build runs."""
    connection = duckdb.connect(str(settings.warehouse / "touchstone.duckdb"), read_only=True)
    connection.execute(f"attach {literal(str(settings.warehouse / 'facts.duckdb'))} as facts (read_only)")
    return connection


def _last_change(names: tuple[str, ...]) -> float:
    return max(path.stat().st_mtime for path in _files(names))


def _files(names: tuple[str, ...]) -> list[Path]:
    found = [path for name in names for path in [PROJECT / name, *(PROJECT / name).rglob("*")]]
    return sorted(path for path in found if path.is_file())
