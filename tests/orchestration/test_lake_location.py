"""A lake in an object store or another folder: the same marts as of one in the home, whatever ends a night."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import fsspec
import pytest

from touchstone.lake import lake_files

from .conftest import TestHome
from .events import some_events
from .servers import s3_server
from .test_release import published, release

SOURCE = "mailgun/events"
NIGHTS = [some_events(seed=seed, count=200) for seed in (1, 2, 3)]


@pytest.fixture(scope="module")
def marts_of_a_home(session_home: TestHome) -> dict[str, list[tuple[Any, ...]]]:
    session_home.reset()
    land_nights(session_home, NIGHTS)
    session_home.build()
    return session_home.marts()


@pytest.fixture(scope="module", params=["folder", "s3"])
def home_of_module(
    request: pytest.FixtureRequest,
    marts_of_a_home: dict[str, list[tuple[Any, ...]]],  # before the environment is of another home
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[TestHome]:
    """A home whose lake is in another folder, or in a bucket."""
    before = dict(os.environ)
    try:
        with pytest.MonkeyPatch.context() as environment, s3_server(environment):
            elsewhere = f"file://{tmp_path_factory.mktemp('elsewhere')}"
            place = "s3://bucket" if request.param == "s3" else elsewhere
            os.environ["TOUCHSTONE_LAKE_LOCATION"] = f"{place}/it's a lake"
            yield TestHome(tmp_path_factory.mktemp("home"))
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture
def elsewhere(home_of_module: TestHome) -> TestHome:
    """The same, empty."""
    home_of_module.reset()
    filesystem, root = fsspec.core.url_to_fs(os.environ["TOUCHSTONE_LAKE_LOCATION"])
    if filesystem.exists(root):
        filesystem.rm(root, recursive=True)
    home_of_module.settings.make_directories()
    return home_of_module


def land_nights(home: TestHome, nights: list[Any]) -> None:
    for number, events in enumerate(nights):
        home.put(SOURCE, f"{number}.json", events)
        home.land()


def rows(home: TestHome) -> list[tuple[Any, ...]]:
    with home.ledger() as ledger:
        return ledger.connection.execute(
            f"select * exclude (filename) from {lake_relation(ledger)} order by _record_id"
        ).fetchall()


def lake_relation(ledger: Any) -> str:
    from touchstone.landing.records import read_lake

    return read_lake(ledger.lake_paths(SOURCE, of_batch=False))


def test_marts_of_two_nights_are_those_of_a_lake_in_the_home(
    marts_of_a_home: dict[str, list[tuple[Any, ...]]], elsewhere: TestHome
) -> None:
    land_nights(elsewhere, NIGHTS)
    elsewhere.build()
    assert elsewhere.marts() == marts_of_a_home
    assert len(lake_files(elsewhere.settings.lake)) == len(NIGHTS)
    assert {path.name for path in elsewhere.settings.ledger.parent.iterdir()} == {"ledger.duckdb"}
    release(elsewhere)
    ((count,),) = published(elsewhere, "select count(*) from mailgun_metrics_daily")
    assert count == len(marts_of_a_home["mailgun_metrics_daily"]) > 0
