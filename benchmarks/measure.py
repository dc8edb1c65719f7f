"""What the benchmark measures: commands in processes of their own, and stages of a nightly run and of a baseline."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from touchstone.landing.land import land
from touchstone.landing.ledger import Ledger
from touchstone.landing.streams import read_streams
from touchstone.settings import PROJECT, Settings

HERE = Path(__file__).parent
PUBLISHED = Path("published") / "touchstone.duckdb"
# The sums that a nightly run and a baseline have to agree on: of columns of the baseline's relation and of our mart.
COMPARED = {
    "alexa": [
        ("counted", "alexa_skill_metrics_hourly", "total_intents fallback_intent_count total_enablements disablements")
    ],
    "cloudwatch": [
        ("counted", "cloudwatch_metrics_hourly", "datapoints sample_count"),
        ("counted_instances", "connect_instance_metrics_hourly", "calls_per_interval tasks_expired"),
    ],
    "mailgun": [
        ("counted", "mailgun_metrics_hourly", "accepted_incoming_count delivered_smtp_count permanent_failed_count"),
        ("counted", "mailgun_metrics_hourly", "opened_count"),
    ],
    "pinpoint": [
        ("counted", "pinpoint_activity_metrics_hourly", "messages_sent quiet_time_unsent throttled_unsent"),
        ("counted", "pinpoint_activity_metrics_hourly", "unknown_failure_unsent"),
    ],
    "ses": [("counted", "ses_metrics_hourly", "send_count delivery_count bounce_count open_count")],
}
_STAGE = "-- stage: "


@dataclass(frozen=True)
class Timing:
    """Wall and CPU seconds and peak memory (MiB, of the largest process) of one command, and what it printed."""

    seconds: float
    cpu_seconds: float
    mebibytes: float
    output: str


def timed(arguments: Sequence[str | Path], **environment: str) -> Timing:
    """Run a command in a new process; raises SystemExit if it fails."""
    started = time.monotonic()
    process = subprocess.Popen(
        [str(argument) for argument in arguments],
        cwd=PROJECT,
        # Python keeps its bytecode, as it does for users
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    output = process.stdout.read()
    # of the process and of those that it waited for
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(output)
    return Timing(time.monotonic() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output)


def nightly(home: Path) -> Timing:
    return timed([sys.executable, "-m", "touchstone", "nightly"], TOUCHSTONE_HOME=str(home))


def imports() -> Timing:
    """What each command of Dagster's and dbt's takes before it does anything."""
    return timed([sys.executable, "-c", "import dagster, dbt.cli.main"])


def sample(inbox: Path, system: str, *, events: int, days: int) -> None:
    fixed = ("--systems", system, "--clean", "--end", "2026-05-31")
    size = ("--events", events, "--days", days)
    timed([sys.executable, "-m", "touchstone.sample", inbox, *fixed, *map(str, size)])


def night_stages(output: str) -> tuple[float, float]:
    """Seconds until all has landed, and until all is built and tested, from a nightly run's progress lines."""
    at = [(float(t), what) for t, what in re.findall(r"^ *([\d.]+) s  (.+)$", output, re.M)]
    landed = max(t for t, what in at if " files" in what)
    return landed, next(t for t, what in at if what == "publishing")


def stages(output: str) -> dict[str, float]:
    """Seconds of each stage of a baseline, by its name."""
    return {name: float(seconds) for seconds, name in re.findall(r"^([\d.]+) (.+)$", output, re.M)}


def baseline(system: str, inbox: Path, output: Path) -> Timing:
    output.unlink(missing_ok=True)
    return timed([sys.executable, "-m", "benchmarks.measure", "baseline", system, inbox, output])


def landing_alone(system: str, inbox: Path, home: Path) -> Timing:
    """Land all of a system's files in a new home, and nothing else."""
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    (home / "inbox").symlink_to(inbox)
    return timed([sys.executable, "-m", "benchmarks.measure", "landing", system], TOUCHSTONE_HOME=str(home))


def baseline_script(system: str, inbox: Path) -> str:
    return (HERE / f"{system}.sql").read_text().replace("{inbox}", str(inbox))


def run_baseline(system: str, inbox: Path, output: Path) -> None:
    """Run the baseline in this process. Prints the seconds and the name of each stage."""
    connection = duckdb.connect(str(output))
    connection.execute("set preserve_insertion_order = false; set enable_progress_bar = false; set TimeZone = 'UTC'")
    for stage in baseline_script(system, inbox).split(_STAGE)[1:]:
        name, _, statements = stage.partition("\n")
        started = time.monotonic()
        connection.execute(statements)
        print(f"{time.monotonic() - started:.2f} {name}")


def run_landing(system: str) -> None:
    """Land a system's files in this process. Prints the seconds, of landing itself."""
    settings = Settings()
    settings.make_directories()
    started = time.monotonic()
    with Ledger.open(settings) as ledger:
        for source, stream in read_streams().items():
            if source.startswith(f"{system}/"):
                land(stream, settings, ledger, lambda text: None)
    print(f"{time.monotonic() - started:.2f} land")


def compare(system: str, marts: Path, baseline_file: Path) -> None:
    """Raise SystemExit if the marts of a DuckDB file and a baseline count differently."""
    for relation, mart, columns in COMPARED[system]:
        names = columns.split()
        expected = _sums(baseline_file, f"{relation} where hour is not null", names)
        ours = _sums(marts, mart, names)
        if expected != ours:
            raise SystemExit(f"{mart}: the baseline counts differently: {expected} and {ours}")


def _sums(file: Path, relation: str, names: Sequence[str]) -> tuple[int, ...]:
    with duckdb.connect(str(file.resolve()), read_only=True) as connection:
        row = connection.execute(f"select {', '.join(f'sum({n})::bigint' for n in names)} from {relation}").fetchone()
    assert row is not None
    return row


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


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["baseline", system, inbox, output]:
            run_baseline(system, Path(inbox), Path(output))
        case ["landing", system]:
            run_landing(system)
