"""Backups of a home, and what puts one back.

A backup is a folder named for its time: the files of the home as they are there, and `backup.json`, which is written
last, so that a folder without it is unfinished. A file that is as in the backup before is a hard link to that one, or,
in an object store, a copy that the store makes. What a night builds again (warehouse, scratch, dbt) is in none, nor is
a lake that isn't in the home.
"""

from __future__ import annotations

import filecmp
import hashlib
import json
import os
import posixpath
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import duckdb
from filelock import FileLock, Timeout
from fsspec.implementations.local import LocalFileSystem

from touchstone.console import log_progress, printable, without_passwords
from touchstone.damage import NO_ROOM, CannotWrite, Damaged, disk_full, lake_damaged, ledger_damages, size_of
from touchstone.home import PRIVATE, HomeInUse, locked, new_before, umask
from touchstone.lake import lake_files
from touchstone.landing.inbox import filesystem_of
from touchstone.landing.ledger import Ledger, ledger_lock
from touchstone.migrations import HomeTooNew, home_version
from touchstone.publish import activate_release, releases
from touchstone.settings import Settings, SettingsMistake, load_settings

_INDEX = "backup.json"
# The folder of the home for what a backup is copied from.
LINKS = ".backup"
_NAME = "%Y%m%dT%H%M%S"
# What else than the lake and the releases is in a backup, by its name in the home.
_FILES = ("settings.toml", "dagster.yaml", "headlines.yml", "version")
_FOLDERS = ("seeds", "inbox", "dagster")
# What a restored backup takes the place of, also where it has none of it; the user's inbox stays.
_STATE = ("dagster", "lake", "releases", "version")
_REPLACED = ("settings.toml", "dagster.yaml", "headlines.yml", "seeds", *_STATE)
# What a new home has too.
_NO_STATE = ("dagster.yaml", "version")
# What SQLite has beside a database, and what each command writes again.
_NOT_OF_DAGSTER = ("-wal", "-shm", "-journal", "dagster.yaml")
_CHUNK = 2**20


class BackupFailed(Exception):
    """No backup was made, or none was restored and the home is as before. The message has the reason and the remedy."""


@dataclass(frozen=True)
class Entry:
    """A file of a backup: its size and the BLAKE2b of its content, and size and time of the file that it is of."""

    bytes: int
    hash: str
    stamp: str


@dataclass(frozen=True)
class BackedUp:
    """A finished backup: where it is, its files and bytes, how many of them it copied, and the lake that it lacks, if
    any.
    """

    place: str
    files: int
    bytes: int
    copied_files: int
    copied_bytes: int
    without_lake: str


@dataclass(frozen=True)
class Restored:
    """What was restored: the time of the backup, its files and bytes; the folder with what was there before, if
    anything was; paths of the inbox that stayed as they are, though the backup has others; and whether the ledger is
    yet to be made again, as the lake isn't in the backup and has other files than its ledger.
    """

    at: datetime
    files: int
    bytes: int
    before: Path | None
    kept: list[str]
    needs_ledger: bool


def back_up(settings: Settings, to: str) -> BackedUp:
    """Copy the home to a new folder in `to`, a folder or an address that fsspec writes. A night may run meanwhile.

    Raises BackupFailed, HomeInUse if another backup runs, and Damaged if lake, ledger or history are.
    """
    with alone(settings), _opened(settings, to) as (filesystem, root):
        if isinstance(filesystem, LocalFileSystem) and Path(root).resolve().is_relative_to(settings.home):
            raise BackupFailed(f"{printable(root)} is in the home: name a folder elsewhere, best on another disk")
        earlier = _finished(filesystem, root)
        at = datetime.now(UTC)
        for place in earlier[-1:]:
            newest = datetime.strptime(posixpath.basename(place), _NAME).replace(tzinfo=UTC)
            at = max(at, newest + timedelta(seconds=1))
        place = f"{root}/{at:{_NAME}}"
        try:
            with _frozen(settings) as frozen:
                writer = _Writer(filesystem, place, earlier[-1] if earlier else "", settings.home / LINKS)
                for name, path in sorted({**frozen, **dict(_of_home(settings))}.items()):
                    writer.add(name, path)
            index = {
                "at": at.isoformat(timespec="seconds"),
                "published": settings.published.resolve().name,
                "files": {name: asdict(entry) for name, entry in writer.entries.items()},
            }
            if isinstance(filesystem, LocalFileSystem):
                os.sync()
            filesystem.pipe_file(f"{place}/{_INDEX}", json.dumps(index).encode())
        except BaseException:
            with suppress(Exception):  # what stopped the backup may stop this too
                filesystem.rm(place, recursive=True)
            raise
        size = sum(entry.bytes for entry in writer.entries.values())
        without = settings.lake_location and printable(str(settings.lake))
        return BackedUp(place, len(writer.entries), size, writer.copied_files, writer.copied_bytes, without)


def restore(settings: Settings, source: str) -> Restored:
    """Put a backup into the home: the newest in a folder or address of backups, or the one that it names.

    All of it is read and verified before anything of the home changes. What it takes the place of stays in a folder
    `before-restore-<time>` of the home. The warehouse is removed: the next night builds it. Raises BackupFailed.
    """
    with locked(settings), alone(settings), _opened(settings, source) as (filesystem, root):
        place = root if filesystem.exists(f"{root}/{_INDEX}") else (_finished(filesystem, root) or [""])[-1]
        if not place:
            raise BackupFailed(f"there is no finished backup in {_shown(source)}")
        index = _index(filesystem, place)
        entries = {name: Entry(**entry) for name, entry in index["files"].items()}
        new = settings.home / ".restore"
        shutil.rmtree(new, ignore_errors=True)
        try:
            for number, (name, entry) in enumerate(entries.items(), start=1):
                _fetch(filesystem, f"{place}/{name}", new / name, entry)
                if number % 1000 == 0:
                    log_progress(f"read {number:,} of {len(entries):,} files of the backup")
            before, kept = _put(settings, new, index["published"])
        finally:
            shutil.rmtree(new, ignore_errors=True)
    needs_ledger = _remove_old_ledger(load_settings(home=settings.home))
    size = sum(entry.bytes for entry in entries.values())
    return Restored(datetime.fromisoformat(index["at"]), len(entries), size, before, kept, needs_ledger)


def _remove_old_ledger(settings: Settings) -> bool:
    """Remove a restored ledger of other files than a lake elsewhere has, which stayed as it was: what landed since the
    backup would land and count again. Returns whether there was one.
    """
    if not (settings.lake_location and settings.ledger.exists()):
        return False
    with duckdb.connect(str(settings.ledger), read_only=True) as connection:
        known = {path for (path,) in connection.execute("select distinct path from lake_files").fetchall()}
    if {str(settings.lake / name) for name in known} == {*map(str, lake_files(settings.lake))}:
        return False
    settings.ledger.unlink()
    return True


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """No two backups, or a backup and what puts one back, at a time. Their files are the owner's alone."""
    try:
        with umask(PRIVATE), FileLock(settings.home / "backup.lock", timeout=0):
            yield
    except Timeout:
        raise HomeInUse(f"a backup of {settings.home} is being made or put back: wait for it") from None


@contextmanager
def _opened(settings: Settings, address: str) -> Iterator[tuple[Any, str]]:
    """The filesystem of an address, and the path in it. Errors of stores become BackupFailed."""
    try:
        filesystem, root = filesystem_of(address, "the address of backups")
        filesystem.invalidate_cache()
        yield filesystem, root.rstrip("/")
    except (BackupFailed, CannotWrite, Damaged, HomeTooNew, duckdb.Error, sqlite3.Error):
        raise
    except SettingsMistake as mistake:
        raise BackupFailed(str(mistake)) from None
    except Exception as error:  # stores have their own
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            raise disk_full(*({settings.home, Path(address)} if "://" not in address else {settings.home})) from error
        reason = without_passwords(f"{type(error).__name__}: {str(error).partition(chr(10))[0]}", address)
        raise BackupFailed(f"{_shown(address)}: {printable(reason)}") from error


def _shown(address: str) -> str:
    """An address, without what may be a password: an object store by its protocol alone."""
    return f"{address.partition('://')[0]}://" if "://" in address else printable(address)


class _Writer:
    """Writes the files of one backup, with those of the backup before where they are the same."""

    def __init__(self, filesystem: Any, place: str, earlier: str, scratch: Path) -> None:
        self._filesystem = filesystem
        self._place = place
        self._earlier = earlier
        self._scratch = scratch
        self._before = _index(filesystem, earlier)["files"] if earlier else {}
        self._folders: set[str] = set()
        self._is_local = isinstance(filesystem, LocalFileSystem)
        self.entries: dict[str, Entry] = {}
        self.copied_files = 0
        self.copied_bytes = 0

    def add(self, name: str, path: Path) -> None:
        """Add a file, unless it is gone by now."""
        target = f"{self._place}/{name}"
        try:
            status = path.stat()
            stamp = f"{status.st_size}:{status.st_mtime_ns}"
            known = self._before.get(name)
            if self._is_local and (folder := posixpath.dirname(target)) not in self._folders:
                self._filesystem.makedirs(folder, exist_ok=True)
                self._folders.add(folder)
            if known and known["stamp"] == stamp and not _has_log(path) and self._share(name, target):
                self.entries[name] = Entry(**known)
                return
            with self._readable(name, path) as content, self._filesystem.open(target, "wb") as copy:
                digest = hashlib.blake2b(digest_size=16)
                size = 0
                while chunk := content.read(_CHUNK):
                    digest.update(chunk)
                    copy.write(chunk)
                    size += len(chunk)
        except FileNotFoundError:
            if path.exists():
                raise
            return  # a file of the inbox, or of a run of Dagster's, that somebody removed meanwhile
        self.entries[name] = Entry(size, digest.hexdigest(), stamp)
        self.copied_files += 1
        self.copied_bytes += size

    @contextmanager
    def _readable(self, name: str, path: Path) -> Iterator[BinaryIO]:
        """A file to read; of one of Dagster's databases a copy as of one moment, as Dagster may be writing."""
        if not (name.startswith("dagster/") and name.endswith(".db")):
            with path.open("rb") as content:
                yield content
            return
        with TemporaryDirectory(dir=self._scratch) as folder:
            copy = Path(folder, path.name)
            with (
                closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as source,
                closing(sqlite3.connect(copy)) as target,
            ):
                source.backup(target)
            with copy.open("rb") as content:
                yield content

    def _share(self, name: str, target: str) -> bool:
        """Take the file of the backup before; returns whether there is one, and the place can share it."""
        try:
            share = self._filesystem.link if self._is_local else self._filesystem.cp_file
            share(f"{self._earlier}/{name}", target)
        except OSError:
            return False  # that backup was thinned out, or the file system has no links
        return True


@contextmanager
def _frozen(settings: Settings) -> Iterator[dict[str, Path]]:
    """The lake and the releases as they are at one moment: by name in the home, copies or links that no night changes.

    A night has the ledger open for short whiles, and waits while these are made. The releases come first: the ledger
    knows every build that one of them is of. Links are beside the lake, as scratch may be on another disk.
    """
    links = settings.home / LINKS
    shutil.rmtree(links, ignore_errors=True)  # of a backup that was killed
    try:
        for release in releases(settings):
            try:
                _link_all(settings.home, release, links)
            except FileNotFoundError:  # a night has removed it
                shutil.rmtree(links / release.relative_to(settings.home), ignore_errors=True)
        with ledger_lock(settings):
            version = home_version(settings)
            for damage in ledger_damages(settings):
                raise damage
            ledger = settings.ledger
            # Opening it finishes what a killed night began, and writes its log into the file.
            with Ledger.open(settings, upgrading=True) as opened:
                if version:
                    opened.finish_renames()
                    for source, paths in opened.damaged_files().items():
                        raise lake_damaged([*paths], source)
            _link_all(settings.home, ledger.parent, links, without=ledger)
            shutil.copy2(ledger, links / "lake" / ledger.name)
        yield {str(path.relative_to(links)): path for path in _files(links)}
    finally:
        shutil.rmtree(links, ignore_errors=True)


def _link_all(home: Path, folder: Path, links: Path, without: Path | None = None) -> None:
    for path in _files(folder):
        link = links / path.relative_to(home)
        link.parent.mkdir(parents=True, exist_ok=True)
        if path == without:
            continue
        try:
            os.link(path, link)
        except FileNotFoundError:
            raise
        except OSError:  # a file system without links
            shutil.copy2(path, link)


def _of_home(settings: Settings) -> Iterator[tuple[str, Path]]:
    """What else is in a backup, by name in the home."""
    for name in _FILES:
        if (settings.home / name).is_file():
            yield name, settings.home / name
    for name in _FOLDERS:
        for path in _files(settings.home / name):
            if not (name == "dagster" and path.name.endswith(_NOT_OF_DAGSTER)):
                yield str(path.relative_to(settings.home)), path


def _files(folder: Path) -> Iterator[Path]:
    """The regular files below a folder; links are none, as what they point to may be anywhere."""
    for below, folders, names in os.walk(folder):
        folders.sort()
        for path in (Path(below, name) for name in sorted(names)):
            if path.is_file() and not path.is_symlink():
                yield path


def _has_log(path: Path) -> bool:
    """Whether a database has changes that its file doesn't have yet."""
    return bool(size_of(path.with_name(f"{path.name}-wal")))


def _finished(filesystem: Any, root: str) -> list[str]:
    """The finished backups in a place, oldest first."""
    try:
        paths = [path.rstrip("/") for path in filesystem.ls(root, detail=False)]
    except FileNotFoundError:
        return []
    dated = sorted(path for path in paths if re.fullmatch(r"\d{8}T\d{6}", posixpath.basename(path)))
    return [path for path in dated if filesystem.exists(f"{path}/{_INDEX}")]


def _index(filesystem: Any, place: str) -> dict[str, Any]:
    index: dict[str, Any] = json.loads(filesystem.cat_file(f"{place}/{_INDEX}"))
    return index


def _fetch(filesystem: Any, source: str, target: Path, entry: Entry) -> None:
    """Copy a file out of a backup. Raises BackupFailed unless it is what was put into it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.blake2b(digest_size=16)
    try:
        with filesystem.open(source, "rb") as content, target.open("wb") as copy:
            while chunk := content.read(_CHUNK):
                digest.update(chunk)
                copy.write(chunk)
    except FileNotFoundError:
        pass
    if digest.hexdigest() != entry.hash:
        state = "damaged" if target.exists() else "gone"
        raise BackupFailed(f"{printable(source)} is {state}: nothing was restored. Restore another backup")
    modified = int(entry.stamp.partition(":")[2])
    os.utime(target, ns=(modified, modified))


def _put(settings: Settings, new: Path, published: str | None) -> tuple[Path | None, list[str]]:
    """Put what was read into its place. Returns the folder of what was there, and paths of the inbox that stayed."""
    home = settings.home
    before = home / new_before(home, "restore")
    settings.published.unlink(missing_ok=True)
    shutil.rmtree(settings.warehouse)
    for name in _REPLACED:
        there, given = home / name, new / name
        if there.exists() and (name in _STATE or given.exists()):
            if not any(path.name not in _NO_STATE for path in (_files(there) if there.is_dir() else [there])):
                shutil.rmtree(there) if there.is_dir() else there.unlink()
            else:
                before.mkdir(exist_ok=True)
                os.rename(there, before / name)
        if given.exists():
            os.rename(given, there)
    kept = []
    for path in _files(new / "inbox"):
        there = settings.inbox / path.relative_to(new / "inbox")
        if not there.exists():
            there.parent.mkdir(parents=True, exist_ok=True)
            os.rename(path, there)
        elif not filecmp.cmp(path, there, shallow=False):
            kept.append(str(there.relative_to(settings.inbox)))
    settings.make_directories()
    if names := [release.name for release in releases(settings)]:
        activate_release(settings, settings.releases / (published if published in names else names[-1]))
    return before if before.exists() else None, kept
