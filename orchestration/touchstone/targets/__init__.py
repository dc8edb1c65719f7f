"""Where releases are copied to beside the published file: PostgreSQL, and a folder or an object store.

Each target states the release that it holds and, for each part of a mart, a version: what differs from the present
release is replaced. So a target that is new, several releases behind or, after a rollback, ahead ends equal to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

import duckdb

from touchstone.console import log_progress
from touchstone.landing.records import literal, quoted
from touchstone.settings import Settings

# The long tables repeat the marts, in DuckDB's own SQL, with many times the rows.
_LONG = "metric_values_"
# Parts that are all rows of a mart; others are months such as 2026-11.
WHOLE = ("all", "empty")


class NotTaken(Exception):
    """A target did not take the release. The message names the setting and the remedy, and has no password."""


@dataclass(frozen=True)
class Part:
    """A month of a mart, or all of a mart without periods: its version, and DuckDB's query of its rows.

    `file` is its Parquet file; None for a small table that only the published file has.
    """

    name: str
    version: str
    query: str
    file: Path | None


@dataclass(frozen=True)
class Table:
    """A mart of a release: DuckDB's type and the description of each column, by name, in their order."""

    name: str
    description: str
    types: Mapping[str, str]
    descriptions: Mapping[str, str]
    parts: Sequence[Part]


@dataclass(frozen=True)
class Sent:
    """What a publication changed: parts and rows written, and parts removed."""

    parts: int
    rows: int
    removed: int


class Target(Protocol):
    """A copy of the marts somewhere else. `name` is that of its setting, `label` what messages call it."""

    name: ClassVar[str]
    label: ClassVar[str]
    kind: ClassVar[str]

    def release(self) -> str | None:
        """The name of the release that it holds; None if it holds none. Raises NotTaken if it can't be reached."""

    def publish(self, connection: duckdb.DuckDBPyConnection, release: str, tables: Sequence[Table]) -> Sent:
        """Make it equal to a release, whose file `connection` has open. Readers see all of the change or nothing.

        Raises NotTaken; the target is then as it was.
        """


def targets_of(settings: Settings) -> list[Target]:
    """The targets that are set."""
    found: list[Target] = []
    if settings.publish_postgres:
        from touchstone.targets.postgres import Postgres

        found.append(Postgres(settings))
    if settings.publish_location:
        from touchstone.targets.location import Location

        found.append(Location(settings))
    return found


def publish_to(target: Target, settings: Settings) -> Sent:
    """Make a target equal to the present release. Raises NotTaken."""
    release = settings.published.resolve()
    with _opened(release, settings) as connection:
        return target.publish(connection, release.name, tables_of(connection, release))


def catch_up(settings: Settings) -> dict[str, str]:
    """Publish to the targets that hold another release than the present one, such as after a rollback or a night in
    which they failed. Returns why a target did not take it, by its label.
    """
    failed = {}
    for target in targets_of(settings) if settings.published.exists() else ():
        try:
            if target.release() != settings.published.resolve().name:
                log_progress(f"publishing to {target.label}")
                publish_to(target, settings)
        except NotTaken as error:
            failed[target.label] = str(error)
    return failed


def tables_of(connection: duckdb.DuckDBPyConnection, release: Path) -> list[Table]:
    """The marts of a release, whose file `connection` has open, by name, without the long tables."""
    described = connection.execute(
        "select table_name, comment from duckdb_tables() where schema_name = 'main' union all "
        "select view_name, comment from duckdb_views() where schema_name = 'main' and not internal order by 1"
    ).fetchall()
    columns = connection.execute(
        "select table_name, column_name, data_type, coalesce(comment, '') from duckdb_columns() "
        "where schema_name = 'main' and not internal order by table_name, column_index"
    ).fetchall()
    found = []
    for name, description in described:
        if not name.startswith(_LONG):
            of_table = [column for table, *column in columns if table == name]
            types = {column: type_ for column, type_, _ in of_table}
            descriptions = {column: text for column, _, text in of_table}
            found.append(Table(name, description or "", types, descriptions, [*_parts(release, name, types)]))
    return found


def _parts(release: Path, name: str, columns: Mapping[str, str]) -> Iterator[Part]:
    files = sorted((release / "parquet" / name).glob("*.parquet"))
    for file in files:
        with file.open("rb") as content:
            version = hashlib.file_digest(content, "sha256").hexdigest()[:32]
        listed = ", ".join(map(quoted, columns))
        yield Part(file.stem, version, f"select {listed} from read_parquet({literal(str(file))})", file)
    if not files:
        yield Part(WHOLE[0], release.name, f"from {quoted(name)}", None)


@contextmanager
def _opened(release: Path, settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(release / "touchstone.duckdb"), read_only=True) as connection:
        connection.execute(f"set temp_directory = {literal(str(settings.scratch))}")
        connection.execute(f"set memory_limit = '{settings.memory_limit}'")
        yield connection
