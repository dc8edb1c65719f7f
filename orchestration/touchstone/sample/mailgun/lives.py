"""What happens to messages: whole lives of events, so that they tell one story."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from touchstone.sample import lives
from touchstone.sample.files import Sink
from touchstone.sample.lives import wheel
from touchstone.sample.mailgun.records import (
    BOT_CLIENT,
    BOUNCES,
    CLIENTS,
    DAY,
    EVENTS,
    EXTRAS,
    FLAGS,
    HOUR,
    INCOMING_FLAGS,
    LINKS,
    LOGS,
    MINUTE,
    NO_BOT,
    OPTIMIZERS,
    OTHER_SEVERITIES,
    PERMANENT,
    PLACES,
    PROVIDERS,
    ROBOT_CLIENT,
    SECOND,
    SENDERS,
    SUBJECTS,
    SUPPORT,
    SUPPRESSED,
    TAGS,
    TEMPORARY,
    TOO_OLD,
    VARIABLES,
    WEBHOOK,
    Failure,
    Message,
    Sender,
)
from touchstone.sample.mailgun.reported import REPORTED_DAYS, Counts
from touchstone.sample.plan import Plan

Tail = Callable[[str], str]

NOT_IN_WEBHOOKS = ("rejected", "stored", "list_uploaded", "list_member_uploaded", "list_member_upload_error")

# How common each life is, relative to the others. Names are methods of `Lives`.
LIFE_WEIGHTS = {
    "delivered": 7600,
    "delivered_later": 700,
    "incoming": 400,
    "batch": 200,
    "bounced": 180,
    "suppressed": 150,
    "failed_otherwise": 150,
    "clicked_unopened": 80,
    "opened_in_rhythm": 80,
    "too_old": 60,
    "delivered_oddly": 60,
    "delayed_bounce": 50,
    "webhook_failed": 40,
    "rejected": 40,
    "test_mode": 30,
    "other_severity": 30,
    "list_uploaded": 15,
    "validated": 15,
    "trapped": 10,
    "old_kinds": 10,
    "unique_kinds": 10,
    "same_id_same_time": 10,
    "same_id_other_day": 10,
}

# How long after one open of a message its next ones come.
REPEATS = wheel(
    {
        (): 70,
        (7 * MINUTE,): 10,
        (5 * HOUR,): 8,
        (3 * MINUTE, 2 * HOUR, 26 * HOUR): 6,
        (3 * DAY,): 3,
        (9 * DAY + HOUR,): 1,
    }
)
# Around the seven days after which an open or click is unique again, and from open to open every day.
RHYTHMS: tuple[tuple[int, ...], ...] = (
    (7 * DAY - 14 * MINUTE - 24 * SECOND,),
    (7 * DAY,),
    (7 * DAY + 5 * HOUR,),
    (4 * DAY, 4 * DAY, 4 * DAY),
    (DAY,) * 15,
    (0,),
)
# Which bot opens mail at a provider, in how many of 100 messages, and how soon.
BOTS = {
    "Apple": ("apple", 60, 20 * MINUTE),
    "Gmail": ("gmail", 5, 30 * SECOND),
    "Google Workspace": ("generic", 12, 8 * SECOND),
    "Outlook 365": ("generic", 12, 8 * SECOND),
}


class Lives(lives.Lives):
    """Mailgun's messages, and everything that happens to each. Times are UTC microseconds since 1970."""

    weights = LIFE_WEIGHTS
    second = SECOND

    def __init__(self, plan: Plan, name: str, records: int, sink: Sink) -> None:
        super().__init__(plan, "mailgun", name, records, sink)
        self.counts = Counts()

    def live(self, life: str, at: int) -> None:
        """One message and its life."""
        message = self.message(self.pick(SENDERS), at + int(self._random() * 30 * SECOND))
        getattr(self, life)(message)

    # ---- Messages and events

    def message(self, sender: Sender, sent: int) -> Message:
        """A new message to some recipient."""
        number = int(self._random() ** 2 * 200_000)
        provider, domain = self.pick(PROVIDERS)
        # Cubed: a few companies have many recipients, and many companies a few.
        recipient_domain = domain or f"company-{int(self._random() ** 3 * 3000)}.example"
        shapes = self.pick(sender.shapes)
        exactness = self._random()
        plain = len(shapes) == 1 and LOGS not in shapes
        unit = 1 if plain and exactness < 0.9 else SECOND if plain and exactness < 0.95 else 1000
        day_text = datetime.fromtimestamp(sent // SECOND, UTC).strftime("%Y%m%d%H%M%S")
        return Message(
            sender=sender,
            sent=sent,
            id=f"{day_text}.{self._rng.getrandbits(64):016x}@{sender.domain}",
            recipient=f"reader.{number}@{recipient_domain}",
            recipient_domain=recipient_domain,
            provider=provider,
            unit=unit,
            shapes=shapes,
            subject=self.pick(SUBJECTS),
            size=800 + number % 9000,
            key=self.token(24),
            tags=self.pick(TAGS),
            variables=self.pick(VARIABLES).replace("%d", str(number)),
            extra=self.pick(EXTRAS),
            flags=self.pick(FLAGS),
            optimizer=self.pick(OPTIMIZERS),
            ip=self.pick(sender.ips),
            pool=self.pick(sender.pools),
            quoted=number % 16 == 0,
            seventh_digit="3" if number % 2 else "",
            odd=exactness < 0.04,
        )

    def emit(
        self,
        m: Message,
        event: str,
        at: int,
        fields: str,
        tail: Tail,
        metric: str | None = None,
        *,
        level: str = "info",
        id: str | None = None,
        shapes: Sequence[str] = (),
    ) -> None:
        """Record an event in its message's shapes, unless it is after the last day: nobody saw it yet."""
        at -= at % m.unit
        day = (at - self._start) // DAY
        if day > self._last:
            return
        m.otherwise = m.odd and self.chance(0.5)
        head = f'{{"event":"{event.upper() if m.otherwise else event}",'
        # Ids of newer payloads are never absent, those of older ones and of test payloads may be.
        if not (m.otherwise and id is None and self.chance(0.5)):
            head += f'"id":"{id or self.token()}",'
        if metric and m.sender.named and day > self._last - REPORTED_DAYS:
            self.counts[day, m.sender.domain, metric] += 1
        if event in NOT_IN_WEBHOOKS:
            shapes = [shape for shape in m.shapes if shape != WEBHOOK] or [EVENTS]
        for shape in shapes or m.shapes:
            line = f'{head}{m.clock(shape, at)}"log-level":"{level}",{fields}{tail(shape)}'
            self.land(day, shape, self.signed(m, line, at) if shape == WEBHOOK else line)

    def signed(self, m: Message, line: str, at: int) -> str:
        """An event as the body of a webhook call."""
        bits = self._rng.getrandbits
        parent = f',"parent-signature":"{bits(256):064x}"' if m.sender.is_subaccount else ""
        return (
            f'{{"signature":{{"timestamp":"{at // SECOND}","token":"{bits(200):050x}",'
            f'"signature":"{bits(256):064x}"{parent}}},"event-data":{line}}}'
        )

    # ---- Steps of a life

    def accept(self, m: Message, *, incoming: bool = False) -> None:
        """Mailgun takes the message."""
        method = "smtp" if m.size % 3 == 0 else "http" if m.size % 5 else "HTTP"
        flags = INCOMING_FLAGS if incoming else '"is-authenticated":true,"is-test-mode":false'
        status = '"delivery-status":null,' if m.odd else ""
        fields = (
            f'"method":"{method}",{status}"envelope":{{"sender":"hello@{m.sender.domain}",'
            f'"targets":"{m.recipient}","transport":"smtp"}},"flags":{{{flags}}},'
        )
        metric = "accepted_incoming" if incoming else "accepted_outgoing"
        self.emit(m, "accepted", m.sent, fields, m.send_tail, metric)

    def deliver(
        self, m: Message, at: int, attempt: int | None = 1, transport: str | None = "smtp", code: int = 250
    ) -> None:
        """The recipient's server takes the message. Without an attempt or transport, the payload lacks it."""
        number = "" if attempt is None else f'"attempt-no":{attempt},'
        way = "" if transport is None else f'"transport":"{transport}",'
        fields = (
            f'"recipient-provider":"{m.provider}",{m.optimizer}"delivery-status":{{{number}"code":{code},'
            f'"message":"OK","description":"","enhanced-code":"2.0.0","mx-host":"mx1.{m.recipient_domain}",'
            f'"session-seconds":{0.1 + self._random():.3f},"certificate-verified":true,"tls":true,"utf8":true,'
            f'"first-delivery-attempt-seconds":0.062}},{m.envelope(way)}'
        )
        self.emit(m, "delivered", at, fields, m.send_tail, "delivered")
        # Newer payloads of opens and clicks tell it.
        m.delivered = at if m.seventh_digit else 0

    def fail(self, m: Message, at: int, failure: Failure, attempt: int = 1) -> None:
        """An attempt fails, or none is made because the address is suppressed."""
        case = str.upper if m.odd else str
        severity = f'"severity":"{case(failure.severity)}",' if failure.severity else ""
        reason = f'"reason":"{case(failure.reason)}",' if failure.reason else ""
        session = '"session-seconds":0.0'
        if failure.attempted:
            session = f'"mx-host":"mx1.{m.recipient_domain}","session-seconds":{self._random():.3f}'
        transport = '"transport":"SMTP",' if m.odd else '"transport":"smtp",'
        fields = (
            f'{severity}{reason}"recipient-provider":"{m.provider}",{m.optimizer}"delivery-status":'
            f'{{"attempt-no":{attempt},{failure.status}{session}}},{m.envelope(transport)}'
        )
        self.emit_failed(m, at, fields, m.send_tail, failure)

    def emit_failed(self, m: Message, at: int, fields: str, tail: Tail, failure: Failure) -> None:
        final = failure.severity == "permanent"
        metric = "permanent_failed" if final else "temporary_failed"
        if not failure.attempted:
            metric = "suppressed"
        self.emit(m, "failed", at, fields, tail, metric, level="error" if final else "warn")

    def open(self, m: Message, at: int, bot: str = "", id: str | None = None) -> None:
        self.emit(m, "opened", at, self.visitor(m, bot), m.engaged_tail, "opened", id=id)

    def click(self, m: Message, at: int, bot: str = "", id: str | None = None) -> None:
        # The control panel's test payload has no link.
        url = "" if m.odd and self.chance(0.2) else f'"url":"{self.pick(LINKS)}",'.replace("%d", str(m.size))
        fields = url + self.visitor(m, bot)
        self.emit(m, "clicked", at, fields, m.engaged_tail, "clicked", id=id)

    def unsubscribe(self, m: Message, at: int, id: str | None = None) -> None:
        fields = self.visitor(m)
        self.emit(m, "unsubscribed", at, fields, m.unsubscribed_tail, id=id)

    def complain(self, m: Message, at: int) -> None:
        fields = f'"recipient-provider":"{m.provider}","envelope":{{"sending-ip":"{m.ip}"}},"flags":{{}},'
        self.emit(m, "complained", at, fields, m.send_tail, level="warn")

    def visitor(self, m: Message, bot: str = "") -> str:
        """Who opens or clicks, from where."""
        address = f'"ip":"203.0.113.{100 + m.size % 100}",' if m.size % 7 else '"ip":"2001:db8::7",'
        if not bot:
            return f"{address}{self.pick(PLACES)}{self.pick(CLIENTS)}{self.pick(NO_BOT)}}},"
        client = ROBOT_CLIENT if bot == "generic" else BOT_CLIENT
        return f'{address}{self.pick(PLACES)}{client},"bot":"{bot.upper() if m.odd else bot}"}},'

    def engage(self, m: Message, delivered: int) -> None:
        """What the recipient does with a delivered message, and bots before them."""
        self.engage_bot(m, delivered)
        luck = self._random()
        if luck < 0.30:
            opened = delivered + MINUTE + self.soon(5 * HOUR)
            self.open(m, opened)
            for gap in self.pick(REPEATS):
                opened += gap + self.soon(MINUTE)
                self.open(m, opened)
            if luck < 0.06:
                self.click(m, opened + self.soon(MINUTE))
            if luck < 0.003:
                self.unsubscribe(m, opened + self.soon(2 * MINUTE))
        elif luck < 0.3015:
            self.complain(m, delivered + self.soon(12 * HOUR))

    def engage_bot(self, m: Message, delivered: int) -> None:
        bot, share, delay = BOTS.get(m.provider, ("", 0, 0))
        if not self.chance(share / 100):
            return
        at = delivered + self.soon(delay)
        self.open(m, at, bot)
        # Mail scanners follow links; the mailbox providers' image proxies don't.
        if bot == "generic":
            self.click(m, at + SECOND, bot)

    # ---- Lives

    def delivered(self, m: Message) -> None:
        at = m.sent + SECOND + self.soon(4 * SECOND)
        self.accept(m)
        self.deliver(m, at)
        self.engage(m, at)

    def delivered_later(self, m: Message) -> None:
        """After one to four temporary failures."""
        attempts = 1 + int(self._random() ** 2 * 4)
        at = self.fail_temporarily(m, attempts)
        self.deliver(m, at, attempts + 1)
        self.engage(m, at)

    def fail_temporarily(self, m: Message, attempts: int) -> int:
        """Accept, fail so often, and tell when the next attempt is."""
        self.accept(m)
        at = m.sent + 2 * SECOND
        failure = self.pick(TEMPORARY)
        for attempt in range(1, attempts + 1):
            self.fail(m, at, failure, attempt)
            at += 10 * MINUTE * 2 ** (attempt - 1) + self.soon(10 * SECOND)
        return at

    def too_old(self, m: Message) -> None:
        at = self.fail_temporarily(m, 3)
        self.fail(m, at + 8 * HOUR, TOO_OLD, 8)

    def bounced(self, m: Message) -> None:
        self.accept(m)
        self.fail(m, m.sent + 3 * SECOND, self.pick(BOUNCES))

    def failed_otherwise(self, m: Message) -> None:
        self.accept(m)
        self.fail(m, m.sent + 3 * SECOND, self.pick(PERMANENT))

    def suppressed(self, m: Message) -> None:
        self.accept(m)
        self.fail(m, m.sent + SECOND, self.pick(SUPPRESSED))

    def other_severity(self, m: Message) -> None:
        self.accept(m)
        self.fail(m, m.sent + 3 * SECOND, self.pick(OTHER_SEVERITIES))

    def delayed_bounce(self, m: Message) -> None:
        """A message of failure comes back hours or days after the delivery."""
        self.delivered(m)
        failure = PERMANENT[0] if m.size % 4 else BOUNCES[0]
        fields = (
            f'"severity":"permanent","reason":"{failure.reason}","delivery-status":{{"bounce-code":"5.1.1",'
            '"code":550,"message":"smtp; 550 5.1.1 no such mailbox","enhanced-code":"5.1.1",'
            '"description":"A message of non-delivery came back"},"flags":{"is-delayed-bounce":true},'
            '"envelope":{},'
        )
        self.emit_failed(m, m.sent + HOUR + self.soon(2 * DAY), fields, m.bare_tail, failure)

    def webhook_failed(self, m: Message) -> None:
        """A call of the customer's URL fails; the newer flag for it is is-webhook."""
        self.delivered(m)
        flag = "is-webhook" if m.size % 4 == 0 else "is-callback"
        failure = Failure("permanent", "generic", "")
        fields = (
            f'"severity":"permanent","reason":"generic","delivery-status":{{"attempt-no":8,"code":500,'
            f'"message":"Internal Server Error","description":"","session-seconds":0.21}},'
            f'"flags":{{"is-authenticated":true,"{flag}":true}},'
            f'"envelope":{{"targets":"https://hooks.example.com/mail","transport":"http"}},'
        )
        self.emit_failed(m, m.sent + 8 * HOUR, fields, m.bare_tail, failure)

    def incoming(self, m: Message) -> None:
        """A message to a routed address: stored, and forwarded to a URL or another address."""
        m = self.message(SUPPORT, m.sent)
        m.routed, m.flags = True, INCOMING_FLAGS
        self.accept(m, incoming=True)
        self.emit(m, "stored", m.sent + SECOND, '"flags":{"is-test-mode":false},', m.message_tail)
        transport, code = ("http", 200) if m.size % 3 else ("smtp", 250)
        self.deliver(m, m.sent + 2 * SECOND, 1, transport, code)

    def batch(self, m: Message) -> None:
        """A batch send: one more accepted event than messages."""
        m.extra = '"batch":{"id":"b0000000000000000000ba7c"},'
        self.accept(m)
        # Events without an id are told apart by their time.
        m.sent += SECOND // 10
        self.delivered(m)

    def clicked_unopened(self, m: Message) -> None:
        """Images are blocked, links are not."""
        self.accept(m)
        self.deliver(m, m.sent + 2 * SECOND)
        self.click(m, m.sent + HOUR + self.soon(HOUR))

    def opened_in_rhythm(self, m: Message) -> None:
        """Opens and clicks at, just before and just after the seven days of a unique event."""
        # Some at the same time: without an id they would be one event.
        m.odd = False
        self.accept(m)
        self.deliver(m, m.sent + 2 * SECOND)
        at = m.sent + HOUR
        gaps = self.pick(RHYTHMS)
        bot = self.pick(("", "", "", "apple"))
        for gap in (0, *gaps):
            at += gap
            self.open(m, at, bot)
            if m.size % 2:
                self.click(m, at + SECOND, bot)

    def delivered_oddly(self, m: Message) -> None:
        """The transport or the number of the attempt is empty or missing, or in upper case."""
        self.accept(m)
        attempt, transport = self.pick(
            ((1, ""), (1, None), (None, "smtp"), (0, "smtp"), (1, "SMTP"), (2, ""), (None, None))
        )
        self.deliver(m, m.sent + 2 * SECOND, attempt, transport)

    def test_mode(self, m: Message) -> None:
        m.flags = '"is-authenticated":true,"is-test-mode":true'
        self.accept(m)
        self.deliver(m, m.sent + SECOND, code=650)

    def rejected(self, m: Message) -> None:
        fields = '"reject":{"reason":"The domain may not send yet","description":""},"flags":{"is-test-mode":false},'
        self.emit(m, "rejected", m.sent, fields, m.message_tail, level="warn")

    def list_uploaded(self, m: Message) -> None:
        """A mailing list is filled: its members, one that is refused, and the end."""
        task = f'"task-id":"{self.token(12)}","mailing-list":{{"address":"readers@{m.sender.domain}"}},'
        for index in range(3):
            member = f'"member":{{"address":"{m.recipient}","name":"","subscribed":true}},'
            self.emit(m, "list_member_uploaded", m.sent + index * SECOND, task + member, m.owner_tail)
        error = '"format":"text","error":{"message":"Not an address"},"member-description":"nobody",'
        at = m.sent + MINUTE
        self.emit(m, "list_member_upload_error", at, task + error, m.owner_tail, level="error")
        end = '"format":"text","subscribed":true,"failed-count":1,"upserted-count":3,"is-upsert":false,'
        self.emit(m, "list_uploaded", at + MINUTE, task + end, m.owner_tail)

    def validated(self, m: Message) -> None:
        m = self.message(SUPPORT, m.sent)
        fields = f'"recipient":"{m.recipient}","result":"deliverable","risk":"low",'
        self.emit(m, "email_validation", m.sent, fields, m.owner_tail, shapes=(LOGS,))

    def trapped(self, m: Message) -> None:
        m = self.message(SUPPORT, m.sent)
        self.emit(m, "trapped", m.sent, "", m.bare_tail, level="warn", shapes=(LOGS,))

    def old_kinds(self, m: Message) -> None:
        """Names of events that Mailgun has given up."""
        fields = f'"severity":"permanent","reason":"generic",{m.envelope("")}'
        event = "dropped" if m.size % 2 else "bounced"
        self.emit(m, event, m.sent, fields, m.send_tail, level="error", shapes=(EVENTS,))

    def unique_kinds(self, m: Message) -> None:
        """The Logs API's pseudo-events, which repeat an opened or clicked event."""
        m = self.message(SUPPORT, m.sent)
        event = "unique_opened" if m.size % 2 else "unique_clicked"
        self.emit(m, event, m.sent + HOUR, self.visitor(m), m.engaged_tail, shapes=(LOGS,))

    def same_id_same_time(self, m: Message) -> None:
        """As the control panel's test webhooks: three events, one id, one time."""
        id, at = self.token(), m.sent + HOUR
        self.open(m, at, id=id)
        self.click(m, at, id=id)
        self.unsubscribe(m, at, id=id)

    def same_id_other_day(self, m: Message) -> None:
        """Ids are unique within a day only."""
        id = self.token()
        self.open(m, m.sent + HOUR, id=id)
        self.open(m, m.sent + HOUR + 3 * DAY, id=id)
