"""Validates documents: in SQL what is certainly as declared, one by one what may be written in another way."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from touchstone.landing import records
from touchstone.landing.normalise import Normaliser, Unreadable, parse
from touchstone.landing.stage import Staged
from touchstone.landing.streams import Stream, signatures
from touchstone.landing.unwrap import Control, Record, Refusal, Route, Unwrapper

_PIECE = 5_000  # documents that are rewritten at a time
_SHAPES = pa.schema([("shape", pa.uint64()), ("fields", pa.list_(pa.string()))])
_LINES = pa.schema(
    [
        ("filename", pa.string()),
        ("byte_offset", pa.int64()),
        ("line", pa.int64()),
        ("text", pa.string()),
        ("original", pa.string()),
        ("error", pa.string()),
        ("control", pa.string()),
        ("fields", pa.list_(pa.string())),
    ]
)


class Validator:
    """Of one stream's documents; puts their records into the table `batch`, as `records.validated` describes them.

    Records of one shape, which is that of their names and JSON types, are all as declared or none is certainly so: one
    of each shape is looked at. The table `shapes` keeps the result: shape, and `fields`, the undeclared ones, or NULL
    where records are not certainly as declared.
    """

    def __init__(self, stream: Stream, connection: duckdb.DuckDBPyConnection) -> None:
        self._stream = stream
        self._sql = connection
        self._unwrapper = Unwrapper(stream.source, signatures(), stream.inherit, stream.event_source)
        self._normaliser = Normaliser(stream.shape, frozenset(stream.not_kept), stream.not_happened)
        self._identity = f"{stream.kind} {stream.event_at} {stream.key}"
        connection.execute(records.INSTANT)
        connection.execute(records.STRUCTURE)
        connection.execute("create or replace temp table shapes (shape ubigint, fields varchar[])")

    def start_batch(self) -> None:
        """Make the table `batch`, without rows."""
        self._sql.register("lines_arrow", _LINES.empty_table())
        rewritten = records.validated(self._stream, records.rewritten(self._stream, "lines_arrow"), final=True)
        self._sql.execute(f"create or replace temp table batch as {rewritten}")
        self._sql.unregister("lines_arrow")

    def delete_rows(self, files: Iterable[Staged]) -> None:
        """Take what was read of files out of the batch again."""
        self._sql.execute(
            "delete from batch where _filename in (select unnest(?::varchar[]))", [[str(file.path) for file in files]]
        )

    def quarantined_files(self) -> set[str]:
        """The names of the files of which a record is quarantined."""
        rows = self._sql.execute("select distinct _filename from batch where _status = 'quarantined'").fetchall()
        return {name for (name,) in rows}

    def ignore(self, pieces: Sequence[tuple[str, int, int, str]]) -> None:
        """Enter text that is known to be no record: filename, byte offset, line, and kind of each piece."""
        if not pieces:
            return
        columns = dict(zip(("_filename", "_byte_offset", "_line", "_kind"), zip(*pieces, strict=True), strict=True))
        self._sql.register("ignored_arrow", pa.table({name: list(values) for name, values in columns.items()}))
        self._sql.execute("insert into batch by name select *, 'ignored' as _status from ignored_arrow")
        self._sql.unregister("ignored_arrow")

    def route(self, line: str) -> Route:
        """How a file's records are reached, by its first line."""
        try:
            return self._unwrapper.route(parse(line)) or ()
        except ValueError:
            return ()

    def validate(self, lines: list[tuple[str, Route]]) -> None:
        """Validate relations of documents; what isn't certainly as declared gets the status `unproven`.

        Raises duckdb.Error, with nothing taken in, where a file can't be read.
        """
        documents = [records.routed(each, route) for each, route in lines]
        known = records.of_known_shape(self._stream, documents)
        self._sql.execute(f"insert into batch {records.validated(self._stream, known, final=False)}")
        examples = self._sql.execute(
            "select _shape, any_value(_text) from batch "
            "where _shape is not null and _shape not in (select shape from shapes) group by _shape"
        ).fetchall()
        if not examples:
            return
        proofs = {shape: self._proves(text) for shape, text in examples}
        table = pa.table({"shape": [*proofs], "fields": [*proofs.values()]}, schema=_SHAPES)
        self._sql.register("shapes_arrow", table)
        self._sql.execute(
            "update batch set _status = 'unproven' "
            "where _shape in (select shape from shapes_arrow where fields is null)"
        )
        self._sql.execute("insert into shapes from shapes_arrow")
        self._sql.unregister("shapes_arrow")

    def validate_unproven(self) -> None:
        """Rewrite what is unproven as it is declared, and validate it for good."""
        self._sql.execute(
            "create or replace temp table unproven as "
            "select row_number() over () as number, _filename, _byte_offset, _line, _text, _reason "
            "from batch where _status = 'unproven'"
        )
        self._sql.execute("delete from batch where _status = 'unproven'")
        row = self._sql.execute("select count(*) from unproven").fetchone()
        assert row is not None
        rewritten = records.validated(self._stream, records.rewritten(self._stream, "lines_arrow"), final=True)
        for start in range(0, row[0], _PIECE):
            documents = self._sql.execute(
                "select * exclude (number) from unproven where number > ? and number <= ? order by number",
                [start, start + _PIECE],
            ).fetchall()
            lines = [line for document in documents for line in self._lines(*document)]
            columns = [list(column) for column in zip(*lines, strict=True)] or [[] for _ in _LINES]
            table = pa.table(dict(zip(_LINES.names, columns, strict=True)), schema=_LINES)
            self._sql.register("lines_arrow", table)
            self._sql.execute(f"insert into batch {rewritten}")
            self._sql.unregister("lines_arrow")
        self._sql.execute("drop table unproven")

    def _proves(self, text: str) -> list[str] | None:
        """What the one record of a document proves of all of its shape."""
        try:
            items = self._unwrapper.items(parse(text, once=True))
        except ValueError:
            return None
        alone = items[0] if len(items) == 1 else None
        return self._normaliser.proves(alone.value) if isinstance(alone, Record) else None

    def _lines(
        self, filename: str, offset: int | None, line: int | None, text: str | None, error: str | None
    ) -> Iterator[tuple[Any, ...]]:
        """Rows of the table of lines that a document gives."""

        def row(record: str | None, original: str | None, *rest: Any) -> tuple[Any, ...]:
            return filename, offset, line, record, original, *rest

        if error is not None:
            yield row(None, text, error, None, None)
            return
        try:
            document = parse(text or "")
        except ValueError:
            yield row(None, text, "not JSON; write one JSON object for each record", None, None)
            return
        for item in self._unwrapper.items(document):
            if isinstance(item, Control):
                yield row(None, None, None, item.kind, None)
            elif isinstance(item, Refusal):
                yield row(None, item.text, item.reason, None, None)
            else:
                yield row(*self._rewritten(item.value, text if item.value is document else json.dumps(item.value)))

    def _rewritten(self, record: dict[str, Any], original: str | None) -> tuple[Any, ...]:
        try:
            canonical, undeclared, unreadable = self._normaliser.record(record)
        except Unreadable as refusal:
            return None, original, str(refusal), None, None
        if unreadable is None:
            return canonical, original, None, None, undeclared
        # the rest of it tells which record it is, if what can't be read has no part in that
        name = (unreadable.field or "").rpartition(".")[2]
        known = canonical if "_record" not in self._identity and name not in self._identity else None
        return known, original, str(unreadable), None, None
