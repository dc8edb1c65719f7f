"""The summary at the end of a run: what was landed, what is published, and yesterday's numbers."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestration.landing.freshness import Freshness, freshness
from orchestration.landing.ledger import Ledger, Totals
from orchestration.landing.streams import read_streams
from orchestration.release import held_back
from orchestration.settings import Settings

# Shown of everything that was kept aside; the rest is in the ledger.
_SHOWN = 5
_WIDTH = 100
_GRAINS = ("hourly", "daily", "monthly")


def print_summary(settings: Settings, since: int = 0, failed: bool = False) -> bool:
    """Print it; `since` is the last landing before the run. Returns whether nothing was kept aside."""
    console = Console(highlight=False)
    if console.width < _WIDTH:
        console = Console(highlight=False, width=_WIDTH)  # a cut number is worse than a wrapped line
    with Ledger.open(settings.lake, settings.scratch, settings.memory_limit) as ledger:
        clean = _print_landing(console, ledger, since)
        _print_late(console, freshness(ledger.connection, settings, datetime.now(UTC)))
    if failed:
        console.print(
            f"[bold red]The run failed[/]: readers still see the release before it. What was said is above, "
            f"dbt's part in full in {settings.home / 'dbt' / 'target' / 'dbt.log'}",
            soft_wrap=True,
        )
    published = settings.published / "touchstone.duckdb"
    if published.exists():
        with duckdb.connect(str(published.resolve()), read_only=True) as connection:
            _print_held_back(console, connection)
            _print_marts(console, connection)
            _print_reconciliation(console, connection)
            console.print(f"Published: {published}\n           {settings.published / 'parquet'}", soft_wrap=True)
            if (report := settings.published / "report.html").exists():
                console.print(f"Report:    {report.absolute().as_uri()}", soft_wrap=True)
            _print_yesterday(console, connection)
    return clean


def _print_landing(console: Console, ledger: Ledger, since: int) -> bool:
    table = Table(
        title="Landed in this run" if since else "Landed",
        title_justify="left",
        box=SIMPLE,
        title_style="bold",
        pad_edge=False,
    )
    table.add_column("source", no_wrap=True)
    for column in ("files", "records", "accepted", "dupli-\ncates", "quaran-\ntined", "ignored", "refused\nfiles"):
        table.add_column(column, justify="right", no_wrap=True)
    kept_aside = []
    notes = []
    for source in read_streams():
        totals = ledger.totals(source, since)
        refused = ledger.refused(source)
        if totals == Totals() and not refused and not ledger.totals(source).files:
            continue
        numbers = (
            totals.files, totals.records, totals.accepted, totals.duplicates, totals.quarantined, totals.ignored
        )  # fmt: skip
        table.add_row(source, *(f"{n:,}" for n in (*numbers, len(refused))))
        kept_aside += [(source, path, "", reason) for path, reason in refused]
        kept_aside += [
            (source, path, f"line {line}", reason) for path, line, reason in ledger.quarantined(source, since)
        ]
        for name, kinds in (
            ("ignored, as no metric counts them", ledger.ignored_kinds(source, since)),
            ("fields that are not declared", ledger.unknown_fields(source, since)),
        ):
            if kinds:
                notes.append(f"{source}: {name}: " + ", ".join(f"{k} ({n:,})" for k, n in kinds.items()))
    console.print(table if table.row_count else "Nothing has been landed: the inbox is empty.")
    for note in notes:
        console.print(note)
    if kept_aside:
        console.print(f"\n[bold]Kept aside[/]: {len(kept_aside):,}; all of it is in the ledger (README, Quarantine)")
        for source, path, line, reason in kept_aside[:_SHOWN]:
            console.print(f"  {source}/{path} {line}: {reason}", soft_wrap=True)
        if len(kept_aside) > _SHOWN:
            console.print(f"  and {len(kept_aside) - _SHOWN:,} more")
    return not kept_aside


def _print_late(console: Console, sources: list[Freshness]) -> None:
    """Sources that used to deliver and don't, and those with hours that should have records."""
    for source in sources:
        if source.is_late:
            console.print(
                f"[bold]Late[/]: {source.source}: nothing new since {source.newest_landing_at:%Y-%m-%d %H:%M} UTC, "
                f"usually every {source.usual_interval_hours:,.0f} h",
                soft_wrap=True,
            )
        if source.lacks_recent_hours:
            console.print(
                f"[bold]Missing[/]: {source.source}: hours without records, the last one "
                f"{source.last_hour_without_records:%Y-%m-%d %H:%M} UTC",
                soft_wrap=True,
            )


def _print_held_back(console: Console, connection: duckdb.DuckDBPyConnection) -> None:
    """Systems whose marts are not of the newest build."""
    for system in held_back(connection):
        console.print("[bold red]Held back[/]: ", Text(system.said), sep="", soft_wrap=True)


def _print_reconciliation(console: Console, connection: duckdb.DuckDBPyConnection) -> None:
    """How many of the vendors' own numbers are ours."""
    rows = connection.execute(
        "select status, count(*) from reconciliation_daily group by status order by count(*) desc, status"
    ).fetchall()
    if rows:
        counts = ", ".join(f"{count:,} {status}" for status, count in rows)
        console.print(f"Compared with the vendors' own numbers: {counts}\n", soft_wrap=True)


def _print_marts(console: Console, connection: duckdb.DuckDBPyConnection) -> None:
    """A row per mart: its rows at each grain, and the days it covers."""
    table = Table(title="Marts", title_justify="left", box=SIMPLE, title_style="bold", pad_edge=False)
    table.add_column("mart", no_wrap=True)
    for column in (*_GRAINS, "from", "to"):
        table.add_column(column, justify="right" if column in _GRAINS else "left", no_wrap=True)
    marts = _marts(connection)
    names = sorted(mart.removesuffix("_hourly") for mart in marts if mart.endswith("_hourly"))
    empty = 0
    for name in names:
        rows, days = [], None
        for grain in _GRAINS:
            mart = f"{name}_{grain}"
            row = connection.execute(f"select count(*), min(period_start), max(period_start) from {mart}").fetchone()
            assert row is not None
            rows.append(row[0])
            days = row[1:] if grain == "daily" else days
        if days and rows[0]:
            table.add_row(name, *(f"{count:,}" for count in rows), *map(str, days))
        else:
            empty += 1
    if table.row_count:
        console.print(table)
    if empty:
        console.print(f"{empty} of {len(names)} marts have no rows yet\n")


def _marts(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute(
        "select table_name from information_schema.columns "
        "where table_schema = 'main' and column_name = 'period_start' and not starts_with(table_name, 'metric_values') "
        "order by table_name"
    ).fetchall()
    return [name for (name,) in rows]


def _print_yesterday(console: Console, connection: duckdb.DuckDBPyConnection) -> None:
    """Yesterday's counts of each mart, or those of its last day before.

    Only what may be added up over a mart's keys: not the metrics of CloudWatch, as dimension sets tell of the same.
    """
    marts = connection.execute(
        """
        select mart, list(metric order by metric)
        from metric_catalog
        where rollup = 'sum' and kind in ('count', 'derived', 'sum') and mart <> 'cloudwatch_metrics'
        group by mart
        order by mart
        """
    ).fetchall()
    yesterday = date.today() - timedelta(days=1)
    for mart, metrics in marts:
        row = connection.execute(
            f"select period_start, {', '.join(f'sum({metric})' for metric in metrics)} from {mart}_daily "
            f"where period_start = (select max(period_start) from {mart}_daily where period_start <= ?) "
            "group by period_start",
            [yesterday],
        ).fetchone()
        if row:
            _print_counts(console, f"{mart} on {row[0]}", list(zip(metrics, row[1:], strict=True)))


def _print_counts(console: Console, title: str, counts: list[tuple[str, Any]]) -> None:
    """Counts that are not 0, in two columns."""
    shown = [(name, f"{value:,.2f}".removesuffix(".00")) for name, value in counts if value]
    table = Table(title=title, title_justify="left", box=SIMPLE, show_header=False, title_style="bold", pad_edge=False)
    for _ in range(2):
        table.add_column(no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
    height = -(-len(shown) // 2)
    for row in range(height):
        cells = [shown[i] if i < len(shown) else ("", "") for i in range(row, 2 * height, height)]
        table.add_row(*(text for cell in cells for text in cell))
    console.print(table)
