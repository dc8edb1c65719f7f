"""A copy of the lake that Spark can read: keys are Parquet's UUIDs in the lake, and Spark opens no file with one."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb

from touchstone.console import log_progress
from touchstone.landing.streams import read_streams
from touchstone.settings import Settings
from touchstone.spark import NotGenerated


def copy_lake(settings: Settings, out: Path) -> None:
    """Write the records of each stream into a folder of its name, `system/stream`, below `out`, with keys as text.
    What an earlier copy has of a stream is replaced once the new one is written.

    Raises NotGenerated if nothing has landed.
    """
    sources = [source for source in read_streams() if any((settings.lake / source).glob("*.parquet"))]
    if not sources:
        raise NotGenerated(f"{settings.lake} has no records: run nightly first")
    with duckdb.connect(config={"memory_limit": settings.memory_limit}) as connection:
        for source in sources:
            log_progress(f"copying {source}")
            new, folder = out / f".{source.replace('/', '-')}", out / source
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir(parents=True)
            lake = connection.from_parquet(str(settings.lake / source / "*.parquet"), union_by_name=True)
            lake.select("* replace (_key::varchar as _key)").write_parquet(str(new / "records.parquet"))
            shutil.rmtree(folder, ignore_errors=True)
            folder.parent.mkdir(parents=True, exist_ok=True)
            new.rename(folder)
