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

import duckdb
import pytest

from touchstone.landing.streams import read_streams
from touchstone.sample.__main__ import SYSTEMS, main
from touchstone.sample.odd_files import LAYOUTS

from .conftest import TestHome

ROOT = Path(__file__).parents[2]
END = date(2026, 5, 31)
STREAMS = read_streams()
# Streams of one answer a day, of the last days.
ANSWERS = ("mailgun/reported_metrics", "alexa/smapi_metrics")


def write_sample(inbox: Path, *arguments: str) -> Path:
    assert main([str(inbox), "--end", f"{END}", *arguments]) == 0
    return inbox


def read_lines(inbox: Path, source: str) -> list[str]:
    """The lines of a stream's usual files."""
    paths = sorted((inbox / source).rglob(f"{source.split('/')[1]}.ndjson.gz"))
    return [line for path in paths for line in gzip.decompress(path.read_bytes()).decode().splitlines()]


def digests(inbox: Path) -> dict[str, str]:
    """Of what is in each file, as the compressor writes other bytes now and then; but for those that are cut."""
    files = [path for path in inbox.rglob("*") if path.is_file() and not path.name.startswith("truncated-gzip")]
    contents = {str(path.relative_to(inbox)): path.read_bytes() for path in files}
    for name, data in contents.items():
        while data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        contents[name] = data
    return {name: hashlib.sha256(data).hexdigest() for name, data in contents.items() if data}


# ---- The same every time, of the size asked for

SMALL = ("--events", "600", "--days", "3")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return digests(write_sample(tmp_path_factory.mktemp("small"), *SMALL))


def test_same_arguments_give_the_same_bytes_and_another_seed_others(small: dict[str, str], tmp_path: Path) -> None:
    assert digests(write_sample(tmp_path / "same", *SMALL, "--jobs", "1")) == small
    assert not set(digests(write_sample(tmp_path / "other", *SMALL, "--seed", "8")).values()) & set(small.values())


@pytest.mark.parametrize("system", SYSTEMS)
def test_one_system_alone_is_the_same(small: dict[str, str], tmp_path: Path, system: str) -> None:
    alone = digests(write_sample(tmp_path, *SMALL, "--systems", system))
    assert alone == {name: digest for name, digest in small.items() if name.startswith(f"{system}/")} != {}


@pytest.mark.parametrize("events, days", [(1, 1), (30, 10), (5000, 2)])
def test_any_size(tmp_path: Path, events: int, days: int) -> None:
    write_sample(tmp_path, "--events", str(events), "--days", str(days), "--clean")
    for source in ("mailgun/events", "ses/events", "pinpoint/events"):
        assert events / 2 <= len(read_lines(tmp_path, source)) <= max(events * 1.3, 30), source


def test_few_events_over_many_days_have_no_empty_line(tmp_path: Path) -> None:
    write_sample(tmp_path, "--systems", "mailgun", "--events", "400", "--days", "70")
    assert all(read_lines(tmp_path, "mailgun/events"))


def test_a_large_sample_has_more_contact_centres(tmp_path: Path) -> None:
    write_sample(tmp_path, "--systems", "cloudwatch", "--events", "60000", "--days", "30", "--clean")
    assert 50_000 <= len(read_lines(tmp_path, "cloudwatch/metric_stream")) <= 75_000


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
        ledger = shutil.copy(landed.settings.ledger, tmp_path_factory.mktemp("ledger"))
        connection.execute(f"attach '{ledger}' as ledger (read_only); create view quarantine as from ledger.quarantine")
        for source in STREAMS:
            files = f"{landed.settings.lake}/{source}/*.parquet"
            connection.execute(f"create view \"{source}\" as from read_parquet('{files}', union_by_name = true)")
            lines = {"lines": read_lines(landed.settings.inbox, source)}
            connection.execute(f'create table "{source}, lines" as select unnest($lines) as line', lines)
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
        elif not lake.execute(f"from stream where {expression} limit 1").fetchall():
            missing.append(expression)
    assert missing == []


@pytest.mark.parametrize("source", STREAMS)
def test_every_kind_repeats_and_late_records_are_there(lake: duckdb.DuckDBPyConnection, source: str) -> None:
    first, last, days, kinds, late = lake.execute(
        "select min(_date), max(_date), count(distinct _date), list(distinct _kind), "
        f"count_if(strftime(_date, '%Y/%m/%d') < _file[:10]) from \"{source}\""
    ).fetchall()[0]
    assert set(STREAMS[source].counted_kinds) <= set(kinds or [])
    assert END - timedelta(days=34) <= first <= last <= END and days >= (7 if source in ANSWERS else 30)
    ignored = lake.execute("select kind from ledger.ignored where source = $1", [source]).fetchall()
    assert set(STREAMS[source].ignored_kinds) <= {kind for (kind,) in ignored}
    files = "select sum(duplicates), sum(accepted) from ledger.files where source = $1"
    duplicates, accepted = lake.execute(files, [source]).fetchall()[0]
    assert 0 < duplicates < 1.2 * accepted
    assert 0 < late < 0.1 * accepted or source == "mailgun/reported_metrics"


def test_every_layout_and_damaged_file_is_there(landed: TestHome, lake: duckdb.DuckDBPyConnection) -> None:
    for source in STREAMS:
        names = {path.name for path in (landed.settings.inbox / source).rglob("*")}
        assert set(LAYOUTS) <= names or source.startswith("pinpoint/") or source in ANSWERS, source
    assert lake.execute("from ledger.refused where reason like 'damaged gzip%' limit 6 offset 5").fetchall()


def test_nothing_but_the_odd_records_is_quarantined(tmp_path: Path, home: TestHome) -> None:
    write_sample(home.settings.inbox, "--clean", "--events", "3000", "--days", "9")
    for path in home.settings.inbox.rglob("*.*"):
        assert path.name == f"{path.parts[-5]}.ndjson.gz"
        assert all(isinstance(json.loads(line), dict) for line in gzip.decompress(path.read_bytes()).splitlines())
    home.land()
    assert home.ledger_rows("select source, reason, text from quarantine") == []
    unknown = home.ledger_rows("select distinct source, field from unknown_fields")
    assert unknown == [("mailgun/events", "x-campaign-cohort")]
