"""The benchmark: a whole nightly run beside a baseline, and one more night on a short and a long history.

The baseline is one DuckDB script that does only what the numbers need: it reads the same gzip files with declared
columns, deduplicates, counts the marts at three grains and writes them to a DuckDB file. It has no ledger, no parse
errors, no types for fields that it doesn't count, no unique windows and no tests, and publishes nothing.

    python -m benchmarks [--system mailgun] [--events 2000000] [--repeat 2] [--daily 20000] [--no-history]
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import median

import duckdb
from rich.console import Console
from rich.table import Table

from touchstone.settings import PROJECT

# Nightly run and baseline have to agree on the sums of these columns, in the table `counted` and in an hourly mart.
_COMPARED = {
    "alexa": (
        "alexa_skill_metrics_hourly",
        ("total_intents", "fallback_intent_count", "total_enablements", "disablements"),
    ),
    "mailgun": (
        "mailgun_metrics_hourly",
        ("accepted_incoming_count", "delivered_smtp_count", "permanent_failed_count", "opened_count"),
    ),
    "pinpoint": (
        "pinpoint_activity_metrics_hourly",
        ("messages_sent", "quiet_time_unsent", "throttled_unsent", "unknown_failure_unsent"),
    ),
    "ses": ("ses_metrics_hourly", ("send_count", "delivery_count", "bounce_count", "open_count")),
}
_STAGE = "-- stage: "


def run_baseline(system: str, inbox: str, output: str) -> None:
    """Run the baseline in this process. Prints the seconds and the name of each stage."""
    script = (Path(__file__).parent / f"{system}.sql").read_text().replace("{inbox}", inbox)
    connection = duckdb.connect(output)
    connection.execute("set preserve_insertion_order = false; set TimeZone = 'UTC'")
    for stage in script.split(_STAGE)[1:]:
        name, _, statements = stage.partition("\n")
        started = time.monotonic()
        connection.execute(statements)
        print(f"{time.monotonic() - started:.2f} {name}")


@dataclass(frozen=True)
class Timing:
    """Wall seconds and peak memory (MiB, of the largest process) of one command, and what it printed."""

    seconds: float
    mebibytes: float
    output: str


def timed(arguments: Sequence[str | Path], **environment: str) -> Timing:
    """Run a command in a new process; raises SystemExit if it fails."""
    started = time.monotonic()
    process = subprocess.Popen(
        [str(argument) for argument in arguments],
        cwd=PROJECT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(output)
    # the maximum of the process and those that it waited for
    return Timing(time.monotonic() - started, usage.ru_maxrss / 1024, output)


def nightly(home: Path) -> Timing:
    return timed([sys.executable, "-m", "touchstone", "nightly"], TOUCHSTONE_HOME=str(home))


def stages(output: str) -> dict[str, float]:
    """Seconds of a nightly run's stages, from its progress lines."""
    at = [(float(t), what) for t, what in re.findall(r"^ *([\d.]+) s  (.+)$", output, re.M)]
    landed = max((t for t, what in at if " files" in what), default=at[0][0])
    built = max((t for t, what in at if what.startswith("built")), default=landed)
    published = next((t for t, what in at if what == "publishing"), built)
    return {"start and land": landed, "build and test": published - landed}


def sample(inbox: Path, system: str, *arguments: str) -> None:
    fixed = ("--systems", system, "--clean", "--end", "2026-05-31")
    timed([sys.executable, "-m", "touchstone.sample", inbox, *fixed, *arguments])


def compare(system: str, home: Path, baseline_file: Path) -> None:
    """Raise SystemExit if nightly run and baseline count differently."""
    mart, names = _COMPARED[system]
    baseline_sums = _sums(baseline_file, "counted where hour is not null", names)
    ours = _sums((home / "published").resolve() / "touchstone.duckdb", mart, names)
    if baseline_sums != ours:
        raise SystemExit(f"the baseline counts differently: {baseline_sums} and {ours}")


def _sums(file: Path, relation: str, names: Sequence[str]) -> tuple[int, ...]:
    with duckdb.connect(str(file), read_only=True) as connection:
        row = connection.execute(f"select {', '.join(f'sum({n})::bigint' for n in names)} from {relation}").fetchone()
    assert row is not None
    return row


def whole_nights(work: Path, system: str, events: int, repeat: int, console: Console) -> None:
    home, baseline_file = work / "home", work / "baseline.duckdb"
    console.print(f"Making {events:,} events of 30 days")
    sample(home / "inbox", system, "--events", str(events), "--days", "30")
    built = warm_up(home)
    nights, baselines = [], []
    for _ in range(repeat):
        renew(home, built)
        nights.append(nightly(home))
        baseline_file.unlink(missing_ok=True)
        baselines.append(
            timed([sys.executable, "-m", "benchmarks", "--baseline", system, home / "inbox", baseline_file])
        )
    compare(system, home, baseline_file)
    quiet = [nightly(home) for _ in range(repeat)]
    table = Table(
        "", "seconds", "events/s", "ratio to the baseline", "peak MiB", title="Median of the runs, side by side"
    )
    baseline_seconds = median(t.seconds for t in baselines)

    def row(name: str, seconds: float, memory: float | None = None) -> None:
        table.add_row(
            name,
            f"{seconds:.1f}",
            f"{events / seconds:,.0f}",
            f"{seconds / baseline_seconds:.2f}",
            f"{memory:,.0f}" if memory else "",
        )

    row("whole nightly", median(t.seconds for t in nights), max(t.mebibytes for t in nights))
    parts = [stages(t.output) for t in nights]
    for name in parts[0]:
        row(f"  {name}", median(part[name] for part in parts))
    row("  publish and summary", median(t.seconds - sum(p.values()) for t, p in zip(nights, parts, strict=True)))
    row("baseline", baseline_seconds, max(t.mebibytes for t in baselines))
    pieces = [[line.partition(" ") for line in t.output.splitlines()] for t in baselines]
    for same in zip(*pieces, strict=True):
        row(f"  {same[0][2]}", median(float(seconds) for seconds, _, _ in same))
    console.print(table)
    console.print(f"A night with nothing new: {median(t.seconds for t in quiet):.1f} s")


def one_more_day(work: Path, system: str, daily: int, repeat: int, console: Console) -> None:
    """The 366th day on 365 days of history, and the same day on 30."""
    inbox = work / "year"
    console.print(f"Making 366 days of {daily:,} events")
    sample(inbox, system, "--events", str(daily * 366), "--days", "366")
    dates = sorted({day.parts[-3:] for day in inbox.glob(f"{system}/*/*/*/*")})
    days = [sorted(inbox.glob(f"{system}/*/{'/'.join(date)}")) for date in dates]
    ratios: list[float] = []
    for _ in range(repeat):
        seconds = []
        for history in (30, 365):
            home = work / f"history-{history}"
            shutil.rmtree(home, ignore_errors=True)
            give(days[-history - 1 : -1], inbox, home)
            nightly(home)
            give(days[-1:], inbox, home)
            seconds.append(nightly(home).seconds)
        console.print(f"One more day on 30 days: {seconds[0]:.1f} s, on 365 days: {seconds[1]:.1f} s")
        ratios.append(seconds[1] / seconds[0])
    console.print(f"Ratio: {median(ratios):.2f}")


def give(days: Sequence[Sequence[Path]], inbox: Path, home: Path) -> None:
    for day in chain.from_iterable(days):
        shutil.copytree(day, home / "inbox" / day.relative_to(inbox))


def warm_up(home: Path) -> Path:
    """Run a night without records, so that a night is measured without the creation of a home; returns a copy of it."""
    inbox = (home / "inbox").rename(home / "aside")
    nightly(home)
    shutil.rmtree(home / "inbox")
    built = home.with_name("built")
    shutil.copytree(home, built, symlinks=True, ignore=shutil.ignore_patterns("aside", "dbt", "dagster"))
    inbox.rename(home / "inbox")
    return built


def renew(home: Path, built: Path) -> None:
    """Restore the home as it was after the night without records."""
    for name in ("lake", "warehouse", "releases"):
        shutil.rmtree(home / name, ignore_errors=True)
    (home / "published").unlink(missing_ok=True)
    shutil.copytree(built, home, symlinks=True, dirs_exist_ok=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--system", choices=_COMPARED, default="mailgun")
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--daily", type=int, default=20_000, help="events a day of the history")
    parser.add_argument("--no-history", action="store_true")
    parser.add_argument("--baseline", nargs=3, metavar=("SYSTEM", "INBOX", "OUTPUT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.baseline:
        run_baseline(*options.baseline)
        return
    console = Console(width=100, highlight=False)
    parts: list[Callable[[Path], None]] = [
        lambda work: whole_nights(work, options.system, options.events, options.repeat, console)
    ]
    if not options.no_history:
        parts.append(lambda work: one_more_day(work, options.system, options.daily, options.repeat, console))
    for part in parts:
        with tempfile.TemporaryDirectory() as work:
            part(Path(work))


if __name__ == "__main__":
    main()
