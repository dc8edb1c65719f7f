"""Judges documents: in SQL what is certainly as declared, and one by one what may be written in another way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa

from touchstone.landing import records
from touchstone.landing.normalise import Normaliser, Unreadable, parse
from touchstone.landing.records import Routed
from touchstone.landing.streams import Stream, signatures
from touchstone.landing.unwrap import Control, Record, Refusal, Route, Unwrapper

_PIECE = 5_000  # documents that are written anew at a time
_SETTLED = "select *, text is not null as sure, null::ubigint as shape, true as looked_at from ({})"
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


class Judge:
    """Of one stream's documents; puts them into the table `batch`.

    Records of one shape, which is that of their names and JSON types, are written as declared or are not: one of each
    is looked at. What that showed is the table `shapes`: shape, and `fields`, the undeclared ones, or NULL if not.
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

    def empty(self) -> str:
        """The columns of `batch`."""
        nothing = (
            "select ''::varchar as filename, 0::bigint as byte_offset, 0::bigint as line, ''::varchar as text, "
            "''::varchar as original, ''::varchar as error, ''::varchar as control, true as sure, "
            "''::varchar[] as fields, 0::ubigint as shape, true as looked_at where false"
        )
        return records.judged(self._stream, records.read(self._stream, Routed(nothing)), final=True)

    def route(self, line: str) -> Route:
        """How a file's records are reached, by its first line."""
        try:
            return self._unwrapper.route(parse(line)) or ()
        except ValueError:
            return ()

    def judge(self, lines: list[tuple[str, Route]]) -> None:
        """Judge relations of documents; what isn't certainly as declared has the verdict `unproven`.

        Raises duckdb.Error, with nothing taken in, where a file can't be read.
        """
        kept = "filename, byte_offset, line, raw, original, error"
        shaped = " union all ".join(
            f"select {kept}, shape from ({records.shaped(self._stream, records.routed(each, route))})"
            for each, route in lines
        )
        known = (
            f"select {kept}, null::varchar as control, "
            "shape is not null and (shapes.shape is null or fields is not null) as sure, null::varchar[] as fields, "
            f"shape, shapes.shape is not null as looked_at from ({shaped}) left join shapes using (shape)"
        )
        self._sql.execute(f"insert into batch {records.judged(self._stream, known, final=False)}")
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
            "update batch set _verdict = 'unproven' "
            "where _shape in (select shape from shapes_arrow where fields is null)"
        )
        self._sql.execute("insert into shapes from shapes_arrow")
        self._sql.unregister("shapes_arrow")

    def settle(self) -> None:
        """Write what is unproven as it is declared, and judge it for good."""
        self._sql.execute(
            "create or replace temp table unproven as "
            "select row_number() over () as number, _filename, _byte_offset, _line, _text, _reason "
            "from batch where _verdict = 'unproven'"
        )
        self._sql.execute("delete from batch where _verdict = 'unproven'")
        row = self._sql.execute("select count(*) from unproven").fetchone()
        assert row is not None
        settled = _SETTLED.format(records.read(self._stream, Routed("from lines_arrow")))
        for start in range(0, row[0], _PIECE):
            documents = self._sql.execute(
                "select * exclude (number) from unproven where number > ? and number <= ? order by number",
                [start, start + _PIECE],
            ).fetchall()
            lines = [line for document in documents for line in self._lines(*document)]
            columns = [list(column) for column in zip(*lines, strict=True)] or [[] for _ in _LINES]
            table = pa.table(dict(zip(_LINES.names, columns, strict=True)), schema=_LINES)
            self._sql.register("lines_arrow", table)
            self._sql.execute(f"insert into batch {records.judged(self._stream, settled, final=True)}")
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
                yield row(*self._settled(item.value, text if item.value is document else json.dumps(item.value)))

    def _settled(self, record: dict[str, Any], original: str | None) -> tuple[Any, ...]:
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
