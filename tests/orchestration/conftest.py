"""A home for tests: extracts go in as records, marts come out as rows."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pytest

from touchstone import dbt
from touchstone.fetching import client
from touchstone.home import environment, own_dagster
from touchstone.landing.land import Landed, land, replay
from touchstone.landing.ledger import Ledger
from touchstone.landing.streams import read_streams
from touchstone.manifest import project, read_parsed
from touchstone.plan import absent_systems
from touchstone.settings import Settings
from touchstone.systems import Manifest

from .commands import Forked, run_dbt_command

Record = dict[str, Any]

# A background job ignores SIGINT, and Dagster takes SIGTERM's handler from SIGINT's: whatever processes the tests start
# could not be ended, and pools wait for theirs.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The log and the files of a build take a third of a small one's time, and no test reads them.
_SILENT = ("--log-level", "none", "--no-write-json")
# The files that take minutes, longest first.
_LONGEST = (
    "test_faults",
    "test_systems_apart",
    "test_runs",
    "test_targets",
    "test_browser",
    "test_deploy",
    "test_erase",
    "test_dbt_package",
    "test_semantic_layer",
    "test_models",
    "test_add_a_system",
    "test_selections",
    "test_properties",
    "test_reconciliation",
    "test_add_a_metric",
    "test_mutants",
    "test_catalog",
    "test_benchmarks",
    "test_pinpoint",
    "test_cloudwatch",
    "test_ses",
)
# Views stay as they are once they stand.
TABLES = ("--exclude", "config.materialized:view")
# What stays in a home that is used again: the parsed project, and the empty warehouse.
KEPT = ("dbt", "skeleton")


def no_time_in(fields: str) -> str:
    """The reason that a record is quarantined for which tells no time."""
    return f"no time from 2000 to 2100 in {fields}; write it as ISO 8601 with its zone, or as a Unix epoch"


class TestHome:
    """One TOUCHSTONE_HOME, used again and again: dbt's parsed project stays, the state is removed by `reset`."""

    __test__ = False

    def __init__(self, path: Path) -> None:
        os.environ["TOUCHSTONE_HOME"] = str(path)
        self.settings = Settings()
        self.streams = read_streams()
        self.settings.make_directories()
        os.environ.update(environment(self.settings) | own_dagster(self.settings))
        self._skeleton = path / "skeleton"

    def reset(self) -> None:
        for path in self.settings.home.iterdir():
            if path.is_symlink() or path.is_file():
                path.unlink()
            elif path.name not in KEPT:
                shutil.rmtree(path)
        self.settings.make_directories()
        own_dagster(self.settings)

    def put(self, source: str, name: str, content: bytes | list[Record]) -> Path:
        """A file in the inbox: bytes as they are, records as gzip of newline-delimited JSON."""
        path = self.settings.inbox / source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, list):
            self.write(path, content)
        else:
            path.write_bytes(content)
        return path

    @staticmethod
    def write(path: Path, records: list[Record]) -> None:
        text = "".join(json.dumps(record) + "\n" for record in records)
        path.write_bytes(gzip.compress(text.encode(), 1, mtime=0))

    def ledger(self) -> Any:
        return Ledger.open(self.settings)

    def land(self, settings: Settings | None = None) -> dict[str, Landed]:
        with self.ledger() as ledger:
            used = settings or self.settings
            return {source: land(stream, used, ledger, lambda text: None) for source, stream in self.streams.items()}

    def replay(self) -> int:
        with self.ledger() as ledger:
            return sum(replay(stream, self.settings, ledger) for stream in self.streams.values())

    @cached_property
    def manifest(self) -> Any:
        """The parsed project, for builds with whatever variables, and for the nights in this home: parsing takes longer
        than a small build.
        """
        assert self.project
        return read_parsed(self.settings)

    @cached_property
    def project(self) -> Manifest:
        """The whole project's manifest; dbt's own file is of whatever was built last in this home."""
        return project(self.settings)

    def build(self, *arguments: str, models_only: bool = True, **variables: Any) -> None:
        """dbt build in this process; data tests only where asked for.

        A plain build is one of the systems that have landed, as that of a night, and begins with an empty warehouse in
        which the views stand already, as they take most of the time.
        """
        if models_only and not arguments and not variables:
            self.build_empty()
            with self.ledger() as ledger:
                absent = absent_systems(ledger, self.project)
            arguments = (*TABLES, *(f"group:{system}" for system in sorted(absent)))
        self._build(*arguments, models_only=models_only, **variables)

    def build_empty(self) -> None:
        """Every model, of no records; in a warehouse that has some already, nothing."""
        if not self._skeleton.exists():
            os.environ["TOUCHSTONE_LOAD_LIMIT"] = "0"
            self._build(models_only=True)
            del os.environ["TOUCHSTONE_LOAD_LIMIT"]
            shutil.copytree(self.settings.warehouse, self._skeleton)
        if not (self.settings.warehouse / "internal.duckdb").exists():
            shutil.copytree(self._skeleton, self.settings.warehouse, dirs_exist_ok=True)

    def _build(self, *arguments: str, models_only: bool, **variables: Any) -> None:
        kinds = ["--exclude-resource-type", "unit_test", *(["test"] if models_only else [])]
        variables.setdefault("reporting_timezone", "UTC")
        command = [*_SILENT, "build", *kinds, "--vars", json.dumps(variables), *arguments]
        result = dbt.invoke(*command, manifest=self.manifest)
        failed = [r for r in result.result or [] if r.status not in ("success", "pass")]
        assert result.success, failed or result.exception

    def kill_build(self, after: float) -> None:
        """Begin a build of everything, and kill it so many seconds after its first model."""
        assert self.manifest
        variables = json.dumps({"reporting_timezone": "UTC"})
        command = ("build", "--exclude-resource-type", "unit_test", "test", "--vars", variables)
        build = Forked(run_dbt_command, command, os.environ)
        next((line for line in build.stdout if "model" in line and "OK" in line), None)
        time.sleep(after)
        os.killpg(build.pid, signal.SIGKILL)
        build.communicate(timeout=60)

    def check(self, name: str) -> Any:
        """What dbt makes of one data test; the results hold its hooks too."""
        variables = json.dumps({"reporting_timezone": "UTC"})
        result = dbt.invoke(*_SILENT, "test", "--select", name, "--vars", variables, manifest=self.manifest)
        (test,) = (each for each in result.result if each.node.name == name)
        return test

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.settings.warehouse / "touchstone.duckdb"), read_only=True) as connection:
            connection.execute(f"attach '{self.settings.warehouse / 'internal.duckdb'}' as internal (read_only)")
            return connection.execute(sql).fetchall()

    def ledger_rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.ledger() as ledger:
            return list(ledger.connection.execute(sql).fetchall())

    def marts(self) -> dict[str, list[tuple[Any, ...]]]:
        """Rows of every mart but the long tables, in an order that doesn't depend on how they were stored."""
        names = self.query(
            "select table_name from information_schema.tables where table_catalog = 'touchstone' "
            "and table_schema = 'main' and not starts_with(table_name, 'metric_') order by 1"
        )
        return {name: self.query(f"select * from {name} order by all") for (name,) in names}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest come first, so that no core is left with one of them in the end."""
    items.sort(key=lambda item: _LONGEST.index(item.path.stem) if item.path.stem in _LONGEST else len(_LONGEST))


@pytest.fixture(scope="session")
def session_home(tmp_path_factory: pytest.TempPathFactory) -> TestHome:
    return TestHome(tmp_path_factory.mktemp("home"))


@pytest.fixture
def home(session_home: TestHome) -> Iterator[TestHome]:
    session_home.reset()
    yield session_home


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were to be waited, without waiting."""
    found: list[float] = []
    monkeypatch.setattr(client, "sleep", lambda seconds: found.append(round(seconds, 1)) if seconds > 0.2 else None)
    return found
