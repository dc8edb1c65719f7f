"""The marts depend on nothing but the set of records that were landed."""

from __future__ import annotations

import random
from typing import Any

import pytest

from orchestration.landing.ledger import Totals

from .conftest import TestHome
from .events import some_events
from .reference import current, hourly

Record = dict[str, Any]


def land_in_pieces(home: TestHome, records: list[Record], chance: random.Random) -> None:
    """The records in a random order, files and runs, some of them again."""
    records = records + chance.sample(records, len(records) // 5)
    chance.shuffle(records)
    runs = chance.randint(1, 4)
    for run in range(runs):
        part = records[run::runs]
        files = chance.randint(1, 3)
        for file in range(files):
            home.put("mailgun/events", f"{chance.randrange(10**6)}.json", part[file::files])
        home.land()
        home.build()


def check_orders(home: TestHome, orders: int, count: int) -> None:
    records = some_events(seed=5, count=count)
    first = None
    for seed in range(orders):
        chance = random.Random(seed)
        home.reset()
        land_in_pieces(home, records, chance)
        marts = home.marts()
        with home.ledger() as ledger:
            totals = ledger.totals("mailgun/events")
        assert totals.add_up
        assert totals.accepted == len(current(records))
        assert first in (None, marts), f"order {seed} gives other marts"
        first = marts
    home.build("--full-refresh")
    assert home.marts() == first, "a full refresh gives other marts"


def test_orders_files_runs_and_repeats_give_the_same_marts(home: TestHome) -> None:
    check_orders(home, orders=3, count=400)


@pytest.mark.full
def test_twenty_orders_give_the_same_marts(home: TestHome) -> None:
    check_orders(home, orders=20, count=4000)


def test_the_marts_are_what_a_second_implementation_counts(home: TestHome) -> None:
    records = some_events(seed=11, count=3000)
    home.put("mailgun/events", "all.json", records)
    home.land()
    home.build()
    columns = [name for (name,) in home.query(
        "select column_name from information_schema.columns where table_name = 'mailgun_metrics_hourly' "
        "and column_name like '%\\_count' escape '\\'"
    )]  # fmt: skip
    rows = home.query(f"select subaccount, domain, period_start, {', '.join(columns)} from mailgun_metrics_hourly")
    expected = hourly(records)
    assert {tuple(row[:3]) for row in rows} == set(expected)
    for row in rows:
        counts = expected[row[:3]]
        counts["processed_count"] -= counts.pop("subtracted", 0)
        counts["sent_count"] += 0
        assert dict(zip(columns, row[3:], strict=True)) == {name: counts.get(name, 0) for name in columns}, row[:3]


def test_another_zone_moves_days_and_months(home: TestHome) -> None:
    # noon UTC of the 28th is the 29th in Kiritimati (+14); 18:30 UTC is midnight in Kolkata
    records = [
        {"event": "accepted", "id": str(n), "@timestamp": at, "domain": "d"}
        for n, at in enumerate(["2026-03-28T18:29:59Z", "2026-03-28T18:30:00Z", "2026-03-31T18:30:00Z"])
    ]
    home.put("mailgun/events", "a.json", records)
    home.land()
    home.build("--full-refresh", reporting_timezone="Asia/Kolkata")
    days = home.query("select period_start::varchar, accepted_count from mailgun_metrics_daily order by 1")
    assert days == [("2026-03-28", 1), ("2026-03-29", 1), ("2026-04-01", 1)]
    hours = home.query("select period_start::varchar, accepted_count from mailgun_metrics_hourly order by 1")
    assert hours == [("2026-03-28 18:00:00", 2), ("2026-03-31 18:00:00", 1)]


def test_a_home_without_records_has_empty_marts(home: TestHome) -> None:
    landed = home.land()
    home.build()
    assert landed["mailgun/events"].totals == Totals()
    assert all(rows == [] for rows in home.marts().values())
