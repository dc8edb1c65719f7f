"""The marts of e-mail against a second implementation in plain Python, in whatever order the vendors' events land."""

from __future__ import annotations

import csv
import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from hashlib import md5
from ipaddress import ip_address, ip_network
from typing import Any

import duckdb
import pytest
from jinja2 import Environment

from touchstone.landing.persons import create_tokens
from touchstone.settings import PROJECT, dbt_project

from .conftest import TestHome

Record = dict[str, Any]
Key = tuple[str, str, str]  # vendor, account and sender
Slice = tuple[str, str, str, str, str]  # rule for machines; mailbox provider and domain; dimension and its value
Counts = dict[tuple[Key, datetime, Slice], Counter[str]]
Outcomes = list[tuple["Event", list[str]]]

_MARTS = ("--select", "+path:models/marts/email")
# Beside the ends of an hour, a day and a month.
_BEGINNINGS = [
    datetime(2026, 2, 28, 23, 59, 58, tzinfo=UTC),
    datetime(2026, 3, 9, 8, 59, 59, 500000, tzinfo=UTC),
    datetime(2026, 3, 9, 12, tzinfo=UTC),
]
_LATER = [0, 0.4, 0.9, 1, 1.4, 2.5, 4.9, 5, 5.4, 60, 3600, 3600.6, 3601.5, 90_000, 2_000_000]
_PEOPLE = [
    *("ann@x.example", "bob@x.example", "cat@y.example"),
    *("dan@Hotmail.com", "eve@mail.example.com", "fay@z.example"),
]
_COMMON = 2  # so many recipients make a domain common
# Variables of Mailgun's users as its APIs state them, with the texts of those that are dimensions.
_PLAN, _TIER = "plan", "paid tier"
_VARIABLES: list[tuple[Any, str, str]] = [
    ({_PLAN: "pro", _TIER: 2, "name": "Ann"}, "pro", "2"),
    (json.dumps({_PLAN: "pro", _TIER: {"name": "Ann"}}), "pro", "none"),
    ({_PLAN: " ", _TIER: True}, "none", "true"),
    ([], "none", "none"),
    ("Could not load user-variables. They were either truncated or invalid JSON", "none", "none"),
    (None, "none", "none"),
]
_AGENTS = [
    "Mozilla/5.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/42.0.2311.135 "
    "Safari/537.36 Edge/12.246 Mozilla/5.0",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "Barracuda Sentinel (EE)",
    "ExampleLinkScanner/2 curl/8.5.0",
    "",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 10_3_3 like Mac OS X) AppleWebKit/603.3.8 (KHTML, like Gecko) Mobile/14G60",
]
_ADDRESSES = ["198.51.100.7", "40.92.3.4", "40.94.0.1", "209.222.82.9", "192.0.2.9", "2001:db8::1", ""]
_MAILGUN_KINDS = [
    *("accepted", "delivered", "delivered", "failed", "failed", "opened", "opened"),
    *("clicked", "clicked", "complained", "unsubscribed", "rejected"),
]
_SES_KINDS = [
    *("Delivery", "Delivery", "Bounce", "Bounce", "Complaint", "Open", "Open"),
    *("Click", "Click", "DeliveryDelay", "Subscription", "Reject"),
]
_PINPOINT_KINDS = [
    *("send", "delivered", "delivered", "hardbounce", "softbounce", "softbounce", "open"),
    *("open", "click", "click", "complaint", "unsubscribe", "rejected"),
]
_ALL = ("all", "all", "all", "all", "all")
_TOTAL = ("all", "all", "all")
# What a server answers, by what is kept of it; the last has no word that is.
_ANSWERS = {
    "550 5.1.1 <ann@x.example>: User unknown in the table": "550 5.1.1 user unknown in the",
    "452-4.2.2 Ann Lee's inbox is out of storage space. 555-0100": "452 4.2.2 inbox is out of storage space",
    "421 4.7.0 [TSS04] From 192.0.2.7: deferred": "421 4.7.0 tss04 from deferred",
    "554 See https://x.example/full?to=ann": "554 see",
    "4.7.99 group restricted": "4.7.99 group restricted",
    "Ännchen": "",
}
# Links, and what is published of them: the link and the campaign.
_LINKS = {
    "https://x.example/a": ("https://x.example/a", "none"),
    "https://x.example/a/?to=ann%40x.example&utm_campaign=spring#top": ("https://x.example/a", "spring"),
    "HTTPS://X.example:443/b?utm_campaign=9f8e7d6c5b4a": ("https://x.example/b", "{id}"),
    "https://x.example/in/ann%40x.example": ("{link}", "none"),
    "https://x.example/t/eyJhbGciOiJIUzI1NiJ9/1": ("https://x.example/t/{id}/1", "none"),
}
_OF_RULES = {"open_count", "click_count", "machine_open_count", "machine_click_count"}
_OF_COHORTS = {"delivered_count", "complained_count", "unsubscribed_count"}
_OF_COHORTS |= {f"human_unique_{action}_count" for action in ("open", "click")}
_SLICES = {
    "email_metrics": "'all', 'all', 'all', 'all', 'all'",
    "email_machine_opens_by_rule": "machine_rule, 'all', 'all', 'all', 'all'",
    "email_by_provider": "'all', provider, domain, 'all', 'all'",
    "email_metrics_by_dimension": "'all', 'all', 'all', dimension, dimension_value",
}
_LISTS = ["Suppressed", "OnAccountSuppressionList", "OnTenantSuppressionList", "EmailValidationSuppressed"]


# ---- Records ----


class Maker:
    """Events of few messages, so that everything meets; a message's account and sender are its own."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._number = 0
        self._events_of = Counter[int]()

    def events(self, count: int) -> dict[str, list[Record]]:
        made = {"mailgun/events": self.mailgun, "ses/events": self.ses, "pinpoint/events": self.pinpoint}
        return {source: [event for _ in range(count) for event in make()] for source, make in made.items()}

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _at(self, message: int) -> datetime:
        # no two at once, as nothing tells here which of them is the first there
        self._events_of[message] += 1
        later = self._chance.choice(_LATER) + self._events_of[message] * 0.001
        return _BEGINNINGS[message % 3] + timedelta(seconds=later)

    def _client(self) -> tuple[str, str]:
        chance = self._chance
        is_machine = chance.random() < 0.4
        agents, addresses = (_AGENTS, _ADDRESSES) if is_machine else (_AGENTS[-1:], _ADDRESSES[:1])
        return chance.choice(agents), chance.choice(addresses)

    def mailgun(self) -> Iterator[Record]:
        message, pick = self._chance.randrange(60), self._chance.choice
        kind = pick(_MAILGUN_KINDS)
        agent, address = self._client()
        at = self._at(message)
        event = {
            "event": kind,
            "id": f"e{self._next()}",
            "timestamp": at.timestamp(),
            "domain": {"name": pick(["a.example"]) if message % 2 else "b.example"},
            "message": {"headers": {"message-id": f"m{message // 2}"}},
            "recipient": _PEOPLE[message % len(_PEOPLE)],
            "recipient-provider": ["", "Other", "Yahoo US", "Corp Mail", "Corp Mail"][message % 5]
            if kind != "accepted"
            else None,
            "template": [None, {"name": "welcome"}, {"name": "digest"}][message // 2 % 3],
            "tags": [None, ["news"], ["News", "offer", "news"]][message // 3 % 3],
            "user-variables": _VARIABLES[message // 4 % len(_VARIABLES)][0],
            "severity": pick(["permanent", "permanent", "temporary"]) if kind == "failed" else None,
            "reason": pick(["bounce", "generic", "espblock", "old", "suppress-bounce"]) if kind == "failed" else None,
            "flags": {
                "is-authenticated": self._chance.random() < 0.8,
                "is-test-mode": self._chance.random() < 0.1,
                "is-delayed-bounce": self._chance.random() < 0.1,
                "is-callback": kind == "failed" and self._chance.random() < 0.1,
            },
            "envelope": {"transport": pick(["smtp", "smtp", "smtp", "http"]) if kind == "delivered" else ""},
            "client-info": {"user-agent": agent, "bot": pick(["", "", "apple", "gmail", "generic"])},
            "ip": address,
            "delivery-status": {
                "code": pick([550, 605, None]),
                "enhanced-code": pick([None, "", "4.2.2"]),
                "message": pick([*_ANSWERS]),
            }
            if kind == "failed"
            else None,
            "url": pick([*_LINKS]) if kind == "clicked" else None,
        }
        yield event
        if kind == "failed" and self._chance.random() < 0.3:  # the item of the Logs API counts in its place
            item = {name: value for name, value in event.items() if name != "timestamp"}
            later = at + timedelta(seconds=2)
            at = later if later.date() == at.date() else at
            yield item | {"@timestamp": at.isoformat(), "reason": pick(["bounce", "blacklisted", "greylisted"])}

    def ses(self) -> Iterator[Record]:
        message, pick = self._chance.randrange(30), self._chance.choice
        to = random.Random(message).sample([*_PEOPLE, "success@simulator.amazonses.com"], 1 + message % 3)
        some = self._chance.sample(to, self._chance.randint(1, len(to)))
        kind = pick(_SES_KINDS)
        at, feedback = self._at(message).isoformat(), f"f{self._next()}"
        agent, address = self._client()
        client = {"timestamp": at, "ipAddress": address, "userAgent": agent}
        own: Record = {"timestamp": at}
        if kind == "Delivery":
            own["recipients"] = some
        elif kind == "Bounce":
            own["bounceType"] = pick(["Permanent", "Transient", "Transient", "Undetermined"])
            own["bounceSubType"] = pick(["General", "ContentRejected", *_LISTS[:2]])
            answered = [{"emailAddress": each, "status": "5.0.0", "diagnosticCode": pick([*_ANSWERS])} for each in some]
            own |= {"feedbackId": feedback, "bouncedRecipients": answered}
        elif kind == "Complaint":
            own["complaintFeedbackType"] = pick(["abuse", "not-spam", None])
            own["complaintSubType"] = pick([None, None, "OnAccountSuppressionList"])
            own |= {"feedbackId": feedback, "complainedRecipients": [{"emailAddress": each} for each in some]}
        elif kind in ("Open", "Click"):
            own = client | ({"link": pick([*_LINKS])} if kind == "Click" else {})
        elif kind == "DeliveryDelay":
            own["delayType"] = pick(["MailboxFull", "General", "TransientCommunicationFailure"])
        elif kind == "Subscription":
            own["newTopicPreferences"] = {"unsubscribeAll": self._chance.random() < 0.5}
        mail = {
            "timestamp": _BEGINNINGS[message % 3].isoformat(),
            "messageId": f"s{message}",
            "sendingAccountId": str(message % 2),
            "destination": to,
            "tags": {"ses:configuration-set": [f"set{message % 3}"]}
            | ({"campaign": ["spring"]} if message % 4 else {}),
        }
        yield {"eventType": "Send", "mail": mail, "send": {}}
        name = {"DeliveryDelay": "deliveryDelay"}.get(kind, kind.lower())
        yield {"eventType": kind, "mail": mail, name: own}

    def pinpoint(self) -> Iterator[Record]:
        message, pick = self._chance.randrange(40), self._chance.choice
        kind = pick(_PINPOINT_KINDS)
        agent, address = self._client()
        own: Record = {"mail": {"message_id": f"p{message}"}}
        if message % 7:
            own["mail"]["destination"] = [_PEOPLE[message % len(_PEOPLE)]]
        if kind.endswith("bounce"):
            own["bounce"] = {"bounce_sub_type": pick(["General", "AttachmentRejected", *_LISTS])}
            own["bounce"]["bounced_recipients"] = [{"email_address": "a@b.c", "diagnostic_code": pick([*_ANSWERS])}]
        elif kind == "complaint":
            own["complaint"] = {"complaint_feedback_type": pick(["abuse", "not-spam"])}
        elif kind in ("open", "click"):
            own[kind] = {"ip_address": address, "user_agent": agent}
            own[kind] |= {"link": pick([*_LINKS])} if kind == "click" else {}
        yield {
            "event_type": f"_email.{kind}",
            "event_timestamp": int(_BEGINNINGS[message % 3].timestamp() * 1000),
            # no two events of a message are equal in what tells events apart
            "arrival_timestamp": int(self._at(message).timestamp() * 1000) + self._next() % 97,
            "application": {"app_id": "shop"},
            "client": {"client_id": f"c{self._next()}"},
            "attributes": {"journey_id": f"j{message % 2}", "journey_activity_id": f"mail{message % 3}"},
            "facets": {"email_channel": {"mail_event": own}},
        }


# ---- The same in Python ----


@dataclass(frozen=True)
class Event:
    """An event of a message to a recipient, in the words of all vendors."""

    key: Key
    message: object
    recipient: object
    at: datetime
    kind: str
    word: str = "none"
    agent: str = ""
    address: str = ""
    link: str | None = None
    domain: str = "none"
    provider_word: str = ""
    dimensions: tuple[tuple[str, str], ...] = ()
    answer: str = ""
    person: str = ""


def domain_of(address: str) -> str:
    return address.partition("@")[2].lower()


def joined(*texts: str) -> str:
    return " ".join(text for text in texts if text)


def answered(said: str, smtp: str = "", enhanced: str = "", word: str = "") -> str:
    """What stays of an answer: the vendor's own words first."""
    kept = _ANSWERS[said]
    status, kept = (kept[:3], kept[4:]) if kept[:3].isdigit() else ("", kept)
    stated = re.search(r"\b[45]\.\d{1,3}\.\d{1,3}\b", kept)
    return joined(smtp or status, "" if stated and stated[0] == enhanced else enhanced, kept, word)


def mailgun(records: Iterable[Record]) -> Iterator[Event]:
    latest: dict[str, Record] = {}
    for record in records:
        if record["id"] not in latest or "@timestamp" in record:
            latest[record["id"]] = record
    kinds = {"opened": "open", "clicked": "click", "complained": "complaint", "unsubscribed": "unsubscription"}
    kinds |= {"delivered": "delivered"}
    for record in latest.values():
        flags, kind = record["flags"], kinds.get(record["event"], "")
        if flags["is-test-mode"] or flags["is-callback"] or record["envelope"]["transport"] == "http":
            continue
        if record["event"] == "accepted" and flags["is-authenticated"]:
            kind = "accepted"
        elif record["event"] == "failed" and record["severity"] == "temporary":
            kind = "deferral"
        elif record["event"] == "failed" and record["reason"].startswith("suppress"):
            kind = "suppression"
        elif record["event"] == "failed" and (record["reason"] == "bounce" or flags["is-delayed-bounce"]):
            kind = "hard_bounce"
        elif record["event"] == "failed":
            kind = "block" if record["reason"] in ("espblock", "blacklisted") else "soft_bounce"
        stated = record.get("timestamp")
        at = datetime.fromtimestamp(stated, UTC) if stated else datetime.fromisoformat(record["@timestamp"])
        message = (record["message"]["headers"]["message-id"], record["recipient"])
        info = record["client-info"]
        key = ("mailgun", "none", record["domain"]["name"])
        client = (info["bot"], info["user-agent"], record["ip"], record["url"])
        whose = (domain_of(record["recipient"]), record["recipient-provider"] or "")
        # an unsubscription's tags are what was unsubscribed from
        tags = {tag.lower() for tag in record["tags"] or () if kind != "unsubscription"} or {"none"}
        template = record["template"] or {"name": "none"}
        said, reason = record["delivery-status"], record["reason"]
        own = reason if reason in ("old", "greylisted", "espblock", "blacklisted") else ""
        answer = ""
        if said:
            answer = answered(said["message"], str(said["code"] or ""), said["enhanced-code"] or "", own)
        if kind:
            stated = record["user-variables"]
            plan, tier = next((plan, tier) for each, plan, tier in _VARIABLES if each == stated)
            dimensions = (("template", template["name"]), *(("tag", tag) for tag in tags))
            dimensions += ((f"v:{_PLAN}", plan), (f"v:{_TIER}", tier))
            yield Event(key, message, None, at, kind, *client, *whose, dimensions, answer, record["recipient"])


def bounced(is_hard: bool, subtype: str) -> str:
    if subtype in _LISTS:
        return "suppression"
    if is_hard:
        return "hard_bounce"
    return "block" if subtype in ("ContentRejected", "AttachmentRejected") else "soft_bounce"


def ses(records: Iterable[Record]) -> Iterator[Event]:
    seen = set()
    for record in records:
        mail, kind = record["mail"], record["eventType"]
        (own,) = (value for name, value in record.items() if name not in ("eventType", "mail"))
        at = datetime.fromisoformat(own.get("timestamp", mail["timestamp"]))
        key = ("ses", mail["sendingAccountId"], mail["tags"]["ses:configuration-set"][0])
        recipients: list[str] = []
        event = {"Open": "open", "Click": "click", "DeliveryDelay": "deferral"}.get(kind, "")
        if kind == "Send":
            event, recipients = "accepted", mail["destination"]
        elif kind == "Delivery":
            event, recipients = "delivered", own["recipients"]
        elif kind == "Bounce":
            event = bounced(own["bounceType"] == "Permanent", own["bounceSubType"])
            recipients = [each["emailAddress"] for each in own["bouncedRecipients"]]
        elif kind == "Complaint":
            event = "" if own["complaintFeedbackType"] == "not-spam" else "complaint"
            event = "suppression" if own["complaintSubType"] else event
            recipients = [each["emailAddress"] for each in own["complainedRecipients"]]
        elif kind == "Subscription" and own["newTopicPreferences"]["unsubscribeAll"]:
            event = "unsubscription"
        # what tells SES's events apart: of a delivery its recipients in any order, of a bounce an id among the rest
        identity = (kind, mail["messageId"], at, str(sorted(recipients) if kind == "Delivery" else own))
        if not event or identity in seen or (recipients and all("simulator" in each for each in recipients)):
            continue
        seen.add(identity)
        client = (own.get("userAgent", ""), own.get("ipAddress", ""), own.get("link"))
        is_to_several = len(mail["destination"]) > 1
        person = mail["messageId"] if is_to_several else mail["destination"][0]
        word = own.get("bounceSubType", own.get("delayType", "")).lower().replace("general", "")
        said = {
            each["emailAddress"]: answered(each["diagnosticCode"], enhanced=each["status"])
            for each in own.get("bouncedRecipients", [])
        }
        campaign = mail["tags"].get("campaign", ["none"])[0]
        dimensions = (("campaign", campaign), ("X-Customer-Tier", "unknown"), ("placement", "none"))
        for recipient in recipients if is_to_several and recipients else [None]:
            domains = {*map(domain_of, [recipient] if recipient else recipients or mail["destination"])}
            whose = (domains.pop() if len(domains) == 1 else "several", "")
            answer = joined(said.get(recipient or "", "") if recipient else joined(*said.values()), word)
            message = mail["messageId"]
            yield Event(key, message, recipient, at, event, "none", *client, *whose, dimensions, answer, person)


def pinpoint(records: Iterable[Record]) -> Iterator[Event]:
    kinds = {"send": "accepted", "delivered": "delivered", "open": "open", "click": "click"}
    kinds |= {"unsubscribe": "unsubscription", "complaint": "complaint"}
    counted = set()
    for record in sorted(records, key=lambda record: int(record["arrival_timestamp"])):
        kind = record["event_type"].removeprefix("_email.")
        own = record["facets"]["email_channel"]["mail_event"]
        event, message = kinds.get(kind, ""), own["mail"]["message_id"]
        if kind.endswith("bounce"):
            event = bounced(kind == "hardbounce", own["bounce"]["bounce_sub_type"])
        elif kind == "complaint" and own["complaint"]["complaint_feedback_type"] == "not-spam":
            event = ""
        elif kind in ("send", "delivered"):
            event = "" if (kind, message) in counted else event
            counted.add((kind, message))
        client = own.get(kind, {})
        at = datetime.fromtimestamp(record["arrival_timestamp"] / 1000, UTC)
        if event:
            key = ("pinpoint", "shop", record["attributes"]["journey_id"])
            agent, address = client.get("user_agent", ""), client.get("ip_address", "")
            domain = domain_of(own["mail"].get("destination", ["@none"])[0])
            link, activity = client.get("link"), ("activity", record["attributes"]["journey_activity_id"])
            bounce = own.get("bounce", {})
            said = [_ANSWERS[each["diagnostic_code"]] for each in bounce.get("bounced_recipients", [])]
            answer = joined(*said, bounce.get("bounce_sub_type", "").lower().replace("general", ""))
            told = (agent, address, link, domain, "", (activity,), answer, record["client"]["client_id"])
            yield Event(key, message, None, at, event, "none", *told)


def common_since(sources: dict[str, list[Record]]) -> dict[tuple[str, str], datetime]:
    """By vendor and domain, when its second recipient was first named, in whatever version of an event."""
    named: dict[tuple[str, str], dict[str, datetime]] = defaultdict(dict)

    def name(vendor: str, address: str, at: datetime) -> None:
        of_domain = named[vendor, domain_of(address)]
        of_domain[address] = min(at, of_domain.get(address, at))

    for record in sources["mailgun/events"]:
        is_outgoing = record["event"] == "accepted" and record["flags"]["is-authenticated"]
        if is_outgoing or record["event"] in ("delivered", "failed"):
            stated = record.get("timestamp")
            at = datetime.fromtimestamp(stated, UTC) if stated else datetime.fromisoformat(record["@timestamp"])
            name("mailgun", record["recipient"], at)
    for record in sources["ses/events"]:
        mail, bounce = record["mail"], record.get("bounce", {})
        addresses = mail["destination"] if "send" in record else record.get("delivery", {}).get("recipients", [])
        addresses = addresses or [each["emailAddress"] for each in bounce.get("bouncedRecipients", [])]
        own = record.get("delivery") or bounce or mail
        for address in addresses:
            name("ses", address, datetime.fromisoformat(own["timestamp"]))
    for record in sources["pinpoint/events"]:
        for address in record["facets"]["email_channel"]["mail_event"]["mail"].get("destination", []):
            name("pinpoint", address, datetime.fromtimestamp(record["arrival_timestamp"] / 1000, UTC))
    return {key: sorted(times.values())[_COMMON - 1] for key, times in named.items() if len(times) >= _COMMON}


@cache
def seed_rows(name: str) -> list[Record]:
    """Ours, and then a company's own."""
    found: list[Record] = []
    for path in (f"seeds/email_{name}.csv", f"seeds/own/email_own_{name}.csv"):
        with (PROJECT / path).open(newline="") as file:
            found += csv.DictReader(file)
    return found


def whose_mailbox(event: Event, since: dict[tuple[str, str], datetime]) -> Slice:
    """The mailbox provider, and the domain where it is common."""
    known = {(row["kind"], row["pattern"].lower()): row["provider"] for row in seed_rows("mailbox_providers")}
    word, domain = event.provider_word, event.domain
    by_domain = domain if domain in ("none", "several") else known.get(("domain", domain))
    by_word = known.get(("vendor word", word.lower()), "" if word == "Other" else word)
    is_common = by_domain or event.at >= since.get((event.key[0], domain), datetime.max.replace(tzinfo=UTC))
    return "all", by_word or by_domain or "other", domain if is_common else "other", "all", "all"


def rules(of: str = "machine_rules") -> list[Record]:
    return sorted(seed_rows(of), key=lambda rule: int(rule["position"]))


def matches(rule: Record, event: Event) -> bool:
    pattern, agent = rule["pattern"].lower(), event.agent.lower()
    if rule["kind"] == "address range":
        return "." in event.address and ip_address(event.address) in ip_network(pattern)
    by_kind = {"vendor word": event.word == pattern, "user agent is": agent == pattern}
    return by_kind.get(rule["kind"], pattern in agent)


def told_apart(event: Event, of_message: list[Event], known: list[Record]) -> tuple[str, bool]:
    """The rule that an open or click matches, and whether it is a machine's."""
    for rule in known:
        if matches(rule, event):
            return rule["rule"], rule["is_machine"] == "true"
    delivered = [other.at for other in of_message if other.kind == "delivered"]
    if delivered and event.at < min(delivered) + timedelta(seconds=5):
        return "soon_after_delivery", True
    near = {
        other.link
        for other in of_message
        if other.kind == "click" == event.kind and abs(other.at - event.at) <= timedelta(seconds=1)
    }
    return ("links_at_once", True) if len(near) > 1 else ("", False)


def reason(answer: str, known: list[Record]) -> tuple[str, str, str]:
    """The status, enhanced status and class of an answer."""
    smtp = re.match(r"\d{3}(?!\S)", answer)
    enhanced = re.search(r"\b[45]\.\d{1,3}\.\d{1,3}\b", answer)
    status = {"smtp status": smtp[0] if smtp else "none", "enhanced status": enhanced[0] if enhanced else "none"}
    for rule in known:
        pattern, kind = rule["pattern"].lower(), rule["kind"]
        is_part = re.search(rf"(?<!\S){re.escape(pattern)}(?!\S)", answer)
        is_met = {"words": bool(is_part), "smtp status": status["smtp status"] == pattern}
        if is_met.get(kind, status["enhanced status"].split(".")[: pattern.count(".") + 1] == pattern.split(".")):
            return *status.values(), rule["class"]
    return *status.values(), "unclassified"


def counts(events: list[Event], since: dict[tuple[str, str], datetime]) -> tuple[Counts, Outcomes]:
    """Counts by key, instant and what they are of, `all` for all events; and what failures and clicks count as."""
    found: Counts = defaultdict(Counter)
    outcomes: Outcomes = []
    known, seen = rules(), set()
    messages: dict[object, list[Event]] = defaultdict(list)
    for event in sorted(events, key=lambda event: event.at):
        messages[event.key[0], event.message].append(event)

    def is_first(*of: object) -> bool:
        is_new = of not in seen
        seen.add(of)
        return is_new

    def count(event: Event, *names: str, rule: str = "") -> None:
        slices = [_ALL, whose_mailbox(event, since), *(_ALL[:3] + each for each in event.dimensions)]
        for of in [*slices, (rule, *_ALL[1:])] if rule else slices:
            found[event.key, event.at, of].update(names)

    for name, of_message in messages.items():
        delivered = {e.recipient: e.at for e in reversed(of_message) if e.kind == "delivered"}
        failures: dict[object, list[tuple[int, datetime, Event]]] = defaultdict(list)
        for event in of_message:
            kind = event.kind
            if kind == "accepted":
                count(event, "accepted_count")
            elif kind == "delivered":
                count(event, "delivered_count", "sent_count")
            elif kind in ("open", "click"):
                rule, is_machine = told_apart(event, of_message, known)
                who = "machine" if is_machine else "human"
                names = [f"{kind}_count", f"{who}_{kind}_count"]
                names += [f"unique_{kind}_count"] * is_first(name, kind, event.recipient)
                if not is_machine and is_first(name, kind, event.recipient, "human"):
                    names.append(f"human_unique_{kind}_count")
                count(event, *names, rule=rule)
                if kind == "click":
                    link = (name, event.recipient, _LINKS[event.link or ""])
                    of_link = ["click_count"] + ["unique_click_count"] * is_first(*link)
                    of_link += ["human_click_count"] * (not is_machine)
                    of_link += ["human_unique_click_count"] * (not is_machine and is_first(*link, "human"))
                    outcomes.append((event, of_link))
            elif kind == "soft_bounce" and event.recipient in delivered:
                is_earlier = event.at < delivered[event.recipient] - timedelta(seconds=1)
                if is_earlier and is_first(name, "deferral", event.recipient):
                    count(event, "deferred_count")
                    outcomes.append((event, ["deferred_count"]))
            elif kind in ("hard_bounce", "block", "soft_bounce"):
                gravity = ("hard_bounce", "block", "soft_bounce").index(kind)
                failures[event.recipient].append((gravity, event.at, event))
            elif is_first(name, kind, event.recipient):
                plain = {"deferral": "deferred", "suppression": "suppressed", "complaint": "complained"}
                count(event, f"{plain.get(kind, 'unsubscribed')}_count")
                if kind == "deferral":
                    outcomes.append((event, ["deferred_count"]))
        for recipient, failed in failures.items():
            *_, event = min(failed, key=lambda each: each[:2])
            kinds = {"hard_bounce": "hard_bounced_count", "block": "blocked_count", "soft_bounce": "soft_bounced_count"}
            names = [kinds[event.kind], *["bounced_count"] * (event.kind != "block")]
            count(event, *names, *["sent_count"] * (recipient not in delivered))
            outcomes.append((event, ["failed_count", kinds[event.kind]]))
    return found, outcomes


def starts(at: datetime, grain: str) -> date:
    """The period of a grain that an instant is in."""
    period = at.replace(tzinfo=None, minute=0, second=0, microsecond=0)
    if grain == "hourly":
        return period
    return period.date().replace(day=1) if grain == "monthly" else period.date()


def expected(counted_at: Counts, grain: str) -> dict[tuple[Any, ...], Counter[str]]:
    """Rows of the marts of a grain; those of no count are left out, as are the zeros in the others."""
    rows: dict[tuple[Any, ...], Counter[str]] = defaultdict(Counter)
    for (key, at, of), counted in counted_at.items():
        for whose in (key, _TOTAL):
            rows[*whose, *of, starts(at, grain)] += counted
    return {row: counted for row, counted in rows.items() if counted}


def cohorts(events: list[Event], grain: str) -> dict[tuple[Any, ...], Counter[str]]:
    """The same of the marts of cohorts: what became of each message, by its sending."""
    rows: dict[tuple[Any, ...], Counter[str]] = defaultdict(Counter)
    messages: dict[object, list[Event]] = defaultdict(list)
    for event in events:
        messages[event.key[0], event.message].append(event)
    for of_message in messages.values():
        sent = [e.at for kind in ("accepted", "delivered") if (e := first(of_message, kind))][:1]
        for (key, at, of), counted in counts(of_message, {})[0].items():
            kept = Counter({name: n for name, n in counted.items() if of == _ALL and name in _OF_COHORTS})
            if not sent or not kept:
                continue
            begun = min(*sent, at)
            days = (at.date() - begun.date()).days
            if days <= 30:
                period = starts(begun, grain)
                for whose in (key, _TOTAL):
                    rows[*whose, days, period] += kept
    return rows


def first(events: list[Event], kind: str) -> Event | None:
    return min((event for event in events if event.kind == kind), key=lambda event: event.at, default=None)


def expected_reasons(
    outcomes: Outcomes, since: dict[tuple[str, str], datetime], grain: str
) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Rows of email_bounce_reasons: counts, first and last time and example."""
    known = rules("bounce_classes")
    rows: dict[tuple[Any, ...], list[tuple[Event, list[str]]]] = defaultdict(list)
    for event, names in outcomes:
        for of in (event.key, _TOTAL) if event.kind != "click" else ():
            why = (whose_mailbox(event, since)[1], *reason(event.answer, known))
            rows[*of, *why, starts(event.at, grain)].append((event, names))
    found = {}
    for row, of_row in rows.items():
        times = [event.at.replace(tzinfo=None, microsecond=0).isoformat(" ") for event, _ in of_row]
        answers = [event.answer for event, _ in of_row if event.answer]
        counted = Counter(name for _, names in of_row for name in names)
        found[row] = (counted, min(times), max(times), min(answers, default=None))
    return found


def expected_links(outcomes: Outcomes, grain: str) -> dict[tuple[Any, ...], Counter[str]]:
    """Rows of email_links; links of which all clicks of the month are of one sixteenth of recipients are one."""
    clicks = [(event, names) for event, names in outcomes if event.kind == "click"]
    parts = defaultdict(set)
    for event, _ in clicks:
        parts[event.key, _LINKS[event.link or ""], starts(event.at, "monthly")].add(
            md5(event.person.encode()).hexdigest()[0]
        )
    rows: dict[tuple[Any, ...], Counter[str]] = defaultdict(Counter)
    for event, names in clicks:
        link = _LINKS[event.link or ""]
        if len(parts[event.key, link, starts(event.at, "monthly")]) == 1:
            link = ("{one recipient}", "{one recipient}")
        for of in (event.key, _TOTAL):
            rows[*of, *link, starts(event.at, grain)].update(names)
    return rows


def columns(home: TestHome, mart: str) -> list[str]:
    return [name for (name,) in home.query(f"select column_name from (describe {mart})")]


def shown(home: TestHome, grain: str, **marts: str) -> dict[tuple[Any, ...], Counter[str]]:
    """Rows of marts of a grain, each by columns beside the vendor's keys and the period."""
    rows: dict[tuple[Any, ...], Counter[str]] = {}
    for mart, of in marts.items():
        names = [name for name in columns(home, f"{mart}_{grain}") if name.endswith("_count")]
        keys = f"vendor, account, sender, {of}, period_start"
        for row in home.query(f"select {keys}, {', '.join(names)} from {mart}_{grain}"):
            counted = row[-len(names) :]
            rows[row[: -len(names)]] = +Counter(dict(zip(names, counted, strict=True)))
    return {row: counted for row, counted in rows.items() if counted}


def test_marts_agree_with_a_second_implementation_in_whatever_order_events_land(home: TestHome) -> None:
    chance = random.Random(2)
    sources = Maker(chance).events(count=220)
    events = [
        *mailgun(sources["mailgun/events"]),
        *ses(sources["ses/events"]),
        *pinpoint(sources["pinpoint/events"]),
    ]
    landed = {source: records + chance.sample(records, 20) for source, records in sources.items()}
    loads = 3
    variables: dict[str, Any] = {"email_domain_recipients": _COMMON, "mailgun_dimensions": [_PLAN, _TIER]}
    for load in range(loads):
        for source, records in landed.items():
            if load == 0:
                chance.shuffle(records)
            home.put(source, f"{load}.json", records[load::loads])
        home.land()
        home.build(*_MARTS, **variables)
    marts = {name: rows for name, rows in home.marts().items() if name.startswith("email")}
    since = common_since(sources)
    counted_at, outcomes = counts(events, since)
    for grain in ("hourly", "daily", "monthly"):
        wanted = expected(counted_at, grain)
        by_rule = {
            row: Counter({name: n for name, n in counted.items() if row[3] == "all" or name in _OF_RULES})
            for row, counted in wanted.items()
        }
        assert shown(home, grain, **_SLICES) == by_rule, grain
        assert shown(home, grain, email_cohorts="days_after") == cohorts(events, grain), grain
        names = ["failed_count", "hard_bounced_count", "soft_bounced_count", "blocked_count", "deferred_count"]
        keys = "vendor, account, sender, provider, smtp_status, enhanced_status, bounce_class, period_start"
        said = "first_seen_at, last_seen_at, example"
        rows = home.query(f"select {keys}, {said}, {', '.join(names)} from email_bounce_reasons_{grain}")
        reasons = {row[:8]: (+Counter(dict(zip(names, row[11:], strict=True))), *row[8:11]) for row in rows}
        assert reasons == expected_reasons(outcomes, since, grain), grain
        # each failure has a reason
        assert {name: sum(each[0][name] for row, each in reasons.items() if row[0] == "all") for name in names[1:]} == {
            name: sum(counted[name] for row, counted in wanted.items() if row[0] == "all" and row[3:8] == _ALL)
            for name in names[1:]
        }
        names = ["click_count", "unique_click_count", "human_click_count", "human_unique_click_count"]
        keys = "vendor, account, sender, link, campaign, period_start"
        rows = home.query(f"select {keys}, {', '.join(names)} from email_links_{grain}")
        links = {row[:6]: +Counter(dict(zip(names, row[6:], strict=True))) for row in rows}
        assert links == expected_links(outcomes, grain), grain
    every = sum(wanted.values(), Counter[str]())
    assert {name for name in columns(home, "email_metrics_daily") if name.endswith("_count")} == {*every}
    rules_met = {row[3] for row in wanted}
    assert {"all", "soon_after_delivery", "links_at_once", "example_network", "microsoft_mail_filter"} < rules_met
    providers = {row[4:6] for row in wanted}
    assert {("Outlook", "hotmail.com"), ("Example Mail", "mail.example.com"), ("Yahoo", "other")} < providers
    assert {("other", "x.example"), ("other", "other"), ("several", "several"), ("none", "none")} < providers
    assert not {domain for _, domain in providers} & {"y.example", "z.example"}
    assert {0, 1, 23} <= {row[3] for row in cohorts(events, "daily")}
    home.build("--full-refresh", *_MARTS, **variables)
    assert {name: rows for name, rows in home.marts().items() if name.startswith("email")} == marts
    reasons = expected_reasons(outcomes, since, "monthly")
    met = {row[6] for row in reasons}
    assert {"Outlook", "Yahoo", "Example Mail", "other", "several", "none"} <= {row[3] for row in reasons}
    assert {"unknown_mailbox", "mailbox_full", "reputation", "policy", "unclassified"} <= met
    assert {row[3] for row in expected_links(outcomes, "monthly")} > {
        "{one recipient}",
        "https://x.example/a",
        "{link}",
    }


def macros(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the macros by which answers and links are cleaned, out of dbt's."""
    create_tokens(connection, "key")
    environment = Environment()
    environment.globals["var"] = lambda name: dbt_project()["vars"][name]
    text = (PROJECT / "macros" / "email" / "published_link.sql").read_text()
    module = environment.from_string(text).module
    for name in ("published_link", "published_campaign"):
        connection.execute(f"create temp macro {name}(stated) as {getattr(module, name)('stated')}")


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        *((answer, kept) for answer, kept in _ANSWERS.items()),
        (
            "smtp; 550-5.1.1 The email account that you tried to reach does not exist.",
            "550 5.1.1 the email account that you tried to reach does not exist",
        ),
        # a status is where a server's answer begins
        (
            "smtp;550 5.7.606 Access denied, banned sending IP [192.0.2.7]",
            "550 5.7.606 access denied banned sending ip",
        ),
        ("5.7.606 Access denied, banned sending IP [192.0.2.7]", "5.7.606 access denied banned sending ip"),
        (
            "554 30 Sorry, your message to ann@x.example cannot be delivered.",
            "554 sorry your message to cannot be delivered",
        ),
        (
            "host mx.x.example[192.0.2.7] said: 452-4.2.2 The account is over quota (in reply to RCPT TO command)",
            "452 host 4.2.2 the account is over quota in to to command",
        ),
        (
            "host mx.x.example[192.0.2.7] refused to talk to me: 421 Service not available",
            "421 host refused to to service not",
        ),
        (
            "SMTP error from remote mail server after RCPT TO:<ann@x.example>: 550 No such user",
            "550 error from remote mail server no such user",
        ),
        (
            "5.1.0 - Unknown address error 550-'5.1.1 <ann@x.example>: User unknown'",
            "550 5.1.0 unknown address error 5.1.1 user unknown",
        ),
        (
            "4.4.7 Message expired: unable to deliver in 600 minutes.<421 4.4.0 Unable to lookup DNS>",
            "421 4.4.7 message expired unable to deliver in minutes 4.4.0 unable to dns",
        ),
        ("605", "605"),
        # and no other number is one
        ("Mailbox of (555) 010-0234 is full, call 555-0100 or 555 0100", "mailbox of is full or"),
        ("555-0100", ""),
        ("Message is 450 kB, more than 400", "message is than"),
        ("Timeout after 300 seconds, Exim 4.94.2.1, 5.12.2026", "timeout seconds"),
        # Exchange's words look like a host, Gmail's are in a link
        (
            "Remote Server returned '550 5.1.1 RESOLVER.ADR.RecipNotFound; not found'",
            "550 remote server 5.1.1 recipnotfound not found",
        ),
        (
            "550-5.1.1 Please try https://support.google.com/mail/?p=NoSuchUser a1-20b.5 - gsmtp",
            "550 5.1.1 please try nosuchuser",
        ),
        ("https://support.google.com/mail/?p=ann https://support.google.com/mail/full/ann", ""),
        ('550 "ann full lee"@x.example: no such user, ann.full@x.example, <mailbox@full.example>', "550 no such user"),
        ("user ann_full=x.example bounce+ann=full.example via full.example.com", "user"),
        ("450 ann%40full.example 198.51.100.7 +1 555 010 0234 try again", "450 try again"),
        ("No MX for [mail.full.example]", "no mx for"),
        (
            "554 this user doesn't have a yahoo.com account (ann.lee@yahoo.com) [0]",
            "554 this user doesn't have a account",
        ),
        (
            "500 Ann Lee \u65e5\u672c erased-kcbmfoapdhlegnijobdkcmaf@x.org eyJhbGciOiJIUzI1NiJ9 3f2504e0-4f89-11d3",
            "500",
        ),
        ("", ""),
        (None, None),
    ],
)
def test_of_an_answer_words_of_a_list_stay(answer: str | None, kept: str | None) -> None:
    with duckdb.connect() as sql:
        macros(sql)
        assert sql.execute("select answer_words($1), answer_words(answer_words($1))", [answer]).fetchall() == [
            (kept, kept)
        ]


def test_a_rule_for_bounces_can_be_met() -> None:
    """Its words are among those that stay of an answer."""
    with duckdb.connect() as sql:
        macros(sql)
        for rule in rules("bounce_classes"):
            if rule["kind"] == "words":
                assert sql.execute("select answer_words($1)", [rule["pattern"]]).fetchall() == [(rule["pattern"],)]


@pytest.mark.parametrize(
    ("url", "link", "campaign"),
    [
        *((url, *published) for url, published in _LINKS.items()),
        (
            "https://shop.example.com/Summer-Sale/?utm_campaign=spring%20sale&x=1#top",
            "https://shop.example.com/Summer-Sale",
            "spring%20sale",
        ),
        ("http://example.com:80", "http://example.com", "none"),
        ("http://example.com:8080/a//b/", "http://example.com:8080/a/b", "none"),
        ("https://ann:pw@x.example/a?utm_campaign=ann@x.example", "{link}", "{id}"),
        ("https://x.example/u/0/inbox", "https://x.example/u/0/inbox", "none"),
        ("https://x.example/magic/3f2504e0-4f89-11d3-9a0c-0305e82c3301", "https://x.example/magic/{id}", "none"),
        ("https://x.example/cart;jsessionid=0A1B2C/checkout?x=y", "https://x.example/cart/checkout", "none"),
        ("mailto:ann@x.example", "{link}", "none"),
        ("tel:+15550100234", "{link}", "none"),
        ("https://m\u00fcnchen.example/stra\u00dfe/", "https://m\u00fcnchen.example/stra\u00dfe", "none"),
        ("https://xn--mnchen-3ya.example/stra%C3%9Fe", "https://xn--mnchen-3ya.example/stra%C3%9Fe", "none"),
        ("https://x.example/YW5uQHguZXhhbXBsZQ", "https://x.example/{id}", "none"),
        ("https://x.example/ann%2540x.example", "https://x.example/{id}", "none"),
        ("https://x.example/orders/123456/555-0102", "https://x.example/orders/{id}/{id}", "none"),
        ("https://x.example/kcbmfoapdhlegnijobdkcmaf", "https://x.example/{id}", "none"),
        ("https://u1234567.ct.example.net/ls/click?upn=u001.AbC", "https://{id}.ct.example.net/ls/click", "none"),
        ("https://x.example/#/reset/abcdef0123456789", "https://x.example", "none"),
        ("https://x.example/A1B2-C3D4-E5F6", "https://x.example/{id}", "none"),
        ("https://x.example?x=1&utm_campaign=9f8e7d6c5b4a3f2e1d0c", "https://x.example", "{id}"),
        ("", "{link}", "none"),
        (None, "none", "none"),
    ],
)
def test_links_are_published_without_persons(url: str | None, link: str, campaign: str) -> None:
    with duckdb.connect() as sql:
        macros(sql)
        ((found, of_old, named),) = sql.execute(
            "select published_link($1), published_link(link($1)), published_campaign($1)", [url]
        ).fetchall()
    assert (found, of_old, named) == (link, link, campaign)
