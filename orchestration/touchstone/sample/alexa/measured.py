"""Amazon's own numbers: answers of the Metrics API, in both of its versions, for the last days.

They are near what was counted of the sample, and not quite the same. Each day is asked for in its late evening, when
not all of it is known, and again the morning after. What is known to nobody else, such as how sure Alexa was of an
intent, is a share of the utterances.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Any

import orjson

from touchstone.sample.alexa import odd
from touchstone.sample.alexa.homes import SPOKEN, SPOKEN_FOR
from touchstone.sample.alexa.records import BRIEFING, DEVELOPMENT, HOUSE, KITCHEN, LIVE, QUIZ, SMAPI_METRICS, Skill
from touchstone.sample.alexa.talks import SESSIONS, SKILL_ENDED, USER_ENDED, UTTERANCES_FAILED, UTTERANCES_SAID
from touchstone.sample.alexa.told import CUSTOMERS, CUSTOMERS_OF_THE_DAY, ENABLEMENTS, METRIC_DAYS, Counts
from touchstone.sample.files import DayFiles, Sink, Written
from touchstone.sample.oddities import OddFiles
from touchstone.sample.plan import HOURS, Plan
from touchstone.sample.ses.records import HOUR, stamp

Record = dict[str, Any]
# What a metric was in each hour of a day.
Hours = list[float]
# What was counted in an hour of a day, by its name.
Counted = Callable[[int, str], int]

# One line of so many is in an odd file.
ODD_SHARE = 10
# The hour until which a day is known when it is asked for first.
KNOWN_UNTIL = 21

# Version 1: metrics of a type of skill, and what they are counted from. The others follow from these.
CUSTOM_METRICS = {
    "uniqueCustomers": CUSTOMERS,
    "totalEnablements": ENABLEMENTS,
    "totalUtterances": UTTERANCES_SAID,
    "failedUtterances": UTTERANCES_FAILED,
    "totalSessions": SESSIONS,
    "userEndedSessions": USER_ENDED,
    "skillEndedSessions": SKILL_ENDED,
}
HOUSE_METRICS = {"uniqueCustomers": CUSTOMERS, "totalEnablements": ENABLEMENTS, "totalUtterances": SPOKEN}
# Version 2: namespace, metric, group (field and value, if it is asked for by groups), and its share of the utterances.
CONFIDENCE = "confidence"
SHARES = (
    ("Alexa.Custom", "INTENT_CLASSIFICATION", "HIGH", 0.86),
    ("Alexa.Custom", "INTENT_CLASSIFICATION", "MEDIUM", 0.1),
    ("Alexa.Custom", "INTENT_CLASSIFICATION", "LOW", 0.07),
    ("Alexa.EstimatedTurnError", "EVALUATED_UTTERANCES", "", 0.9),
    ("Alexa.EstimatedTurnError", "PREDICTED_UTTERANCES", "", 0.05),
    ("Alexa.SkillQuality", "EVALUATED_UTTERANCES", "", 0.8),
    ("Alexa.SkillQuality", "DEFECTIVE_UTTERANCES", "", 0.06),
    ("Alexa.SkillQuality", "DEFECTIVE_BARGE_INS", "", 0.03),
    ("Alexa.SkillQuality", "DEFECTIVE_TERMINATION", "", 0.02),
    ("Alexa.SkillQuality", "UNHANDLED_REQUEST", "", 0.02),
)
# Where Alexa estimates its own errors.
ESTIMATED_IN = ("en-US", "en-GB", "de-DE")


def write_measured(plan: Plan, counts: Counts) -> Written:
    """Write smapi_metrics of each of the last days."""
    usual: Sink = DayFiles(plan, "alexa", SMAPI_METRICS, "00")
    odds: Sink = usual if plan.clean else OddFiles(plan, "alexa", SMAPI_METRICS, {}, odd.damage(SMAPI_METRICS))
    midnight = datetime.combine(plan.first_day, time(), UTC)
    for day in range(max(plan.days - METRIC_DAYS, 0), plan.days):
        today = midnight + timedelta(days=day)
        # The day before was asked for already, and the numbers have grown since.
        records = [*asked(plan, counts, today, KNOWN_UNTIL)]
        if day > max(plan.days - METRIC_DAYS, 0):
            records = [*asked(plan, counts, today - timedelta(days=1), 24), *records]
        lines = [orjson.dumps(record).decode() for record in records]
        few = 0 if plan.clean else len(lines) // ODD_SHARE
        usual.write(day, SMAPI_METRICS, lines[few:])
        if few:
            odds.write(day, SMAPI_METRICS, lines[:few])
        usual.close_day(day)
        if not plan.clean:
            odds.close_day(day)
    total = usual.written
    if not plan.clean:
        total.add(odds.written)
    return total


def asked(plan: Plan, counts: Counts, midnight: datetime, until: int) -> Iterator[Record]:
    """All answers about a day that are to be had when it is known until an hour."""
    at = midnight + timedelta(hours=until + 3, minutes=7 if until == 24 else -10)
    first = int(midnight.timestamp()) * 1000 // HOUR
    for skill in (QUIZ, KITCHEN, HOUSE):
        for stage in (LIVE, DEVELOPMENT):
            for locale in sorted(set(skill.locales)):
                about = (skill.id, stage, locale)

                def counted(hour: int, metric: str, about: tuple[str, str, str] = about) -> int:
                    return counts[(first + hour, *about, metric)]

                rng = plan.random("alexa", SMAPI_METRICS, first, *about)
                asking = Asking(skill, stage, locale, at, midnight, until)
                yield from asking.version_1(counted)
                yield from asking.version_2(counted, counts, first, rng)
    yield from briefing(plan, midnight, at, until)


def briefing(plan: Plan, midnight: datetime, at: datetime, until: int) -> Iterator[Record]:
    """Plays of a flash briefing, which nobody but Amazon knows of."""
    for locale in BRIEFING.locales:
        rng = plan.random("alexa", "briefing", midnight, locale)
        asking = Asking(BRIEFING, LIVE, locale, at, midnight, until)
        plays = [float(int(HOURS[hour] * (1 + 2 * rng.random()))) for hour in range(24)]
        listeners = [float(int(count * 0.8 + 0.5)) for count in plays]
        yield asking.hourly("flashBriefing", "totalSessions", plays)
        yield asking.hourly("flashBriefing", "uniqueCustomers", listeners)
        yield asking.daily("flashBriefing", sum(listeners) // 2)
        yield asking.hourly("flashBriefing", "totalEnablements", [float(hour % 6 == 0) for hour in range(24)])


class Asking:
    """Asks for the metrics of a skill, stage and locale on a day, at a time at which it is known until an hour."""

    def __init__(self, skill: Skill, stage: str, locale: str, at: datetime, midnight: datetime, until: int) -> None:
        self._skill, self._stage, self._locale = skill, stage, locale
        self._at, self._until = at, until
        self._start = int(midnight.timestamp()) * 1000
        self._end = self._start + 24 * HOUR

    def record(self, query: Record, response: Record) -> Record:
        fetched = stamp(int(self._at.timestamp()) * 1000)
        return {"fetched_at": fetched, "skill_id": self._skill.id, "query": query, "response": response}

    # ---- Version 1

    def version_1(self, counted: Counted) -> Iterator[Record]:
        custom = self._skill is not HOUSE
        type = "custom" if custom else "smartHome"
        names = CUSTOM_METRICS if custom else HOUSE_METRICS
        values = {metric: [float(counted(hour, name)) for hour in range(24)] for metric, name in names.items()}
        if custom:
            pairs = zip(values["totalUtterances"], values["failedUtterances"], strict=True)
            values["successfulUtterances"] = [total - failed for total, failed in pairs]
            ended = zip(values["userEndedSessions"], values["skillEndedSessions"], strict=True)
            values["successfulSessions"] = [by_user + by_skill for by_user, by_skill in ended]
            pairs = zip(values["totalSessions"], values["successfulSessions"], strict=True)
            values["incompleteSessions"] = [max(total - successful, 0) for total, successful in pairs]
        for metric, hours in values.items():
            if metric == "totalSessions" and self._stage == LIVE:
                yield from self.paged(type, metric, hours)
            else:
                yield self.hourly(type, metric, hours)
        yield self.daily(type, float(counted(0, CUSTOMERS_OF_THE_DAY)))
        if self._skill is QUIZ:
            # Some of them only: asked for one intent.
            some = [hour // 2 for hour in values["totalUtterances"]]
            yield self.hourly(type, "totalUtterances", some, {"intent": "AnswerIntent"})

    def query(self, type: str, metric: str, period: str) -> Record:
        return {
            "startTime": f"{stamp(self._start)[:-5]}Z",
            "endTime": f"{stamp(self._end)[:-5]}Z",
            "period": period,
            "metric": metric,
            "stage": self._stage,
            "skillType": type,
            "locale": self._locale,
        }

    def hourly(self, type: str, metric: str, hours: Hours, more: Record | None = None) -> Record:
        times = [f"{stamp(self._start + hour * HOUR)[:-5]}Z" for hour in range(self._until)]
        response = {"metric": metric, "timestamps": times, "values": hours[: self._until]}
        return self.record({**self.query(type, metric, "PT1H"), **(more or {})}, response)

    def paged(self, type: str, metric: str, hours: Hours) -> Iterator[Record]:
        """An answer in two parts."""
        whole = self.hourly(type, metric, hours)
        for token, part in (None, slice(12)), ("page-2", slice(12, None)):
            query = {**whole["query"], "maxResults": 12, **({"nextToken": token} if token else {})}
            response = {**whole["response"], **({} if token else {"nextToken": "page-2"})}
            response["timestamps"], response["values"] = response["timestamps"][part], response["values"][part]
            yield self.record(query, response)

    def daily(self, type: str, customers: float) -> Record:
        """Customers of the day: fewer than those of its hours."""
        times = [f"{stamp(self._start)[:-5]}Z"]
        response = {"metric": "uniqueCustomers", "timestamps": times, "values": [customers]}
        return self.record(self.query(type, "uniqueCustomers", "P1D"), response)

    # ---- Version 2

    def version_2(self, counted: Counted, counts: Counts, first: int, rng: Random) -> Iterator[Record]:
        if self._skill is HOUSE:
            spoken = {"UTTERANCES": [self.part("", self.hours(counted, SPOKEN))]}
            customers = {"CUSTOMERS": [self.part("", self.hours(counted, CUSTOMERS))]}
            yield self.answers("Alexa.SmartHome", {**spoken, **customers})
            actions = sorted(
                {
                    metric.removeprefix(SPOKEN_FOR)
                    for _, skill, stage, locale, metric in counts
                    if metric.startswith(SPOKEN_FOR) and (skill, stage, locale) == self.about()
                }
            )
            parts = [self.part(each, self.hours(counted, SPOKEN_FOR + each), "action") for each in actions]
            yield self.answers("Alexa.SmartHome", {"UTTERANCES": parts}, group_by="action")
            return
        said = self.hours(counted, UTTERANCES_SAID)
        by_metric: dict[str, dict[str, list[Record]]] = {}
        for namespace, metric, group, share in SHARES:
            if namespace != "Alexa.EstimatedTurnError" or self._locale in ESTIMATED_IN:
                part = self.part(group, [float(int(n * share + rng.random())) for n in said], CONFIDENCE)
                by_metric.setdefault(namespace, {}).setdefault(metric, []).append(part)
        for namespace, metrics in by_metric.items():
            yield self.answers(namespace, metrics, group_by=CONFIDENCE if namespace == "Alexa.Custom" else "")
        yield self.answers("Alexa.Custom", {"CUSTOMERS": [self.part("", self.hours(counted, CUSTOMERS))]})
        slow = self.part("", [280 + 900 * rng.random() if n else 0.0 for n in said])
        yield self.answers("Alexa.Custom", {"SKILL_LATENCY": [slow]}, stat="p90")

    def about(self) -> tuple[str, str, str]:
        return self._skill.id, self._stage, self._locale

    def hours(self, counted: Counted, metric: str) -> Hours:
        return [float(counted(hour, metric)) for hour in range(24)]

    def part(self, group: str, hours: Hours, field: str = "") -> Record:
        """What is known of a metric, or of one group. Hours in which there is nothing are left out, or are NULL."""
        known = [(hour, value or None) for hour, value in enumerate(hours[: self._until]) if value or hour == 3]
        part: Record = {
            "timestamps": [self._start + hour * HOUR for hour, _ in known],
            "values": [value for _, value in known],
        }
        if group:
            part["groupedBy"] = {"groupedByField": field, "groupedByValue": group}
        return part

    def answers(
        self, namespace: str, metrics: dict[str, list[Record]], group_by: str = "", stat: str = "count"
    ) -> Record:
        """A request for up to five metrics, and its answer. Ids are of the request, and change with it."""
        queries, results = [], []
        for index, (metric, parts) in enumerate(metrics.items()):
            id = f"m{index + self._until}"
            queries.append(
                {
                    "id": id,
                    "label": metric.lower(),
                    "name": metric,
                    "metricNamespace": namespace,
                    **({"groupBy": group_by} if group_by else {}),
                    "aggregationPeriod": "BY_HOUR",
                    "stat": stat,
                    "dimensions": [
                        {"name": "Alexa.Stage", "value": self._stage},
                        {"name": "Alexa.Locale", "value": self._locale},
                    ],
                }
            )
            result = {"id": id, "label": metric.lower(), "name": metric, "metricNamespace": namespace}
            results.append({**result, "stat": stat, "data": parts})
        query = {"startTime": self._start, "endTime": self._end, "metricQueries": queries}
        return self.record(query, {"results": results, "paginationContext": {}})
