"""The systems, and the models, tests and sources of each, by dbt's manifest.

A system is a dbt group that owns marts. Models of no system (the catalog, and those that combine all systems) are in
the group `catalog`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from graphlib import TopologicalSorter
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


def column_texts(manifest: Manifest) -> dict[str, dict[str, str]]:
    """The descriptions of the columns of every model and seed; a metric's begins with its formula.

    A column is described once: by the model itself, by the marts, whose metrics and whose views' columns are theirs to
    describe, by what it is read from, or for all systems by a docs block `column_<name>`.
    """
    prefix = f"doc.{manifest['metadata']['project_name']}.column_"
    of_all = {
        name.removeprefix(prefix): block["block_contents"]
        for name, block in manifest["docs"].items()
        if name.startswith(prefix)
    }
    inherited = {id_: _own(source) for id_, source in manifest["sources"].items()}
    found = {}
    for node in parents_first(manifest):
        id_, own = node["unique_id"], _own(node)
        parents = sorted(parent for parent in node["depends_on"].get("nodes", ()) if parent in inherited)
        inherited[id_] = {k: v for parent in parents for k, v in inherited[parent].items()} | own
        below = downstream(manifest, [id_]) & manifest["nodes"].keys() - {id_}
        handed_down = {
            name: _text(column)
            for mart in (manifest["nodes"][each] for each in sorted(below) if is_mart(manifest["nodes"][each]))
            for name, column in mart["columns"].items()
            if "kind" in column["meta"] or mart["depends_on"]["nodes"] == [id_]
        }
        found[id_] = of_all | inherited[id_] | handed_down | own
    return found


def _own(node: Mapping[str, Any]) -> dict[str, str]:
    return {name: text for name, column in node["columns"].items() if (text := _text(column))}


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


def built_nodes(manifest: Manifest) -> dict[str, dict[str, Any]]:
    """The models and seeds, by unique id."""
    return {id_: node for id_, node in manifest["nodes"].items() if node["resource_type"] in ("model", "seed")}


def parents_first(manifest: Manifest) -> Iterator[dict[str, Any]]:
    """The models and seeds, parents first."""
    built = built_nodes(manifest)
    ordered: Iterable[str] = TopologicalSorter(manifest["parent_map"]).static_order()
    return (built[id_] for id_ in ordered if id_ in built)
