"""The stage: a copy of each file under a safe name, decoded to UTF-8 text, or binary as it is.

Records are read from the copy alone: file names can't act as patterns, and later changes of the file have no effect.
One pass makes the copy and the hash; only bytes with a correct checksum are copied.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
from isal import igzip

from touchstone.damage import NO_ROOM
from touchstone.landing.formats import GZIP, HEAD_BYTES, ZSTD, FileRefused, Format, encoding, format_of, refuse_other
from touchstone.landing.inbox import Found

_CHUNK = 2**17
# The ratio applies to files that are larger than this uncompressed.
_ALWAYS_ALLOWED = 16 * 2**20
# gzip in gzip in gzip is a mistake; more is an attack.
_MAX_LAYERS = 4
_LEFT = "it is left for the next run"
_ALLOW = "allow nights to read it, on S3 by s3:GetObject and, if a key of KMS encrypts it, kms:Decrypt"


@dataclass(frozen=True)
class Staged:
    """A file and its copy. `hash` identifies the file: BLAKE2b of its bytes, 16 bytes in hex.

    `bytes` is the size of the file, `size` that of its uncompressed content.
    """

    found: Found
    path: Path
    hash: str
    bytes: int
    size: int
    format: Format


def stage(found: Found, path: Path, max_ratio: int) -> Staged:
    """Copy a file to `path`. Raises FileRefused, and leaves no copy, if the content can't be read in full."""
    try:
        with found.open() as file:
            raw = _Layer(file, hashlib.blake2b(digest_size=16))
            reader = _opened(raw, max_ratio)
            head = reader.peek(HEAD_BYTES)[:HEAD_BYTES]
            format_ = format_of(head)
            with path.open("wb") as copy:
                _copy(reader, head, encoding(head) if format_ == "text" else None, copy)
            raw.read_to_end()
        if found.stamp_now() != found.stamp:
            raise FileRefused(f"it changed while it was being read; {_LEFT}")
    except FileNotFoundError:
        path.unlink(missing_ok=True)
        raise FileRefused(f"it was renamed or removed while the inbox was being read; {_LEFT}") from None
    except PermissionError as error:
        path.unlink(missing_ok=True)
        raise FileRefused(f"can't be read: {error.strerror or error}; {_ALLOW}, and {_LEFT}") from None
    except OSError as error:
        path.unlink(missing_ok=True)
        if error.errno in NO_ROOM:  # of the copy
            raise
        raise FileRefused(f"can't be read: {error.strerror or error}") from None
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    size = _parquet_size(path) if format_ == "parquet" else path.stat().st_size
    return Staged(found, path, raw.digest.hexdigest(), raw.count, size, format_)


def first_lines(path: Path, limit: int = 2**20) -> list[str]:
    """The first line of a copy, up to `limit` bytes of it, and whole lines that follow."""
    with path.open("rb") as file:
        lines = [file.readline(limit), *file.read(_CHUNK).split(b"\n")[:-1]]
    return [line.decode("utf-8", "replace") for line in lines]


class _Layer(io.RawIOBase):
    """The bytes of a file or decoder, in full buffers; `check` is called with their count after each, and may raise."""

    def __init__(self, inner: Any, digest: Any = None, check: Callable[[int], None] = lambda count: None) -> None:
        self._inner = inner
        self._check = check
        self.digest = digest
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        filled = 0
        with memoryview(buffer).cast("B") as view:
            while filled < len(view) and (read := self._inner.readinto(view[filled:])):
                filled += read
            if self.digest:
                self.digest.update(view[:filled])
        self.count += filled
        self._check(self.count)
        return filled

    def read_to_end(self) -> None:
        while self.read(_CHUNK):
            pass


class _Decoder:
    """A decoder of a compressed stream, whose errors become a FileRefused that names the format."""

    def __init__(self, name: str, inner: Any) -> None:
        self._name = name
        self._inner = inner

    def readinto(self, buffer: Any) -> int:
        try:
            return int(self._inner.readinto(buffer))
        except FileRefused:
            raise
        except Exception as error:  # each library raises its own
            if getattr(error, "errno", None) is not None:  # an error of the file, not of its content
                raise
            raise FileRefused(
                f"damaged {self._name}: it is cut, or was changed on its way; fetch the file again"
            ) from None


def _opened(raw: _Layer, max_ratio: int) -> io.BufferedReader[Any]:
    """A reader of the file's uncompressed content."""

    def check(count: int) -> None:
        if count > max(max_ratio * raw.count, _ALWAYS_ALLOWED):
            raise FileRefused(
                f"it grows more than {max_ratio} times when it is uncompressed; "
                "if that is right, raise TOUCHSTONE_MAX_GZIP_RATIO and run again"
            )

    layer = raw
    for _ in range(_MAX_LAYERS):
        reader = io.BufferedReader(layer, _CHUNK)
        head = reader.peek(HEAD_BYTES)
        if head.startswith(GZIP):
            inner = _Decoder("gzip", igzip.open(reader))  # type: ignore[no-untyped-call]
        elif head.startswith(ZSTD):
            inner = _Decoder("zstd", pa.CompressedInputStream(pa.PythonFile(reader, "r"), "zstd"))
        else:
            return reader
        layer = _Layer(inner, check=check)
    raise FileRefused(f"it is compressed more than {_MAX_LAYERS - 1} times: unpack it, and put what is in it there")


def _copy(reader: io.BufferedReader[Any], head: bytes, encoded: str | None, copy: BinaryIO) -> None:
    if encoded is None:
        refuse_other(head)
        buffer = memoryview(bytearray(_CHUNK))
        while read := reader.readinto(buffer):
            copy.write(buffer[:read])
        return
    # Half of a surrogate pair is not a character: it lands as U+FFFD, also if JSON escapes it.
    text = io.TextIOWrapper(reader, encoded, errors="replace", newline="")
    first = True
    while piece := text.read(_CHUNK):
        if first:
            refuse_other(piece[:HEAD_BYTES].encode())
            first = False
        copy.write(piece.encode())


def _parquet_size(path: Path) -> int:
    try:
        metadata = pq.read_metadata(path)
    except pa.ArrowException:
        return path.stat().st_size
    return sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))
