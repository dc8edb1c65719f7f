"""The exact reader: splits any text with JSON into documents, each with its position.

The fast reader reads only clean newline-delimited files. This one also reads concatenated and pretty-printed documents,
arrays, logs, and the rest of files with parse errors, at about a tenth of the speed. It holds a few records in memory.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from touchstone.landing.formats import HEAD_BYTES, without_json
from touchstone.landing.unwrap import NO_OBJECT

_CHUNK = 1 << 18
_decode = json.JSONDecoder().raw_decode
# Between documents: white space, and the brackets and commas of an array that holds them.
_BETWEEN = re.compile(r"[\s,\[\]]*")
# Where an object may begin; a quote doubled by CSV is no name.
_OBJECT = re.compile(r'\{(?=\s*(?:"(?!"\s*[^\s:])|\})|[ \t\r]*$)')
# Characters that a line of a log has only if it contains JSON.
_JSON_MARK = re.compile(r'[{}"]')
# Halves of surrogate pairs (the group) among the escapes of JSON.
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.", re.DOTALL
)
# A name and a colon: the inside of a record that was cut.
_INSIDE = re.compile(r'"\s*:')
_HALF = re.compile("[\ud800-\udfff]")
# The beginning of a log line: Lambda's own words, a level, a time, syslog's priority, the name of a container.
_LOG_LINE = re.compile(
    r"""(?:
        (?:START|END|REPORT|INIT_START|INIT_REPORT|RESTORE_START|RESTORE_REPORT|EXTENSION|TELEMETRY|XRAY)[ \t]
        | (?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL)\b
        | [IWEF]\d{4}[ ]                                        # glog
        | (?:<\d{1,3}>\d?[ ]?)? (?:
            \d{4}[-/]\d\d[-/]\d\d (?: [T ]\d\d:\d\d (?:[:.,]\d+)* (?:[ ]?(?:Z|[+-]\d\d:?\d\d))? )?
            | [A-Z][a-z]{2}[ ][ \d]\d[ ]\d\d:\d\d:\d\d              # syslog
            | \d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d
            | \d\d:\d\d:\d\d (?:[.,]\d+)?
            | \d{10,13} (?:\.\d+)?
        ) (?=[\s\]|:)]|$)
        | [\w.-]+ [ ]* \| (?:[ ]|$)                              # docker compose
    )""",
    re.VERBOSE,
)
_GLUED = re.compile(r"\}[ \t]*(?=\{)")


@dataclass(frozen=True, slots=True)
class Document:
    """A piece of a file: a document, other text with an `error`, or text to ignore with its `kind`.

    `offset` counts bytes of the uncompressed file, `line` counts from 1.
    """

    offset: int
    line: int
    text: str
    error: str | None = None
    kind: str | None = None


def split(path: Path, max_record_bytes: int) -> Iterator[Document]:
    """Every document of a UTF-8 file, and all other pieces of its text.

    Raises FileRefused for a file that isn't empty and in which no piece begins like a JSON object.
    """
    pieces = _Splitter(path, max_record_bytes).documents()
    if (first := next(pieces, None)) and not any(_OBJECT.match(piece.text) for piece in chain([first], pieces)):
        with path.open("rb") as file:
            raise without_json(file.read(HEAD_BYTES))
    yield from _Splitter(path, max_record_bytes).documents()


class _Splitter:
    """Moves a window over the file's text; `_at` is the position in the window."""

    def __init__(self, path: Path, max_record_bytes: int) -> None:
        self._path = path
        self._limit = max_record_bytes
        # Bytes that are not UTF-8 become surrogates, which mark the record that holds them.
        self._text = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._window = ""
        self._at = 0
        self._at_end = False
        self._offset = 0
        self._line = 1
        self._indent = ""  # white space before the current document on its line
        self._begins_line = True  # nothing before this on its line
        self._log_line = 0  # the last line that began like a log line

    def documents(self) -> Iterator[Document]:
        with self._path.open("rb") as file:
            self._file = file
            self._read_more()
            if self._window.startswith("\ufeff"):
                self._advance(1)
            while self._skip_between():
                if document := self._next():
                    yield document

    def _read_more(self) -> bool:
        """Extend the window; False at the end of the file."""
        if self._at_end:
            return False
        while chunk := self._file.read(_CHUNK):
            if text := self._text.decode(chunk):
                self._window = self._window[self._at :] + text
                self._at = 0
                return True
        self._at_end = True
        self._window += self._text.decode(b"", final=True)
        return False

    def _left(self) -> int:
        """Characters of the window after the position."""
        return len(self._window) - self._at

    def _advance(self, to: int) -> str:
        text = self._window[self._at : to]
        self._at = to
        self._offset += len(text) if text.isascii() else len(_bytes(text))
        self._line += text.count("\n")
        return text

    def _skip_between(self) -> bool:
        """Move to the beginning of the next document; False if there is none."""
        while True:
            match = _BETWEEN.match(self._window, self._at)
            assert match is not None
            between = self._advance(match.end())
            if "\n" in between or self._offset == len(between):
                self._indent = between.rpartition("\n")[2]
                self._begins_line = True
            if self._left():
                return True
            if not self._read_more():
                return self._left() > 0

    def _next(self) -> Document | None:
        if self._window[self._at] != "{":
            return self._text_piece()
        while True:
            try:
                _, end = _decode(self._window, self._at)
            except json.JSONDecodeError as error:
                if self._may_continue(error) and self._read_more():
                    continue
                return self._parse_error(error)
            except RecursionError:
                return self._take(self._resume(self._at), "its values are nested too deeply")
            return self._whole(end)

    def _text_piece(self) -> Document | None:
        """Text before the end of the line or the next object. None for the rest of a log line.

        A log writes a time or a level before its message: such text is ignored, with the rest of its line, and so are
        the lines below it that contain nothing like JSON. Text like the inside of a record is always a parse error.
        """
        end = self._find("\n")
        if self._window[self._at] == '"' and (record := _record_as_text(self._window[self._at : end])):
            return replace(self._take(end), text=record)
        found = _OBJECT.search(self._window, self._at, end)
        begins_line, line = self._begins_line, self._line
        if _INSIDE.search(self._window, self._at, found.start() if found else end):
            glued = _GLUED.search(self._window, self._at, end)
            return self._take(glued.end() if glued else end, NO_OBJECT)
        document = self._take(found.start() if found else end, NO_OBJECT)
        if line == self._log_line and not begins_line:
            return None
        if begins_line and _LOG_LINE.match(document.text):
            self._log_line = line
            return replace(document, error=None, kind="log line prefix" if found else "log line")
        if begins_line and self._log_line and not found and not _JSON_MARK.search(document.text):
            return replace(document, error=None, kind="log line")
        return document

    def _may_continue(self, error: json.JSONDecodeError) -> bool:
        """Whether a longer window may resolve the error; not for a record over the limit."""
        return self._is_cut(error) and self._left() <= self._limit

    def _is_cut(self, error: json.JSONDecodeError) -> bool:
        """Whether the record may just go on after the window."""
        return error.msg.startswith("Unterminated string") or error.pos >= len(self._window) - 12

    def _whole(self, end: int) -> Document:
        if len(_bytes(self._window[self._at : end])) > self._limit:
            return self._too_long(end)
        return self._take(end)

    def _parse_error(self, error: json.JSONDecodeError) -> Document:
        if self._is_cut(error) and not self._at_end:
            return self._too_long(None)
        if self._is_cut(error) and "\n" not in self._window[self._at :].strip():
            reason = "the file ends inside the record"
        else:
            reason = f"not JSON: {error.msg[:1].lower()}{error.msg[1:]}; write one JSON object for each record"
        return self._take(self._resume(error.pos), reason)

    def _too_long(self, end: int | None) -> Document:
        """Keep the beginning of a record over the limit; skip to its end or, if that is unknown, the next line."""
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
        """Where to continue after a record with a parse error that begins at `_at`.

        The next line with a brace at this record's indent, or the next `}{` after the error.
        """
        error_at -= self._at  # _find may move the window
        next_line = self._find("\n" + self._indent + "{")
        glued = _GLUED.search(self._window, self._at + error_at, next_line)
        return glued.end() if glued else next_line

    def _find(self, what: str) -> int:
        """Its position in the window, extended up to the limit of a record; else the window's end."""
        while (found := self._window.find(what, self._at + 1)) < 0:
            if self._left() > self._limit or not self._read_more():
                return len(self._window)
        return found

    def _take(self, end: int, error: str | None = None) -> Document:
        offset, line = self._offset, self._line
        text = self._advance(end).rstrip()
        self._begins_line = False
        if not text.isascii() and _has_bad_bytes(text):
            error = error or "not UTF-8"
        return Document(offset, line, _whole_characters(_printable(text)), error)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _has_bad_bytes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _record_as_text(line: str) -> str | None:
    """The object in a line that is a JSON string."""
    try:
        text, end = _decode(line)
        if line[end:].strip(" \t\r,]") or not isinstance(text, str) or not isinstance(json.loads(text), dict):
            return None
    except ValueError:
        return None
    return _whole_characters(_HALF.sub("\ufffd", text))


def _whole_characters(text: str) -> str:
    """JSON with U+FFFD for halves of surrogate pairs, which are not characters and which readers of JSON refuse."""
    if "\\ud" not in text and "\\uD" not in text:
        return text
    return _ESCAPE.sub(lambda escape: "\\ufffd" if escape[1] else escape[0], text)


def _printable(text: str) -> str:
    """The text with \\xNN for bytes that are not UTF-8."""
    return _bytes(text).decode("utf-8", "backslashreplace")
