"""What happens to people: their ways through journeys, what they do with messages, and what else Pinpoint streams."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from itertools import accumulate
from typing import NamedTuple, TypeVar

from touchstone.sample import lives
from touchstone.sample.files import Sink
from touchstone.sample.pinpoint.contacts import CALLS, FAILED, OTHERS, Contact
from touchstone.sample.pinpoint.journeys import (
    ALERTS,
    CART,
    CONTACT_CENTER,
    CUSTOM,
    DIALLED,
    EMAIL,
    OTHER_DIALLED,
    PUSH,
    SHOP,
    SMS,
    TEST,
    WELCOME,
    WIN_BACK,
    Journey,
    Step,
    Way,
    World,
)
from touchstone.sample.pinpoint.records import (
    AGENTS,
    BACKGROUND,
    CAMPAIGN,
    DELIVERY_FAILURE,
    FAILURES,
    FEEDBACK_TYPES,
    HARD_BOUNCES,
    HELD,
    KEYS,
    LINKS,
    MISSING_TIMEZONE,
    OPENED,
    PARTS,
    PEOPLE,
    PRICES,
    REPORTS,
    SOFT_BOUNCES,
    SUCCESS,
    TEXTS,
    TRANSACTIONAL,
    UNLISTED,
    WAIT_FINISHED,
    ZONES,
    Message,
    Origin,
    Text,
    app_event,
    endpoint,
    endpoint_id,
    event,
    of_journey,
    told_code,
)
from touchstone.sample.plan import Plan
from touchstone.sample.ses.envelopes import uuid
from touchstone.sample.ses.records import DAY, HOUR, MINUTE, SECOND

Value = TypeVar("Value")

# A day is told of in so many parts, and the last snapshot of each is taken somewhat before its end.
PARTS_OF_DAY = 4
BEFORE_THE_END = 10 * MINUTE
# (part of the days, journey, run, activity, key): by how much an execution metric changes; the activity "" is the run
# itself. Metrics of how many are there now go down, too.
Counts = Counter[tuple[int, str, str, str, str]]

# Kinds of files.
EVENTS, CONTACTS = "pinpoint-events", "contact-events"


def spread(weights: Mapping[Value, int]) -> tuple[Value, ...]:
    """Each value as often as its weight, and evenly: to be taken in turn."""
    placed = [
        ((number + index * 0.618 % 1) / weight, index, value)
        for index, (value, weight) in enumerate(weights.items())
        for number in range(weight)
    ]
    return tuple(value for _, _, value in sorted(placed, key=lambda each: each[:2]))


# How common each life is, relative to the others. Names are methods of `Lives`.
LIFE_WEIGHTS = {
    "welcomed": 330,
    "left_cart": 330,
    "won_back": 160,
    "tested": 6,
    "texted_twice": 6,
    "came_back": 6,
    "turned_away": 50,
    "campaign_email": 40,
    "campaign_text": 20,
    "campaign_push": 15,
    "transactional_email": 40,
    "transactional_text": 20,
    "used_app": 30,
    "stream_set_up": 3,
    "other_contact": 25,
}
# Statuses of sends.
STATUSES = {
    SUCCESS: 170,
    "QUIET_TIME": 6,
    "DAILY_CAP": 6,
    HELD: 4,
    "THROTTLED": 3,
    "FAILURE_PERMANENT": 3,
    MISSING_TIMEZONE: 2,
    "UNSUPPORTED_CHANNEL": 2,
    "FAILURE": 2,
    "TRANSIENT_FAILURE": 2,
    "SERVICE_FAILURE": 2,
    "UNKNOWN": 1,
    UNLISTED: 1,
}
SENDS = spread(STATUSES)
CUSTOM_SENDS = spread({SUCCESS: 60, DELIVERY_FAILURE: 6, "THROTTLED": 1, "DAILY_CAP": 1, "QUIET_TIME": 1})
CALL_SENDS = spread({SUCCESS: 60, "FAILURE_PERMANENT": 3, HELD: 2, "THROTTLED": 1, "QUIET_TIME": 1, "DAILY_CAP": 1})
# Statuses that the stream has only now and then, though they are counted.
SELDOM_STREAMED = {"TRANSIENT_FAILURE", "SERVICE_FAILURE"}
# What becomes of an email. Names are methods of `Lives`.
EMAIL_FATES = {
    "read": 150,
    "not_read": 60,
    "bounced": 6,
    "bounced_softly_then_delivered": 4,
    "bounced_softly_then_hard": 3,
    "bounced_softly_for_good": 3,
    "delivered_then_bounced": 2,
    "complained": 3,
    "unsubscribed": 3,
    "rejected": 2,
    "rendering_failed": 2,
    "opened_within_an_hour": 3,
    "opened_over_the_hour": 3,
    "send_not_extracted": 2,
    "opened_weeks_later": 2,
}
EMAILS = spread(EMAIL_FATES)
# The same of the few that no journey sent.
OTHER_EMAILS = spread(dict.fromkeys(EMAIL_FATES, 1) | {"read": 20, "not_read": 8})
TEXT_FATES, PUSH_REPORTS, CALL_OUTCOMES = spread(TEXTS), spread(REPORTS), spread(CALLS)
# How a text message is told of: with its journey; without; or without, and another one that long after the send.
MARKED, UNMARKED = 0, -1
MARKS = spread(
    {MARKED: 24, UNMARKED: 5, 71 * HOUR + 59 * MINUTE: 1, 72 * HOUR + MINUTE: 1, 80 * HOUR: 1, 200 * HOUR: 1}
)
# Why somebody isn't let into a journey.
TURNED_AWAY = spread(
    {
        "REENTRY_CAP_EXCEEDED": 8,
        "ACTIVE_ENDPOINT_REJECTED": 4,
        "ENDPOINT_OPT_OUT": 3,
        "ENDPOINT_INACTIVE": 2,
        "FILTERED_OUT_BY_SEGMENT": 3,
        "ENDPOINT_MISSING_ADDRESS": 1,
        "ENDPOINT_MISSING_CHANNEL": 1,
        "ENDPOINT_MISSING_TIMEZONE": 1,
        "ENDPOINT_TIMEZONE_MISMATCH": 1,
        "DUPLICATE_ENDPOINT": 2,
        "DUPLICATE_USER": 1,
    }
)
# What apps report by themselves: attributes and metrics.
APP_EVENTS = (
    ("_session.start", "", ""),
    ("_session.pause", "", ""),
    ("_session.resume", "", ""),
    ("_session.stop", "", ""),
    ("_userauth.sign_in", "", ""),
    ("_userauth.sign_up", "", ""),
    ("_userauth.auth_fail", "", ""),
    ("_monetization.purchase", '"_product_id":"A-17","_currency":"USD"', '"_item_price":4.5,"_quantity":2.0'),
    ("cart.abandoned", '"items":"3"', '"value":81.25'),
)


# How long a wait is, by the definition's text.
WAITS = {"P1D": DAY, "PT2H": 2 * HOUR}
# Where a participant goes who is taken out of a journey.
REMOVED = "removed"


class Participant(NamedTuple):
    """Somebody on the way through a journey. `wish`: a type of activity to be met, if there is a way to it."""

    journey: Journey
    run: str
    way: Way
    person: int
    wish: str = ""

    def origin(self, step: Step) -> Origin:
        return Origin(SHOP, of_journey(self.run, self.journey.id, step.id), self.person)


class Lives(lives.Lives):
    """People, and everything that happens to each. Times are UTC milliseconds since 1970."""

    weights = LIFE_WEIGHTS
    second = SECOND
    parts = PARTS_OF_DAY

    def __init__(self, plan: Plan, name: str, records: int, sink: Sink) -> None:
        super().__init__(plan, "pinpoint", name, records, sink)
        self.counts = Counts()
        self._world = World(plan)
        self._end = self._start + plan.days * DAY
        self._steps = {
            EMAIL: self.email,
            SMS: self.text,
            PUSH: self.push,
            CUSTOM: self.custom,
            CONTACT_CENTER: self.call,
            "WAIT": self.wait,
            "CONDITIONAL_SPLIT": self.split,
            "MULTI_CONDITIONAL_SPLIT": self.split,
            "RANDOM_SPLIT": self.split,
            "HOLDOUT": self.split,
        }

    def live(self, life: str, at: int) -> None:
        getattr(self, life)(at + int(self._random() * 30 * SECOND), int(self._random() * PEOPLE))

    # ---- What is told and counted, unless it is after the last day, or before the first: nobody kept that.

    def tell(self, at: int, line: str) -> None:
        if self._start <= at < self._end:
            self.land((at - self._start) // self._part, EVENTS, line)

    def tell_contact(self, contact: Contact) -> None:
        events = list(contact.events())
        self._rng.shuffle(events)
        records = self.records
        for at, line in events:
            if at < self._end:
                self.land((at - self._start) // self._part, CONTACTS, line)
        # Contacts are beside the records that are asked for.
        self.records = records

    def count(self, who: Participant, at: int, key: str, step: Step | None = None, change: int = 1) -> None:
        if at < self._end:
            part = (at - self._start + BEFORE_THE_END) // self._part
            self.counts[part, who.journey.id, who.run, step.id if step else "", key] += change

    def bits(self) -> int:
        return self._rng.getrandbits(128)

    # ---- Ways through journeys

    def participant(self, journey: Journey, at: int, person: int, wish: str = "") -> Participant:
        day = (at - self._start) // DAY
        return Participant(journey, self._world.run(journey, day), self._world.way(journey, day), person, wish)

    def enter(self, who: Participant, at: int) -> None:
        for key in ("ENDPOINT_PRODUCED", "ENDPOINT_ENTERED", "ENDPOINT_ACTIVE"):
            self.count(who, at, key)
        if who.person % 3:
            self.count(who, at, "ENDPOINTS_FROM_USER")
        following: str | None = who.way.start
        while following and following != REMOVED:
            step = who.way.steps[following]
            following, at = self._steps[step.type](who, step, at)
        self.count(who, at, "CANCELLED" if following == REMOVED else "ENDPOINT_LEFT")
        self.count(who, at, "ENDPOINT_ACTIVE", change=-1)

    def split(self, who: Participant, step: Step, at: int) -> tuple[str | None, int]:
        ways = step.ways
        if who.wish:
            ways = tuple(way for way in ways if who.way.meets(way[1], who.wish)) or ways
        if step.type in ("CONDITIONAL_SPLIT", "MULTI_CONDITIONAL_SPLIT"):
            at += HOUR
        reach = list(accumulate(weight for _, _, weight in ways))
        key, following, _ = ways[bisect_right(reach, self._random() * reach[-1])]
        self.count(who, at, key, step)
        return following, at

    def wait(self, who: Participant, step: Step, at: int) -> tuple[str | None, int]:
        time, following = step.fields["WaitTime"], step.ways[0][1]
        if "WaitFor" in time:
            until = at + WAITS[time["WaitFor"]]
        else:
            until = int(datetime.fromisoformat(time["WaitUntil"]).timestamp() * SECOND)
        if until <= at:
            self.count(who, at, "WAIT_SKIPPED", step)
            return following, at
        self.count(who, at, "WAIT_STARTED", step)
        self.count(who, until, "WAIT_STARTED", step, -1)
        self.count(who, until, "WAIT_FINISHED", step)
        return following, until

    def send(self, who: Participant, step: Step, at: int, statuses: tuple[str, ...] = SENDS) -> tuple[str, int]:
        """A journey sends, or doesn't: with which status, and when."""
        status = self.turn(statuses)
        if status == HELD:
            if step.type == CONTACT_CENTER:
                self.count(who, at, "WAIT_FOR_QUIET_HOURS", step)
            at += 5 * HOUR + self.soon(HOUR)
            self.journey_send(who, step, at, WAIT_FINISHED)
            status, at = SUCCESS, at + SECOND
        self.count(who, at, KEYS.get(status, status), step)
        if status not in SELDOM_STREAMED or who.person % 3 == 0:
            self.journey_send(who, step, at, status)
        return status, at

    def journey_send(self, who: Participant, step: Step, at: int, status: str) -> None:
        type = "" if status == WAIT_FINISHED else f'"journey_activity_type":"{step.type}",'
        zone = "" if status == MISSING_TIMEZONE else self.pick(ZONES)
        attributes = (
            f'"journey_send_status":"{status}",{type}{told_code(status, who.person)}'
            f"{of_journey(who.run, who.journey.id, step.id)}"
        )
        client, context = endpoint_id(step.type, who.person), endpoint(step.type, who.person, zone)
        self.tell(at, event("_journey.send", at, at + who.person % 300, SHOP, client, attributes, context))

    def email(self, who: Participant, step: Step, at: int) -> tuple[str | None, int]:
        status, at = self.send(who, step, at)
        if status == SUCCESS:
            self.deliver_email(self.message(who.origin(step), at + 200, endpoint_id(EMAIL, who.person)), EMAILS)
        return step.ways[0][1], at + SECOND

    def text(self, who: Participant, step: Step, at: int) -> tuple[str | None, int]:
        status, at = self.send(who, step, at)
        unmarked = Origin(SHOP, "", who.person)
        if status == SUCCESS:
            mark = self.turn(MARKS)
            self.deliver_text(unmarked if mark == UNMARKED else who.origin(step), at)
            if mark > 0:
                self.deliver_text(unmarked, at + mark)
        elif who.person % 3 == 0:
            # Of something else than the journey, which sent nothing.
            self.deliver_text(unmarked, at + MINUTE)
        return step.ways[0][1], at + SECOND

    def push(self, who: Participant, step: Step, at: int) -> tuple[str | None, int]:
        status, at = self.send(who, step, at)
        if status == SUCCESS:
            self.report_push("_journey", who.origin(step), at)
        return step.ways[0][1], at + SECOND

    def custom(self, who: Participant, step: Step, at: int) -> tuple[str | None, int]:
        _, at = self.send(who, step, at, CUSTOM_SENDS)
        return step.ways[0][1], at + 15 * MINUTE

    def call(self, who: Participant, step: Step, at: int) -> tuple[str | None, int]:
        """A call by Amazon Connect; once more if no agent was free in time."""
        status, at = self.send(who, step, at, CALL_SENDS)
        if status != SUCCESS:
            return step.ways[0][1], at + SECOND
        self.count(who, at, "CALL_QUEUED", step)
        self.count(who, at, "WAIT_STARTED", step)
        dialled = at + MINUTE + self.soon(HOUR)
        following, result = step.ways[0][1], "WAIT_FINISHED"
        if who.person % 30 == 0:
            # Not in the segment any more when it is looked up again.
            following, result, over = REMOVED, "DROPPED", dialled
        else:
            contact = self.dial(who, dialled)
            if contact.outcome.reason == "EXPIRED":
                self.count(who, contact.over, "CALL_QUEUED", step)
                self.count(who, contact.over, "CONTINUE_WAITING", step)
                contact = self.dial(who, contact.over + HOUR)
            over = contact.over
            if contact.outcome.reason in FAILED:
                self.count(who, over, "DIAL_FAILURE", step)
            elif contact.outcome.reason == "EXPIRED":
                result = "TIMEOUT"
        self.count(who, over, "WAIT_STARTED", step, -1)
        self.count(who, over, result, step)
        return following, over + MINUTE

    def dial(self, who: Participant, at: int) -> Contact:
        contact = Contact(uuid(self.bits()), who.person, at, self.turn(CALL_OUTCOMES), DIALLED)
        self.tell_contact(contact)
        return contact

    # ---- Emails

    def message(self, origin: Origin, sent: int, client: str) -> Message:
        return Message(origin, client, f"0100{sent:012x}-{uuid(self.bits())}-000000", sent)

    def deliver_email(self, m: Message, fates: tuple[str, ...] = OTHER_EMAILS) -> None:
        getattr(self, self.turn(fates))(m)

    def tell_email(self, m: Message, type: str, at: int, feedback: str, own: str) -> None:
        self.tell(at, m.event(f"_email.{type}", at, feedback, own))

    def sent(self, m: Message) -> None:
        self.tell_email(m, "send", m.sent + 400 + self.soon(SECOND), "received", '"send":{}')

    def delivered(self, m: Message, at: int) -> None:
        own = (
            f'"delivery":{{"smtp_response":"250 2.0.0 accepted","reporting_mta":"out-3.mail.example",'
            f'"recipients":["{m.to}"],"processing_time_millis":{at - m.sent}}}'
        )
        self.tell_email(m, "delivered", at, "delivered", own)

    def bounce(self, m: Message, type: str, at: int, kind: tuple[str, str, str, str]) -> None:
        bounce_type, subtype, status, diagnostic = kind
        own = (
            f'"bounce":{{"bounce_type":"{bounce_type}","bounce_sub_type":"{subtype}","bounced_recipients":['
            f'{{"email_address":"{m.to}","action":"failed","status":"{status}",'
            f'"diagnostic_code":"smtp; {diagnostic}"}}],'
            f'"feedback_id":"{m.id[:-7]}-{type}","reporting_mta":"dns; out-3.mail.example"}}'
        )
        self.tell_email(m, type, at, type, own)

    def opened(self, m: Message, at: int) -> None:
        own = f'"open":{{"ip_address":"198.51.100.{m.origin.person % 200}","user_agent":"{self.pick(AGENTS)}"}}'
        self.tell_email(m, "open", at, "opened", own)

    def clicked(self, m: Message, at: int, type: str = "click") -> None:
        """Unsubscribing is clicking on a link of that kind."""
        link = self.turn(LINKS).replace("%d", str(m.origin.person))
        tags = ',"link_tags":{"unsubscribeLinkTag":["click"]}' if type == "unsubscribe" else ""
        own = (
            f'"click":{{"ip_address":"198.51.100.{m.origin.person % 200}","user_agent":"{self.pick(AGENTS)}",'
            f'"link":"{link}"{tags}}}'
        )
        self.tell_email(m, type, at, link, own)

    def arrived(self, m: Message) -> int:
        """Sent and delivered: when."""
        at = m.sent + 900 + self.soon(4 * SECOND)
        self.sent(m)
        self.delivered(m, at)
        return at

    def read(self, m: Message) -> None:
        at = self.arrived(m) + MINUTE + self.soon(5 * HOUR)
        self.opened(m, at)
        while self.chance(0.35):
            at += self.soon(8 * HOUR)
            self.opened(m, at)
        while self.chance(0.3):
            at += self.soon(MINUTE)
            self.clicked(m, at)

    def not_read(self, m: Message) -> None:
        self.arrived(m)

    def bounced(self, m: Message) -> None:
        self.sent(m)
        self.bounce(m, "hardbounce", m.sent + 2 * SECOND, self.turn(HARD_BOUNCES))

    def bounced_softly(self, m: Message) -> int:
        """Once or several times: when last."""
        self.sent(m)
        at = m.sent + 5 * SECOND
        for _ in range(1 + m.origin.person % 3):
            at += 20 * MINUTE + self.soon(HOUR)
            self.bounce(m, "softbounce", at, self.turn(SOFT_BOUNCES))
        return at

    def bounced_softly_for_good(self, m: Message) -> None:
        self.bounced_softly(m)

    def bounced_softly_then_delivered(self, m: Message) -> None:
        at = self.bounced_softly(m) + self.soon(20 * HOUR)
        self.delivered(m, at)
        self.opened(m, at + HOUR)

    def bounced_softly_then_hard(self, m: Message) -> None:
        self.bounce(m, "hardbounce", self.bounced_softly(m) + self.soon(30 * HOUR), self.turn(HARD_BOUNCES))

    def delivered_then_bounced(self, m: Message) -> None:
        """The recipient's server took it, and sent it back later."""
        self.bounce(m, "hardbounce", self.arrived(m) + HOUR + self.soon(DAY), self.turn(HARD_BOUNCES))

    def complained(self, m: Message) -> None:
        """At once, or when the provider tells of all at the end of the month."""
        at = self.arrived(m) + (HOUR if m.origin.person % 2 else 10 * DAY + self.soon(5 * DAY))
        own = (
            f'"complaint":{{"complained_recipients":[{{"email_address":"{m.to}"}}],"feedback_id":"{m.id}",'
            f'"user_agent":"ExampleFeedbackLoop/1","complaint_feedback_type":{self.turn(FEEDBACK_TYPES)}}}'
        )
        self.tell_email(m, "complaint", at, "complaint", own)

    def unsubscribed(self, m: Message) -> None:
        at = self.arrived(m) + HOUR
        self.opened(m, at)
        if m.origin.person % 2:
            self.clicked(m, at + 9 * SECOND)
        for _ in range(1 + m.origin.person % 3 // 2):
            at += 10 * SECOND
            self.clicked(m, at, "unsubscribe")

    def rejected(self, m: Message) -> None:
        """Told as sent before, or not."""
        if m.origin.person % 2:
            self.sent(m)
        self.tell_email(m, "rejected", m.sent + SECOND, "rejected", '"reject":{"reason":"Bad content"}')

    def rendering_failed(self, m: Message) -> None:
        self.tell_email(m, "rendering_failure", m.sent + SECOND, "rendering_failure", '"rendering_failure":{}')

    def opened_within_an_hour(self, m: Message) -> None:
        hour = self.next_hour(self.arrived(m))
        for minutes in (30, 45):
            self.opened(m, hour + minutes * MINUTE)
            self.clicked(m, hour + minutes * MINUTE + SECOND)

    def opened_over_the_hour(self, m: Message) -> None:
        hour = self.next_hour(self.arrived(m))
        for minutes in (30, 65):
            self.opened(m, hour + minutes * MINUTE)
            self.clicked(m, hour + minutes * MINUTE + SECOND)

    def next_hour(self, at: int) -> int:
        return (at // HOUR + 1) * HOUR

    def opened_weeks_later(self, m: Message) -> None:
        self.opened(m, self.arrived(m) + 15 * DAY + self.soon(5 * DAY))

    def send_not_extracted(self, m: Message) -> None:
        self.delivered(m, m.sent + SECOND)
        self.opened(m, m.sent + HOUR)

    # ---- Text messages and push notifications

    def deliver_text(self, origin: Origin, sent: int) -> None:
        fate = self.turn(TEXT_FATES)
        text = Text(origin, endpoint_id(SMS, origin.person), f"{self.bits():032x}", self.pick(PARTS), self.pick(PRICES))
        at = sent + 800
        if fate.buffered:
            self.tell_text(text, "BUFFERED", at, fate.buffered, fate.buffered_price)
        for final in fate.final.split(", ") if fate.final else ():
            at += 72 * HOUR if final == "UNKNOWN" else 2 * SECOND + self.soon(MINUTE)
            if final in ("FAILURE", "UNKNOWN"):
                status = self.turn(FAILURES) if final == "FAILURE" else final
                self.tell_text(text, "FAILURE", at, status, fate.final_price)
            else:
                self.tell_text(text, "SUCCESS", at, final, fate.final_price)
                if origin.person % 12 == 0:
                    reply = "OPTED_OUT" if origin.person % 24 else None
                    self.tell_text(text, "OPTOUT", at + self.soon(HOUR), reply, False)

    def tell_text(self, text: Text, type: str, at: int, status: str | None, priced: bool) -> None:
        # When the carrier says it was, which can be later than when Pinpoint says it heard.
        arrival = at + text.origin.person % 900 - 400
        # At first it is an estimate, though mostly right.
        estimate = 64.5 if type == "BUFFERED" and text.origin.person % 10 == 0 else 0
        price = text.price + estimate if priced else None
        self.tell(at, text.event(f"_SMS.{type}", at, arrival, status, price))

    def report_push(self, prefix: str, origin: Origin, at: int) -> None:
        """What the app tells: when the device comes by a network, by the device's clock."""
        for report in self.turn(PUSH_REPORTS):
            at += 2 * SECOND + (0 if report == BACKGROUND else self.soon(2 * HOUR))
            arrival = at + (DAY if origin.person % 20 == 0 else SECOND)
            wrong = -2 * HOUR if origin.person % 25 == 0 and report == OPENED else 0
            self.tell(arrival, app_event(f"{prefix}.{report}", at + wrong, arrival, origin.person, origin.attributes))

    # ---- Lives

    def welcomed(self, at: int, person: int) -> None:
        self.enter(self.participant(WELCOME, at, person), at)

    def left_cart(self, at: int, person: int) -> None:
        """An event of the app lets somebody in."""
        type, attributes, metrics = APP_EVENTS[-1]
        self.tell(at, app_event(type, at - 200, at, person, attributes, metrics))
        self.enter(self.participant(CART, at, person), at + SECOND)

    def won_back(self, at: int, person: int) -> None:
        if not self._world.closed(WIN_BACK, (at - self._start) // DAY):
            self.enter(self.participant(WIN_BACK, at, person, CONTACT_CENTER if person % 3 else ""), at)

    def tested(self, at: int, person: int) -> None:
        if not self._world.closed(TEST, (at - self._start) // DAY):
            self.enter(self.participant(TEST, at, person % 5), at)

    def came_back(self, at: int, person: int) -> None:
        """Twice within hours into the same run of a journey, and twice a notification."""
        for after in (0, 3 * HOUR):
            self.enter(self.participant(CART, at + after, person, PUSH), at + after)

    def texted_twice(self, at: int, person: int) -> None:
        """By two journeys; and a text message that doesn't say by which."""
        self.enter(self.participant(WELCOME, at, person, SMS), at)
        self.enter(self.participant(CART, at + DAY, person, SMS), at + DAY)
        self.deliver_text(Origin(SHOP, "", person), at + DAY + 6 * HOUR)

    def turned_away(self, at: int, person: int) -> None:
        journey = self.pick((WELCOME, CART))
        who = self.participant(journey, at, person)
        self.count(who, at, "ENDPOINT_PRODUCED")
        self.count(who, at, self.turn(TURNED_AWAY))

    def campaign_send(self, channel: str, at: int, person: int) -> Origin:
        attributes = f'"campaign_send_status":"{SUCCESS}","campaign_type":null,{CAMPAIGN}'
        context = endpoint(channel, person, self.pick(ZONES))
        self.tell(at, event("_campaign.send", at, at + 640, SHOP, endpoint_id(channel, person), attributes, context))
        return Origin(SHOP, CAMPAIGN, person)

    def campaign_email(self, at: int, person: int) -> None:
        origin = self.campaign_send(EMAIL, at, person)
        self.deliver_email(self.message(origin, at + 300, endpoint_id(EMAIL, person)))

    def campaign_text(self, at: int, person: int) -> None:
        self.deliver_text(self.campaign_send(SMS, at, person), at)

    def campaign_push(self, at: int, person: int) -> None:
        self.report_push("_campaign", self.campaign_send(PUSH, at, person), at)

    def transactional_email(self, at: int, person: int) -> None:
        origin = Origin(self.turn((SHOP, ALERTS)), self.turn(TRANSACTIONAL), person)
        self.deliver_email(self.message(origin, at, uuid(self.bits())))

    def transactional_text(self, at: int, person: int) -> None:
        """To people of no journey."""
        self.deliver_text(Origin(self.turn((SHOP, ALERTS)), self.turn(TRANSACTIONAL), PEOPLE + person), at)

    def used_app(self, at: int, person: int) -> None:
        type, attributes, metrics = self.turn(APP_EVENTS)
        self.tell(at, app_event(type, at - person % 5000, at, person, attributes, metrics))

    def stream_set_up(self, at: int, person: int) -> None:
        """Pinpoint tries whether events arrive."""
        self.tell(at, event("_test.event_stream", at, at, SHOP, f"test-{person}", ""))

    def other_contact(self, at: int, person: int) -> None:
        """Of no campaign, or of a campaign that no journey has."""
        id = uuid(self.bits())
        if person % 4 == 0:
            self.tell_contact(Contact(id, person, at, self.turn(CALL_OUTCOMES), OTHER_DIALLED))
        else:
            channel, method, outcome = self.turn(OTHERS)
            self.tell_contact(Contact(id, person, at, outcome, None, channel, method))


class LivesInOddFiles(Lives):
    """The same with more contacts, as otherwise there were too few for a file of each kind."""

    weights = LIFE_WEIGHTS | {"other_contact": 3000}
