"""The ledger: files that have landed, the status of their records, and the quarantine.

It is a DuckDB file of the home. A load happens when the ledger commits: its Parquet files are written under another
name before the commit, and renamed after it.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock

from touchstone import builds
from touchstone.damage import damage_of_ledger, ledger_damaged
from touchstone.fetching import windows
from touchstone.lake import connect_lake, lake_files, lake_sizes
from touchstone.landing import listing, persons
from touchstone.landing.inbox import Found, Refused
from touchstone.landing.records import literal, quoted, read_lake
from touchstone.landing.shared import SCHEMA as SHARED_SCHEMA
from touchstone.landing.shared import Shared
from touchstone.landing.streams import Stream
from touchstone.settings import Settings

_SCHEMA = """
create sequence if not exists landing_numbers;
-- Grain: one file content of a source. records = accepted + duplicates + quarantined + ignored. So many of those
-- quarantined as are `forgotten` have no row any more. If the ledger was made again from the lake: one path in one
-- load, whose hash is unknown and begins with `rebuilt-`.
create table if not exists files (
    source varchar not null,
    content_hash varchar not null,
    path varchar not null,
    bytes bigint not null,
    records bigint not null,
    accepted bigint not null,
    duplicates bigint not null,
    quarantined bigint not null,
    ignored bigint not null,
    landing bigint not null,
    landed_at timestamp not null,
    forgotten bigint not null default 0,
    primary key (source, content_hash)
);
-- Grain: one path, with the content it last had, so that only changed files are read again.
create table if not exists seen (
    source varchar not null,
    path varchar not null,
    stamp varchar not null,
    content_hash varchar not null,
    primary key (source, path)
);
-- Grain: one record of a file that could not be landed; open until `replayed_in` or `closed_at` is set.
create table if not exists quarantine (
    quarantine_id uuid primary key,
    source varchar not null,
    content_hash varchar not null,
    path varchar not null,
    byte_offset bigint,
    line bigint,
    text varchar,
    reason varchar not null,
    landing bigint not null,
    replayed_in bigint,
    record_key uuid,
    closed_at timestamp,
    closed_as varchar
);
-- Grain: one ignored kind of record in one file.
create table if not exists ignored (
    source varchar not null,
    content_hash varchar not null,
    kind varchar not null,
    records bigint not null,
    landing bigint not null
);
-- Grain: one file that is currently refused.
create table if not exists refused (
    source varchar not null,
    path varchar not null,
    reason varchar not null,
    dismissed_at timestamp,
    primary key (source, path)
);
-- Grain: one undeclared field of a stream in one load.
create table if not exists unknown_fields (
    source varchar not null,
    field varchar not null,
    records bigint not null,
    landing bigint not null
);
-- Grain: one load of a source that wrote to the lake. Several loads may share a Parquet file, of so many bytes.
create table if not exists lake_files (
    source varchar not null,
    path varchar not null,
    rows bigint not null,
    first_date date,
    last_date date,
    landing bigint not null,
    bytes bigint not null
);
-- Grain: one hour of a source's facts, by their own time; further versions of a fact don't count.
create table if not exists record_hours (
    source varchar not null,
    hour timestamp not null,
    records bigint not null,
    newest_at timestamp not null,
    primary key (source, hour)
);
-- Grain: one source whose last landing failed.
create table if not exists failed_landings (
    source varchar primary key,
    reason varchar not null
);
-- Grain: one file or record that was retracted, after `landing` and `build`; it doesn't land again until `undone_at`.
-- A record has its key and a hash of its content, beside the file that it landed in.
create table if not exists retractions (
    retraction bigint primary key,
    source varchar not null,
    content_hash varchar not null,
    path varchar not null,
    record_key uuid,
    record_content varchar,
    why varchar not null,
    retracted_at timestamp not null,
    landing bigint not null,
    build bigint not null,
    undone_at timestamp
);
-- Grain: one Parquet file of the lake that a retraction replaced and that is yet to be removed.
create table if not exists obsolete_files (
    path varchar not null
);
"""


# The contents of a source that don't land: landed already, or retracted.
_KNOWN = """
    select content_hash from files where source = $1
    union
    select content_hash from retractions where source = $1 and record_key is null and undone_at is null
"""

# What can't be made again from the lake, and has a copy beside it.
NOT_IN_LAKE = ("retractions", "erased", "pseudonymised")

_MOST_FIELDS = 200  # undeclared fields of a stream that the ledger names for one load

# Counts over `batch` left joined with `repeats`; a file without records has one row of NULLs.
_COUNTS = """
    count(_status) as records,
    count(*) filter (where _status = 'accepted' and repeats.row_number is null) as accepted,
    count(repeats.row_number) as duplicates,
    count(*) filter (where _status = 'quarantined') as quarantined,
    count(*) filter (where _status = 'ignored') as ignored
"""


@dataclass(frozen=True)
class Totals:
    """Counts of one source's records by status, and of its files."""

    files: int = 0
    records: int = 0
    accepted: int = 0
    duplicates: int = 0
    quarantined: int = 0
    ignored: int = 0

    @property
    def add_up(self) -> bool:
        return self.records == self.accepted + self.duplicates + self.quarantined + self.ignored


class Ledger:
    """An open ledger. `connection` also holds the temporary tables of a batch; `builds` is the log of builds, `fetched`
    that of windows of time; `folder` is that of the ledger's file, and of the key of persons; `dimensions` are what
    stays of the variables of users who are erased.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
        self.connection = connection
        self.lake = settings.lake
        self.folder = settings.ledger.parent
        self.dimensions = settings.mailgun_dimensions
        connect_lake(connection, self.lake)
        self._shared: Shared | None = None
        self.builds = builds.Builds(connection, self._build_number)
        self.fetched = windows.Fetched(connection)

    @classmethod
    @contextmanager
    def open(cls, settings: Settings, upgrading: bool = False) -> Iterator[Ledger]:
        """Open or create the ledger, and finish what a killed run had started, unless its tables are `upgrading`.

        Waits while a backup copies it. Raises Damaged if it is, or if the lake has files but the ledger is gone.
        """
        path, lake = settings.ledger, settings.lake
        if not path.exists() or path.stat().st_size < 3 * 4096:  # shorter than its headers
            if not settings.ledger_postgres and lake_files(lake):
                raise ledger_damaged(path)
            path.unlink(missing_ok=True)  # its creation was interrupted
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": settings.memory_limit,
            "temp_directory": str(settings.scratch),
            "preserve_insertion_order": "false",
        }
        with ledger_lock(settings), damage_of_ledger(path), duckdb.connect(str(path), config=config) as connection:
            connection.execute("set TimeZone = 'UTC'")
            ledger = cls(connection, settings)
            if not connection.execute("select 1 from duckdb_tables() where table_name = 'files'").fetchall():
                if not settings.ledger_postgres and lake_files(lake):
                    raise ledger_damaged(path)
                connection.execute("begin")
                ledger.create_tables()
                connection.execute("commit")
            if settings.ledger_postgres and not upgrading:
                connection.execute(SHARED_SCHEMA)
                ledger._shared = Shared(settings, connection)
                try:
                    yield ledger
                finally:
                    ledger._shared.close()
                return
            if not upgrading:
                ledger.finish_renames()
            yield ledger

    def create_tables(self) -> None:
        """Create the tables that are missing. Only migrations change those of earlier versions."""
        self.connection.execute(_SCHEMA + builds.SCHEMA + persons.SCHEMA + windows.SCHEMA + listing.SCHEMA)

    @cached_property
    def persons(self) -> persons.Persons | None:
        """The erased persons, or None if there are none. Raises ErasureUnfinished."""
        return persons.Persons.of(self.connection, self.folder, self.dimensions)

    @contextmanager
    def landing(self, source: str) -> Iterator[None]:
        """Land a source, which one machine does at a time. Raises LedgerUnavailable."""
        if not self._shared:
            yield
            return
        with self._shared.landing(source):
            with self._shared.committing():
                self._pull([source])
                self._remove_unfinished(source)
            yield
            self._push([source])

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Change what has landed of any source, while no machine lands or builds. Raises LedgerUnavailable."""
        if not self._shared:
            yield
            return
        with self._shared.rewriting():
            self._change_begins()
            yield
            self.push()

    def may_change(self) -> bool:
        """Whether what has landed can be changed until the ledger is closed, as no other machine lands or builds."""
        if self._shared:
            if not self._shared.try_rewriting():
                return False
            self._change_begins()
        return True

    def _change_begins(self) -> None:
        assert self._shared
        with self._shared.committing():
            self._pull(self._shared.sources())
            self._remove_unfinished()

    def committing(self) -> AbstractContextManager[None]:
        """Number a load and commit it: loads of all machines become visible in the order of their numbers."""
        return self._shared.committing() if self._shared else nullcontext()

    def refresh(self) -> None:
        """Take in what other machines have landed; a build follows, which reads that and what landed here."""
        if not self._shared:
            return
        with self._shared.committing():
            self._pull(self._shared.sources())
            self._shared.keep_numbers()

    def commit(self, source: str) -> None:
        """Commit the transaction, first where the ledger is shared. Raises LedgerUnavailable."""
        if self._shared:
            self._shared.push(source)
        self.connection.execute("commit")

    def push(self) -> None:
        """Share all that has changed since. Raises LedgerUnavailable."""
        if self._shared:
            self._push(self._shared.sources())

    def _push(self, sources: Iterable[str]) -> None:
        for source in sources:
            self.connection.execute("begin")
            try:
                self.commit(source)
            except BaseException:
                self.connection.execute("rollback")
                raise

    def _pull(self, sources: Iterable[str]) -> None:
        """Bring sources to their shared version, and finish what a machine that was killed had committed of them. The
        caller holds the lock of commits, so that what is unfinished is of a machine that was killed.
        """
        assert self._shared
        for source in sources:
            self._shared.pull(source)
            self._rename_unfinished(lake_sizes(self.lake, source))
        self._remove_obsolete_files()
        self._push(sources)

    def _build_number(self) -> int:
        return self._shared.build_number() if self._shared else self.next_load_id()

    def next_load_id(self) -> int:
        """The load_id of a new load; every batch is a load."""
        if self._shared:
            return self._shared.next_number()
        return self._number("select nextval('landing_numbers')")

    def last_load_id(self) -> int:
        """The newest load of any stream; 0 before the first."""
        return self._number("select coalesce(max(landing), 0) from files")

    def last_lake_load_id(self) -> int:
        """The newest load that wrote to the lake; 0 before the first."""
        return self._number("select coalesce(max(landing), 0) from lake_files")

    def stamps(self, source: str) -> dict[str, str]:
        """The stamps of the paths whose content has landed or is retracted."""
        return self._pairs(f"select path, stamp from seen where source = $1 and content_hash in ({_KNOWN})", [source])

    def hashes(self, source: str) -> set[str]:
        """The hashes of contents that don't land: landed already, or retracted."""
        rows = self.connection.execute(_KNOWN, [source]).fetchall()
        return {hash_ for (hash_,) in rows}

    def paths(self, source: str) -> set[str]:
        """The paths of a source of which the ledger has the content, a refusal, or quarantined records."""
        return self._paths(
            "select path from seen where source = $1 union select path from refused where source = $1 "
            "union select path from quarantine where source = $1",
            source,
        )

    def paths_to_read(self, source: str) -> set[str]:
        """Known paths of a source that a landing reads again: refused ones, and those with content that can land."""
        return self._paths(
            "select path from refused where source = $1 and dismissed_at is null "
            f"union select path from seen where source = $1 and content_hash not in ({_KNOWN})",
            source,
        )

    def _paths(self, query: str, source: str) -> set[str]:
        return {path for (path,) in self.connection.execute(query, [source]).fetchall()}

    def record_seen(self, source: str, hashes: Mapping[Found, str]) -> None:
        """Record the contents of paths, so that they aren't read again before they change."""
        rows = [{"path": found.path, "stamp": found.stamp, "hash": hash_} for found, hash_ in hashes.items()]
        self.connection.execute(
            "insert or replace into seen select ?, r.path, r.stamp, r.hash "
            "from (select unnest(?::struct(path varchar, stamp varchar, hash varchar)[]) as r)",
            [source, rows],
        )

    def forget_paths(self, source: str, paths: Collection[str]) -> None:
        """Forget what was at paths of a source that are no longer among `paths`: should they come again, they are read.

        A source without any file counts as unreachable.
        """
        if paths:
            self.connection.execute(
                "delete from seen where source = ? and path not in (select unnest(?::varchar[]))", [source, list(paths)]
            )

    def count_landed(self, stream: Stream, number: int) -> None:
        """Record the files of the tables `batch`, `batch_files` and `repeats`, and their quarantined records."""
        self.connection.execute(
            f"""
            insert into files
            select ?, content_hash, path, bytes, {_COUNTS}, ?, ?, 0
            from batch_files
            left join batch on batch._filename = batch_files.filename
            left join repeats on batch.rowid = repeats.row_number
            group by content_hash, path, bytes
            """,
            [stream.source, number, datetime.now(UTC).replace(tzinfo=None)],
        )
        self.connection.execute(
            """
            insert into quarantine by name
            select
                md5(concat_ws('|', ?, content_hash, byte_offset, text, row_number() over (
                    partition by content_hash, byte_offset, text
                )))::uuid as quarantine_id,
                ? as source,
                ? as landing,
                *
            from (
                select
                    content_hash, path, _byte_offset as byte_offset, _line as line, _text as text, _reason as reason,
                    _key as record_key
                from batch
                inner join batch_files on batch._filename = batch_files.filename
                where _status = 'quarantined'
            )
            """,
            [stream.source, stream.source, number],
        )
        self._count_kinds_and_fields(stream, number)

    def count_replayed(self, stream: Stream, number: int) -> None:
        """Record the new status of the records of `batch`, whose `filename` is their quarantine_id."""
        self.connection.execute(
            f"""
            update files set
                records = files.records + moved.records - moved.texts,
                accepted = files.accepted + moved.accepted,
                duplicates = files.duplicates + moved.duplicates,
                ignored = files.ignored + moved.ignored,
                quarantined = files.quarantined - moved.texts
            from (
                select content_hash, {_COUNTS}, count(distinct filename) as texts
                from batch_files
                inner join batch on batch._filename = batch_files.filename
                left join repeats on batch.rowid = repeats.row_number
                group by content_hash
            ) as moved
            where files.source = ? and files.content_hash = moved.content_hash
            """,
            [stream.source],
        )
        self.connection.execute(
            "update quarantine set replayed_in = ? where quarantine_id in (select filename::uuid from batch_files)",
            [number],
        )
        self._count_kinds_and_fields(stream, number)

    def _count_kinds_and_fields(self, stream: Stream, number: int) -> None:
        self.connection.execute(
            """
            insert into ignored
            select ?, content_hash, _kind, count(*), ?
            from batch
            inner join batch_files on batch._filename = batch_files.filename
            where _status = 'ignored'
            group by content_hash, _kind
            """,
            [stream.source, number],
        )
        # Undeclared names may be values, without limit: all beyond the most frequent are counted as one.
        self.connection.execute(
            """
            insert into unknown_fields
            select ?, case when place <= ? then field else 'further fields' end as name, sum(records), ?
            from (
                select field, records, row_number() over (order by records desc, field) as place
                from (
                    select left(unnest(coalesce(_fields, fields)), 200) as field, count(*) as records
                    from batch
                    left join shapes on _shape = shape
                    where _status = 'accepted'
                    group by 1
                )
            )
            group by name
            """,
            [stream.source, _MOST_FIELDS, number],
        )

    def add_lake_file(self, source: str, path: Path, rows: int, number: int) -> None:
        """Record an unfinished file of the lake with `rows` records of `batch`, and the hours of its new facts."""
        self.connection.execute(
            """
            insert into lake_files
            select ?, ?, ?, min(_date), max(_date), ?, ? from batch where _status = 'accepted'
            """,
            [source, str(path.relative_to(self.lake)), rows, number, unfinished(path).stat().st_size],
        )
        self.count_hours(source, "batch where _status = 'accepted' and rowid not in (select row_number from repeats)")

    def count_hours(self, source: str, records: str) -> None:
        """Add the records of a relation, such as of the lake, to the hours of a source."""
        self.connection.execute(
            f"""
            insert into record_hours
            select ?, date_trunc('hour', _at) as hour, count(*), max(_at) from {records} group by hour
            on conflict do update set
                records = record_hours.records + excluded.records,
                newest_at = greatest(record_hours.newest_at, excluded.newest_at)
            """,
            [source],
        )

    def recount_hours(self, source: str, paths: list[str]) -> None:
        """Count the hours of a source again, from these files of the lake."""
        self.connection.execute("update record_hours set records = 0 where source = ?", [source])
        if paths:
            self.connection.execute(
                f"""
                insert or replace into record_hours
                select ?, date_trunc('hour', _at) as hour, count(*), max(_at)
                from {read_lake(paths)} where not _is_repeat group by hour
                """,
                [source],
            )
        self.connection.execute("delete from record_hours where source = ? and records = 0", [source])

    def exclude_retracted(self, stream: Stream) -> None:
        """Give retracted records in the table `batch` the status ignored."""
        retracted = "select record_key, record_content from retractions where source = ? and undone_at is null"
        if self.connection.execute(f"{retracted} and record_key is not null", [stream.source]).fetchone():
            self.connection.execute(
                f"update batch set _status = 'ignored', _kind = 'retracted' "
                f"where _status = 'accepted' and (_key, {content_text(stream)}) in ({retracted})",
                [stream.source],
            )

    def _remove_obsolete_files(self) -> None:
        """Remove the lake's files that others have replaced."""
        paths = self.connection.execute("select path from obsolete_files").fetchall()
        for (path,) in paths:
            (self.lake / path).unlink(missing_ok=True)
        if paths:
            self.connection.execute("delete from obsolete_files")

    def lake_paths(self, source: str, of_batch: bool, dates: tuple[date, date] | None = None) -> list[str]:
        """The lake's files of a source: with `of_batch` those that may have a date of the table `batch`, with `dates`
        one from the first to before the second.
        """
        of_dates = "exists (select 1 from batch where _date between first_date and last_date)" if of_batch else "true"
        rows = self.connection.execute(
            f"select path from lake_files where source = ? and {of_dates} group by path "
            "having coalesce(max(last_date) >= ? and min(first_date) < ?, true) order by path",
            [source, *(dates or (None, None))],
        ).fetchall()
        return [str(self.lake / path) for (path,) in rows]

    def replace_refused(self, source: str, refused: list[Refused], but_for: Collection[str] = ()) -> None:
        """Replace the refused paths of a source, `but_for` those that weren't looked at; one that was dismissed stays
        so while its reason is the same.
        """
        dismissed = self.connection.execute(
            "delete from refused where source = ? and path not in (select unnest(?::varchar[])) "
            "returning path, reason, dismissed_at",
            [source, [*but_for]],
        ).fetchall()
        at = {(path, reason): when for path, reason, when in dismissed}
        without_persons = self.persons.text if self.persons else str
        for entry in refused:
            path, reason = without_persons(entry.path), without_persons(entry.reason)
            self.connection.execute(
                "insert or replace into refused values (?, ?, ?, ?)", [source, path, reason, at.get((path, reason))]
            )

    def changed_files(self, source: str, since: int) -> list[tuple[str, Totals, Totals]]:
        """Files whose content changed after load `since`: path, counts before and now."""
        rows = self.connection.execute(
            """
            select path, struct_pack(files, records, accepted, duplicates, quarantined, ignored) as counts
            from (select *, 1 as files from files where source = ? and not starts_with(content_hash, 'rebuilt-'))
            where path in (select path from files where source = ? and landing > ?)
            qualify count(*) over (partition by path) > 1
                and row_number() over (partition by path order by landing desc, landed_at desc) <= 2
            order by path, landing, landed_at
            """,
            [source, source, since],
        ).fetchall()
        return [
            (path, Totals(**before), Totals(**now))
            for (path, before), (_, now) in zip(rows[::2], rows[1::2], strict=True)
        ]

    def ignored_kinds(self, source: str, since: int = 0) -> dict[str, int]:
        """Ignored records by kind in the loads after `since`."""
        return self._pairs(
            "select kind, sum(records)::bigint from ignored where source = ? and landing > ? group by 1 order by 1",
            [source, since],
        )

    def unknown_fields(self, source: str, since: int = 0) -> dict[str, int]:
        """Records by undeclared field in the loads after `since`."""
        return self._pairs(
            "select field, sum(records)::bigint from unknown_fields where source = ? and landing > ? "
            "group by 1 order by 1",
            [source, since],
        )

    def totals(self, source: str, since: int = 0) -> Totals:
        """Counts over the files of the loads after `since`."""
        row = self.connection.execute(
            """
            select count(*), coalesce(sum(records), 0), coalesce(sum(accepted), 0), coalesce(sum(duplicates), 0),
                coalesce(sum(quarantined), 0), coalesce(sum(ignored), 0)
            from files where source = ? and landing > ?
            """,
            [source, since],
        ).fetchone()
        assert row is not None
        return Totals(*map(int, row))

    def files_that_do_not_add_up(self, source: str) -> list[str]:
        """Paths of files whose counts don't add up, or differ from the tables `quarantine` and `ignored`."""
        rows = self.connection.execute(
            """
            select f.path
            from files as f
            left join (
                select source, content_hash, count(*) as records from quarantine where replayed_in is null group by all
            ) as q using (source, content_hash)
            left join (
                select source, content_hash, sum(records) as records from ignored group by all
            ) as i using (source, content_hash)
            where source = ? and (
                f.records <> f.accepted + f.duplicates + f.quarantined + f.ignored
                or f.quarantined <> coalesce(q.records, 0) + f.forgotten
                or f.ignored <> coalesce(i.records, 0)
            )
            """,
            [source],
        ).fetchall()
        return [path for (path,) in rows]

    def landed_until(self, landing: int) -> set[str]:
        """The sources of which the lake has loads up to a load."""
        rows = self.connection.execute("select distinct source from lake_files where landing <= ?", [landing])
        return {source for (source,) in rows.fetchall()}

    def landed_after(self, landing: int, sources: Iterable[str]) -> set[str]:
        """Those of the sources of which the lake has later loads."""
        rows = self.connection.execute(
            "select distinct source from lake_files where landing > ? and source in (select unnest(?::varchar[]))",
            [landing, sorted(sources)],
        ).fetchall()
        return {source for (source,) in rows}

    def damaged_files(self, source: str | None = None) -> dict[str, dict[Path, int]]:
        """The files of the lake that are gone, or don't have their size, by source, each with its newest load."""
        found: dict[str, dict[Path, int]] = {}
        present = lake_sizes(self.lake, source or "")
        for name, path, size, landing in self.connection.execute(
            "select source, path, any_value(bytes), max(landing) from lake_files "
            "where source = ? or ? is null group by source, path order by path",
            [source, source],
        ).fetchall():
            if present.get(path) != size:
                found.setdefault(name, {})[self.lake / path] = landing
        return found

    def keep_what_the_lake_lacks(self) -> None:
        """Write tables that a rebuild can't make from the lake into a file beside it."""
        for table in NOT_IN_LAKE:
            path = kept_table(self.lake, table)
            self.connection.execute(f"copy {table} to {literal(str(unfinished(path)))} (format parquet)")
            unfinished(path).rename(path)

    def pseudonymised_before(self, source: str) -> date | None:
        """The date of before which records of a source are pseudonymised; None if retention by age is off."""
        row = self.connection.execute("select before from pseudonymised where source = ?", [source]).fetchone()
        return row[0] if row else None

    def set_landing_failure(self, source: str, reason: str | None) -> None:
        """Record the reason why the last landing of a source failed, or None if it succeeded."""
        self.connection.execute("delete from failed_landings where source = ?", [source])
        if reason:
            self.connection.execute("insert into failed_landings values (?, ?)", [source, reason])

    def failed_landings(self) -> dict[str, str]:
        """The sources whose last landing failed, with the reason."""
        return self._pairs("select source, reason from failed_landings order by source", [])

    def _number(self, sql: str) -> int:
        row = self.connection.execute(sql).fetchone()
        assert row is not None
        return int(row[0])

    def _pairs(self, sql: str, parameters: list[object]) -> dict[str, Any]:
        return dict(self.connection.execute(sql, parameters).fetchall())

    def finish_renames(self) -> None:
        """After a commit or a kill: rename files that the ledger has, and remove others."""
        self._remove_unfinished()
        self._remove_obsolete_files()

    def _rename_unfinished(self, present: Collection[str]) -> list[str]:
        """Rename the unfinished files among these that the ledger has; returns the others."""
        known = {path for (path,) in self.connection.execute("select path from lake_files").fetchall()}
        others = []
        for path in (name for name in present if name.endswith(".unfinished")):
            final = path.removesuffix(".unfinished")
            if final in known and final not in present:
                (self.lake / path).rename(self.lake / final)
            else:
                others.append(path)
        return others

    def _remove_unfinished(self, source: str = "") -> None:
        """Rename the unfinished files of a source, or of all, that the ledger has, and remove the others."""
        for path in self._rename_unfinished(lake_sizes(self.lake, source)):
            (self.lake / path).unlink()


def ledger_lock(settings: Settings) -> FileLock:
    """The lock of the open ledger, which a thread or a call inside another can take again."""
    return FileLock(settings.home / "ledger.lock", is_singleton=True, thread_local=False)


def content_text(stream: Stream) -> str:
    """SQL of a lasting hash that is equal for records with the same values in all declared columns."""
    fields = ", ".join(f"{quoted(name)} := {quoted(name)}" for name in stream.columns)
    return f"md5(cast(struct_pack({fields}) as varchar))"


def kept_table(lake: Path, table: str) -> Path:
    """The copy of a table that can't be made again from the lake."""
    return lake / f"{table}.parquet"


def write_anew(path: Path) -> None:
    """Write the ledger into a new file: DuckDB keeps old values in the blocks that it frees."""
    new = unfinished(path)
    new.unlink(missing_ok=True)
    with duckdb.connect() as sql:
        sql.execute(f"attach {literal(str(path))} as old")
        sql.execute(f"attach {literal(str(new))} as new")
        sql.execute("copy from database old to new")
    os.replace(new, path)


def unfinished(path: Path) -> Path:
    """The name of a file until it is complete: in the lake, until the ledger has it."""
    return path.with_name(path.name + ".unfinished")
