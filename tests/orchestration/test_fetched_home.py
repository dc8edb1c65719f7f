"""A home that only fetches: the marts of all systems are those of the same records put in by hand."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import duckdb
import fsspec
import pytest

from touchstone.sample.__main__ import main as write_sample

from .commands import run
from .mailgun_api import KEY, Event, mailgun
from .servers import s3_server

NOW = datetime(2026, 3, 20, 2, tzinfo=UTC)
DAYS = 6
Rows = dict[str, list[tuple[Any, ...]]]


def records(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.rglob("*.gz")):
        yield from map(json.loads, gzip.decompress(path.read_bytes()).splitlines())


def marts(home: Path) -> Rows:
    """Rows of every mart, and of what the vendors report, but for the times of the build."""
    with duckdb.connect(str(home / "published" / "touchstone.duckdb"), read_only=True) as connection:
        names = connection.execute(
            "select table_name from information_schema.columns where table_schema = 'main' "
            "group by 1 having bool_or(column_name in ('period_start', 'cohort_week')) order by 1"
        ).fetchall()
        return {name: connection.execute(f"from {name} order by all").fetchall() for (name,) in names}
