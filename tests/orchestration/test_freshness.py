"""Which sources are late, and which hours should have records."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dagster import AssetKey, AssetSelection, Definitions, define_asset_job

from touchstone.definitions import definitions_of
from touchstone.landing.freshness import Freshness, freshness, freshness_query
from touchstone.landing.ledger import Ledger
from touchstone.settings import Settings

from .conftest import TestHome

SOURCE = "mailgun/events"
NOW = datetime(2026, 3, 31, 12, 30)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Record = dict[str, Any]


def event(at: datetime, number: int = 0) -> Record:
    return {"event": "opened", "id": f"id{number}", "timestamp": at.replace(tzinfo=UTC).timestamp(), "domain": "d"}


def freshness_of(
    tmp_path: Path,
    landings: Iterable[datetime],
    hours: dict[datetime, int],
    now: datetime = NOW,
    ended: list[str] | None = None,
) -> Freshness:
    """The freshness of a source with these landings and so many records in each hour."""
    settings = Settings(home=tmp_path)
    settings.make_directories()
    with Ledger.open(settings) as ledger:
        for number, at in enumerate(landings, start=1):
            ledger.connection.execute(
                "insert into files values (?, ?, 'f', 1, 1, 1, 0, 0, 0, ?, ?, 0)", [SOURCE, f"hash{number}", number, at]
            )
        rows = [(SOURCE, hour, records, hour + HOUR / 2) for hour, records in hours.items()]
        ledger.connection.executemany("insert into record_hours values (?, ?, ?, ?)", rows)
        (found,) = freshness(ledger.connection, Settings(ended_sources=ended or []), now)
        return found


def every_hour(days: int, records: int = 10, until: datetime = NOW) -> dict[datetime, int]:
    """So many records in each of the last hours."""
    last = until.replace(minute=0)
    return {last - number * HOUR: records for number in range(days * 24)}


def test_a_source_that_delivers_every_night_is_late_after_three_days(tmp_path: Path) -> None:
    nights = [NOW - number * DAY for number in range(10)]
    found = freshness_of(tmp_path, nights, every_hour(10))
    assert found.newest_record_at == NOW
    assert found.newest_landing_at == NOW
    assert found.records == 2400
    assert found.usual_interval_hours == 24
    assert found.late_after == NOW + 3 * DAY
    assert not found.is_late


@pytest.mark.parametrize(("hours", "is_late"), [(71, False), (73, True)])
def test_it_is_late_from_then_on(tmp_path: Path, hours: int, is_late: bool) -> None:
    nights = [NOW - number * DAY for number in range(10)]
    assert freshness_of(tmp_path, nights, every_hour(10), NOW + hours * HOUR).is_late is is_late


def test_a_source_of_weekly_extracts_may_take_three_weeks(tmp_path: Path) -> None:
    weeks = [NOW - number * 7 * DAY for number in range(5)]
    found = freshness_of(tmp_path, weeks, every_hour(35), NOW + 20 * DAY)
    assert (found.usual_interval_hours, found.is_late) == (168, False)


def test_batches_of_one_run_are_one_landing(tmp_path: Path) -> None:
    nights = [NOW - number * DAY + minutes * HOUR / 60 for number in range(10) for minutes in (0, 3, 6)]
    found = freshness_of(tmp_path, nights, every_hour(10))
    assert found.usual_interval_hours == pytest.approx(23.9)


def test_records_determine_the_interval_after_few_landings(tmp_path: Path) -> None:
    weekly = {NOW.replace(minute=0) - number * 7 * DAY: 1 for number in range(4)}
    assert freshness_of(tmp_path, [NOW], weekly).usual_interval_hours == 168


def test_a_source_is_given_a_day_and_a_half_at_least(tmp_path: Path) -> None:
    found = freshness_of(tmp_path, [NOW], every_hour(3))
    assert (found.usual_interval_hours, found.late_after) == (1, NOW + 36 * HOUR)


def test_one_landing_of_one_hour_is_no_habit(tmp_path: Path) -> None:
    found = freshness_of(tmp_path, [NOW], {NOW.replace(minute=0): 5}, NOW + 300 * DAY)
    assert (found.usual_interval_hours, found.late_after, found.is_late) == (None, None, False)


def test_an_archive_is_never_late(tmp_path: Path) -> None:
    old = every_hour(10, until=NOW - 100 * DAY)
    found = freshness_of(tmp_path, [NOW - 2 * DAY, NOW - DAY, NOW], old, NOW + 300 * DAY)
    assert (found.late_after, found.is_late) == (None, False)


def test_an_ended_source_is_never_late(tmp_path: Path) -> None:
    nights = [NOW - number * DAY for number in range(10)]
    assert freshness_of(tmp_path, nights, every_hour(10), NOW + 300 * DAY, [SOURCE]).late_after is None


def test_a_landing_without_new_records_does_not_count(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    settings.make_directories()
    with Ledger.open(settings) as ledger:
        ledger.connection.execute(
            "insert into files values (?, 'again', 'f', 1, 5, 0, 5, 0, 0, 99, ?, 0)", [SOURCE, NOW + 5 * DAY]
        )
    nights = [NOW - number * DAY for number in range(10)]
    found = freshness_of(tmp_path, nights, every_hour(10), NOW + 5 * DAY)
    assert (found.newest_landing_at, found.is_late) == (NOW, True)


def test_a_record_with_a_wrong_clock_is_not_the_newest(tmp_path: Path) -> None:
    hours = every_hour(3) | {datetime(2098, 1, 1): 1}
    assert freshness_of(tmp_path, [NOW], hours).newest_record_at == NOW


def test_an_hour_that_usually_has_records_and_has_none_is_missing(tmp_path: Path) -> None:
    hours = every_hour(40)
    gone = NOW.replace(minute=0) - 3 * DAY
    del hours[gone]
    found = freshness_of(tmp_path, [NOW], hours)
    assert (found.hours_without_records, found.last_hour_without_records) == (1, gone)
    assert found.lacks_recent_hours


def test_two_whole_days_are_missing(tmp_path: Path) -> None:
    gone = [NOW.replace(minute=0) - 4 * DAY - number * HOUR for number in range(48)]
    hours = {hour: records for hour, records in every_hour(40).items() if hour not in gone}
    assert freshness_of(tmp_path, [NOW], hours).hours_without_records == 48


def test_an_old_gap_counts_without_a_warning(tmp_path: Path) -> None:
    hours = every_hour(60)
    del hours[NOW.replace(minute=0) - 10 * DAY]
    found = freshness_of(tmp_path, [NOW], hours)
    assert (found.hours_without_records, found.lacks_recent_hours) == (1, False)


@pytest.mark.parametrize(
    ("what", "is_quiet"),
    [
        ("weekends", lambda hour, number: hour.weekday() > 4),
        ("nights", lambda hour, number: hour.hour < 5),
        ("one day in five", lambda hour, number: hour.toordinal() % 5 == 0),
        ("less than 28 days of records", lambda hour, number: number > 27 * 24 or number == 50),
    ],
)
def test_hours_that_are_often_quiet_are_not_missing(tmp_path: Path, what: str, is_quiet: Any) -> None:
    hours = {
        hour: records for number, (hour, records) in enumerate(every_hour(60).items()) if not is_quiet(hour, number)
    }
    assert freshness_of(tmp_path, [NOW], hours).hours_without_records == 0, what


def test_few_records_an_hour_may_be_none(tmp_path: Path) -> None:
    hours = every_hour(60, records=4)
    del hours[NOW.replace(minute=0) - 3 * DAY]
    assert freshness_of(tmp_path, [NOW], hours).hours_without_records == 0


def test_the_first_record_may_be_of_1970(tmp_path: Path) -> None:
    hours = every_hour(40) | {datetime(1970, 1, 1, 5): 1}
    del hours[NOW.replace(minute=0) - 3 * DAY]
    found = freshness_of(tmp_path, [NOW], hours)
    assert (found.first_record_at, found.hours_without_records) == (datetime(1970, 1, 1, 5), 1)


def hours_of(home: TestHome) -> list[tuple[Any, ...]]:
    return home.ledger_rows("select source, hour, records, newest_at from record_hours order by all")


def test_landing_counts_the_hours_of_new_facts(home: TestHome) -> None:
    home.put(SOURCE, "a.gz", [event(NOW), event(NOW + HOUR / 4, 1), event(NOW - HOUR, 2), event(NOW, 0)])
    home.land()
    # another version of the first, a repeat, and one more of the hour; a parse error has no hour
    other = {**event(NOW), "client-info": {"bot": "apple"}}
    home.put(SOURCE, "b.gz", [other, event(NOW - HOUR, 2), event(NOW + HOUR / 3, 3), {"event": "opened"}])
    home.land()
    noon = NOW.replace(minute=0)
    assert hours_of(home) == [
        (SOURCE, noon - HOUR, 1, NOW - HOUR),
        (SOURCE, noon, 3, NOW + HOUR / 3),
    ]


def test_a_source_that_never_delivered_has_no_freshness(home: TestHome) -> None:
    home.land()
    with home.ledger() as ledger:
        assert freshness(ledger.connection, home.settings, NOW) == []


def test_one_source_is_the_same_alone_and_among_all(home: TestHome) -> None:
    home.put(SOURCE, "a.gz", [event(NOW), event(NOW - HOUR, 2)])
    home.put(
        "ses/events",
        "a.json",
        b'{"eventType": "Send", "mail": {"timestamp": "2026-03-31T09:00:00Z", "messageId": "m"}}',
    )
    home.land()
    with home.ledger() as ledger:
        every = freshness(ledger.connection, home.settings, NOW + 9 * DAY)
        assert [source.source for source in every] == [SOURCE, "ses/events"]
        assert freshness(ledger.connection, home.settings, NOW + 9 * DAY, SOURCE) == every[:1]
        assert freshness_query(home.settings, NOW, "it's/none").count("it''s") == 2


def test_landing_assets_warn_of_late_sources_and_missing_hours(home: TestHome) -> None:
    now = datetime.now(UTC).replace(tzinfo=None)
    hours = [now - number * HOUR for number in range(40 * 24) if number != 48]
    home.put(SOURCE, "a.gz", [event(at, 6 * number + copy) for number, at in enumerate(hours) for copy in range(6)])
    assert checks_of(home) == {
        "landing_succeeded": True,
        "ledger_adds_up": True,
        "no_quarantined_records": True,
        "source_freshness": True,
        "no_missing_hours": False,
    }
    with home.ledger() as ledger:
        ledger.connection.execute("update files set landed_at = landed_at - interval 37 hours")
        ledger.connection.execute("delete from record_hours where hour > now()::timestamp - interval 37 hours")
    assert checks_of(home)["source_freshness"] is False


def checks_of(home: TestHome) -> dict[str, bool]:
    """Materialises the landing of the source; returns which of its checks have passed."""
    defs = definitions_of(home.settings)
    job = define_asset_job("land", AssetSelection.assets(AssetKey(SOURCE.split("/"))))
    run = Definitions(assets=defs.assets, resources=defs.resources, jobs=[job]).resolve_job_def("land")
    result = run.execute_in_process(raise_on_error=True)
    return {check.check_name: check.passed for check in result.get_asset_check_evaluations()}
