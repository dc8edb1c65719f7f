"""The exact reader: takes any file of JSON apart into documents, and says where each one began.

The fast reader only knows clean newline-delimited files. This one also reads concatenated and
pretty-printed documents, arrays, and what is left of damaged files, at the price of about a tenth of the
speed. It never reads more than a few records' worth of memory.
"""

from __future__ import annotations

import codecs
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

_CHUNK = 1 << 18
_GZIP_MAGIC = b"\x1f\x8b"
_PARQUET_MAGIC = b"PAR1"
_decode = json.JSONDecoder().raw_decode
# Between documents: white space, and the brackets and commas of an array that holds them.
_BETWEEN = re.compile(r"[\s,\[\]]*")
_GLUED = re.compile(r"\}[ \t]*(?=\{)")


class FileRefused(Exception):
    """The file as a whole can't be landed; the message says why and what helps."""


@dataclass(frozen=True, slots=True)
class Document:
    """A piece of a file: a document where `error` is None, else text that is none, with the reason.

    `offset` counts bytes of the uncompressed file, `line` counts from 1.
    """

    offset: int
    line: int
    text: str
    error: str | None = None


def is_gzip(path: Path) -> bool:
    """By content: the name says nothing."""
    with path.open("rb") as file:
        return file.read(2) == _GZIP_MAGIC


def is_parquet(path: Path) -> bool:
    """By content: the name says nothing."""
    with path.open("rb") as file:
        return file.read(4) == _PARQUET_MAGIC


def declared_size(path: Path) -> int:
    """Bytes the file holds uncompressed, by its gzip trailer (modulo 4 GiB) or Parquet footer, or its plain size."""
    size = path.stat().st_size
    if is_parquet(path):
        try:
            metadata = pq.read_metadata(path)
        except pa.ArrowException:
            return size
        return sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))
    if size < 18 or not is_gzip(path):
        return size
    with path.open("rb") as file:
        file.seek(-4, 2)
        return int.from_bytes(file.read(4), "little")


def first_line(path: Path, limit: int = 1 << 20) -> str:
    """The first line of the uncompressed file, up to `limit` bytes of it; less, or nothing, of a damaged one."""
    with path.open("rb") as file:
        head = file.read(limit)
    if head.startswith(_GZIP_MAGIC):
        try:
            head = zlib.decompressobj(wbits=31).decompress(head, limit)
        except zlib.error:
            return ""
    return head.partition(b"\n")[0].decode("utf-8", "replace")


def split(path: Path, max_record_bytes: int, max_gzip_ratio: int) -> Iterator[Document]:
    """Every document of a file, and every piece of it that is none.

    Raises FileRefused for a gzip file that grows more than `max_gzip_ratio` times.
    """
    return _Splitter(path, max_record_bytes, max_gzip_ratio).documents()


class _Splitter:
    """Walks over a window of the file's text; `_at` is where it stands in it."""

    def __init__(self, path: Path, max_record_bytes: int, max_gzip_ratio: int) -> None:
        self._path = path
        self._limit = max_record_bytes
        self._ratio = max_gzip_ratio
        self._damage: str | None = None  # what ended the file before its end
        # Bytes that are not UTF-8 become surrogates, which mark the record that holds them.
        self._text = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._window = ""
        self._at = 0
        self._at_end = False
        self._offset = 0
        self._line = 1
        self._indent = ""  # white space before the present document on its line

    def documents(self) -> Iterator[Document]:
        with self._path.open("rb") as file:
            self._chunks = self._inflate(file) if is_gzip(self._path) else _plain(file)
            self._read_more()
            if self._window.startswith("\ufeff"):
                self._advance(1)
            while self._skip_between():
                yield self._next()
        if self._damage:
            yield Document(self._offset, self._line, "", self._damage)

    def _inflate(self, file: BinaryIO) -> Iterator[bytes]:
        """The members of a gzip file one after another; a damaged one ends the file."""
        read = written = 0
        inflater = zlib.decompressobj(wbits=31)
        started = False
        for chunk in _plain(file):
            read += len(chunk)
            while chunk:
                if inflater.eof:
                    chunk = chunk.lstrip(b"\0")  # some writers pad
                    if not chunk:
                        break
                    inflater, started = zlib.decompressobj(wbits=31), False
                try:
                    data = inflater.decompress(chunk, _CHUNK)
                except zlib.error as error:
                    self._damage = f"the gzip stream is damaged before byte {read} of the file: {error}"
                    return
                started = True
                written += len(data)
                if written > max(self._ratio * read, 64 * _CHUNK):
                    raise FileRefused(
                        f"its first {read} compressed bytes grow more than {self._ratio} times; "
                        "if that is right, raise TOUCHSTONE_MAX_GZIP_RATIO and run again"
                    )
                yield data
                chunk = inflater.unconsumed_tail or inflater.unused_data
        if started and not inflater.eof:
            yield inflater.flush()
            self._damage = f"the gzip stream ends early, after {read} bytes; fetch the file again"

    def _read_more(self) -> bool:
        """Lengthen the window; False at the end of the file."""
        if self._at_end:
            return False
        for chunk in self._chunks:
            if text := self._text.decode(chunk):
                self._window = self._window[self._at :] + text
                self._at = 0
                return True
        self._at_end = True
        self._window += self._text.decode(b"", final=True)
        return False

    def _left(self) -> int:
        """Characters of the window that are still ahead."""
        return len(self._window) - self._at

    def _advance(self, to: int) -> str:
        text = self._window[self._at : to]
        self._at = to
        self._offset += len(text) if text.isascii() else len(_bytes(text))
        self._line += text.count("\n")
        return text

    def _skip_between(self) -> bool:
        """Go to where the next document begins; False if there is none."""
        while True:
            match = _BETWEEN.match(self._window, self._at)
            assert match is not None
            between = self._advance(match.end())
            if "\n" in between or self._offset == len(between):
                self._indent = between.rpartition("\n")[2]
            if self._left():
                return True
            if not self._read_more():
                return self._left() > 0

    def _next(self) -> Document:
        while True:
            try:
                _, end = _decode(self._window, self._at)
            except json.JSONDecodeError as error:
                if self._may_continue(error) and self._read_more():
                    continue
                return self._damaged(error)
            except RecursionError:
                return self._take(self._resume(self._at), "its values are nested too deeply")
            # A number or word that touches the window's end may go on in the next chunk.
            if end == len(self._window) and self._window[self._at] not in '{"' and self._read_more():
                continue
            return self._whole(end)

    def _may_continue(self, error: json.JSONDecodeError) -> bool:
        """Whether the window may just be too short. A record that is over the limit is not waited for."""
        return self._is_cut(error) and self._left() <= self._limit

    def _is_cut(self, error: json.JSONDecodeError) -> bool:
        """Whether the window, rather than damage, may have ended the record."""
        return error.msg.startswith("Unterminated string") or error.pos >= len(self._window) - 12

    def _whole(self, end: int) -> Document:
        error = None
        if len(_bytes(self._window[self._at : end])) > self._limit:
            return self._too_long(end)
        if self._window[self._at] != "{":
            error = "not a JSON object"
        return self._take(end, error)

    def _damaged(self, error: json.JSONDecodeError) -> Document:
        if self._is_cut(error) and not self._at_end:
            return self._too_long(None)
        if self._is_cut(error) and "\n" not in self._window[self._at :].strip():
            reason = self._damage or "the file ends inside the record"
            self._damage = None
        else:
            reason = f"not JSON: {error.msg[:1].lower()}{error.msg[1:]}"
        return self._take(self._resume(error.pos), reason)

    def _too_long(self, end: int | None) -> Document:
        """Keep the beginning of a record over the limit; skip to its end or, where that is unknown, the next line."""
        offset, line = self._offset, self._line
        text = self._window[self._at : self._at + 4096]
        while end is None:
            if (newline := self._window.find("\n", self._at)) >= 0:
                end = newline
            else:
                self._advance(len(self._window))
                if not self._read_more():
                    end = len(self._window)
        self._advance(end)
        reason = f"the record is over {self._limit} bytes (TOUCHSTONE_MAX_RECORD_BYTES); its beginning is kept"
        return Document(offset, line, _printable(text), reason)

    def _resume(self, error_at: int) -> int:
        """Where to go on after a damaged record that begins at `_at`.

        The next line with a brace as far in as this record's, or the next `}{` behind the damage.
        What is no object at all ends with its line, or where an object begins in it.
        """
        if self._window[self._at] != "{":
            end = self._find("\n")
            brace = self._window.find("{", self._at + 1, end)
            return brace if brace > 0 else end
        error_at -= self._at  # _find may move the window
        next_line = self._find("\n" + self._indent + "{")
        glued = _GLUED.search(self._window, self._at + error_at, next_line)
        return glued.end() if glued else next_line

    def _find(self, what: str) -> int:
        """Its place ahead in the window, lengthened as far as one record may go; else the window's end."""
        while (found := self._window.find(what, self._at + 1)) < 0:
            if self._left() > self._limit or not self._read_more():
                return len(self._window)
        return found

    def _take(self, end: int, error: str | None = None) -> Document:
        offset, line = self._offset, self._line
        text = self._advance(end).rstrip()
        if error is None and not text.isascii() and (bad := _first_bad_byte(text)) is not None:
            error = f"not UTF-8: byte {bad} of the record"
        return Document(offset, line, _printable(text), error)


def _plain(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _first_bad_byte(text: str) -> int | None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return len(text[: error.start].encode())
    return None


def _printable(text: str) -> str:
    """The text with bytes that are not UTF-8 written as \\xNN."""
    return _bytes(text).decode("utf-8", "backslashreplace")
