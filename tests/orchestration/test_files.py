"""Files: formats, names that act as patterns, and changes while the inbox is read."""

from __future__ import annotations

import base64
import dataclasses
import gzip
import io
import json
import os
import zipfile
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchstone.landing import land as module
from touchstone.landing import parquet
from touchstone.landing.formats import FileRefused
from touchstone.landing.inbox import Found, Refused, find, shown
from touchstone.landing.land import record_unread
from touchstone.landing.ledger import Totals
from touchstone.landing.quarantine import open_groups
from touchstone.landing.splitter import split
from touchstone.landing.stage import stage

from .conftest import TestHome

SOURCE = "mailgun/events"
Record = dict[str, Any]


def event(number: int, **fields: Any) -> Record:
    return {"event": "opened", "id": f"id{number}", "timestamp": 1770000000 + number, "domain": "d.example", **fields}


def lines(*numbers: int) -> bytes:
    return "".join(json.dumps(event(number)) + "\n" for number in numbers).encode()


def zipped(name: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, lines(1))
    return file.getvalue()


OTHER_FILES = {
    "events.zip": (zipped("events.json"), "ZIP archive: unpack"),
    "events.xlsx": (zipped("xl/workbook.xml"), "office program: export"),
    "events.csv": (b"id,event\n1,opened\n2,clicked\n", "CSV"),
    "error.html": (b"<!DOCTYPE html><html><script>x = {\"a\": 1}</script></html>", "HTML page"),
    "error.xml": (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "XML"),
    "notes.txt": (b"to do\n", "text without a JSON object"),
    "events.avro": (b"Obj\x01\x04\x14avro.codec", "Avro"),
    "events.orc": (b"ORC\x0a\x0b\x0c", "ORC"),
    "report.pdf": (b"%PDF-1.7\n", "PDF"),
    "lite.db": (b"SQLite format 3\x00\x10\x00", "SQLite"),
    "zeros": (bytes(5000), "binary file"),
    "otel.json": (b'{"resourceMetrics": [{"scopeMetrics": []}]}\n', "OpenTelemetry's JSON"),
    "zip.gz": (gzip.compress(zipped("events.json")), "ZIP archive"),
    "bom.html": (b"\xef\xbb\xbf\n<html></html>", "HTML page"),
    "utf16.xml": ("<?xml version='1.0'?><Error/>".encode("utf-16"), "XML"),
}  # fmt: skip


def test_another_file_is_refused_by_name_until_it_is_gone(home: TestHome) -> None:
    for name, (content, _) in OTHER_FILES.items():
        home.put(SOURCE, name, content)
    home.put(SOURCE, "good.json", lines(1))
    for _ in range(2):
        landed = home.land()[SOURCE]
        reasons = {entry.path: entry.reason for entry in landed.refused}
        assert reasons.keys() == OTHER_FILES.keys()
        assert [name for name, (_, said) in OTHER_FILES.items() if said not in reasons[name]] == []
    assert home.ledger_rows("select records, accepted, quarantined from files") == [(1, 1, 0)]
    for name in OTHER_FILES:
        (home.settings.inbox / SOURCE / name).unlink()
    assert home.land()[SOURCE].refused == []
    assert home.ledger_rows("select count(*) from refused") == [(0,)]


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(gzip.compress(lines(1, 2))),
        pa.compress(lines(1, 2), "zstd", asbytes=True),
        pa.compress(lines(1), "zstd", asbytes=True) + pa.compress(lines(2), "zstd", asbytes=True),
        gzip.compress(lines(1, 2).decode().encode("utf-16")),
        lines(1, 2).decode().encode("utf-16-be"),
        lines(1, 2).decode().encode("utf-32"),
        b"2026-03-01T10:00:00Z start\n" + b"".join(b"2026-03-01T10:00:00Z INFO " + lines(n) for n in (1, 2)),
    ],
)
def test_every_encoding_holds_the_same_two_records(home: TestHome, content: bytes) -> None:
    home.put(SOURCE, "a", content)
    totals = home.land()[SOURCE].totals
    assert (totals.accepted, totals.duplicates, totals.quarantined) == (2, 0, 0)


def test_the_rest_of_a_log_is_ignored_and_counted(home: TestHome) -> None:
    content = b"START RequestId: 1\n2026-03-01T10:00:00Z\t1\tINFO\t" + lines(1) + b"END RequestId: 1\n"
    home.put(SOURCE, "a.log", content + b'2026-03-01T10:00:01Z\t1\tINFO\t{"event": "opened", "id\n')
    landed = home.land()[SOURCE]
    assert landed.totals == Totals(1, 6, 1, 0, 1, 4)
    assert landed.ignored_kinds == {"log line": 2, "log line prefix": 2}
    with home.ledger() as ledger:
        assert ledger.files_that_do_not_add_up(SOURCE) == []


NAMES = [
    b"x1.json",
    b"x[1].json",
    b"*.json",
    b"?.json",
    b"it's.json",
    b'"quoted".json',
    b"event=clicked/id=9/a.json",
    b"new\nline.json",
    b"\xff\xfe.json",
    b"\x1b[31m.json",
    "ü€😀.json".encode(),
    b"a;drop table files;--.json",
]


def test_file_names_have_no_meaning(home: TestHome) -> None:
    for number, name in enumerate(NAMES):
        home.put(SOURCE, os.fsdecode(name), lines(number))
    table = pa.Table.from_pylist([event(100)])
    home.put(SOURCE, "event=clicked/p.parquet", b"")
    pq.write_table(table, home.settings.inbox / SOURCE / "event=clicked" / "p.parquet")
    landed = home.land()[SOURCE]
    assert landed.refused == []
    lake = f"'{home.settings.lake}/{SOURCE}/[0-9]*.parquet'"
    rows = home.ledger_rows(f"select id, event, _file from read_parquet({lake}, hive_partitioning = false)")
    expected = {(f"id{n}", "opened", shown(os.fsdecode(name))) for n, name in enumerate(NAMES)}
    assert set(rows) == expected | {("id100", "opened", "event=clicked/p.parquet")}
    assert {"new\\x0aline.json", "\\xff\\xfe.json", "\\x1b[31m.json"} <= {path for *_, path in rows}
    assert home.land()[SOURCE].totals.files == 0


def test_loops_of_links(home: TestHome) -> None:
    home.put(SOURCE, "a.json", lines(1))
    folder = home.settings.inbox / SOURCE
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "ping").symlink_to(folder / "pong")
    (folder / "pong").symlink_to(folder / "ping")
    (folder / "up").symlink_to(folder)
    landed = home.land()[SOURCE]
    assert landed.totals.accepted == 1
    assert {entry.path for entry in landed.refused} == {"loop", "ping", "pong"}


def changing(change: Callable[[Path], object], path: Path) -> Callable[..., list[Found | Refused]]:
    """`find`, whose file changes in the moment after it was opened."""

    def found(location: str | Path) -> list[Found | Refused]:
        def opened(entry: Found) -> BinaryIO:
            file = entry.open()
            if entry.path == path.name:
                change(path)
            return file

        return [
            dataclasses.replace(entry, open=lambda entry=entry: opened(entry)) if isinstance(entry, Found) else entry
            for entry in find(location)
        ]

    return found


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_bytes(lines(1)[:-20]),
        lambda path: path.write_bytes(lines(7, 8, 9)),
        lambda path: path.open("ab").write(lines(3)),
        lambda path: path.rename(path.with_name("renamed.json")),
        lambda path: path.unlink(),
    ],
    ids=["truncated", "written again", "appended to", "renamed", "removed"],
)
def test_a_file_that_changes_while_it_is_read_waits(
    home: TestHome, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], object]
) -> None:
    path = home.put(SOURCE, "a.json", lines(1, 2))
    home.put(SOURCE, "b.json", lines(5))
    with monkeypatch.context() as patched:
        patched.setattr(module, "find", changing(change, path))
        landed = home.land()[SOURCE]
    assert landed.totals.accepted == 1
    assert ["left for the next run" in entry.reason for entry in landed.refused] == [True]
    rest = [p for p in path.parent.iterdir() if p.name != "b.json"]
    after = home.land()[SOURCE]
    assert after.totals.accepted + after.totals.quarantined == sum(p.read_bytes().count(b"event") for p in rest)
    assert after.refused == []


# Two lines, by the program zstd, with its checksum.
ZSTD = base64.b64decode(
    "KLUv/QRYjQIA4oQQF6ClLQbRfz+viQjABfqHnadZE85+4GYFpQyFE6D2DJLA7UZ6NuE2SGEMsVvtWYFcXduYoG436jbGRKnSdi+UgpwQBABgEViuVLhDBLAHXmtdCA=="
)
GZIP = gzip.compress(lines(*range(40)), mtime=0)


def documents(folder: Path, content: bytes) -> Counter[str]:
    """The documents of a file; none if it is refused."""
    (folder / "in").mkdir(exist_ok=True)
    (folder / "in" / "file").write_bytes(content)
    (found,) = find(folder / "in")
    assert isinstance(found, Found)
    try:
        staged = stage(found, folder / "copy", 400)
        return Counter(document.text for document in split(staged.path, 10_000) if not document.error)
    except FileRefused:
        return Counter()


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_a_damaged_file_never_holds_another_record(data: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("damaged", numbered=True)
    original, may_flip = data.draw(
        st.sampled_from([(GZIP, True), (GZIP * 2, True), (ZSTD, True), (lines(1, 2), False)])
    )
    damaged = bytearray(original)
    for _ in range(data.draw(st.integers(0, 3)) if may_flip else 0):
        bit = data.draw(st.integers(0, len(damaged) * 8 - 1))
        damaged[bit // 8] ^= 1 << bit % 8
    cut = data.draw(st.integers(1, len(damaged)))
    assert documents(folder, bytes(damaged[:cut])) <= documents(folder, original)


def test_every_flipped_bit_of_gzip_is_noticed(tmp_path: Path) -> None:
    small = gzip.compress(lines(1), mtime=0)
    whole = documents(tmp_path, small)
    for bit in range(len(small) * 8):
        flipped = bytearray(small)
        flipped[bit // 8] ^= 1 << bit % 8
        assert documents(tmp_path, bytes(flipped)) in (whole, Counter()), bit


def test_parquet_rows_of_any_writer_are_records(tmp_path: Path) -> None:
    at = datetime(2026, 3, 2, 9, 0, 1, 500000)
    row = {
        "at": at,
        "zoned": at.replace(tzinfo=UTC),
        "day": date(2026, 3, 2),
        "price": Decimal("1.50"),
        "binary": b"text",
        "nothing": None,
        "infinite": float("inf"),
        "deep": {"a": None, "b": {"c": None, "at": at}},
        "items": [{"a": 1, "b": None}, {"a": None, "b": at}],
        "map": [("x", 1.5), ("y", None)],
    }
    types = pa.schema(
        [
            ("at", pa.timestamp("ns")),
            ("zoned", pa.timestamp("us", "Europe/Berlin")),
            ("day", pa.date32()),
            ("price", pa.decimal128(9, 2)),
            ("binary", pa.binary()),
            ("nothing", pa.timestamp("ms")),
            ("infinite", pa.float64()),
            (
                "deep",
                pa.struct([("a", pa.int32()), ("b", pa.struct([("c", pa.string()), ("at", pa.timestamp("ms"))]))]),
            ),
            ("items", pa.list_(pa.struct([("a", pa.int64()), ("b", pa.timestamp("us"))]))),
            ("map", pa.map_(pa.string(), pa.float64())),
        ]
    )
    for name, int96 in (("int96", True), ("typed", False)):
        path = tmp_path / f"day=2020-01-01 {name}"
        pq.write_table(pa.Table.from_pylist([row], types), path, use_deprecated_int96_timestamps=int96)
        with duckdb.connect() as connection:
            connection.execute("set TimeZone = 'UTC'")
            ((text,),) = connection.sql(f"select text from ({parquet.rows(connection, path)})").fetchall()
        assert json.loads(text) == {
            "at": "2026-03-02T09:00:01.5Z",
            "zoned": "2026-03-02T09:00:01.5Z",
            "day": "2026-03-02",
            "price": 1.5,
            "binary": "text",
            "infinite": "inf",
            "deep": {"b": {"at": "2026-03-02T09:00:01.5Z"}},
            "items": [{"a": 1}, {"b": "2026-03-02T09:00:01.5Z"}],
            "map": {"x": 1.5},
        }


def test_unread_files_are_named_with_the_nearest_stream(home: TestHome) -> None:
    inbox = home.settings.inbox
    for name in ("mailgun/event", "foo", "mailgun/events", ".hidden"):
        (inbox / name).mkdir(parents=True)
    (inbox / "mailgun" / "x.json").write_bytes(lines(1))
    (inbox / "events.json").write_bytes(lines(1))
    chosen = home.settings.model_copy(update={"locations": {"ses/event": "/x"}, "ended_sources": ["pinpoint/event"]})
    with home.ledger() as ledger:
        named = {entry.path: entry.reason for entry in record_unread(chosen, ledger, [*home.streams])}
        groups = open_groups(ledger.connection)
    assert named.keys() == {
        "mailgun/event", "foo", "mailgun/x.json", "events.json", "locations: ses/event", "ended_sources: pinpoint/event"
    }  # fmt: skip
    assert "did you mean mailgun/events?" in named["mailgun/event"]
    assert "did you mean ses/events?" in named["locations: ses/event"]
    assert "did you mean pinpoint/events?" in named["ended_sources: pinpoint/event"]
    assert "the names are alexa/account_links," in named["foo"]
    assert sum(group.records for group in groups) == 6
    with home.ledger() as ledger:
        for name in ("mailgun/event", "foo"):
            (inbox / name).rmdir()
        (inbox / "mailgun" / "x.json").unlink()
        (inbox / "events.json").unlink()
        assert record_unread(home.settings, ledger, [*home.streams]) == []
        assert open_groups(ledger.connection) == []


def test_a_location_that_does_not_exist_is_named(home: TestHome, tmp_path: Path) -> None:
    for location in (str(tmp_path / "nowhere"), "memory://nowhere/at/all"):
        chosen = home.settings.model_copy(update={"locations": {SOURCE: location}})
        (entry,) = home.land(chosen)[SOURCE].refused
        assert "does not exist" in entry.reason


def test_a_location_that_is_away_for_a_night_closes_and_forgets_nothing(home: TestHome, tmp_path: Path) -> None:
    location = tmp_path / "mounted"
    location.mkdir()
    (location / "a.json").write_bytes(lines(1) + b"{")
    chosen = home.settings.model_copy(update={"locations": {SOURCE: str(location)}})
    home.land(chosen)
    location.rename(tmp_path / "away")
    home.land(chosen)
    assert home.ledger_rows("select count(*) from quarantine where closed_at is null") == [(1,)]
    assert home.ledger_rows("select path from seen") == [("a.json",)]


def test_a_changed_file_is_reported_with_both_counts(home: TestHome) -> None:
    home.put(SOURCE, "a.json", lines(1, 2))
    assert home.land()[SOURCE].changed_files == []
    home.put(SOURCE, "a.json", lines(1, 2, 3))
    before, now = Totals(1, 2, 2, 0, 0, 0), Totals(1, 3, 1, 2, 0, 0)
    assert home.land()[SOURCE].changed_files == [("a.json", before, now)]
    assert home.land()[SOURCE].changed_files == []
