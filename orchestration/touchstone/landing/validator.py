"""Validates documents: in SQL those that are certainly as declared, one by one in Python all others."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import duckdb
import pyarrow as pa

from touchstone.landing import records
from touchstone.landing.normalise import Normaliser, Unreadable, parse
from touchstone.landing.stage import Staged
from touchstone.landing.streams import Stream, signatures
from touchstone.landing.unwrap import Control, Record, Refusal, Route, Unwrapper

# How many documents are rewritten at a time, and how many of their records: an answer of an API may have thousands.
_PIECE = 5_000
_RECORDS = 50_000
# Documents with further routes are read one by one.
_MOST_ROUTES = 8
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
    """Validator of one stream's documents. Writes their records, as `records.validated` selects them, into `batch`.

    A shape is that of names and JSON types. One record of each shape is checked, and decides whether all records of the
    shape are certainly as declared. The table `shapes` keeps the result: `fields`, the undeclared ones, or NULL if they
    are not.
    """

    def __init__(self, stream: Stream, connection: duckdb.DuckDBPyConnection) -> None:
        self._stream = stream
        self._sql = connection
        self._unwrapper = Unwrapper(stream.source, signatures(), stream.inherit, stream.event_source)
        self._normaliser = Normaliser(stream.shape, frozenset(stream.not_kept), stream.not_happened)
        self._routes: dict[Route, None] = {}
        self._identity = f"{stream.kind} {stream.event_at} {stream.key}"
        connection.execute(records.INSTANT)
        connection.execute(records.STRUCTURE)
        connection.execute("create or replace temp table shapes (shape ubigint, fields varchar[])")

    def start_batch(self) -> None:
        """Create the empty table `batch`."""
        self._sql.execute(f"create or replace temp table batch ({records.validated_columns(self._stream)})")

    def delete_rows(self, files: Iterable[Staged]) -> None:
        """Delete the records of files from the batch."""
        self._sql.execute(
            "delete from batch where _filename in (select unnest(?::varchar[]))", [[str(file.path) for file in files]]
        )

    def quarantined_files(self) -> set[str]:
        """The names of files with quarantined records."""
        rows = self._sql.execute("select distinct _filename from batch where _status = 'quarantined'").fetchall()
        return {name for (name,) in rows}

    def ignore(self, pieces: Sequence[tuple[str, int, int, str]]) -> None:
        """Add ignored pieces of text: filename, byte offset, line, and kind of each."""
        if not pieces:
            return
        columns = dict(zip(("_filename", "_byte_offset", "_line", "_kind"), zip(*pieces, strict=True), strict=True))
        self._sql.register("ignored_arrow", pa.table({name: list(values) for name, values in columns.items()}))
        self._sql.execute("insert into batch by name select *, 'ignored' as _status from ignored_arrow")
        self._sql.unregister("ignored_arrow")

    def learn_routes(self, texts: Sequence[str]) -> None:
        """Learn the routes to the records of documents, from the first of those that begin with the same name."""
        firsts = {text[: text.find(":")]: text for text in reversed(texts)}
        for text in firsts.values():
            if len(self._routes) < _MOST_ROUTES and (route := self._route(text)):
                self._routes[route] = None

    def _route(self, text: str) -> Route:
        """The route to a document's records; empty if there is none."""
        try:
            return self._unwrapper.route(parse(text)) or ()
        except ValueError:
            return ()

    def validate(self, lines: str, split: bool = True) -> None:
        """Validate a relation of documents; records that aren't certainly as declared get the status `unproven`.

        `split`: whether documents may be split into their records. If not all of these can be read, the file has to be
        read again.
        Raises duckdb.Error, and adds nothing, if a file can't be read.
        """
        usable = [route for route in self._routes if split or ("each",) not in route]
        # first those with most names, of which another may be a part
        routes = [*sorted(usable, key=lambda route: -sum(map(len, route))), ()]
        known = records.of_known_shape(self._stream, lines, routes)
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
        """Rewrite unproven records as declared, and validate them again."""
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
            lines = (line for document in documents for line in self._lines(*document))
            while part := [*islice(lines, _RECORDS)]:
                columns = [list(column) for column in zip(*part, strict=True)]
                table = pa.table(dict(zip(_LINES.names, columns, strict=True)), schema=_LINES)
                self._sql.register("lines_arrow", table)
                self._sql.execute(f"insert into batch {rewritten}")
                self._sql.unregister("lines_arrow")
        self._sql.execute("drop table unproven")

    def _proves(self, text: str) -> list[str] | None:
        """The undeclared fields of a shape, if the record in this document proves it as declared; else None."""
        try:
            items = self._unwrapper.items(parse(text, once=True))
        except ValueError:
            return None
        alone = items[0] if len(items) == 1 else None
        return self._normaliser.proves(alone.value) if isinstance(alone, Record) else None

    def _lines(
        self, filename: str, offset: int | None, line: int | None, text: str | None, error: str | None
    ) -> Iterator[tuple[Any, ...]]:
        """The rows of a document for the table of lines."""

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
        # the rest identifies the record, unless key, kind or time read the field that can't be read
        name = (unreadable.field or "").rpartition(".")[2]
        known = canonical if "_record" not in self._identity and name not in self._identity else None
        return known, original, str(unreadable), None, None
