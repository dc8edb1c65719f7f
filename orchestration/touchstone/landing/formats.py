"""The format of a file, by its content: one that is not JSON, Parquet or OpenTelemetry is refused by name."""

from __future__ import annotations

import csv
import re
from itertools import islice
from typing import Literal

from touchstone.landing.opentelemetry import BEGINNING

Format = Literal["text", "parquet", "opentelemetry"]

# How much of a file's beginning is read to recognize its format.
HEAD_BYTES = 4096
PARQUET = b"PAR1"
GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"

_UNPACK = "unpack it, and put what is in it into the folder"
_EXPORT = "export the records as JSON, one per line"
# (bytes, their offset) -> the format, and the remedy.
_MAGIC = {
    (b"PK\x03\x04", 0): ("a ZIP archive", _UNPACK),
    (b"PK\x05\x06", 0): ("an empty ZIP archive", "remove it"),
    (b"7z\xbc\xaf\x27\x1c", 0): ("a 7-Zip archive", _UNPACK),
    (b"Rar!\x1a\x07", 0): ("a RAR archive", _UNPACK),
    (b"ustar", 257): ("a tar archive", _UNPACK),
    (b"BZh", 0): ("a bzip2 file", _UNPACK),
    (b"\xfd7zXZ\x00", 0): ("an xz file", _UNPACK),
    (b"\x04\x22\x4d\x18", 0): ("an lz4 file", _UNPACK),
    (b"\xff\x06\x00\x00sNaPpY", 0): ("a Snappy file", _UNPACK),
    (b"\x1f\x9d", 0): ("a file of Unix compress", _UNPACK),
    (b"Obj\x01", 0): ("an Avro file", "write it as Parquet or JSON"),
    (b"ORC", 0): ("an ORC file", "write it as Parquet or JSON"),
    (b"ARROW1", 0): ("an Arrow file", "write it as Parquet or JSON"),
    (b"PARE", 0): ("an encrypted Parquet file", "write it without encryption"),
    (b"SQLite format 3\x00", 0): ("an SQLite database", _EXPORT),
    (b"DUCK", 8): ("a DuckDB database", _EXPORT),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0): ("a file of Microsoft Office", _EXPORT),
    (b"%PDF-", 0): ("a PDF file", _EXPORT),
    (b"\x00\x00\x00\x01Bud1", 0): ("a .DS_Store file of macOS", "remove it"),
}
_OFFICE = re.compile(rb"(?:xl|word|ppt)/|\[Content_Types\]\.xml")
_HTML = re.compile(rb"\s*<(?:!doctype html|html|head|body)\b", re.IGNORECASE)
# The beginning of an object or list, in JSON or a notation like it.
_JSON_LIKE = re.compile(rb"\s*[{\[(]")
_OPENTELEMETRY_JSON = re.compile(rb'\s*\{\s*"resource(?:Metrics|Logs|Spans)"\s*:')
# Code units of UTF-32 and UTF-16 by their mark, or by the zeros beside the first character of JSON.
_ENCODINGS = (
    (re.compile(rb"\xff\xfe\x00\x00|\x00\x00\xfe\xff"), "utf-32"),
    (re.compile(rb"\xff\xfe|\xfe\xff"), "utf-16"),
    (re.compile(rb"[^\x00]\x00\x00\x00"), "utf-32-le"),
    (re.compile(rb"\x00\x00\x00[^\x00]"), "utf-32-be"),
    (re.compile(rb"[^\x00]\x00[^\x00]\x00"), "utf-16-le"),
    (re.compile(rb"\x00[^\x00]\x00[^\x00]"), "utf-16-be"),
)


class FileRefused(Exception):
    """The whole file can't be landed; the message has the reason and the remedy."""


def format_of(head: bytes) -> Format:
    """The format by the beginning of a file; text is what is neither of the others."""
    if head.startswith(PARQUET):
        return "parquet"
    return "opentelemetry" if BEGINNING.match(head) and _is_binary(head) else "text"


def encoding(head: bytes) -> str | None:
    """The encoding of a text file by its beginning, unless it is UTF-8."""
    return next((name for pattern, name in _ENCODINGS if pattern.match(head)), None)


def refuse_other(head: bytes) -> None:
    """Raise FileRefused if the beginning shows a format that isn't read."""
    for (magic, at), (what, remedy) in _MAGIC.items():
        if head.startswith(magic, at):
            if magic.startswith(b"PK") and _OFFICE.search(head):
                what, remedy = "a workbook or document of an office program", _EXPORT
            raise FileRefused(f"it is {what}: {remedy}")
    text = head.removeprefix(b"\xef\xbb\xbf")
    if _OPENTELEMETRY_JSON.match(text):
        raise FileRefused("it is OpenTelemetry's JSON: put the metric stream's own files there, or export them as JSON")
    if _HTML.match(text):
        raise FileRefused("it is an HTML page, maybe an error that was saved: fetch the file again")
    if text.lstrip().startswith(b"<"):
        raise FileRefused(f"it is XML: {_EXPORT}; if it is an error that was saved, fetch the file again")


def without_json(head: bytes) -> FileRefused:
    """The refusal of a file without any JSON object."""
    if _is_binary(head):
        return FileRefused(f"it is a binary file of no known format: {_EXPORT}")
    if not _JSON_LIKE.match(head) and (mark := _separator(head)):
        return FileRefused(f"it is CSV, separated by {mark}: {_EXPORT}")
    return FileRefused(f"it is text without a JSON object: {_EXPORT}, or remove it")


def _is_binary(head: bytes) -> bool:
    return bool(re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]", head))


def _separator(head: bytes) -> str | None:
    """The separator of columns, if the first two rows have the same number of them."""
    lines = head.decode("utf-8", "replace").splitlines()
    for mark, name in ((",", "commas"), ("\t", "tabs"), (";", "semicolons"), ("|", "bars")):
        rows = list(islice(filter(None, csv.reader(lines, delimiter=mark)), 2))
        if rows and len(rows[0]) > 1 and len(rows[0]) == len(rows[-1]):
            return name
    return None
