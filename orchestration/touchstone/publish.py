"""Publishing: a complete, checked copy of the marts, which readers reach by a link."""

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
from touchstone.damage import release_damages, write_sizes
from touchstone.fetching.names import create_table, read_names
from touchstone.fetching.source import FetchFailed
from touchstone.home import open_to_readers
from touchstone.landing.freshness import freshness_query
from touchstone.landing.records import literal
from touchstone.release import (
    PARTS,
    PRESENT,
    attach_present,
    columns_of,
    copy_present,
    describe,
    drop_unknown,
    kinds_of,
    list_relations,
    store,
    write_run,
)
from touchstone.semantic_layer import create_days, write_semantic_layer
from touchstone.settings import Settings
from touchstone.systems import SHARED, Manifest, is_mart, owner_of, sources_of, systems_of

# A file in a release whose marts name persons who were erased since.
NAMES_PERSONS = ".names-erased-persons"


class NotPublished(Exception):
    """The release failed a check; readers still see the one before."""


@dataclass(frozen=True)
class Mart:
    """A published table. `parents` are the relations that it reads."""

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
    """The marts, by name, without the long tables, which repeat them."""
    marts = []
    for node in manifest["nodes"].values():
        if not is_mart(node) or node["name"].startswith("metric_values_"):
            continue
        models = [manifest["nodes"][parent] for parent in node["depends_on"]["nodes"] if parent.startswith("model.")]
        parents = tuple(model["relation_name"] for model in models)
        marts.append(Mart(node["name"], node["group"], parents, "period_start" in node["columns"]))
    return sorted(marts, key=lambda mart: mart.name)


def shared_marts(manifest: Manifest) -> list[str]:
    """The views of the catalog group, which show all systems' marts."""
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
    """Copy the marts into a new release, check it, and activate it.

    Marts of systems `held_back`, with the reason, are copied from the present release; the `shared` marts, whose SQL is
    given by name, are then created again. Marts of `absent` systems, of which nothing has ever landed, are empty.
    Raises NotPublished, and leaves the present release active, if a mart of the copy differs from its origin.
    """
    now = datetime.now(UTC)
    name = name_of_next(settings, run_id)
    release = settings.releases / name
    unfinished = settings.releases / f".{name}"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    built = settings.warehouse / "touchstone.duckdb"
    with duckdb.connect(str(built)) as connection:
        describe(connection, manifest)  # what a later build doesn't replace keeps its descriptions
        connection.execute("checkpoint")
    shutil.copyfile(built, unfinished / "touchstone.duckdb")
    marts = marts_of(manifest)
    with duckdb.connect(str(unfinished / "touchstone.duckdb")) as connection:
        connection.execute(f"set temp_directory = {literal(str(settings.scratch))}")
        connection.execute(f"set memory_limit = '{settings.memory_limit}'")
        drop_unknown(connection, manifest)
        attach_present(connection, settings)
        systems = [system for system in systems_of(manifest) if system in held_back or system not in absent]
        systems = systems or systems_of(manifest)  # a release states its run, even if nothing has landed yet
        kept = write_run(connection, settings, build, run_id, now, systems, held_back)
        for system in {*held_back, *absent}:
            copy_present(connection, manifest, system, system in kept)
        if held_back and (settings.published / NAMES_PERSONS).exists():
            (unfinished / NAMES_PERSONS).touch()  # it takes marts from that release
        for mart, sql in shared.items():
            connection.execute(f"create or replace view main.{mart} as {sql}")
        # each mart would evaluate them, many times here and at every reader's
        store(connection, manifest, {parent for mart in marts for parent in mart.parents})
        connection.execute(f"attach {literal(str(settings.ledger))} as ledger (read_only)")
        sources = [*owner_of(manifest)]
        connection.execute(
            f"create table {PARTS}.landed_files as "
            "select * exclude (content_hash, forgotten) from ledger.files "
            "where source in (select unnest($1::varchar[])) order by source, path",
            [sources],
        )
        connection.execute(
            f"create table source_freshness as from ({freshness_query(settings, now, ledger='ledger.')}) "
            "where source in (select unnest($1::varchar[]))",
            [sources],
        )
        _create_names(connection, settings)
        sources_of_built = {system: names for system, names in sources_of(manifest).items() if system not in absent}
        since, unchanged = _present_builds(connection, sources_of_built, build)
        connection.execute("detach ledger")
        list_relations(connection, manifest, kept)
        create_days(connection)
        describe(connection, manifest)
        write_semantic_layer(connection, manifest, unfinished)
        with_load_ids = _with_load_ids(connection)
        parquet = unfinished / "parquet"
        written = sum(
            _link_files(settings, mart, parquet)
            if mart.system in kept | unchanged and (settings.published / "parquet" / mart.name).exists()
            else _export(connection, settings, mart, parquet, since.get(mart.system), with_load_ids)
            for mart in marts
        )
        connection.execute(f"attach {literal(str(built))} as built (read_only)")
        rows, periods = _check(connection, marts, {*held_back, *absent}, kept, bool(held_back or manifest["disabled"]))
        connection.execute("checkpoint")
    write_sizes(unfinished)
    _sync(unfinished)
    os.rename(unfinished, release)
    activate_release(settings, release)
    _delete_old_releases(settings)
    return Release(release, rows, periods, written)


def _create_names(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Create the table `names`: that of the present release where the home's file can't be read, as findings say."""
    try:
        create_table(connection, read_names(settings))
    except FetchFailed:
        if ("main", "names") in kinds_of(connection, PRESENT):
            connection.execute(f"create table names as from {PRESENT}.names")
        else:
            create_table(connection, [])


def activate_release(settings: Settings, release: Path) -> None:
    """Point readers to another release, atomically."""
    open_to_readers(settings, release)
    link = settings.home / ".published"
    link.unlink(missing_ok=True)
    link.symlink_to(Path("releases") / release.name)
    os.replace(link, settings.published)


def name_of_next(settings: Settings, run_id: str) -> str:
    """The name of a new release: its time, or a second after the newest's if that is later, so that names sort."""
    at = datetime.now(UTC)
    for release in releases(settings)[-1:]:
        after = datetime.strptime(release.name[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC) + timedelta(seconds=1)
        at = max(at, after)
    return f"{at:%Y%m%dT%H%M%S}-{run_id[:8]}"


def releases(settings: Settings) -> list[Path]:
    """The finished releases, oldest first."""
    return sorted(path for path in settings.releases.iterdir() if not path.name.startswith("."))


def rollback(settings: Settings) -> Path:
    """Activate the release before the present one, passing over damaged ones. Raises NotPublished if there is none."""
    present = settings.published.resolve() if settings.published.is_symlink() else None
    older = [release for release in releases(settings) if present is None or release.name < present.name]
    older = [release for release in older if not any(release_damages(settings, release))]
    if not older:
        raise NotPublished(f"there is no release before the present one in {settings.releases}")
    activate_release(settings, older[-1])
    return older[-1]


def _export(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    mart: Mart,
    parquet: Path,
    since: int | None,
    with_load_ids: set[str],
) -> int:
    """Write a mart's Parquet files, one per month; months unchanged `since` a build are links to the present release's.

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
    if since is not None and mart.parents and with_load_ids.issuperset(mart.parents):
        parents = " union all ".join(
            f"select {month} as month from {parent} where load_id > {since}" for parent in mart.parents
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


def _with_load_ids(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """The relations in which every row states the load that changed it last, by their names in the manifest."""
    rows = connection.execute(
        """
        select format('"{}"."{}"."{}"', database_name, schema_name, table_name)
        from duckdb_columns()
        where column_name = 'load_id'
        """
    ).fetchall()
    return {name for (name,) in rows}


def _link_files(settings: Settings, mart: Mart, parquet: Path) -> int:
    """Link a mart's Parquet files from the present release; returns 0, the number of files written."""
    earlier = settings.published / "parquet" / mart.name
    (parquet / mart.name).mkdir(parents=True)
    for file in sorted(earlier.glob("*.parquet")):
        os.link(file, parquet / mart.name / file.name)
    return 0


def _present_builds(
    connection: duckdb.DuckDBPyConnection, sources: Mapping[str, set[str]], build: Build
) -> tuple[dict[str, int], set[str]]:
    """The build of each system's marts in the present release, for systems whose `load_id` states all changes since:
    those of the same definitions of which nothing was retracted, and after which not everything was built in full. And
    those of them of which nothing has landed since.
    """
    if "system" not in columns_of(connection, PRESENT, ("main", "run")):
        return {}, set()
    rows = connection.execute(
        f"""
        select
            system,
            build,
            (select list(source) from ledger.retractions where retractions.build >= run.build) as retracted,
            (select list(source) from ledger.lake_files where lake_files.landing > run.landing) as landed
        from {PRESENT}.run
        where fingerprint = ? and build > (select coalesce(max(build), 0) from ledger.builds where fingerprint = '')
        """,
        [build.fingerprint],
    ).fetchall()
    since: dict[str, int] = {}
    unchanged: set[str] = set()
    for system, number, retracted, landed in rows:
        if system in sources and not sources[system] & set(retracted or ()):
            since[system] = number
            if not sources[system] & set(landed or ()):
                unchanged.add(system)
    return since, unchanged


def _check(
    connection: duckdb.DuckDBPyConnection,
    marts: Sequence[Mart],
    not_built: Collection[str],
    kept: Collection[str],
    shared_rebuilt: bool,
) -> tuple[dict[str, int], dict[str, tuple[Any, Any]]]:
    """Rows and period range of each mart, checked against its origin: the warehouse or the present release.

    Raises NotPublished where they differ.
    """
    rows, periods = {}, {}
    present = kinds_of(connection, PRESENT)
    for mart in marts:
        numbers = "count(*), min(period_start), max(period_start)" if mart.has_periods else "count(*), null, null"
        copied = connection.execute(f"select {numbers} from {mart.name}").fetchone()
        if mart.system == SHARED and shared_rebuilt:
            origin = "main"  # it combines old and new marts in this file alone
        elif mart.system in not_built:
            origin = PRESENT
        else:
            origin = "built"
        # A mart of a system that is held back or absent may have no origin: it is empty.
        is_new = origin == PRESENT and ("main", mart.name) not in present
        is_empty = is_new or (origin == PRESENT and mart.system not in kept)
        expected = "select 0, null, null" if is_empty else f"select {numbers} from {origin}.{mart.name}"
        original = connection.execute(expected).fetchone()
        if copied is None or copied != original:
            raise NotPublished(f"{mart.name}: {copied} in the copy, {original} in {origin}")
        rows[mart.name], periods[mart.name] = copied[0], copied[1:]
    return rows, periods


def _sync(folder: Path) -> None:
    """Flush the release to disk before the link points to it."""
    for path in folder.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)


def _delete_old_releases(settings: Settings) -> None:
    """Delete releases beyond `keep_releases`, and those that name erased persons; readers keep what they have open."""
    present = settings.published.resolve()
    finished = releases(settings)
    for release in finished:
        is_old = release in finished[: -settings.keep_releases]
        if release != present and (is_old or (release / NAMES_PERSONS).exists()):
            shutil.rmtree(release)
