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
from touchstone.spark import NAME, NotGenerated
from touchstone.spark.described import Columns, Described, Unmapped
from touchstone.spark.fixtures import expectation, select_of, spark_name
from touchstone.spark.models import ZONE, translated
from touchstone.systems import SHARED
from touchstone.warehouse import writable

Node = Mapping[str, Any]
# Hive's metastore holds 32,700 characters of a view in Derby; refs become longer names.
LONGEST_VIEW = 25_000


def generate(settings: Settings, out: Path) -> dict[str, int]:
    """Write the project of the systems that are on. Returns how many models, data tests and unit tests it has.

    Raises NotGenerated.
    """
    if out.exists() and any(out.iterdir()) and not (out / "dbt_project.yml").exists():
        raise NotGenerated(f"{out} has other files and no dbt project in it: name an empty folder")
    if settings.keep_records_days:
        raise NotGenerated("keep_records_days is set, and old records have no rule for Spark: stay with DuckDB alone")
    with TemporaryDirectory(prefix="touchstone-spark-") as folder:
        compiling = Settings(
            home=Path(folder),
            systems=settings.systems,
            reporting_timezone=ZONE,
            variables=settings.variables,
            locations={},
            lake_location="",
            ledger_postgres=None,
        )
        compiling.make_directories()
        manifest = _compiled(compiling)
        with writable(compiling) as connection:
            project = _Project(settings, compiling, manifest, connection)
            project.translate()
        incremental = _compiled_incrementally(compiling)
        with writable(compiling) as connection:
            project.translate_incremental(incremental, connection)
            project.write(Path(folder) / "project")
        shutil.copytree(Path(__file__).with_name("macros"), Path(folder) / "project" / "macros", dirs_exist_ok=True)
        out.mkdir(parents=True, exist_ok=True)
        for part in ("models", "tests", "macros", "dbt_project.yml"):
            if (out / part).is_dir():
                shutil.rmtree(out / part)
            shutil.move(Path(folder) / "project" / part, out / part)
    return project.written


def _compiled(settings: Settings) -> Node:
    """The manifest with all SQL compiled for a full refresh, of streams of which nothing has landed."""
    log_progress("compiling the models")
    with Ledger.open(settings) as ledger:
        for stream in read_streams().values():
            land(stream, settings, ledger, lambda text: None)
    run_dbt(settings, "seed", "--quiet")
    run_dbt(settings, "compile", "--full-refresh", "--quiet")
    return _manifest(settings)


def _compiled_incrementally(settings: Settings) -> Node:
    """The manifest with the SQL of incremental models compiled as where they have a table already."""
    run_dbt(settings, "compile", "--select", "config.materialized:incremental", "--quiet")
    return _manifest(settings)


def _manifest(settings: Settings) -> Node:
    return json.loads((settings.home / "dbt" / "target" / "manifest.json").read_text())  # type: ignore[no-any-return]


class _Project:
    """The parts of the project, by the manifest; the connection gets an empty table for every model."""

    def __init__(
        self, settings: Settings, compiled: Settings, manifest: Node, connection: duckdb.DuckDBPyConnection
    ) -> None:
        self._settings, self._compiled, self._manifest = settings, compiled, manifest
        self._described = Described(connection)
        self._columns: dict[str, Columns] = {}
        self._problems: list[str] = []
        # Spark's SQL of models and tests, and of incremental models where they have a table
        self._sql: dict[str, str] = {}
        self._incremental_sql: dict[str, str] = {}
        self.written = dict.fromkeys(("models", "data tests", "unit tests"), 0)
        self._compared: dict[str, dict[str, str]] = {}
        self._nodes = {id_: node for id_, node in manifest["nodes"].items() if self._is_on(id_)}
        self._relations = {
            node["relation_name"]: f"{{{{ ref('{node['name']}') }}}}"
            for node in manifest["nodes"].values()
            if node["resource_type"] in ("model", "seed")
        } | {
            f"{system}/{stream}": f"{{{{ source('{system}', '{stream}') }}}}"
            for system, stream in ((source["source_name"], source["name"]) for source in manifest["sources"].values())
        }

    def translate(self) -> None:
        """Translate models and tests, and create the models' tables. Raises NotGenerated."""
        models = [node for node in _in_order(self._nodes) if node["resource_type"] == "model"]
        tests = [node for node in self._nodes.values() if node["resource_type"] == "test"]
        for node in [*models, *tests]:
            log_progress(f"translating {node['name']}")
            if (sql := self._translated(node)) is not None:
                self._sql[node["unique_id"]] = sql
            if node["resource_type"] == "model":
                columns = self._described.describe(node["compiled_code"])
                self._columns[node["unique_id"]] = columns
                self._described.create(node["relation_name"], columns)
        self._stop_at_problems()

    def translate_incremental(self, manifest: Node, connection: duckdb.DuckDBPyConnection) -> None:
        """Translate incremental models as they are compiled where they have a table. Raises NotGenerated."""
        self._described = Described(connection)
        for id_, node in manifest["nodes"].items():
            if id_ in self._nodes and node["config"]["materialized"] == "incremental":
                log_progress(f"translating {node['name']} for builds of what is new")
                if (sql := self._translated(node)) is not None:
                    self._incremental_sql[id_] = sql
        self._stop_at_problems()

    def _translated(self, node: Node) -> str | None:
        try:
            own = {node["relation_name"]: "{{ this }}"} if node["resource_type"] == "model" else {}
            return translated(node["compiled_code"], self._relations | own, self._described)
        except Unmapped as error:
            self._problems.append(f"{node['original_file_path']}{_line(node, error)} has no rule for Spark: {error}")
            return None

    def _stop_at_problems(self) -> None:
        if self._problems:
            raise NotGenerated("\n".join(self._problems))

    def write(self, out: Path) -> None:
        for node in self._nodes.values():
            if node["resource_type"] == "seed" and any(
                node["unique_id"] in _parents(other) for other in self._nodes.values()
            ):
                self._write_seed(node, out)
        models = [node for node in self._nodes.values() if node["resource_type"] == "model"]
        for id_ in self._sql:
            self._write_sql(self._nodes[id_], out)
        for folder in sorted({Path(node["original_file_path"]).parent for node in models}):
            of_folder = [node for node in models if Path(node["original_file_path"]).parent == folder]
            _yaml(
                out / folder / f"_{folder.name}__models.yml", {"models": [self._properties(node) for node in of_folder]}
            )
            tests_of = [test for node in of_folder for test in self._unit_tests(node)]
            if tests_of:
                _yaml(out / folder / f"_{folder.name}__unit_tests.yml", {"unit_tests": tests_of})
        self._write_project(out)
        self._write_sources(out)

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
        sql = self._sql[node["unique_id"]]
        config = _config_of_model(node, sql) if is_model else _config_of_test(node)
        if new := self._incremental_sql.get(node["unique_id"]):
            month = _month(node, self._columns[node["unique_id"]])
            sql = "\n\n".join((
                "{% if is_incremental() and not has_new() %}", "select * from {{ this }} where false",
                "{% elif is_incremental() %}", _partitioned(new, month),
                "{% else %}", _partitioned(sql, month),
                "{% endif %}",
            ))  # fmt: skip
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
            # the project has what other vars are when it is written
            if ((test.get("overrides") or {}).get("vars") or {}).keys() - {"reporting_timezone"}:
                continue
            self.written["unit tests"] += 1
            given = [
                {
                    "input": part["input"],
                    "format": "sql",
                    "rows": select_of(part, self._read_by(part["input"], node), self._described),
                }
                for part in test["given"]
            ]
            expected = expectation(test["expect"], self._columns[node["unique_id"]], self._described)
            about = {"description": test["description"]} if test["description"] else {}
            self._compared[node["name"]] = {
                name: type_ for name, type_ in self._columns[node["unique_id"]] if type_ in ("DOUBLE", "TIMESTAMP")
            }
            found.append(
                {
                    "name": test["name"],
                    **about,
                    "model": node["name"],
                    **_overrides(test),
                    "given": given,
                    "expect": expected,
                }
            )
        return found

    def _read_by(self, given: str, node: Node) -> Columns:
        """The columns of a `ref`, a `source` or `this` of a model's unit test."""
        if given == "this":
            return self._columns[node["unique_id"]]
        *_, name = names = [part.strip("'\" ") for part in given[given.index("(") + 1 : -1].split(",")]
        if given.startswith("ref"):
            node = next(node for node in self._manifest["nodes"].values() if node["name"] == name)
            return self._described.describe(f"select * from {node['relation_name']}")
        return self._landed(*names)

    def _landed(self, system: str, stream: str) -> Columns:
        """The columns of a stream's records in the lake."""
        return self._described.describe(f"from read_parquet('{self._compiled.lake / system / stream}/*.parquet')")

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
                "macro-paths": ["macros"],
                "on-run-start": ["{{ create_lake() }}", "{{ create_empty_views() }}"],
                "models": {NAME: {"+post-hook": ["{{ finish_build() }}", "{{ export_rows() }}"]}},
                "flags": {"send_anonymous_usage_stats": False},
                "vars": {"lake": "lake", "reporting_timezone": self._settings.reporting_timezone},
            },
        )
        types = out / "macros" / "column_types.sql"
        types.parent.mkdir(parents=True, exist_ok=True)
        types.write_text(
            "{# Columns that a unit test compares in another way, of models that have one. #}\n"
            "{% macro column_types() -%}\n"
            f"    {{{{ return({json.dumps(self._compared, indent=4)}) }}}}\n{{%- endmacro %}}\n"
        )

    def _write_sources(self, out: Path) -> None:
        sources: dict[str, list[Node]] = {}
        read = {parent for node in self._nodes.values() for parent in _parents(node)}
        for source in (source for id_, source in self._manifest["sources"].items() if id_ in read):
            system, stream = source["source_name"], source["name"]
            columns = [
                {"name": name, "data_type": "binary" if type_ == "UUID" else spark_name(type_)}
                for name, type_ in self._landed(system, stream)
            ]
            table = {"name": stream, "identifier": f"{system}_{stream}", "columns": columns}
            sources.setdefault(system, []).append(table)
        schema = "{{ target.schema }}_lake"
        _yaml(
            out / "models" / "_sources.yml",
            {"sources": [{"name": name, "schema": schema, "tables": tables} for name, tables in sources.items()]},
        )


def _parents(node: Node) -> list[str]:
    return list(node["depends_on"].get("nodes", []))


def _in_order(nodes: Mapping[str, Node]) -> list[Node]:
    """The nodes, each after those that it reads."""
    parents = {id_: [parent for parent in _parents(node) if parent in nodes] for id_, node in nodes.items()}
    return [nodes[id_] for id_ in TopologicalSorter(parents).static_order()]


def _config_of_model(node: Node, sql: str) -> Node:
    """Its folder is its schema, as in DuckDB. A view that is too long is a table."""
    config = {name: node["config"][name] for name in ("materialized", "schema") if node["config"][name]}
    if config["materialized"] == "view" and len(sql) > LONGEST_VIEW:
        config["materialized"] = "table"
    if config["materialized"] != "incremental":
        return config
    partitions = {
        "incremental_strategy": "insert_overwrite",
        "file_format": "parquet",
        "partition_by": ["partition_month"],
    }
    return config | partitions | {"unique_key": node["config"]["unique_key"], "on_schema_change": "fail"}


def _month(node: Node, columns: Columns) -> str:
    """The month by which a model's rows are partitioned: that of the first time in its key, or else of its first time.
    Any is right, as rows may move to another partition.
    """
    key = node["config"]["unique_key"]
    times = [name for name, type_ in columns if type_.startswith(("TIMESTAMP", "DATE"))]
    if not times:
        return "'all'"
    time = next((name for name in times if name in key and not isinstance(key, str)), times[0])
    return f"coalesce(date_format(cast({time} as date), 'yyyy-MM'), 'none')"


def _partitioned(sql: str, month: str) -> str:
    return f"select\n    *,\n    {month} as partition_month\nfrom (\n{sql}\n)"


def _config_of_test(node: Node) -> Node:
    config = {"severity": node["config"]["severity"].lower()}
    usual = {"fail_calc": "count(*)", "warn_if": "!= 0", "error_if": "!= 0", "limit": None}
    return config | {name: node["config"][name] for name, value in usual.items() if node["config"][name] != value}


def _overrides(test: Node) -> Node:
    """What a unit test says of vars and of the macros of incremental builds, by their names in the project."""
    given = test.get("overrides") or {}
    macros = dict(given.get("macros") or {})
    if "loaded_through" in macros:
        macros["load_id"] = macros["loaded_through"] + 1
    if "load_limit" in macros:
        macros["landed_through"] = macros.pop("load_limit")
    found = {name: value for name, value in (("vars", given.get("vars")), ("macros", macros)) if value}
    return {"overrides": found} if found else {}


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
