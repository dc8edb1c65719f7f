"""PostgreSQL: each mart is a table, and all that differs from the release changes in one transaction."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

import duckdb

from touchstone.console import printable
from touchstone.landing.records import literal, quoted
from touchstone.settings import Settings
from touchstone.targets import WHOLE, NotTaken, Part, Sent, Table

# What the tables hold, by part.
_STATE = "published_parts"
_STATE_DESCRIPTION = "The parts of each mart that this schema holds: what Touchstone compares with the next release."
_SCHEMA_DESCRIPTION = "Touchstone's marts, release "
# PostgreSQL's names of DuckDB's types, as PostgreSQL writes them; all else is text.
_TYPES = {
    "BIGINT": "bigint",
    "INTEGER": "integer",
    "DOUBLE": "double precision",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMP": "timestamp without time zone",
}
# How long to wait for a server, and for readers whose tables have to change their columns.
_CONNECT_SECONDS, _LOCK_SECONDS = 10, 60
_ROWS_IN_BATCH = 50_000
# What to do, by the beginning of SQLSTATE.
_REMEDIES = {
    "28": "correct the user and the password in publish_postgres",
    "3D": "create the database, or correct its name in publish_postgres",
    "42501": "let its user create the schema, or make it the schema's owner",
    "42704": "create the role that publish_postgres_reader names, or correct the setting",
    "2BP01": "drop the views that read it, publish, and create them again",
    "42P07": "rename the table, which Touchstone did not create, or set another publish_postgres_schema",
    "55P03": "end the transactions that keep the tables locked",
    "53100": "make room on its disk",
}
_OTHERWISE = "see that the server runs and can be reached; the next night, or touchstone nightly, publishes again"


class Postgres:
    """The schema `publish_postgres_schema` of the database `publish_postgres`."""

    name: ClassVar[str] = "postgres"
    label: ClassVar[str] = "PostgreSQL"
    kind: ClassVar[str] = "postgres"

    def __init__(self, settings: Settings) -> None:
        assert settings.publish_postgres
        self._url = settings.publish_postgres.get_secret_value()
        self._schema = settings.publish_postgres_schema
        self._reader = settings.publish_postgres_reader

    def release(self) -> str | None:
        with self._cursor() as cursor:
            found = _query(
                cursor, f"select obj_description(to_regnamespace({literal(quoted(self._schema))}), 'pg_namespace')"
            )
        description = found[0][0] or ""
        is_ours = description.startswith(_SCHEMA_DESCRIPTION)
        return str(description).removeprefix(_SCHEMA_DESCRIPTION) if is_ours else None

    def publish(self, connection: duckdb.DuckDBPyConnection, release: str, tables: Sequence[Table]) -> Sent:
        with self._cursor() as cursor:
            cursor.execute(f"set local lock_timeout = '{_LOCK_SECONDS}s'")
            self._create_state(cursor)
            state: dict[str, dict[str, str]] = {}
            for mart, part, version in _query(cursor, f"select mart, part, version from {self._table(_STATE)}"):
                state.setdefault(mart, {})[part] = version
            for mart in state.keys() - {table.name for table in tables}:
                cursor.execute(f"drop table {self._table(mart)}")
                cursor.execute(f"delete from {self._table(_STATE)} where mart = {literal(mart)}")
            total = Sent(0, 0, 0)
            layouts = self._layouts(cursor)
            for table in tables:
                is_changed = self._shape(cursor, table, layouts.get(table.name) if table.name in state else None)
                sent = self._replace(cursor, connection, table, {} if is_changed else state[table.name])
                total = Sent(total.parts + sent.parts, total.rows + sent.rows, total.removed + sent.removed)
            self._describe(cursor, tables)
            cursor.execute(f"comment on schema {quoted(self._schema)} is {literal(_SCHEMA_DESCRIPTION + release)}")
            if self._reader:
                cursor.execute(f"grant usage on schema {quoted(self._schema)} to {quoted(self._reader)}")
                cursor.execute(f"grant select on all tables in schema {quoted(self._schema)} to {quoted(self._reader)}")
        return total

    def _create_state(self, cursor: Any) -> None:
        if not _query(cursor, f"select to_regnamespace({literal(quoted(self._schema))})")[0][0]:
            cursor.execute(f"create schema {quoted(self._schema)}")
        if not _query(cursor, f"select to_regclass({literal(self._table(_STATE))})")[0][0]:
            cursor.execute(
                f"create table {self._table(_STATE)} "
                "(mart text, part text, version text not null, primary key (mart, part))"
            )
        cursor.execute(f"lock table {self._table(_STATE)} in exclusive mode")  # one publication at a time

    def _layouts(self, cursor: Any) -> dict[str, dict[str, str]]:
        """The type of each column of each table."""
        rows = _query(
            cursor,
            "select relname, attname, format_type(atttypid, atttypmod) from pg_attribute "
            "inner join pg_class on pg_class.oid = attrelid "
            f"where relnamespace = to_regnamespace({literal(quoted(self._schema))}) and relkind = 'r' "
            "and attnum > 0 and not attisdropped",
        )
        found: dict[str, dict[str, str]] = {}
        for name, column, type_ in rows:
            found.setdefault(name, {})[column] = type_
        return found

    def _shape(self, cursor: Any, table: Table, present: dict[str, str] | None) -> bool:
        """Give a table the release's columns; returns whether its rows have to be sent again.

        A table is altered, never replaced, as a transaction that reads it would find the new one empty.
        """
        wanted = {column: _type(type_) for column, type_ in table.types.items()}
        if present == wanted:
            return False
        if present is None:
            listed = ", ".join(f"{quoted(column)} {type_}" for column, type_ in wanted.items())
            cursor.execute(f"create table {self._table(table.name)} ({listed})")
            if "period_start" in wanted:
                cursor.execute(f"create index on {self._table(table.name)} (period_start)")
            return True
        cursor.execute(f"delete from {self._table(table.name)}")
        gone = [f"drop column {quoted(column)}" for column, type_ in present.items() if wanted.get(column) != type_]
        new = [f"add {quoted(column)} {type_}" for column, type_ in wanted.items() if present.get(column) != type_]
        cursor.execute(f"alter table {self._table(table.name)} {', '.join(gone + new)}")
        if "period_start" in wanted and present.get("period_start") != wanted["period_start"]:
            cursor.execute(f"create index on {self._table(table.name)} (period_start)")
        cursor.execute(f"delete from {self._table(_STATE)} where mart = {literal(table.name)}")
        return True

    def _replace(
        self, cursor: Any, connection: duckdb.DuckDBPyConnection, table: Table, state: dict[str, str]
    ) -> Sent:
        """Replace the parts of a table that aren't those of `state`, which has the version of each that it holds."""
        wanted = {part.name: part for part in table.parts}
        removed = [name for name in state if name not in wanted or wanted[name].version != state[name]]
        for name in removed:
            cursor.execute(f"delete from {self._table(table.name)}{_rows_of(name)}")
        sent = [part for part in table.parts if state.get(part.name) != part.version]
        rows = 0
        for part in sent:
            rows += self._send(cursor, connection, table, part)
        if removed:
            names = ", ".join(map(literal, removed))
            cursor.execute(f"delete from {self._table(_STATE)} where mart = {literal(table.name)} and part in ({names})")
        if sent:
            values = ", ".join(
                f"({literal(table.name)}, {literal(part.name)}, {literal(part.version)})" for part in sent
            )
            cursor.execute(f"insert into {self._table(_STATE)} (mart, part, version) values {values}")
        return Sent(len(sent), rows, len(removed))

    def _send(self, cursor: Any, connection: duckdb.DuckDBPyConnection, table: Table, part: Part) -> int:
        batches = connection.sql(f"select {_columns(table)} from ({part.query})").to_arrow_reader(_ROWS_IN_BATCH)
        count: int = cursor.adbc_ingest(table.name, batches, mode="append", db_schema_name=self._schema)
        return count

    def _describe(self, cursor: Any, tables: Sequence[Table]) -> None:
        """Comment on tables and columns where the comment differs."""
        rows = _query(
            cursor,
            "select relname, coalesce(attname, ''), description from pg_description "
            "inner join pg_class on pg_class.oid = objoid and classoid = 'pg_class'::regclass "
            "left join pg_attribute on attrelid = objoid and attnum = objsubid and objsubid > 0 "
            f"where relnamespace = to_regnamespace({literal(quoted(self._schema))})",
        )
        present = {(name, column): text for name, column, text in rows}
        wanted = {(_STATE, ""): _STATE_DESCRIPTION}
        for table in tables:
            wanted[table.name, ""] = table.description
            wanted |= {(table.name, column): text for column, text in table.descriptions.items()}
        statements = []
        for (name, column), text in wanted.items():
            if text and present.get((name, column)) != text:
                of = f"column {self._table(name)}.{quoted(column)}" if column else f"table {self._table(name)}"
                statements.append(f"comment on {of} is {literal(text)};")
        if statements:  # one statement, as there are thousands at first
            cursor.execute(f"do {literal(' '.join(['begin', *statements, 'end']))}")

    def _table(self, name: str) -> str:
        return f"{quoted(self._schema)}.{quoted(name)}"

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        """A cursor in a transaction, which an error rolls back."""
        try:
            from adbc_driver_postgresql import dbapi
        except ImportError as error:
            raise NotTaken(
                "publish_postgres needs the package adbc-driver-postgresql; "
                "pip install it, or Touchstone with its extra postgres-marts"
            ) from error
        separator = "&" if urlsplit(self._url).query else "?"
        # The first of two values counts not, so that an address can give its own.
        base, _, query = self._url.partition("?")
        url = f"{base}?connect_timeout={_CONNECT_SECONDS}{'&' if separator == '&' else ''}{query}"
        try:
            with dbapi.connect(url) as opened, opened.cursor() as cursor:
                yield cursor
                opened.commit()
        except dbapi.Error as error:
            raise NotTaken(self._reason(error)) from None  # its text may hold a record's values

    def _reason(self, error: Any) -> str:
        """The first line of the server's message, without the password."""
        state = error.sqlstate or ""
        text = str(error).partition("[libpq] ")[2] or type(error).__name__
        if "ERROR:" in text:
            text = text.partition("ERROR:")[2]
        text = text.strip().split("\n")[0].strip()
        password = urlsplit(self._url).password
        for secret in (self._url, password, unquote(password or "")):
            if secret:
                text = text.replace(secret, "***")
        remedy = next((remedy for code, remedy in _REMEDIES.items() if code and state.startswith(code)), _OTHERWISE)
        return printable(f"publish_postgres: {text}; {remedy}")


def _columns(table: Table) -> str:
    """DuckDB's expressions of a table's columns, of types that PostgreSQL has; its text can't hold the character 0."""
    return ", ".join(
        f"replace(cast({quoted(column)} as varchar), chr(0), '') as {quoted(column)}"
        if _type(type_) == "text"
        else quoted(column)
        for column, type_ in table.types.items()
    )


def _type(of_duckdb: str) -> str:
    if decimal := re.fullmatch(r"DECIMAL(\(\d+,\d+\))", of_duckdb):
        return f"numeric{decimal[1]}"
    return _TYPES.get(of_duckdb, "text")


def _rows_of(part: str) -> str:
    """The condition of a part's rows."""
    if part in WHOLE:
        return ""
    month = f"date '{part}-01'"
    return f" where period_start >= {month} and period_start < {month} + interval '1 month'"


def _query(cursor: Any, sql: str) -> list[tuple[Any, ...]]:
    cursor.execute(sql)
    found: list[tuple[Any, ...]] = cursor.fetchall()
    return found
