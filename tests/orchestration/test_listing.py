"""Object stores: nights list few folders, and miss nothing that comes late, nor again what had landed."""

from __future__ import annotations

import json
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import pyarrow as pa
import pytest
from aiobotocore.client import AioBaseClient
from botocore.exceptions import ClientError
from dagster import RunRequest, SkipReason, build_sensor_context, define_asset_job
from fsspec.config import conf, set_conf_env
from fsspec.implementations.memory import MemoryFileSystem
from moto.s3.models import S3Backend, s3_backends

from touchstone import rebuild
from touchstone.landing import land as module
from touchstone.landing import listing
from touchstone.landing.erase import erase
from touchstone.landing.land import Landed, files_of, land
from touchstone.landing.ledger import Ledger
from touchstone.landing.listing import Store
from touchstone.landing.persons import Person
from touchstone.landing.quarantine import dismiss, open_groups
from touchstone.landing.retract import retract_file, undo
from touchstone.schedules import new_files
from touchstone.settings import load_settings

from .conftest import TestHome
from .servers import postgres_server, s3_server
from .test_files import lines

SOURCE = "mailgun/events"
DAY = timedelta(days=1)
FIRST = datetime(2026, 9, 20, tzinfo=UTC)  # nights cross the ends of months
FIREHOSE = "%Y/%m/%d/%H"
LAYOUTS = [
    FIREHOSE,
    "app=1/year=%Y/month=%m/day=%d/hour=%H",
    *(pytest.param(layout, marks=pytest.mark.full) for layout in ("dt=%Y-%m-%d", "%Y-%m-%dT%H")),
]


class Clock(datetime):
    at: ClassVar[datetime]

    @classmethod
    def now(cls, tz: Any = None) -> datetime:
        return cls.at


class Nights:
    """A location in an object store, the nights that land it, and what they list."""

    def __init__(self, home: TestHome, location: str, layout: str = FIREHOSE) -> None:
        self.settings = home.settings.model_copy(update={"locations": {SOURCE: location}})
        self.stream = home.streams[SOURCE]
        self.put_numbers: set[int] = set()
        self.listed: list[str] = []
        self._location, self._layout = location, layout

    def put(self, at: datetime, number: int, layout: str | None = None, content: bytes | None = None) -> str:
        """An object with an event of a number, in the folder of a time; returns its path."""
        path = f"{at:{layout or self._layout}}/s-1-{number:06d}"
        with fsspec.open(f"{self._location}/{path}", "wb") as file:
            file.write(content or lines(number))
        if content is None:
            self.put_numbers.add(number)
        return path

    def remove(self, path: str) -> None:
        filesystem, root = fsspec.core.url_to_fs(self._location)
        filesystem.rm(f"{root}/{path}", recursive=True)

    def land(self, at: datetime, **settings: Any) -> Landed:
        Clock.at = at
        self.listed.clear()
        chosen = self.settings.model_copy(update=settings)
        with Ledger.open(chosen) as ledger:
            return land(self.stream, chosen, ledger, lambda text: None)

    def numbers(self) -> set[int]:
        """The events that have landed, each of which is in the lake once."""
        with Ledger.open(self.settings) as ledger:
            paths = ledger.lake_paths(SOURCE, of_batch=False)
            rows = ledger.connection.execute("select id from read_parquet(?)", [paths]).fetchall()
        assert len(rows) == len({*rows})
        return {int(id_.removeprefix("id")) for (id_,) in rows}


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "datetime", Clock)


@pytest.fixture
def nights(home: TestHome, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Nights]:
    """Nights over an empty store in memory, in which two files take a request."""
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]
    monkeypatch.setattr(listing, "_PAGE", 2)
    found = Nights(home, "memory://bucket/x", getattr(request, "param", FIREHOSE))
    list_, whole = Store._list, Store.whole

    def listed(store: Store, folder: str) -> Any:
        found.listed.append(folder)
        return list_(store, folder)

    def listed_whole(store: Store) -> Any:
        found.listed.append("*")
        return whole(store)

    monkeypatch.setattr(Store, "_list", listed)
    monkeypatch.setattr(Store, "whole", listed_whole)
    yield found


def archive(nights: Nights, days: int = 30) -> list[str]:
    """A file a day up to the first one, and the night that lands them; returns their paths, newest first."""
    paths = [nights.put(FIRST - number * DAY - timedelta(hours=9), number) for number in range(days)]
    landed = nights.land(FIRST + timedelta(hours=2))
    assert nights.listed == ["*"]
    assert landed.totals.accepted == days
    return paths


@pytest.mark.parametrize(
    ("path", "end", "is_day"),
    [
        ("b/2026/11/28", "2026-11-29", True),
        ("b/2026/11", "2026-12-01", False),
        ("b/2026/12", "2027-01-01", False),
        ("b/2028", "2029-01-01", False),
        ("b/year=2026/month=2/day=28", "2026-03-01", True),
        ("b/app=1/dt=2026-11-28", "2026-11-29", True),
        ("2026-11-28T09", "2026-11-29", True),
        ("b/2026/11/28/09", None, None),
        ("b/2026/02/30", None, None),
        ("b/2026/13", None, None),
        ("b/20261128", None, None),
        ("b/1999/11/28", None, None),
        ("b/a-2026", None, None),
        ("b", None, None),
    ],
)
def test_the_time_in_a_folders_name(path: str, end: str | None, is_day: bool | None) -> None:
    span = listing._span(path)
    assert span == (end and listing._Span(datetime.fromisoformat(end).replace(tzinfo=UTC), bool(is_day)))


@pytest.mark.parametrize("nights", LAYOUTS, indirect=True)
def test_ten_nights_list_few_folders_and_land_everything(nights: Nights) -> None:
    archive(nights)
    for night in range(1, 11):
        at = FIRST + night * DAY
        for hours in (3, 15):
            nights.put(at - timedelta(hours=hours), 100 * night + hours)
        if night == 4:
            nights.put(FIRST + DAY, 9_999)  # late by two days
        landed = nights.land(at + timedelta(hours=2))
        assert landed.totals.accepted == landed.totals.records == 2 + (night == 4)
        assert landed.known_files + landed.totals.files + landed.unlisted_files == len(nights.put_numbers)
        assert "*" not in nights.listed
        assert len(nights.listed) <= 11
    assert nights.numbers() == nights.put_numbers


def test_late_files_are_had_at_three_times_their_delay(nights: Nights) -> None:
    archive(nights)
    landed = {}
    for night in range(1, 27):
        at = FIRST + night * DAY
        if night - 1 in (1, 3, 7):
            nights.put(FIRST + timedelta(hours=night), 10_000 + night - 1)
        landed[night] = nights.land(at + timedelta(hours=2)).totals.accepted
    assert nights.numbers() == nights.put_numbers
    had = [night for night, late in landed.items() for _ in range(late)]
    assert len(had) == 3
    assert all(night <= 3 * delay + 3 for night, delay in zip(had, (1, 3, 7), strict=True))


def test_nights_that_were_missed_are_made_up_for(nights: Nights) -> None:
    archive(nights)
    for hours in range(1, 5 * 24, 8):
        nights.put(FIRST + timedelta(hours=hours), 100 + hours)
    nights.land(FIRST + 5.1 * DAY)
    assert "*" not in nights.listed
    assert nights.numbers() == nights.put_numbers


def test_a_store_that_shows_a_folder_in_itself(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    archive(nights)
    ls = MemoryFileSystem.ls

    def with_itself(store: Any, path: str, detail: bool = True, **given: Any) -> Any:
        return [*ls(store, path, detail, **given), *([{"name": path, "type": "directory", "size": 0}] * detail)]

    monkeypatch.setattr(MemoryFileSystem, "ls", with_itself)
    nights.put(FIRST, 100)
    assert nights.land(FIRST + 1.1 * DAY).totals.accepted == 1
    assert "*" not in nights.listed


def test_a_small_store_is_listed_whole(nights: Nights) -> None:
    archive(nights, days=4)
    old = nights.put(FIRST - 3 * DAY, 100)
    assert nights.land(FIRST + 1.1 * DAY).totals.accepted == 1
    assert nights.listed == ["*"]
    nights.remove(old)
    assert nights.land(FIRST + 2.1 * DAY).unlisted_files == 0


def test_what_is_in_no_day_is_listed_every_night(nights: Nights) -> None:
    archive(nights)
    for number, name in enumerate(("here.json", "2012/a.json", "2012/app/b.json", "2013/11/c.json", "tenant/c/d.json")):
        nights.put(FIRST, 100 + number, layout=name)
    assert nights.land(FIRST + 1.1 * DAY).totals.accepted == 5
    for number, name in enumerate(("there.json", "2012/b.json", "2012/x/c.json", "2013/12/c.json", "tenant/e/d.json")):
        nights.put(FIRST, 200 + number, layout=name)
    assert nights.land(FIRST + 2.1 * DAY).totals.accepted == 5
    assert "*" not in nights.listed


def test_only_what_was_listed_counts_as_gone(nights: Nights) -> None:
    wrong = b'{"event": "opened"}\n'
    paths = [nights.put(FIRST - days * DAY, 0, content=wrong + b" " * days) for days in (1, 15, 16, 45)]
    archive(nights, days=50)

    def open_paths() -> list[str]:
        with Ledger.open(nights.settings) as ledger:
            read = ledger.connection.execute
            known = {path for (path,) in read("select path from seen").fetchall()}
            found = read("select path from quarantine where closed_at is null order by path desc").fetchall()
        assert len(known) == 49 + len(found)
        return [path for (path,) in found if path in known]

    for path in paths[:2]:
        nights.remove(path)
    nights.remove("2026/09/04")  # as a lifecycle rule does
    nights.land(FIRST + 1.1 * DAY)
    assert "*" not in nights.listed
    assert open_paths() == [paths[1], paths[3]]
    nights.land(FIRST + 1.2 * DAY, list_all=True)
    assert open_paths() == [paths[3]]


def test_refused_files_are_looked_at_again_until_they_are_dismissed(nights: Nights) -> None:
    old, wrong = FIRST - 20 * DAY, b"id,event\n1,opened\n"
    dismissed, refused = (nights.put(old - days * DAY, 100, content=wrong + b"x" * days) for days in (0, 1))
    archive(nights)
    with Ledger.open(nights.settings) as ledger:
        dismiss(ledger.connection, SOURCE, dismissed, None)
    landed = nights.land(FIRST + 1.1 * DAY)
    assert dismissed[:10] not in nights.listed and refused[:10] in nights.listed
    assert [entry.path for entry in landed.refused] == [refused]
    with Ledger.open(nights.settings) as ledger:
        assert [(group.records, group.path) for group in open_groups(ledger.connection)] == [(1, refused)]
        assert ledger.connection.execute("select count(*) from refused").fetchall() == [(2,)]
    nights.put(old - DAY, 100)
    assert nights.land(FIRST + 2.1 * DAY).totals.accepted == 1
    with Ledger.open(nights.settings) as ledger:
        assert open_groups(ledger.connection) == []


def test_a_retracted_file_lands_again_once_that_is_undone(nights: Nights) -> None:
    path = archive(nights)[20]
    with Ledger.open(nights.settings) as ledger:
        retract_file(ledger, nights.settings, [nights.stream], f"{SOURCE}/{path}", "a test")
    assert nights.land(FIRST + 1.1 * DAY).totals.files == 0
    assert path[:10] not in nights.listed
    with Ledger.open(nights.settings) as ledger:
        assert undo(ledger, f"{SOURCE}/{path}") == 1
    assert nights.land(FIRST + 2.1 * DAY).totals.accepted == 1
    assert nights.numbers() == nights.put_numbers


def test_a_night_that_ends_early_lists_its_folders_again(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    archive(nights)
    nights.put(FIRST - DAY, 100)  # its folder is due in this night, and then not for days
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(module.Batch, "land", killed)
        nights.land(FIRST + 2.1 * DAY)
    assert nights.land(FIRST + 2.2 * DAY).totals.accepted == 1


def test_another_location_and_a_clock_that_was_ahead(nights: Nights) -> None:
    archive(nights)
    nights.put(FIRST - 20 * DAY, 100)
    with fsspec.open("memory://bucket/y/2026/09/01/00/a.json", "wb") as file:
        file.write(lines(101))
    assert nights.land(FIRST + DAY, locations={SOURCE: "memory://bucket/y"}).totals.accepted == 1
    assert nights.land(FIRST + 2 * DAY).totals.accepted == 1
    nights.land(FIRST + 400 * DAY)
    nights.put(FIRST - 19 * DAY, 102)
    assert nights.land(FIRST + 2.5 * DAY).totals.accepted == 1


def test_what_firehose_could_not_process_lands_once(nights: Nights) -> None:
    """Its folders are of days too; of what was delivered after all there are two files."""
    for number, layout in enumerate(("processing-failed/%Y/%m/%d/%H", "result=format-conversion-failed/%Y/%m/%d")):
        for days in (1, 20):
            found = 100 * (number + 1) + days
            failed = {"attemptsMade": 4, "errorCode": "E", "rawData": b64encode(lines(found)).decode()}
            nights.put(FIRST - days * DAY, found, layout, json.dumps(failed).encode() + b"\n")
            nights.put_numbers.add(found)
            if days == 1:
                nights.put(FIRST - days * DAY, found)
    for _ in range(30):
        nights.put(FIRST - 9 * DAY, len(nights.put_numbers) + 1000)
    nights.land(FIRST + timedelta(hours=2))
    for night in (1, 2):
        nights.land(FIRST + night * DAY)
        assert not {"*", "2026/08/31", "processing-failed/2026/08/31"} & {*nights.listed}
    assert nights.numbers() == nights.put_numbers


def test_a_folder_that_named_an_erased_person_is_still_found(nights: Nights) -> None:
    paths = [nights.put(FIRST - days * DAY, 100 + days, f"ada@example.com/{FIREHOSE}") for days in (1, 20)]
    nights.land(FIRST)
    erase(nights.settings, [nights.stream], [Person.named("ada@example.com")])
    nights.put(FIRST - 19 * DAY, 200, f"ada@example.com/{FIREHOSE}")
    landed = nights.land(FIRST + DAY)
    assert (landed.totals.accepted, landed.known_files) == (1, len(paths))
    with Ledger.open(nights.settings) as ledger:
        assert not ledger.connection.execute("select 1 from listings where contains(folder, '@')").fetchall()
        assert len(ledger.paths(SOURCE)) == len(paths) + 1


def test_the_sensor_looks_at_the_last_days(nights: Nights) -> None:
    archive(nights)
    job = define_asset_job("nightly", selection="none")
    sensor = new_files(nights.settings, job, [nights.stream])
    context = build_sensor_context()

    def evaluate() -> Any:
        nights.listed.clear()
        result = sensor(context)
        assert len(nights.listed) <= 6 and "*" not in nights.listed
        return result

    Clock.at = FIRST + timedelta(hours=5)
    evaluate()
    assert isinstance(evaluate(), RunRequest)
    assert isinstance(evaluate(), SkipReason)
    nights.put(FIRST, 100)
    assert isinstance(evaluate(), SkipReason)
    assert isinstance(evaluate(), RunRequest)


def test_a_rebuild_without_a_ledger_lists_a_store_once(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    path = archive(nights, days=5)[3]
    nights.remove(path)
    nights.settings.ledger.unlink()
    calls: list[Any] = []
    monkeypatch.setattr(rebuild, "files_of", lambda *asked: calls.append(asked) or files_of(*asked))
    assert rebuild._gone(nights.settings, [nights.stream]) == [(SOURCE, path, 1)]
    assert len(calls) == 1


def test_machines_that_share_a_ledger_list_in_turn(nights: Nights, tmp_path: Path) -> None:
    with postgres_server() as url:
        machines = [
            load_settings(
                home=tmp_path / name,
                ledger_postgres=url,
                lake_location=str(tmp_path / "lake"),
                locations=nights.settings.locations,
            )
            for name in "ab"
        ]
        for settings in machines:
            settings.make_directories()
        nights.settings = machines[0]
        archive(nights)
        for night in range(1, 5):
            nights.settings = machines[night % 2]
            nights.put(FIRST + night * DAY - timedelta(hours=3), 100 + night)
            assert nights.land(FIRST + night * DAY + timedelta(hours=2)).totals.accepted == 1
            assert "*" not in nights.listed and len(nights.listed) <= 8
        assert nights.numbers() == nights.put_numbers


class S3:
    """Nights over the local S3 server, whose requests are counted."""

    def __init__(self, home: TestHome, monkeypatch: pytest.MonkeyPatch) -> None:
        self.nights = Nights(home, "s3://bucket/x")
        self.calls: Counter[str] = Counter()
        self.refused = ""  # a key that can't be decrypted
        self.paid: list[bool] = []
        real = AioBaseClient._make_api_call

        async def call(client: Any, operation: str, parameters: Any) -> Any:
            self.calls[operation] += 1
            self.paid.append(parameters.get("RequestPayer") == "requester")
            if operation == "GetObject" and self.refused and parameters["Key"].endswith(self.refused):
                message = "User: arn:aws:iam::1:user/x is not authorized to perform: kms:Decrypt on this resource"
                raise ClientError({"Error": {"Code": "AccessDenied", "Message": message}}, operation)
            return await real(client, operation, parameters)

        monkeypatch.setattr(AioBaseClient, "_make_api_call", call)

    def remember(self, first: int, count: int, each: int) -> None:
        """Objects of days up to the first one, which an earlier version has landed."""
        bucket = s3_backends["123456789012"]["aws"]
        rows = []
        for number in range(first, first + count):
            at = FIRST - timedelta(days=(number - first) // each, hours=1 + number % 23)
            path = f"{at:{FIREHOSE}}/s-1-{number:06d}"
            key = bucket.put_object("bucket", f"x/{path}", lines(number))
            rows.append((path, f"{key.size}:{key.etag}", f"{number:032x}"))
        table = pa.table(dict(zip(("path", "stamp", "hash"), map(list, zip(*rows, strict=True)), strict=True)))
        with Ledger.open(self.nights.settings) as ledger:
            ledger.connection.register("remembered", table)
            ledger.connection.execute(f"insert into seen select '{SOURCE}', path, stamp, hash from remembered")
            ledger.connection.execute(
                f"insert into files select '{SOURCE}', hash, path, 1, 1, 1, 0, 0, 0, 0, now()::timestamp, 0 "
                "from remembered"
            )

    def ten_nights(self, each: int, most: int) -> list[int]:
        """Nights that each land new objects; returns their requests for lists, of which the first lists everything."""
        lists = []
        for night in range(11):
            for number in range(each):
                at = FIRST + night * DAY - timedelta(hours=1 + number % 24)
                self.nights.put(at, 1_000_000 + night * each + number)
            self.calls.clear()
            landed = self.nights.land(FIRST + night * DAY + timedelta(hours=2))
            assert landed.totals.accepted == each
            lists.append(self.calls["ListObjectsV2"])
            assert self.calls["GetObject"] == each
            assert self.calls.total() <= lists[-1] + 3 * each
        assert max(lists[1:]) <= most
        assert self.nights.numbers() == self.nights.put_numbers
        return lists


@pytest.fixture
def s3(home: TestHome, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    with s3_server(monkeypatch):
        yield S3(home, monkeypatch)


def test_requests_of_ten_nights_over_two_thousand_objects(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "_PAGE", 100)  # 2,000 objects are two requests
    s3.remember(0, 1_960, each=30)
    assert s3.ten_nights(each=4, most=10)[0] == 2


@pytest.mark.full
def test_requests_of_ten_nights_over_a_hundred_thousand_objects(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: dict[Any, Any] = {}
    real = S3Backend.list_objects

    def list_once(backend: Any, bucket: Any, prefix: Any, delimiter: Any, *page: Any, **given: Any) -> Any:
        """The server looks at all its keys for each page."""
        asked = (prefix, delimiter, len(bucket.keys))
        if asked not in answers:
            answers[asked] = real(backend, bucket, prefix, delimiter, *page, **given)
        return answers[asked]

    monkeypatch.setattr(S3Backend, "list_objects", list_once)
    s3.remember(0, 99_900, each=900)
    lists = s3.ten_nights(each=4, most=10)
    assert lists[0] == 100
    print(lists)


def test_an_object_that_a_key_of_kms_withholds_lands_once_it_can_be_read(s3: S3) -> None:
    paths = [s3.nights.put(FIRST - number * DAY, number) for number in range(3)]
    s3.refused = paths[2]
    landed = s3.nights.land(FIRST + DAY)
    assert landed.totals.accepted == 2
    ((path, reason),) = [(entry.path, entry.reason) for entry in landed.refused]
    assert path == paths[2]
    assert "not authorized to perform: kms:Decrypt" in reason and "allow nights to read it" in reason
    s3.refused = ""
    assert s3.nights.land(FIRST + 2 * DAY).totals.accepted == 1
    assert s3.nights.numbers() == {0, 1, 2}


def test_fsspecs_configuration_has_the_reader_pay(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    s3.nights.put(FIRST, 1)
    configured: dict[str, Any] = {}
    set_conf_env(configured, {"FSSPEC_S3_REQUESTER_PAYS": "true"})
    for name, options in configured.items():
        monkeypatch.setitem(conf, name, options)
    s3.paid.clear()
    assert s3.nights.land(FIRST).totals.accepted == 1
    assert s3.paid and all(s3.paid)


def test_keys_that_are_no_paths_are_listed_whole(s3: S3) -> None:
    bucket = s3_backends["123456789012"]["aws"]
    for night in range(2):
        bucket.put_object("bucket", f"x//2026/09/{10 - night}/00/a", lines(night))
        bucket.put_object("bucket", f"x/2026/09/{10 - night}/00/", b"")  # what a console shows as a folder
        bucket.put_object("bucket", f"x/2026/09/{10 - night}/00/b", lines(10 + night))
        assert s3.nights.land(FIRST + night * DAY).totals.files == 2
    assert s3.nights.numbers() == {0, 1, 10, 11}
