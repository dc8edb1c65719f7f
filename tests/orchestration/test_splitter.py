"""The exact reader: every shape of file, every kind of damage."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from orchestration.landing.splitter import FileRefused, split

LIMIT = 1000


def pieces(tmp_path: Path, content: bytes, ratio: int = 400) -> list[tuple[int, str, bool]]:
    """Line, beginning of the text, and whether it is a document."""
    path = tmp_path / "file"
    path.write_bytes(content)
    return [(d.line, d.text[:20], d.error is None) for d in split(path, LIMIT, ratio)]


def reasons(tmp_path: Path, content: bytes) -> list[str]:
    path = tmp_path / "file"
    path.write_bytes(content)
    return [d.error for d in split(path, LIMIT, 400) if d.error]


@pytest.mark.parametrize(
    "content",
    [
        b'{"a":1}\n{"a":2}\n',
        b'{"a":1}{"a":2}',
        b'\xef\xbb\xbf{"a":1}\r\n\r\n  {"a":2}',
        b'[{"a":1},{"a":2}]',
        b'[\n  {"a":1},\n  {"a":2}\n]\n',
        gzip.compress(b'{"a":1}\n', mtime=0) + gzip.compress(b'{"a":2}\n', mtime=0) + b"\0\0",
    ],
)
def test_the_same_documents_in_every_shape(tmp_path: Path, content: bytes) -> None:
    assert [(text, good) for _, text, good in pieces(tmp_path, content)] == [('{"a":1}', True), ('{"a":2}', True)]


def test_pretty_printed_documents_keep_their_lines(tmp_path: Path) -> None:
    found = pieces(tmp_path, b'{\n "a": {\n  "b": 1\n }\n}\n{\n "a": 2\n}')
    assert [line for line, _, good in found if good] == [1, 6]


@pytest.mark.parametrize(
    ("content", "lines_of_good", "bad"),
    [
        (b'{"a":1}\n{"a": "cut\n{"a":3}\n', [1, 3], ['{"a": "cut']),
        (b'{"a":1}\n{"a": {"b":1,\n{"a":3}\n{"a":4}', [1, 3, 4], ['{"a": {"b":1,']),
        (b'{"a":1}{"a":tru}{"a":3}\n{"a":4}', [1, 1, 2], ['{"a":tru}']),
        (b'noise\n{"a":1}\n42\n"x"\nnull\n{"a":2}', [2, 6], ["noise", "42", '"x"', "null"]),
        (b'{"a":1} noise {"a":2}\n{"a":3}', [1, 1, 2], ["noise"]),
        (b'{"a":"\xff"}\n{"a":2}', [2], ['{"a":"\\xff"}']),
        (b'{"a":"\x00"}\n{"a":2}', [2], ['{"a":"\x00"}']),
        (b'[\n  {\n   "a": 1\n  },\n  {\n   "a": tru\n  },\n  {\n   "a": 3\n  }\n]', [2, 8], ['{\n   "a": tru\n  },']),
    ],
)
def test_damage_costs_only_the_damaged_record(
    tmp_path: Path, content: bytes, lines_of_good: list[int], bad: list[str]
) -> None:
    found = pieces(tmp_path, content)
    assert [line for line, _, good in found if good] == lines_of_good
    assert [text for _, text, good in found if not good] == bad


def test_what_follows_a_record_over_the_limit_is_read(tmp_path: Path) -> None:
    for size in (LIMIT + 1, 700_000):
        content = b'{"a":1}\n{"a":"' + b"x" * size + b'"}\n{"a":3}\n'
        assert [line for line, _, good in pieces(tmp_path, content) if good] == [1, 3]
        assert "over 1000 bytes" in reasons(tmp_path, content)[0]


def test_offsets_count_bytes_of_the_uncompressed_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    first = '{"a":"ü€"}\n'.encode()
    path.write_bytes(gzip.compress(first + b'{"a":2}'))
    assert [document.offset for document in split(path, LIMIT, 400)] == [0, len(first)]


def test_a_cut_gzip_file_gives_what_it_holds(tmp_path: Path) -> None:
    lines = b"".join(b'{"a":%d}\n' % n for n in range(2000))
    cut = gzip.compress(lines)[:-2000]
    found = pieces(tmp_path, cut)
    assert len(found) > 500
    assert all(good for *_, good in found[:-1])
    assert not found[-1][2]
    assert "ends early" in reasons(tmp_path, cut)[0]


def test_a_gzip_bomb_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="TOUCHSTONE_MAX_GZIP_RATIO"):
        pieces(tmp_path, gzip.compress(b"\0" * 200_000_000), ratio=100)


def test_long_files_are_read_in_windows(tmp_path: Path) -> None:
    lines = "".join(f'{{"n":{n},"text":"{"ü" * 50}"}}\n' for n in range(20_000))
    assert sum(good for *_, good in pieces(tmp_path, lines.encode())) == 20_000
