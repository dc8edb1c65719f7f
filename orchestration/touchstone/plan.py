"""What a build has to do: which models, from which load on, and which in full."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from touchstone.builds import Batch
from touchstone.console import log_progress
from touchstone.fetching.names import changed_since
from touchstone.home import own_seeds
from touchstone.landing.ledger import Ledger
from touchstone.manifest import DEFINITIONS, parsed_at, project_files
from touchstone.settings import PROJECT, Settings, known_systems
from touchstone.systems import (
    SHARED,
    Manifest,
    built_nodes,
    downstream,
    is_mart,
    owner_of,
    parents_first,
    sources_of,
    systems_of,
)

# The databases that the models are built in.
_FILES = ("touchstone.duckdb", "internal.duckdb")


def fingerprint(settings: Settings) -> str:
    """What the numbers depend on beside the records: all definitions, a company's variables and seeds, the engine."""
    digest = hashlib.blake2b(json.dumps(settings.dbt_vars, sort_keys=True).encode(), digest_size=16)
    if settings.target != "duckdb":
        digest.update(settings.target.encode())  # each engine builds what it has not built from all records
    definitions = [(str(path.relative_to(PROJECT)), path) for path in project_files(DEFINITIONS)]
    for name, path in [*definitions, *own_seeds(settings).items()]:
        if path.suffix == ".yml" and path.name != "dbt_project.yml":
            continue  # descriptions, contracts and tests change no number
        digest.update(name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class Plan:
    """What a build has to do.

    `full_refresh`: groups whose models are rebuilt in full. `published`: by system, the build of these definitions
    that readers see, or 0: checks read what has changed since. `excluded`: models and seeds that stay unchanged.
    `kept`: views that read what is built, and that dbt need not create again.
    `batches`: those of new records; all but the last run the models without checks.
    `absent`: systems that are not built.
    """

    full_refresh: frozenset[str]
    published: Mapping[str, int]
    excluded: Sequence[dict[str, Any]]
    kept: Sequence[dict[str, Any]]
    batches: Sequence[Batch]
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

    A system that the last build held back is built and checked again, even if it has nothing new. A warehouse that is
    gone is built in full, also by the builds after one that is interrupted.
    """
    last = ledger.builds.last()
    if last and last.fingerprint and not warehouse_exists(settings):
        log_progress(f"{settings.warehouse} has no warehouse: building it in full from the lake")
        ledger.builds.invalidate()
    absent = absent_systems(ledger, manifest)
    systems, owner = [system for system in systems_of(manifest) if system not in absent], owner_of(manifest)
    sources = sources_of(manifest) | {SHARED: set()}  # each source that it reads belongs to a system
    failed = {owner[source] for source in ledger.failed_landings()}
    good = {group: ledger.builds.last_good(group) for group in (*systems_of(manifest), SHARED)}
    # Absent systems too: each night says that their landing fails, and the first after that no longer does.
    behind = failed | {system for system in systems_of(manifest) if good[system] != good[SHARED]}
    whole = good[SHARED]
    # Of those absent until now, seeds and models that read nothing of what has landed since are missing too.
    behind |= absent_systems(ledger, manifest, whole.landing if whole else 0) - absent
    if whole and ledger.builds.switched_off(whole.number) != off_systems(manifest):
        behind.add(SHARED)  # the shared marts have a system that is off now, or lack one that is on again
    if whole and changed_since(settings, whole.started_at):
        behind.add(SHARED)  # the release has names that are old; no model reads them
    last = ledger.builds.last()
    up_to_date = (
        last is not None
        and last.succeeded
        and last.published
        and (last.fingerprint, last.landing) == (definitions, ledger.last_lake_load_id())
    )
    until = {
        group: ledger.builds.correct_until(build, definitions, sources[group])
        for group, build in good.items()
        if group not in absent
    }
    full_refresh = frozenset(group for group, landing in until.items() if landing is None)
    if only_what_is_new and up_to_date and not behind and not full_refresh:
        return None
    new = {source for group in until for source in ledger.landed_after(until[group] or 0, sources[group])}
    excluded: list[dict[str, Any]] = []
    kept: list[dict[str, Any]] = []
    if only_what_is_new and whole and warehouse_exists(settings) and (new or behind or full_refresh):
        is_parsed_again = parsed_at(settings) > whole.started_at
        excluded = unaffected(manifest, new, behind | full_refresh, is_parsed_again)
        kept = [] if is_parsed_again else untested_views(manifest, behind | full_refresh, excluded)
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
    return Plan(full_refresh, published, excluded, kept, batches, absent)


def unaffected(
    manifest: Manifest, sources: Iterable[str], groups: Iterable[str] = (), is_parsed_again: bool = False
) -> list[dict[str, Any]]:
    """The models and seeds that depend on none of `sources` and `groups`: nodes of the manifest, parents first.

    Views and the catalog repeat the marts' YAML, which the fingerprint doesn't cover: they are never among them when
    the project was parsed again.
    """
    project_name = manifest["metadata"]["project_name"]
    built = built_nodes(manifest)
    changed = {f"source.{project_name}.{source.replace('/', '.')}" for source in sources}
    changed |= {id_ for id_, node in built.items() if node["group"] in groups}
    reached = downstream(manifest, changed)
    if is_parsed_again:
        reached |= {node["unique_id"] for node in untested_views(manifest)}
        reached |= {id_ for id_, node in built.items() if is_mart(node) and node["group"] == SHARED}
    return [node for node in parents_first(manifest) if node["unique_id"] not in reached]


def untested_views(
    manifest: Manifest, groups: Iterable[str] = (), excluded: Iterable[Mapping[str, Any]] = ()
) -> list[dict[str, Any]]:
    """The views of the published file that no data test reads, but for those excluded, those of `groups`, and those
    that read models of these, whose types may have changed.
    """
    built = built_nodes(manifest)
    others = downstream(manifest, {id_ for id_, node in built.items() if node["group"] in groups})
    others |= {node["unique_id"] for node in excluded}
    return [
        node
        for id_, node in built.items()
        if node["config"]["materialized"] == "view"
        and node["database"] == "touchstone"
        and id_ not in others
        and not any(child.startswith("test.") for child in manifest["child_map"][id_])
    ]


def warehouse_exists(settings: Settings) -> bool:
    """Whether the warehouse has its files: without them, excluded models would be missing."""
    return all((settings.warehouse / name).exists() for name in _FILES)
