"""The summary at the end of a run, a screenful: first what needs attention, then what landed and the headlines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from touchstone.console import printable
from touchstone.damage import lake_damaged
from touchstone.fetching import switched_on
from touchstone.fetching.fetch import addresses, findings
from touchstone.landing.freshness import Freshness, freshness
from touchstone.landing.ledger import Ledger, Totals
from touchstone.landing.quarantine import Group, open_groups
from touchstone.landing.streams import read_streams
from touchstone.manifest import sources_off
from touchstone.release import REPORT_STATE, held_back
from touchstone.report.unusual import unusual_rates
from touchstone.settings import Settings

_WIDTH = 100
# How many entries of a long list are shown; the report and the ledger have the rest.
_SHOWN = 5


def print_summary(
    settings: Settings, since: int = 0, failed: bool = False, fetched_since: datetime | None = None
) -> bool:
    """Print it; `since` is the last load before the run, and `fetched_since` when the run began.

    Returns whether this run quarantined nothing and no file is refused.
    """
    console = wide_console()
    published = settings.published / "touchstone.duckdb"
    off = sources_off(settings)
    with Ledger.open(settings) as ledger:
        if failed:
            _warn(
                console,
                "The run failed",
                f"readers still see the previous release. The error is above, dbt's full log is {settings.dbt_log}",
            )
        held_back = _print_held_back(console, published) if published.exists() else set()
        for name, paths in ledger.damaged_files().items():
            damage = str(lake_damaged([*paths], name))
            if not any(damage in reason for reason in held_back):
                _warn(console, "Damaged", damage)
        for stream, reason in ledger.failed_landings().items():
            if stream not in off and reason not in held_back:
                _warn(console, "Not landed", reason)
        for source in freshness(ledger.connection, settings, datetime.now(UTC)):
            if source.source not in off:
                _print_lateness(console, source)
        print_fetched(console, settings, ledger, fetched_since)
        _print_open(console, [group for group in open_groups(ledger.connection) if group.source not in off])
        _print_landing(console, ledger, [source for source in read_streams() if source not in off], since)
        clean = not any(group.source not in off for group in open_groups(ledger.connection, since=since))
    if published.exists():
        if (state := settings.published / REPORT_STATE).exists():
            _print_headlines(console, json.loads(state.read_text(encoding="utf-8"))["headlines"])
        with duckdb.connect(str(published.resolve()), read_only=True) as connection:
            _print_reconciliation(console, connection)
        if settings.target == "spark":
            console.print("Built by:  Spark")
        console.print(f"Published: {_shown(str(published))}\n           {_shown(str(settings.published / 'parquet'))}")
        if (report := settings.published / "report.html").exists():
            console.print(f"Report:    {report.absolute().as_uri()}", soft_wrap=True)
    return clean


def wide_console() -> Console:
    console = Console(highlight=False)
    # a cut number is worse than a wrapped line
    return console if console.width >= _WIDTH else Console(highlight=False, width=_WIDTH)


def print_fetched(console: Console, settings: Settings, ledger: Ledger, since: datetime | None) -> bool:
    """Print what was fetched, or was so `since` then, and what is missing; returns whether anything is."""
    found = [*findings(settings, ledger)]
    for kind, text in found:
        _warn(console, kind, text)
    names = {source.name for source in switched_on(settings)}
    table = _table("Fetched in this run" if since else "Fetched")
    for column in ("source", "scope", "from", "to"):
        table.add_column(column, no_wrap=True)
    for column in ("calls", "records"):
        table.add_column(column, justify="right", no_wrap=True)
    for total in ledger.fetched.totals(since and since.replace(tzinfo=None)):
        if total.source in names:
            times = (f"{at:%Y-%m-%d %H:%M}" for at in (total.start, total.end))
            table.add_row(total.source, _shown(total.scope), *times, f"{total.calls:,}", f"{total.records:,}")
    if table.row_count:
        console.print(table)
    for vendor, address in sorted(addresses(settings)):
        console.print(_shown(f"{vendor} is asked at {address}, which gets its key, and not at its own address"))
    return bool(found)


def _shown(text: str) -> str:
    """Text from files or settings, escaped so that neither the terminal nor rich's markup obeys it."""
    return escape(printable(text))


def _warn(console: Console, what: str, text: str) -> None:
    console.print(f"[bold red]{what}[/]: {_shown(text)}", soft_wrap=True)


def _print_held_back(console: Console, published: Path) -> set[str]:
    """Print the systems that are held back, and unusual rates; returns the reasons."""
    with duckdb.connect(str(published.resolve()), read_only=True) as connection:
        systems = held_back(connection)
        unusual = unusual_rates(connection)
    for system in systems:
        _warn(console, "Held back", system.message)
    for rate, said in [*unusual.items()][:_SHOWN]:
        _warn(console, "Unusual", f"{rate}: {said}")
    if (more := len(unusual) - _SHOWN) > 0:
        console.print(f"    and {more:,} more, in email_watch_daily")
    return {system.reason for system in systems}


def _print_lateness(console: Console, source: Freshness) -> None:
    if source.is_late:
        _warn(console, "Late", source.lateness)
    if source.lacks_recent_hours:
        _warn(console, "Missing", source.gap)


def _print_open(console: Console, groups: list[Group]) -> None:
    """Print what is quarantined or refused, by source and reason, with the first place."""
    for group in groups[:_SHOWN]:
        what = "Refused" if group.is_file else "Quarantined"
        _warn(console, f"{what}, {group.records:,}", f"{group.source}: {group.reason}")
        position = "" if group.is_file else f", line {group.line}"
        console.print(f"    {'first ' * (group.records > 1)}{_shown(group.path)}{position}", soft_wrap=True)
    if more := groups[_SHOWN:]:
        console.print(f"    and {sum(group.records for group in more):,} more for {len(more):,} reasons, in the report")
    if groups:
        console.print(
            "    Correct the file, or close what nobody will correct with `make dismiss` (docs/operations.md)\n"
        )


def _print_landing(console: Console, ledger: Ledger, sources: Sequence[str], since: int) -> None:
    table = _table("Landed in this run" if since else "Landed")
    table.add_column("source", no_wrap=True)
    for column in ("files", "records", "accepted", "dupli-\ncates", "quaran-\ntined", "ignored"):
        table.add_column(column, justify="right", no_wrap=True)
    notes = []
    without = 0
    for source in sources:
        totals = ledger.totals(source, since)
        if totals == Totals():
            without += bool(ledger.totals(source).files)
            continue
        numbers = (
            totals.files, totals.records, totals.accepted, totals.duplicates, totals.quarantined, totals.ignored
        )  # fmt: skip
        table.add_row(source, *(f"{n:,}" for n in numbers))
        notes += [
            f"{source}: {path} has changed: {now.records:,} records of which {now.accepted:,} are new "
            f"({before.records:,} before), {now.duplicates:,} duplicates"
            for path, before, now in ledger.changed_files(source, since)[:_SHOWN]
        ]
        if fields := ledger.unknown_fields(source, since):
            notes.append(f"{source}: undeclared fields: {_most(fields)}")
    if table.row_count:
        console.print(table)
    elif not without:
        why = "see above" if ledger.failed_landings() else "the inbox is empty"
        console.print(f"Nothing has landed: {why}.\n")
    if without:
        console.print(f"Nothing new from {without} other source{'s' * (without > 1)}\n")
    for note in notes:
        console.print(_shown(note), soft_wrap=True)
    if notes:
        console.print()


def _most(counts: Mapping[str, int]) -> str:
    """The most frequent names, with their counts."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    more = len(ordered) - _SHOWN
    return ", ".join(f"{name} ({count:,})" for name, count in ordered[:_SHOWN]) + (
        f" and {more:,} more" if more > 0 else ""
    )


def _print_headlines(console: Console, headlines: Sequence[Sequence[str]]) -> None:
    """Print the first headlines of each system: its last full day beside the days before it."""
    table = _table("Headlines of the last full day, and the median of days before, as the report compares")
    table.add_column("system and day", no_wrap=True)
    table.add_column("metric", no_wrap=True, max_width=28)  # a name from the data may be long
    for column in ("value", "median"):
        table.add_column(column, justify="right", no_wrap=True, min_width=10)
    table.add_column("of", no_wrap=True)
    table.add_column("", no_wrap=True, min_width=5)
    for row in headlines:
        table.add_row(*map(_shown, row))
    if table.row_count:
        console.print(table)


def _print_reconciliation(console: Console, connection: duckdb.DuckDBPyConnection) -> None:
    """Print how many of the vendors' numbers equal ours."""
    found = connection.execute(
        "select status, count(*) from reconciliation_daily group by status order by count(*) desc, status"
    ).fetchall()
    if found:
        counts = ", ".join(f"{count:,} {status}" for status, count in found)
        console.print(f"Compared with the vendors' own numbers: {counts}\n", soft_wrap=True)


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", box=SIMPLE, title_style="bold", pad_edge=False)
