"""A lake in an object store or another folder: the same marts as of one in the home, whatever ends a night."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from aiobotocore.client import AioBaseClient
from botocore.exceptions import ClientError

from touchstone.backup import back_up, restore
from touchstone.damage import Damaged, LakeUnreachable, explained
from touchstone.doctor import Level, examine
from touchstone.home import environment
from touchstone.lake import lake_files, lake_sizes
from touchstone.landing.compact import compact_lake
from touchstone.landing.erase import erase
from touchstone.landing.ledger import NOT_IN_LAKE, Totals
from touchstone.landing.persons import CannotErase, Person
from touchstone.landing.records import read_lake
from touchstone.landing.retract import retract_file
from touchstone.rebuild import rebuild_from_inbox, rebuild_from_lake
from touchstone.settings import SettingsMistake, load_settings

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


def records(home: TestHome, columns: str = "* exclude (filename)") -> list[tuple[Any, ...]]:
    with home.ledger() as ledger:
        lake = read_lake(ledger.lake_paths(SOURCE, of_batch=False))
        return list(ledger.connection.execute(f"select {columns} from {lake} order by all").fetchall())


def facts(home: TestHome) -> int:
    return len(records(home, "_is_repeat")) - sum(is_repeat for (is_repeat,) in records(home, "_is_repeat"))


def totals(home: TestHome) -> list[Totals]:
    with home.ledger() as ledger:
        return [ledger.totals(source) for source in home.streams]


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


class Killed(BaseException):
    """What ends a process, as far as code can notice."""


def test_a_kill_between_commit_and_rename_loses_and_repeats_nothing(
    elsewhere: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise Killed

    land_nights(elsewhere, NIGHTS[:1])
    elsewhere.put(SOURCE, "1.json", NIGHTS[1])
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(type(elsewhere.settings.lake), "rename", killed)
        elsewhere.land()
    lake = elsewhere.settings.lake
    (committed,) = (name for name in lake_sizes(lake) if name.endswith(".unfinished"))
    (lake / SOURCE / "00000099.parquet.unfinished").write_bytes(b"killed before its commit")
    rows = records(elsewhere)
    assert {committed, f"{SOURCE}/00000099.parquet.unfinished"}.isdisjoint(lake_sizes(lake))
    assert committed.removesuffix(".unfinished") in lake_sizes(lake)
    elsewhere.land()
    assert records(elsewhere) == rows
    assert sum(total.accepted for total in totals(elsewhere)) == facts(elsewhere)


def test_compacting_retracting_and_erasing_change_what_they_change_in_a_home(
    session_home: TestHome, elsewhere: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("touchstone.landing.compact._FILES", 2)
    monkeypatch.setattr("touchstone.landing.compact._LEAST_BYTES", 2**26)
    for home in (session_home, elsewhere):
        os.environ |= environment(home.settings)
        home.reset()
        land_nights(home, NIGHTS)
        with home.ledger() as ledger:
            retract_file(ledger, home.settings, home.streams.values(), f"{SOURCE}/1.json", "a test")
        home.land()  # files that repeated some of it
        with home.ledger() as ledger:
            compacted = compact_lake(ledger)
        erase(home.settings, home.streams.values(), [Person.named("a@rcpt0.net")])
    # tokens are each home's own
    columns = "event, _at, _landing, recipient = 'a@rcpt0.net'"
    assert records(elsewhere, columns) == records(session_home, columns)
    assert not any(is_named for *_, is_named in records(elsewhere, columns))
    assert compacted > 0
    assert len(lake_files(elsewhere.settings.lake)) == 1
    assert len([name for name in lake_sizes(elsewhere.settings.lake) if "schema" not in name]) == 1
    assert (elsewhere.settings.ledger.parent / "persons.key").exists()
    assert {path.name for path in elsewhere.settings.lake.glob("*.*")} == {f"{name}.parquet" for name in NOT_IN_LAKE}


def test_what_damages_a_lake_is_named_and_rebuilt(elsewhere: TestHome) -> None:
    land_nights(elsewhere, NIGHTS[:2])
    rows = records(elsewhere)
    elsewhere.settings.ledger.unlink()
    with pytest.raises(Damaged, match="make rebuild"), elsewhere.ledger():
        pass
    rebuild_from_lake(elsewhere.settings)
    assert records(elsewhere) == rows
    file = lake_files(elsewhere.settings.lake)[0]
    file.write_bytes(b"PAR1")
    with elsewhere.ledger() as ledger:
        assert ledger.damaged_files(SOURCE) == {SOURCE: {file: 1}}
    assert [finding.subject for finding in examine(elsewhere.settings) if finding.level == Level.WRONG] == [SOURCE]
    done = rebuild_from_inbox(elsewhere.settings, elsewhere.streams.values(), anyway=True)
    assert {str(folder.parent) for folder in done.before} == {
        str(elsewhere.settings.home),
        str(elsewhere.settings.lake),
    }
    assert lake_files(elsewhere.settings.lake) == []
    elsewhere.land()
    assert len(records(elsewhere)) == len(rows)
    with pytest.raises(CannotErase, match="remove what was replaced first"):
        erase(elsewhere.settings, elsewhere.streams.values(), [Person.named("a@rcpt0.net")])


def test_a_backup_says_that_it_lacks_the_lake_and_an_old_ledger_is_not_restored(
    elsewhere: TestHome, tmp_path: Path
) -> None:
    land_nights(elsewhere, NIGHTS[:1])
    made = back_up(elsewhere.settings, str(tmp_path))
    assert made.without_lake == str(elsewhere.settings.lake)
    assert not [*tmp_path.glob("*/lake/*/*")]
    assert not restore(elsewhere.settings, str(tmp_path)).needs_ledger
    rows = records(elsewhere)
    elsewhere.put(SOURCE, "1.json", NIGHTS[1])
    elsewhere.land()
    newer = records(elsewhere)
    assert len(newer) > len(rows)
    assert restore(elsewhere.settings, str(tmp_path)).needs_ledger
    with pytest.raises(Damaged, match="make rebuild"), elsewhere.ledger():
        pass
    rebuild_from_lake(elsewhere.settings)
    elsewhere.land()
    assert records(elsewhere) == newer


def test_a_lake_in_the_home_is_not_left_behind(elsewhere: TestHome) -> None:
    (elsewhere.settings.ledger.parent / SOURCE).mkdir(parents=True)
    (elsewhere.settings.ledger.parent / SOURCE / "00000001.parquet").touch()
    with pytest.raises(SettingsMistake, match="has records already"):
        elsewhere.settings.make_directories()


@pytest.mark.parametrize(
    ("location", "mistake"),
    [
        ("s3://bucket/a*", "contains '\\*'"),
        ("simplecache::s3://bucket", "contains '::'"),
        ("sftp://user:hunter2@example.com/lake", "a user or password is none of it"),
    ],
)
def test_an_address_that_cannot_be_read_is_refused(location: str, mistake: str) -> None:
    with pytest.raises(SettingsMistake, match=mistake) as raised:
        load_settings(lake_location=location)
    assert "hunter2" not in str(raised.value)


def test_a_store_that_refuses_is_explained_and_nothing_is_lost(
    elsewhere: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    if isinstance(elsewhere.settings.lake, Path):
        pytest.skip("of object stores")
    land_nights(elsewhere, NIGHTS[:1])
    elsewhere.put(SOURCE, "1.json", NIGHTS[1])
    real = AioBaseClient._make_api_call
    for refused in ("PutObject", "CopyObject", "GetObject", "ListObjectsV2"):

        async def call(client: Any, operation: str, parameters: Any, refused: str = refused) -> Any:
            if operation == refused:
                raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, operation)
            return await real(client, operation, parameters)

        with monkeypatch.context() as patched:
            patched.setattr(AioBaseClient, "_make_api_call", call)
            with pytest.raises(LakeUnreachable) as raised, explained(elsewhere.settings):
                elsewhere.land()
        said = str(raised.value)
        assert said.startswith("The object store of s3://bucket/it's a lake failed: ")
        assert "not you" in said
        assert "Traceback" not in said
    elsewhere.land()
    assert facts(elsewhere) == sum(total.accepted for total in totals(elsewhere)) > len(NIGHTS[0])
