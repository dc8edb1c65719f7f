"""Reads the files of a batch into the validator.

Clean lines are read from many files at once, Parquet by its rows, OpenTelemetry by its datapoints, and all other files
by the exact splitter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import duckdb
import pyarrow as pa

from touchstone.landing import opentelemetry, parquet, records
from touchstone.landing.formats import FileRefused
from touchstone.landing.opentelemetry import Document
from touchstone.landing.splitter import split
from touchstone.landing.stage import Staged, first_lines
from touchstone.landing.validator import Validator

# How many characters of documents are validated at a time.
_PIECE = 64 * 2**20
# The size of the part of a batch that is read first, in bytes.
_FIRST = 16 * 2**20
_DOCUMENTS = pa.schema(
    [
        ("filename", pa.string()),
        ("byte_offset", pa.int64()),
        ("line", pa.int64()),
        ("text", pa.string()),
        ("error", pa.string()),
    ]
)


class Reader:
    """Reader of one stream's files."""

    def __init__(self, validator: Validator, connection: duckdb.DuckDBPyConnection, max_record_bytes: int) -> None:
        self._validator = validator
        self._sql = connection
        self._max_record_bytes = max_record_bytes

    def read(self, files: Sequence[Staged]) -> dict[Staged, str]:
        """Read and validate the records of files; returns the files that are refused as a whole, with the reason."""
        refused: dict[Staged, str] = {}
        rest = self._read_fast([file for file in files if file.format == "text"])
        self._read_pieces(
            document
            for file in files
            if file.format == "opentelemetry"
            for document in opentelemetry.documents(file.path)
        )
        for file in (file for file in files if file.format == "parquet"):
            try:
                self._read_parquet(file)
            except FileRefused as refusal:
                refused[file] = str(refusal)
        refused |= self._read_exactly([file for file in files if file in rest])
        self._validator.delete_rows(refused)
        return refused

    def read_documents(self, documents: Iterable[Document]) -> None:
        """Validate texts that are split already."""
        columns = list(zip(*documents, strict=True))
        if not columns:
            return
        self._validator.learn_routes(columns[3])
        table = pa.table(dict(zip(_DOCUMENTS.names, map(list, columns), strict=True)), schema=_DOCUMENTS)
        self._sql.register("documents_arrow", table)
        self._validator.validate("from documents_arrow", split=False)
        self._sql.unregister("documents_arrow")
        self._validator.validate_unproven()

    def _read_fast(self, files: Sequence[Staged]) -> set[Staged]:
        """Read files as clean newline-delimited JSON; returns those that are not, with no rows of them kept."""
        exact: set[Staged] = set()
        # Records of a known shape don't need their text: a part of the files, read first, has most of the shapes.
        every = max(1, sum(file.size for file in files) // _FIRST)
        for part in (files[::every], [file for number, file in enumerate(files) if number % every]):
            for file in part:
                self._validator.learn_routes(first_lines(file.path))
            exact |= self._try_fast(part)
        self._validator.validate_unproven()
        # A quarantined record needs its position, which lines read at once don't have.
        names = self._validator.quarantined_files()
        unclean = {file for file in files if str(file.path) in names}
        self._validator.delete_rows(unclean)
        return exact | unclean

    def _try_fast(self, files: Sequence[Staged]) -> set[Staged]:
        """Read files in one statement; returns the files that can't be read like this.

        One unreadable file fails the whole statement: then each half of the files is tried.
        """
        if not files:
            return set()
        try:
            self._validator.validate(records.read_lines(file.path for file in files))
        except duckdb.Error:
            if len(files) == 1:
                return set(files)
            half = len(files) // 2
            return self._try_fast(files[:half]) | self._try_fast(files[half:])
        return set()

    def _read_parquet(self, file: Staged) -> None:
        """Each row is a record; its line is the number of the row."""
        try:
            self._validator.validate(parquet.rows(self._sql, file.path), split=False)
        except duckdb.Error:
            raise FileRefused("not a Parquet file that can be read: it is damaged; fetch or write it again") from None
        self._validator.validate_unproven()

    def _read_exactly(self, files: Sequence[Staged]) -> dict[Staged, str]:
        """Split files that are not clean newline-delimited JSON, several at a time; returns those that are refused."""
        ignored: list[tuple[str, int, int, str]] = []
        refused: dict[Staged, str] = {}

        def documents() -> Iterator[Document]:
            for file in files:
                name = str(file.path)
                try:
                    for document in split(file.path, self._max_record_bytes):
                        if document.kind:
                            ignored.append((name, document.offset, document.line, document.kind))
                        else:
                            yield name, document.offset, document.line, document.text, document.error
                except FileRefused as refusal:
                    refused[file] = str(refusal)

        self._read_pieces(documents())
        self._validator.ignore(ignored)
        return refused

    def _read_pieces(self, documents: Iterable[Document]) -> None:
        """Validate documents, many at a time."""
        piece: list[Document] = []
        size = 0
        for document in documents:
            piece.append(document)
            size += len(document[3])
            if size > _PIECE:
                self.read_documents(piece)
                piece, size = [], 0
        self.read_documents(piece)
