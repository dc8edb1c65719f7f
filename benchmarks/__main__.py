"""The benchmark: each system's whole nightly run beside its baseline, on the same files in the same session.

The baseline is one DuckDB script that does only what the numbers need: it reads the same gzip files with declared
columns, deduplicates, counts the marts at three grains and writes them to a DuckDB file. It has no ledger, no parse
errors, no types for fields that it doesn't count, no unique windows and no tests, and publishes nothing.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.measure import (
    PUBLISHED,
    Timing,
    baseline,
    compare,
    imports,
    landing_alone,
    night_stages,
    nightly,
    renew,
    sample,
    stages,
    warm_up,
)
from benchmarks.nights import long_life, many_nights, one_more_day
from benchmarks.peers import SYSTEM as WITH_PEERS
from benchmarks.peers import measure_peers
from benchmarks.results import EVENTS, Result, record, summary

# dlt takes minutes for so many events.
_PEERS_EVENTS = 500_000


def measure(work: Path, system: str, events: int, repeat: int, with_peers: bool, console: Console) -> Result:
    """Whole nights of a system, and each time a baseline, landing alone, a night with nothing new, and imports."""
    home, inbox = work / "home", work / "home" / "inbox"
    console.print(f"Making {events:,} events of {system} in 30 days")
    sample(inbox, system, events=events, days=30)
    built = warm_up(home)
    nights, quiet, baselines, landings, starts = [], [], [], [], []
    for _ in range(repeat):
        renew(home, built)
        nights.append(nightly(home))
        quiet.append(nightly(home))
        baselines.append(baseline(system, inbox, work / "baseline.duckdb"))
        landings.append(landing_alone(system, inbox, work / "landing"))
        starts.append(imports())
    compare(system, home / PUBLISHED, work / "baseline.duckdb")
    baseline_stages = [stages(t.output) for t in baselines]
    console.print(_stages_table(system, baseline_stages))
    if with_peers:
        measure_peers(work, _middle(landings), _middle(nights), console)

    landed, built_after = (list(each) for each in zip(*(night_stages(t.output) for t in nights), strict=True))
    seconds = median(t.seconds for t in baselines)
    whole = median(t.seconds for t in nights)
    reading = median(next(iter(each.values())) for each in baseline_stages)
    return Result(
        system=system,
        events=events,
        nightly_seconds=whole,
        baseline_seconds=seconds,
        ratio=whole / seconds,
        landing_ratio=median(landed) / seconds,
        build_ratio=median(b - a for a, b in zip(landed, built_after, strict=True)) / seconds,
        publish_ratio=median(t.seconds - b for t, b in zip(nights, built_after, strict=True)) / seconds,
        landing_speed=reading / median(stages(t.output)["land"] for t in landings),
        nightly_cpu_seconds=median(t.cpu_seconds for t in nights),
        baseline_cpu_seconds=median(t.cpu_seconds for t in baselines),
        quiet_seconds=median(t.seconds for t in quiet),
        quiet_to_imports=median(t.seconds for t in quiet) / median(t.seconds for t in starts),
        nightly_mebibytes=max(t.mebibytes for t in nights),
        baseline_mebibytes=max(t.mebibytes for t in baselines),
    )


def _middle(timings: list[Timing]) -> Timing:
    """The one of the median, of two the slower."""
    return sorted(timings, key=lambda t: t.seconds)[len(timings) // 2]


def _stages_table(system: str, baseline_stages: list[dict[str, float]]) -> Table:
    table = Table("", "seconds", title=f"{system}: the baseline's stages, medians")
    for name in baseline_stages[0]:
        table.add_row(name, f"{median(each[name] for each in baseline_stages):.1f}")
    return table


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    optional = argparse.BooleanOptionalAction
    parser.add_argument("systems", nargs="*", metavar="SYSTEM", help=f"which of {', '.join(EVENTS)} (all)")
    parser.add_argument("--events", type=int, help="of each system (2,000,000; of alexa 500,000)")
    parser.add_argument("--repeat", type=int, default=2, help="runs, of which medians are printed (%(default)s)")
    parser.add_argument("--history", action=optional, help="one more day on 30 and on 365 days (of mailgun)")
    parser.add_argument("--daily", type=int, default=20_000, help="events a day of that history (%(default)s)")
    parser.add_argument("--nights", type=int, metavar="N", help="the same events as N nights, in place of one")
    parser.add_argument("--life", type=int, metavar="N", help="N nights of small files on a simulated clock alone")
    parser.add_argument(
        "--peers",
        action=optional,
        help=f"dlt and dbt alone, of mailgun (up to {_PEERS_EVENTS:,} events, as dlt is slow)",
    )
    parser.add_argument("--record", action="store_true", help="append to docs/benchmarks.csv and draw its chart")
    options = parser.parse_args()
    if unknown := sorted(set(options.systems) - set(EVENTS)):
        parser.error(f"no baseline for {', '.join(unknown)}; there are {', '.join(EVENTS)}")
    return options


def main() -> None:
    options = parse()
    console = Console(width=130, highlight=False)
    results = []
    if options.life:
        with tempfile.TemporaryDirectory() as folder:
            long_life(Path(folder), options.systems or [*EVENTS], options.life, console)
        return
    for system in options.systems or EVENTS:
        events = options.events or EVENTS[system]
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder)
            if options.nights:
                many_nights(work, system, events, options.nights, console)
                continue
            is_small = events <= _PEERS_EVENTS
            with_peers = system == WITH_PEERS and (is_small if options.peers is None else options.peers)
            if system == WITH_PEERS and options.peers is None and not is_small:
                console.print(f"dlt and dbt alone are measured with --peers, or of {_PEERS_EVENTS:,} events or fewer")
            results.append(measure(work, system, events, options.repeat, with_peers, console))
            if options.record:
                record(results[-1])
        if options.history or (options.history is None and system == "mailgun"):
            with tempfile.TemporaryDirectory() as folder:
                one_more_day(Path(folder), system, options.daily, options.repeat, console)
    if results:
        console.print(summary(results))


if __name__ == "__main__":
    main()
