"""What is told of damaged files and of disks that take no more: what it is, what is lost, and the command."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb

from touchstone.console import printable
from touchstone.lake import is_remote
from touchstone.settings import Settings, existing, unwritable

# A file in a release with the size of each of its files.
SIZES = "files.json"

_NOTHING_IS_LOST = "No record and no number is lost"
# The errors of a disk without room.
NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
_CLOSED = {errno.EROFS, errno.EACCES, errno.EPERM}
# Bytes with which a disk is as good as full.
_NO_FREE = 2**20
# What DuckDB, SQLite and the system say of a disk without room, and of one that may not be written.
_SAYS_FULL = re.compile(
    r"No space left on device|Disk quota exceeded|database or disk is full|'max_temp_directory_size' setting"
)
_SAYS_CLOSED = re.compile(
    r"Read-only file system|Permission denied|Operation not permitted|attempt to write a readonly database"
)
# What they say of damaged files.
_SAYS_DAMAGED = re.compile(
    r"Corrupt database file|not a valid DuckDB database file|Could not read enough bytes|No magic bytes found"
    r"|too small to be a Parquet file|database disk image is malformed|file is not a database"
)
# How messages of DuckDB's begin that are of files and disks: others may quote a record, which may have any text.
_OF_FILES = re.compile(
    r"^\s*(?:(?:IO|TransactionContext|FATAL|INTERNAL|Out of Memory) Error: |Corrupt database file)", re.MULTILINE
)
# A path that a message quotes.
_PATH = re.compile(r"""["']((?:[a-z0-9]+:/)?/[^"'\n]+?)\\?["']""")
# The last line of an error of fsspec's in a message of DuckDB's, which dbt indents.
_OF_STORE = re.compile(r"^( *)Traceback \(most recent call last\):\n(?:\1 .*\n)*\1(\S.*)", re.MULTILINE)
# The packages that raise errors of object stores.
_STORES = {"aiohttp", "aiobotocore", "azure", "botocore", "gcsfs", "google", "s3fs"}


class Damaged(Exception):
    """A file of the home is damaged or missing. The message states which, what is lost, and the command."""


class LakeDamaged(Damaged):
    """Files of one source's records are damaged or missing: its system is held back, and the others are not."""


class CannotWrite(Exception):
    """A disk is full or may not be written. The message states which, how much is free, and the remedy."""


class LakeUnreachable(CannotWrite):
    """The object store of the lake refuses a request, or doesn't answer. The message has the reason and the remedy."""


def ledger_damaged(path: Path) -> Damaged:
    then = (
        "No record is lost: the lake has them. Which quarantined records were closed is lost. Run make rebuild, which "
        "makes the ledger again from the lake, or make restore, which takes both from a backup"
    )
    return Damaged(_described(path, then))


def lake_damaged(paths: Sequence[Path], source: str) -> LakeDamaged:
    then = (
        f"Records of {source} are lost, unless their files are still in the inbox. Run make restore, which takes the "
        "lake from a backup, or make rebuild FROM=inbox, which lands all files of the inbox again"
    )
    more = f" and {len(paths) - 1} more of {source}" if len(paths) > 1 else ""
    return LakeDamaged(_described(paths[0], then, more))


def lake_unreachable(settings: Settings, reason: str) -> LakeUnreachable:
    others = " or of the setting locations" if any("://" in each for each in settings.locations.values()) else ""
    return LakeUnreachable(
        f"The object store of {printable(str(settings.lake))}{others} failed: {printable(reason)}. No record is lost, "
        "and readers see the release before. Correct the setting, or what the store needs of the environment, and run "
        "it again"
    )


def warehouse_damaged(path: Path) -> Damaged:
    return Damaged(_described(path, f"{_NOTHING_IS_LOST}. Run make rebuild, which builds the warehouse from the lake"))


def release_damaged(path: Path) -> Damaged:
    then = (
        f"{_NOTHING_IS_LOST}. Readers may get errors until you run make rollback, which shows the release before, or "
        "make rebuild, which publishes a new one"
    )
    return Damaged(_described(path, then))


def history_damaged(path: Path) -> Damaged:
    then = (
        f"{_NOTHING_IS_LOST}, but what Dagster recorded of earlier nights is. Run make rebuild HISTORY=1, which puts "
        "the history aside and begins a new one, or make restore, which takes it from a backup"
    )
    return Damaged(_described(path, then))


def _described(path: Path, then: str, more: str = "") -> str:
    return f"{printable(str(path))}{more} is {'damaged' if path.exists() else 'gone'}. {then}"


@contextmanager
def damage_of_ledger(path: Path) -> Iterator[None]:
    """Raise Damaged for errors of DuckDB's that say so of the ledger."""
    try:
        yield
    except duckdb.Error as error:
        named = _PATH.search(str(error))
        if _says_damaged(str(error)) and (named is None or Path(named[1]) == path):
            raise ledger_damaged(path) from error
        raise


def check_home(settings: Settings) -> None:
    """Raises Damaged if a database that a night needs is cut or no database any more."""
    for find in (ledger_damages, release_damages, warehouse_damages, history_damages):
        for damage in find(settings):
            raise damage


@contextmanager
def explained(settings: Settings) -> Iterator[None]:
    """Raise Damaged or CannotWrite in place of an error that a disk or a damaged file caused."""
    try:
        yield
    except Exception as error:
        if (known := explain(error, settings)) is None or known is error:
            raise
        raise known from error


def explain(error: BaseException, settings: Settings) -> Damaged | CannotWrite | None:
    """What a disk or a damaged file has to do with an error, or None if nothing is known of that."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or link.__context__
    for each in chain:
        if isinstance(each, Damaged | CannotWrite):
            return each
    for each in chain:
        if is_remote(settings.lake) and type(each).__module__.partition(".")[0] in _STORES:
            return lake_unreachable(settings, f"{type(each).__name__}: {each}")
    for each in chain:
        if isinstance(each, OSError):
            path = Path(os.fsdecode(each.filename2 or each.filename)) if each.filename else None
            if each.errno in NO_ROOM:
                return disk_full(*([path] if path else _disks(settings)))
            if (
                each.errno in _CLOSED and path and path.is_relative_to(settings.home)
            ):  # others may be of an object store
                return _closed(settings, path)
        if isinstance(each, duckdb.Error) and (known := explain_text(str(each), settings)):
            return known
        if isinstance(each, sqlite3.Error) and (known := _explain(str(each), settings)):
            return known
    return None


def explain_text(message: str, settings: Settings) -> Damaged | CannotWrite | None:
    """The same, of a message of DuckDB's, or of dbt's that has one in a line of its own."""
    if is_remote(settings.lake) and (of_store := _OF_STORE.search(message)):
        return lake_unreachable(settings, of_store[2])
    begins = _OF_FILES.search(message)
    return _explain(message[begins.start() :], settings) if begins else None


def _explain(message: str, settings: Settings) -> Damaged | CannotWrite | None:
    named = _PATH.search(message)
    path = _at(settings, named[1]) if named else None
    if found := _SAYS_FULL.search(message):
        path = settings.scratch if "max_temp_directory_size" in found[0] else path
        return disk_full(*([path] if path else _disks(settings)))
    if "disk I/O error" in message and any(shutil.disk_usage(each).free < _NO_FREE for each in _disks(settings)):
        return disk_full(*_disks(settings))  # SQLite's word for memory of a file that the disk has no room for
    if _SAYS_CLOSED.search(message):
        return _closed(settings, path)
    if _SAYS_DAMAGED.search(message) or (path and not path.exists()):
        return _named(settings, path) or next(_searched(settings), None)
    return None


def _says_damaged(message: str) -> bool:
    return bool(_OF_FILES.search(message) and _SAYS_DAMAGED.search(message))


def _at(settings: Settings, name: str) -> Path:
    """The path of a name that a message quotes, which may be in a lake elsewhere."""
    within = name.removeprefix(f"{settings.lake}/")
    return Path(name) if within == name else settings.lake / within


def _named(settings: Settings, path: Path | None) -> Damaged | None:
    """Whose file a path of the home is."""
    if path is None:
        return None
    if path.name.startswith(settings.ledger.name):
        return ledger_damaged(settings.ledger)
    if str(path).startswith(f"{settings.lake}/"):
        return lake_damaged([path], "/".join(str(path).split("/")[-3:-1]))
    if not path.is_relative_to(settings.home):
        return None
    match path.relative_to(settings.home).parts:
        case ("warehouse", *_):
            return warehouse_damaged(path)
        case ("releases" | "published", *_):
            return release_damaged(path)
        case ("dagster", *_):
            return history_damaged(path)
    return None


def _searched(settings: Settings) -> Iterator[Damaged]:
    """What a look at every database finds."""
    yield from ledger_damages(settings, read_all=True)
    yield from warehouse_damages(settings, read_all=True)
    yield from release_damages(settings)
    yield from history_damages(settings, read_all=True)


def ledger_damages(settings: Settings, read_all: bool = False) -> Iterator[Damaged]:
    """Of a ledger that there is; opening it finds that one is gone."""
    path = settings.ledger
    if path.exists() and not is_whole(path, read_all):
        yield ledger_damaged(path)


def warehouse_damages(settings: Settings, read_all: bool = False) -> Iterator[Damaged]:
    for path in sorted(settings.warehouse.glob("*.duckdb")):
        if not is_whole(path, read_all):
            yield warehouse_damaged(path)


def release_damages(settings: Settings, release: Path | None = None) -> Iterator[Damaged]:
    """Files of a release, by default the present one, that are gone or don't have the size that they had."""
    if release is None and not settings.published.is_symlink():
        return
    folder = release or settings.published.resolve()
    if not (folder / SIZES).exists():  # of an earlier version
        file = folder / "touchstone.duckdb"
        if not file.exists() or not is_whole(file):
            yield release_damaged(file)
        return
    for name, size in json.loads((folder / SIZES).read_text()).items():
        if size_of(folder / name) != size:
            yield release_damaged(folder / name)


def history_damages(settings: Settings, read_all: bool = False) -> Iterator[Damaged]:
    """Dagster's SQLite files that are cut, or with `read_all` damaged in any way."""
    for path in sorted((settings.home / "dagster").rglob("*.db")):
        if not _sqlite_is_whole(path, read_all):
            yield history_damaged(path)


def write_sizes(release: Path) -> None:
    """Record the sizes of a release's files, by which damage is noticed."""
    sizes = {
        str(path.relative_to(release)): path.stat().st_size for path in sorted(release.rglob("*")) if path.is_file()
    }
    (release / SIZES).write_text(json.dumps(sizes, indent=0))


def is_whole(path: Path, read_all: bool = False) -> bool:
    """Whether a DuckDB file can be opened, and reaches to its last block in use, in a millisecond for each table; with
    `read_all`, whether all of it can be read. Nobody has it open for writing.
    """
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            ((block_size, last),) = connection.execute(
                "select any_value(block_size), max(block_id) from pragma_database_size(), pragma_metadata_info()"
            ).fetchall()
            names = connection.execute(
                'select format(\'"{}"."{}"\', schema_name, table_name) from duckdb_tables() where not internal'
            ).fetchall()
            for (table,) in names:
                (of_table,) = connection.execute(
                    "select max(greatest(block_id, list_max(additional_block_ids))) "
                    f"from pragma_storage_info('{table.replace(chr(39), chr(39) * 2)}')"
                ).fetchone() or (None,)
                last = max(last or 0, of_table or 0)
                if read_all:
                    connection.execute(f"select max(hash(rows)) from {table} as rows").fetchall()
    except duckdb.Error as error:
        if not _says_damaged(str(error)):
            raise
        return False
    # Three headers of 4 KiB come before the blocks.
    return last is None or path.stat().st_size >= 3 * 4096 + (last + 1) * block_size


def _sqlite_is_whole(path: Path, read_all: bool) -> bool:
    with path.open("rb") as file:
        head = file.read(100)
    if not head:
        return True  # new
    if not head.startswith(b"SQLite format 3\0") or len(head) < 100:
        return False
    if not path.with_name(f"{path.name}-wal").exists():
        page = int.from_bytes(head[16:18], "big")
        pages = int.from_bytes(head[28:32], "big")
        if path.stat().st_size < pages * (65536 if page == 1 else page):
            return False
    if read_all:
        try:
            with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
                return bool(connection.execute("pragma quick_check(1)").fetchone() == ("ok",))
        except sqlite3.DatabaseError as error:
            return not _SAYS_DAMAGED.search(str(error))  # others say nothing of the file
    return True


def _disks(settings: Settings) -> list[Path]:
    return [settings.home, settings.scratch, Path(tempfile.gettempdir())]


def disk_full(*folders: Path) -> CannotWrite:
    """Which disk is full: of the folders in question, that with the least room."""
    folder = min(map(existing, folders), key=lambda each: shutil.disk_usage(each).free)
    state = os.statvfs(folder)
    free = f"{state.f_bavail * state.f_frsize / 2**20:,.0f} MiB free"
    if state.f_files and not state.f_favail:
        free += ", and no file more can be created"
    return CannotWrite(
        f"the disk of {printable(str(folder))} is full: {free}. Readers see the release before. Make room (make doctor "
        "shows what is large), and run it again"
    )


def _closed(settings: Settings, path: Path | None) -> CannotWrite:
    return CannotWrite(f"{unwritable(path or settings.home)}, and run it again")


def size_of(path: Path) -> int | None:
    """The size of a file, or None if it is gone."""
    return path.stat().st_size if path.exists() else None
