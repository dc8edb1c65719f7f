"""The dbt project for Spark, file by file."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import yaml

from touchstone.console import log_progress
from touchstone.dbt import run_dbt
from touchstone.home import own_seeds
from touchstone.landing.land import land
from touchstone.landing.ledger import Ledger
from touchstone.landing.streams import read_streams
from touchstone.settings import PROJECT, Settings
from touchstone.spark import NotGenerated
from touchstone.spark.described import Columns, Described, Unmapped
from touchstone.spark.fixtures import expected_rows, select_of, spark_name
from touchstone.spark.models import ZONE, translated
from touchstone.systems import SHARED
from touchstone.warehouse import writable

Node = Mapping[str, Any]
# The project's name, and that of the profile which it asks for.
NAME = "touchstone_spark"
# Hive's metastore holds 32,700 characters of a view in Derby; refs become longer names.
LONGEST_VIEW = 25_000


def generate(settings: Settings, out: Path) -> dict[str, int]:
    """Write the project of the systems that are on. Returns how many models, data tests and unit tests it has, and how
    many unit tests are of incremental builds, which it hasn't.

    Raises NotGenerated.
    """
    if out.exists() and any(out.iterdir()) and not (out / "dbt_project.yml").exists():
        raise NotGenerated(f"{out} has other files and no dbt project in it: name an empty folder")
    with TemporaryDirectory(prefix="touchstone-spark-") as folder:
        compiling = Settings(
            home=Path(folder),
            systems=settings.systems,
            reporting_timezone=ZONE,
            variables=settings.variables,
            locations={},
        )
        compiling.make_directories()
        manifest = _compiled(compiling)
        with writable(compiling) as connection:
            project = _Project(settings, compiling, manifest, connection)
            project.write(Path(folder) / "project")
        out.mkdir(parents=True, exist_ok=True)
        for part in ("models", "tests", "dbt_project.yml"):
            if (out / part).is_dir():
                shutil.rmtree(out / part)
            shutil.move(Path(folder) / "project" / part, out / part)
    return project.written


def _compiled(settings: Settings) -> Node:
    """The manifest with all SQL compiled for a full refresh, of streams of which nothing has landed."""
    log_progress("compiling the models")
    with Ledger.open(settings.lake, settings.scratch, settings.memory_limit) as ledger:
        for stream in read_streams().values():
            land(stream, settings, ledger, lambda text: None)
    run_dbt(settings, "seed", "--quiet")
    run_dbt(settings, "compile", "--full-refresh", "--quiet")
    return json.loads((settings.home / "dbt" / "target" / "manifest.json").read_text())  # type: ignore[no-any-return]


class _Project:
    """The parts of the project, by the manifest; the connection gets an empty table for every model."""

    def __init__(
        self, settings: Settings, compiled: Settings, manifest: Node, connection: duckdb.DuckDBPyConnection
    ) -> None:
        self._settings, self._compiled, self._manifest = settings, compiled, manifest
        self._described = Described(connection)
        self._columns: dict[str, Columns] = {}
        self.written = dict.fromkeys(("models", "data tests", "unit tests", "incremental unit tests"), 0)
        self._nodes = {id_: node for id_, node in manifest["nodes"].items() if self._is_on(id_)}
        self._relations = {
            node["relation_name"]: f"{{{{ ref('{node['name']}') }}}}"
            for node in manifest["nodes"].values()
            if node["resource_type"] in ("model", "seed")
        } | {
            f"{system}/{stream}": f"{{{{ source('{system}', '{stream}') }}}}"
            for system, stream in ((source["source_name"], source["name"]) for source in manifest["sources"].values())
        }

    def write(self, out: Path) -> None:
        for node in self._nodes.values():
            if node["resource_type"] == "seed" and any(
                node["unique_id"] in _parents(other) for other in self._nodes.values()
            ):
                self._write_seed(node, out)
        problems = []
        models = [node for node in _in_order(self._nodes) if node["resource_type"] == "model"]
        tests = [node for node in self._nodes.values() if node["resource_type"] == "test"]
        for node in [*models, *tests]:
            log_progress(f"translating {node['name']}")
            try:
                self._write_sql(node, out)
            except Unmapped as error:
                problems.append(f"{node['original_file_path']}{_line(node, error)} has no rule for Spark: {error}")
        if problems:
            raise NotGenerated("\n".join(problems))
        for folder in sorted({Path(node["original_file_path"]).parent for node in models}):
            of_folder = [node for node in models if Path(node["original_file_path"]).parent == folder]
            _yaml(
                out / folder / f"_{folder.name}__models.yml", {"models": [self._properties(node) for node in of_folder]}
            )
            tests_of = [test for node in of_folder for test in self._unit_tests(node)]
            if tests_of:
                _yaml(out / folder / f"_{folder.name}__unit_tests.yml", {"unit_tests": tests_of})
        self._write_project(out)

    def _is_on(self, id_: str) -> bool:
        """Whether a node reads nothing of a system that is off."""
        node = self._manifest["nodes"].get(id_)
        if node is None:
            return True
        group = node.get("group") or node["config"].get("group")
        return group in (None, SHARED, *self._settings.systems) and all(
            self._is_on(parent) for parent in _parents(node)
        )

    def _write_sql(self, node: Node, out: Path) -> None:
        is_model = node["resource_type"] == "model"
        sql = translated(node["compiled_code"], self._relations, self._described)
        if is_model:
            columns = self._described.describe(node["compiled_code"])
            self._columns[node["unique_id"]] = columns
            self._described.create(node["relation_name"], columns)
        config = _config_of_model(node, sql) if is_model else _config_of_test(node)
        path = out / node["original_file_path"] if is_model else out / "tests" / f"{node['name']}.sql"
        path.parent.mkdir(parents=True, exist_ok=True)
        arguments = ", ".join(f"{name}={value!r}" for name, value in config.items())
        path.write_text(f"{{{{ config({arguments}) }}}}\n\n{sql}\n")
        self.written["models" if is_model else "data tests"] += 1

    def _properties(self, node: Node) -> Node:
        types = {name.lower(): type_ for name, type_ in self._columns[node["unique_id"]]}
        columns = [
            {"name": name, "description": column["description"], "data_type": spark_name(types[name.lower()])}
            for name, column in node["columns"].items()
        ]
        enforced = {"config": {"contract": {"enforced": True}}} if node["config"]["contract"]["enforced"] else {}
        return {"name": node["name"], "description": node["description"], **enforced, "columns": columns}

    def _unit_tests(self, node: Node) -> list[Node]:
        found: list[Node] = []
        for test in self._manifest["unit_tests"].values():
            if test["model"] != node["name"]:
                continue
            overrides = test.get("overrides") or {}
            if overrides.get("macros"):
                self.written["incremental unit tests"] += 1
                continue
            self.written["unit tests"] += 1
            variables = {"overrides": {"vars": overrides["vars"]}} if overrides.get("vars") else {}
            given = [
                {
                    "input": part["input"],
                    "format": "sql",
                    "rows": select_of(part, self._read_by(part["input"]), self._described),
                }
                for part in test["given"]
            ]
            expected = {"rows": expected_rows(test["expect"], self._columns[node["unique_id"]], self._described)}
            about = {"description": test["description"]} if test["description"] else {}
            found.append(
                {"name": test["name"], **about, "model": node["name"], **variables, "given": given, "expect": expected}
            )
        return found

    def _read_by(self, given: str) -> Columns:
        """The columns of a `ref` or `source` of a unit test."""
        *_, name = names = [part.strip("'\" ") for part in given[given.index("(") + 1 : -1].split(",")]
        if given.startswith("ref"):
            node = next(node for node in self._manifest["nodes"].values() if node["name"] == name)
            return self._described.describe(f"select * from {node['relation_name']}")
        stream = self._compiled.lake / "/".join(names)
        return self._described.describe(f"select * from read_parquet('{stream}/*.parquet')")

    def _write_seed(self, node: Node, out: Path) -> None:
        """A seed, or the home's file in its place, as a model: dbt-spark can't load a text with an apostrophe."""
        path = own_seeds(self._settings).get(node["name"], PROJECT / node["original_file_path"])
        columns = self._described.describe(f"select * from {node['relation_name']}")
        with path.open(encoding="utf-8", newline="") as file:
            rows = [{name: value or None for name, value in row.items()} for row in csv.DictReader(file)]
        written = out / "models" / "seeds" / f"{node['name']}.sql"
        written.parent.mkdir(parents=True, exist_ok=True)
        sql = select_of({"rows": rows}, columns, self._described)
        written.write_text(f"{{{{ config(materialized='table', schema='seeds') }}}}\n\n{sql}\n")

    def _write_project(self, out: Path) -> None:
        _yaml(
            out / "dbt_project.yml",
            {
                "name": NAME,
                "version": self._manifest["metadata"]["dbt_version"],
                "profile": NAME,
                "model-paths": ["models"],
                "test-paths": ["tests"],
                "flags": {"send_anonymous_usage_stats": False},
                "vars": {"lake": "lake", "reporting_timezone": self._settings.reporting_timezone},
            },
        )
        sources: dict[str, list[Node]] = {}
        for source in self._manifest["sources"].values():
            address = f"`{{{{ var('lake') }}}}/{source['source_name']}/{source['name']}`"
            sources.setdefault(source["source_name"], []).append({"name": source["name"], "identifier": address})
        _yaml(
            out / "models" / "_sources.yml",
            {"sources": [{"name": name, "schema": "parquet", "tables": tables} for name, tables in sources.items()]},
        )


def _parents(node: Node) -> list[str]:
    return list(node["depends_on"].get("nodes", []))


def _in_order(nodes: Mapping[str, Node]) -> list[Node]:
    """The nodes, each after those that it reads."""
    parents = {id_: [parent for parent in _parents(node) if parent in nodes] for id_, node in nodes.items()}
    return [nodes[id_] for id_ in TopologicalSorter(parents).static_order()]


def _config_of_model(node: Node, sql: str) -> Node:
    """An incremental model is a table, built from all records, and so is a long view. Its folder is its schema, as in
    DuckDB.
    """
    materialized = node["config"]["materialized"]
    if materialized == "incremental" or (materialized == "view" and len(sql) > LONGEST_VIEW):
        materialized = "table"
    schema = {"schema": node["config"]["schema"]} if node["config"]["schema"] else {}
    return {"materialized": materialized, **schema}


def _config_of_test(node: Node) -> Node:
    config = {"severity": node["config"]["severity"].lower()}
    usual = {"fail_calc": "count(*)", "warn_if": "!= 0", "error_if": "!= 0", "limit": None}
    return config | {name: node["config"][name] for name, value in usual.items() if node["config"][name] != value}


def _line(node: Node, error: Unmapped) -> str:
    """`:` and the line of the model at which the construct stands, if the compiled line is one of the model's own."""
    if error.line is None:
        return ""
    text = node["compiled_code"].splitlines()[error.line - 1].strip()
    lines = [number for number, line in enumerate(node["raw_code"].splitlines(), 1) if line.strip() == text]
    return f":{lines[0]}" if len(lines) == 1 else f" (compiled: {text[:80]})"


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks, which can be read."""


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)


def _yaml(path: Path, content: Node) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120))
