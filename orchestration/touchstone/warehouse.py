"""The warehouse: a build of it by dbt, as Dagster's results, and connections to it."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
from dagster import (
    AssetCheckKey,
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    MaterializeResult,
)
from dagster_dbt import DagsterDbtTranslator

from touchstone.assets.findings import HELD_BACK, result_of
from touchstone.assets.naming import Naming
from touchstone.console import log_progress
from touchstone.damage import LakeDamaged, explain_text
from touchstone.dbt import run_dbt
from touchstone.landing.persons import create_tokens, read_key
from touchstone.landing.records import literal
from touchstone.manifest import read_parsed
from touchstone.plan import Plan, off_systems
from touchstone.release import empty_view
from touchstone.settings import Settings
from touchstone.spark import night
from touchstone.systems import SHARED, Manifest, built_nodes, downstream, groups_of, is_mart, parents_first

# How many failures a reason names.
_SHOWN = 3


class Translator(DagsterDbtTranslator):
    """How dbt's nodes become assets. No test blocks: a failure holds back its system, and the others are published."""

    def __init__(self, naming: Naming) -> None:
        super().__init__()
        self._naming = naming

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> AssetKey:
        return self._naming.key(*super().get_asset_key(dbt_resource_props).path)

    def get_asset_check_spec(self, *arguments: Any, **named: Any) -> AssetCheckSpec | None:
        spec = super().get_asset_check_spec(*arguments, **named)
        return spec and spec._replace(blocking=False)


# The metadata in which dagster-dbt states the dbt node of an asset or a check.
_UNIQUE_ID = "dagster_dbt/unique_id"


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
    or with a mart behind a model that dbt skipped, each with the reason. Raises if dbt itself fails.
    """
    keys = {spec.metadata[_UNIQUE_ID]: spec.key for spec in models.specs if spec.key in context.selected_asset_keys}
    checks = {
        spec.metadata[_UNIQUE_ID]: spec.key
        for spec in models.check_specs
        if spec.key in context.selected_asset_check_keys
    }
    whole = is_whole(context, models, manifest, plan)
    names = sorted(manifest["nodes"][unique_id]["name"] for unique_id in (*keys, *checks))
    if settings.target == "spark":
        plan = replace(plan, kept=[])  # a view is what Spark exports
        dbt_results, counted = _build_on_spark(settings, manifest, plan, None if whole else names)
    else:
        counted = {
            id_
            for id_, node in built_nodes(manifest).items()
            # Other views repeat rows of these, and DuckDB plans the long ones for a second each.
            if node["config"]["materialized"] != "view" or (is_mart(node) and node["group"] != SHARED)
        }
        dbt_results = _build_on_duckdb(settings, manifest, plan, number, None if whole else names, bool(keys))
    results = {result["unique_id"]: result for result in dbt_results}
    built = {id_ for id_, result in results.items() if result["status"] == "success"}
    # A view that is kept may read what could not be built, and not fit it any more.
    unsound = downstream(manifest, {id_ for id_, result in results.items() if result["status"] in ("error", "skipped")})
    current = built.union(node["unique_id"] for node in plan.kept) - unsound
    with read_only(settings) as connection:
        for node in parents_first(manifest):
            id_ = node["unique_id"]
            if id_ not in keys or not (id_ in built or is_mart(node)):
                continue
            metadata: dict[str, Any] = (
                {"seconds": results[id_]["execution_time"]} if id_ in built else {"rebuilt": False}
            )
            if id_ in current & counted:
                rows = connection.execute(f"select count(*) from {node['relation_name']}").fetchone()
                metadata["dagster/row_count"] = rows and rows[0]
            # A mart that isn't built is materialized too: Dagster would not publish after one that is missing.
            yield MaterializeResult(asset_key=keys[id_], metadata=metadata)
    for unique_id, check in checks.items():
        result = results.get(unique_id)
        if result and result["status"] != "skipped":
            yield _judged(manifest, check, manifest["nodes"][unique_id], result)
    return _failures(settings, manifest, dbt_results)


def _build_on_duckdb(
    settings: Settings, manifest: Manifest, plan: Plan, number: int, names: Sequence[str] | None, has_models: bool
) -> list[dict[str, Any]]:
    """Build what is planned, or the models and tests of some names; returns dbt's results."""
    published = plan.published
    command = ["--no-write-json", "build", "--exclude-resource-type", "unit_test"]
    if names is None:
        selection = exclusions(manifest, [*plan.excluded, *plan.kept], plan.absent)
        uncounted = exclusions(manifest, [*plan.excluded, *plan.kept, *_periods(manifest)], plan.absent)
    else:
        published = {}  # a check that a person starts reads all of history
        selection = uncounted = ["--select", " ".join(names), "--indirect-selection", "empty"]
    _create_empty_views(settings, manifest, plan.absent)
    if settings.keep_records_days:
        with writable(settings) as connection:
            connection.execute("use internal")  # the other file is published, and the macros have the key
            create_tokens(connection, read_key(settings.ledger.parent), settings.mailgun_dimensions, "macro")
    full_refresh = set(plan.full_refresh)
    for position, batch in enumerate(plan.batches[:-1] if has_models else (), start=1):
        log_progress(f"building: batch {position} of {len(plan.batches)}")
        variables = {"TOUCHSTONE_LOAD_LIMIT": str(batch.last_load), "TOUCHSTONE_FULL_REFRESH": ",".join(full_refresh)}
        of_batch = selection if batch.is_counted else uncounted
        run_dbt(
            settings,
            *("--quiet", *command, "--exclude-resource-type", "test", *of_batch),
            may_fail=True,
            manifest=read_parsed(settings),
            **variables,
        )
        # a group that this batch failed to refresh in full has to be refreshed by the next
        full_refresh &= _failures(settings, manifest, _results(settings)).keys()
    (settings.home / "dbt" / "target" / "run_results.json").unlink(missing_ok=True)
    variables = {
        "TOUCHSTONE_LOAD_ID": str(number),
        "TOUCHSTONE_PUBLISHED": json.dumps(published),
        "TOUCHSTONE_FULL_REFRESH": ",".join(full_refresh),
    }
    # Progress lines replace dbt's own in the terminal; dbt's are in its log file.
    silent = ["--log-level", "none"] if os.environ.get("TOUCHSTONE_PROGRESS") else []
    run_dbt(settings, *silent, *command, *selection, may_fail=True, manifest=read_parsed(settings), **variables)
    return _results(settings)


def _build_on_spark(
    settings: Settings, manifest: Manifest, plan: Plan, names: Sequence[str] | None
) -> tuple[list[dict[str, Any]], set[str]]:
    """The same on Spark, in one batch, and the DuckDB file of it. Returns also the nodes that are tables there."""
    excluded = {node["unique_id"] for node in plan.excluded}
    built = {id_ for id_, node in built_nodes(manifest).items() if node["group"] not in plan.absent} - excluded
    if names is None:
        names = [
            node["name"]
            for id_, node in manifest["nodes"].items()
            if id_ in built
            or (
                node["resource_type"] == "test"
                and not built.isdisjoint(node["depends_on"]["nodes"])
                and plan.absent.isdisjoint(groups_of(manifest, id_))
            )
        ]
    full_refresh = [node["name"] for node in built_nodes(manifest).values() if node["group"] in plan.full_refresh]
    empty = [node["name"] for node in _read_of_others(manifest, plan.absent)]
    results = night.run(settings, manifest, names, full_refresh, empty)
    # Tables of DuckDB's, which it builds from all records once it is the target again.
    (settings.warehouse / "internal.duckdb").unlink(missing_ok=True)
    succeeded = {result["unique_id"] for result in results if result["status"] == "success"}
    with writable(settings) as connection:
        night.load(connection, settings, manifest, succeeded)
    _create_empty_views(settings, manifest, plan.absent)
    views = night.views_of(manifest)
    queries = compiled(settings, manifest, [node["name"] for node in views])
    with writable(settings) as connection:
        for node in views:
            connection.execute(f"create or replace view {node['relation_name']} as {queries[node['name']]}")
    return results, {node["unique_id"] for node in night.exported_nodes(manifest)}


def _judged(
    manifest: Manifest, check: AssetCheckKey, node: Mapping[str, Any], result: Mapping[str, Any]
) -> AssetCheckResult:
    """The result of a data test. What it found is its description, or else its name, which says what should be."""
    rows = result["failures"] or 0
    rule = f"the rule “{node['name'].replace('_', ' ').strip()}”"
    systems = ", ".join(sorted(groups_of(manifest, node["unique_id"])))
    finding = (
        f"{systems}: {rule} could not be checked" if result["status"] == "error" else f"{systems}: {rule} doesn't hold"
    )
    if node["description"]:
        finding = node["description"].removesuffix(".")
    return result_of(
        check.name,
        "" if result["status"] == "pass" else f"{finding} ({rows:,} found)" if rows else finding,
        node["config"]["meta"].get("remedy", HELD_BACK),
        AssetCheckSeverity(node["config"]["severity"].upper()),
        {"rows": rows, "message": result["message"] or ""},
        check.asset_key,
    )


def planned_keys(models: AssetsDefinition, manifest: Manifest, plan: Plan) -> set[AssetKey]:
    """The assets that a plan builds."""
    excluded = {node["unique_id"] for node in plan.excluded}
    built = {id_ for id_, node in built_nodes(manifest).items() if node["group"] not in plan.absent} - excluded
    return {spec.key for spec in models.specs if spec.metadata[_UNIQUE_ID] in built}


def is_whole(context: AssetExecutionContext, models: AssetsDefinition, manifest: Manifest, plan: Plan) -> bool:
    """Whether all models that a plan builds, and all of their checks, are selected in Dagster."""
    keys = planned_keys(models, manifest, plan)
    checks = {spec.key for spec in models.check_specs if spec.asset_key in keys}
    return keys.issubset(context.selected_asset_keys) and checks.issubset(context.selected_asset_check_keys)


def exclusions(manifest: Manifest, unchanged: Sequence[dict[str, Any]], absent: Collection[str]) -> list[str]:
    """The arguments that exclude systems that are off or absent, and models that stay as they are.

    A test of several models stays where any of them is built, which by dbt's default it would not, but not where one is
    of a system that is not built.
    """
    not_built = off_systems(manifest) | {*absent}
    excluded = {f"group:{group}{readers}" for group in not_built for readers in ("", "+1,resource_type:test")}
    excluded |= selectors(manifest, [node for node in unchanged if node["group"] not in not_built])
    return ["--indirect-selection", "cautious", "--exclude", " ".join(sorted(excluded))] if excluded else []


def _periods(manifest: Manifest) -> list[dict[str, Any]]:
    """The models that count records by period, and all that is made of them."""
    built = built_nodes(manifest)
    counting = [id_ for id_, node in built.items() if node["name"].endswith("_by_period")]
    return [built[id_] for id_ in downstream(manifest, counting) & built.keys()]


def _read_of_others(manifest: Manifest, absent: Collection[str]) -> list[dict[str, Any]]:
    """The nodes of systems that are not built which models of others read."""
    built = {unique_id: node for unique_id, node in built_nodes(manifest).items() if node["group"] not in absent}
    readers = {unique_id: manifest["child_map"][unique_id] for unique_id in built_nodes(manifest).keys() - built.keys()}
    read = [manifest["nodes"][unique_id] for unique_id, of_it in readers.items() if not built.keys().isdisjoint(of_it)]
    return read + [node for (node,) in manifest["disabled"].values() if not built.keys().isdisjoint(node["readers"])]


def _create_empty_views(settings: Settings, manifest: Manifest, absent: Collection[str]) -> None:
    """Create an empty view for each missing relation that a model reads of a system that is not built."""
    missing = _read_of_others(manifest, absent)
    if not missing:
        return
    with writable(settings) as connection:
        existing = connection.execute("select database, schema, name from (show all tables)").fetchall()
        for node in missing:
            if (node["database"], node["schema"], node["name"]) not in existing:
                connection.execute(f'create schema if not exists "{node["database"]}"."{node["schema"]}"')
                connection.execute(empty_view(node["relation_name"], node))


def _failures(settings: Settings, manifest: Manifest, results: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The groups in which a run of dbt's failed a model or test, or skipped what a mart reads, with the reason."""
    failed: dict[str, list[str]] = {}
    skipped: set[str] = set()
    for result in results:
        node = manifest["nodes"].get(result["unique_id"])
        if node is None or result["status"] not in ("error", "fail", "skipped"):
            continue
        if result["status"] == "skipped":
            skipped.add(result["unique_id"])
            continue
        known = explain_text(result["message"] or "", settings) if result["status"] == "error" else None
        if known and not isinstance(known, LakeDamaged):
            raise known
        found = (
            f" found {result['failures']} rows"
            if result["status"] == "fail"
            else f" failed{f': {known}' if known else ''}"
        )
        for group in groups_of(manifest, result["unique_id"]):
            failed.setdefault(group, []).append(f"{node['resource_type']} {node['name']}{found}")
    reasons = {group: _listed(names) for group, names in failed.items()}
    below = [manifest["nodes"][id_] for id_ in downstream(manifest, skipped) & manifest["nodes"].keys()]
    without_inputs = {node["group"] for node in below if is_mart(node)}
    # dbt skips the shared marts when any system fails: publishing makes them of the systems that there are.
    return reasons | {
        group: "its inputs failed: " + _listed([name for names in failed.values() for name in names])
        for group in without_inputs - failed.keys() - {SHARED}
    }


def _results(settings: Settings) -> list[dict[str, Any]]:
    """The results of dbt's last run, by node."""
    path = settings.home / "dbt" / "target" / "run_results.json"
    results: list[dict[str, Any]] = json.loads(path.read_text())["results"]
    return results


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def compiled(settings: Settings, manifest: Manifest, names: Sequence[str]) -> dict[str, str]:
    """The compiled SQL of models, by name, whether or not it runs."""
    nodes = {node["name"]: node for node in built_nodes(manifest).values()}
    # by folder: dbt prints the SQL of a model that is selected by name
    folders = {f"path:{_folder(nodes[name])}" for name in names}
    command = [
        "--quiet",
        "--no-write-json",
        "compile",
        "--select",
        " ".join(folders),
        "--exclude",
        "resource_type:test",
    ]
    run_dbt(settings, *command, manifest=read_parsed(settings))
    folder = settings.home / "dbt" / "target" / "compiled" / manifest["metadata"]["project_name"]
    return {name: (folder / nodes[name]["original_file_path"]).read_text() for name in names}


def selectors(manifest: Manifest, chosen: Sequence[dict[str, Any]]) -> set[str]:
    """Selectors of models and seeds: a whole group or folder by one, as each costs dbt time, others by name."""
    names = {node["name"] for node in chosen}
    others = [node for node in built_nodes(manifest).values() if node["name"] not in names]
    groups, folders = {node["group"] for node in others}, {_folder(node) for node in others}
    return {
        f"group:{node['group']}"
        if node["group"] not in groups
        else f"path:{folder}"
        if (folder := _folder(node)) not in folders
        else node["name"]
        for node in chosen
    }


def _folder(node: Mapping[str, Any]) -> str:
    return str(Path(node["original_file_path"]).parent)


def read_only(settings: Settings) -> duckdb.DuckDBPyConnection:
    """A read-only connection to the warehouse, for when no build runs."""
    connection = duckdb.connect(str(settings.warehouse / "touchstone.duckdb"), read_only=True)
    connection.execute(f"attach {literal(str(settings.warehouse / 'internal.duckdb'))} as internal (read_only)")
    return connection


def writable(settings: Settings) -> duckdb.DuckDBPyConnection:
    """A connection to the warehouse, whose files are created as dbt's profile creates them."""
    config: dict[str, str | bool | int | float | list[str]] = {"storage_compatibility_version": "v1.4.0"}
    connection = duckdb.connect(str(settings.warehouse / "touchstone.duckdb"), config=config)
    connection.execute(f"attach {literal(str(settings.warehouse / 'internal.duckdb'))} as internal")
    return connection
