"""Landing SES: every way, kind and spelling, what distinguishes facts, and what is done with what is no event."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from .conftest import TestHome, no_time_in

Record = dict[str, Any]

_SOURCE = "ses/events"
_AT = "2026-03-14T09:00:00.123Z"
_LATER = "2026-03-15T09:00:00.123Z"
_NINE = datetime(2026, 3, 14, 9, 0, 0, 123_000)
_TEN = datetime(2026, 3, 14, 10)
_OWN: Record = {
    "Send": {"send": {}},
    "Reject": {"reject": {"reason": "Bad content"}},
    "Bounce": {
        "bounce": {
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "bouncedRecipients": [{"emailAddress": "a@x.example"}, {"emailAddress": "b@x.example"}],
            "timestamp": _AT,
            "feedbackId": "f",
        }
    },
    "Complaint": {
        "complaint": {
            "complaintFeedbackType": "not-spam",
            "complaintSubType": "OnAccountSuppressionList",
            "complainedRecipients": [{"emailAddress": "a@x.example"}],
            "timestamp": _AT,
            "feedbackId": "f",
        }
    },
    "Delivery": {"delivery": {"recipients": ["a@x.example", "b@x.example"], "timestamp": _AT}},
    "Open": {"open": {"timestamp": _AT, "ipAddress": "10.0.0.1", "userAgent": "Mail/1"}},
    "Click": {
        "click": {
            "timestamp": _AT,
            "ipAddress": "10.0.0.1",
            "userAgent": "Mail/1",
            "link": "x",
            "linkTags": {"k": ["v"]},
        }
    },
    "Rendering Failure": {"failure": {"templateName": "t", "errorMessage": "e"}},
    "DeliveryDelay": {"deliveryDelay": {"timestamp": _AT, "delayType": "MailboxFull"}},
    "Subscription": {"subscription": {"timestamp": _AT, "contactList": "list"}},
}


def event(kind: str, message: str = "m", at: str = _AT, **own: Any) -> Record:
    """An event; `own` overrides fields of its kind's object."""
    mail = {
        "timestamp": at,
        "messageId": message,
        "sendingAccountId": "1",
        "destination": ["a@x.example", "b@x.example", "c@x.example"],
        "tags": {"ses:configuration-set": ["c"]},
    }
    ((name, fields),) = _OWN[kind].items()
    return {"eventType": kind, "mail": mail, name: {**fields, **own}}


def notification(record: Record) -> Record:
    """The event as a feedback notification."""
    mail = {name: value for name, value in record["mail"].items() if name != "tags"}
    return {
        "notificationType": record["eventType"],
        **{k: v for k, v in record.items() if k != "eventType"},
        "mail": mail,
    }


def by_sns(record: Record) -> Record:
    return {
        "Type": "Notification",
        "MessageId": "s",
        "TopicArn": "arn:aws:sns:us-east-1:9:topic",
        "Subject": "Amazon SES Email Event Notification",
        "Message": json.dumps(record) + "\n",
        "Timestamp": "2026-03-14T11:00:00.000Z",
    }


def by_eventbridge(record: Record, detail_type: str = "Email Event") -> Record:
    return {
        "version": "0",
        "id": "e",
        "detail-type": detail_type,
        "source": "aws.ses",
        "account": "9",
        "time": "2026-03-14T11:00:00Z",
        "region": "us-east-1",
        "resources": [],
        "detail": record,
    }


def staged(home: TestHome, *files: list[Record], columns: str) -> list[tuple[Any, ...]]:
    """Records landed file by file, and their columns in staging."""
    for number, records in enumerate(files):
        home.put(_SOURCE, f"{number}.json", records)
        totals = home.land()[_SOURCE].totals
        assert totals.add_up
        assert totals.quarantined == totals.ignored == 0
    home.build("--select", "stg_ses__events")
    return home.query(f"select {columns} from internal.staging.stg_ses__events order by all")


def test_a_fact_is_the_same_by_every_way(home: TestHome) -> None:
    events = [event(kind) for kind in _OWN]
    ways = [events, [by_sns(record) for record in events], [by_eventbridge(record) for record in events]]
    stated = (
        "event, event_at, is_published, account_id, configuration_set, message_id, bounce_type, bounce_subtype, "
        "feedback_type, complaint_subtype, recipient_count, link_tags['k'][1]"
    )
    rows = staged(home, *ways, columns=f"{stated}, event_key, is_revision")
    common = (_NINE, True, "1", "c", "m")
    none = (None,) * 6
    assert {row[:-2] for row in rows} == {
        ("send", *common, *none[:4], 3, None),
        ("reject", *common, *none),
        ("bounce", *common, "permanent", "general", None, None, 2, None),
        ("complaint", *common, None, None, "not-spam", "onaccountsuppressionlist", 1, None),
        ("delivery", *common, *none[:4], 2, None),
        ("open", *common, *none),
        ("click", *common, *none[:5], "v"),
        ("rendering_failure", *common, *none),
        ("delivery_delay", *common, *none),
        ("subscription", *common, *none),
    }
    assert len({row[-2] for row in rows}) == sum(not row[-1] for row in rows) == len(events)


def test_one_file_may_hold_all_ways(home: TestHome) -> None:
    records = [event("Send", "m1"), by_sns(event("Send", "m2")), by_eventbridge(event("Send", "m3"))]
    records[2]["detail"]["mail"].pop("sendingAccountId")
    home.put(_SOURCE, "a.json", json.dumps(records).encode())
    home.put(_SOURCE, "firehose", "".join(json.dumps(record) for record in records).encode())
    totals = home.land()[_SOURCE].totals
    assert (totals.records, totals.accepted, totals.duplicates) == (6, 3, 3)
    home.build("--select", "stg_ses__events")
    assert home.query("select message_id, account_id from internal.staging.stg_ses__events order by all") == [
        ("m1", "1"),
        ("m2", "1"),
        ("m3", "9"),
    ]


def test_kinds_are_known_by_either_field_and_every_spelling(home: TestHome) -> None:
    spellings = ["Rendering Failure", "RenderingFailure", "RENDERING_FAILURE", "renderingFailure"]
    records = [{**event("Rendering Failure", f"m{n}"), "eventType": name} for n, name in enumerate(spellings)]
    records += [notification(event("Bounce", "n0")), notification(event("Open", "n1"))]
    records += [
        {**notification(event("Delivery", "n2")), "eventType": ""},
        {**event("Send", "p"), "notificationType": None},
    ]
    assert staged(home, records, columns="message_id, event, is_published") == [
        *((f"m{n}", "rendering_failure", True) for n in range(4)),
        ("n0", "bounce", False),
        ("n1", "open", False),
        ("n2", "delivery", False),
        ("p", "send", True),
    ]


def test_times_are_read_at_any_offset(home: TestHome) -> None:
    times = {
        "2026-03-14T09:00:00.123Z": _NINE,
        "2026-03-14T02:00:00.123-07:00": _NINE,
        "2026-03-14T14:30:00.123+05:30": _NINE,
        "2026-03-14T09:00:00.123": _NINE,
        "2026-03-14T10:00:00 +0000": _TEN,
        "2026-03-14T05:00:00 -0500": _TEN,
        "2026-03-14T10:00:00Z": _TEN,
        "2026-03-13T23:30:00 -1030": _TEN,
    }
    sends = [event("Send", f"{n}", at) for n, at in enumerate(times)]
    # an event's own time counts, where it has one
    opens = [event("Open", f"{n}", "2026-03-01T00:00:00Z", timestamp=at) for n, at in enumerate(times)]
    rows = staged(home, sends + opens, columns="event, message_id, event_at, record_date")
    assert rows == [(kind, f"{n}", at, at.date()) for kind in ("open", "send") for n, at in enumerate(times.values())]


def test_recipients_are_an_events_own(home: TestHome) -> None:
    simulator, other = "Success+1@Simulator.amazonses.com", "a@x.example"
    recipients = {
        "1": [simulator],
        "2": [simulator, simulator],
        "3": [simulator, other],
        "4": [other],
        "5": [],
        "6": [None],
    }
    records = [event(kind, number) for kind in ("Send", "Reject", "Open") for number in recipients]
    for number, addresses in recipients.items():
        listed = [{"emailAddress": address, "status": "5.1.1"} for address in addresses]
        # without an id of feedback of its own each would be the others' copy
        records.append(event("Bounce", number, feedbackId=number, bouncedRecipients=listed))
        records.append(event("Complaint", number, feedbackId=number, complainedRecipients=listed))
        records.append(event("Delivery", number, recipients=addresses))
    for record in records[:6]:
        record["mail"]["destination"] = recipients[record["mail"]["messageId"]]
    rows = staged(home, records, columns="event, message_id, recipient_count, is_simulated")
    assert rows == sorted(
        [
            *((kind, number, None, False) for kind in ("open", "reject") for number in recipients),
            *(
                (kind, number, len(addresses), number in "12")
                for kind in ("bounce", "complaint", "delivery", "send")
                for number, addresses in recipients.items()
            ),
        ]
    )


def test_what_is_no_sending_event_is_ignored_and_counted(home: TestHome) -> None:
    confirmation = {"Type": "SubscriptionConfirmation", "Message": "You have chosen to subscribe", "Token": "t"}
    validation = {
        "Type": "Notification",
        "Message": "Successfully validated SNS topic for Amazon SES event publishing.",
    }
    home.put(
        _SOURCE,
        "a.json",
        [
            confirmation,
            {**confirmation, "Type": "UnsubscribeConfirmation"},
            validation,
            validation,
            event("Send"),
            {"notificationType": "Received", "mail": event("Send")["mail"], "receipt": {}},
            by_sns({"notificationType": "AmazonSnsSubscriptionSucceeded", "message": "You have subscribed"}),
            by_eventbridge({"version": "1.0", "data": {}}, "Advisor Recommendation Status Open"),
            by_eventbridge({"version": "1.0", "data": {}}, "Sending Status Disabled"),
        ],
    )
    landed = home.land()[_SOURCE]
    assert (landed.totals.accepted, landed.totals.ignored, landed.totals.quarantined) == (1, 8, 0)
    assert landed.ignored_kinds == {
        "subscriptionconfirmation": 1,
        "unsubscribeconfirmation": 1,
        "topicvalidation": 2,
        "received": 1,
        "amazonsnssubscriptionsucceeded": 1,
        "Advisor Recommendation Status Open": 1,
        "Sending Status Disabled": 1,
    }


def test_what_cannot_be_counted_is_quarantined_where_it_stands_and_the_rest_lands(home: TestHome) -> None:
    no_time = event("Bounce", "m2")
    no_time["bounce"].pop("timestamp")
    no_message: list[Record] = [event("Send", ""), event("Open")]
    no_message[1]["mail"].pop("messageId")
    unreadable = {
        no_time_in(
            "mail.timestamp or bounce.timestamp or complaint.timestamp or delivery.timestamp or open.timestamp or "
            "click.timestamp or deliveryDelay.timestamp or subscription.timestamp"
        ): [no_time, event("Send", "m4", "")],
        "field mail.timestamp: a text that is no time from 2000 to 2100 where a time is expected; "
        "write it as ISO 8601 with its zone, or as a Unix epoch": [event("Send", "m3", "yesterday")],
        "no mail.messageId": no_message,
        "unknown kind; those that count are send, reject, bounce, complaint, delivery, open, click, renderingfailure, "
        "deliverydelay, subscription": [by_sns({**event("Send", "m5"), "eventType": "Scheduled"})],
        "it does not say its kind: is it a record of this stream?": [{**event("Send", "m6"), "eventType": None}],
        "field mail: a text where an object is expected; write it as a JSON object": [
            {**event("Send", "m7"), "mail": "m7"}
        ],
        "field delivery.processingTimeMillis: a text that is none where a whole number is expected; "
        "write it as digits alone": [event("Delivery", "m8", processingTimeMillis="soon")],
    }
    lines = [event("Send", "first")]
    reasons = {}
    for reason, records in unreadable.items():
        for record in records:
            lines.append(record)
            reasons[len(lines)] = reason
            lines.append(event("Send", f"after {len(lines)}"))
    home.put(_SOURCE, "deep/a.json", lines)
    home.put(_SOURCE, "b.json", json.dumps(event("Send", "b")).encode() + b'\n{"eventType": "Send", "mail"\n')
    totals = home.land()[_SOURCE].totals
    assert totals.add_up
    assert (totals.accepted, totals.quarantined) == (len(reasons) + 2, len(reasons) + 1)
    assert home.ledger_rows("select path, line, reason from quarantine where path = 'deep/a.json' order by line") == [
        ("deep/a.json", line, reason) for line, reason in reasons.items()
    ]
    assert home.ledger_rows("select line, reason from quarantine where path = 'b.json'") == [
        (2, "the file ends inside the record")
    ]
    home.build("--select", "stg_ses__events")
    found = {message for (message,) in home.query("select message_id from internal.staging.stg_ses__events")}
    assert found == {"first", "b", *(f"after {line}" for line in reasons)}


def addresses(*names: str) -> list[Record]:
    return [{"emailAddress": f"{name}@x.example"} for name in names]


def test_records_are_one_fact_by_the_rule_of_their_kind(home: TestHome) -> None:
    """Two records or more for each case, with the number of facts that they report."""
    bounce = {"feedbackId": None, "bouncedRecipients": addresses("a", "b")}
    complaint = {"feedbackId": None, "complainedRecipients": addresses("a", "b")}
    cases: list[tuple[int, list[Record]]] = [
        (1, [event("Send"), event("Send", at=_LATER)]),
        (2, [event("Send"), event("Reject"), event("Reject", at=_LATER)]),
        (
            1,
            [
                event("Bounce", feedbackId="1"),
                event("Bounce", feedbackId="1", bounceType="Transient", timestamp=_LATER),
            ],
        ),
        (1, [event("Bounce", feedbackId="2"), notification(event("Bounce", feedbackId="2"))]),
        (2, [event("Bounce", feedbackId="3"), event("Bounce", feedbackId="4")]),
        (2, [event("Bounce", feedbackId="5"), event("Complaint", feedbackId="5")]),
        (1, [event("Complaint", feedbackId="6"), event("Complaint", feedbackId="6", timestamp=_LATER)]),
        (1, [event("Bounce", **{**bounce, "feedbackId": id_}) for id_ in (None, "", "<feedbackId>")]),
        (1, [event("Bounce", **bounce), event("Bounce", **bounce | {"bouncedRecipients": addresses("b", "a")})]),
        (2, [event("Bounce", **bounce), event("Bounce", **bounce | {"bouncedRecipients": addresses("a")})]),
        (2, [event("Bounce", **bounce), event("Bounce", **bounce, timestamp=_LATER)]),
        (2, [event("Bounce", **bounce), event("Bounce", **bounce, bounceType="Transient")]),
        (2, [event("Bounce", **bounce), event("Bounce", **bounce, bounceSubType="Suppressed")]),
        (1, [event("Complaint", **complaint), event("Complaint", **complaint, complaintFeedbackType="abuse")]),
        (2, [event("Complaint", **complaint), event("Complaint", **complaint, timestamp=_LATER)]),
        (
            2,
            [
                event("Complaint", **complaint),
                event("Complaint", **complaint | {"complainedRecipients": addresses("a")}),
            ],
        ),
        (1, [event("Delivery"), event("Delivery", recipients=["b@x.example", "a@x.example"])]),
        (1, [event("Delivery"), notification(event("Delivery", timestamp="2026-03-14T02:00:00.123-07:00"))]),
        (2, [event("Delivery"), event("Delivery", recipients=["a@x.example"])]),
        (2, [event("Delivery"), event("Delivery", timestamp=_LATER)]),
        (1, [event("Rendering Failure"), event("Rendering Failure", at=_LATER)]),
        (3, [event("Rendering Failure", **own) for own in ({}, {"templateName": "u"}, {"errorMessage": "f"})]),
        (1, [event("Open"), event("Open", at=_LATER)]),
        (4, [event("Open", **own) for own in ({}, {"ipAddress": "2"}, {"userAgent": "2"}, {"timestamp": _LATER})]),
        (1, [event("Click"), event("Click", linkTags=None)]),
        (4, [event("Click", **own) for own in ({}, {"ipAddress": "2"}, {"userAgent": "2"}, {"timestamp": _LATER})]),
        (2, [event("Click"), event("Click", link="y")]),
        (1, [event("DeliveryDelay"), event("DeliveryDelay", at=_LATER)]),
        (2, [event("DeliveryDelay"), event("DeliveryDelay", delayType="IPFailure")]),
        (2, [event("Subscription"), event("Subscription", contactList="other")]),
        (2, [event("DeliveryDelay"), event("Subscription")]),
    ]
    for number, (_, records) in enumerate(cases):
        for record in records:
            record["mail"]["messageId"] = f"m{number}"
    records = [record for _, records in cases for record in records]
    home.put(_SOURCE, "a.json", records)
    assert home.land()[_SOURCE].totals.accepted == sum(facts for facts, _ in cases)
    home.build("--select", "stg_ses__events")
    found = home.query(
        "select cast(message_id[2:] as int), count(distinct event_key), count(*) filter (not is_revision) "
        "from internal.staging.stg_ses__events group by all order by all"
    )
    assert found == [(number, facts, facts) for number, (facts, _) in enumerate(cases)]
    # and by message: another message's is another fact, unless both have one feedback id
    kinds = [kind for kind in _OWN if kind not in ("Bounce", "Complaint")]
    home.put(_SOURCE, "b.json", [event(kind, message) for kind in kinds for message in ("n0", "n1")])
    assert home.land()[_SOURCE].totals.accepted == 2 * len(kinds)
    home.put(_SOURCE, "c.json", [event("Bounce", message, feedbackId="7") for message in ("n0", "n1")])
    assert home.land()[_SOURCE].totals.accepted == 1
