"""Nights one after the other: one more day on a short and a long history, the same events as many small nights, and a
home of years.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import time
from collections.abc import Iterable
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import chain
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.measure import nightly, sample
from touchstone.doctor import sizes

# Of the nights of `many_nights` these are printed, and the last.
_SHOWN = (1, 10, 20)
_PARTS = ("lake", "warehouse", "releases", "dagster")
# The records of each system in a night of `long_life`.
_RECORDS = 40


def one_more_day(work: Path, system: str, daily: int, repeat: int, console: Console) -> None:
    """The 366th day on 365 days of history, and the same day on 30."""
    console.print(f"Making 366 days of {daily:,} events of {system}")
    days = _days(work / "inbox", system, events=daily * 366, days=366)
    ratios: list[float] = []
    for _ in range(repeat):
        seconds = []
        for history in (30, 365):
            home = work / f"history-{history}"
            shutil.rmtree(home, ignore_errors=True)
            _give(chain.from_iterable(days[-history - 1 : -1]), work / "inbox", home)
            nightly(home)
            _give(days[-1], work / "inbox", home)
            seconds.append(nightly(home).seconds)
        console.print(f"One more day on 30 days: {seconds[0]:.1f} s, on 365 days: {seconds[1]:.1f} s")
        ratios.append(seconds[1] / seconds[0])
    console.print(f"Ratio: {median(ratios):.2f}")


def many_nights(work: Path, system: str, events: int, nights: int, console: Console) -> None:
    """So many days of events, each landed by a night of its own."""
    console.print(f"Making {events:,} events of {system} in {nights} days")
    home = work / "home"
    table = Table("night", "seconds", "s per million events", "CPU s", "peak MiB", title=f"{system}: a night a day")
    for column in table.columns:
        column.justify = "right"
    nightly(home)  # creates the home
    for number, day in enumerate(_days(work / "inbox", system, events=events, days=nights), start=1):
        _give(day, work / "inbox", home)
        night = nightly(home)
        if number in (*_SHOWN, nights):
            per_million = night.seconds * nights / events * 1e6
            figures = (
                f"{night.seconds:.1f}",
                f"{per_million:,.0f}",
                f"{night.cpu_seconds:.1f}",
                f"{night.mebibytes:,.0f}",
            )
            table.add_row(str(number), *figures)
    console.print(table)
    found = sizes(home)
    listed = ", ".join(f"{part} {found[part] / 2**20:,.0f}" for part in _PARTS)
    console.print(f"MiB of the home after the last night: {listed}")


def long_life(work: Path, systems: list[str], nights: int, console: Console) -> None:
    """So many nights of small files, a day apart by a simulated clock: their times, and the sizes of the home's parts.

    All run in this process: their seconds are without imports, which never change.
    """
    import time_machine

    from touchstone.__main__ import main

    home = work / "home"
    console.print(f"Making {nights} days of {_RECORDS} events of each of {', '.join(systems)}")
    of_system = [_days(work / "inbox", system, events=_RECORDS * nights, days=nights) for system in systems]
    os.environ.update(TOUCHSTONE_HOME=str(home), TOUCHSTONE_SYSTEMS=json.dumps(systems))
    title = "A home of small nights: MiB of its parts"
    table = Table("night", "seconds", "CPU s", *_PARTS, "ledger", "lake's files", "all", title=title)
    for column in table.columns:
        column.justify = "right"
    seconds: list[float] = []
    cpu_seconds: list[float] = []
    for number, days in enumerate(zip(*of_system, strict=True), start=1):
        _give(chain.from_iterable(days), work / "inbox", home)
        at = datetime.fromisoformat("-".join(days[0][0].parts[-3:])).replace(tzinfo=UTC) + timedelta(days=1, hours=2)
        output, started, cpu_started = StringIO(), time.monotonic(), _cpu_seconds()
        with redirect_stdout(output), redirect_stderr(output), time_machine.travel(at):
            failed = main(["nightly"])
        if failed:
            raise SystemExit(output.getvalue())
        seconds.append(time.monotonic() - started)
        cpu_seconds.append(_cpu_seconds() - cpu_started)
        if number in (2, nights) or number % 50 == 0:
            found = sizes(home)
            ledger = (home / "lake" / "ledger.duckdb").stat().st_size
            table.add_row(
                str(number),
                f"{median(seconds[-9:]):.1f}",
                f"{median(cpu_seconds[-9:]):.1f}",
                *(f"{found[part] / 2**20:,.1f}" for part in _PARTS),
                f"{ledger / 2**20:,.1f}",
                str(len([*home.glob("lake/*/*/[0-9]*.parquet")])),
                f"{sum(found.values()) / 2**20:,.0f}",
            )
            console.print(table)


def _cpu_seconds() -> float:
    """Of this process, and of those that it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _days(inbox: Path, system: str, *, events: int, days: int) -> list[list[Path]]:
    """Make a sample; the folders of each of its days, one a stream."""
    sample(inbox, system, events=events, days=days)
    dates = sorted({day.parts[-3:] for day in inbox.glob(f"{system}/*/*/*/*")})
    return [sorted(inbox.glob(f"{system}/*/{'/'.join(date)}")) for date in dates]


def _give(folders: Iterable[Path], inbox: Path, home: Path) -> None:
    for folder in folders:
        shutil.copytree(folder, home / "inbox" / folder.relative_to(inbox))
