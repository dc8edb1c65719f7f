"""The vendors' own numbers beside ours, from landed records to the check that warns."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from touchstone.publish import marts_of
from touchstone.sample.__main__ import main as write_sample
from touchstone.settings import PROJECT

from .conftest import TABLES, TestHome

Record = dict[str, Any]
REASONS = list(csv.DictReader((PROJECT / "seeds/reconciliation_reasons.csv").open()))
DAY = timedelta(days=1)
FIRST = datetime(2026, 3, 1, tzinfo=UTC)


def deliveries(day: datetime, number: int) -> list[Record]:
    """A number of Mailgun's deliveries on a day."""
    return [
        {
            "event": "delivered",
            "id": f"id{each}",
            "timestamp": (day + timedelta(seconds=each)).timestamp(),
            "domain": {"name": "a.example"},
            "envelope": {"transport": "smtp"},
        }
        for each in range(number)
    ]


def answer(day: datetime, delivered: int, until: datetime | None = None) -> Record:
    """Mailgun's answer about a day."""
    dimensions = [
        {"dimension": "time", "value": format_datetime(day), "display_value": format_datetime(day)},
        {"dimension": "domain", "value": "a.example", "display_value": "a.example"},
    ]
    return {
        "end": format_datetime(until or day + DAY),
        "resolution": "day",
        "dimensions": ["time", "domain"],
        "items": [{"dimensions": dimensions, "metrics": {"delivered_count": delivered}}],
    }


def sends(day: datetime, number: int) -> list[Record]:
    return [
        {
            "eventType": "Send",
            "send": {},
            "mail": {
                "timestamp": (day + timedelta(minutes=each)).isoformat(),
                "messageId": f"{day:%d}-{each}",
                "sendingAccountId": "300000000001",
                "destination": ["one@example.com"],
                "tags": {"ses:configuration-set": ["news"]},
            },
        }
        for each in range(number)
    ]


def datapoint(day: datetime, total: int) -> Record:
    return {
        "account_id": "300000000001",
        "region": "eu-west-1",
        "namespace": "AWS/SES",
        "metric_name": "Send",
        "dimensions": {},
        "timestamp": int(day.timestamp() * 1000),
        "value": {"max": 1, "min": 1, "sum": total, "count": total},
        "unit": "Count",
    }


def count(home: TestHome) -> None:
    """Land everything, and build the systems that the tests below are about."""
    home.land()
    home.build_empty()
    folders = ("mailgun", "ses", "cloudwatch", "reconciliation")
    home.build("--select", *(f"path:models/*/{folder}" for folder in folders), *TABLES)


def compared(home: TestHome) -> list[tuple[Any, ...]]:
    return home.query(
        "select system, metric, keys, day(period_start), ours, reported, status, explanation "
        "from reconciliation_daily order by all"
    )


def warning(home: TestHome) -> bool:
    """Whether the check of differences warns."""
    test = home.check("differences_from_the_vendors_are_explained")
    assert test.status in ("pass", "warn")
    return bool(test.status == "warn")


def test_the_sample_is_what_its_vendors_report(home: TestHome) -> None:
    write_sample(["--days", "9", "--events", "3000", "--clean", "--jobs", "1", str(home.settings.inbox)])
    home.land()
    home.build()
    statuses = dict(
        home.query("select system, list(distinct status order by status) from reconciliation_daily group by all")
    )
    # of CloudWatch's datapoints a few are missing and a few too large; Amazon's numbers of skills are near ours only
    assert statuses == {
        "alexa": ["equal", "explained", "not comparable", "unexplained"],
        "mailgun": ["equal"],
        "pinpoint": ["equal", "explained"],
        "ses": ["equal", "explained", "not comparable", "unexplained"],
    }
    explained = {(s, e) for s, e in home.query("select distinct system, explanation from reconciliation_daily") if e}
    assert explained <= {(reason["system"], reason["reason"]) for reason in REASONS}
    ((equal,),) = home.query("select avg((status = 'equal')::int) from reconciliation_daily")
    assert equal > 0.7
    # it is published by month
    (mart,) = (mart for mart in marts_of(home.project) if mart.name == "reconciliation_daily")
    assert mart.has_periods


def test_the_check_warns_of_a_difference_that_nothing_explains(home: TestHome) -> None:
    days = [FIRST + number * DAY for number in range(5)]
    home.put("mailgun/events", "a.gz", [event for day in days for event in deliveries(day, 100)])
    home.put("mailgun/reported_metrics", "a.gz", [answer(days[1], 100), answer(days[2], 95), answer(days[4], 120)])
    count(home)
    keys = '{"domain":"a.example"}'
    assert compared(home) == [
        ("mailgun", "delivered_count", keys, 2, 100, 100, "equal", None),
        ("mailgun", "delivered_count", keys, 3, 100, 95, "unexplained", None),
        ("mailgun", "delivered_count", keys, 5, 100, 120, "not comparable", "events_to_come"),
    ]
    assert not warning(home), "five are few enough"
    home.put("mailgun/reported_metrics", "b.gz", [answer(days[3], 106)])
    count(home)
    assert warning(home)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_the_latest_answer_counts_in_whatever_order_they_land(home: TestHome, order: tuple[int, ...]) -> None:
    days = [FIRST + number * DAY for number in range(4)]
    home.put("mailgun/events", "a.gz", [event for day in days for event in deliveries(day, 100)])
    answers = [
        answer(days[1], 60, until=days[1] + DAY / 2),
        answer(days[1], 100, until=days[3]),
        answer(days[1], 99, until=days[2]),
    ]
    for number in order:
        home.put("mailgun/reported_metrics", f"{number}.gz", [answers[number]])
        count(home)
    assert [row[4:] for row in compared(home)] == [(100, 100, "equal", None)]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_what_an_answer_leaves_out_is_nothing(home: TestHome, order: tuple[int, ...]) -> None:
    """For days and for hours, where the answer is whole; a later answer that has the day counts instead."""
    days = [FIRST + number * DAY for number in range(7)]
    home.put("mailgun/events", "a.gz", [event for day in days for event in deliveries(day, 100)])

    def sparse(resolution: str, start: datetime, end: datetime, stated: dict[datetime, int], total: int) -> Record:
        items = [answer(at, number)["items"][0] for at, number in stated.items()]
        whole = {"start": format_datetime(start), "end": format_datetime(end), "resolution": resolution}
        return {**whole, "pagination": {"skip": 0, "limit": 1500, "total": total}, "items": items}

    answers = [
        # the answer leaves out the third and the fourth day; a later one has the fourth
        sparse("day", days[1], days[5], {days[1]: 100, days[4]: 100}, 2),
        sparse("day", days[3], days[6], {days[3]: 60, days[4]: 100, days[5]: 100}, 3),
        # each of two days has a number of one hour; a page of the second day's answer has not landed
        sparse("hour", days[0], days[1], {days[0] + timedelta(hours=3): 100}, 1),
    ]
    unfinished = sparse("hour", days[6], days[6] + DAY, {days[6]: 60}, 2)
    for number in order:
        home.put("mailgun/reported_metrics", f"{number}.gz", [answers[number], unfinished])
        count(home)
    assert [row[3:] for row in compared(home)] == [
        (1, 100, 100, "equal", None),
        (2, 100, 100, "equal", None),
        (3, 100, 0, "unexplained", None),
        (4, 100, 60, "unexplained", None),
        (5, 100, 100, "equal", None),
        (6, 100, 100, "equal", None),
    ]
    assert warning(home)


def test_hours_without_datapoints_explain_a_difference_of_ses(home: TestHome) -> None:
    days = [FIRST + number * DAY for number in range(5)]
    # 120 sends in two hours of each day; of the second day CloudWatch has a datapoint of the first hour alone
    home.put("ses/events", "a.gz", [event for day in days for event in sends(day, 120)])
    datapoints = [datapoint(day + hour, 60) for day in days for hour in (timedelta(0), timedelta(hours=1))]
    del datapoints[3]
    datapoints.append(datapoint(days[3] + timedelta(minutes=30), 7))
    home.put("cloudwatch/metric_stream", "a.gz", datapoints)
    count(home)
    keys = '{"account_id":"300000000001"}'
    assert compared(home) == [
        ("ses", "send_count", keys, 1, 120, 120, "equal", None),
        ("ses", "send_count", keys, 2, 120, 60, "explained", "hours_without_datapoints"),
        ("ses", "send_count", keys, 3, 120, 120, "equal", None),
        ("ses", "send_count", keys, 4, 120, 127, "unexplained", None),
        ("ses", "send_count", keys, 5, 120, 120, "equal", None),
    ]


def test_a_vendors_numbers_alone_are_not_compared(home: TestHome) -> None:
    home.put("mailgun/reported_metrics", "a.gz", [answer(FIRST, 100)])
    home.put("cloudwatch/metric_stream", "a.gz", [datapoint(FIRST, 60)])
    count(home)
    assert compared(home) == []
    assert not warning(home)


def test_every_reason_is_in_its_model_and_in_the_decisions() -> None:
    decisions = (PROJECT / "docs/decisions/reconciliation.md").read_text()
    for reason in REASONS:
        system = reason["system"]
        model = PROJECT / f"models/intermediate/reconciliation/{system}/int_reconciliation__{system}.sql"
        assert reason["reason"] in model.read_text(), reason
        assert f"`{reason['reason']}`" in decisions, reason
