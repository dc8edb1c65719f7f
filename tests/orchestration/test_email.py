"""The marts of e-mail against a second implementation in plain Python, in whatever order the vendors' events land."""

from __future__ import annotations

import csv
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from ipaddress import ip_address, ip_network
from typing import Any

from touchstone.settings import PROJECT

from .conftest import TestHome

Record = dict[str, Any]
Key = tuple[str, str, str]  # vendor, account and sender
Slice = tuple[str, str, str, str, str]  # rule for machines; mailbox provider and domain; dimension and its value
Counts = dict[tuple[Key, datetime, Slice], Counter[str]]

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

    def events(self, count: int) -> dict[str, list[Record]]:
        made = {"mailgun/events": self.mailgun, "ses/events": self.ses, "pinpoint/events": self.pinpoint}
        return {source: [event for _ in range(count) for event in make()] for source, make in made.items()}

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _at(self, message: int) -> datetime:
        later = self._chance.choice(_LATER) + message % 3 * 0.001
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
            "recipient-provider": pick(["", "Other", "Yahoo US", "Corp Mail"]) if kind != "accepted" else None,
            "template": pick([None, {"name": "welcome"}, {"name": "digest"}]),
            "tags": pick([None, ["news"], ["News", "offer", "news"]]),
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
            "url": f"https://x.example/{pick('ab')}" if kind == "clicked" else None,
        }
        yield event
        if kind == "failed" and self._chance.random() < 0.3:  # the item of the Logs API counts in its place
            item = {name: value for name, value in event.items() if name != "timestamp"}
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
            own |= {"feedbackId": feedback, "bouncedRecipients": [{"emailAddress": each} for each in some]}
        elif kind == "Complaint":
            own["complaintFeedbackType"] = pick(["abuse", "not-spam", None])
            own["complaintSubType"] = pick([None, None, "OnAccountSuppressionList"])
            own |= {"feedbackId": feedback, "complainedRecipients": [{"emailAddress": each} for each in some]}
        elif kind in ("Open", "Click"):
            own = client | ({"link": f"https://x.example/{pick('ab')}"} if kind == "Click" else {})
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
        elif kind == "complaint":
            own["complaint"] = {"complaint_feedback_type": pick(["abuse", "not-spam"])}
        elif kind in ("open", "click"):
            own[kind] = {"ip_address": address, "user_agent": agent}
            own[kind] |= {"link": f"https://x.example/{pick('ab')}"} if kind == "click" else {}
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


def domain_of(address: str) -> str:
    return address.partition("@")[2].lower()


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
        if kind:
            dimensions = (("template", template["name"]), *(("tag", tag) for tag in tags))
            yield Event(key, message, None, at, kind, *client, *whose, dimensions)


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
        for recipient in recipients if len(mail["destination"]) > 1 and recipients else [None]:
            domains = {*map(domain_of, [recipient] if recipient else recipients or mail["destination"])}
            domain = domains.pop() if len(domains) == 1 else "several"
            campaign = mail["tags"].get("campaign", ["none"])[0]
            dimensions = (("campaign", campaign), ("X-Customer-Tier", "unknown"), ("placement", "none"))
            yield Event(key, mail["messageId"], recipient, at, event, "none", *client, domain, "", dimensions)


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
            yield Event(key, message, None, at, event, "none", agent, address, link, domain, "", (activity,))


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


def rules() -> list[Record]:
    return sorted(seed_rows("machine_rules"), key=lambda rule: int(rule["position"]))


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


def counts(events: list[Event], since: dict[tuple[str, str], datetime]) -> Counts:
    """Counts by key, instant and what they are of, `all` for all events."""
    found: Counts = defaultdict(Counter)
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
            elif kind == "soft_bounce" and event.recipient in delivered:
                is_earlier = event.at < delivered[event.recipient] - timedelta(seconds=1)
                if is_earlier and is_first(name, "deferral", event.recipient):
                    count(event, "deferred_count")
            elif kind in ("hard_bounce", "block", "soft_bounce"):
                gravity = ("hard_bounce", "block", "soft_bounce").index(kind)
                failures[event.recipient].append((gravity, event.at, event))
            elif is_first(name, kind, event.recipient):
                plain = {"deferral": "deferred", "suppression": "suppressed", "complaint": "complained"}
                count(event, f"{plain.get(kind, 'unsubscribed')}_count")
        for recipient, failed in failures.items():
            *_, event = min(failed, key=lambda each: each[:2])
            kinds = {"hard_bounce": "hard_bounced_count", "block": "blocked_count", "soft_bounce": "soft_bounced_count"}
            names = [kinds[event.kind], *["bounced_count"] * (event.kind != "block")]
            count(event, *names, *["sent_count"] * (recipient not in delivered))
    return found


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
        for whose in (key, ("all", "all", "all")):
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
        for (key, at, of), counted in counts(of_message, {}).items():
            kept = Counter({name: n for name, n in counted.items() if of == _ALL and name in _OF_COHORTS})
            if not sent or not kept:
                continue
            begun = min(*sent, at)
            days = (at.date() - begun.date()).days
            if days <= 30:
                period = starts(begun, grain)
                for whose in (key, ("all", "all", "all")):
                    rows[*whose, days, period] += kept
    return rows


def first(events: list[Event], kind: str) -> Event | None:
    return min((event for event in events if event.kind == kind), key=lambda event: event.at, default=None)


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
    chance = random.Random(1)
    sources = Maker(chance).events(count=220)
    events = [
        *mailgun(sources["mailgun/events"]),
        *ses(sources["ses/events"]),
        *pinpoint(sources["pinpoint/events"]),
    ]
    landed = {source: records + chance.sample(records, 20) for source, records in sources.items()}
    loads = 3
    for load in range(loads):
        for source, records in landed.items():
            if load == 0:
                chance.shuffle(records)
            home.put(source, f"{load}.json", records[load::loads])
        home.land()
        home.build(*_MARTS, email_domain_recipients=str(_COMMON))
    marts = {name: rows for name, rows in home.marts().items() if name.startswith("email")}
    counted_at = counts(events, common_since(sources))
    for grain in ("hourly", "daily", "monthly"):
        wanted = expected(counted_at, grain)
        by_rule = {
            row: Counter({name: n for name, n in counted.items() if row[3] == "all" or name in _OF_RULES})
            for row, counted in wanted.items()
        }
        assert shown(home, grain, **_SLICES) == by_rule, grain
        assert shown(home, grain, email_cohorts="days_after") == cohorts(events, grain), grain
    every = sum(wanted.values(), Counter[str]())
    assert {name for name in columns(home, "email_metrics_daily") if name.endswith("_count")} == {*every}
    rules_met = {row[3] for row in wanted}
    assert {"all", "soon_after_delivery", "links_at_once", "example_network", "microsoft_mail_filter"} < rules_met
    providers = {row[4:6] for row in wanted}
    assert {("Outlook", "hotmail.com"), ("Example Mail", "mail.example.com"), ("Yahoo", "other")} < providers
    assert {("other", "x.example"), ("other", "other"), ("several", "several"), ("none", "none")} < providers
    assert not {domain for _, domain in providers} & {"y.example", "z.example"}
    assert {0, 1, 23} <= {row[3] for row in cohorts(events, "daily")}
    home.build("--full-refresh", *_MARTS, email_domain_recipients=str(_COMMON))
    assert {name: rows for name, rows in home.marts().items() if name.startswith("email")} == marts
