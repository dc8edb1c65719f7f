"""What is wrong with a home, and what a person can do about it: `touchstone doctor`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from itertools import groupby
from pathlib import Path

import duckdb
from rich.console import Console
from rich.markup import escape

from touchstone.console import counted, printable, shown_bytes
from touchstone.damage import explain, history_damages, lake_damaged, ledger_damages, release_damages, warehouse_damages
from touchstone.fetching.fetch import addresses, findings
from touchstone.lake import lake_sizes
from touchstone.landing.inbox import filesystem_of, find_unread
from touchstone.landing.ledger import Ledger
from touchstone.landing.quarantine import closed, open_groups
from touchstone.landing.shared import LedgerUnavailable
from touchstone.landing.streams import read_streams
from touchstone.publish import releases
from touchstone.release import held_back
from touchstone.settings import Settings, SettingsMistake
from touchstone.spark.night import SparkFailed, check
from touchstone.targets import TargetFailed, targets_of

# Of the machine's memory: dbt and Dagster need some beside DuckDB.
_MOST_MEMORY = 0.75
# What a night should have removed is still there so long after its time: one night may be missed.
_OVERDUE = timedelta(days=2)
_NOT_TIDIED = "run nightly; if it stays, its output says why the home could not be tidied"


class Level(Enum):
    """How a finding is shown, and in which style."""

    WRONG = ("wrong", "bold red")
    WARNING = ("look", "yellow")
    GOOD = ("ok", "green")


@dataclass(frozen=True)
class Finding:
    """What was looked at, what was found, and the remedy if anything is wrong."""

    level: Level
    subject: str
    found: str
    remedy: str = ""


def examine(settings: Settings) -> Iterator[Finding]:
    """Everything that was found; reads the home, and changes nothing but what opening a ledger finishes."""
    yield _disk(settings)
    yield _memory(settings)
    lake = [*_lake(settings)]
    yield from lake
    yield from _locations(settings)
    yield from _fetching(settings)
    yield from _inbox(settings)
    yield from _damages(settings)
    if all(finding.level == Level.GOOD for finding in lake):  # opening a ledger reads the lake
        yield from _ledger(settings)
    yield from _history(settings)
    yield from _engine(settings)
    yield _release(settings)
    yield from _targets(settings)


def print_findings(findings: list[Finding]) -> bool:
    """Print them, those that are wrong first; returns whether nothing is."""
    console = Console(highlight=False)
    for finding in sorted(findings, key=lambda each: [*Level].index(each.level)):
        name, style = finding.level.value
        text = f"{finding.subject}: {finding.found}" + (f"; {finding.remedy}" if finding.remedy else "")
        console.print(f"[{style}]{name:<7}[/]{escape(printable(text))}", soft_wrap=True)
    return not any(finding.level == Level.WRONG for finding in findings)


def sizes(home: Path) -> dict[str, int]:
    """Bytes on disk of each folder of a home; a file with several names counts once."""
    found = {}
    seen: set[int] = set()
    for folder in sorted(path for path in home.iterdir() if path.is_dir() and not path.is_symlink()):
        found[folder.name] = 0
        for path in folder.rglob("*"):
            state = path.lstat()
            if state.st_ino not in seen:
                seen.add(state.st_ino)
                found[folder.name] += state.st_blocks * 512
    return found


def _disk(settings: Settings) -> Finding:
    parts = sizes(settings.home)
    ledger = settings.ledger
    if ledger.exists():
        parts["ledger"] = ledger.stat().st_blocks * 512
        parts["lake"] -= parts["ledger"]
    free = shutil.disk_usage(settings.home).free
    largest = sorted(parts.items(), key=lambda part: -part[1])
    listed = ", ".join(f"{name} {shown_bytes(size)}" for name, size in largest if size >= 2**20)
    found = f"{shown_bytes(free)} free; {listed or 'nothing in the home yet'}"
    # A night writes a copy of the warehouse, and spills what doesn't fit into memory.
    if free < 2 * parts.get("warehouse", 0) + 2**30:
        return Finding(Level.WARNING, "disk", found, "make room: a night needs twice the warehouse, and 1 GiB")
    return Finding(Level.GOOD, "disk", found)


def _memory(settings: Settings) -> Finding:
    there_is = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _limit(settings.memory_limit)
    found = f"memory_limit is {settings.memory_limit}, the machine has {shown_bytes(there_is)}"
    if limit > _MOST_MEMORY * there_is:
        return Finding(Level.WARNING, "memory", found, "lower the setting memory_limit: dbt and Dagster need some too")
    return Finding(Level.GOOD, "memory", found)


def _limit(text: str) -> int:
    """The bytes of a limit of DuckDB's, as DuckDB reads it."""
    with duckdb.connect(config={"memory_limit": text}) as connection:
        ((size,),) = connection.execute("select memory_limit from pragma_database_size()").fetchall()
        ((number,),) = connection.execute("select parse_formatted_bytes(?)", [size]).fetchall()
    return int(number)


def _lake(settings: Settings) -> Iterator[Finding]:
    if settings.lake_location:
        try:
            files = lake_sizes(settings.lake)
        except Exception as error:  # stores have their own
            if (known := explain(error, settings)) is None:
                raise
            yield Finding(Level.WRONG, "lake", str(known))
            return
        found = f"{settings.lake} has {counted(len(files), 'file')} of {shown_bytes(sum(files.values()))}"
        yield Finding(Level.GOOD, "lake", found)


def _locations(settings: Settings) -> Iterator[Finding]:
    streams = read_streams()
    for source, location in settings.locations.items():
        subject = f"location of {source}"
        if source not in streams:
            yield Finding(Level.WRONG, subject, "no stream has this name", "correct the setting locations")
            continue
        try:
            filesystem_of(location)
        except SettingsMistake as mistake:
            yield Finding(Level.WRONG, subject, f"{location}: {mistake}")
        else:
            yield Finding(Level.GOOD, subject, location)


def _fetching(settings: Settings) -> Iterator[Finding]:
    for vendor, address in sorted(addresses(settings)):
        found = f"{printable(address)} gets the key of {vendor}"
        yield Finding(Level.WARNING, "fetching", found, "correct the setting of addresses if it is not yours")


def _inbox(settings: Settings) -> Iterator[Finding]:
    unread = find_unread(settings.inbox, [*read_streams()])
    for entry in unread:
        yield Finding(Level.WARNING, "inbox", f"{entry.path}: {entry.reason}", "move or rename it")
    if not unread:
        yield Finding(Level.GOOD, "inbox", "every file and folder belongs to a stream")


def _damages(settings: Settings) -> Iterator[Finding]:
    yield from (Finding(Level.WRONG, "warehouse", str(each)) for each in warehouse_damages(settings, read_all=True))
    yield from (Finding(Level.WRONG, "history", str(each)) for each in history_damages(settings, read_all=True))


def _ledger(settings: Settings) -> Iterator[Finding]:
    try:
        yield from _open_ledger(settings)
    except LedgerUnavailable as error:
        yield Finding(Level.WRONG, "ledger", str(error))


def _open_ledger(settings: Settings) -> Iterator[Finding]:
    for damage in ledger_damages(settings, read_all=True):
        yield Finding(Level.WRONG, "ledger", str(damage))
        return
    with Ledger.open(settings) as ledger:
        failed = ledger.failed_landings()
        damaged = ledger.damaged_files()
        groups = open_groups(ledger.connection)
        last = ledger.builds.last()
        kept = ledger.builds.held_back(last.number) if last else {}
        totals = [ledger.totals(source) for source in read_streams()]
        closed_records, since = closed(ledger.connection)
        missing = [*findings(settings, ledger)]
    landed = f"{sum(each.files for each in totals):,} files, {sum(each.accepted for each in totals):,} records landed"
    yield Finding(Level.GOOD, "ledger", landed)
    for source, paths in damaged.items():
        yield Finding(Level.WRONG, source, str(lake_damaged([*paths], source)))
    if since:
        yield _closed(settings, closed_records, since)
    for kind, text in missing:
        yield Finding(Level.WRONG, "fetching", f"{kind}: {text}", "docs/fetching.md, When a fetch fails")
    for source, reason in failed.items():
        if source in damaged:
            continue
        yield Finding(Level.WRONG, source, reason, "run nightly again; its output says what stopped the landing")
    for source, of_source in groupby(sorted(groups, key=lambda group: group.source), key=lambda group: group.source):
        listed = [*of_source]
        files = sum(group.records for group in listed if group.is_file)
        records = sum(group.records for group in listed) - files
        found = f"{records:,} records quarantined, {files:,} files refused, for {len(listed)} reasons"
        yield Finding(Level.WARNING, source, found, "the report lists them; correct the files, or dismiss them")
    if last and not last.fingerprint:
        yield Finding(Level.WARNING, "build", "the marts are yet to be built in full", "run nightly")
    elif last and not last.succeeded:
        yield Finding(Level.WRONG, "build", "the last one failed", "run nightly again; dbt/logs/dbt.log says why")
    for system, reason in kept.items():
        yield Finding(Level.WRONG, system, f"held back: {reason}", "docs/operations.md, A system is held back")


def _history(settings: Settings) -> Iterator[Finding]:
    """Of Dagster's history, if it is the home's and whole."""
    if os.environ.get("DAGSTER_HOME") != str(settings.home / "dagster") or any(history_damages(settings)):
        return
    from dagster import DagsterInstance  # takes seconds

    from touchstone.history import expired_runs

    days = settings.keep_history_days
    with DagsterInstance.get() as instance:
        number = instance.get_runs_count()
        overdue = expired_runs(instance, datetime.now(UTC) - timedelta(days=days) - _OVERDUE)
        oldest = instance.get_run_records(limit=1, ascending=True)
    if overdue:
        found = f"{counted(number, 'run')}, of which {len(overdue):,} should have gone after {days} days"
        yield Finding(Level.WARNING, "history", found, _NOT_TIDIED)
    elif oldest:
        since = f"{oldest[0].create_timestamp:%Y-%m-%d}"
        yield Finding(Level.GOOD, "history", f"{counted(number, 'run')} since {since}, kept for {days} days")


def _closed(settings: Settings, records: int, since: datetime) -> Finding:
    """Of the quarantine's closed records: the oldest was closed `since` then."""
    days = settings.keep_quarantine_days
    found = f"{counted(records, 'closed record')} since {since:%Y-%m-%d}, kept for {days} days"
    if since < datetime.now(UTC).replace(tzinfo=None) - timedelta(days=days) - _OVERDUE:
        return Finding(Level.WARNING, "quarantine", found, _NOT_TIDIED)
    return Finding(Level.GOOD, "quarantine", found)


def _engine(settings: Settings) -> Iterator[Finding]:
    if settings.target == "spark":
        try:
            check(settings)
        except SparkFailed as error:
            yield Finding(Level.WRONG, "engine", str(error))
        else:
            yield Finding(Level.GOOD, "engine", "Spark, by the profile touchstone_spark")


def _release(settings: Settings) -> Finding:
    for damage in release_damages(settings):
        return Finding(Level.WRONG, "release", str(damage))
    file = settings.published / "touchstone.duckdb"
    if not file.exists():
        return Finding(Level.WARNING, "release", "there is none yet", "put files into the inbox, and run nightly")
    with duckdb.connect(str(file.resolve()), read_only=True) as connection:
        old = held_back(connection)
    kept = counted(len(releases(settings)), "release")
    found = f"{file.resolve().parent.name}, of {shown_bytes(file.stat().st_size)}; {kept} kept"
    return Finding(Level.GOOD, "release", f"{found}; {len(old)} systems of an earlier one" if old else found)


def _targets(settings: Settings) -> Iterator[Finding]:
    present = settings.published.resolve().name if settings.published.exists() else None
    for target in targets_of(settings):
        try:
            shown = target.shown()
        except TargetFailed as error:
            yield Finding(Level.WRONG, target.title, str(error))
            continue
        found = f"{target.address} shows {shown or 'no release yet'}"
        if shown == present:
            yield Finding(Level.GOOD, target.title, found)
        else:
            yield Finding(Level.WARNING, target.title, f"{found}, not {present}", "run nightly")
