"""Rates of e-mail that are watched: planted faults are found in 26 weeks, and who is told of what is unusual."""

from __future__ import annotations

import math
import random
import sys
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from touchstone.alerts import alert_of_rates
from touchstone.publish import publish
from touchstone.release import REPORT_STATE
from touchstone.report import write_report
from touchstone.report.unusual import unusual_rates
from touchstone.settings import PROJECT
from touchstone.summary import print_summary

from .conftest import TestHome

_FIRST, _DAYS, _WARM = date(2026, 3, 2), 182, 35
_COUNTS = ("sent", "delivered", "bounced", "complained", "human_unique_open", "human_unique_click")
# vendor, account, sender, messages a day, and the part of that on Monday to Sunday
_EVERY_DAY = (1.0,) * 7
_SENDERS = [
    ("mailgun", "none", "news", 20_000, (1, 1.1, 0.9, 1.2, 1, 0.1, 0.05)),
    ("mailgun", "sub", "shop", 6_000, _EVERY_DAY),
    ("mailgun", "none", "alerts", 900, (1, 1, 1, 1, 1, 0.5, 0.4)),
    ("mailgun", "none", "tiny", 120, _EVERY_DAY),
    ("ses", "1", "receipts", 4_000, (1, 1, 1, 1.1, 1.3, 1.2, 1)),
    ("ses", "1", "weekly", 30_000, (0, 0.01, 0, 1, 0.02, 0, 0)),
    ("ses", "2", "login", 1_500, _EVERY_DAY),
    ("pinpoint", "a", "journey1", 2_500, (1, 0.9, 1, 0.9, 1, 0.3, 0.3)),
    ("pinpoint", "a", "journey2", 600, _EVERY_DAY),
    ("pinpoint", "b", "welcome", 350, _EVERY_DAY),
]
_FAULTS = [*["bounces"] * 3, *["blocks"] * 2, *["complaints"] * 2, *["opens"] * 2, "clicks"]
_UNUSUAL = PROJECT / "tests/fixtures/email/email_watch__expected.csv"


@dataclass
class Weeks:
    """Days of made-up senders, with a fault on each of ten of a sender."""

    faults: set[tuple[str, date]] = field(default_factory=set)
    rows: list[dict[str, object]] = field(default_factory=list)


def poisson(chance: random.Random, mean: float) -> int:
    if mean > 60:
        return max(0, round(chance.gauss(mean, math.sqrt(mean))))
    least, count, product = math.exp(-mean), 0, chance.random()
    while product > least:
        count += 1
        product *= chance.random()
    return count


def part_of(chance: random.Random, whole: int, part: float) -> int:
    """How many of so many, each by chance."""
    if whole * part < 60:
        return min(whole, poisson(chance, whole * part))
    return min(whole, max(0, round(chance.gauss(whole * part, math.sqrt(whole * part * (1 - part))))))


def made_up(seed: int) -> Weeks:
    chance = random.Random(seed)
    faults: dict[tuple[str, date], str] = {}
    while len(faults) < len(_FAULTS):
        _, _, sender, size, profile = chance.choice(_SENDERS)
        day, fault = _FIRST + timedelta(chance.randrange(_WARM, _DAYS)), _FAULTS[len(faults)]
        size_then = size * profile[day.weekday()]
        if size_then >= (3500 if fault == "complaints" else 600):  # below, nobody could tell
            faults.setdefault((sender, day), fault)
    weeks = Weeks(set(faults))
    for vendor, account, sender, size, profile in _SENDERS:

        def days(deviation: float) -> float:
            """By what a day differs from others."""
            return math.exp(deviation * chance.gauss(0, 1))

        bounces, blocks, complaints = (chance.uniform(*each) for each in ((0.005, 0.03), (0.001, 0.005), (1e-4, 6e-4)))
        opens, clicks, trend = (chance.uniform(*each) for each in ((0.15, 0.45), (0.1, 0.25), (-0.2, 0.4)))
        of_weekday = [abs(1 + 0.15 * chance.gauss(0, 1)) for _ in range(7)]
        for number in range(_DAYS):
            day = _FIRST + timedelta(number)
            fault, weekday = faults.get((sender, day)), of_weekday[day.weekday()]
            sent = poisson(chance, size * profile[day.weekday()] * (1 + trend * number / _DAYS) * days(0.15))
            bounce_rate = bounces * weekday * days(0.12)
            bounced = part_of(chance, sent, bounce_rate * 4 + 0.02 if fault == "bounces" else bounce_rate)
            blocked = part_of(chance, sent - bounced, blocks * days(0.2) + (0.15 if fault == "blocks" else 0))
            delivered = sent - bounced - blocked
            complaint_rate = complaints * days(0.2)
            complained = part_of(
                chance, delivered, complaint_rate * 6 + 0.004 if fault == "complaints" else complaint_rate
            )
            opened = poisson(chance, delivered * opens * weekday * days(0.06) * (0.4 if fault == "opens" else 1))
            clicked = poisson(chance, opened * clicks * days(0.08) * (0 if fault == "clicks" else 1))
            counts = (sent, delivered, bounced, complained, opened, clicked)
            keys = {"vendor": vendor, "account": account, "sender": sender, "period_start": day}
            weeks.rows.append(keys | {f"{name}_count": count for name, count in zip(_COUNTS, counts, strict=True)})
    return weeks


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.full) for seed in range(1, 6))])
def test_planted_faults_are_found_and_quiet_weeks_are_quiet(home: TestHome, seed: int) -> None:
    home.land()
    home.build_empty()
    ((view,),) = home.query("select sql from duckdb_views() where view_name = 'email_watch_daily'")
    weeks = made_up(seed)
    found, false = set(), []
    with duckdb.connect() as sql:
        sql.execute("attach ':memory:' as touchstone; use touchstone; create table today (today date)")
        sql.register("rows_arrow", pa.Table.from_pylist(weeks.rows))
        sql.execute("create table days as from rows_arrow")
        sql.execute("create view email_metrics_daily as from days semi join today on period_start <= today")
        hour = "cast(period_start as timestamp) + interval 23 hour"
        sql.execute(
            f"create view email_metrics_hourly as select vendor, {hour} as period_start from email_metrics_daily"
        )
        sql.execute(
            "create view email_by_provider_daily as select *, 'all' as provider from email_metrics_daily limit 0"
        )
        sql.execute(view)
        for number in range(_DAYS + 1):
            sql.execute("delete from today")
            sql.execute("insert into today values (?)", [_FIRST + timedelta(number)])
            for sender, day, metric in sql.execute(
                "select sender, period_start, metric from email_watch_daily "
                "where status not in ('usual', 'too few weeks')"
            ).fetchall():
                found.add((sender, day))
                false += [(sender, day, metric)] * ((sender, day) not in weeks.faults)
    assert found >= weeks.faults
    assert len(set(false)) <= 2, false


def test_what_is_unusual_is_told_once(home: TestHome, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = tmp_path / "told"
    command = [sys.executable, "-c", f"import sys; open({str(told)!r}, 'w').write(sys.stdin.read())"]
    settings = home.settings.model_copy(update={"alert_command": command})
    home.land()
    home.build_empty()
    with home.ledger() as ledger:
        ledger.builds.start("run", "definitions")
        ledger.builds.finish({})
        build = ledger.builds.last()
    publish(settings, home.project, "run", build, {}, {})
    release = settings.published.resolve()
    assert alert_of_rates(settings) == [] and not told.exists()
    with duckdb.connect(str(release / "touchstone.duckdb")) as sql:
        sql.execute(f"create or replace view email_watch_daily as from read_csv('{_UNUSUAL}')")
        rates = unusual_rates(sql)
    limit = "complaint_rate of mailgun, sender complaints on 16 March 2026"
    assert next(iter(rates.items())) == (limit, "0.400\u202f%, at or above the limit of Gmail and Yahoo")
    opened = "human_unique_open_rate of mailgun, sender people on 15 March 2026"
    assert rates[opened] == "9.00\u202f%, below the 32.5 to 39.7\u202f% that Sundays have"
    assert len(rates) == 9

    assert alert_of_rates(settings) == []
    text = told.read_text()
    assert ": 9 rates of e-mail are unusual\n" in text and f"- {limit}: {rates[limit]}\n" in text
    with home.ledger() as ledger:
        page = write_report(release, settings, ledger, []).read_text()
    assert page.index("<h3>Unusual rates") < page.index('id="glance"') and rates[opened] in page
    print_summary(settings)
    assert f"Unusual: {limit}: {rates[limit]}" in capsys.readouterr().out.replace("\n", " ")

    # the report before had all but one
    earlier = release.with_name("20260101T000000-earlier")
    earlier.mkdir()
    (earlier / REPORT_STATE).write_text((release / REPORT_STATE).read_text().replace(f'"{opened}"', '"another"'))
    assert alert_of_rates(settings) == []
    text = told.read_text()
    assert ": 1 rate of e-mail is unusual\n" in text and opened in text and limit not in text
