"""Made-up Mailgun events for tests: few messages, recipients and ids, so that everything meets."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

Record = dict[str, Any]
_REASONS = [
    *("bounce", "generic", "greylisted", "blacklisted", "espblock", "old", "hardfail", None),
    *("suppress-bounce", "suppress-complaint", "suppress-unsubscribe"),
]
_START = datetime(2026, 2, 20, tzinfo=UTC)


def some_events(seed: int, count: int) -> list[Record]:
    """Events over forty days in every shape; some tell of an event that another record tells differently."""
    chance = random.Random(seed)
    records: list[Record] = []
    for number in range(count):
        event = _event(chance, number)
        records.append(_shaped(chance, event))
        if chance.random() < 0.15:  # the same event by another road
            records.append(_shaped(chance, event))
        if chance.random() < 0.05:  # and one that was corrected: another hour, domain and id the same
            other = {**event, "timestamp": _moved(chance, event["timestamp"])}
            if "client-info" in other:
                other["client-info"] = {"bot": chance.choice(["apple", None])}
            records.append(_shaped(chance, other))
    return records


def _event(chance: random.Random, number: int) -> Record:
    kind = chance.choice(["accepted", "delivered", "failed", "opened", "opened", "clicked", "unsubscribed",
                          "complained", "rejected", "stored", "list_uploaded"])  # fmt: skip
    domain = chance.choice(["mail.example.com", "news.example.org"])
    account: Record = {"id": "acc"}
    if chance.random() < 0.3:
        account = {"id": "sub", "parent-id": "acc"}
    at = _START + timedelta(milliseconds=chance.randrange(40 * 86_400_000))
    event: Record = {
        "event": chance.choice([kind, kind.upper()]),
        "id": f"id{number // 2}",  # unique within a day only, and shared by kinds
        "timestamp": at.timestamp(),
        "domain": {"name": domain},
        "account": account,
        "recipient": f"{chance.choice('abc')}@rcpt{chance.randrange(3)}.net",
        "message": {"headers": {"message-id": f"m{chance.randrange(6)}@{domain}"}},
        "tags": chance.choice([[], ["news"], ["News", "promo"], ["promo", "PROMO"], None]),
    }
    if kind == "accepted":
        event["flags"] = {"is-authenticated": chance.choice([True, False])}
    if kind in ("delivered", "failed"):
        event["delivery-status"] = {"attempt-no": chance.choice([0, 1, 2, 5, None]), "code": 250}
        event["envelope"] = {"transport": chance.choice(["smtp", "SMTP", "http", "", None]), "sending-ip": "10.0.0.1"}
        if chance.random() < 0.3:
            event["i-delivery-optimizer"] = "on"
    if kind == "failed":
        event["severity"] = chance.choice(["permanent", "permanent", "temporary", None])
        event["reason"] = chance.choice(_REASONS)
        event["flags"] = {
            name: True for name in ("is-delayed-bounce", "is-callback", "is-webhook") if chance.random() < 0.2
        }
    if kind in ("opened", "clicked"):
        event["client-info"] = {"bot": chance.choice([None, "", "apple", "Apple", "gmail"]), "device-type": "mobile"}
        event["geolocation"] = {"country": chance.choice(["DE", "US", ""])}
    return event


def _moved(chance: random.Random, timestamp: float) -> float:
    """Another time of the same UTC day."""
    day = datetime.fromtimestamp(timestamp, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return (day + timedelta(milliseconds=chance.randrange(86_400_000))).timestamp()


def _shaped(chance: random.Random, event: Record) -> Record:
    event = json.loads(json.dumps(event))
    shape = chance.choice(["item", "page", "logs", "webhook"])
    if shape == "logs":
        at = datetime.fromtimestamp(event.pop("timestamp"), UTC)
        return {**event, "@timestamp": at.isoformat(timespec="milliseconds"), "user-variables": "{}"}
    if shape == "webhook":
        return {"signature": {"token": "t"}, "event-data": event}
    return {"items": [event], "paging": {}} if shape == "page" else event
