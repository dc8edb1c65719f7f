"""Landing: every shape of file, every kind of error, and a ledger that adds up."""

from __future__ import annotations

import dataclasses
import gzip
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dagster import AssetKey, DagsterInstance, materialize

from touchstone.assets.landing import landing_assets
from touchstone.damage import Damaged
from touchstone.landing.inbox import Refused, find
from touchstone.landing.land import Landed, land
from touchstone.landing.ledger import Totals
from touchstone.landing.quarantine import open_groups
from touchstone.landing.validator import Validator
from touchstone.resources import Home
from touchstone.settings import Settings, SettingsMistake

from .conftest import TestHome

SOURCE = "mailgun/events"
Record = dict[str, Any]


def event(number: int, **fields: Any) -> Record:
    at = 1770000000 + number
    return {"event": "opened", "id": f"id{number}", "timestamp": at, "domain": {"name": "d.example"}, **fields}


def lines(records: list[Record]) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def parquet(records: list[Record]) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([{"folder": None, **record} for record in records]), file)
    return file.getvalue()


def landed(home: TestHome, settings: Settings | None = None) -> Landed:
    result = home.land(settings)[SOURCE]
    with home.ledger() as ledger:
        assert ledger.files_that_do_not_add_up(SOURCE) == []
        assert ledger.totals(SOURCE).add_up
    return result


def numbers(result: Landed) -> tuple[int, int, int, int, int]:
    """Records, accepted, duplicates, quarantined, ignored."""
    t = result.totals
    return t.records, t.accepted, t.duplicates, t.quarantined, t.ignored


def quarantine(home: TestHome) -> list[tuple[Any, ...]]:
    return home.ledger_rows("select path, line, reason, text from quarantine where replayed_in is null order by all")


@pytest.mark.parametrize(
    "content",
    [
        lines([event(1), event(2)]),
        b"\xef\xbb\xbf" + lines([event(1), event(2)]).replace(b"\n", b"\r\n\r\n"),
        json.dumps(event(1)).encode() + json.dumps(event(2)).encode(),
        json.dumps([event(1), event(2)]).encode(),
        json.dumps([event(1), event(2)], indent=2).encode(),
        parquet([event(1), event(2)]),
        "\n".join(json.dumps(event(n), indent=1) for n in (1, 2)).encode(),
        json.dumps({"items": [event(1), event(2)], "paging": {"next": "x"}}).encode(),
        lines([{"items": [event(1)]}, {"signature": {}, "event-data": event(2)}, {"items": []}]),
        lines([event(1), {"event-data": event(2)}]),
        gzip.compress(lines([event(1)]), mtime=0) + gzip.compress(lines([event(2)]), mtime=0),
    ],
)
def test_every_shape_holds_the_same_two_records(home: TestHome, content: bytes) -> None:
    home.put(SOURCE, "deep/er/no-extension", content)
    assert numbers(landed(home)) == (2, 2, 0, 0, 0)


def test_records_of_one_file_may_come_by_several_routes(home: TestHome, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python rewrites none of them, which would be slow."""
    monkeypatch.setattr(Validator, "_lines", None)
    wrapped = [{"signature": {}, "event-data": event(number)} for number in (3, 4)]
    home.put(SOURCE, "a.json", [event(1), *wrapped, event(2)])
    home.put(SOURCE, "b.json", [{"items": [event(5), event(6)]}, event(7), {"items": [event(8)]}])
    assert numbers(landed(home)) == (8, 8, 0, 0, 0)


def test_a_time_is_the_same_however_it_is_read(home: TestHome) -> None:
    at = 1770000000.9334567
    home.put(SOURCE, "a.json", [event(1, timestamp=at)])
    home.put(SOURCE, "b.json", [event(1, timestamp=at, flags={"is-callback": "True"})])
    assert numbers(landed(home))[:3] == (2, 1, 1)
    lake = f"'{home.settings.lake}/{SOURCE}/*.parquet'"
    assert home.ledger_rows(f'select distinct "timestamp"::varchar from {lake}') == [("2026-02-02 02:40:00.933457",)]


def test_a_parse_error_affects_one_record(home: TestHome) -> None:
    content = lines([event(1)]) + b'{"event": "opened", "id"\n' + lines([event(2)]) + b"\x00\xff noise\n42\n"
    home.put(SOURCE, "a.json", content + lines([event(3), event(4, event=None), event(5, timestamp="soon")]))
    assert numbers(landed(home)) == (8, 3, 0, 5, 0)
    assert [(path, line) for path, line, *_ in quarantine(home)] == [("a.json", n) for n in (2, 4, 5, 7, 8)]
    reasons = [reason for _, _, reason, _ in quarantine(home)]
    assert reasons[0].startswith("not JSON: ")
    assert reasons[2:] == [
        "not a JSON object; write one object for each record",
        "it does not say its kind: is it a record of this stream?",
        "field timestamp: a text that is no time from 2000 to 2100 where a time is expected; "
        "write it as ISO 8601 with its zone, or as a Unix epoch",
    ]
    assert json.loads(quarantine(home)[4][3])["id"] == "id5"


def test_no_record_is_mistaken_for_another_in_a_large_batch(home: TestHome) -> None:
    """More than a row group (122,880 rows) comes before the file that the exact reader reads."""
    events = [event(number) for number in range(150_000)]
    home.put(SOURCE, "a.json", lines(events[:130_000]))
    home.put(SOURCE, "b.json", lines(events[100:200]) + b"not JSON\n" + lines(events[300:400]))
    home.put(SOURCE, "c.json", lines(events[129_990:]))
    assert numbers(landed(home)) == (150_211, 150_000, 210, 1, 0)
    lake = f"'{home.settings.lake}/{SOURCE}/*.parquet'"
    assert home.ledger_rows(f"select count(*), count(distinct id) from {lake} where not _is_repeat") == [
        (150_000, 150_000)
    ]


def test_records_of_other_kinds_are_ignored_and_counted(home: TestHome) -> None:
    home.put(
        SOURCE, "a.json", [event(1), event(2, event="list_uploaded"), event(3, event="Trapped"), event(4, event="new")]
    )
    result = landed(home)
    assert numbers(result) == (4, 1, 0, 1, 2)
    assert result.ignored_kinds == {"list_uploaded": 1, "trapped": 1}
    assert quarantine(home)[0][2].startswith("unknown kind; those that count are accepted, rejected")


def test_a_value_of_another_type_is_never_a_silent_null(home: TestHome) -> None:
    home.put(
        SOURCE,
        "a.json",
        [
            event(1, **{"delivery-status": {"attempt-no": "second"}}),
            event(2, flags={"is-callback": "maybe"}),
            event(3, envelope="smtp"),
            event(4, tags="news, and more"),
            event(
                5, **{"delivery-status": {"attempt-no": "2"}}, flags={"is-callback": "true"}, geolocation=[], tags=None
            ),
        ],
    )
    assert numbers(landed(home)) == (5, 1, 0, 4, 0)
    assert [reason for _, _, reason, _ in quarantine(home)] == [
        "field delivery-status.attempt-no: a text that is none where a whole number is expected; "
        "write it as digits alone",
        "field flags.is-callback: a text that is none where true or false is expected; write it so",
        "field envelope: a text where an object is expected; write it as a JSON object",
        "field tags: a text with commas where a list is expected; write it as a JSON list",
    ]


def test_undeclared_fields_are_counted_and_known_ones_are_not(home: TestHome) -> None:
    events = [
        event(1, cohort="x", storage={}),
        event(2, cohort="y", delivery_status={"MX_HOST": "mx.example", "queue": "slow"}),
        event(3, other=1, message={"size": 7, "headers": {"to": "a@b.example", "x-part": 2}}),
    ]
    home.put(SOURCE, "a.json", events)
    unknown = {"cohort": 2, "other": 1, "delivery-status.queue": 1, "message.headers.x-part": 1}
    assert landed(home).unknown_fields == unknown


def test_a_fact_is_accepted_once(home: TestHome) -> None:
    home.put(SOURCE, "a.json", [event(1), event(1), event(2)])
    home.put(SOURCE, "b.json", lines([event(2), {"event-data": event(1, extra=1)}, event(3)]))
    assert numbers(landed(home)) == (6, 3, 3, 0, 0)
    home.put(SOURCE, "c.json", [event(3), event(4)])
    assert numbers(landed(home)) == (2, 1, 1, 0, 0)
    # an id is unique within a day and a kind only
    home.put(SOURCE, "d.json", [event(1, event="clicked"), event(1, timestamp=1770000001 + 86_400)])
    assert numbers(landed(home)) == (2, 2, 0, 0, 0)


def test_a_file_is_known_by_its_content(home: TestHome) -> None:
    path = home.put(SOURCE, "a.json", [event(1)])
    home.put(SOURCE, "copy.json", path.read_bytes())
    result = landed(home)
    assert (numbers(result), result.known_files) == ((1, 1, 0, 0, 0), 1)
    path.rename(path.with_name("moved.json"))
    os.utime(path.with_name("copy.json"))
    assert numbers(landed(home)) == (0, 0, 0, 0, 0)
    path.with_name("copy.json").write_bytes(lines([event(1), event(2)]))
    assert numbers(landed(home)) == (2, 1, 1, 0, 0)


def test_a_damaged_gzip_file_is_refused_until_it_is_whole(home: TestHome) -> None:
    """What comes before a cut can't be trusted: a flipped bit can make a whole file look like a cut one."""
    whole = gzip.compress(lines([event(n, text=os.urandom(30).hex()) for n in range(500)]))
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 8
    for content in (whole[: len(whole) // 2], bytes(flipped), whole + whole[:-8]):
        home.put(SOURCE, "a.gz", content)
        result = landed(home)
        assert numbers(result) == (0, 0, 0, 0, 0)
        assert ["damaged gzip" in refused.reason for refused in result.refused] == [True]
    home.put(SOURCE, "a.gz", whole)
    assert numbers(landed(home)) == (500, 500, 0, 0, 0)


def test_a_record_over_the_limit_is_quarantined(home: TestHome) -> None:
    long = event(2, text="x" * (16 * 2**20))
    home.put(SOURCE, "a.json", lines([event(1), long, event(3)]))
    assert numbers(landed(home)) == (3, 2, 0, 1, 0)
    assert "over 16777216 bytes" in quarantine(home)[0][2]


def test_long_records_below_the_limit_land(home: TestHome) -> None:
    home.put(SOURCE, "a.json", lines([event(1), event(2, text="x" * (5 * 2**20)), event(3)]))
    assert numbers(landed(home)) == (3, 3, 0, 0, 0)


def test_files_that_cannot_be_landed_are_named_and_affect_no_others(home: TestHome, tmp_path: Path) -> None:
    home.put(SOURCE, "good.json", [event(1)])
    home.put(SOURCE, "bomb.gz", gzip.compress(b"\0" * 300_000_000))
    home.put(SOURCE, "cut.parquet", parquet([event(4)])[:-9])
    folder = home.settings.inbox / SOURCE
    (folder / "x.json").mkdir()
    home.put(SOURCE, "x.json/inside.json", [event(2)])
    outside = tmp_path / "outside.json"
    outside.write_bytes(lines([event(3)]))
    (folder / "link.json").symlink_to(outside)
    (folder / "broken.json").symlink_to(folder / "nowhere")
    (folder / "inner.json").symlink_to(folder / "good.json")
    os.mkfifo(folder / "pipe.json")
    result = landed(home)
    assert numbers(result) == (2, 2, 0, 0, 0)
    reasons = {refused.path: refused.reason for refused in result.refused}
    assert set(reasons) == {"bomb.gz", "cut.parquet", "link.json", "broken.json", "pipe.json"}
    assert "TOUCHSTONE_MAX_GZIP_RATIO" in reasons["bomb.gz"]
    assert "not a Parquet file" in reasons["cut.parquet"]
    assert "not followed" in reasons["link.json"]
    assert "not a regular file" in reasons["pipe.json"]
    with home.ledger() as ledger:
        assert sum(group.records for group in open_groups(ledger.connection, SOURCE)) == 5


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission_is_refused(home: TestHome) -> None:
    home.put(SOURCE, "a.json", [event(1)]).chmod(0)
    assert [type(entry) for entry in landed(home).refused] == [Refused]


def test_quarantined_records_land_after_a_change_of_the_rules(home: TestHome, monkeypatch: pytest.MonkeyPatch) -> None:
    home.put(SOURCE, "a.json", [event(1), event(2, event="summoned"), event(2, event="summoned"), event(3, event="x")])
    assert numbers(landed(home)) == (4, 1, 0, 3, 0)
    assert home.replay() == 0
    stream = home.streams[SOURCE]
    corrected = dataclasses.replace(stream, counted_kinds=(*stream.counted_kinds, "summoned"))
    monkeypatch.setitem(home.streams, SOURCE, corrected)
    assert home.replay() == 2
    with home.ledger() as ledger:
        assert ledger.totals(SOURCE) == Totals(1, 4, 2, 1, 1, 0)
        assert ledger.files_that_do_not_add_up(SOURCE) == []
    assert [text for *_, text in quarantine(home)] == [json.dumps(event(3, event="x"))]
    assert home.replay() == 0


def test_batches_make_no_difference(home: TestHome) -> None:
    counts = []
    for batch_bytes in (1, 500, 10**9):
        for number in range(6):
            home.put(SOURCE, f"{number}.json", [event(n) for n in range(number * 5, number * 5 + 8)])
        landed(home, home.settings.model_copy(update={"batch_bytes": batch_bytes}))
        counts.append(home.ledger_rows("select * exclude (landing, landed_at) from files order by path"))
        home.reset()
    assert counts[0] == counts[1] == counts[2]


def test_a_missing_ledger_is_an_error_not_a_second_landing(home: TestHome) -> None:
    home.put(SOURCE, "a.json", [event(1)])
    landed(home)
    (home.settings.ledger).unlink()
    with pytest.raises(Damaged, match="make rebuild"):
        home.land()


def test_a_kill_before_or_after_the_commit_loses_and_repeats_nothing(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.put(SOURCE, "a.json", [event(1), event(2)])

    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    real = Path.rename
    for step in ("rename", "fsync"):
        with monkeypatch.context() as patch:
            if step == "fsync":
                patch.setattr(os, step, killed)
            else:
                patch.setattr(Path, step, lambda a, b: real(a, b) if "schema" in str(b) else killed())
            with pytest.raises(Killed):
                home.land()
        home.land()
        home.build()
        assert home.query("select sum(opened_count) from mailgun_metrics_daily") == [(2,)]
        home.reset()
        home.put(SOURCE, "a.json", [event(1), event(2)])


def test_another_location_and_an_object_store(home: TestHome, tmp_path: Path) -> None:
    import fsspec

    (tmp_path / "a.json").write_bytes(lines([event(1)]))
    with fsspec.open("memory://bucket/x/b.json", "wb") as file:
        file.write(lines([event(2), event(3)]))
    for location, accepted in ((str(tmp_path), 1), ("memory://bucket/x", 2)):
        result = landed(home, home.settings.model_copy(update={"locations": {SOURCE: location}}))
        assert numbers(result) == (accepted, accepted, 0, 0, 0)
    assert list(home.settings.scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("location", "missing", "said"),
    [
        ("s3://bucket/x", "s3fs", "s3:// of the setting locations needs the package s3fs; pip install s3fs, or "),
        ("gs://bucket/x", "gcsfs", "gs:// of the setting locations needs the package gcsfs; "),
        ("abfss://a@b/x", "adlfs", "abfss:// of the setting locations needs the package adlfs; "),
        ("simplecache::az://hunter2@b", "adlfs", "az:// of the setting locations needs the package adlfs; "),
        ("sftp://a:hunter2@b/x", "paramiko", "sftp:// of the setting locations needs a package: "),
        ("nowhere://a:hunter2@b/x", "", "nowhere:// of the setting locations is not known to fsspec; correct it"),
    ],
)
def test_a_location_whose_package_is_missing(
    monkeypatch: pytest.MonkeyPatch, location: str, missing: str, said: str
) -> None:
    loaded: dict[str, Any] = {}
    for name in ("_registry", "registry"):
        monkeypatch.setattr(sys.modules["fsspec.registry"], name, loaded)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(SettingsMistake) as mistake:
        find(location)
    assert str(mistake.value).startswith(said)
    assert "hunter2" not in str(mistake.value)


def test_reported_metrics_keep_what_their_response_says(home: TestHome) -> None:
    response = {
        "start": "Mon, 02 Feb 2026 00:00:00 +0000",
        "end": "Wed, 04 Feb 2026 00:00:00 +0000",
        "resolution": "day",
        "items": [
            {
                "dimensions": [
                    {"dimension": "time", "value": f"Tue, {day:02} Feb 2026 00:00:00 +0000", "display_value": "x"},
                    {"dimension": "domain", "value": "d.example", "display_value": "d.example"},
                ],
                "metrics": {"delivered_count": day, "delivered_rate": "0.9500"},
            }
            for day in (2, 3)
        ],
    }
    home.put("mailgun/reported_metrics", "a.json", json.dumps(response, indent=1).encode())
    assert home.land()["mailgun/reported_metrics"].totals.accepted == 2
    home.put("mailgun/reported_metrics", "b.json", [response["items"][0], response["items"][0] | {"resolution": ""}])
    assert home.land()["mailgun/reported_metrics"].totals.quarantined == 2  # no day, hour or month to count it for
    home.build()
    rows = home.query(
        "select resolution, period_start::varchar, domain, metric, value "
        "from internal.staging.stg_mailgun__reported_metrics order by all"
    )
    assert rows == [
        ("day", f"2026-02-0{day} 00:00:00", "d.example", metric, value)
        for day in (2, 3)
        for metric, value in (("delivered_count", day), ("delivered_rate", 0.95))
    ]


def test_a_domain_is_an_object_a_name_or_none(home: TestHome) -> None:
    domains = [{"name": "d.example"}, "d.example", {"name": ""}, {}, None, ""]
    home.put(SOURCE, "a.json", [event(number, domain=domain) for number, domain in enumerate(domains)])
    assert numbers(landed(home)) == (6, 6, 0, 0, 0)
    home.build()
    rows = home.query("select domain, opened_count from mailgun_metrics_daily order by domain")
    assert rows == [("d.example", 2), ("none", 4)]


def test_runs_share_a_stream_by_its_folders(home: TestHome) -> None:
    """A run of Dagster lands one folder; what has landed of others, and what is wrong there, stays as it is."""
    for day in ("01", "02", "03"):
        home.put(SOURCE, f"2026/05/{day}/a.json", [event(int(day)), {"event": "opened", "id": day}])
        home.put(SOURCE, f"2026/05/{day}/b.json", b"{%s" % day.encode())
    (asset,) = (each for each in landing_assets(home.project) if each.keys == {AssetKey(["mailgun", "events"])})
    for number, day in enumerate(("02", "01", "03")):
        config = {"ops": {asset.op.name: {"config": {"below": f"2026/05/{day}/"}}}}
        with DagsterInstance.ephemeral() as instance:
            materialize([asset], instance=instance, resources={"home": Home()}, run_config=config)
        for rows in ("seen", "quarantine where closed_at is null", "refused"):
            assert home.ledger_rows(f"select count(*) from {rows}") == [(number + 1,)], rows
    assert home.land()[SOURCE].totals.records == 0, "all of it has landed"


def test_a_folder_that_is_not_below_the_location_is_refused(home: TestHome) -> None:
    with home.ledger() as ledger, pytest.raises(SettingsMistake, match="is not below the stream's location"):
        land(home.streams[SOURCE], home.settings, ledger, lambda text: None, below="../reported_metrics")
