"""The exact reader: every shape of file, every kind of parse error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from touchstone.landing.formats import FileRefused
from touchstone.landing.splitter import split

LIMIT = 1000


def pieces(tmp_path: Path, content: bytes) -> list[tuple[int, str, bool]]:
    """Line, beginning of the text, and whether it is a document."""
    path = tmp_path / "file"
    path.write_bytes(content)
    return [(d.line, d.text[:20], d.error is None) for d in split(path, LIMIT)]


def reasons(tmp_path: Path, content: bytes) -> list[str]:
    path = tmp_path / "file"
    path.write_bytes(content)
    return [d.error for d in split(path, LIMIT) if d.error]


@pytest.mark.parametrize(
    "content",
    [
        b'{"a":1}\n{"a":2}\n',
        b'{"a":1}{"a":2}',
        b'\xef\xbb\xbf{"a":1}\r\n\r\n  {"a":2}',
        b'[{"a":1},{"a":2}]',
        b'[\n  {"a":1},\n  {"a":2}\n]\n',
        b'"{\\"a\\":1}"\n"{\\"a\\":2}"\n',
        b'["{\\"a\\":1}",\n"{\\"a\\":2}"]',
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
def test_a_parse_error_affects_one_record(
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
    path.write_bytes(first + b'{"a":2}')
    assert [document.offset for document in split(path, LIMIT)] == [0, len(first)]


def test_long_files_are_read_in_windows(tmp_path: Path) -> None:
    lines = "".join(f'{{"n":{n},"text":"{"ü" * 50}"}}\n' for n in range(20_000))
    assert sum(good for *_, good in pieces(tmp_path, lines.encode())) == 20_000


LOG = """START RequestId: 7 Version: 3
2026-03-02T09:00:00.722Z\t7\tINFO\t{"a":1} done
2026-03-02T09:00:01.000Z\t7\tERROR\tsome failure
    at somewhere (file.js:3)
{"a":2}
END RequestId: 7
"""


def kinds(tmp_path: Path, content: bytes) -> list[tuple[int, str]]:
    """Line of each piece, and its kind if it is ignored, else "document" or "parse_error"."""
    path = tmp_path / "file"
    path.write_bytes(content)
    return [(d.line, d.kind or ("parse_error" if d.error else "document")) for d in split(path, LIMIT)]


def test_a_log_line_is_ignored_but_for_its_json(tmp_path: Path) -> None:
    assert kinds(tmp_path, LOG.encode()) == [
        (1, "log line"),
        (2, "log line prefix"),
        (2, "document"),
        (3, "log line"),
        (4, "log line"),
        (5, "document"),
        (6, "log line"),
    ]


@pytest.mark.parametrize(
    "prefix",
    [
        "2026-03-01T10:00:00Z ",
        "2026-03-01T10:00:00.123456+00:00 stdout F ",
        "2026-03-01 10:00:00,722 INFO [main] a.b.C - ",
        "[2026-03-01 10:00:00] app.INFO: ",
        "2026/03/01 10:00:00 ",
        "Mar  1 10:00:00 host app[12]: ",
        "<13>1 2026-03-01T10:00:00Z host app - - - ",
        "[INFO]\t2026-03-01T10:00:00.722Z\tid\t",
        "WARN ",
        "I0301 10:00:00.722 1 main.go:10] ",
        "1772359200.722 ",
        "app-1  | ",
        "10:00:00.123 [main] INFO - ",
    ],
)
def test_what_logs_put_before_json(tmp_path: Path, prefix: str) -> None:
    content = "".join(f'{prefix}{{"a":{n},"b":{{"c":[{{"d":"x {{}}"}}]}}}}\n' for n in range(3)).encode()
    assert kinds(tmp_path, content) == [(n, kind) for n in (1, 2, 3) for kind in ("log line prefix", "document")]


@pytest.mark.parametrize(
    ("content", "lines_of_errors"),
    [
        ('{"a":1}\nForbidden\n{"a":2}\n', [2]),  # no log: any text is a parse error
        ('{"a":1}\n2026-03-01T10:00:00Z","b":{"c":1}}\n', [2]),  # the rest of a cut record begins with a time
        ('2026-03-01T10:00:00Z INFO {"a":1}\n2026-03-01T10:00:01Z INFO {"a": "cut\n', [2]),
        ('2026-03-01T10:00:00Z INFO {"a":1}\n"b":"cut","c":1}\n', [2]),
        ('2026-03-01T10:00:00Z INFO {"a":1} "b":2}\n', [1]),
        ('"b":"cut","c":{"d":1}}{"a":1}\n', [1]),
    ],
)
def test_parse_errors_in_a_log(tmp_path: Path, content: str, lines_of_errors: list[int]) -> None:
    assert [line for line, kind in kinds(tmp_path, content.encode()) if kind == "parse_error"] == lines_of_errors


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"id,event\n1,opened\n2,clicked\n", "CSV, separated by commas"),
        (b'"id";"event"\n"1";"{""a"": 1}"\n', "CSV, separated by semicolons"),
        (b"id\tevent\n1\topened\n", "CSV, separated by tabs"),
        (b'id,subject\n1,"Hello, world"\n2,"a\nb"\n', "CSV, separated by commas"),
        (b'id,body\n1,"{""a"": 1, ""b"": 2}"\n', "CSV, separated by commas"),
        (b"Service Unavailable\n", "text without a JSON object"),
        (b"{'a': 1, 'b': 2}\n{'a': 3, 'b': 4}\n", "text without a JSON object"),
        (b"42\nnull\n[1, 2]\n", "text without a JSON object"),
        (LOG.replace("{", "(").encode(), "text without a JSON object"),
        (bytes(range(256)) * 50, "a binary file"),
    ],
)
def test_a_file_without_a_json_object_is_refused(tmp_path: Path, content: bytes, name: str) -> None:
    with pytest.raises(FileRefused, match=name):
        pieces(tmp_path, content)


@pytest.mark.parametrize("content", [b'{"a": "cut', b'garbage\n{"a": tru}\n', b"", b" \n[]\n"])
def test_damaged_or_empty_json_is_no_other_file(tmp_path: Path, content: bytes) -> None:
    assert all(not good for *_, good in pieces(tmp_path, content))


def test_half_a_surrogate_is_a_replacement_character(tmp_path: Path) -> None:
    path = tmp_path / "file"
    texts = [r'{"a":"\ud83d"}', r'{"a":"\ude00\uD83D x"}', r'{"a":"\ud83d\ude00 \\ud83d"}', r'"{\"a\":\"\\ud83d\"}"']
    path.write_text("\n".join(texts))
    values = [json.loads(document.text)["a"] for document in split(path, LIMIT)]
    assert values == ["\ufffd", "\ufffd\ufffd x", "\U0001f600 \\ud83d", "\ufffd"]
