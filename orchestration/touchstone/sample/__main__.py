"""`python -m touchstone.sample INBOX`: write made-up extracts of all vendors into an inbox.

A stream is a file `<system>/<stream>.sql`. Its last statement selects the lines, each with the time at which it is
extracted (`arrived`); those before it run once. `<system>/_shared.sql`, where there is one, makes what streams of a
system share, and `common.sql` what all share. A line "-- Needs: ses." in a shared file names a system whose shared
tables come first.
"""

import argparse
import os
import re
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
from isal import igzip

from touchstone.sample.odd_files import write_odd_files

_HERE = Path(__file__).parent
SYSTEMS = tuple(sorted(folder.name for folder in _HERE.iterdir() if [*folder.glob("*.sql")]))
_LINES = "(format csv, header false, quote '', escape '', delimiter '\x01')"


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def systems(text: str) -> list[str]:
    names = text.split(",")
    if unknown := sorted(set(names) - set(SYSTEMS)):
        raise argparse.ArgumentTypeError(f"no such system: {', '.join(unknown)}; there are {', '.join(SYSTEMS)}")
    return names


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m touchstone.sample",
        description="Write made-up extracts into an inbox. The same arguments give the same bytes.",
    )
    parser.add_argument("inbox", type=Path, metavar="INBOX", help="folder; files in it stay")
    parser.add_argument("--seed", type=int, default=7, help="another seed, another sample (%(default)s)")
    parser.add_argument("--days", type=positive, default=35, help="days of data (%(default)s)")
    parser.add_argument("--events", type=positive, default=20_000, help="records of each system's events (%(default)s)")
    parser.add_argument("--systems", type=systems, default=",".join(SYSTEMS), help="which of them (%(default)s)")
    parser.add_argument("--end", type=date.fromisoformat, help="last day, YYYY-MM-DD (yesterday, UTC)")
    parser.add_argument("--clean", action="store_true", help="no odd records, no odd and no damaged files")
    parser.add_argument("--jobs", type=positive, default=os.cpu_count() or 1, help="threads (%(default)s)")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    options = parse(sys.argv[1:] if arguments is None else arguments)
    end = options.end or datetime.now(UTC).date() - timedelta(days=1)
    days = [end - timedelta(days=ago) for ago in reversed(range(options.days))]
    started = time.perf_counter()
    records = sum(write_system(name, days, options) for name in options.systems)
    seconds = time.perf_counter() - started
    print(f"{records:,} records of {days[0]} to {end}, {seconds:.1f} s: {options.inbox}")
    return 0


def write_system(system: str, days: list[date], options: argparse.Namespace) -> int:
    """Write a system's streams; how many records. Each has a database of its own, so that none depends on another."""
    with tempfile.TemporaryDirectory(prefix="touchstone-sample-") as scratch, duckdb.connect() as connection:
        connection.execute(f"set threads = {options.jobs}; set temp_directory = '{scratch}'")
        for name, value in [
            *((name, getattr(options, name)) for name in ("seed", "events", "clean", "days")),
            ("first_day", f"date '{days[0]}'"),
        ]:
            connection.execute(f"create macro {name}() as {value}")
        for shared in [_HERE / "common.sql", *needed(system)]:
            connection.execute(shared.read_text())
        streams = sorted(file for file in (_HERE / system).glob("*.sql") if not file.name.startswith("_"))
        return sum(write_stream(connection, file, days, options, Path(scratch)) for file in streams)


def needed(system: str) -> list[Path]:
    """The shared files of a system, those of others that it names before its own."""
    file = _HERE / system / "_shared.sql"
    if not file.exists():
        return []
    others = re.findall(r"^-- Needs: (\w+)\.$", file.read_text(), re.MULTILINE)
    return [*(path for other in others for path in needed(other)), file]


def write_stream(
    connection: duckdb.DuckDBPyConnection, file: Path, days: list[date], options: argparse.Namespace, scratch: Path
) -> int:
    """Write a stream, a file a day, and beside it an odd one; how many records."""
    *before, lines = [statement.query for statement in duckdb.extract_statements(file.read_text())]
    for statement in before:
        connection.execute(statement)
    system, stream = file.parent.name, file.stem

    def write_day(index: int) -> int:
        day = days[index]
        folder = options.inbox / system / stream / f"{day:%Y/%m/%d}"
        plain = scratch / f"{stream}-{day}"
        # A text as long as a record sorts slowly, and only ties need it.
        select = (
            f"select line from ({lines.rstrip().rstrip(';')}) where arrived >= timestamp '{day}'"
            f" and arrived < timestamp '{day}' + interval 1 day order by arrived, line"
        )
        row = connection.cursor().execute(f"copy ({select}) to '{plain}' {_LINES}").fetchone()
        if row and row[0]:
            folder.mkdir(parents=True, exist_ok=True)
            compress(plain, folder / f"{stream}.ndjson.gz")
            if not options.clean:
                write_odd_files(folder, plain, index, len(days))
        plain.unlink()
        return row[0] if row else 0

    with ThreadPoolExecutor(options.jobs) as pool:
        return sum(pool.map(write_day, range(len(days))))


def compress(plain: Path, target: Path) -> None:
    """DuckDB's own gzip takes five times as long as all the rest. Without mtime=0 no two runs wrote the same bytes."""
    gzip_file: Any = igzip.IGzipFile  # has no types
    with plain.open("rb") as lines, gzip_file(str(target), "wb", compresslevel=1, mtime=0) as file:
        while block := lines.read(1 << 20):
            file.write(block)


if __name__ == "__main__":
    sys.exit(main())
