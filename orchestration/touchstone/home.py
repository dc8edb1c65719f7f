"""The home: its folders, the environment of dbt and Dagster, and the lock that a run holds."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile

from filelock import FileLock, Timeout

from touchstone.console import log_progress, printable
from touchstone.migrations import migrate
from touchstone.names import nearest
from touchstone.settings import PROJECT, Settings, SettingsMistake


def environment(settings: Settings) -> dict[str, str]:
    """The environment with which dbt writes into the home alone."""
    return {
        "TOUCHSTONE_HOME": str(settings.home),
        "TOUCHSTONE_LAKE": str(settings.lake),
        "TOUCHSTONE_SYSTEMS": json.dumps(settings.systems),
        "TOUCHSTONE_MEMORY_LIMIT": settings.memory_limit,
        "TOUCHSTONE_SEEDS": json.dumps({name: str(path) for name, path in own_seeds(settings).items()}),
        "DBT_PROJECT_DIR": str(PROJECT),
        "DBT_PROFILES_DIR": str(PROJECT / "profiles"),
        "DBT_TARGET_PATH": str(settings.home / "dbt" / "target"),
        "DBT_PARTIAL_PARSE": "false",  # dbt takes a file of the same time for the same, also in another checkout
        "DBT_LOG_PATH": str(settings.home / "dbt" / "logs"),
        "DO_NOT_TRACK": "1",
    }


def own_seeds(settings: Settings) -> dict[str, Path]:
    """The files in the home's folder `seeds`, by the names of the seeds whose place they take; names take none.

    Raises SettingsMistake for another that takes no seed's place.
    """
    known = [path.name for path in (PROJECT / "seeds" / "own").glob("*.csv")]
    given = sorted(path for path in settings.names.parent.glob("*") if path != settings.names)
    for path in given:
        if path.name not in known:
            known.append(settings.names.name)
            raise SettingsMistake(f"{printable(str(path))} takes no seed's place; {nearest(path.name, known)}")
    return {path.stem: path for path in given}


def own_dagster(settings: Settings) -> dict[str, str]:
    """The environment of a Dagster of the home's own, whose folder and configuration this creates.

    The configuration is the file `dagster.yaml` of the home, beside `settings.toml`, or ours where there is none.
    """
    folder = settings.home / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    given = settings.home / "dagster.yaml"
    content = (given if given.exists() else Path(__file__).with_name("dagster.yaml")).read_bytes()
    file = folder / "dagster.yaml"
    if not file.exists() or file.read_bytes() != content:  # a full disk must not stop what finds what is large
        with NamedTemporaryFile(dir=folder, delete=False) as unfinished:  # services start at once, and read it
            unfinished.write(content)
        os.replace(unfinished.name, file)
    return {"DAGSTER_HOME": str(folder), "DAGSTER_EVENT_BATCH_SIZE": "1000"}


# How the folders begin in which `restore` and `rebuild` keep what they replace.
BEFORE = "before-"
# The umask of all that may hold persons, and that of files for others.
PRIVATE, PUBLIC = 0o077, 0o022
# The rights to read and enter what is published, beside the owner's.
_READERS = {"owner": 0, "group": 0o050, "everyone": 0o055}


def new_before(home: Path, command: str) -> str:
    """The name of a folder, which isn't there yet, for what a command replaces."""
    at = datetime.now(UTC)
    while (home / (name := f"{BEFORE}{command}-{at:%Y%m%dT%H%M%S}")).exists():  # twice within a second
        at += timedelta(seconds=1)
    return name


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def open_to_readers(settings: Settings, release: Path) -> None:
    """Give those whom `published_for` names the rights to read a release, and to pass through the folders above it."""
    if not (rights := _READERS[settings.published_for]):
        return
    for folder in (settings.home, settings.releases):
        folder.chmod(folder.stat().st_mode | (rights & 0o011))
    for path in (release, *release.rglob("*")):
        path.chmod(path.stat().st_mode | (rights if path.is_dir() else rights & 0o044))


def is_held(settings: Settings) -> bool:
    """Whether a process holds the home."""
    lock = FileLock(settings.home / "run.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


class HomeInUse(Exception):
    """Another run holds the home and didn't finish in time."""


@contextmanager
def exclusive(settings: Settings) -> Iterator[None]:
    """Lock the home for this process: the warehouse has one writer, and publishing must not copy an unfinished build.

    A home of an earlier version is brought to the present one. Files are the owner's alone, as they hold persons.

    Waits `lock_wait_seconds` for another process to finish, then raises HomeInUse. The operating system releases the
    lock of a process that dies. Raises HomeTooNew.
    """
    with locked(settings):
        _remove_leftovers(settings)
        migrate(settings)
        if settings.published.exists():
            open_to_readers(settings, settings.published.resolve())
        yield


def _remove_leftovers(settings: Settings) -> None:
    """Remove the releases that runs began and did not finish, and their temporary files."""
    for path in (*settings.releases.glob(".*"), *settings.scratch.iterdir()):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


@contextmanager
def locked(settings: Settings) -> Iterator[None]:
    """The same of a home as it is, which may be damaged or of an earlier version."""
    with umask(PRIVATE):
        settings.make_directories()
    lock = FileLock(settings.home / "run.lock")
    holder = settings.home / "run.holder"
    try:
        lock.acquire(timeout=0)
    except Timeout:
        who = holder.read_text() if holder.exists() else "another process"
        log_progress(f"{who} is writing in {settings.home}: waiting up to {settings.lock_wait_seconds} s")
        try:
            lock.acquire(timeout=settings.lock_wait_seconds)
        except Timeout as timeout:
            raise HomeInUse(
                f"{who} is still writing in {settings.home}. Wait for it, or end it, and run again."
            ) from timeout
    try:
        with umask(PRIVATE):
            with suppress(OSError):
                holder.write_text(f"process {os.getpid()}, since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC,")
            yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()
