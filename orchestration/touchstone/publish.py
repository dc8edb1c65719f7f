"""Publishing: a finished and checked copy of the marts, which readers reach by a link."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from touchstone.builds import Build
from touchstone.landing.freshness import figures
from touchstone.landing.records import literal
from touchstone.release import (
    PARTS,
    PRESENT,
    attach_present,
    columns_of,
    describe,
    drop_unknown,
    list_relations,
    take_over,
    write_run,
)
from touchstone.settings import Settings
from touchstone.systems import SHARED, Manifest, is_mart, owner_of, sources_of, systems_of


class NotPublished(Exception):
    """The release was not fit to be read; readers still see the one before."""


@dataclass(frozen=True)
class Mart:
    """A published table. `parents` are the counted tables whose `landing` says when a period changed."""

    name: str
    system: str
    parents: tuple[str, ...]
    has_periods: bool


@dataclass(frozen=True)
class Release:
    path: Path
    rows: dict[str, int]
    periods: dict[str, tuple[Any, Any]]
    parquet_files_written: int


def marts_of(manifest: Manifest) -> list[Mart]:
    """The marts, by name; but for those that are the other marts once more."""
    nodes = manifest["nodes"]
    return sorted(
        (
            Mart(
                node["name"],
                node["group"],
                tuple(
                    nodes[parent]["relation_name"]
                    for parent in node["depends_on"]["nodes"]
                    if parent.startswith("model.") and "landing" in nodes[parent]["columns"]
                ),
                "period_start" in node["columns"],
            )
            for node in nodes.values()
            if is_mart(node) and not node["name"].startswith("metric_values_")
        ),
        key=lambda mart: mart.name,
    )


def shared_marts(manifest: Manifest) -> list[str]:
    """The marts that are of no system and show what systems' own show."""
    nodes = [node for node in manifest["nodes"].values() if is_mart(node) and node["group"] == SHARED]
    return [node["name"] for node in nodes if node["config"]["materialized"] == "view"]


def publish(
    settings: Settings,
    manifest: Manifest,
    run_id: str,
    build: Build,
    held_back: Mapping[str, str],
    shared: Mapping[str, str],
    absent: Collection[str] = (),
) -> Release:
    """Copy the marts into a new release, check it, and flip the link to it.

    Systems `held_back`, with the reason, are taken over from the present release; the marts of all systems, `shared` by
    their SQL, are then made anew. Marts of `absent` systems, of which nothing has ever landed, are empty. Raises
    NotPublished, and leaves the link as it was, if a mart of the copy is not what it should be.
    """
    now = datetime.now(UTC)
    name = name_of_next(settings, run_id)
    release = settings.releases / name
    unfinished = settings.releases / f".{name}"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    built = settings.warehouse / "touchstone.duckdb"
    with duckdb.connect(str(built)) as connection:
        connection.execute("checkpoint")
    shutil.copyfile(built, unfinished / "touchstone.duckdb")
    marts = marts_of(manifest)
    with duckdb.connect(str(unfinished / "touchstone.duckdb")) as connection:
        connection.execute(f"set temp_directory = {literal(str(settings.scratch))}")
        connection.execute(f"set memory_limit = '{settings.memory_limit}'")
        drop_unknown(connection, manifest)
        attach_present(connection, settings)
        systems = [system for system in systems_of(manifest) if system in held_back or system not in absent]
        systems = systems or systems_of(manifest)  # a release says which run it is of, though nothing has landed yet
        kept = write_run(connection, settings, build, run_id, now, systems, held_back)
        for system in {*held_back, *absent}:
            take_over(connection, manifest, system, system in kept)
        for mart, sql in shared.items():
            connection.execute(f"create or replace view main.{mart} as {sql}")
        connection.execute(f"attach {literal(str(settings.lake / 'ledger.duckdb'))} as ledger (read_only)")
        sources = [*owner_of(manifest)]
        connection.execute(
            f"create table {PARTS}.landed_files as "
            "select * exclude (content_hash) from ledger.files where source in (select unnest($1::varchar[])) "
            "order by source, path",
            [sources],
        )
        connection.execute(
            f"create table source_freshness as from ({figures(settings, now, ledger='ledger.')}) "
            "where source in (select unnest($1::varchar[]))",
            [sources],
        )
        built_of = {system: of_it for system, of_it in sources_of(manifest).items() if system not in absent}
        since = _unchanged_until(connection, built_of, build)
        connection.execute("detach ledger")
        list_relations(connection, manifest, kept)
        describe(connection, manifest)
        parquet = unfinished / "parquet"
        written = sum(
            _take_over_files(settings, mart, parquet)
            if mart.system in kept and (settings.published / "parquet" / mart.name).exists()
            else _export(connection, settings, mart, parquet, since.get(mart.system))
            for mart in marts
        )
        connection.execute(f"attach {literal(str(built))} as built (read_only)")
        rows, periods = _check(connection, marts, {*held_back, *absent}, kept, bool(held_back or manifest["disabled"]))
        connection.execute("checkpoint")
    _sync(unfinished)
    os.rename(unfinished, release)
    flip(settings, release)
    _forget_old(settings)
    return Release(release, rows, periods, written)


def flip(settings: Settings, release: Path) -> None:
    """Let readers see another release, in one step."""
    link = settings.home / ".published"
    link.unlink(missing_ok=True)
    link.symlink_to(Path("releases") / release.name)
    os.replace(link, settings.published)


def name_of_next(settings: Settings, run_id: str) -> str:
    """The name of a new release: its time, or one after the newest's if the clock was set back. Names are in order."""
    at = datetime.now(UTC)
    for release in releases(settings)[-1:]:
        after = datetime.strptime(release.name[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC) + timedelta(seconds=1)
        at = max(at, after)
    return f"{at:%Y%m%dT%H%M%S}-{run_id[:8]}"


def releases(settings: Settings) -> list[Path]:
    """The finished releases, oldest first."""
    return sorted(path for path in settings.releases.iterdir() if not path.name.startswith("."))


def rollback(settings: Settings) -> Path:
    """Let readers see the release before the present one. Raises NotPublished if there is none."""
    present = settings.published.resolve() if settings.published.exists() else None
    older = [release for release in releases(settings) if present is None or release.name < present.name]
    if not older:
        raise NotPublished(f"there is no release before the present one in {settings.releases}")
    flip(settings, older[-1])
    return older[-1]


def _export(
    connection: duckdb.DuckDBPyConnection, settings: Settings, mart: Mart, parquet: Path, since: int | None
) -> int:
    """Write a mart's Parquet files, one per month; those unchanged after landing `since` are the last release's own.

    Returns how many were written.
    """
    folder = parquet / mart.name
    folder.mkdir(parents=True)
    if not mart.has_periods:
        connection.execute(f"copy {mart.name} to {literal(str(folder / 'all.parquet'))} (format parquet)")
        return 1
    earlier = settings.published / "parquet" / mart.name
    month = "cast(date_trunc('month', period_start) as date)"
    months = {m for (m,) in connection.execute(f"select distinct {month} from {mart.name}").fetchall()}
    changed = months
    if since is not None and mart.parents:
        parents = " union all ".join(
            f"select {month} as month from {parent} where landing > {since}" for parent in mart.parents
        )
        changed = months & {m for (m,) in connection.execute(f"select distinct month from ({parents})").fetchall()}
    for each in months - changed:
        name = f"{each:%Y-%m}.parquet"
        if (earlier / name).exists():
            os.link(earlier / name, folder / name)
        else:
            changed = changed | {each}
    for each in sorted(changed):
        connection.execute(
            f"copy (select * from {mart.name} where period_start >= date '{each}' "
            f"and period_start < date '{each}' + interval 1 month) "
            f"to {literal(str(folder / f'{each:%Y-%m}.parquet'))} (format parquet, compression zstd)"
        )
    if not months:
        connection.execute(f"copy {mart.name} to {literal(str(folder / 'empty.parquet'))} (format parquet)")
    return len(changed)


def _take_over_files(settings: Settings, mart: Mart, parquet: Path) -> int:
    """Have a mart's Parquet files as in the present release, which writes none; returns 0."""
    earlier = settings.published / "parquet" / mart.name
    (parquet / mart.name).mkdir(parents=True)
    for file in sorted(earlier.glob("*.parquet")):
        os.link(file, parquet / mart.name / file.name)
    return 0


def _unchanged_until(
    connection: duckdb.DuckDBPyConnection, sources: Mapping[str, set[str]], build: Build
) -> dict[str, int]:
    """The landing that the present release shows of each system; none where more has changed than came after it."""
    if "system" not in columns_of(connection, PRESENT, ("main", "run")):
        return {}
    rows = connection.execute(
        f"""
        select
            system,
            landing,
            (select list(source) from ledger.retractions where retractions.build >= run.build) as retracted
        from {PRESENT}.run
        where fingerprint = ?
        """,
        [build.fingerprint],
    ).fetchall()
    return {
        system: landing
        for system, landing, retracted in rows
        if system in sources and not sources[system] & set(retracted or ())
    }


def _check(
    connection: duckdb.DuckDBPyConnection,
    marts: Sequence[Mart],
    not_built: Collection[str],
    kept: Collection[str],
    shared_anew: bool,
) -> tuple[dict[str, int], dict[str, tuple[Any, Any]]]:
    """Rows and period range of each mart, once it is sure that it has what was built, or what is kept of it."""
    rows, periods = {}, {}
    for mart in marts:
        numbers = "count(*), min(period_start), max(period_start)" if mart.has_periods else "count(*), null, null"
        copied = connection.execute(f"select {numbers} from {mart.name}").fetchone()
        if mart.system == SHARED and shared_anew:
            origin = "main"  # made of old and new marts, here alone
        elif mart.system in not_built:
            origin = PRESENT
        else:
            origin = "built"
        # One of a system held back or absent may have nothing to be held against: it is empty.
        is_new = origin == PRESENT and not columns_of(connection, PRESENT, ("main", mart.name))
        is_empty = is_new or (origin == PRESENT and mart.system not in kept)
        expected = "select 0, null, null" if is_empty else f"select {numbers} from {origin}.{mart.name}"
        original = connection.execute(expected).fetchone()
        if copied is None or copied != original:
            raise NotPublished(f"{mart.name}: {copied} in the copy, {original} in {origin}")
        rows[mart.name], periods[mart.name] = copied[0], copied[1:]
    return rows, periods


def _sync(folder: Path) -> None:
    """Have the release on disk before the link names it."""
    for path in folder.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)


def _forget_old(settings: Settings) -> None:
    """Remove releases beyond `keep_releases`, and what a killed run left; readers keep what they have open."""
    present = settings.published.resolve()
    for release in releases(settings)[: -settings.keep_releases]:
        if release != present:
            shutil.rmtree(release)
    for leftover in settings.releases.glob(".*"):
        shutil.rmtree(leftover)
