"""What happens to messages: whole lives of events, from the send to the last open."""

from collections import Counter

from touchstone.sample import lives
from touchstone.sample.files import Sink
from touchstone.sample.plan import Plan
from touchstone.sample.ses.envelopes import OTHERS, other, uuid, wrapped
from touchstone.sample.ses.feedback import (
    DELAYS,
    FEEDBACK_TYPES,
    HARD,
    NO_FEEDBACK_ID,
    NO_SUBTYPE,
    OUT_OF_OFFICE,
    SIMULATED,
    SOFT,
    SUPPRESSED,
    SUPPRESSED_COMPLAINT,
    UNCLEAR,
    Bounce,
)
from touchstone.sample.ses.records import (
    AGENTS,
    CLOCKS,
    DAY,
    DOMAINS,
    FIREHOSE,
    HOUR,
    LINK_TAGS,
    LINKS,
    MINUTE,
    OPERATIONS,
    SECOND,
    SENDERS,
    SIMULATOR,
    SNS,
    SUBJECTS,
    TAGGED,
    TAGGING,
    TIERS,
    TLS,
    USER_TAGS,
    Message,
    spaced,
)

# (minute, account, region, configuration set, metric): how many events, each once however often it lands.
# Minutes count from 1970; the set "" is the whole account.
Counts = Counter[tuple[int, str, str, str, str]]

# CloudWatch is told of this many days, the last ones: the metric stream was switched on late.
METRIC_DAYS = 7

# How common each life is, relative to the others. Names are methods of `Lives`.
LIFE_WEIGHTS = {
    "delivered": 7400,
    "delivered_later": 350,
    "several_recipients": 300,
    "bounced": 250,
    "bounced_softly": 160,
    "suppressed": 120,
    "complained": 90,
    "opened_weeks_later": 80,
    "opened_of_old": 80,
    "clicked_unopened": 60,
    "out_of_office": 60,
    "rendering_failed": 60,
    "simulated": 60,
    "delayed_for_good": 50,
    "subscribed": 50,
    "rejected": 50,
    "bounced_late": 40,
    "other_record": 40,
    "bounced_unclearly": 30,
    "complaint_suppressed": 20,
    "no_feedback_id": 20,
}
# Four spellings of one kind.
RENDERING_FAILURES = ("Rendering Failure", "RenderingFailure", "RENDERING_FAILURE", "renderingFailure")
SIMULATIONS = ("success", "bounce", "ooto", "complaint", "suppressionlist", "bounce+order42")
# How long after the send an open can still come; links and images are tracked for sixty days.
WEEKS_LATER = (60 * DAY - MINUTE, 21 * DAY, 30 * DAY + HOUR, 25 * DAY, 45 * DAY)


class Lives(lives.Lives):
    """SES' messages, and everything that happens to each. Times are UTC milliseconds since 1970."""

    weights = LIFE_WEIGHTS
    second = SECOND
    parts = 2

    def __init__(self, plan: Plan, name: str, records: int, sink: Sink) -> None:
        super().__init__(plan, "ses", name, records, sink)
        self.counts = Counts()
        self._end = self._start + plan.days * DAY
        self._metrics_from = self._start + (plan.days - METRIC_DAYS) * DAY
        # Few events are in one minute anyway, and many events would make very many minutes.
        self._bucket = MINUTE if plan.events < 200_000 else 5 * MINUTE

    def live(self, life: str, at: int) -> None:
        getattr(self, life)(self.message(at + int(self._random() * 30 * SECOND)))

    # ---- Messages and events

    def message(self, sent: int, *recipients: str) -> Message:
        """A new message to some recipient, if none is given."""
        sender = self.pick(SENDERS)
        number = int(self._random() ** 2 * 200_000)
        clock = self.pick(CLOCKS)
        if clock is spaced:
            sent -= sent % SECOND
        return Message(
            sender=sender,
            sent=sent,
            id=self.id(sent),
            recipients=recipients or (self.recipient(number),),
            ways=self.pick(sender.ways),
            clock=clock,
            number=number,
            subject=self.pick(SUBJECTS),
            operation=self.pick(OPERATIONS),
            tls=self.pick(TLS),
            tagging=self.pick(TAGGING),
            user_tags=self.pick(USER_TAGS),
            tier=self.pick(TIERS),
            ip=self.pick(sender.ips),
            notified=sender.notified,
        )

    def recipient(self, number: int) -> str:
        # Cubed: a few companies have many recipients, and many companies a few.
        domain = self.pick(DOMAINS) or f"company-{int(self._random() ** 3 * 3000)}.example"
        return f"customer.{number}@{domain}"

    def bits(self) -> int:
        return self._rng.getrandbits(128)

    def id(self, at: int) -> str:
        """Of a message or a feedback: the time, and random bits."""
        return f"0107{at:012x}-{uuid(self.bits())}-000000"

    def tell(self, m: Message, event: str, at: int, detail: str, mail: str, metric: str | None = None) -> None:
        """Publish an event, unless it is after the last day, or before the first: nobody kept it."""
        if not self._start <= at < self._end:
            return
        if metric:
            self.count(m, metric, at)
        if m.sender.set:
            text = f'{{"eventType":"{event}",{detail},{mail}}}'
            known = "Rendering Failure" if event in RENDERING_FAILURES else event
            for way in m.ways:
                self.arrive(way, at, wrapped(way, m.sender, known, at, text, self.bits()))

    def notify(self, m: Message, event: str, at: int, detail: str) -> None:
        """Tell it as a feedback notification, too, or that way alone."""
        if (m.notified or not m.sender.set) and self._start <= at < self._end:
            text = f'{{"notificationType":"{event}",{detail},{m.notified_mail()}}}'
            # A topic may deliver a message raw, as it is.
            way = SNS if m.number % 5 else FIREHOSE
            self.arrive(way, at, wrapped(way, m.sender, event, at, text, self.bits()))

    def arrive(self, way: str, at: int, line: str) -> None:
        self.land((at - self._start) // self._part, way, line)

    def count(self, m: Message, metric: str, at: int) -> None:
        if at >= self._metrics_from:
            minute = at // self._bucket * self._bucket // MINUTE
            home = (minute, m.sender.account, m.sender.region)
            self.counts[*home, "", metric] += 1
            if m.sender.set and m.tagging == TAGGED:
                self.counts[*home, m.sender.set, metric] += 1

    # ---- Steps of a life

    def send(self, m: Message) -> None:
        self.tell(m, "Send", m.sent, '"send":{}', m.mail(), "Send")

    def deliver(self, m: Message, at: int, *recipients: str) -> None:
        """The recipients' server takes the message; without recipients, for all of them."""
        listed = '","'.join(recipients or m.recipients)
        detail = (
            f'"delivery":{{"timestamp":"{m.clock(at)}","processingTimeMillis":{max(at - m.sent, 0)},'
            f'"recipients":["{listed}"],"smtpResponse":"250 2.0.0 accepted {m.number:x}",'
            f'"remoteMtaIp":"203.0.113.{m.number % 90}","reportingMTA":"out-{m.number % 7}.mail.example"}}'
        )
        self.tell(m, "Delivery", at, detail, m.mail_delivered(), "Delivery")
        self.notify(m, "Delivery", at, detail)

    def bounce(self, m: Message, at: int, bounce: Bounce, *recipients: str, feedback_id: str | None = None) -> None:
        """The message comes back; without recipients, from all of them."""
        bounced = ",".join(f'{{"emailAddress":"{each}"{bounce.answer}}}' for each in recipients or m.recipients)
        feedback = f'"feedbackId":"{self.id(at)}",' if feedback_id is None else feedback_id
        mta = ',"remoteMtaIp":"203.0.113.77","reportingMTA":"dns; out-3.mail.example"' if bounce.answer else ""
        detail = (
            f'"bounce":{{{feedback}"bounceType":"{bounce.type}","bounceSubType":"{bounce.subtype}",'
            f'"bouncedRecipients":[{bounced}],"timestamp":"{m.clock(at)}"{mta}}}'
        )
        self.tell(m, "Bounce", at, detail, m.mail(), "Bounce" if bounce.hard else None)
        self.notify(m, "Bounce", at, detail)

    def complain(self, m: Message, at: int, subtype: str | None = None, feedback_id: str | None = None) -> None:
        feedback = f'"feedbackId":"{self.id(at)}",' if feedback_id is None else feedback_id
        if subtype is None:
            subtype = self.turn(NO_SUBTYPE)
        agent = '"userAgent":"ExampleFeedbackLoop/1",' if m.number % 3 else ""
        complained = ",".join(f'{{"emailAddress":"{each}"}}' for each in m.recipients)
        detail = (
            f'"complaint":{{{feedback}{subtype}"complainedRecipients":[{complained}],{agent}'
            f'"timestamp":"{m.clock(at)}","arrivalDate":"{m.clock(at)}"{self.turn(FEEDBACK_TYPES)}}}'
        )
        self.tell(m, "Complaint", at, detail, m.mail(), "Complaint")
        self.notify(m, "Complaint", at, detail)

    def delay(self, m: Message, at: int) -> None:
        kind, answer = self.turn(DELAYS)
        delayed = ",".join(f'{{"emailAddress":"{each}"{answer}}}' for each in m.recipients)
        detail = (
            f'"deliveryDelay":{{"timestamp":"{m.clock(at)}","delayType":"{kind}",'
            f'"expirationTime":"{m.clock(m.sent + 14 * HOUR)}","delayedRecipients":[{delayed}],'
            f'"reportingMTA":"out-3.mail.example"}}'
        )
        self.tell(m, "DeliveryDelay", at, detail, m.bare_mail())

    def open(self, m: Message, at: int) -> None:
        detail = (
            f'"open":{{"ipAddress":"{self.address(m)}","timestamp":"{m.clock(at)}","userAgent":"{self.pick(AGENTS)}"}}'
        )
        self.tell(m, "Open", at, detail, m.mail(), "Open")

    def click(self, m: Message, at: int) -> None:
        link = self.pick(LINKS).replace("%d", str(m.number))
        detail = (
            f'"click":{{"ipAddress":"{self.address(m)}","link":"{link}",{self.pick(LINK_TAGS)}'
            f'"timestamp":"{m.clock(at)}","userAgent":"{self.pick(AGENTS)}"}}'
        )
        self.tell(m, "Click", at, detail, m.mail(), "Click")

    def address(self, m: Message) -> str:
        return f"198.51.100.{m.number % 200}" if m.number % 9 else "2001:db8::9"

    def subscribe(self, m: Message, at: int) -> None:
        """The recipient changes what to get."""

        def preferences(all: bool, topic: str) -> str:
            status = f'[{{"topicName":"weekly","subscriptionStatus":"{topic}"}}]'
            return (
                f'{{"unsubscribeAll":{"true" if all else "false"},"topicSubscriptionStatus":{status},'
                f'"topicDefaultSubscriptionStatus":{status}}}'
            )

        detail = (
            f'"subscription":{{"contactList":"readers","timestamp":"{m.clock(at)}","source":"UnsubscribeHeader",'
            f'"newTopicPreferences":{preferences(m.number % 2 == 0, "OptOut")},'
            f'"oldTopicPreferences":{preferences(False, "OptIn")}}}'
        )
        self.tell(m, "Subscription", at, detail, m.mail())

    def engage(self, m: Message, delivered: int) -> None:
        """What the recipient does with a delivered message."""
        luck = self._random()
        if luck < 0.32:
            opened = delivered + MINUTE + self.soon(5 * HOUR)
            self.open(m, opened)
            while self.chance(0.35):
                opened += self.soon(10 * HOUR)
                self.open(m, opened)
            if luck < 0.08:
                self.click(m, opened + self.soon(MINUTE))
            if luck < 0.02:
                self.click(m, opened + MINUTE + self.soon(MINUTE))
            if luck < 0.002:
                self.subscribe(m, opened + 2 * MINUTE)
        elif luck < 0.3215:
            self.complain(m, delivered + self.soon(2 * DAY))

    # ---- Lives

    def delivered(self, m: Message) -> None:
        at = m.sent + 300 + self.soon(3 * SECOND)
        self.send(m)
        self.deliver(m, at)
        self.engage(m, at)

    def delivered_later(self, m: Message) -> None:
        """After one or two delays."""
        self.send(m)
        at = m.sent + 10 * MINUTE
        for _ in range(1 + m.number % 2):
            self.delay(m, at)
            at += 20 * MINUTE + self.soon(HOUR)
        self.deliver(m, at)
        self.engage(m, at)

    def delayed_for_good(self, m: Message) -> None:
        """Until SES gives up."""
        self.send(m)
        for hours in (1, 5, 11):
            self.delay(m, m.sent + hours * HOUR)
        self.bounce(m, m.sent + 14 * HOUR, SOFT[0])

    def several_recipients(self, m: Message) -> None:
        """One Delivery for all recipients, or one for each; some bounce, alone or together."""
        m.recipients = (*m.recipients, *(self.recipient(m.number + other) for other in range(1, 2 + m.number % 5)))
        first, *others = m.recipients
        at = m.sent + SECOND
        self.send(m)
        if m.number % 3 == 0:
            self.deliver(m, at)
            self.engage(m, at)
        elif m.number % 3 == 1:
            for index, recipient in enumerate(m.recipients):
                self.deliver(m, at + index * SECOND, recipient)
            self.engage(m, at)
        else:
            self.deliver(m, at, first)
            self.bounce(m, at + SECOND, self.turn(HARD), *others)

    def bounced(self, m: Message) -> None:
        self.send(m)
        # The remote server's clock has whole seconds: some bounces are earlier than their message.
        at = m.sent - m.sent % SECOND if m.number % 8 == 0 else m.sent + SECOND + self.soon(2 * SECOND)
        self.bounce(m, at, self.turn(HARD))

    def bounced_softly(self, m: Message) -> None:
        self.send(m)
        self.bounce(m, m.sent + 2 * SECOND + self.soon(HOUR), self.turn(SOFT))

    def bounced_unclearly(self, m: Message) -> None:
        self.send(m)
        self.bounce(m, m.sent + 2 * SECOND, self.turn(UNCLEAR))

    def bounced_late(self, m: Message) -> None:
        """First delivered, and then sent back."""
        self.delivered(m)
        self.bounce(m, m.sent + HOUR + self.soon(2 * DAY), HARD[0])

    def suppressed(self, m: Message) -> None:
        """Accepted, and not sent: the address is on a list."""
        self.send(m)
        self.bounce(m, m.sent + 200, self.turn(SUPPRESSED))

    def out_of_office(self, m: Message) -> None:
        self.delivered(m)
        self.bounce(m, m.sent + 5 * SECOND + self.soon(MINUTE), OUT_OF_OFFICE)

    def complained(self, m: Message) -> None:
        self.delivered(m)
        self.complain(m, m.sent + HOUR + self.soon(5 * DAY))

    def complaint_suppressed(self, m: Message) -> None:
        """Accepted, and not sent: the recipient has complained before."""
        self.send(m)
        self.complain(m, m.sent + 200, SUPPRESSED_COMPLAINT)

    def rejected(self, m: Message) -> None:
        """A message with a virus, some of them to the sender."""
        if m.number % 2:
            m.recipients = (m.sender.address,)
        self.send(m)
        self.tell(m, "Reject", m.sent, '"reject":{"reason":"Bad content"}', m.mail(), "Reject")

    def rendering_failed(self, m: Message) -> None:
        """A template lacks data; SES may have told of the send before."""
        m.operation = "SendTemplatedEmail"
        if m.number % 2:
            self.send(m)
        detail = f'"failure":{{"templateName":"order-{m.number % 4}","errorMessage":"No value for \'first_name\'"}}'
        self.tell(m, self.turn(RENDERING_FAILURES), m.sent, detail, m.bare_mail(), "Rendering Failure")

    def simulated(self, m: Message) -> None:
        """A message to Amazon's simulator."""
        kind = self.turn(SIMULATIONS)
        m.recipients = (f"{kind}@{SIMULATOR}",)
        at = m.sent + SECOND
        self.send(m)
        if kind in ("success", "ooto", "complaint"):
            self.deliver(m, at)
        if kind == "ooto":
            self.bounce(m, at + SECOND, OUT_OF_OFFICE)
        elif kind == "complaint":
            # Some 20 milliseconds before the delivery it is about.
            self.complain(m, at - 20)
        elif kind != "success":
            self.bounce(m, at, SIMULATED)

    def subscribed(self, m: Message) -> None:
        self.delivered(m)
        self.subscribe(m, m.sent + HOUR + self.soon(DAY))

    def clicked_unopened(self, m: Message) -> None:
        """Images are blocked, links are not."""
        self.send(m)
        self.deliver(m, m.sent + SECOND)
        self.click(m, m.sent + HOUR + self.soon(HOUR))

    def opened_weeks_later(self, m: Message) -> None:
        self.delivered(m)
        at = m.sent + self.turn(WEEKS_LATER)
        self.open(m, at)
        self.click(m, at + SECOND)

    def opened_of_old(self, m: Message) -> None:
        """Opened on one of the days, and sent before the first of them: the send was never extracted."""
        at, oldest = m.sent, m.sent - 60 * DAY + MINUTE
        if oldest >= self._start:
            self.opened_weeks_later(m)
            return
        m.sent = oldest if m.number % 3 == 0 else oldest + int(self._random() * (self._start - oldest))
        m.sent -= m.sent % SECOND
        m.id = self.id(m.sent)
        self.open(m, at)

    def no_feedback_id(self, m: Message) -> None:
        """A feedback id is missing, or a placeholder."""
        self.send(m)
        if m.number % 2:
            self.bounce(m, m.sent + SECOND, HARD[0], feedback_id=self.turn(NO_FEEDBACK_ID))
        else:
            self.deliver(m, m.sent + SECOND)
            self.complain(m, m.sent + DAY, feedback_id=self.turn(NO_FEEDBACK_ID))

    def other_record(self, m: Message) -> None:
        """A record that tells of no sent message."""
        way, line = other(self.turn(OTHERS), m.sender, m.sent, self.bits())
        self.arrive(way, m.sent, line)
