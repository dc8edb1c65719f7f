"""The ledger on PostgreSQL, which several landing machines share; each has a replica, its file `ledger.duckdb`.

PostgreSQL has the ledger's rows as JSON, by source, and counts a version of each source up with every change. A load
is committed there first: what a kill leaves is a replica with an older version, whose rows the next pull replaces.
Loads are numbered and committed one at a time over all machines, so that none appears below a number that was read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import duckdb
import pyarrow as pa

from touchstone.console import without_passwords
from touchstone.landing.records import literal
from touchstone.settings import Settings

_CONNECT_SECONDS = 30
_KEPT = 100  # numbers for the builds of a night, of which one that is repeated takes more than one
# The state of a replica: of each source the version that it has, and digests of the rows of that version.
SCHEMA = """
create table if not exists shared_versions (shared_source varchar primary key, version bigint not null);
create table if not exists shared_rows (
    shared_source varchar not null, relation varchar not null, digest varchar not null, copies bigint not null
);
-- Grain: one row, the first number of those kept for this machine's next builds: greater than those of all loads that
-- the replica has, and smaller than those of all that it hasn't.
create table if not exists shared_through (number bigint not null);
"""
_POSTGRES = """
create schema if not exists touchstone_ledger;
create sequence if not exists touchstone_ledger.load_numbers;
create table if not exists touchstone_ledger.sources (source text primary key, version bigint not null);
create table if not exists touchstone_ledger.rows (
    source text not null, relation text not null, digest text not null, copies bigint not null, content text not null,
    primary key (source, relation, digest)
)
"""
# Tables of the machine alone: whether its last landing of a source failed, and how it pseudonymised.
_LOCAL = ("failed_landings", "pseudonymised")
# The source of a row of the table of files to remove, which has paths alone.
_SOURCE_OF_PATH = "regexp_extract(path, '^[^/]+/[^/]+')"


class LedgerUnavailable(Exception):
    """The ledger on PostgreSQL can't be read or changed. The message has the remedy, and no password."""


class Shared:
    """A session with the ledger on PostgreSQL, beside the open replica. Its locks end with it."""

    def __init__(self, settings: Settings, replica: duckdb.DuckDBPyConnection | None = None) -> None:
        """Raises LedgerUnavailable."""
        assert settings.ledger_postgres
        try:
            from adbc_driver_postgresql import dbapi
        except ImportError as error:
            raise LedgerUnavailable(
                "ledger_postgres needs the package adbc-driver-postgresql; "
                "pip install it, or Touchstone with its extra postgres-marts"
            ) from error
        self._error = dbapi.Error
        self._url = settings.ledger_postgres.get_secret_value()
        self._wait = settings.lock_wait_seconds
        self._sql = replica
        address, _, options = self._url.partition("?")
        address += f"?connect_timeout={_CONNECT_SECONDS}{'&' * bool(options)}{options}"
        with self._explained():
            self._connection = dbapi.connect(address)
            self._cursor = self._connection.cursor()
            self._rows(f"set lock_timeout = '{max(self._wait, 1)}s'")
            if self._rows("select to_regclass('touchstone_ledger.rows')::text") == [(None,)]:
                with self._locked("create"):
                    for statement in _POSTGRES.strip().split(";\n"):
                        self._run(statement)

    def close(self) -> None:
        with suppress(self._error):
            self._cursor.close()
            self._connection.close()

    @contextmanager
    def landing(self, source: str) -> Iterator[None]:
        """Land a source: no other machine does, nor rewrites the lake. Raises LedgerUnavailable."""
        with self.reading(), self._locked(source):
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read files of the lake, which no machine replaces meanwhile. Raises LedgerUnavailable if one might have."""
        with self._locked("lake", "_shared"):
            yield
            self._rows("select 1")

    @contextmanager
    def rewriting(self) -> Iterator[None]:
        """Rewrite lake and ledger: no machine lands or builds meanwhile."""
        with self._locked("lake"):
            yield

    def try_rewriting(self) -> bool:
        """The same, until the session ends, unless a machine lands or builds."""
        return self._rows(f"select pg_try_advisory_lock({_key('lake')})") == [(True,)]

    @contextmanager
    def committing(self) -> Iterator[None]:
        """Number, commit and rename: one machine at a time."""
        with self._locked("commit"):
            yield

    def next_number(self) -> int:
        """A number that is greater than all that any machine has; the caller holds `committing`."""
        assert self._sql
        ((known,),) = self._sql.execute(
            "select coalesce(max(number), 0) "
            "from (select max(landing) as number from files union all select max(build) from builds)"
        ).fetchall()
        number = 0
        while number <= known:
            ((number,),) = self._rows("select nextval('touchstone_ledger.load_numbers')")
            if number < known:  # the first machine brings a ledger of its own
                self._rows(f"select setval('touchstone_ledger.load_numbers', {known})")
        return int(number)

    def keep_numbers(self) -> None:
        """Keep numbers for builds of what the replica has; the caller holds `committing`, and has pulled everything."""
        assert self._sql
        number = self.next_number()
        self._rows(f"select setval('touchstone_ledger.load_numbers', {number + _KEPT - 1})")
        self._sql.execute("delete from shared_through")
        self._sql.execute("insert into shared_through values (?)", [number])

    def build_number(self) -> int:
        """The number of a build: one of those kept, unless something has landed here since."""
        kept = self._local(
            "select greatest(number, (select coalesce(max(build), 0) + 1 from builds)) as next from shared_through "
            f"where next < number + {_KEPT} and next > (select coalesce(max(landing), 0) from files)"
        )
        if kept:
            return int(kept[0][0])
        with self.committing():
            return self.next_number()

    def sources(self) -> list[str]:
        """All sources that this ledger or PostgreSQL has."""
        local = self._local(
            f"select distinct source from ({self._current()}) union select shared_source from shared_versions"
        )
        return sorted({source for (source,) in (*local, *self._rows("select source from touchstone_ledger.sources"))})

    def pull(self, source: str) -> bool:
        """Bring a source of the replica to PostgreSQL's version; returns whether it had another one."""
        assert self._sql
        found = self._rows("select version from touchstone_ledger.sources where source = $1", source)
        mine = self._local("select version from shared_versions where shared_source = ?", source)
        if found == mine or not found:
            return False
        if not mine and self._local(f"select 1 from ({self._current()}) where source = ? limit 1", source):
            raise LedgerUnavailable(
                f"{source} has landed both here and in the ledger on PostgreSQL, apart from each other; "
                "have this machine begin with a home of its own that has landed nothing"
            )
        rows = self._rows(
            "select relation, digest, copies, content from touchstone_ledger.rows where source = $1", source
        )
        pulled = pa.table(
            dict(zip(_ROWS.names, map(list, zip(*rows, strict=True)), strict=True)) if rows else {}, _ROWS
        )
        # Two transactions: DuckDB refuses a key that is deleted and inserted in one. Between them no version fits.
        with self._transaction():
            self._sql.execute("insert or replace into shared_versions values (?, -1)", [source])
            for relation, _, of_source in self._tables():
                self._sql.execute(f"delete from {relation} where {of_source} = ?", [source])
        with self._transaction(pulled):
            for relation, columns, _ in self._tables():
                self._sql.execute(
                    f"insert into {relation} by name "
                    f"select unnest(from_json(content::json, {literal(json.dumps(columns))})) "
                    "from (select content, unnest(range(copies)) from changed where relation = ?)",
                    [relation],
                )
            self._sql.execute("delete from shared_rows where shared_source = ?", [source])
            self._write_mirror(source, found[0][0])
        return True

    def push(self, source: str) -> None:
        """Commit in PostgreSQL what has changed of a source, within the replica's transaction, which is to be committed
        then. Raises LedgerUnavailable, and changes nothing, if another machine has changed it since it was pulled.
        """
        assert self._sql
        changes = self._sql.sql(
            f"""
            with mine as (
                select relation, md5(content) as digest, count(*) as copies, any_value(content) as content
                from ({self._current()}) where source = $1 group by relation, digest
            ),
            theirs as (select * exclude (shared_source) from shared_rows where shared_source = $1)
            select relation, digest, coalesce(mine.copies, 0) as copies, coalesce(content, '') as content
            from mine full join theirs using (relation, digest)
            where mine.copies is distinct from theirs.copies
            """,
            params=[source],
        ).to_arrow_table()
        if not changes.num_rows:
            return
        ((version,),) = self._local(
            "select coalesce(max(version), 0) from shared_versions where shared_source = ?", source
        )
        with self._explained():
            self._cursor.execute(
                "insert into touchstone_ledger.sources values ($1, 0) on conflict do nothing", (source,)
            )
            self._cursor.execute(
                "update touchstone_ledger.sources set version = version + 1 where source = $1 and version = $2 "
                "returning version",
                (source, version),
            )
            if not self._cursor.fetchall():
                self._connection.rollback()
                raise LedgerUnavailable(f"another machine has changed the ledger of {source} meanwhile; run again")
            self._cursor.execute("drop table if exists pushed")
            self._cursor.adbc_ingest("pushed", changes.cast(_ROWS), mode="create", temporary=True)
            self._cursor.execute(
                "delete from touchstone_ledger.rows as r using pushed as p "
                "where r.source = $1 and r.relation = p.relation and r.digest = p.digest",
                (source,),
            )
            self._cursor.execute(
                "insert into touchstone_ledger.rows select $1, relation, digest, copies, content from pushed "
                "where copies > 0",
                (source,),
            )
            self._connection.commit()
        self._sql.register("changed", changes)
        self._write_mirror(source, version + 1)
        self._sql.unregister("changed")

    def _write_mirror(self, source: str, version: int) -> None:
        """Note the version of a source, and its rows in the table `changed`."""
        assert self._sql
        self._sql.execute("insert or replace into shared_versions values (?, ?)", [source, version])
        self._sql.execute(
            "delete from shared_rows "
            "where shared_source = ? and (relation, digest) in (select (relation, digest) from changed)",
            [source],
        )
        self._sql.execute(
            "insert into shared_rows select ?, relation, digest, copies from changed where copies > 0", [source]
        )

    @contextmanager
    def _transaction(self, changed: pa.Table | None = None) -> Iterator[None]:
        """A transaction of the replica, in which there is the table `changed`."""
        assert self._sql
        if changed is not None:
            self._sql.register("changed", changed)
        self._sql.execute("begin")
        try:
            yield
            self._sql.execute("commit")
        except BaseException:
            self._sql.execute("rollback")
            raise
        finally:
            if changed is not None:
                self._sql.unregister("changed")

    def _tables(self) -> Iterator[tuple[str, dict[str, str], str]]:
        """The tables that are shared: name, types of columns by name, and SQL of a row's source."""
        found: dict[str, dict[str, str]] = {}
        for relation, column, type_ in self._local(
            "select table_name, column_name, data_type from duckdb_columns() "
            "where database_name = current_database() and schema_name = 'main' and not internal "
            "order by table_name, column_index"
        ):
            found.setdefault(relation, {})[column] = type_
        for relation, columns in found.items():
            if relation == "obsolete_files":
                yield relation, columns, _SOURCE_OF_PATH
            elif "source" in columns and relation not in _LOCAL:
                yield relation, columns, "source"

    def _current(self) -> str:
        """SQL of all rows that are shared: source, relation, content. The inbox and settings are a machine's alone."""
        return " union all ".join(
            f"select {of_source} as source, '{relation}' as relation, to_json(_row)::varchar as content "
            f"from {relation} as _row where contains({of_source}, '/')"
            for relation, _, of_source in self._tables()
        )

    def _local(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        assert self._sql
        return self._sql.execute(query, list(parameters)).fetchall()

    @contextmanager
    def _locked(self, name: str, kind: str = "") -> Iterator[None]:
        """Hold a lock of the session."""
        self._rows(f"select pg_advisory_lock{kind}({_key(name)})::text", waits_for=name)
        try:
            yield
        finally:
            with suppress(LedgerUnavailable):  # the session has ended, and its locks with it
                self._rows(f"select pg_advisory_unlock{kind}({_key(name)})")

    def _rows(self, query: str, *parameters: object, waits_for: str = "") -> list[tuple[Any, ...]]:
        """The rows of a statement, which is committed."""
        with self._explained(waits_for):
            return self._run(query, *parameters)

    def _run(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        self._cursor.execute(query, parameters or None)
        rows: list[tuple[Any, ...]] = self._cursor.fetchall() if self._cursor.description else []
        self._connection.commit()
        return rows

    @contextmanager
    def _explained(self, waits_for: str = "") -> Iterator[None]:
        """Raise LedgerUnavailable for the server's errors."""
        try:
            yield
        except self._error as error:
            with suppress(self._error, AttributeError):
                self._connection.rollback()
            if error.sqlstate == "55P03":
                raise LedgerUnavailable(
                    f"another machine has held {waits_for} of the ledger for {self._wait} s: "
                    "wait for it, or end it, and run again"
                ) from None
            # What follows the first line may quote rows, and what comes before the server's text a statement.
            text = re.split(r"(?:ERROR|FATAL): +|Failed to connect: ", str(error))[-1].partition("\n")[0].strip()
            raise LedgerUnavailable(
                f"the ledger on PostgreSQL: {without_passwords(text, self._url)}; "
                "correct the setting ledger_postgres or the server, and run again"
            ) from None


_ROWS = pa.schema(
    [("relation", pa.string()), ("digest", pa.string()), ("copies", pa.int64()), ("content", pa.string())]
)


def _key(name: str) -> str:
    return f"hashtextextended({literal(f'touchstone ledger {name}')}, 0)"


@contextmanager
def reading_lake(settings: Settings) -> Iterator[None]:
    """Read files of the lake, which no other machine that shares it replaces meanwhile. Raises LedgerUnavailable."""
    if not settings.ledger_postgres:
        yield
        return
    session = Shared(settings)
    try:
        with session.reading():
            yield
    finally:
        session.close()
