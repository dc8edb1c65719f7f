"""The sample is the same every time, of the size asked for, and holds all that docs/sample.md lists."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from touchstone.sample.__main__ import SYSTEMS, main
from touchstone.sample.odd_files import LAYOUTS

from .conftest import TestHome

ROOT = Path(__file__).parents[2]
END = date(2026, 5, 31)
DAYS = 35
FIRST = END - timedelta(days=DAYS - 1)


def write_sample(inbox: Path, *arguments: str) -> Path:
    assert main([str(inbox), "--end", f"{END}", *arguments]) == 0
    return inbox


def read_lines(inbox: Path, source: str) -> list[str]:
    """The lines of a stream's usual files."""
    return [
        line
        for path in sorted((inbox / source).rglob(f"{source.split('/')[1]}.ndjson.gz"))
        for line in gzip.decompress(path.read_bytes()).decode().splitlines()
    ]


def digests(inbox: Path) -> dict[str, str]:
    """Of what is in each file, as the compressor writes other bytes now and then; but for those that are cut."""
    files = (path for path in inbox.rglob("*") if path.is_file() and not path.name.startswith("truncated-gzip"))
    return {str(path.relative_to(inbox)): hashlib.sha256(uncompressed(path)).hexdigest() for path in files}


def uncompressed(path: Path) -> bytes:
    data = path.read_bytes()
    while data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    return data


def declared_streams() -> dict[str, dict[str, Any]]:
    """What the YAML of each stream says of landing."""
    files = [yaml.safe_load(path.read_text()) for path in ROOT.glob("models/staging/*/_*__sources.yml")]
    sources = [source for file in files for source in file["sources"]]
    return {f"{s['name']}/{t['name']}": t["config"]["meta"]["landing"] for s in sources for t in s["tables"]}


STREAMS = declared_streams()


# ---- The same every time, of the size asked for


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("small"), "--events", "600", "--days", "3")


def test_same_arguments_give_the_same_bytes(small: Path, tmp_path: Path) -> None:
    write_sample(tmp_path, "--events", "600", "--days", "3", "--jobs", "1")
    assert digests(tmp_path) == digests(small)


def test_another_seed_gives_another_sample(small: Path, tmp_path: Path) -> None:
    write_sample(tmp_path, "--events", "600", "--days", "3", "--seed", "8")
    common = set(digests(tmp_path).values()) & set(digests(small).values())
    assert common <= {hashlib.sha256(b"").hexdigest()}


@pytest.mark.parametrize("system", SYSTEMS)
def test_one_system_alone_is_the_same(small: Path, tmp_path: Path, system: str) -> None:
    write_sample(tmp_path, "--events", "600", "--days", "3", "--systems", system)
    assert [path.name for path in tmp_path.iterdir()] == [system]
    assert digests(tmp_path) == {k: v for k, v in digests(small).items() if k.startswith(f"{system}/")}


@pytest.mark.parametrize("events, days", [(1, 1), (30, 10), (5000, 2)])
def test_any_size(tmp_path: Path, events: int, days: int) -> None:
    write_sample(tmp_path, "--events", str(events), "--days", str(days), "--clean")
    for source in ("mailgun/events", "ses/events", "pinpoint/events"):
        assert events / 2 <= len(read_lines(tmp_path, source)) <= max(events * 1.3, 30), source


def test_unknown_systems_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        write_sample(tmp_path, "--systems", "mailgun,telegraph")
    assert "no such system: telegraph; there are alexa, cloudwatch" in capsys.readouterr().err


# ---- What it contains, as landed


@pytest.fixture(scope="module")
def landed(session_home: TestHome) -> TestHome:
    session_home.reset()
    write_sample(session_home.settings.inbox)
    session_home.land()
    return session_home


@pytest.fixture(scope="module")
def lake(landed: TestHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A view of each stream's records, of the lines of its usual files, and of the ledger's tables."""
    with duckdb.connect() as connection:
        # A copy, as landing can't open a ledger that is open here.
        ledger = shutil.copy(landed.settings.lake / "ledger.duckdb", tmp_path_factory.mktemp("ledger"))
        connection.execute(f"attach '{ledger}' as ledger (read_only)")
        connection.execute("create view quarantine as from ledger.quarantine")
        for source in STREAMS:
            files = f"{landed.settings.lake}/{source}/*.parquet"
            connection.execute(f"create view \"{source}\" as from read_parquet('{files}', union_by_name = true)")
            connection.execute(f'create table "{source}, lines" (line varchar)')
            lines = "unnest(string_split(decode(gunzipped), chr(10)))"
            for path in sorted((landed.settings.inbox / source).rglob(f"{source.split('/')[1]}.ndjson.gz")):
                parameters = {"gunzipped": gzip.decompress(path.read_bytes())}
                insert = f'insert into "{source}, lines" select {lines.replace("gunzipped", "$gunzipped::blob")}'
                connection.execute(insert, parameters)
        yield connection


def listed() -> Iterator[tuple[str, str, str]]:
    """Sections of docs/sample.md, each row's expression and the values that it is to have."""
    for section in re.split(r"^## ", (ROOT / "docs/sample.md").read_text(), flags=re.MULTILINE)[1:]:
        heading, _, text = section.partition("\n")
        for row in re.findall(r"^\| (?!in the sample)(.*) \|$", text, re.MULTILINE):
            _, expression, values = (cell.strip() for cell in re.split(r"(?<!\\)\|", row))
            yield heading, expression.replace("\\|", "|"), values


@pytest.mark.parametrize("section", dict.fromkeys(section for section, _, _ in listed()))
def test_what_the_documentation_lists_is_there(lake: duckdb.DuckDBPyConnection, section: str) -> None:
    missing = []
    lake.execute(f'create or replace view stream as from "{section}"')
    for expression, values in [(e, v) for s, e, v in listed() if s == section]:
        if values:
            found = {row[0] for row in lake.execute(f"select distinct ({expression})::varchar from stream").fetchall()}
            missing += [f"{expression}: {value}" for value in values.split(", ") if value not in found]
        elif not lake.execute(f"select exists(from stream where {expression})").fetchall()[0][0]:
            missing.append(expression)
    assert missing == []


@pytest.mark.parametrize("source", STREAMS)
def test_every_kind_that_counts_or_is_ignored_is_there(lake: duckdb.DuckDBPyConnection, source: str) -> None:
    counted = {kind for (kind,) in lake.execute(f'select distinct _kind from "{source}"').fetchall()}
    ignored = lake.execute("select distinct kind from ledger.ignored where source = $1", [source]).fetchall()
    declared = STREAMS[source]
    assert set(declared.get("counted_kinds", [])) <= counted
    assert set(declared.get("ignored_kinds", [])) <= {kind for (kind,) in ignored}


@pytest.mark.parametrize("source", STREAMS)
def test_repeats_late_records_and_dates(lake: duckdb.DuckDBPyConnection, landed: TestHome, source: str) -> None:
    totals = lake.execute("select sum(duplicates), sum(accepted) from ledger.files where source = $1", [source])
    duplicates, accepted = totals.fetchall()[0]
    assert 0 < duplicates < 1.2 * accepted
    days = lake.execute(f'select min(_date), max(_date), count(distinct _date) from "{source}"').fetchall()[0]
    assert days[0] >= FIRST and days[1] <= END
    assert days[2] >= (7 if source in ("mailgun/reported_metrics", "alexa/smapi_metrics") else 30)
    late = lake.execute(f"select count(*) from \"{source}\" where strftime(_date, '%Y/%m/%d') < _file[:10]").fetchall()[
        0
    ][0]
    assert 0 < late < 0.1 * accepted or source == "mailgun/reported_metrics"


def test_every_layout_and_damaged_file_is_there(landed: TestHome, lake: duckdb.DuckDBPyConnection) -> None:
    for source in STREAMS:
        names = {path.name for path in (landed.settings.inbox / source).rglob("*")}
        if source not in ("mailgun/reported_metrics", "alexa/smapi_metrics"):
            assert set(LAYOUTS) - names == set() or source.startswith("pinpoint/"), source
    assert lake.execute("select count(*) from ledger.refused where reason like 'damaged gzip%'").fetchall()[0][0] > 5


def test_nothing_but_the_odd_records_is_quarantined(tmp_path: Path, home: TestHome) -> None:
    write_sample(home.settings.inbox, "--clean", "--events", "3000", "--days", "9")
    for path in home.settings.inbox.rglob("*"):
        if path.is_file():
            assert path.name == f"{path.parts[-5]}.ndjson.gz"
            assert all(isinstance(json.loads(line), dict) for line in gzip.decompress(path.read_bytes()).splitlines())
    home.land()
    assert home.ledger_rows("select source, reason, text from quarantine") == []
    assert home.ledger_rows("select distinct source, field from unknown_fields") == [
        ("mailgun/events", "x-campaign-cohort")
    ]
