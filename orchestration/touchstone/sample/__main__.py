"""`python -m touchstone.sample INBOX`: write made-up extracts of all vendors into an inbox.

A stream is a file `<system>/<stream>.sql`. Its last statement selects the lines, each with the time at which it is
extracted (`arrived`); those before it run once. A line "-- Needs: <system>/_shared.sql." names a file of what several
streams share, which runs first; `common.sql` is what all share. A system's streams share a database, in which they run
by their names.
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

from touchstone.sample.odd_files import write_odd_files

_HERE = Path(__file__).parent
SYSTEMS = tuple(sorted(folder.name for folder in _HERE.iterdir() if folder.is_dir() and any(folder.glob("*.sql"))))
_LINES = "(format csv, header false, quote '', escape '', delimiter '\x01')"


def parse(arguments: list[str]) -> argparse.Namespace:
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
    return options


def main(arguments: list[str] | None = None) -> int:
    options = parse(sys.argv[1:] if arguments is None else arguments)
    end = options.end or datetime.now(UTC).date() - timedelta(days=1)
    days = [end - timedelta(days=ago) for ago in reversed(range(options.days))]
    started = time.perf_counter()
    records = sum(write_system(name, days, options) for name in options.systems)
    print(f"{records:,} records of {days[0]} to {end}, {time.perf_counter() - started:.1f} s: {options.inbox}")
    return 0


def write_system(system: str, days: list[date], options: argparse.Namespace) -> int:
    """Write a system's streams; how many records. Each has a database of its own, so that none depends on another."""
    with tempfile.TemporaryDirectory(prefix="touchstone-sample-") as scratch, duckdb.connect() as connection:
        connection.execute(f"set threads = {options.jobs}; set temp_directory = '{scratch}'")
        connection.execute(f"create macro first_day() as date '{days[0]}'")
        for name in ("seed", "events", "clean", "days"):
            connection.execute(f"create macro {name}() as {getattr(options, name)}")
        connection.execute((_HERE / "common.sql").read_text())
        streams = {file: file.read_text() for file in sorted((_HERE / system).glob("[!_]*.sql"))}
        needed = re.findall(r"^-- Needs: ([\w/]+\.sql)\.$", "\n".join(streams.values()), re.MULTILINE)
        for shared in dict.fromkeys(needed):
            connection.execute((_HERE / shared).read_text())
        records = 0
        for file, sql in streams.items():
            *before, lines = [statement.query for statement in duckdb.extract_statements(sql)]
            for statement in before:
                connection.execute(statement)
            write = partial(write_day, connection, lines, Path(scratch), options, file)
            with ThreadPoolExecutor(options.jobs) as pool:
                records += sum(pool.map(write, range(len(days)), days))
        return records


def write_day(
    connection: duckdb.DuckDBPyConnection,
    lines: str,
    scratch: Path,
    options: argparse.Namespace,
    stream: Path,
    number: int,
    day: date,
) -> int:
    """Write a day's file of a stream, and an odd one beside it; how many records."""
    plain = scratch / f"{stream.stem}-{day}"
    # A text as long as a record sorts slowly, and only ties need it.
    select = (
        f"select line from ({lines.rstrip().rstrip(';')}) where arrived >= timestamp '{day}'"
        f" and arrived < timestamp '{day}' + interval 1 day order by arrived, line"
    )
    ((records,),) = connection.cursor().execute(f"copy ({select}) to '{plain}' {_LINES}").fetchall()
    if records:
        folder = options.inbox / stream.parent.name / stream.stem / f"{day:%Y/%m/%d}"
        folder.mkdir(parents=True, exist_ok=True)
        # DuckDB's own gzip takes five times as long as all the rest. Without mtime=0 no two runs wrote the same bytes.
        gzip_file: Any = igzip.IGzipFile  # has no types
        with (
            plain.open("rb") as source,
            gzip_file(str(folder / f"{stream.stem}.ndjson.gz"), "wb", 1, mtime=0) as target,
        ):
            shutil.copyfileobj(source, target, 1 << 20)
        if not options.clean:
            write_odd_files(folder, plain, number, options.days)
    plain.unlink()
    return int(records)


if __name__ == "__main__":
    sys.exit(main())
