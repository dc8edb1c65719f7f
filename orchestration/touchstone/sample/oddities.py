"""Odd and damaged files of JSON records, for any vendor.

An odd file holds whole records, written otherwise than one per line in a gzip file. What a damaged file holds
also lands whole, in a file of its own: what is true of the sample must not depend on how much of a damaged
file a reader can save.
"""

from collections.abc import Callable, Mapping

import orjson
from isal import igzip

from touchstone.sample.files import Written, write_file
from touchstone.sample.plan import Plan

# From records, each the text of a JSON object, to a file's bytes.
Layout = Callable[[list[str]], bytes]


def gzipped(data: bytes) -> bytes:
    return igzip.compress(data, 1, mtime=0)


def plain(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def compressed(lines: list[str]) -> bytes:
    return gzipped(plain(lines))


def pretty(lines: list[str]) -> bytes:
    return b"\n".join(orjson.dumps(orjson.loads(line), option=orjson.OPT_INDENT_2) for line in lines)


def concatenated(lines: list[str]) -> bytes:
    return "".join(lines).encode()


def array(lines: list[str]) -> bytes:
    return ("[" + ",\n".join(lines) + "]\n").encode()


def blank_lines(lines: list[str]) -> bytes:
    return gzipped(("\n" + "\n\n  \t\n".join(lines) + "\n\n\n").encode())


def windows_line_ends(lines: list[str]) -> bytes:
    return gzipped("".join(f"{line}\r\n" for line in lines).encode())


def byte_order_mark(lines: list[str]) -> bytes:
    return gzipped(b"\xef\xbb\xbf" + plain(lines))


def no_last_newline(lines: list[str]) -> bytes:
    return gzipped(plain(lines).rstrip())


def two_members(lines: list[str]) -> bytes:
    """Two gzip streams in one file, as appending to one leaves it."""
    middle = len(lines) // 2
    return compressed(lines[:middle]) + compressed(lines[middle:])


FORMATS: dict[str, Layout] = {
    "plain.ndjson": plain,
    "pretty-printed.json": pretty,
    "concatenated.json": concatenated,
    "array.json": array,
    "gzip-without-suffix.ndjson": compressed,
    "blank-lines.ndjson.gz": blank_lines,
    "crlf.ndjson.gz": windows_line_ends,
    "bom.ndjson.gz": byte_order_mark,
    "no-last-newline.ndjson.gz": no_last_newline,
    "two-members.ndjson.gz": two_members,
    "pretty-printed.json.gz": lambda lines: gzipped(pretty(lines)),
    "concatenated.json.gz": lambda lines: gzipped(concatenated(lines)),
    "array.json.gz": lambda lines: gzipped(array(lines)),
}


def insert(lines: list[str], *others: bytes) -> bytes:
    """A compressed file with other lines in the middle."""
    middle = len(lines) // 2
    return gzipped(plain(lines[:middle]) + b"\n".join([*others, plain(lines[middle:])]))


def truncated_gzip(lines: list[str]) -> bytes:
    data = compressed(lines)
    return data[: len(data) * 2 // 3]


def invalid_utf8(lines: list[str]) -> bytes:
    return insert(lines, lines[0].encode().replace(b'":"', b'":"\xff\xc3(', 1))


def nul_byte(lines: list[str]) -> bytes:
    return insert(lines, lines[0].encode().replace(b":", b":\x00", 1), b"\x00" * 64)


def truncated_line(lines: list[str]) -> bytes:
    return insert(lines, lines[0][: len(lines[0]) // 2].encode())


def garbage(lines: list[str]) -> bytes:
    return insert(lines, b"<html>502 Bad Gateway</html>", b'{"event": }', b"}{")


def not_objects(lines: list[str]) -> bytes:
    return insert(lines, b"42", b'"text"', b"null", b"true", b"[]", b"[1, 2]")


DAMAGE: dict[str, Layout] = {
    "truncated-line.ndjson.gz": truncated_line,
    "truncated-end.ndjson": lambda lines: plain(lines)[:-100],
    "truncated-gzip.ndjson.gz": truncated_gzip,
    "garbage.ndjson.gz": garbage,
    "invalid-utf8.ndjson.gz": invalid_utf8,
    "nul-byte.ndjson.gz": nul_byte,
    "not-objects.ndjson.gz": not_objects,
}
EMPTY: dict[str, bytes] = {"empty.ndjson": b"", "empty.ndjson.gz": gzipped(b"")}


class OddFiles:
    """Writes each day's records as one kind of odd or damaged file, every kind in turn.

    `formats` and `damage` are the vendor's own kinds, by file name. If there are fewer days than
    kinds, a day gets several. Besides, on the first day files with nothing in them, and in turn a
    copy of a file and an extract that reaches back to the day before.
    """

    def __init__(
        self,
        plan: Plan,
        system: str,
        stream: str,
        formats: Mapping[str, Layout],
        damage: Mapping[str, Layout],
    ) -> None:
        self.written = Written()
        self._plan, self._system, self._stream = plan, system, stream
        self._formats = FORMATS | dict(formats)
        self._damage = DAMAGE | dict(damage)
        self._today: list[str] = []
        self._yesterday: list[str] = []

    def write(self, day: int, kind: str, lines: list[str], hour: int | None = None) -> None:
        self._today += lines

    def close_day(self, day: int) -> None:
        kinds = [*self._formats, *self._damage, "copied.ndjson.gz", "overlapping.ndjson.gz"]
        todays = kinds[day :: self._plan.days] or [kinds[day % len(kinds)]]
        for index, name in enumerate(todays):
            if lines := self._today[index :: len(todays)]:
                self._write_kind(day, name, lines)
        for name, data in EMPTY.items() if day == 0 else ():
            self._write_file(day, name, data, [])
        self._yesterday, self._today = self._today, []

    def _write_kind(self, day: int, name: str, lines: list[str]) -> None:
        if name in self._formats:
            self._write_file(day, name, self._formats[name](lines), lines)
            return
        self._write_file(day, f"whole-{name.split('.')[0]}.ndjson.gz", compressed(lines), lines)
        if name == "copied.ndjson.gz":
            self._write_file(day, "whole-copied (1).ndjson.gz", compressed(lines), lines)
        elif name == "overlapping.ndjson.gz":
            overlap = self._yesterday + lines
            self._write_file(day, name, compressed(overlap), overlap)
        else:
            self._write_file(day, name, self._damage[name](lines), lines)

    def _write_file(self, day: int, name: str, data: bytes, lines: list[str]) -> None:
        folder = self._plan.folder(self._system, self._stream, day)
        self.written.add(write_file(folder / name, data, len(lines)))
