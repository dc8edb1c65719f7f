"""Makes again what can be: the warehouse and the ledger from the lake, the lake and the ledger from the inbox.

Nothing is deleted but the warehouse, which holds nothing of its own: what is damaged or replaced moves into a folder
`before-rebuild-<time>` of the home.
"""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from touchstone.console import counted, log_progress, printable
from touchstone.damage import Damaged, history_damages, lake_damaged, ledger_damages, release_damages
from touchstone.home import locked, new_before
from touchstone.lake import connect_lake, is_remote, lake_files, lake_sizes
from touchstone.landing.inbox import Found
from touchstone.landing.land import files_of
from touchstone.landing.ledger import NOT_IN_LAKE, Ledger, kept_table, ledger_lock
from touchstone.landing.records import literal, read_lake
from touchstone.landing.streams import Stream
from touchstone.migrations import migrate
from touchstone.publish import activate_release, releases
from touchstone.settings import Settings

# How many of the files that are gone a message names.
_SHOWN = 3


class CannotRebuild(Exception):
    """Nothing was rebuilt; the message has the reason and the remedy."""


@dataclass(frozen=True)
class Rebuilt:
    """What a rebuild did before the night that follows: lines for a person, and the folders of what it replaced, of
    which one may be in a lake elsewhere.
    """

    lines: list[str]
    before: list[Path]


def rebuild_from_lake(settings: Settings) -> Rebuilt:
    """Remove the warehouse, which the next night builds, and damaged releases; make the ledger again if it is damaged
    or gone.

    Raises LakeDamaged if a file of the lake is, which the ledger can't be made of.
    """
    with locked(settings):
        if settings.ledger_postgres and _lacks_ledger(settings):
            raise CannotRebuild(
                f"{settings.ledger} is a replica of the ledger on PostgreSQL: remove the file, and run nightly"
            )
        aside = _Aside(settings)
        lines = [_make_ledger(settings, aside)] if _lacks_ledger(settings) else []
        migrate(settings)
        lines += _start_again(settings)
        return Rebuilt(lines, aside.folders)


def rebuild_from_inbox(settings: Settings, streams: Iterable[Stream], anyway: bool = False) -> Rebuilt:
    """Put lake and ledger aside, so that the next night lands all files of the inbox again; retractions stay.

    Raises CannotRebuild if files are gone whose records the lake has, unless `anyway`.
    """
    with locked(settings):
        if settings.ledger_postgres:
            raise CannotRebuild(
                "other machines share lake and ledger (ledger_postgres): stop them, remove the setting here, and give "
                "them new homes and a new database afterwards"
            )
        if not anyway and (gone := _gone(settings, streams)):
            paths = [f"{source}/{path}" for source, path, _ in gone]
            records = sum(number for _, _, number in gone)
            raise CannotRebuild(
                f"the lake has {counted(records, 'record')} of {counted(len(gone), 'file')} of "
                f"{', '.join(sorted({source for source, _, _ in gone}))} that the inbox no longer has: "
                f"{', '.join(map(printable, paths[:_SHOWN]))}{' and others' if paths[_SHOWN:] else ''}. Put them back, "
                "or lose these records (ANYWAY=1)"
            )
        aside = _Aside(settings)
        number = _newest_number(settings) + 1
        aside.move(*_ledger_files(settings), *(settings.lake / name for name in lake_sizes(settings.lake)))
        with _new_ledger(settings, number):
            pass
        migrate(settings)
        lines = ["Lake and ledger are empty: all files of the inbox land again", *_start_again(settings)]
        return Rebuilt(lines, aside.folders)


def begin_history(settings: Settings) -> Rebuilt:
    """Put Dagster's history aside, where it is damaged, so that Dagster begins a new one."""
    with locked(settings):
        aside = _Aside(settings)
        damaged = [*history_damages(settings, read_all=True)]
        if damaged:
            aside.move(*(settings.home / "dagster" / name for name in ("history", "schedules", "storage")))
        return Rebuilt(["Dagster's history begins again" if damaged else "Dagster's history is whole"], aside.folders)


class _Aside:
    """A folder for what a rebuild replaces, which exists once something is in it."""

    def __init__(self, settings: Settings) -> None:
        self._home, self._lake = settings.home, settings.lake
        self._name = new_before(settings.home, "rebuild")
        self._folders: set[Path] = set()

    def move(self, *paths: Path) -> None:
        """Move files or folders there, to the place that they have in the home, or in a lake elsewhere; those that are
        gone don't matter.
        """
        for path in paths:
            if path.exists():
                above = self._home if str(path).startswith(f"{self._home}/") else self._lake
                target = above / self._name / str(path).removeprefix(f"{above}/")
                if not is_remote(target):
                    target.parent.mkdir(parents=True, exist_ok=True)
                path.rename(target)
                self._folders.add(above / self._name)

    @property
    def folders(self) -> list[Path]:
        return sorted(self._folders, key=str)


def _start_again(settings: Settings) -> list[str]:
    """Have the next night build and publish everything."""
    lines = []
    with Ledger.open(settings) as ledger:
        ledger.builds.invalidate()
    shutil.rmtree(settings.warehouse)
    settings.make_directories()
    lines.append("The warehouse is removed: a night builds it in full")
    if any(release_damages(settings)):
        damaged = settings.published.resolve()
        whole = [release for release in releases(settings) if not any(release_damages(settings, release))]
        if whole:
            activate_release(settings, whole[-1])
        else:
            settings.published.unlink()
        shutil.rmtree(damaged, ignore_errors=True)
        shown = f"readers see {whole[-1].name}" if whole else "there is no other"
        lines.append(f"The release {damaged.name} was damaged and is removed: {shown} until the night has published")
    return lines


def _lacks_ledger(settings: Settings) -> bool:
    """Whether the ledger is damaged or gone."""
    try:
        with Ledger.open(settings, upgrading=True):
            pass
    except Damaged:
        return True
    return any(ledger_damages(settings, read_all=True))


def _ledger_files(settings: Settings) -> list[Path]:
    return [settings.ledger, settings.ledger.with_name("ledger.duckdb.wal")]


def _make_ledger(settings: Settings, aside: _Aside) -> str:
    """Make a new ledger of the files of the lake; those that others have replaced move aside."""
    log_progress("making the ledger again from the lake")
    number = _newest_number(settings) + 1
    by_source: dict[str, list[Path]] = {}
    for path in lake_files(settings.lake):
        by_source.setdefault(f"{path.parent.parent.name}/{path.parent.name}", []).append(path)
    current = {source: _current(settings, source, paths) for source, paths in sorted(by_source.items())}
    aside.move(*_ledger_files(settings))
    records = 0
    with _new_ledger(settings, number) as ledger:
        for source, paths in current.items():
            aside.move(*{*by_source[source]} - {*paths})
            for path in paths:
                _record(ledger, source, path)
            ledger.recount_hours(source, [str(path) for path in paths])
            records += ledger.totals(source).records
    return (
        f"The ledger is made again from the lake: {counted(records, 'record')} of {counted(len(current), 'source')}. "
        "Files that are still in the inbox are read again, and what of them is in the lake counts once; which "
        "quarantined records were closed is lost"
    )


def _record(ledger: Ledger, source: str, path: Path) -> None:
    """Record the loads in a file of the lake, and the files that they were of, as far as it knows them."""
    rows = read_lake([str(path)])
    ledger.connection.execute(
        "insert into lake_files select ?, ?, count(*), min(_date), max(_date), _landing, ? "
        f"from {rows} group by _landing",
        [source, str(path.relative_to(ledger.lake)), path.stat().st_size],
    )
    ledger.connection.execute(
        f"""
        insert into files
        select ?, 'rebuilt-' || _landing || '-' || md5(_file), _file, 0, count(*),
            count(*) filter (where not _is_repeat), count(*) filter (where _is_repeat), 0, 0, _landing, ?, 0
        from {rows} group by _file, _landing
        """,
        [source, datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None)],
    )


def _current(settings: Settings, source: str, paths: Iterable[Path]) -> list[Path]:
    """The files of a source without those that a newer one has replaced, which a killed run may have left: all rows of
    a load are in one file. The name of one that replaces others ends with a later number.

    Raises LakeDamaged for one that can't be read.
    """
    found: list[Path] = []
    known: set[int] = set()
    with duckdb.connect() as connection:
        connect_lake(connection, settings.lake)
        for path in sorted(paths, key=lambda path: path.stem.partition("-")[2], reverse=True):
            try:
                loads = connection.execute(
                    f"select _landing, max(hash(rows)) from {read_lake([str(path)])} as rows group by _landing"
                ).fetchall()
            except duckdb.Error as error:
                raise lake_damaged([path], source) from error
            if known.isdisjoint(load for load, _ in loads):
                known.update(load for load, _ in loads)
                found.append(path)
    return sorted(found)


@contextmanager
def _new_ledger(settings: Settings, number: int) -> Iterator[Ledger]:
    """Create a ledger whose loads and builds begin with a number, with what an earlier one had beside the lake. Until
    its end there is none.
    """
    with ledger_lock(settings), duckdb.connect(str(settings.ledger)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("begin")
        connection.execute(f"create sequence landing_numbers start with {number}")
        ledger = Ledger(connection, settings)
        ledger.create_tables()
        for table in NOT_IN_LAKE:
            if (file := kept_table(settings.lake, table)).exists():
                rows = f"select * from read_parquet({literal(str(file))})"
                connection.execute(f"insert into {table} by name {rows}")
        yield ledger
        connection.execute("commit")


def _newest_number(settings: Settings) -> int:
    """The newest number of a load or a build that the lake or a release states."""
    numbers = [0]
    for path in lake_files(settings.lake):
        numbers += map(int, path.stem.split("-"))
    for file in settings.releases.glob("*/touchstone.duckdb"):
        try:
            with duckdb.connect(str(file), read_only=True) as release:
                ((build,),) = release.execute("select max(build) from run").fetchall()
        except duckdb.Error:
            continue  # damaged, or of before there were builds
        numbers.append(build or 0)
    return max(numbers)


def _gone(settings: Settings, streams: Iterable[Stream]) -> list[tuple[str, str, int]]:
    """The files that gave the lake records, and whose content is no longer where it can land: source, path, records."""
    if _lacks_ledger(settings):
        return [
            (stream.source, path, records)
            for stream in streams
            for present in [{entry.path for entry in files_of(stream, settings)}]
            for path, records in _of_lake(settings, stream.source)
            if path not in present
        ]
    gone = []
    with duckdb.connect(str(settings.ledger), read_only=True) as connection:
        for stream in streams:
            landed = connection.execute(
                "select path, content_hash, accepted from files where source = ? and accepted > 0 order by path",
                [stream.source],
            ).fetchall()
            seen = dict(
                connection.execute(
                    "select (path, stamp), content_hash from seen where source = ?", [stream.source]
                ).fetchall()
            )
            present = [entry for entry in files_of(stream, settings) if isinstance(entry, Found)] if landed else []
            paths = {found.path for found in present}
            hashes = {seen.get((found.path, found.stamp)) or _hash(found) for found in present}
            gone += [
                (stream.source, path, records)
                for path, hash_, records in landed
                if hash_ not in hashes and not (hash_.startswith("rebuilt-") and path in paths)
            ]
    return gone


def _of_lake(settings: Settings, source: str) -> list[tuple[str, int]]:
    """The paths of a source's files, with their records, as far as the lake can be read."""
    found: Counter[str] = Counter()
    with duckdb.connect() as connection:
        connect_lake(connection, settings.lake)
        for path in lake_files(settings.lake, source):
            try:
                facts = f"select _file, count(*) from {read_lake([str(path)])} where not _is_repeat group by _file"
                found.update(dict(connection.execute(facts).fetchall()))
            except duckdb.Error:
                continue  # a damaged file names no paths any more
    return sorted(found.items())


def _hash(found: Found) -> str:
    """What identifies the content of a file, as landing computes it."""
    digest = hashlib.blake2b(digest_size=16)
    with found.open() as file:
        while chunk := file.read(2**20):
            digest.update(chunk)
    return digest.hexdigest()
