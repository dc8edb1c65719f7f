"""Odd and damaged files: copies of the first records of a day, laid out or damaged in one of many ways.

As copies, they change no number: what is true of the sample doesn't depend on how much of a damaged file is read.
"""

import json
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path

from isal import igzip

gzipped = partial(igzip.compress, compresslevel=1, mtime=0)


def plain(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def pretty(lines: list[bytes]) -> bytes:
    return b"\n".join(json.dumps(json.loads(line), indent=2, ensure_ascii=False).encode() for line in lines)


def with_others(lines: list[bytes], *others: bytes) -> bytes:
    """A compressed file with other lines in the middle."""
    return gzipped(plain([*lines[:10], *others, *lines[10:]]))


LAYOUTS: dict[str, Callable[[list[bytes]], bytes]] = {
    "plain.ndjson": plain,
    "pretty-printed.json": pretty,
    "concatenated.json": b"".join,
    "array.json": lambda lines: b"[" + b",\n".join(lines) + b"]\n",
    "gzip-without-suffix.ndjson": lambda lines: gzipped(plain(lines)),
    "blank-lines.ndjson.gz": lambda lines: gzipped(b"\n" + b"\n\n  \t\n".join(lines) + b"\n\n\n"),
    "crlf.ndjson.gz": lambda lines: gzipped(plain(lines).replace(b"\n", b"\r\n")),
    "bom.ndjson.gz": lambda lines: gzipped(b"\xef\xbb\xbf" + plain(lines)),
    "no-last-newline.ndjson.gz": lambda lines: gzipped(plain(lines).rstrip()),
    "two-members.ndjson.gz": lambda lines: gzipped(plain(lines[:5])) + gzipped(plain(lines[5:])),
    "gzip-in-gzip.ndjson.gz": lambda lines: gzipped(gzipped(plain(lines))),
    "utf-16.ndjson": lambda lines: plain(lines).decode().encode("utf-16"),
    "text-of-json.ndjson": lambda lines: plain([json.dumps(line.decode()).encode() for line in lines]),
    "firehose-object": lambda lines: gzipped(b"".join(lines)),
    "mixed-separators.gz": lambda lines: gzipped(plain(lines[:3]) + b"".join(lines[3:])),
    "copied (1).ndjson.gz": lambda lines: gzipped(plain(lines)),
    "empty.ndjson": lambda lines: b"",
    "empty.ndjson.gz": lambda lines: gzipped(b""),
    "truncated-end.ndjson": lambda lines: plain(lines)[:-100],
    "truncated-gzip.ndjson.gz": lambda lines: gzipped(plain(lines))[:-200],
    "truncated-line.ndjson.gz": lambda lines: with_others(lines, lines[0][: len(lines[0]) // 2]),
    "garbage.ndjson.gz": lambda lines: with_others(lines, b"<html>502 Bad Gateway</html>", b'{"event": }', b"}{"),
    "not-objects.ndjson.gz": lambda lines: with_others(lines, b"42", b'"text"', b"null", b"true", b"[]", b"[1, 2]"),
    "invalid-utf8.ndjson.gz": lambda lines: with_others(lines, lines[0].replace(b'":"', b'":"\xff\xc3(', 1)),
    "nul-byte.ndjson.gz": lambda lines: with_others(lines, lines[0].replace(b":", b":\x00", 1)),
}


def write_odd_files(folder: Path, lines_file: Path, day: int, days: int) -> None:
    """Write the layouts whose turn it is: each once in the days, and several a day if the days are few."""
    with lines_file.open("rb") as file:
        lines = [line.rstrip(b"\n") for line in islice(file, 20)]
    names = list(LAYOUTS)
    for name in names[day::days] or [names[day % len(names)]]:
        (folder / name).write_bytes(LAYOUTS[name](lines))
