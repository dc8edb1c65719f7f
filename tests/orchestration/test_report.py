"""What the report compares and finds, without a warehouse: usual and unusual days, keys that moved, what is new."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest

from touchstone.release import REPORT_STATE
from touchstone.report import words
from touchstone.report.headlines import Chart, System, above_one, declared
from touchstone.report.news import Check, News, news_of
from touchstone.report.numbers import Comparison, Drawn, Line, Release, Section, Window, compare, moved_in
from touchstone.settings import Settings, SettingsMistake

MONDAY = date(2026, 11, 23)
PUBLISHED = datetime(2026, 11, 24, 2, tzinfo=UTC)


def line(values: Mapping[int, float], per: Mapping[int, float] | float = 0, **given: Any) -> Line:
    """A line with numbers so many days before a Monday; a rate if it is `per` so many records, else a count."""
    numbers = {MONDAY - timedelta(days=ago): value for ago, value in values.items()}
    shares = per if isinstance(per, Mapping) else dict.fromkeys(values, per)
    divided = {MONDAY - timedelta(days=ago): value for ago, value in shares.items()}
    rate = Line("Rate", "ratio", "quotient", False, numbers, divided, "", 1)
    return replace(rate if per else Line("Sent", "count", "sum", True, numbers, divided, "", 1), **given)


def weeks(today: float, *before: float) -> dict[int, float]:
    """A number of a Monday and of the Mondays before, newest first."""
    return dict(zip(range(0, 700, 7), (today, *before), strict=False))


def compared(values: Mapping[int, float], **given: Any) -> Comparison:
    return compare(line(values, **given), MONDAY)


def test_a_monday_is_compared_with_mondays() -> None:
    every_day = {ago: 1000.0 if ago % 7 else 100.0 for ago in range(64)}
    found = compared(every_day)
    assert (found.median, found.days, found.status) == (100, 8, "")
    assert words.basis(found, MONDAY) == "8 Mondays"
    assert compared(every_day | {0: 1000}).status == "above", "as on the other days"


def test_all_days_take_the_place_of_too_few_mondays() -> None:
    found = compared({ago: 100.0 + ago for ago in range(25)})
    assert (found.days, found.same_weekday, found.median) == (24, False, 112.5)
    assert words.basis(found, MONDAY) == "24 days"
    assert compared({0: 900.0, **dict.fromkeys(range(1, 7), 100.0)}).status == "too few days before"
    assert compared({0: 900.0, **dict.fromkeys(range(1, 8), 100.0)}).status == "above"
    assert compared({1: 900.0}).status == "no data"


@pytest.mark.parametrize(
    ("today", "before", "status"),
    [
        (100, (99, 101, 100, 98, 102), ""),
        (160, (99, 101, 100, 98, 102), "above"),
        (40, (99, 101, 100, 98, 102), "below"),
        (160, (60, 150, 90, 110, 70), ""),  # such days differ by as much
        (8, (4, 4, 4, 4), ""),  # chance
        (1, (0, 0, 0, 0, 0), ""),
        (40, (4, 4, 4, 4), "above"),
    ],
)
def test_unusual_is_what_neither_chance_nor_the_spread_of_days_explains(
    today: float, before: tuple[float, ...], status: str
) -> None:
    assert compared(weeks(today, *before)).status == status


@pytest.mark.parametrize(
    ("today", "per", "status"), [(0.10, 40, ""), (0.10, 4000, "above"), (0.049, 4000, ""), (1.5, 4000, "above")]
)
def test_a_rate_is_unusual_by_what_it_divides(today: float, per: float, status: str) -> None:
    assert compared(weeks(today, 0.05, 0.051, 0.049, 0.05, 0.05), per=per).status == status


def test_a_gauge_is_never_unusual_by_less_than_a_tenth() -> None:
    gauge = {"combined": "highest", "is_counted": False}
    assert compared(weeks(57.5, 60, 60, 60, 60), **gauge).status == ""
    assert compared(weeks(50, 60, 60, 60, 60), **gauge).status == "below"


def test_chance_alone_moves_no_key() -> None:
    draw = random.Random(5)
    keys = [
        line(weeks(*(float(sum(draw.random() < 0.02 for _ in range(500 + size))) for _ in range(9))))
        for size in range(0, 3000, 10)
    ]
    assert moved_in(keys, MONDAY) == []
    changed = line(weeks(120, 40, 41, 39, 40, 42), label="changed")
    assert [found.line.label for found in moved_in([*keys, changed], MONDAY)] == ["changed"]


def test_a_key_without_rows_has_fallen_to_zero_and_few_records_move_nothing() -> None:
    other = line(weeks(50, *[50] * 8), label="other")
    silent = line(dict.fromkeys(range(7, 57, 7), 30.0), label="silent")
    small = line(dict.fromkeys(range(7, 57, 7), 6.0), label="small")
    new = line(weeks(400), label="new")
    gone = line(dict.fromkeys(range(28, 57, 7), 30.0), label="gone")  # silent for weeks: no news
    (found,) = moved_in([other, silent, small, new, gone], MONDAY)
    assert (found.line.label, found.value, found.median, found.status) == ("silent", 0, 30, "below")
    assert moved_in([silent], MONDAY) == [], "nothing has landed of that day"
    rates = line(weeks(0.2, *[0.01] * 8), per=30), line(weeks(0.2, *[0.01] * 8), per=300)
    assert [found.line for found in moved_in(rates, MONDAY)] == [rates[1]]


def test_a_homes_own_headlines_take_the_place_of_ours(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, variables={"ses_bounce_rate_review": 0.03})
    of_ours = {system.system: system for system in declared(settings)}
    assert 0.03 in [threshold.value for chart in of_ours["ses"].charts for threshold in chart.thresholds]
    file = tmp_path / "headlines.yml"
    file.write_text("systems: {mailgun: [{title: Sent, mart: mailgun_metrics, metrics: [sent_count]}]}\n")
    (only,) = declared(settings)
    assert (only.title, only.charts[0].metrics, only.movers) == ("Mailgun", ("sent_count",), ())
    file.write_text("systems: {mailgun: [{title: Sent, metrics: [sent_count]}]}\n")
    with pytest.raises(SettingsMistake, match=r"headlines.yml: .*mart"):
        declared(settings)


def test_movers_are_keys_of_counts_and_rates() -> None:
    assert {system.system for system in declared() if not system.movers} == set()
    assert all(chart.by for system in declared() for chart in system.movers)


def test_the_catalog_says_why_a_rate_is_above_one() -> None:
    entry = {"unit": "ratio", "definition": "a / b. Opens.", "caveat": "Few open. Above 1 where many do. Or not."}
    assert above_one(entry) == "Above 1 where many do."
    assert above_one(entry | {"definition": "It may be above 1.", "caveat": None}) == "It may be above 1."
    assert above_one(entry | {"unit": "count"}) == ""


# ---- what is new


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    """A release's tables that the news are read from."""
    connection = duckdb.connect()
    connection.execute("create schema intermediate")
    connection.execute(
        "create table run (run_id varchar, published_at timestamp, landing bigint, reporting_timezone varchar)"
    )
    connection.execute(
        "create table intermediate.landed_files "
        "(source varchar, landing bigint, records bigint, accepted bigint, quarantined bigint)"
    )
    return connection


class Releases:
    """Releases in a folder, each of which states its news for the next."""

    def __init__(self, folder: Path, connection: duckdb.DuckDBPyConnection) -> None:
        self.folder, self.connection, self.number = folder, connection, 0

    def publish(self, checks: list[Check], values: Mapping[int, float], **given: Any) -> News:
        self.number += 1
        at = PUBLISHED + timedelta(days=self.number - 1)
        self.connection.execute("delete from run")
        self.connection.execute("insert into run values ('r', $1, $2, 'UTC')", [at.replace(tzinfo=None), self.number])
        self.connection.execute(
            "insert into intermediate.landed_files values ('mailgun/events', $1, 100, 90, 2)", [self.number]
        )
        chart = Chart(title="Messages", mart="m", metrics=("n",))
        window = Window(MONDAY - timedelta(days=89), MONDAY, at, Release("r", at, self.number, ZoneInfo("UTC")))
        drawn = Drawn(chart, [line(values, **given)], 0)
        section = Section(System(system="m", title="M", charts=(chart,), movers=()), window, [drawn], [], [])
        folder = self.folder / f"{self.number}"
        folder.mkdir()
        news, state = news_of(folder, self.connection, [section], checks)
        (folder / REPORT_STATE).write_text(json.dumps(state))
        return news


@pytest.fixture
def releases(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> Releases:
    return Releases(tmp_path, connection)


def check(name: str, finding: str = "") -> Check:
    return Check("mailgun/events", name, not finding, "WARN", finding)


def test_checks_are_new_since_a_day_or_mended(releases: Releases) -> None:
    first = releases.publish([check("a", "26 records quarantined"), check("b")], {})
    assert first.before is None
    assert [(each.is_new, each.since) for each in first.failing] == [(False, PUBLISHED.date())]
    second = releases.publish([check("a", "28 records quarantined"), check("b", "late")], {})
    assert second.before == PUBLISHED
    new, old = second.failing
    assert (new.check.name, new.is_new, new.since) == ("b", True, PUBLISHED.date() + timedelta(days=1))
    assert (old.check.name, old.is_new, old.since, old.before) == (
        "a",
        False,
        PUBLISHED.date(),
        "26 records quarantined",
    )
    third = releases.publish([check("a"), check("b", "late")], {})
    assert third.mended == ["28 records quarantined"]
    assert [(each.is_new, each.before) for each in third.failing] == [(False, "")]
    fourth = releases.publish([check("a", "1 record quarantined"), check("b", "late")], {})
    assert [each.check.name for each in fourth.failing if each.is_new] == ["a"], "it was mended in between"
    assert words.since(PUBLISHED.date(), PUBLISHED.date() + timedelta(days=3)) == "since Tuesday"
    assert words.since(PUBLISHED.date(), PUBLISHED.date() + timedelta(days=7)) == "since 24 November 2026"
    assert words.since(PUBLISHED.date(), PUBLISHED.date()) == "since today"


def test_what_has_landed_since_is_counted(releases: Releases) -> None:
    assert releases.publish([], {}).landed == []
    for missing in (0, 2):  # releases whose report could not be written
        releases.number += missing
        (found,) = releases.publish([], {}).landed
        assert (found["source"], found["files"], found["records"], found["quarantined"]) == (
            "mailgun/events",
            1,
            100,
            2,
        )


def test_days_that_were_over_and_changed_noticeably_are_listed(releases: Releases) -> None:
    before = dict.fromkeys(range(40), 1000.0)
    assert releases.publish([], before).changed == []
    assert releases.publish([], before | {1: 1009, 2: 1009, 3: 991}).changed == [], "less than a hundredth"
    (found,) = releases.publish([], before | {5: 1200, 9: 700, 80: 50}).changed
    assert (found.label, found.days, found.most) == ("Messages: Sent", 3, MONDAY - timedelta(days=9))
    assert (found.before, found.now, found.first) == (1000, 700, MONDAY - timedelta(days=80))
    small = dict.fromkeys(range(40), 5.0)
    releases.publish([], small)
    assert releases.publish([], small | {3: 9}).changed == [], "fewer than ten records"
    releases.publish([], {3: 0.5, 4: 0.5}, per=100)
    assert releases.publish([], {3: 0.52, 4: 0.7}, per=100).changed[0].days == 1
