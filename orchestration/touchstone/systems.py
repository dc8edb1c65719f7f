"""The systems: which models, tests and sources of the dbt project are of which, as its manifest has it.

A system is a group of dbt's that owns marts. What belongs to none (the catalog and what is put together of all) is of
the group `catalog`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

# The group of what is of no system, and has to be whole for any release.
SHARED = "catalog"

Manifest = Mapping[str, Any]


def is_mart(node: Mapping[str, Any]) -> bool:
    """Whether a node of the manifest is a model of the folder marts/."""
    return bool(node["resource_type"] == "model" and node["fqn"][1] == "marts")


def systems_of(manifest: Manifest) -> list[str]:
    """All systems, by name."""
    return sorted({node["group"] for node in manifest["nodes"].values() if is_mart(node)} - {SHARED})


def groups_of(manifest: Manifest, unique_id: str) -> set[str]:
    """The groups that a node is of: a model or seed of its own, a test of those it looks at.

    A test that looks at something shared beside a system's models is one of the system.
    """
    node = manifest["nodes"][unique_id]
    if node["resource_type"] != "test":
        return {node["group"]} - {None}  # a hook of dbt's is of none
    looked_at = {
        manifest["nodes"][parent]["group"] for parent in node["depends_on"]["nodes"] if parent in manifest["nodes"]
    }
    return looked_at - {SHARED} or looked_at


def sources_of(manifest: Manifest) -> dict[str, set[str]]:
    """The sources, as `system/stream`, that go into each group's models, however far."""
    found: dict[str, set[str]] = {}
    for unique_id, source in manifest["sources"].items():
        for reached in downstream(manifest, [unique_id]):
            node = manifest["nodes"].get(reached)
            if node and node["resource_type"] == "model":
                found.setdefault(node["group"], set()).add(f"{source['source_name']}/{source['name']}")
    return found


def owner_of(manifest: Manifest) -> dict[str, str]:
    """The system of each source, `system/stream`: that of the models of its own folder, which others may read too.

    Where it is off, one of the others'.
    """
    found = {}
    for unique_id, source in manifest["sources"].items():
        readers = [manifest["nodes"][child] for child in manifest["child_map"][unique_id] if child.startswith("model.")]
        readers.sort(key=lambda node: node["fqn"][2] != source["source_name"])
        found[f"{source['source_name']}/{source['name']}"] = readers[0]["group"]
    return found


def column_texts(manifest: Manifest, unique_id: str) -> dict[str, str]:
    """What the columns of a model or seed are, by name; of a metric, its formula first.

    A column is described once: by the model itself, by the marts, whose metrics and whose views' columns are theirs to
    describe, by what it is read from, or for all systems by a docs block `column_<name>`.
    """
    nodes = manifest["nodes"]
    below = downstream(manifest, [unique_id]) & nodes.keys() - {unique_id}
    handed_down = {
        name: _text(column)
        for mart in (nodes[id_] for id_ in sorted(below) if is_mart(nodes[id_]))
        for name, column in mart["columns"].items()
        if "kind" in column["meta"] or mart["depends_on"]["nodes"] == [unique_id]
    }
    prefix = f"doc.{manifest['metadata']['project_name']}.column_"
    of_all = {
        name.removeprefix(prefix): block["block_contents"]
        for name, block in manifest["docs"].items()
        if name.startswith(prefix)
    }
    return of_all | _own_and_inherited(manifest, unique_id) | handed_down | _own(nodes[unique_id])


def _own_and_inherited(manifest: Manifest, unique_id: str) -> dict[str, str]:
    """What a model describes, and what those that it reads do."""
    node = manifest["nodes"].get(unique_id) or manifest["sources"].get(unique_id)
    if node is None:
        return {}  # off
    parents = sorted(node.get("depends_on", {}).get("nodes", ()))
    return {k: v for parent in parents for k, v in _own_and_inherited(manifest, parent).items()} | _own(node)


def _own(node: Mapping[str, Any]) -> dict[str, str]:
    return {name: text for name, column in node["columns"].items() if (text := _text(column))}


def _text(column: Mapping[str, Any]) -> str:
    meta = column["meta"]
    formula = f"{meta['numerator']} / {meta['denominator']}" if "numerator" in meta else meta.get("formula")
    return f"{formula}. {column['description']}" if formula else str(column["description"])


def downstream(manifest: Manifest, unique_ids: Iterable[str]) -> set[str]:
    """Nodes and all that goes on from them."""
    reached = set(unique_ids)
    ahead = list(reached)
    while ahead:
        ahead = [child for each in ahead for child in manifest["child_map"][each] if child not in reached]
        reached.update(ahead)
    return reached
