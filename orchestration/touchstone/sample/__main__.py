"""`python -m touchstone.sample INBOX`: write made-up extracts of all vendors into an inbox.

A stream is a file `<system>/<stream>.sql`. Its last statement selects the lines, each with the time at which it is
extracted (`arrived`); those before it run once. A system's streams share a database, in which they run by their names,
after `common.sql` and what the streams share in `_shared.sql`: their system's, or another's, which a line
"-- Needs: <system>/_shared.sql." names.
"""

import argparse
import os
import re
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
from isal import igzip

from touchstone.landing.streams import read_streams
from touchstone.sample.odd_files import write_odd_files

_HERE = Path(__file__).parent
SYSTEMS = tuple(sorted({file.parent.name for file in _HERE.glob("*/*.sql")}))
_LINES = "(format csv, header false, quote '', escape '', delimiter '\x01')"
_OPTIONS = {"seed": "bigint", "events": "bigint", "days": "integer", "clean": "boolean", "first_day": "date"}


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m touchstone.sample",
        description="Write made-up extracts into an inbox. The same arguments give the same bytes.",
    )
    parser.add_argument("inbox", type=Path, metavar="INBOX", help="folder; files in it stay")
    parser.add_argument("--seed", type=int, default=7, help="another seed, another sample (%(default)s)")
    parser.add_argument("--days", type=int, default=35, help="days of data (%(default)s)")
    parser.add_argument("--events", type=int, default=20_000, help="records of each system's events (%(default)s)")
    parser.add_argument("--systems", default=",".join(SYSTEMS), help="which of them (%(default)s)")
    parser.add_argument("--end", type=date.fromisoformat, help="last day, YYYY-MM-DD (yesterday, UTC)")
    parser.add_argument("--clean", action="store_true", help="no odd records, no odd and no damaged files")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="threads (%(default)s)")
    options = parser.parse_args(arguments)
    options.systems = options.systems.split(",")
    if unknown := sorted(set(options.systems) - set(SYSTEMS)):
        parser.error(f"no such system: {', '.join(unknown)}; there are {', '.join(SYSTEMS)}")
    if min(options.days, options.events, options.jobs) < 1:
        parser.error("days, events and jobs must be at least 1")
    options.end = options.end or datetime.now(UTC).date() - timedelta(days=1)
    options.first_day = options.end - timedelta(days=options.days - 1)
    return options


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    started = time.perf_counter()
    records = sum(write_system(system, options) for system in options.systems)
    duration = time.perf_counter() - started
    print(f"{records:,} records of {options.first_day} to {options.end}, {duration:.1f} s: {options.inbox}")
    return 0


def write_system(system: str, options: argparse.Namespace) -> int:
    """Write a system's streams; how many records. Each has a database of its own, so that none depends on another."""
    declared = read_streams()
    shared, streams = (sorted((_HERE / system).glob(pattern)) for pattern in ("_*.sql", "[!_]*.sql"))
    needed = re.findall(r"^-- Needs: (.+)\.$", "\n".join(file.read_text() for file in streams), re.MULTILINE)
    records = 0
    with tempfile.TemporaryDirectory(prefix="touchstone-sample-") as scratch, duckdb.connect() as connection:
        connection.execute(f"set threads = {options.jobs}; set temp_directory = '{scratch}'")
        for name, type_of in _OPTIONS.items():
            connection.execute(f"create macro {name}() as '{getattr(options, name)}'::{type_of}")
        for file in [_HERE / "common.sql", *shared, *(_HERE / name for name in needed)]:
            connection.execute(file.read_text())
        for stream in streams:
            ignored = list(declared[f"{system}/{stream.stem}"].ignored_kinds)
            connection.execute(f"create or replace macro ignored_kinds() as {ignored}::varchar[]")
            *before, lines = duckdb.extract_statements(stream.read_text())
            for statement in before:
                connection.execute(statement)
            write = partial(write_day, connection, lines.query.rstrip(" \n;"), stream, options)
            with ThreadPoolExecutor(options.jobs) as pool:
                records += sum(pool.map(write, range(options.days)))
    return records


def write_day(
    connection: duckdb.DuckDBPyConnection, lines: str, stream: Path, options: argparse.Namespace, number: int
) -> int:
    """Write a day's file of a stream, and an odd one beside it; how many records."""
    day = options.first_day + timedelta(days=number)
    folder = options.inbox / stream.parent.name / stream.stem / f"{day:%Y/%m/%d}"
    # A text as long as a record sorts slowly, and only ties need it.
    span = f"arrived >= timestamp '{day}' and arrived < timestamp '{day + timedelta(days=1)}'"
    select = f"select line from ({lines}) where {span} order by arrived, line"
    with tempfile.NamedTemporaryFile(prefix="touchstone-sample-") as plain:
        ((records,),) = connection.cursor().execute(f"copy ({select}) to '{plain.name}' {_LINES}").fetchall()
        if records:
            folder.mkdir(parents=True, exist_ok=True)
            # DuckDB's own gzip is five times as slow as all the rest. Without mtime=0 no two runs write the same bytes.
            gzip_file: Any = igzip.IGzipFile  # has no types
            compressed = gzip_file(str(folder / f"{stream.stem}.ndjson.gz"), "wb", 1, mtime=0)
            with Path(plain.name).open("rb") as source, compressed as target:
                shutil.copyfileobj(source, target, 1 << 20)
        if records and not options.clean:
            write_odd_files(folder, Path(plain.name), number, options.days)
    return int(records)


if __name__ == "__main__":
    sys.exit(main())
