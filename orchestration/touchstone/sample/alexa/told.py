"""What all that happens around a skill has in common: its users, and how it is told."""

from collections import Counter

from touchstone.sample import lives
from touchstone.sample.alexa.records import (
    CONSENTS,
    COUNTED_STREAMS,
    DEVICES,
    LIVE,
    PEOPLE,
    SKILL_EVENTS,
    Skill,
    User,
)
from touchstone.sample.files import Sink
from touchstone.sample.plan import Plan
from touchstone.sample.ses.envelopes import uuid
from touchstone.sample.ses.records import DAY, HOUR, SECOND, stamp

# (hour, skill, stage, locale, metric): how many. Hours count from 1970. Customers are those of the hour; those of the
# day are counted in its first hour, as metric "customers of the day".
Counts = Counter[tuple[int, str, str, str, str]]
# Amazon's own numbers are fetched for this many days, the last ones.
METRIC_DAYS = 7
CUSTOMERS, CUSTOMERS_OF_THE_DAY, ENABLEMENTS = "customers", "customers of the day", "enablements"

# Share of sessions whose user is a new one.
NEWCOMERS = 0.1


class Told(lives.Lives):
    """Users of skills, and the records of what they do. Times are UTC milliseconds since 1970."""

    second = SECOND

    def __init__(self, plan: Plan, name: str, records: int, sink: Sink) -> None:
        super().__init__(plan, "alexa", name, records, sink)
        self.counts = Counts()
        self._end = self._start + plan.days * DAY
        self._metrics_from = self._start + (plan.days - METRIC_DAYS) * DAY
        self._users: dict[Skill, list[User]] = {}
        # No two processes have the same users.
        self._prefix = name

    def live(self, life: str, at: int) -> None:
        getattr(self, life)(at + int(self._random() * 30 * SECOND))

    def land(self, part: int, kind: str, line: str) -> None:
        before = self.records
        super().land(part, kind, line)
        if kind not in COUNTED_STREAMS:
            self.records = before

    def tell(self, stream: str, at: int, line: str) -> None:
        """Write a record of then, unless it is after the last day, or before the first: nobody kept it."""
        if self._start <= at < self._end:
            part = (at - self._start) // self._part
            self.land(part, stream, line)
            if stream not in COUNTED_STREAMS and self.chance(0.015):
                # There are few of them, and repeats among them all the same.
                self.land(part, stream, line)

    def uuid(self) -> str:
        return uuid(self._rng.getrandbits(128))

    # ---- Users

    def user(self, skill: Skill, at: int) -> User:
        """Someone who uses a skill now: a new user, or one who comes back."""
        known = self._users.setdefault(skill, [])
        if len(known) < 20 or self.chance(NEWCOMERS):
            user = self.newcomer(skill)
            # Not all of them are told of: some enabled it while events were not subscribed to.
            if self.chance(0.9):
                self.skill_event(user, "SkillEnabled", at - 10 * SECOND - self.soon(HOUR))
            return user
        # The latest come most often, and a few of the first ones still do.
        return known[-1 - int(len(known) * self._random() ** 3)]

    def newcomer(self, skill: Skill) -> User:
        known = self._users.setdefault(skill, [])
        known.append(
            User(
                skill,
                self._rng.getrandbits(32),
                self.account_id(),
                self.pick(skill.locales),
                self.pick(DEVICES),
                self.pick(CONSENTS),
                self.pick(PEOPLE),
                self.chance(skill.development),
            )
        )
        return known[-1]

    def account_id(self) -> str:
        return f"amzn1.ask.account.A{self._prefix.upper()}{self._rng.getrandbits(120):030X}"

    def skill_event(self, user: User, event: str, at: int, body: str = "") -> None:
        """Amazon's word of something that is no conversation. Older ones say of one time only."""
        if event == "SkillEnabled" and self._metrics_from <= at < self._end:
            self.counts[at // HOUR, user.skill.id, LIVE, user.locale, ENABLEMENTS] += 1
        published = at + self.soon(20 * SECOND)
        times = ""
        if self.chance(0.95):
            times = f',"eventCreationTime":"{stamp(at)}","eventPublishingTime":"{stamp(published)}"'
        else:
            published = at
        token = ',"accessToken":"removed"' if user.linked else ""
        line = (
            f'{{"version":"1.0","context":{{"System":{{{user.application()},"user":{{"userId":"{user.id}"{token}}},'
            f'"apiEndpoint":"https://api.eu.amazonalexa.com","apiAccessToken":"removed"}}}},'
            f'"request":{{"type":"AlexaSkillEvent.{event}","requestId":"{self.uuid()}",'
            f'"timestamp":"{stamp(published)[:-5]}Z"{times}{body}}}}}'
        )
        self.tell(SKILL_EVENTS, at, line)

    # ---- Amazon's own numbers

    def counted(self, user: User, at: int, *metrics: str, stage: str = LIVE) -> None:
        """Count something that a user did, as Amazon would."""
        if self._metrics_from <= at < self._end:
            hour = at // HOUR
            about = (user.skill.id, stage, user.locale)
            if user.hour != hour:
                user.hour = hour
                self.counts[hour, *about, CUSTOMERS] += 1
                if user.day != hour // 24:
                    user.day = hour // 24
                    self.counts[user.day * 24, *about, CUSTOMERS_OF_THE_DAY] += 1
            for metric in metrics:
                self.counts[hour, *about, metric] += 1
