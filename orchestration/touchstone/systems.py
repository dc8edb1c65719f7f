"""The systems, and the models, tests and sources of each, by dbt's manifest.

A system is a dbt group that owns marts. Models of no system (the catalog, and those that combine all systems) are in
the group `catalog`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

# The group of models that belong to no system. No release is possible without them.
SHARED = "catalog"

Manifest = Mapping[str, Any]


def is_mart(node: Mapping[str, Any]) -> bool:
    """Whether a node of the manifest is a model in the folder marts/."""
    return bool(node["resource_type"] == "model" and node["fqn"][1] == "marts")


def systems_of(manifest: Manifest) -> list[str]:
    """All systems, by name."""
    return sorted({node["group"] for node in manifest["nodes"].values() if is_mart(node)} - {SHARED})


def groups_of(manifest: Manifest, unique_id: str) -> set[str]:
    """The groups of a node: a model's or seed's own, and for a test those of the models that it reads.

    A test that reads a shared model beside a system's belongs to the system.
    """
    node = manifest["nodes"][unique_id]
    if node["resource_type"] != "test":
        return {node["group"]} - {None}  # dbt's hooks have no group
    groups = {
        manifest["nodes"][parent]["group"] for parent in node["depends_on"]["nodes"] if parent in manifest["nodes"]
    }
    return groups - {SHARED} or groups


def sources_of(manifest: Manifest) -> dict[str, set[str]]:
    """The sources, as `system/stream`, that each group's models depend on, directly or not."""
    found: dict[str, set[str]] = {}
    for unique_id, source in manifest["sources"].items():
        for reached in downstream(manifest, [unique_id]):
            node = manifest["nodes"].get(reached)
            if node and node["resource_type"] == "model":
                found.setdefault(node["group"], set()).add(f"{source['source_name']}/{source['name']}")
    return found


def owner_of(manifest: Manifest) -> dict[str, str]:
    """The system that owns each source, `system/stream`: that of the source's folder, even if others read it too.

    Where that system is off, one of the others that read the source.
    """
    found = {}
    for unique_id, source in manifest["sources"].items():
        readers = [manifest["nodes"][child] for child in manifest["child_map"][unique_id] if child.startswith("model.")]
        readers.sort(key=lambda node: node["fqn"][2] != source["source_name"])
        found[f"{source['source_name']}/{source['name']}"] = readers[0]["group"]
    return found


def column_texts(manifest: Manifest, unique_id: str) -> dict[str, str]:
    """The descriptions of a model's or seed's columns, by name; a metric's begins with its formula.

    A column of a mart is described there alone: a model takes the descriptions of its metrics, and of all columns of
    the marts that are views of it, from there.
    """
    nodes = manifest["nodes"]
    below = downstream(manifest, [unique_id]) & nodes.keys() - {unique_id}
    handed_down = {
        name: _text(column)
        for mart in (nodes[id_] for id_ in sorted(below) if is_mart(nodes[id_]))
        for name, column in mart["columns"].items()
        if "kind" in column["meta"] or mart["depends_on"]["nodes"] == [unique_id]
    }
    own = {name: _text(column) for name, column in nodes[unique_id]["columns"].items()}
    return handed_down | own


def _text(column: Mapping[str, Any]) -> str:
    meta = column["meta"]
    formula = f"{meta['numerator']} / {meta['denominator']}" if "numerator" in meta else meta.get("formula")
    return f"{formula}. {column['description']}" if formula else str(column["description"])


def downstream(manifest: Manifest, unique_ids: Iterable[str]) -> set[str]:
    """Nodes and all their descendants."""
    reached = set(unique_ids)
    newest = list(reached)
    while newest:
        newest = [child for each in newest for child in manifest["child_map"][each] if child not in reached]
        reached.update(newest)
    return reached
