"""Mailgun in practice: tags and domains in other spellings, test webhooks, events without their domain."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import TABLES, TestHome

Record = dict[str, Any]
DAY = 86_400
START = 1_772_355_600  # 2026-03-01 09:00 UTC


def event(number: int, kind: str = "delivered", **fields: Any) -> Record:
    return {
        "event": kind,
        "id": f"own{number}",
        "timestamp": START + number,
        "domain": {"name": "d.example"},
        "envelope": {"transport": "smtp"},
        "delivery-status": {"attempt-no": 1},
        **fields,
    }


def build(home: TestHome) -> None:
    home.land()
    home.build_empty()
    home.build("--select", "+path:models/marts/mailgun", *TABLES)


def warned(home: TestHome) -> int:
    """How many events the check of domains has found."""
    test = home.check("an_event_counts_under_its_domain_or_under_none")
    assert test.status == ("warn" if test.failures else "pass")
    return int(test.failures)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_tags_that_differ_in_case_are_one(home: TestHome, order: tuple[int, ...]) -> None:
    tags = (["Sale"], ["sale", "Promo"], ["SALE", "sale"])
    for night, number in enumerate(order):
        home.put("mailgun/events", f"{night}.gz", [event(number, tags=tags[number])])
        build(home)
    for grain in ("hourly", "daily", "monthly"):
        found = home.query(
            f"select dimension_value, delivered_count from mailgun_metrics_by_dimension_{grain} "
            "where dimension = 'tag' order by all"
        )
        assert found == [("promo", 1), ("sale", 3)]


def test_domains_that_differ_in_case_are_one(home: TestHome) -> None:
    home.put("mailgun/events", "a.gz", [event(1), event(1, domain="D.Example"), event(2, domain={"name": "D.EXAMPLE"})])
    build(home)
    assert home.query("select domain, delivered_count from mailgun_metrics_daily") == [("d.example", 2)]


def test_webhooks_that_the_control_panel_sends_as_tests_are_ignored(home: TestHome) -> None:
    sent = [
        ("nIKIiE5URaSr-8WsuiCrBB", "accepted", 1521472262.908181),
        ("CPgfbmQMTCKtHW6uIWtuVe", "delivered", 1521472262.908181),
        ("Fs7-5t81S2ispqxqDw2U4Q", "failed", 1521472262.908181),
        ("G9Bn5sl1TC6nu79C8C0bwg", "failed", 1521233195.375624),
        ("Ase7i2zsRYeDXztHGENqRA", "opened", 1521243339.873676),
        ("Ase7i2zsRYeDXztHGENqRA", "clicked", 1521243339.873676),
        ("Ase7i2zsRYeDXztHGENqRA", "unsubscribed", 1521243339.873676),
        ("-Agny091SquKnsrW2NEKUA", "complained", 1521233123.501324),
    ]
    webhooks = [{"event-data": event(0, kind, id=own, timestamp=at)} for own, kind, at in sent]
    home.put("mailgun/events", "a.gz", [*webhooks, event(1)])
    build(home)
    with home.ledger() as ledger:
        assert ledger.ignored_kinds("mailgun/events") == {"test_webhook": len(sent)}
    months = home.query("select cast(period_start as varchar), delivered_count from mailgun_metrics_monthly")
    assert months == [("2026-03-01", 1)]


def test_a_delivery_without_a_transport_is_mail(home: TestHome) -> None:
    """Mailgun's total is all deliveries: without them, one failure would be a rate of 1."""
    bare = [event(1, envelope=None), event(2, envelope={}), event(3, envelope={"transport": ""})]
    others = [event(4, envelope={"transport": "HTTP"}), event(5, envelope={"transport": "pigeon"})]
    bounce = event(6, "failed", severity="permanent", reason="bounce")
    home.put("mailgun/events", "a.gz", [*bare, *others, bounce])
    build(home)
    found = home.query(
        "select delivered_count, delivered_smtp_count, delivered_http_count, bounce_rate from mailgun_metrics_daily"
    )
    assert found == [(4, 3, 1, 0.2)]


def test_an_event_with_its_domain_and_again_without_is_warned_of(home: TestHome) -> None:
    def bare(number: int, **fields: Any) -> Record:
        return {name: value for name, value in event(number, **fields).items() if name != "domain"}

    home.put("mailgun/events", "a.gz", [event(1), event(2, id=None), event(3), bare(7)])
    build(home)
    assert warned(home) == 0
    # another kind, another day, another event: not the same
    decoys = [bare(1, kind="opened"), bare(3, timestamp=START + DAY), bare(4), bare(5, id=None)]
    home.put("mailgun/events", "b.gz", decoys)
    build(home)
    assert warned(home) == 0
    home.put("mailgun/events", "c.gz", [bare(1), bare(2, id=None), event(7)])
    build(home)
    assert warned(home) == 3
    counted = home.query("select domain, delivered_count from mailgun_metrics_monthly order by all")
    assert counted == [("d.example", 4), ("none", 6)]
