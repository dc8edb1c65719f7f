"""What `message` and `recipient` print of the lake."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from touchstone.__main__ import main
from touchstone.home import exclusive
from touchstone.landing.erase import erase
from touchstone.landing.persons import Person
from touchstone.story import Record, lines, of_message, of_recipient

from .conftest import TestHome

_ANN, _BOB = "Ann+News@x.example", "bob@x.example"
_SUBJECT = "Überraschung 🎁 für dich"
_AT = 1772355600  # 2026-03-01 09:00 UTC
_NOBODY = (
    "Nothing is known of it. Persons who were erased, and records that keep_records_days has pseudonymised, "
    "can't be found by address\n"
)


def mailgun(kind: str, seconds: float, message: str = "M1@mg.example", **fields: Any) -> dict[str, Any]:
    return {
        "event": kind,
        "id": f"{kind}-{message}",
        "timestamp": _AT + seconds,
        "domain": {"name": "mg.example"},
        "recipient": _ANN,
        "message": {"headers": {"message-id": message, "subject": _SUBJECT}},
        **fields,
    }


def ses(kind: str, second: int, name: str = "", **fields: Any) -> dict[str, Any]:
    at = f"2026-03-01T09:01:{second:02d}Z"
    tags = {"ses:configuration-set": ["shop"]}
    mail = {"timestamp": at, "messageId": "0100-aa-000000", "destination": [_ANN.lower(), _BOB], "tags": tags}
    return {"eventType": kind, "mail": mail} | ({name: {"timestamp": at, **fields}} if name else {})


def pinpoint(kind: str, second: int, message: str | None) -> dict[str, Any]:
    at = (_AT + 120 + second) * 1000
    event: dict[str, Any] = {"mail": {"message_id": message, "destination": [_ANN]}}
    if kind == "_email.softbounce":
        event["bounce"] = {
            "bounce_type": "Transient",
            "bounced_recipients": [{"status": "4.2.2", "diagnostic_code": "full"}],
        }
    mail = {"facets": {"email_channel": {"mail_event": event}}} if message else {}
    return {
        "event_type": kind,
        "event_timestamp": at,
        "arrival_timestamp": at,
        "application": {"app_id": "app1"},
        "client": {"client_id": "Endpoint-Ann"},
        "attributes": {"journey_id": "j1", "journey_activity_id": "a1", "journey_send_status": "SUCCESS"},
        **mail,
    }


def land(home: TestHome) -> None:
    failed = mailgun("failed", 2, severity="temporary", reason="greylisted")
    item = {name: value for name, value in failed.items() if name != "timestamp"}
    events = [
        mailgun("accepted", 0, flags={"is-authenticated": True}),
        failed,
        item | {"@timestamp": "2026-03-01T09:00:02Z", "delivery-status": {"code": "421", "message": "try later"}},
        mailgun("delivered", 10),
        {**mailgun("clicked", 12, url="https://x.example/a?to=ann"), "client-info": {"user-agent": "curl/8.5.0"}},
        mailgun("delivered", 20, message="M1@mg.example.org"),
    ]
    home.put("mailgun/events", "a.json", events)
    bounced = [{"emailAddress": _BOB, "status": "5.1.1", "diagnosticCode": "smtp; 550 no such user"}]
    home.put(
        "ses/events",
        "b.json",
        [
            ses("Send", 0),
            ses("Delivery", 1, "delivery", recipients=[_ANN.lower()], smtpResponse="250 OK"),
            ses("Bounce", 2, "bounce", bounceType="Permanent", bouncedRecipients=bounced, feedbackId="f1"),
            ses("Open", 40, "open", userAgent="Mozilla/5.0 (X11)", ipAddress="198.51.100.7"),
        ],
    )
    home.put(
        "pinpoint/events",
        "c.json",
        [pinpoint("_journey.send", 0, None), *(pinpoint(f"_email.{kind}", at, "0100-pp") for at, kind in _OF_PINPOINT)],
    )
    home.land()


_OF_PINPOINT = [(1, "send"), (2, "softbounce"), (4, "delivered"), (30, "open")]


def told(records: list[Record]) -> list[tuple[str, str, str | None]]:
    return [(record.vendor, record.kind, record.words) for record in records]


def test_a_recipient_s_story_is_over_all_vendors(home: TestHome) -> None:
    land(home)
    records = of_recipient(home.settings, _ANN.upper())
    assert told(records) == [
        ("mailgun", "accepted", "accepted"),
        ("mailgun", "failed", "deferral"),
        ("mailgun", "failed", "deferral"),
        ("mailgun", "delivered", "delivered"),
        ("mailgun", "clicked", "click"),
        ("mailgun", "delivered", "delivered"),
        ("ses", "send", "accepted"),
        ("ses", "delivery", "delivered"),
        ("ses", "open", "open"),  # of one of the two, SES doesn't say of whom
        ("pinpoint", "_email.send", "accepted"),
        ("pinpoint", "_email.softbounce", "deferral"),
        ("pinpoint", "_email.delivered", "delivered"),
        ("pinpoint", "_email.open", "open"),
    ]
    assert (records[10].details, records[10].to) == ("SUCCESS, Transient, 4.2.2 full", [_ANN, "Endpoint-Ann"])
    # the item of the Logs API counts in the webhook's place
    webhook, item = sorted(records[1:3], key=lambda record: record.record_id)
    assert (webhook.counted_id, item.counted_id) == (item.record_id, None)
    assert (webhook.details, item.details) == ("temporary, greylisted", "temporary, greylisted, 421, try later")
    click, opened = records[4], records[8]
    assert (click.rule, click.is_machine, click.link) == ("command_line_client", True, "https://x.example/a")
    assert (opened.rule, opened.is_machine, opened.sender) == (None, False, "shop")


def test_a_message_is_found_by_its_whole_id(home: TestHome, capsys: pytest.CaptureFixture[str]) -> None:
    land(home)
    settings = home.settings.model_copy(update={"reporting_timezone": "Asia/Tokyo"})
    shown = "\n".join(lines(settings, of_message(settings, "<0100-AA-000000@email.amazonses.com>")))
    assert shown.startswith("Times are those of Asia/Tokyo\n\n2026-03-01 18:01:00.000  accepted  (ses, sender shop)\n")
    assert "    ses says: bounce, Permanent, 5.1.1 smtp; 550 no such user\n" in shown
    assert "    message 0100-aa-000000, to bob@x.example\n    record " in shown
    assert told(of_message(home.settings, "m1@MG.example.org")) == [("mailgun", "delivered", "delivered")]
    # while a night holds the home, and has the warehouse open
    with exclusive(home.settings):
        assert main(["message", "<M1@mg.example>"]) == 0
    shown = capsys.readouterr().out
    assert "\n\n2026-03-01 09:00:12.000  click  (mailgun, sender mg.example)\n" in shown
    assert "    a machine, by the rule command_line_client; user agent curl/8.5.0\n" in shown
    assert "superseded by record" in shown and "/a?" not in shown and _SUBJECT not in shown


def test_nothing_keeps_the_address(
    home: TestHome, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    land(home)
    monkeypatch.setattr("sys.stdin", io.StringIO("endpoint-ann\n"))
    assert main(["recipient", "-"]) == 0
    shown = capsys.readouterr().out
    assert [line.split("  ")[1] for line in shown.splitlines() if line.startswith("2026")] == [
        "nothing that email_metrics counts",
        *("accepted", "deferral", "delivered", "open"),
    ]
    assert "(pinpoint, account app1, sender j1)" in shown
    kept = [path for path in home.settings.home.rglob("*") if path.is_file() and "lake" not in path.parts]
    assert not [path for path in kept if path.suffix != ".gz" and b"endpoint-ann" in path.read_bytes().lower()]


def test_who_was_erased_is_not_found(home: TestHome, capsys: pytest.CaptureFixture[str]) -> None:
    land(home)
    erase(home.settings, home.streams.values(), [Person.named(_ANN)])
    assert main(["recipient", _ANN]) == 1
    assert main(["message", "M1@mg"]) == 1  # the beginning of an id is none
    assert capsys.readouterr().out == _NOBODY * 2
    to = {to for record in of_message(home.settings, "M1@mg.example") for to in record.to}
    assert len(to) == 1 and to.pop().startswith("erased-")


@pytest.mark.full
def test_pseudonymised_records_are_found_by_message(home: TestHome) -> None:
    settings = home.settings.model_copy(update={"keep_records_days": 1})
    land(home)
    home.land(settings)
    assert of_recipient(settings, _ANN) == []
    records = of_message(settings, "M1@mg.example")
    assert [record.words for record in records] == ["accepted", "deferral", "deferral", "delivered", "click"]
    assert records[4].rule == "command_line_client" and records[0].to[0].startswith("erased-")


def test_a_lake_of_an_earlier_version_is_named(home: TestHome, capsys: pytest.CaptureFixture[str]) -> None:
    land(home)
    with home.ledger() as ledger:
        lake = home.settings.lake / "pinpoint" / "events"
        for path in lake.rglob("*.parquet"):
            rows = f"select * replace (null::struct(a int) as facets) from read_parquet('{path}')"
            ledger.connection.execute(f"copy ({rows}) to '{path}.new' (format parquet)")
            Path(f"{path}.new").rename(path)
    assert main(["recipient", _ANN]) == 1
    said = "error: the lake of pinpoint/events is of an earlier version: run `make nightly` first"
    assert said in capsys.readouterr().err
