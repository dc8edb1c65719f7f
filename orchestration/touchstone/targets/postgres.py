"""PostgreSQL as a target: the marts as tables of one schema, changed in one transaction."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from touchstone.console import without_passwords
from touchstone.landing.records import literal, quoted
from touchstone.release import comments_of
from touchstone.settings import Settings
from touchstone.targets import Part, Release, TargetFailed, Written

# PostgreSQL's types of the marts' columns, by DuckDB's; all others become text.
_TYPES = {
    "BIGINT": "bigint",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "DOUBLE": "double precision",
    "INTEGER": "integer",
    "TIMESTAMP": "timestamp without time zone",
}
_STATE = "touchstone_release"
_STATE_COMMENTS = {
    "": "The release of Touchstone's that this schema shows. One row.",
    "release": "Its name; the table run states the build of each system in it.",
    "published_at": "When it was published here, UTC.",
    "parts": "A digest of each mart's months, as JSON: the next publication writes what differs.",
}
# How long a change of columns waits for a reader that keeps its transaction open; readers that come later wait with it.
_LOCK_TIMEOUT = "1min"
_CONNECT_SECONDS = 30
_BATCH_ROWS = 50_000
# What to do about errors, by SQLSTATE.
_REMEDIES = {
    "2BP01": "drop the views of yours that need it, and create them again after a night",
    "42501": "grant the role of publish_postgres what it lacks: to create the schema, or to own its tables",
    "42704": "create the role that publish_postgres_reader names, or correct the setting",
    "55P03": "end the reader that keeps its transaction open",
}


class Postgres:
    """A schema of a database, whose readers see one release or the next. A night deletes and inserts rows. An upgrade
    changes columns in place: a new table in the place of an old one is empty to transactions that began before.
    """

    name = "published_postgres"
    title = "PostgreSQL"
    kind = "postgres"

    def __init__(self, settings: Settings) -> None:
        assert settings.publish_postgres
        self._url = settings.publish_postgres.get_secret_value()
        self._schema = settings.publish_postgres_schema
        self._reader = settings.publish_postgres_reader
        parts = urlsplit(self._url)
        self.address = f"{parts.hostname or 'localhost'}{parts.path}, schema {self._schema}"

    def publish(self, release: Release) -> Written:
        with self._transaction() as cursor:
            cursor.execute(f"set local lock_timeout = '{_LOCK_TIMEOUT}'")
            cursor.execute(f"select pg_advisory_xact_lock(hashtext({literal(f'touchstone.{self._schema}')}))")
            if not _rows(cursor, f"select 1 from pg_namespace where nspname = {literal(self._schema)}"):
                cursor.execute(f"create schema {quoted(self._schema)}")
            existing = self._columns(cursor)
            held = self._state(cursor)[1] if _STATE in existing else {}
            if foreign := sorted(existing.keys() & release.parts.keys() - held.keys()):
                raise TargetFailed(
                    f"the schema {self._schema} has a table {foreign[0]} that Touchstone didn't create; "
                    "name another schema in the setting publish_postgres_schema"
                )
            for mart in sorted(held.keys() - release.parts.keys()):
                cursor.execute(f"drop table if exists {self._name(mart)}")
            written = Written()
            for mart, parts in release.parts.items():
                columns = _columns_of(release, mart)
                is_same = existing.get(mart) == columns
                if not is_same:
                    self._change_columns(cursor, mart, existing.get(mart, {}), columns)
                stale = self._delete_stale(cursor, mart, held.get(mart, {}) if is_same else None, parts)
                if stale:
                    rows = self._insert(cursor, release, mart, columns, stale)
                    written = Written(written.parts + len(stale), written.rows + rows)
            self._write_state(cursor, release, is_new=_STATE not in existing)
            self._describe(cursor, release)
            if self._reader:
                cursor.execute(f"grant usage on schema {quoted(self._schema)} to {quoted(self._reader)}")
                cursor.execute(f"grant select on all tables in schema {quoted(self._schema)} to {quoted(self._reader)}")
            return written

    def shown(self) -> str | None:
        with self._transaction() as cursor:
            return self._state(cursor)[0] if _STATE in self._columns(cursor) else None

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        """A cursor in a transaction, which is committed in the end. Errors become TargetFailed."""
        try:
            from adbc_driver_postgresql import dbapi
        except ImportError as error:
            raise TargetFailed(
                "publish_postgres needs the package adbc-driver-postgresql; "
                "pip install it, or Touchstone with its extra postgres-marts"
            ) from error
        address, _, options = self._url.partition("?")
        # Of two values the last one counts: an address can give its own.
        address += f"?connect_timeout={_CONNECT_SECONDS}{'&' * bool(options)}{options}"
        try:
            with dbapi.connect(address) as connection, connection.cursor() as cursor:
                yield cursor
                connection.commit()
        except dbapi.Error as error:
            # What follows the first line may quote rows, and what comes before the server's text a statement.
            text = re.split(r"(?:ERROR|FATAL): +|Failed to connect: ", str(error))[-1].partition("\n")[0].strip()
            text = without_passwords(text, self._url)
            remedy = _REMEDIES.get(error.sqlstate or "", "correct the setting publish_postgres or the server")
            raise TargetFailed(f"{self.address}: {text}; {remedy}, and run nightly again") from None

    def _name(self, relation: str) -> str:
        return f"{quoted(self._schema)}.{quoted(relation)}"

    def _columns(self, cursor: Any) -> dict[str, dict[str, str]]:
        """The types of the columns of everything in the schema, by relation and name."""
        found: dict[str, dict[str, str]] = {}
        for relation, column, type_ in _rows(
            cursor,
            "select relname::text, coalesce(attname::text, ''), coalesce(format_type(atttypid, atttypmod), '') "
            "from pg_class left join pg_attribute on attrelid = pg_class.oid and attnum > 0 and not attisdropped "
            f"where relnamespace = to_regnamespace({literal(quoted(self._schema))}) "
            "and relkind in ('r', 'p', 'v', 'm', 'f') order by attnum",
        ):
            found.setdefault(relation, {}).update({column: type_} if column else {})
        return found

    def _state(self, cursor: Any) -> tuple[str, dict[str, dict[str, str]]]:
        """The release that the schema shows, and the digests of its parts by mart and part."""
        ((release, parts),) = _rows(cursor, f"select release, parts from {self._name(_STATE)}")
        return release, json.loads(parts)

    def _write_state(self, cursor: Any, release: Release, is_new: bool) -> None:
        parts = {mart: {part.name: part.digest for part in parts.values()} for mart, parts in release.parts.items()}
        if is_new:
            cursor.execute(f"create table {self._name(_STATE)} (release text, published_at timestamp, parts text)")
        cursor.execute(f"delete from {self._name(_STATE)}")
        cursor.execute(
            f"insert into {self._name(_STATE)} values "
            f"({literal(release.name)}, now() at time zone 'UTC', {literal(json.dumps(parts))})"
        )

    def _change_columns(self, cursor: Any, mart: str, before: Mapping[str, str], columns: Mapping[str, str]) -> None:
        """Create a mart's table, or give it these columns; a column that comes later is the last."""
        if not before:
            listed = ", ".join(f"{quoted(name)} {type_}" for name, type_ in columns.items())
            cursor.execute(f"create table {self._name(mart)} ({listed})")
        else:
            # A column of another type goes and comes again, as a change of its type would write a new table.
            changes = [f"drop column {quoted(name)}" for name in before if columns.get(name) != before[name]]
            changes += [
                f"add column {quoted(name)} {type_}" for name, type_ in columns.items() if before.get(name) != type_
            ]
            cursor.execute(f"alter table {self._name(mart)} {', '.join(changes)}")
        if "period_start" in columns:
            index = quoted(f"{mart}_period_start")
            cursor.execute(f"create index if not exists {index} on {self._name(mart)} (period_start)")

    def _delete_stale(
        self, cursor: Any, mart: str, before: Mapping[str, str] | None, parts: Mapping[str, Part]
    ) -> list[Part]:
        """Delete the rows of parts that are gone or changed, of which the table has `before`, or all rows if that is
        unknown; returns the parts to insert.
        """
        now = {name: part.digest for name, part in parts.items()}
        changed = {name for name in {*now, *(before or ())} if before is None or now.get(name) != before.get(name)}
        if before is None or changed & {"all", "empty"}:
            cursor.execute(f"delete from {self._name(mart)}")
            return [*parts.values()]
        for month in sorted(changed & before.keys()):
            cursor.execute(f"delete from {self._name(mart)} where {_in_month(month)}")
        return [part for name, part in parts.items() if name in changed]

    def _insert(
        self, cursor: Any, release: Release, mart: str, columns: Mapping[str, str], parts: Iterable[Part]
    ) -> int:
        months = " or ".join(f"({_in_month(part.name)})" for part in parts if part.name not in ("all", "empty"))
        # PostgreSQL's text can't hold the character NUL.
        listed = ", ".join(
            f"replace(cast({quoted(name)} as varchar), chr(0), chr(65533)) as {quoted(name)}"
            if type_ == "text"
            else quoted(name)
            for name, type_ in columns.items()
        )
        rows = release.connection.sql(f"select {listed} from main.{quoted(mart)} where {months or 'true'}")
        batches = rows.to_arrow_reader(_BATCH_ROWS)
        return int(cursor.adbc_ingest(mart, batches, mode="append", db_schema_name=self._schema))

    def _describe(self, cursor: Any, release: Release) -> None:
        """Comment on all tables and columns as the release does."""
        present = {
            (relation, column): text
            for relation, column, text in _rows(
                cursor,
                "select relname::text, coalesce(attname::text, ''), description from pg_description "
                "inner join pg_class on pg_class.oid = objoid and classoid = 'pg_class'::regclass "
                "left join pg_attribute on attrelid = objoid and attnum = objsubid and objsubid > 0 "
                f"where relnamespace = {literal(quoted(self._schema))}::regnamespace",
            )
        }
        wanted = {
            (relation, column): comment
            for (schema, relation, column), comment in comments_of(release.connection).items()
            if schema == "main" and relation in release.parts
        } | {(_STATE, column): comment for column, comment in _STATE_COMMENTS.items()}
        statements = [
            f"comment on {'column' if column else 'table'} "
            f"{self._name(relation)}{'.' * bool(column)}{quoted(column) if column else ''} "
            f"is {literal(comment) if comment else 'null'}"
            for (relation, column), comment in wanted.items()
            if present.get((relation, column)) != comment
        ]
        if statements:  # in one block, as thousands of them would each wait for the network
            cursor.execute(f"do $touchstone$ begin {'; '.join(statements)}; end $touchstone$")


def _rows(cursor: Any, query: str) -> list[tuple[Any, ...]]:
    cursor.execute(query)
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _columns_of(release: Release, mart: str) -> dict[str, str]:
    """PostgreSQL's types of a mart's columns, by name and in their order."""
    rows = release.connection.execute(
        "select column_name, data_type from duckdb_columns() "
        "where schema_name = 'main' and table_name = ? and not internal order by column_index",
        [mart],
    ).fetchall()
    return {name: "numeric" if type_.startswith("DECIMAL") else _TYPES.get(type_, "text") for name, type_ in rows}


def _in_month(month: str) -> str:
    first = f"date {literal(f'{month}-01')}"
    return f"period_start >= {first} and period_start < {first} + interval '1 month'"
