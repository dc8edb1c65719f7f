"""Erases persons from a home: what counts of their records stays, and no longer says whose it was.

Only the hashes of identifiers are kept, so that an erasure that was cut off is finished without them. Each step finds
what is left to do, and can be done twice. The warehouse is removed: the next night builds it from the lake, in full.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa

from touchstone.home import BEFORE
from touchstone.landing import opentelemetry
from touchstone.landing.formats import FileRefused
from touchstone.landing.inbox import Found
from touchstone.landing.land import files_of
from touchstone.landing.ledger import Ledger, unfinished, write_anew
from touchstone.landing.persons import CannotErase, Person, Persons
from touchstone.landing.pseudonymise import pseudonymised
from touchstone.landing.records import literal, quoted, read_lake
from touchstone.landing.rewrite import rewriting
from touchstone.landing.stage import Staged, stage
from touchstone.landing.streams import Stream
from touchstone.publish import NAMES_PERSONS, releases
from touchstone.settings import Settings

_SQLITE = b"SQLite format 3\0"
# What the user writes: it is named, not changed.
_OWN = ("settings.toml", "dagster.yaml", "seeds")
_TEXTS = pa.schema([("old", pa.string()), ("new", pa.string())])


@dataclass
class Erased:
    """What was found where.

    `records`: records of the lake by source. `ledger`: values by the ledger's table. `removed`: releases that were
    removed. `is_published`: whether the present release names a person; the next night removes it. `files`: other files
    of the home that were changed or removed. `own`: files of the user's that name persons, and are unchanged.
    """

    records: dict[str, int] = field(default_factory=dict)
    ledger: dict[str, int] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    is_published: bool = False
    files: list[str] = field(default_factory=list)
    own: list[str] = field(default_factory=list)


def persons_in(file: Path) -> list[Person]:
    """The persons of a list, one a line; lines that are blank or begin with # are none. Raises CannotErase."""
    try:
        lines = file.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CannotErase(f"{file} can't be read: {getattr(error, 'strerror', 'it is not text')}") from None
    found = []
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            try:
                found.append(Person.named(line))
            except CannotErase as mistake:
                raise CannotErase(f"{file}, line {number}: {mistake}") from None
    return found


def erase(settings: Settings, streams: Iterable[Stream], persons: Sequence[Person]) -> Erased:
    """Erase persons, and finish an erasure that was cut off. The caller holds the home.

    Raises CannotErase if there is nobody to erase, or if the home has what a restore or rebuild replaced, and
    ErasureUnfinished if the home's key is gone.
    """
    places = {settings.home, settings.lake}
    if set_aside := sorted(str(path) for place in places for path in place.glob(f"{BEFORE}*")):
        raise CannotErase(f"remove what was replaced first, as it names persons too: {', '.join(set_aside)}")
    if settings.ledger_postgres:
        raise CannotErase(
            "the ledger is shared (ledger_postgres), and each machine has a key, history and releases of its own: "
            "stop all machines but one, remove the setting there, erase, and have the others begin with new homes and "
            "a new database"
        )
    erased = Erased()
    with Ledger.open(settings) as ledger:
        if not persons and not ledger.connection.execute("from erased where not is_done").fetchone():
            raise CannotErase("name a person: PERSON=..., or PERSONS=FILE with one a line")
        known = Persons.add(ledger.connection, ledger.folder, persons, ledger.dimensions)
        for stream in streams:
            if records := _erase_records(ledger, stream, known):
                erased.records[stream.source] = records
            erased.own += _files_with(known, stream, settings)
        erased.ledger = _erase_values(ledger.connection, known)
        ledger.builds.invalidate()
        for path in settings.warehouse.iterdir():
            path.unlink()
        shutil.rmtree(settings.scratch)
        settings.scratch.mkdir()
        _erase_releases(settings, known, erased)
        _erase_files(settings, known, erased)
    write_anew(settings.ledger)
    with Ledger.open(settings) as ledger:
        ledger.connection.execute("update erased set is_done = true")
        ledger.keep_what_the_lake_lacks()
    return erased


def _erase_records(ledger: Ledger, stream: Stream, known: Persons) -> int:
    """Replace persons in the lake's records of a stream; returns in how many."""
    sql, records = ledger.connection, 0
    schema = str(ledger.lake / stream.source / "schema.parquet")
    before = ledger.pseudonymised_before(stream.source)
    with rewriting(ledger, stream.source) as rewrite:
        for path in ledger.lake_paths(stream.source, of_batch=False):
            # an old file may lack columns that the stream has now
            rows = f"(select * exclude (filename) from {read_lake([path, schema])})"
            if ids := known.erase(stream, rows, "_record_id", {"_kind": "varchar", "_file": "varchar"}):
                if before:
                    sql.execute(f"create or replace temp table replaced as {pseudonymised(stream, 'replaced', before)}")
                rewrite.replace(
                    [path],
                    f"select * from {rows} where _record_id not in ({ids}) "
                    "union all by name select * exclude (_old_key, _is_declared) from replaced",
                )
                sql.execute(
                    "update quarantine set record_key = _key from replaced where source = ? and record_key = _old_key",
                    [stream.source],
                )
                records += _count(sql, "select count(*) from replaced")
    return records


def _erase_values(sql: duckdb.DuckDBPyConnection, known: Persons) -> dict[str, int]:
    """Replace persons in all texts of the ledger; returns in how many values of each table."""
    columns = sql.execute(
        "select table_name, column_name from duckdb_columns() "
        "where database_name = current_database() and data_type = 'VARCHAR' and table_name <> 'erased'"
    ).fetchall()
    changed: Counter[str] = Counter()
    for table, column in columns:
        values = [value for (value,) in sql.execute(f"select distinct {column} from {table}").fetchall() if value]
        texts = {value: text for value in values if (text := known.text(value)) != value}
        sql.register("texts_arrow", pa.table({"old": list(texts), "new": list(texts.values())}, schema=_TEXTS))
        changed[table] += _count(sql, f"update {table} set {column} = new from texts_arrow where {column} = old")
        sql.unregister("texts_arrow")
    return {table: count for table, count in changed.items() if count}


def _erase_releases(settings: Settings, known: Persons, erased: Erased) -> None:
    """Remove releases that name persons; the present one is removed by the next night."""
    present = settings.published.resolve()
    for release in releases(settings):
        if not any(known.text(text) != text for text in _texts_of(release)):
            continue
        if release == present:
            (release / NAMES_PERSONS).touch()
            erased.is_published = True
        else:
            shutil.rmtree(release)
            erased.removed.append(release.name)


def _texts_of(release: Path) -> Iterator[str]:
    """All texts of a release: of its tables, of which its Parquet files are copies, and of its other files."""
    with duckdb.connect(str(release / "touchstone.duckdb"), read_only=True) as sql:
        columns = sql.execute(
            """
            select format('"{}"."{}"', schema_name, table_name), format('"{}"', column_name)
            from duckdb_columns()
            inner join duckdb_tables() using (database_name, schema_name, table_name)
            where database_name = current_database() and (contains(data_type, 'VARCHAR') or data_type = 'JSON')
            """
        ).fetchall()
        for table, column in columns:
            values = sql.execute(f"select distinct cast({column} as varchar) from {table}").fetchall()
            yield from (value for (value,) in values if value)
    for path in release.rglob("*"):
        if path.is_file() and path.suffix not in (".duckdb", ".parquet"):
            yield path.read_text(errors="replace")


def _erase_files(settings: Settings, known: Persons, erased: Erased) -> None:
    """Replace persons in the home's other files: Dagster's history, what dbt writes, logs."""
    for folder, folders, files in os.walk(settings.home):
        if Path(folder) == settings.home:
            folders[:] = sorted({*folders} - {"inbox", "lake", "warehouse", "releases", "published"})
        for path in (Path(folder, name) for name in sorted(files)):
            name = path.relative_to(settings.home)
            if path.is_symlink() or not path.is_file():
                continue
            if name.parts[0] in _OWN:
                text = path.read_text(errors="replace")
                erased.own += [str(name)] * (known.text(text) != text)
            elif _erase_file(path, known):
                erased.files.append(str(name))


def _erase_file(path: Path, known: Persons) -> bool:
    """Replace persons in a file, or remove it if it is no text; returns whether there were any."""
    content = path.read_bytes()
    if content.startswith(_SQLITE):
        return _erase_database(path, known)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = content.decode("latin-1")
        if found := known.text(text) != text:
            path.unlink()  # a cache: only these are binary
        return found
    if (replaced := known.text(text)) == text:
        return False
    unfinished(path).write_text(replaced)
    unfinished(path).chmod(path.stat().st_mode)
    os.replace(unfinished(path), path)
    return True


def _erase_database(path: Path, known: Persons) -> bool:
    """Replace persons in all texts of an SQLite database, and write it anew: it keeps what was deleted."""
    with closing(sqlite3.connect(path, timeout=60)) as sql:
        sql.create_function("without_persons", 1, known.text, deterministic=True)
        tables = sql.execute("select name from sqlite_master where type = 'table' and sql is not null").fetchall()
        changed = 0
        for (table,) in tables:
            for _, column, *_ in sql.execute(f"pragma table_info({quoted(table)})").fetchall():
                name = quoted(column)
                changed += sql.execute(
                    f"update {quoted(table)} set {name} = without_persons({name}) "
                    f"where typeof({name}) = 'text' and without_persons({name}) <> {name}"
                ).rowcount
        sql.commit()
        if changed:
            sql.execute("vacuum")
            sql.execute("pragma wal_checkpoint(truncate)")
    return bool(changed)


def _files_with(known: Persons, stream: Stream, settings: Settings) -> Iterator[str]:
    """The files of a stream that name persons, in their content or their paths."""
    copy = settings.scratch / "inbox"
    for found in files_of(stream, settings):
        if not isinstance(found, Found):
            continue
        names = known.text(found.path) != found.path
        if not names:
            try:
                staged = stage(found, copy, settings.max_gzip_ratio)
            except FileRefused:
                continue
            names = any(known.text(text) != text for text in _texts_in(staged))
            copy.unlink()
        if names:
            yield f"{stream.source}/{found.path}"


def _texts_in(staged: Staged) -> Iterator[str]:
    if staged.format == "opentelemetry":
        yield from (text for _, _, _, text, _ in opentelemetry.documents(staged.path))
        return
    if staged.format == "text":
        with staged.path.open(errors="replace") as file:
            while lines := file.readlines(2**20):
                yield "".join(lines)
        return
    with duckdb.connect() as sql:
        rows = sql.sql(f"select cast(rows as varchar) from read_parquet({literal(str(staged.path))}) as rows")
        for batch in rows.to_arrow_reader(10_000):
            yield from (text for text in batch.column(0).to_pylist() if text)


def _count(sql: duckdb.DuckDBPyConnection, statement: str) -> int:
    row = sql.execute(statement).fetchone()
    return int(row[0]) if row else 0
