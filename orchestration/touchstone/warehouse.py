"""dbt: the project, its manifest, and one build of it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb
from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetsDefinition,
    MaterializeResult,
)
from dagster_dbt import DagsterDbtTranslator

from touchstone.console import log_progress
from touchstone.dbt import run_dbt
from touchstone.landing.ledger import Ledger, unfinished
from touchstone.landing.records import literal
from touchstone.manifest import manifest_path, read_manifest
from touchstone.release import empty_view
from touchstone.settings import PROJECT, Settings, known_systems
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

# What defines the marts; a change in any of it requires a full refresh.
_DEFINITIONS = ("dbt_project.yml", "models", "macros", "seeds")
# How many failures a reason names.
_SHOWN = 3
_FILES = ("touchstone.duckdb", "internal.duckdb")
# What earlier versions kept in the warehouse: 0.1.0 called the internal database `facts`.
_OBSOLETE_FILES = ("facts.duckdb", "facts.duckdb.wal")


class _Translator(DagsterDbtTranslator):
    """How dbt's nodes become assets. No test blocks: a failure holds back its system, and the others are published."""

    def get_asset_check_spec(self, *arguments: Any, **named: Any) -> AssetCheckSpec | None:
        spec = super().get_asset_check_spec(*arguments, **named)
        return spec and spec._replace(blocking=False)


translator = _Translator()
# The metadata in which dagster-dbt states the dbt node of an asset or a check.
_UNIQUE_ID = "dagster_dbt/unique_id"
_PARSED = (*_DEFINITIONS, "tests", "profiles")


def project(settings: Settings) -> Manifest:
    """The up-to-date manifest of the dbt project, reduced to the systems that are on."""
    manifest = manifest_path(settings)
    if not manifest.exists() or manifest.stat().st_mtime < _last_change(_PARSED):
        log_progress("parsing the dbt project")
        run_dbt(settings, "parse", "--quiet")
        manifest.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(settings.home / "dbt" / "target" / "manifest.json", unfinished(manifest))
        os.replace(unfinished(manifest), manifest)
    return read_manifest(settings)


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

    `full_refresh`: groups whose models are rebuilt in full. `published`: by system, the build of these definitions
    that readers see, or 0: checks read what has changed since. `excluded`: models and seeds that stay unchanged.
    `batches`: the last load of each batch of new records; all but the last batch run the models without checks.
    `absent`: systems that are not built.
    """

    full_refresh: frozenset[str]
    published: Mapping[str, int]
    excluded: Sequence[dict[str, Any]]
    batches: Sequence[int]
    absent: frozenset[str] = frozenset()


def off_systems(manifest: Manifest) -> set[str]:
    """The systems that are switched off."""
    return {*known_systems()} - {*systems_of(manifest)}


def absent_systems(ledger: Ledger, manifest: Manifest, landing: int | None = None) -> frozenset[str]:
    """The systems of which nothing has ever landed, or nothing up to a load: they are not built, and their marts are
    empty.
    """
    sources = sources_of(manifest)
    heard = ledger.landed_until(ledger.last_lake_load_id() if landing is None else landing)
    heard |= ledger.builds.retracted_since(0)
    return frozenset(system for system in systems_of(manifest) if not sources[system] & heard)


def plan(
    ledger: Ledger, settings: Settings, manifest: Manifest, definitions: str, only_what_is_new: bool
) -> Plan | None:
    """What a build of these definitions has to do, or None if nothing is new since the last one.

    A system that the last build held back is built and checked again, even if it has nothing new.
    """
    absent = absent_systems(ledger, manifest)
    systems, owner = [system for system in systems_of(manifest) if system not in absent], owner_of(manifest)
    sources = sources_of(manifest) | {SHARED: set()}  # each source that it reads belongs to a system
    failed = {owner[source] for source in ledger.failed_landings()}
    good = {group: ledger.builds.last_good(group) for group in (*systems, SHARED)}
    behind = (failed - absent) | {system for system in systems if good[system] != good[SHARED]}
    whole = good[SHARED]
    # Of those absent until now, seeds and models that read nothing of what has landed since are missing too.
    behind |= absent_systems(ledger, manifest, whole.landing if whole else 0) - absent
    if whole and ledger.builds.switched_off(whole.number) != off_systems(manifest):
        behind.add(SHARED)  # the shared marts have a system that is off now, or lack one that is on again
    last = ledger.builds.last()
    up_to_date = (
        last is not None
        and last.succeeded
        and last.published
        and (last.fingerprint, last.landing) == (definitions, ledger.last_lake_load_id())
    )
    until = {group: ledger.builds.correct_until(build, definitions, sources[group]) for group, build in good.items()}
    full_refresh = frozenset(group for group, landing in until.items() if landing is None)
    if only_what_is_new and up_to_date and not behind and not full_refresh:
        return None
    new = {source for group in until for source in ledger.landed_after(until[group] or 0, sources[group])}
    excluded: list[dict[str, Any]] = []
    if only_what_is_new and good[SHARED] and warehouse_exists(settings) and (new or behind or full_refresh):
        excluded = unaffected(manifest, new, behind | full_refresh)
    after = {
        source: min(until[system] or 0 for system in readers)
        for source in owner
        if (readers := [system for system in systems if source in sources[system]])
    }
    published = {}
    for system in systems:
        shown = ledger.builds.last_good(system, published=True)
        is_correct = ledger.builds.correct_until(shown, definitions, sources[system]) is not None
        published[system] = shown.number if shown and is_correct else 0
    batches = ledger.builds.batches(after, settings.build_batch_records)
    return Plan(full_refresh, published, excluded, batches, absent)


def build(
    context: AssetExecutionContext,
    models: AssetsDefinition,
    settings: Settings,
    manifest: Manifest,
    plan: Plan,
    number: int,
) -> Generator[Any, None, dict[str, str]]:
    """One `dbt build`, with the given number, of what is selected in Dagster, without unit tests.

    Yields Dagster's results, materializations with their row counts. Returns the groups with a failed model or test,
    or with a mart that dbt skipped as a parent failed, each with the reason. Raises if dbt itself fails.
    """
    keys = {spec.metadata[_UNIQUE_ID]: spec.key for spec in models.specs if spec.key in context.selected_asset_keys}
    checks = {
        spec.metadata[_UNIQUE_ID]: spec.key
        for spec in models.check_specs
        if spec.key in context.selected_asset_check_keys
    }
    published = plan.published
    if is_whole(context, models):
        arguments = _exclusions(manifest, plan)
    else:
        published = {}  # a check that a person starts reads all of history
        names = sorted(manifest["nodes"][unique_id]["name"] for unique_id in (*keys, *checks))
        arguments = ["--select", " ".join(names), "--indirect-selection", "empty"]
    arguments = ["--no-write-json", "build", "--exclude-resource-type", "unit_test", *arguments]
    _create_empty_views(settings, manifest, plan.absent)
    full_refresh = set(plan.full_refresh)
    for position, load_limit in enumerate(plan.batches[:-1] if keys else (), start=1):
        log_progress(f"building: batch {position} of {len(plan.batches)}")
        variables = {"TOUCHSTONE_LOAD_LIMIT": str(load_limit), "TOUCHSTONE_FULL_REFRESH": ",".join(full_refresh)}
        run_dbt(settings, "--quiet", *arguments, "--exclude-resource-type", "test", may_fail=True, **variables)
        # a group that this batch failed to refresh in full has to be refreshed by the next
        full_refresh &= _failures(settings, manifest).keys()
    (settings.home / "dbt" / "target" / "run_results.json").unlink(missing_ok=True)
    variables = {
        "TOUCHSTONE_LOAD_ID": str(number),
        "TOUCHSTONE_PUBLISHED": json.dumps(published),
        "TOUCHSTONE_FULL_REFRESH": ",".join(full_refresh),
    }
    # Progress lines replace dbt's own in the terminal; dbt's are in its log file.
    silent = ["--log-level", "none"] if os.environ.get("TOUCHSTONE_PROGRESS") else []
    run_dbt(settings, *silent, *arguments, may_fail=True, **variables)
    results = {result["unique_id"]: result for result in _results(settings)}
    with read_only(settings) as connection:
        for node in _in_order(manifest):
            key, result = keys.get(node["unique_id"]), results.get(node["unique_id"])
            if key and result and result["status"] == "success":
                (rows,) = connection.execute(f"select count(*) from {node['relation_name']}").fetchone() or (None,)
                yield MaterializeResult(
                    asset_key=key,
                    metadata={"dagster/row_count": rows, "seconds": result["execution_time"]},
                )
            elif key and is_mart(node):
                # An unchanged mart is materialized for Dagster too, which would not publish after one that is missing.
                yield MaterializeResult(asset_key=key, metadata={"rebuilt": False})
    for unique_id, check in checks.items():
        result = results.get(unique_id)
        if result and result["status"] != "skipped":
            yield AssetCheckResult(
                asset_key=check.asset_key,
                check_name=check.name,
                passed=result["status"] == "pass",
                severity=AssetCheckSeverity(manifest["nodes"][unique_id]["config"]["severity"].upper()),
                metadata={"rows": result["failures"] or 0, "message": result["message"] or ""},
            )
    return _failures(settings, manifest)


def is_whole(context: AssetExecutionContext, models: AssetsDefinition) -> bool:
    """Whether all models and all of their checks are selected in Dagster."""
    selected = context.selected_asset_keys, context.selected_asset_check_keys
    return selected == (models.keys, models.check_keys)


def _exclusions(manifest: Manifest, plan: Plan) -> list[str]:
    """The arguments that exclude systems that are off or absent, and unchanged models."""
    not_built = off_systems(manifest) | plan.absent
    excluded = {f"group:{group}" for group in not_built}
    excluded |= selectors(manifest, [node for node in plan.excluded if node["group"] not in not_built])
    return ["--exclude", " ".join(sorted(excluded))] if excluded else []


def _create_empty_views(settings: Settings, manifest: Manifest, absent: Collection[str]) -> None:
    """Create an empty view for each missing relation that a model reads of a system that is not built."""
    built = {unique_id: node for unique_id, node in _built(manifest).items() if node["group"] not in absent}
    readers = {unique_id: manifest["child_map"][unique_id] for unique_id in _built(manifest).keys() - built.keys()}
    missing = [
        manifest["nodes"][unique_id] for unique_id, of_it in readers.items() if not built.keys().isdisjoint(of_it)
    ]
    missing += [node for (node,) in manifest["disabled"].values() if not built.keys().isdisjoint(node["readers"])]
    if not missing:
        return
    with _writable(settings) as connection:
        existing = connection.execute("select database, schema, name from (show all tables)").fetchall()
        for node in missing:
            if (node["database"], node["schema"], node["name"]) not in existing:
                connection.execute(f'create schema if not exists "{node["database"]}"."{node["schema"]}"')
                connection.execute(empty_view(node["relation_name"], node))


def _failures(settings: Settings, manifest: Manifest) -> dict[str, str]:
    """The groups in which dbt's last run failed a model or test, or skipped a mart, with the reason."""
    failed: dict[str, list[str]] = {}
    skipped: set[str] = set()
    for result in _results(settings):
        node = manifest["nodes"].get(result["unique_id"])
        if node is None or result["status"] not in ("error", "fail", "skipped"):
            continue
        if result["status"] == "skipped":
            skipped |= {node["group"]} if is_mart(node) else set()
            continue
        found = f" found {result['failures']} rows" if result["status"] == "fail" else " failed"
        for group in groups_of(manifest, result["unique_id"]):
            failed.setdefault(group, []).append(f"{node['resource_type']} {node['name']}{found}")
    reasons = {group: _listed(names) for group, names in failed.items()}
    # dbt skips the shared marts when any system fails: publishing makes them of the systems that there are.
    return reasons | {
        group: "its inputs failed: " + _listed([name for names in failed.values() for name in names])
        for group in skipped - failed.keys() - {SHARED}
    }


def _results(settings: Settings) -> list[dict[str, Any]]:
    """The results of dbt's last run, by node."""
    path = settings.home / "dbt" / "target" / "run_results.json"
    results: list[dict[str, Any]] = json.loads(path.read_text())["results"]
    return results


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def unaffected(manifest: Manifest, sources: Iterable[str], groups: Iterable[str] = ()) -> list[dict[str, Any]]:
    """The models and seeds that depend on none of `sources` and `groups`: nodes of the manifest, parents first.

    The shared marts are never among them: they repeat the marts' YAML, which the fingerprint doesn't cover.
    """
    project_name = manifest["metadata"]["project_name"]
    built = _built(manifest)
    changed = {f"source.{project_name}.{source.replace('/', '.')}" for source in sources}
    changed |= {id_ for id_, node in built.items() if node["group"] in groups}
    reached = downstream(manifest, changed)
    reached |= {id_ for id_, node in built.items() if is_mart(node) and node["group"] == SHARED}
    return [node for node in _in_order(manifest) if node["unique_id"] not in reached]


def _in_order(manifest: Manifest) -> Iterator[dict[str, Any]]:
    """The models and seeds, parents first."""
    built = _built(manifest)
    ordered: Iterable[str] = TopologicalSorter(manifest["parent_map"]).static_order()
    return (built[id_] for id_ in ordered if id_ in built)


def compiled(settings: Settings, manifest: Manifest, names: Sequence[str]) -> dict[str, str]:
    """The compiled SQL of models, by name, whether or not it runs."""
    nodes = {node["name"]: node for node in _built(manifest).values()}
    # by folder: dbt prints the SQL of a model that is selected by name
    folders = {f"path:{_folder(nodes[name])}" for name in names}
    run_dbt(settings, "--quiet", "--no-write-json", "compile", "--select", " ".join(folders))
    folder = settings.home / "dbt" / "target" / "compiled" / manifest["metadata"]["project_name"]
    return {name: (folder / nodes[name]["original_file_path"]).read_text() for name in names}


def selectors(manifest: Manifest, chosen: Sequence[dict[str, Any]]) -> set[str]:
    """Selectors of models and seeds: a whole folder by its path, as each selector costs time, others by name."""
    names = {node["name"] for node in chosen}
    mixed = {_folder(node) for node in _built(manifest).values() if node["name"] not in names}
    return {node["name"] if (folder := _folder(node)) in mixed else f"path:{folder}" for node in chosen}


def _folder(node: Mapping[str, Any]) -> str:
    return str(Path(node["original_file_path"]).parent)


def _built(manifest: Manifest) -> dict[str, dict[str, Any]]:
    """The models and seeds, by unique id."""
    return {id_: node for id_, node in manifest["nodes"].items() if node["resource_type"] in ("model", "seed")}


def warehouse_exists(settings: Settings) -> bool:
    """Whether the warehouse has its files: without them, excluded models would be missing."""
    return all((settings.warehouse / name).exists() for name in _FILES)


def remove_obsolete_files(settings: Settings) -> list[str]:
    """Remove databases that only earlier versions used, and return the names of their files."""
    found = [name for name in _OBSOLETE_FILES if (settings.warehouse / name).exists()]
    for name in found:
        (settings.warehouse / name).unlink()
    return found


def read_only(settings: Settings) -> duckdb.DuckDBPyConnection:
    """A read-only connection to the warehouse, for when no build runs."""
    connection = duckdb.connect(str(settings.warehouse / "touchstone.duckdb"), read_only=True)
    connection.execute(f"attach {literal(str(settings.warehouse / 'internal.duckdb'))} as internal (read_only)")
    return connection


def _writable(settings: Settings) -> duckdb.DuckDBPyConnection:
    """A connection to the warehouse, whose files are created as dbt's profile creates them."""
    config: dict[str, str | bool | int | float | list[str]] = {"storage_compatibility_version": "v1.4.0"}
    connection = duckdb.connect(str(settings.warehouse / "touchstone.duckdb"), config=config)
    connection.execute(f"attach {literal(str(settings.warehouse / 'internal.duckdb'))} as internal")
    return connection


def _last_change(names: tuple[str, ...]) -> float:
    return max(path.stat().st_mtime for path in _files(names))


def _files(names: tuple[str, ...]) -> list[Path]:
    found = [path for name in names for path in [PROJECT / name, *(PROJECT / name).rglob("*")]]
    return sorted(path for path in found if path.is_file())
