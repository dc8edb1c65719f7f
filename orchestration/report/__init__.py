"""The report: one HTML file of a release, for people. To read it takes no network, no script, no file beside it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import duckdb

from orchestration.landing.ledger import Ledger
from orchestration.report.page import Check, render
from orchestration.settings import Settings

NAME = "report.html"

__all__ = ["NAME", "Check", "write_report"]


def write_report(release: Path, settings: Settings, ledger: Ledger, checks: Sequence[Check]) -> Path:
    """Write the report of a finished release into it, as a whole or not at all. `checks` are those of its build."""
    with duckdb.connect(str(release / "touchstone.duckdb"), read_only=True) as connection:
        connection.execute(f"set temp_directory = '{settings.scratch}'")
        connection.execute(f"set memory_limit = '{settings.memory_limit}'")
        text = render(connection, ledger, checks)
    unfinished = release / f".{NAME}"
    with unfinished.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, release / NAME)
    return release / NAME
