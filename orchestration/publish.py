"""Publishing: a finished and checked copy of the marts, which readers reach by a link."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from orchestration.landing.freshness import figures
from orchestration.settings import Settings


class NotPublished(Exception):
    """The release was not fit to be read; readers still see the one before."""


@dataclass(frozen=True)
class Mart:
    """A published table. `parents` are the counted tables whose `landing` says when a period changed."""

    name: str
    parents: tuple[str, ...]
    has_periods: bool


@dataclass(frozen=True)
class Release:
    path: Path
    rows: dict[str, int]
    periods: dict[str, tuple[Any, Any]]
    parquet_files_written: int


def is_mart(node: Mapping[str, Any]) -> bool:
    """Whether a node of the manifest is a model of the folder marts/."""
    return bool(node["resource_type"] == "model" and node["fqn"][1] == "marts")


def marts_of(manifest: Mapping[str, Any]) -> list[Mart]:
    """The marts, by name; but for those that are the other marts once more."""
    nodes = manifest["nodes"]
    models = {id_: node for id_, node in nodes.items() if is_mart(node)}
    return sorted(
        (
            Mart(
                node["name"],
                tuple(
                    nodes[parent]["relation_name"]
                    for parent in node["depends_on"]["nodes"]
                    if parent.startswith("model.") and "landing" in nodes[parent]["columns"]
                ),
                "period_start" in node["columns"],
            )
            for node in models.values()
            if not models.keys() & set(node["depends_on"]["nodes"])
        ),
        key=lambda mart: mart.name,
    )


def publish(settings: Settings, run_id: str, fingerprint: str, landing: int, marts: list[Mart]) -> Release:
    """Copy the marts into a new release, check it, and flip the link to it.

    Raises NotPublished, and leaves the link as it was, if a mart of the copy is not what was built.
    """
    name = name_of_next(settings, run_id)
    release = settings.releases / name
    unfinished = settings.releases / f".{name}"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    built = settings.warehouse / "touchstone.duckdb"
    with duckdb.connect(str(built)) as connection:
        connection.execute("checkpoint")
    shutil.copyfile(built, unfinished / "touchstone.duckdb")
    ledger = settings.lake / "ledger.duckdb"
    with duckdb.connect(str(unfinished / "touchstone.duckdb")) as connection:
        connection.execute(f"set temp_directory = '{settings.scratch}'")
        connection.execute(f"set memory_limit = '{settings.memory_limit}'")
        connection.execute(
            "create table run as select ?::varchar as run_id, ?::timestamp as published_at, ?::bigint as landing, "
            "?::varchar as fingerprint, ?::varchar as reporting_timezone",
            [run_id, datetime.now(UTC).replace(tzinfo=None), landing, fingerprint, settings.reporting_timezone],
        )
        connection.execute(f"attach '{ledger}' as ledger (read_only)")
        connection.execute(
            "create table landed_files as select * exclude (content_hash) from ledger.files order by source, path"
        )
        connection.execute(f"create table source_freshness as {figures(settings, datetime.now(UTC), ledger='ledger.')}")
        connection.execute("detach ledger")
        since = _landing_of(settings, fingerprint)
        written = sum(_export(connection, settings, mart, unfinished / "parquet", since) for mart in marts)
        rows, periods = _check(connection, built, marts)
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
        connection.execute(f"copy (select * from {mart.name}) to '{folder / 'all.parquet'}' (format parquet)")
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
            f"to '{folder / f'{each:%Y-%m}.parquet'}' (format parquet, compression zstd)"
        )
    if not months:
        connection.execute(f"copy (select * from {mart.name}) to '{folder / 'empty.parquet'}' (format parquet)")
    return len(changed)


def _landing_of(settings: Settings, fingerprint: str) -> int | None:
    """The landing the present release shows, if it was made by the same definitions."""
    present = settings.published / "touchstone.duckdb"
    if not present.exists():
        return None
    with duckdb.connect(str(present.resolve()), read_only=True) as connection:
        row = connection.execute("select landing from run where fingerprint = ?", [fingerprint]).fetchone()
    return int(row[0]) if row else None


def _check(
    connection: duckdb.DuckDBPyConnection, built: Path, marts: list[Mart]
) -> tuple[dict[str, int], dict[str, tuple[Any, Any]]]:
    """Rows and period range of each mart, once it is sure that the copy has what was built."""
    connection.execute(f"attach '{built}' as built (read_only)")
    rows, periods = {}, {}
    for mart in marts:
        numbers = "count(*), min(period_start), max(period_start)" if mart.has_periods else "count(*), null, null"
        copied = connection.execute(f"select {numbers} from {mart.name}").fetchone()
        original = connection.execute(f"select {numbers} from built.{mart.name}").fetchone()
        if copied is None or copied != original:
            raise NotPublished(f"{mart.name}: {copied} in the copy, {original} in the warehouse")
        rows[mart.name], periods[mart.name] = copied[0], copied[1:]
    connection.execute("detach built")
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
