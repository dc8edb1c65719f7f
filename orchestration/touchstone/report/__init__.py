"""The report: one HTML file of a release, which people can read without a network, scripts or other files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import duckdb

from touchstone.landing.ledger import Ledger
from touchstone.landing.records import literal
from touchstone.manifest import sources_off
from touchstone.report.page import Check, render
from touchstone.settings import Settings

__all__ = ["Check", "write_report"]


def write_report(folder: Path, settings: Settings, ledger: Ledger, checks: Sequence[Check]) -> Path:
    """Write the report of a finished release into its folder, atomically."""
    with duckdb.connect(str(folder / "touchstone.duckdb"), read_only=True) as connection:
        connection.execute(f"set temp_directory = {literal(str(settings.scratch))}")
        connection.execute(f"set memory_limit = '{settings.memory_limit}'")
        text = render(connection, ledger, checks, sources_off(settings))
    path, unfinished = folder / "report.html", folder / ".report.html"
    with unfinished.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, path)
    return path
