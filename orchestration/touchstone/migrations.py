"""The version of a home's state, and what brings the state of an earlier version to the present one.

The file `version` in the home has its version. A home without it is of before there were versions, or new.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from touchstone.console import log_progress
from touchstone.damage import size_of
from touchstone.landing.ledger import Ledger, unfinished
from touchstone.landing.records import read_lake
from touchstone.settings import Settings


class HomeTooNew(Exception):
    """A newer Touchstone has changed the state of the home, and this one would read it wrongly."""


def migrate(settings: Settings) -> None:
    """Bring the state of the home to the present version. The caller holds the home.

    A step that was interrupted is done again: each can be done twice. Raises HomeTooNew, and changes nothing.
    """
    done = home_version(settings)
    for number, step in enumerate(_STEPS[done:], start=done + 1):
        log_progress(f"upgrading the home to version {number} of its state")
        step(settings)
        _write_version(settings, number)


def home_version(settings: Settings) -> int:
    """The version of the home's state, which a new home gets. Raises HomeTooNew if only a newer Touchstone knows it."""
    file = settings.home / "version"
    if not file.exists():
        if (settings.ledger).exists():
            return 0
        _write_version(settings, len(_STEPS))
    version = int(file.read_text())
    if version > len(_STEPS):
        raise HomeTooNew(
            f"{settings.home} is of version {version} of the state, and this Touchstone knows {len(_STEPS)}: "
            "install the newer Touchstone again, or restore a backup of before it"
        )
    return version


def _write_version(settings: Settings, number: int) -> None:
    file = settings.home / "version"
    unfinished(file).write_text(f"{number}\n")
    os.replace(unfinished(file), file)


def _add_what_0_2_0_lacks(settings: Settings) -> None:
    """Homes of up to 0.2.0 have any of the ledger's tables and columns; their files were open to other users."""
    with Ledger.open(settings, upgrading=True) as ledger:
        sql = ledger.connection
        ledger.create_tables()
        ledger.finish_renames()
        for column in (
            "quarantine add column if not exists record_key uuid",
            "quarantine add column if not exists closed_at timestamp",
            "quarantine add column if not exists closed_as varchar",
            "refused add column if not exists dismissed_at timestamp",
            "held_back add column if not exists is_switched_off boolean default false",
            "files add column if not exists forgotten bigint default 0",
            "lake_files add column if not exists bytes bigint",
        ):
            sql.execute(f"alter table {column}")
        sql.execute("drop table if exists ledger_schema")
        for (path,) in sql.execute("select path from lake_files").fetchall():
            sql.execute("update lake_files set bytes = ? where path = ?", [size_of(ledger.lake / path) or 0, path])
        for (source,) in sql.execute(
            "select distinct source from lake_files where source not in (select source from record_hours)"
        ).fetchall():
            ledger.count_hours(source, f"{read_lake(ledger.lake_paths(source, of_batch=False))} where not _is_repeat")
        ledger.keep_what_the_lake_lacks()
    for name in ("facts.duckdb", "facts.duckdb.wal"):  # 0.1.0 called the internal database so
        (settings.warehouse / name).unlink(missing_ok=True)
    _close_to_others(settings.home)


def _close_to_others(home: Path) -> None:
    """Take the rights of group and others, but for what the user puts there: loaders may run as somebody else."""
    for folder, folders, files in os.walk(home):
        if Path(folder) == home:
            folders[:] = {*folders} - {"inbox"}
        for path in (Path(folder, name) for name in (*folders, *files)):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & 0o700)


def _create_new_tables(settings: Settings) -> None:
    with Ledger.open(settings, upgrading=True) as ledger:
        ledger.create_tables()


# In the order of the versions that they bring the state to. A step never changes once it is released.
_STEPS: tuple[Callable[[Settings], None], ...] = (
    _add_what_0_2_0_lacks,
    _create_new_tables,  # of retention by age
    _create_new_tables,  # of fetching
    _create_new_tables,  # of listings
)
