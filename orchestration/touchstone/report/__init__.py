"""The report: one HTML file of a release, which people can read without a network, scripts or other files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import duckdb

from touchstone.landing.ledger import Ledger
from touchstone.landing.records import literal
from touchstone.manifest import sources_off
from touchstone.release import REPORT_STATE
from touchstone.report import words
from touchstone.report.headlines import declared
from touchstone.report.news import Check, news_of
from touchstone.report.numbers import Section, rows, sections
from touchstone.report.page import render
from touchstone.settings import Settings

__all__ = ["Check", "write_report"]

# Headlines of each system in the summary.
_HEADLINES = 3


def write_report(folder: Path, settings: Settings, ledger: Ledger, checks: Sequence[Check]) -> Path:
    """Write the report of a finished release into its folder, and what it states for its summary and the next report,
    atomically.
    """
    with duckdb.connect(str(folder / "touchstone.duckdb"), read_only=True) as connection:
        connection.execute(f"set temp_directory = {literal(str(settings.scratch))}")
        connection.execute(f"set memory_limit = '{settings.memory_limit}'")
        catalog = rows(connection, "from metric_catalog order by system, mart, metric")
        in_catalog = {entry["system"] for entry in catalog}
        systems = [system for system in declared(settings) if system.system in in_catalog]
        shown = list(sections(connection, systems, catalog))
        news, state = news_of(folder, connection, shown, checks)
        page = render(connection, ledger, catalog, systems, shown, news, len(checks), sources_off(settings))
    _write(folder / REPORT_STATE, json.dumps({"headlines": [*_headlines(shown)], **state}))
    return _write(folder / "report.html", page)


def _write(path: Path, text: str) -> Path:
    unfinished = path.with_name(f".{path.name}")
    with unfinished.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, path)
    return path


def _headlines(shown: Iterable[Section]) -> Iterator[tuple[str, ...]]:
    """The first headlines of each system: its title with the day, once, metric, value and median as text, the days that
    this is the median of, and the status.
    """
    for section in shown:
        day = section.window.compared()
        if day is None:
            continue  # nothing is compared
        title = f"{section.system.title}, {words.short_day(day)}"
        of_line = {id(comparison.line): comparison for comparison in section.comparisons}
        named: set[str] = set()
        for drawn in section.charts[:_HEADLINES]:
            for comparison in [of_line[id(line)] for line in drawn.lines[:1] if id(line) in of_line]:
                line = comparison.line
                is_unclear = drawn.chart.by or line.label in named
                metric = f"{drawn.chart.title}: {line.label}" if is_unclear else line.label
                value, middle = (words.number(each, line.unit) for each in (comparison.value, comparison.median))
                status = comparison.status if comparison.status in ("above", "below") else ""
                yield title, metric, value, middle, words.basis(comparison, day, short=True), status
                named.add(line.label)
                title = ""
