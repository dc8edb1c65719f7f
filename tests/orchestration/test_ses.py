"""SES's marts against a second implementation in plain Python, whatever the order and the ways by which events come."""

from __future__ import annotations

import csv
import json
import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from touchstone.home import environment
from touchstone.settings import PROJECT

from .conftest import TABLES, TestHome
from .test_cloudwatch import periods, read

Record = dict[str, Any]

_MODELS = ("--select", "+path:models/marts/ses")
# The account whose versions only their content can decide between: no rule prefers one of them, but it has to be the
# same one in every order.
_TIED = "tied"

_OWN = {
    "bounce": "bounce",
    "complaint": "complaint",
    "delivery": "delivery",
    "open": "open",
    "click": "click",
    "deliverydelay": "deliveryDelay",
    "subscription": "subscription",
}
_AUTOMATIC_TAGS = (
    *("configuration-set", "caller-identity", "from-domain", "source-ip", "source-tls-version", "outgoing-ip"),
    *("outgoing-tls-version", "operation", "feedback-id-a", "feedback-id-b"),
)
# Bounces of messages that SES did not send, because of the sender's own lists.
_SENDER_LISTS = {"OnAccountSuppressionList", "OnTenantSuppressionList", "EmailValidationSuppressed"}
_COUNTS = {
    "send_count": "send",
    "reject_count": "reject",
    "complaint_count": "complaint",
    "delivery_count": "delivery",
    "open_count": "open",
    "click_count": "click",
    "rendering_failure_count": "renderingfailure",
    "delivery_delay_count": "deliverydelay",
    "subscription_count": "subscription",
}

# ---- Records ----

_START = datetime(2026, 2, 20, tzinfo=UTC)
_PEOPLE = ["a@x.example", "b@x.example", "c@y.example"]
_SIMULATOR = ["success@simulator.amazonses.com", "Bounce+1@Simulator.AmazonSES.com"]
_KINDS = [
    *(["Send", "Delivery", "Complaint"] * 4 + ["Open", "Click"] * 5 + ["Bounce"] * 6),
    *(["Reject", "DeliveryDelay", "Subscription"] * 2),
    *("Rendering Failure", "RenderingFailure", "RENDERING_FAILURE", "renderingFailure"),
]
_BOUNCES = [
    *(("Permanent", name) for name in ["General", "NoEmail", "Suppressed", *sorted(_SENDER_LISTS), None]),
    *(("Transient", name) for name in ["General", "MailboxFull", "Suppressed"]),
    *(("Undetermined", "Undetermined"), (None, "OnAccountSuppressionList"), (None, None)),
]


def some_events(seed: int, count: int, account: str = "") -> list[Record]:
    """Few messages, addresses and instants, so that events meet; many come again, unchanged or in another version.

    Those of an account by name have ids of their own, and so few instants that many versions are of the same one.
    """
    chance = random.Random(seed)
    instants = [_START + timedelta(milliseconds=chance.randrange(40 * 86_400_000)) for _ in range(12)]
    # beside the ends of a month, and of a day and a month of another zone
    instants += [datetime(2026, 2, 28, 23, 59, 59, 999_000, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)]
    instants += [datetime(2026, 3, 10, 18, 29, 59, tzinfo=UTC), datetime(2026, 3, 10, 18, 30, tzinfo=UTC)]
    instants += [datetime(2026, 3, 31, 18, 29, 59, tzinfo=UTC), datetime(2026, 3, 31, 18, 30, tzinfo=UTC)]
    if account:
        del instants[3:]
    records = []
    for _ in range(count):
        event = _event(chance, instants, account)
        copies = [event] * chance.choice([1, 1, 2]) + [_revised(chance, event, instants)] * chance.choice([0, 0, 1])
        records += [_enveloped(chance, copy) for copy in copies]
    return records


def _event(chance: random.Random, instants: list[datetime], account: str) -> Record:
    kind = chance.choice(_KINDS)
    # opens and clicks are of few messages, as these are counted too
    number = chance.randrange(8 if account or kind in ("Open", "Click") else 60)
    mail: Record = {
        "timestamp": _text(chance, chance.choice(instants)),
        "messageId": f"{account}m{number}",
        "source": "Shop <shop@mail.example>",
        "destination": _recipients(chance),
        **_labels(chance, number),
    }
    if account or chance.random() < 0.8:
        mail["sendingAccountId"] = account or chance.choice("12")
    if chance.random() < 0.8:
        mail["sourceArn"] = f"arn:aws:ses:us-east-1:{chance.choice('12')}:identity/mail.example"
    own = _own(chance, kind, _text(chance, chance.choice(instants)), account)
    event = {"eventType": kind, "mail": mail, **own}
    return event if chance.random() < 0.7 else _notification(chance, event)


def _labels(chance: random.Random, number: int) -> Record:
    """Tags and headers: of every other message the same in all of its events, of the rest anything."""
    of_message = chance if number % 2 else random.Random(number)
    labels = {"tags": _tags(of_message), "headers": _headers(of_message)}
    for name in of_message.sample([*labels], of_message.choice([0, 0, 0, 1])):
        del labels[name]
    return labels


def _notification(chance: random.Random, event: Record) -> Record:
    """The event as feedback, which has no tags. Of old, all kinds had the name of their type there, and tags."""
    mail = dict(event["mail"])
    if event["eventType"] in ("Bounce", "Complaint", "Delivery") or chance.random() < 0.5:
        mail.pop("tags", None)
        mail["sourceIp"] = "10.0.0.1"
    rest = {name: value for name, value in event.items() if name not in ("eventType", "mail")}
    return {"notificationType": event["eventType"], "mail": mail, **rest}


def _revised(chance: random.Random, event: Record, instants: list[datetime]) -> Record:
    """Another version of the event, or another event of the message: up to what its key holds."""
    other: Record = json.loads(json.dumps(event))
    if "eventType" in other and chance.random() < 0.4:
        return _notification(chance, other)
    if chance.random() < 0.5:
        other["mail"]["timestamp"] = _text(chance, chance.choice(instants))
    if chance.random() < 0.5:
        other["mail"] |= _labels(chance, int(other["mail"]["messageId"].rpartition("m")[2]))
        other["mail"]["destination"] = _recipients(chance)
    kind = str(event.get("eventType") or event["notificationType"])
    if chance.random() < 0.5:
        other |= _own(chance, kind, _text(chance, chance.choice(instants)), "")
        own = _OWN.get(kind.lower())
        if own in ("bounce", "complaint") and "feedbackId" in event[own]:
            other[own]["feedbackId"] = event[own]["feedbackId"]
    elif kind == "Delivery":
        other["delivery"]["recipients"].reverse()
    return other


def _own(chance: random.Random, kind: str, at: str, account: str) -> Record:
    """The object that has what is the kind's own. Ids of an account's are its own."""
    client = {"timestamp": at, "ipAddress": chance.choice(["10.0.0.1", "10.0.0.2"]), "userAgent": "Mail/1"}
    feedback = {
        "timestamp": at,
        "feedbackId": chance.choice(
            [f"{account}f{chance.randrange(8 if account else 80)}"] * 6 + ["<feedbackId>", "", None]
        ),
    }
    addresses = [{"emailAddress": address, "status": "5.1.1"} for address in _recipients(chance)]
    if kind == "Send":
        return {"send": {}}
    if kind == "Reject":
        return {"reject": {"reason": "Bad content"}}
    if kind == "Bounce":
        bounce_type, subtype = chance.choice(_BOUNCES)
        types = {"bounceType": bounce_type, "bounceSubType": subtype}
        return {"bounce": {**types, "bouncedRecipients": addresses, **feedback}}
    if kind == "Complaint":
        types = {"complaintFeedbackType": chance.choice(["abuse", "not-spam", "virus", None])}
        types["complaintSubType"] = chance.choice([None, None, "OnAccountSuppressionList"])
        if chance.random() < 0.1:
            types.clear()
        return {"complaint": {**types, "complainedRecipients": addresses, **feedback}}
    if kind == "Delivery":
        return {"delivery": {"timestamp": at, "processingTimeMillis": 546, "recipients": _recipients(chance)}}
    if kind == "Open":
        return {"open": client}
    if kind == "Click":
        link = {"link": chance.choice(["https://x.example/", "https://x.example/?a=1"])}
        link_tags = chance.choice(
            [None, {}, {"placement": [chance.choice(["top", "foot", ""]), "side"]}, {"campaign": ["no"]}]
        )
        return {"click": {**client, **link, "linkTags": link_tags}}
    if kind == "DeliveryDelay":
        return {"deliveryDelay": {"timestamp": at, "delayType": chance.choice(["MailboxFull", "SpamDetected"])}}
    if kind == "Subscription":
        return {"subscription": {"timestamp": at, "contactList": chance.choice(["list", "other"])}}
    return {"failure": {"templateName": chance.choice("tu"), "errorMessage": "Attribute 'name' is not present"}}


def _recipients(chance: random.Random) -> list[str]:
    if chance.random() < 0.3:
        return chance.sample(_SIMULATOR, chance.choice([1, 2]))
    return chance.sample([*_PEOPLE, *_SIMULATOR], chance.choice([0, 1, 1, 1, 2, 3]))


def _headers(chance: random.Random) -> list[Record]:
    if chance.random() < 0.5:
        return []
    tiers = [
        {"name": name, "value": chance.choice(["gold", "silver", ""])}
        for name in ("x-customer-tier", "X-Customer-Tier")
    ]
    return [{"name": "campaign", "value": "no"}, {"name": "Subject", "value": "Hi"}, *tiers[: chance.choice([0, 1, 2])]]


def _tags(chance: random.Random) -> Record | None:
    if chance.random() < 0.1:
        return chance.choice([None, {}])
    tags: Record = {"X-Customer-Tier": ["no"], "placement": ["no"], "team:name": ["a:b"]}
    if chance.random() < 0.8:
        tags["campaign"] = chance.choice([["spring sale"], ["spring sale", "loyalty"], ["loyalty"], [""], []])
    for name in _AUTOMATIC_TAGS:
        if chance.random() < 0.8:
            tags[f"ses:{name}"] = chance.choice([["c:1"], ["c:1"], ["d"], ["d", "c:1"], [""], []])
    return tags


def _text(chance: random.Random, at: datetime) -> str:
    """A time as Amazon writes it, at any offset."""
    if at.microsecond == 0 and chance.random() < 0.3:
        return at.strftime("%Y-%m-%dT%H:%M:%S +0000")
    zone = timezone(timedelta(minutes=chance.choice([0, -7 * 60, 5 * 60 + 30])))
    text = at.astimezone(zone).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z") if chance.random() < 0.8 else text


def _enveloped(chance: random.Random, event: Record) -> Record:
    """By one of its three ways."""
    way = chance.choice(["Firehose", "SNS", "EventBridge"])
    if way == "SNS":
        return {"Type": "Notification", "MessageId": "s", "Timestamp": "x", "Message": json.dumps(event) + "\n"}
    if way == "EventBridge":
        account = event["mail"].get("sendingAccountId", "2")
        return {"version": "0", "source": "aws.ses", "account": account, "time": "x", "detail": event}
    return event


def some_reputations(seed: int, count: int) -> list[Record]:
    """Datapoints of both rates by account and by configuration set, in two regions; and others that are neither."""
    chance = random.Random(seed)
    instants = [_START + timedelta(minutes=15 * chance.randrange(40 * 24 * 4)) for _ in range(8)]
    instants += [datetime(2026, 3, 10, 18, 15, tzinfo=UTC), datetime(2026, 3, 10, 18, 30, tzinfo=UTC)]
    points: dict[object, Record] = {}
    for _ in range(count):
        at, account, region = chance.choice(instants), chance.choice("12"), chance.choice("rs")
        name = chance.choice(["Reputation.BounceRate", "Reputation.ComplaintRate"] * 3 + ["Bounce"])
        namespace = "AWS/Connect" if chance.random() < 0.1 else "AWS/SES"
        dimensions = chance.choice([{}, {"ses:configuration-set": "c:1"}, {"campaign": "spring sale"}])
        rate = round(chance.random() / 10, 4)
        points[at, account, region, name, namespace, *dimensions] = {
            "metric_stream_name": "s",
            "account_id": account,
            "region": region,
            "namespace": namespace,
            "metric_name": name,
            "dimensions": dimensions,
            "timestamp": round(at.timestamp() * 1000),
            "value": {"max": rate, "min": 0.0, "sum": rate, "count": 1.0},
            "unit": "Percent",
        }
    return list(points.values())


# ---- Their content ----


@dataclass(frozen=True)
class Event:
    key: tuple[object, ...]
    kind: str
    is_published: bool
    at: datetime
    account: str
    message: str
    recipients: tuple[str, ...]
    types: tuple[str | None, str | None]
    dimensions: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, record: Record) -> Event:
        event = json.loads(record["Message"]) if "Message" in record else record.get("detail", record)
        kind = (event.get("eventType") or event["notificationType"]).lower().replace(" ", "").replace("_", "")
        mail = event["mail"]
        own = event[_OWN[kind]] if kind in _OWN else {}
        at = _time(own.get("timestamp", mail["timestamp"]))
        recipients = _addressed(kind, mail, own)
        identity = (mail.get("sourceArn") or "::::").split(":")[4]
        return cls(
            (kind, *_key(kind, event, own, mail["messageId"], at, recipients)),
            kind,
            "eventType" in event,
            at,
            mail.get("sendingAccountId") or record.get("account") or identity or "none",
            mail["messageId"],
            recipients,
            (own.get("bounceType"), own.get("bounceSubType"))
            if kind == "bounce"
            else (own.get("complaintFeedbackType"), own.get("complaintSubType")),
            tuple(_dimensions(mail, own)),
        )

    @property
    def configuration_set(self) -> str:
        return dict(self.dimensions)["ses:configuration-set"]

    @property
    def is_simulated(self) -> bool:
        """Whether all recipients are of the mailbox simulator."""
        domains = {address.lower().rpartition("@")[2] for address in self.recipients}
        return domains == {"simulator.amazonses.com"}


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace(" ", "")).astimezone(UTC).replace(tzinfo=None)


def _addressed(kind: str, mail: Record, own: Record) -> tuple[str, ...]:
    """An event's own recipients, in any order; the message may have more."""
    if kind == "send":
        return tuple(sorted(mail["destination"]))
    if kind == "delivery":
        return tuple(sorted(own["recipients"]))
    listed = own.get({"bounce": "bouncedRecipients", "complaint": "complainedRecipients"}.get(kind, ""), [])
    return tuple(sorted(recipient["emailAddress"] for recipient in listed))


def _key(
    kind: str, event: Record, own: Record, message: str, at: datetime, recipients: tuple[str, ...]
) -> tuple[object, ...]:
    """What distinguishes events of a kind."""
    if kind in ("send", "reject"):
        return (message,)
    if kind == "renderingfailure":
        return (message, *event["failure"].values())
    if kind in ("bounce", "complaint") and own["feedbackId"] not in ("", None, "<feedbackId>"):
        return (own["feedbackId"],)
    if kind == "bounce":
        return (message, at, own["bounceType"], own["bounceSubType"], *recipients)
    if kind in ("complaint", "delivery"):
        return (message, at, *recipients)
    if kind in ("open", "click"):
        return (message, at, own["ipAddress"], own["userAgent"], own.get("link"))
    return (message, json.dumps(own))


def _dimensions(mail: Record, own: Record) -> Iterable[tuple[str, str]]:
    """Each dimension with the first of its values."""
    tags: Record = mail.get("tags") or {}
    for name in _AUTOMATIC_TAGS:
        yield f"ses:{name}", _first(tags.get(f"ses:{name}")) or "none"
    with (PROJECT / "seeds" / "own" / "ses_cloudwatch_dimensions.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            name = row["dimension"]
            values = {
                "messageTag": tags.get(name),
                "linkTag": (own.get("linkTags") or {}).get(name),
                "emailHeader": [h["value"] for h in mail.get("headers", []) if h["name"].lower() == name.lower()],
            }[row["value_source"]]
            yield name, _first(values) or row["default_value"]


def _first(values: list[str] | None) -> str | None:
    return values[0] if values else None


def current(records: Iterable[Record]) -> list[Event]:
    """One version of each event: event publishing's, and of those the latest."""
    versions: dict[object, list[Event]] = defaultdict(list)
    for event in map(Event.of, records):
        versions[event.key].append(event)
    return [max(candidates, key=lambda event: (event.is_published, event.at)) for candidates in versions.values()]


def decided(records: Iterable[Record]) -> list[Record]:
    """Records without those that differ from one of the same event, way and time."""
    first: dict[object, Event] = {}
    kept = []
    for record in records:
        event = Event.of(record)
        if first.setdefault((event.key, event.is_published, event.at), event) == event:
            kept.append(record)
    return kept


# ---- What the marts have to hold ----


def metrics(events: list[Event], reputations: list[Record]) -> Record:
    """A row of a mart, of the records that fall into it."""
    of: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        of[event.kind].append(event)
    bounces: dict[str | None, list[Event]] = defaultdict(list)
    for event in of["bounce"]:
        bounces[event.types[0] if event.types[0] in ("Permanent", "Transient") else None].append(event)
    hard = bounces["Permanent"]
    row: Record = {name: len(of[kind]) for name, kind in _COUNTS.items()}
    row |= {
        "bounce_count": len(hard),
        "soft_bounce_count": len(bounces["Transient"]),
        "undetermined_bounce_count": len(bounces[None]),
        "suppressed_bounce_count": sum(event.types[1] in {"Suppressed", *_SENDER_LISTS} for event in hard),
        "send_recipient_count": sum(len(event.recipients) for event in of["send"]),
        "delivery_recipient_count": sum(len(event.recipients) for event in of["delivery"]),
        "bounce_recipient_count": sum(len(event.recipients) for event in hard),
        "complaint_recipient_count": sum(len(event.recipients) for event in of["complaint"]),
        "opened_message_count": len({event.message for event in of["open"]}),
        "clicked_message_count": len({event.message for event in of["click"]}),
        "rated_send_count": sum(not event.is_simulated for event in of["send"]),
        "rated_delivery_count": sum(not event.is_simulated for event in of["delivery"]),
        "rated_bounce_count": sum(not event.is_simulated and event.types[1] not in _SENDER_LISTS for event in hard),
        "rated_complaint_count": sum(
            not event.is_simulated and event.types[0] != "not-spam" and event.types[1] != "OnAccountSuppressionList"
            for event in of["complaint"]
        ),
    }
    row |= {
        name: row[part] / row[whole] if row[whole] else None
        for name, part, whole in (
            ("delivery_rate", "delivery_count", "send_count"),
            ("open_rate", "open_count", "delivery_count"),
            ("click_rate", "click_count", "delivery_count"),
            ("reject_rate", "reject_count", "send_count"),
            ("bounce_rate_proxy", "rated_bounce_count", "rated_send_count"),
            ("complaint_rate_proxy", "rated_complaint_count", "rated_delivery_count"),
        )
    }
    for name, metric in (("bounce", "BounceRate"), ("complaint", "ComplaintRate")):
        reported = [
            (point["timestamp"], point["value"]["max"])
            for point in reputations
            if point["metric_name"] == f"Reputation.{metric}"
        ]
        row[f"reputation_{name}_rate"] = max(reported, default=(None, None))[1]
    return row


def expected(events: list[Event], reputations: list[Record], zone: str) -> tuple[dict[Any, Record], dict[Any, Record]]:
    """Rows of the mart, and of the mart by dimension."""
    groups: dict[Any, tuple[list[Event], list[Record]]] = defaultdict(lambda: ([], []))
    slices: dict[Any, list[Event]] = defaultdict(list)
    for event in events:
        for period in periods(event.at.replace(second=0, microsecond=0), zone):
            key = (*period, event.account, event.configuration_set)
            groups[key][0].append(event)
            for dimension in event.dimensions:
                slices[(*key, *dimension)].append(event)
    for point in reputations:
        names = tuple(point["dimensions"])
        if point["namespace"] == "AWS/SES" and point["metric_name"] != "Bounce" and "campaign" not in names:
            at = datetime.fromtimestamp(point["timestamp"] / 1000, UTC).replace(tzinfo=None)
            for period in periods(at, zone):
                key = (*period, point["account_id"], point["dimensions"].get("ses:configuration-set", "none"))
                groups[key][1].append(point)
    return (
        {key: metrics(*group) for key, group in groups.items()},
        {key: metrics(group, []) for key, group in slices.items()},
    )


def check(home: TestHome, records: list[Record], reputations: list[Record], zone: str) -> None:
    rows, by_dimension = expected(current(records), reputations, zone)
    columns = tuple(metrics([], []))
    keys = "account_id, configuration_set"
    for mart, more, wanted in (
        ("ses_metrics", "", rows),
        ("ses_metrics_by_dimension", ", dimension, dimension_value", by_dimension),
    ):
        rows_read: dict[Any, Record] = {**read(home, mart, keys + more, columns)}
        found = {key: row for key, row in rows_read.items() if _TIED not in key}
        assert found.keys() == wanted.keys()
        for key, row in wanted.items():
            assert found[key] == row, key


def test_the_marts_are_what_a_second_implementation_counts_in_any_order(home: TestHome) -> None:
    records = decided(some_events(seed=5, count=600))
    tied = some_events(seed=7, count=250, account=_TIED)
    reputations = some_reputations(seed=5, count=200)
    first = None
    for order in range(2):
        home.reset()
        chance = random.Random(order)
        everything = records + tied
        chance.shuffle(everything)
        chance.shuffle(reputations)
        runs = 3 - order
        for run in range(runs):
            home.put("ses/events", f"{run}.json", everything[run::runs])
            home.put("cloudwatch/metric_stream", f"{run}.json", reputations[run::runs])
            landed = home.land()["ses/events"].totals
            assert landed.add_up
            assert (landed.records, landed.quarantined, landed.ignored) == (len(everything[run::runs]), 0, 0)
            home.build(*_MODELS, *(TABLES if run else ()))
        check(home, records, reputations, "UTC")
        marts = home.marts()
        assert first in (None, marts)
        first = marts
    # half an hour belongs to two days there
    home.reset()
    for run in range(2):
        home.put("ses/events", f"{run}.json", everything[run::2])
        home.put("cloudwatch/metric_stream", f"{run}.json", reputations[run::2])
        home.land()
        home.build(*_MODELS, *(TABLES if run else ()), reporting_timezone="Asia/Kolkata")
    check(home, records, reputations, "Asia/Kolkata")


def test_a_homes_own_dimensions_take_the_place_of_the_example(home: TestHome, monkeypatch: pytest.MonkeyPatch) -> None:
    seed = home.settings.home / "seeds" / "ses_cloudwatch_dimensions.csv"
    seed.parent.mkdir()
    seed.write_text("event_destination,dimension,value_source,default_value\nmine,team,messageTag,nobody\n")
    monkeypatch.setenv("TOUCHSTONE_SEEDS", environment(home.settings)["TOUCHSTONE_SEEDS"])
    home.put("ses/events", "some.json", some_events(seed=5, count=30))
    home.land()
    home.build(*_MODELS)
    rows = home.query(
        "select distinct dimension from ses_metrics_by_dimension_daily where not starts_with(dimension, 'ses:')"
    )
    assert rows == [("team",)]
