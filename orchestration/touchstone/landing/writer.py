"""Writes a validated batch: new facts to the lake, and the status of all records to the ledger."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import date
from pathlib import Path

from touchstone.lake import is_remote
from touchstone.landing import quarantine, records
from touchstone.landing.ledger import Ledger, unfinished
from touchstone.landing.persons import create_tokens, read_key
from touchstone.landing.pseudonymise import pseudonymised
from touchstone.landing.streams import Stream

# Columns of the table `batch` that are not the lake's.
_NOT_IN_LAKE = "_filename, _byte_offset, _line, _fields, _shape, _status, _reason, _text"


class Writer:
    """Writer of one stream's batches, from the tables `batch` and `batch_files`."""

    def __init__(self, stream: Stream, ledger: Ledger) -> None:
        self._stream = stream
        self._ledger = ledger
        self._sql = ledger.connection
        self._folder = ledger.lake / stream.system / stream.name
        if not is_remote(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)

    def commit(self, count: Callable[[int], None]) -> None:
        """Write lake and ledger together: both or, if killed, neither. `count` records the counts of the load."""
        # Row ids hold within one transaction: DuckDB may renumber rows later, once some were deleted.
        self._sql.execute("begin")
        with ExitStack() as until_renamed:
            try:
                self._ledger.exclude_retracted(self._stream)
                self._erase_persons()
                self._pseudonymise()
                self._mark_repeats()
                until_renamed.enter_context(self._ledger.committing())
                number = self._ledger.next_load_id()
                written = self._write_lake(number)
                count(number)
                quarantine.close_landed(self._sql, self._stream.source)
                self._ledger.commit(self._stream.source)
            except BaseException:
                self._sql.execute("rollback")
                raise
            if written:
                unfinished(written).rename(written)

    def _erase_persons(self) -> None:
        """Replace the erased persons in the table `batch`: then what landed before they were erased is equal to it."""
        if not (persons := self._ledger.persons):
            return
        # what was quarantined before has the keys of before
        quarantine.close_landed(self._sql, self._stream.source)
        others = {"_kind": "varchar", "_text": "varchar", "_fields": "varchar[]"}
        if rows := persons.erase(self._stream, "batch", "rowid", others, is_batch=True):
            # A new table: DuckDB 2.0.0 misreads texts of one whose rows are deleted and added in a transaction.
            self._sql.execute(
                f"create or replace temp table batch as select * from batch where rowid not in ({rows}) "
                "union all by name select * exclude (_old_key, _is_declared) from replaced"
            )
            self._ledger.exclude_retracted(self._stream)
        for shape, fields in self._sql.execute("select shape, fields from shapes where len(fields) > 0").fetchall():
            if (names := [persons.text(name) for name in fields]) != fields:
                self._sql.execute("update shapes set fields = ? where shape = ?", [names, shape])

    def _pseudonymise(self) -> None:
        """Give the table `batch` the keys of pseudonymised records, and pseudonymise old ones, where that is on."""
        if not (before := self._ledger.pseudonymised_before(self._stream.source)):
            return
        # what was quarantined or retracted before it was on, or while a record was new, is known as it was then
        quarantine.close_landed(self._sql, self._stream.source)
        create_tokens(self._sql, read_key(self._ledger.folder), self._ledger.dimensions)
        for until in (date.min, before):
            rows = pseudonymised(self._stream, "batch", until)
            self._sql.execute(f"create or replace temp table batch as {rows}")
            self._ledger.exclude_retracted(self._stream)

    def _mark_repeats(self) -> None:
        """Create the table `repeats`: accepted records whose key an earlier record in the lake or the batch has.

        Intermediate tables: `firsts`, the first record of each key in the batch, and `known`, the lake's files that
        have such a key; if the date is part of the key, only files with the batch's dates are searched.
        """
        self._sql.execute("""
            create or replace temp table firsts as
            select _key, arg_min(batch.rowid, ordinal) as row_number
            from batch
            inner join batch_files on batch._filename = batch_files.filename
            where _status = 'accepted'
            group by _key
        """)
        paths = self._ledger.lake_paths(self._stream.source, of_batch=self._stream.dated_key)
        lake = (
            f"read_parquet({records.files(paths)}, filename = true)"
            if paths
            else "(select null as filename, _key from firsts)"
        )
        self._sql.execute(f"""
            create or replace temp table known as
            select distinct _key, filename
            from {lake}
            semi join firsts using (_key)
            where filename is not null
        """)
        self._sql.execute("""
            create or replace temp table repeats as
            select batch.rowid as row_number, batch._key
            from batch
            inner join firsts using (_key)
            where _status = 'accepted' and (batch.rowid <> firsts.row_number or _key in (select _key from known))
        """)

    def _known_versions(self) -> str:
        """The lake's records of the table `known`'s keys."""
        columns = ", ".join([*map(records.quoted, self._stream.columns), "_key"])
        paths = [path for (path,) in self._sql.execute("select distinct filename from known order by 1").fetchall()]
        lake = records.read_lake(paths) if paths else "batch"
        return f"select {columns} from {lake} where _key in (select _key from known)"

    def _write_lake(self, number: int) -> Path | None:
        """Write new facts, and further versions of known ones. Returns the file, which is still `unfinished`."""
        content = records.content(self._stream)
        names = ", ".join(map(records.quoted, self._stream.columns))
        self._sql.execute(f"""
            create or replace temp table versions as
            with repeated as (
                select row_number, batch._key, {content} as content
                from batch
                inner join repeats on batch.rowid = repeats.row_number
            ),
            known_versions as (
                select _key, {content} as content
                from ({self._known_versions()})
                union all
                select _key, {content}
                from batch
                where
                    rowid in (select row_number from firsts semi join repeats using (_key))
                    and rowid not in (select row_number from repeats)
            )
            select min(row_number) as row_number
            from repeated
            anti join known_versions using (_key, content)
            group by _key, content
        """)
        facts = f"""
            select
                {names}, batch._key, _at, _date, _kind, path as _file,
                repeats.row_number is not null as _is_repeat,
                {number}::bigint as _landing, ({number}::bigint << 32) + batch.rowid as _record_id
            from batch
            inner join batch_files on batch._filename = batch_files.filename
            left join repeats on batch.rowid = repeats.row_number
            where
                _status = 'accepted'
                and (repeats.row_number is null or batch.rowid in (select row_number from versions))
        """
        path = self._folder / f"{number:08d}.parquet"
        rows = records.write_lake(self._sql, facts, unfinished(path))
        if rows == 0:
            unfinished(path).unlink()
            return None
        self._ledger.add_lake_file(self._stream.source, path, rows, number)
        return path

    def write_schema(self) -> None:
        """Write an empty file with every column, so that dbt can read a stream of which nothing has landed."""
        path = self._folder / "schema.parquet"
        columns = (
            f"select * exclude ({_NOT_IN_LAKE}), ''::varchar as _file, "
            "false as _is_repeat, 0::bigint as _landing, 0::bigint as _record_id from batch limit 0"
        )
        if path.exists():
            written = f"select * exclude (filename) from {records.read_lake([str(path)])}"
            if self._described(written) == self._described(columns):
                return
        records.write_lake(self._sql, columns, unfinished(path))
        unfinished(path).rename(path)

    def _described(self, query: str) -> list[tuple[str, str]]:
        """The columns of a query, and their types."""
        return self._sql.execute(f"select column_name, column_type from (describe {query})").fetchall()
