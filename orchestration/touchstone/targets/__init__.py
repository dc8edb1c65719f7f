"""Targets: where a release is published besides its file, so that people find it where they look.

A target is made equal to a release, whatever it holds before: it knows the digest of each part, and only parts that
differ are written. So it takes an upgrade, a rollback or several nights that it missed like any other night.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import duckdb

from touchstone.console import log_progress
from touchstone.home import PUBLIC, umask
from touchstone.landing.records import literal, quoted
from touchstone.release import kinds_of
from touchstone.settings import Settings


class TargetFailed(Exception):
    """A target wasn't brought to the release; it shows the one that it had. The message holds no password."""


@dataclass(frozen=True)
class Part:
    """A mart's rows of one month, or all of them, as a Parquet file: `name` is the month, `all` or `empty`."""

    mart: str
    name: str
    file: Path
    digest: str


@dataclass(frozen=True)
class Release:
    """A release to publish: its file, opened read-only, and the parts of its marts."""

    name: str
    connection: duckdb.DuckDBPyConnection
    parts: Mapping[str, Mapping[str, Part]]


@dataclass(frozen=True)
class Written:
    """What a publication wrote: parts that were new or different, and their size in rows or bytes."""

    parts: int = 0
    rows: int = 0
    bytes: int = 0


class Target(Protocol):
    """`name` is that of its asset, `title` what messages call it, `address` where it is, without a password.

    Methods raise TargetFailed.
    """

    name: str
    title: str
    address: str
    kind: str

    def publish(self, release: Release) -> Written:
        """Make the target equal to a release; readers see all of it at once."""

    def shown(self) -> str | None:
        """The name of the release that readers of the target see, or None if there is none yet."""


def targets_of(settings: Settings) -> list[Target]:
    """The targets that are set up."""
    from touchstone.targets.object_store import ObjectStore
    from touchstone.targets.postgres import Postgres

    found: list[Target] = []
    if settings.publish_postgres:
        found.append(Postgres(settings))
    if settings.publish_location:
        found.append(ObjectStore(settings))
    return found


def publish_to(target: Target, settings: Settings) -> Written:
    """Make a target equal to the present release, of which the caller holds the home. Raises TargetFailed."""
    with open_release(settings) as release, umask(PUBLIC):
        return target.publish(release)


def catch_up(targets: Iterable[Target], settings: Settings) -> dict[str, str]:
    """Publish the present release to targets again, such as after a rollback or a night in which they failed; returns
    why a target doesn't show it, by title. The caller holds the home.

    A target that shows it already may have other settings since, such as another reader.
    """
    failed = {}
    for target in targets if settings.published.exists() else ():
        try:
            log_progress(f"publishing to {target.title}")
            publish_to(target, settings)
        except TargetFailed as failure:
            failed[target.title] = str(failure)
    return failed


@contextmanager
def open_release(settings: Settings) -> Iterator[Release]:
    """The present release. Its tables without Parquet files, which are small, get one for as long as it is open."""
    folder = settings.published.resolve()
    with (
        TemporaryDirectory(dir=settings.scratch) as scratch,
        duckdb.connect(str(folder / "touchstone.duckdb"), read_only=True) as connection,
    ):
        connection.execute(f"set memory_limit = '{settings.memory_limit}'")
        connection.execute(f"set temp_directory = {literal(str(settings.scratch))}")
        files = [*folder.glob("parquet/*/*.parquet")]
        with_files = {file.parent.name for file in files}
        for (schema, table), kind in kinds_of(connection).items():
            if schema == "main" and kind == "table" and table not in with_files:
                file = Path(scratch, table, "all.parquet")
                file.parent.mkdir()
                connection.execute(f"copy {quoted(table)} to {literal(str(file))} (format parquet)")
                files.append(file)
        parts: dict[str, dict[str, Part]] = {}
        for file in sorted(files, key=lambda file: (file.parent.name, file.name)):
            with file.open("rb") as content:
                digest = hashlib.file_digest(content, "sha256").hexdigest()[:32]
            part = Part(file.parent.name, file.stem, file, digest)
            parts.setdefault(part.mart, {})[part.name] = part
        yield Release(folder.name, connection, parts)
