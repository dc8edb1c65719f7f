"""Object stores: nights list few folders, and miss nothing that comes late, nor again what had landed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import pytest
from aiobotocore.client import AioBaseClient
from botocore.exceptions import ClientError
from dagster import build_sensor_context
from fsspec.implementations.memory import MemoryFileSystem

from touchstone.landing import land as module
from touchstone.landing import listing
from touchstone.landing.erase import erase
from touchstone.landing.land import Landed, land
from touchstone.landing.ledger import Ledger
from touchstone.landing.listing import Listed, Store
from touchstone.landing.persons import Person
from touchstone.landing.quarantine import dismiss, open_groups
from touchstone.landing.retract import retract_file, undo
from touchstone.rebuild import _gone
from touchstone.schedules import new_files, nightly
from touchstone.settings import Settings, load_settings

from .conftest import TestHome
from .servers import postgres_server, s3_server
from .test_files import event, lines

SOURCE = "mailgun/events"
DAY = timedelta(days=1)
FIRST = datetime(2026, 9, 20, tzinfo=UTC)  # nights cross the ends of months
FIREHOSE = "%Y/%m/%d/%H"
LAYOUTS = [FIREHOSE, "year=%Y/month=%m/day=%d/hour=%H", "app=1/dt=%Y-%m-%d", "%Y-%m-%dT%H"]


class Clock(datetime):
    at: ClassVar[datetime]

    @classmethod
    def now(cls, tz: Any = None) -> datetime:
        return cls.at


class Nights:
    """A location in an object store, the nights that land it, and what they list."""

    def __init__(self, home: TestHome, location: str, layout: str = FIREHOSE, **settings: Any) -> None:
        self.settings = home.settings.model_copy(update={"locations": {SOURCE: location}, **settings})
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
    """Nights over an empty store in memory, in which ten files take a request."""
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]
    monkeypatch.setattr(listing, "_PAGE", 10)
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


def archive(nights: Nights, days: int = 60, each: int = 4) -> None:
    """An archive of days up to the first, and the night that lands all of it."""
    for number in range(days * each):
        nights.put(FIRST - number // each * DAY - timedelta(hours=1 + number % each), number)
    landed = nights.land(FIRST + timedelta(hours=2))
    assert nights.listed == ["*"]
    assert landed.totals.accepted == days * each


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
        for hour in range(24):
            nights.put(at - timedelta(hours=hour + 1), 1000 * night + hour)
        if night == 4:  # late by two days
            nights.put(FIRST + DAY, 9_999)
        landed = nights.land(at + timedelta(hours=2))
        assert landed.totals.records == 24 + (night in (5, 6) and landed.totals.records - 24)
        assert "*" not in nights.listed
        assert len(nights.listed) <= 13 + 24 * 3 * ("T" in nights._layout)
        assert landed.known_files + landed.totals.files + landed.unlisted_files == len(nights.put_numbers)
    assert nights.numbers() == nights.put_numbers


@pytest.mark.parametrize("delay", [1, 3, 7])
def test_late_files_are_had_at_three_times_their_delay(nights: Nights, delay: int) -> None:
    archive(nights)
    nights.land(FIRST + 1.1 * DAY)
    for night in range(2, 4 * (delay + 1)):
        if night == delay + 1:
            nights.put(FIRST + timedelta(hours=9), 10_000)
        nights.put(FIRST + night * DAY, 10_000 + night)
        nights.land(FIRST + (night + 1.1) * DAY)
        if 10_000 in nights.numbers():
            break
    assert night <= 3 * delay + 2
    assert nights.numbers() == nights.put_numbers
