"""The manifest of the dbt project, as dbt parsed it, reduced to the systems that are on."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from filelock import FileLock

from touchstone.console import log_progress
from touchstone.dbt import run_dbt
from touchstone.home import environment
from touchstone.landing.ledger import unfinished
from touchstone.landing.streams import read_streams
from touchstone.settings import PROJECT, Settings, known_systems
from touchstone.systems import SHARED, Manifest, groups_of, owner_of

# What defines the marts; a change in any of it requires a full refresh.
DEFINITIONS = ("dbt_project.yml", "models", "macros", "seeds")
PARSED = (*DEFINITIONS, "tests", "profiles")
# What dbt reads when it builds alone.
_NOT_PARSED = ("TOUCHSTONE_SYSTEMS", "TOUCHSTONE_MEMORY_LIMIT")


def project(settings: Settings) -> Manifest:
    """The up-to-date manifest of the dbt project, reduced to the systems that are on."""
    manifest, parsed = manifest_path(settings), _parsed_path(settings)
    manifest.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(manifest.with_name("parse.lock")):  # services start at once
        if not (manifest.exists() and parsed.exists()):
            log_progress("parsing the dbt project")
            result = run_dbt(settings, "parse", "--quiet")
            for earlier in manifest.parent.glob("*.pickle"):
                earlier.unlink()
            unfinished(parsed).write_bytes(pickle.dumps(result))
            os.replace(unfinished(parsed), parsed)
            shutil.copyfile(settings.home / "dbt" / "target" / "manifest.json", unfinished(manifest))
            os.replace(unfinished(manifest), manifest)
    return read_manifest(settings)


def project_files(names: tuple[str, ...]) -> list[Path]:
    found = [path for name in names for path in [PROJECT / name, *(PROJECT / name).rglob("*")]]
    return sorted(path for path in found if path.is_file() and not path.suffix.startswith(".py"))


def manifest_path(settings: Settings) -> Path:
    """The path of the whole project's manifest: a copy, as each build overwrites dbt's own."""
    return settings.home / "dbt" / "project" / "manifest.json"


def parsed_at(settings: Settings) -> datetime:
    """When the project was last parsed, UTC."""
    return datetime.fromtimestamp(manifest_path(settings).stat().st_mtime, UTC).replace(tzinfo=None)


def read_parsed(settings: Settings) -> Any:
    """The manifest as dbt has it in memory, for `run_dbt`, or None: dbt itself takes seconds to read and compare it."""
    parsed = _parsed_path(settings)
    return pickle.loads(parsed.read_bytes()) if parsed.exists() else None


def _parsed_path(settings: Settings) -> Path:
    """The path of dbt's form of the manifest, named for all that it depends on. The times of the project's files say
    nothing: a second checkout, an archive or an image has others.
    """
    surroundings = {name: value for name, value in environment(settings).items() if name not in _NOT_PARSED}
    parsed_with = [version("dbt-core"), settings.dbt_vars, surroundings]
    digest = hashlib.blake2b(json.dumps(parsed_with).encode(), digest_size=8)
    for path in project_files(PARSED):
        digest.update(f"{path.relative_to(PROJECT)}\0".encode() + path.read_bytes())
    return manifest_path(settings).with_name(f"{digest.hexdigest()}.pickle")


def read_manifest(settings: Settings) -> Manifest:
    """The manifest of the last parse, reduced to the systems that are on, with the owners that are set."""
    manifest = reduced(json.loads(manifest_path(settings).read_text()), settings.systems)
    for group in manifest["groups"].values():
        group["owner"]["email"] = settings.owners.get(group["name"], group["owner"].get("email"))
    return manifest


def sources_off(settings: Settings) -> set[str]:
    """The sources, as `system/stream`, that no system which is on reads."""
    if {*settings.systems} == {*known_systems()} or not manifest_path(settings).exists():
        return set()
    return read_streams().keys() - owner_of(read_manifest(settings)).keys()


def reduce_docs(settings: Settings) -> None:
    """Remove systems that are off from dbt's generated docs."""
    target = settings.home / "dbt" / "target"
    manifest = reduced(json.loads((target / "manifest.json").read_text()), settings.systems)
    catalog = json.loads((target / "catalog.json").read_text())
    for kind in ("nodes", "sources"):
        catalog[kind] = {unique_id: entry for unique_id, entry in catalog[kind].items() if unique_id in manifest[kind]}
    (target / "manifest.json").write_text(json.dumps({**manifest, "disabled": {}}))
    (target / "catalog.json").write_text(json.dumps(catalog))


def reduced(manifest: Manifest, systems: Collection[str]) -> Manifest:
    """The manifest without the systems that are off, as if the project had none of their models, tests and sources.

    Their models that other systems read are under `disabled`, where dbt has disabled models, each with its `readers`.
    """
    on = {*systems, SHARED}
    nodes = {unique_id: node for unique_id, node in manifest["nodes"].items() if groups_of(manifest, unique_id) <= on}
    children = {
        unique_id: [child for child in of_it if child in nodes] for unique_id, of_it in manifest["child_map"].items()
    }
    sources = {unique_id: source for unique_id, source in manifest["sources"].items() if children[unique_id]}

    def readers(kind: str) -> dict[str, Any]:
        """Exposures or unit tests that read anything of the systems that are on, reduced to that."""
        found = {unique_id: _reading(entry, nodes) for unique_id, entry in manifest[kind].items()}
        return {unique_id: entry for unique_id, entry in found.items() if entry["depends_on"]["nodes"]}

    exposures, unit_tests = readers("exposures"), readers("unit_tests")
    kept = nodes | sources | exposures | unit_tests
    missing = {unique_id: node for unique_id, node in manifest["nodes"].items() if unique_id not in nodes}
    return {
        **manifest,
        "nodes": {unique_id: _reading(node, kept) for unique_id, node in nodes.items()},
        "sources": sources,
        "exposures": exposures,
        "unit_tests": unit_tests,
        "groups": {unique_id: group for unique_id, group in manifest["groups"].items() if group["name"] in on},
        "group_map": {name: members for name, members in manifest["group_map"].items() if name in on},
        "disabled": {
            unique_id: [{**node, "readers": children[unique_id]}]
            for unique_id, node in missing.items()
            if children[unique_id]
        },
        "child_map": {
            unique_id: [child for child in of_it if child in kept]
            for unique_id, of_it in manifest["child_map"].items()
            if unique_id in kept
        },
        "parent_map": {
            unique_id: [parent for parent in of_it if parent in kept]
            for unique_id, of_it in manifest["parent_map"].items()
            if unique_id in kept
        },
    }


def _reading(entry: Mapping[str, Any], kept: Collection[str]) -> dict[str, Any]:
    """A node of the manifest, with those of its parents that are kept."""
    parents = [parent for parent in entry["depends_on"].get("nodes", ()) if parent in kept]
    return {**entry, "depends_on": {**entry["depends_on"], "nodes": parents}}
