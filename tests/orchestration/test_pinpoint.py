"""Pinpoint's marts against a second implementation in plain Python, whatever the order in which records come."""

from __future__ import annotations

import json
import math
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from .conftest import TABLES, TestHome
from .pinpoint_records import ACTIVITIES, some_extracts

Record = dict[str, Any]
Extracts = dict[str, list[Record]]
Start = datetime | date
# By grain, start and keys.
Rows = dict[tuple[Any, ...], Record]

_MODELS = ("--select", "+path:models/marts/pinpoint")
_FIRST_IN_KIND = {
    "_email.send": "messages_sent",
    "_email.delivered": "deliveries",
    "_email.hardbounce": "hard_bounced",
    "_email.unsubscribe": "unsubscribed",
    "_email.complaint": "complained",
    "_email.rejected": "rejected",
}
_REASONS = {
    "QUIET_TIME": "quiet_time_unsent",
    "QUIET_TIME_MISSING_TIMEZONE": "quiet_time_unsent",
    "DAILY_CAP": "endpoint_limit_unsent",
    "THROTTLED": "throttled_unsent",
    "TRANSIENT_FAILURE": "temporary_failure_unsent",
    "SERVICE_FAILURE": "service_failure_unsent",
    "FAILURE_PERMANENT": "permanent_failure_unsent",
    "UNSUPPORTED_CHANNEL": "unsupported_channel_unsent",
    "CUSTOM_DELIVERY_FAILURE": "custom_delivery_failure_unsent",
}
# Pinpoint's own counters of the same.
_REPORTED = {
    "SUCCESS": "messages_sent",
    "QUIET_TIME": "quiet_time_unsent",
    "DAILY_CAP_EXCEEDED": "endpoint_limit_unsent",
    "THROTTLED": "throttled_unsent",
    "TRANSIENT_FAILURE": "temporary_failure_unsent",
    "SERVICE_FAILURE": "service_failure_unsent",
    "FAILURE_PERMANENT": "permanent_failure_unsent",
    "UNSUPPORTED_CHANNEL": "unsupported_channel_unsent",
    "UNKNOWN": "unknown_failure_unsent",
    "CUSTOM_DELIVERY_FAILURE": "custom_delivery_failure_unsent",
}
# What Pinpoint leaves out of an answer while it is 0.
_DOCUMENTED = {
    "journey": ["ENDPOINT_ACTIVE", "ENDPOINT_LEFT", "ENDPOINT_ENTERED", "REENTRY_CAP_EXCEEDED"],
    "run": ["ENDPOINT_ACTIVE", "ENDPOINT_LEFT", "ENDPOINT_ENTERED", "REENTRY_CAP_EXCEEDED"],
    "message": [
        *("SUCCESS", "DAILY_CAP_EXCEEDED", "FAILURE_PERMANENT", "QUIET_TIME", "SERVICE_FAILURE", "THROTTLED"),
        *("TRANSIENT_FAILURE", "UNKNOWN"),
    ],
    "CONTACT_CENTER": ["TRANSIENT_FAILURE", "SERVICE_FAILURE", "DIAL_FAILURE", "DROPPED"],
    "WAIT": ["WAIT_FINISHED", "WAIT_SKIPPED", "WAIT_STARTED"],
    "CONDITIONAL_SPLIT": ["Branch_TRUE", "Branch_FALSE"],
    "MULTI_CONDITIONAL_SPLIT": ["Branch_1"],
    "RANDOM_SPLIT": ["Branch_1"],
    "HOLDOUT": ["HOLDOUT", "PASSED"],
}
_SPLITS = {"CONDITIONAL_SPLIT": "yes_no", "MULTI_CONDITIONAL_SPLIT": "multivariate", "RANDOM_SPLIT": "random"}
_MAY_FALL = ("ENDPOINT_ACTIVE", "WAIT_STARTED")
_FAILED = ("OUTBOUND_DESTINATION_ENDPOINT_ERROR", "OUTBOUND_RESOURCE_ERROR", "OUTBOUND_ATTEMPT_FAILED")
_TONES = ("SIT_TONE_BUSY", "SIT_TONE_DETECTED", "SIT_TONE_INVALID_NUMBER")
_UNCLEAR = ("AMD_ERROR", "AMD_UNRESOLVED", "AMD_UNRESOLVED_SILENCE", "AMD_NOT_APPLICABLE")
_NOT_YET = "1970-01-01T00:00:00.001Z"


def read_time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def periods(at: datetime, zone: str) -> list[tuple[str, Start]]:
    day = at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()
    return [("hourly", clock_hour(at)), ("daily", day), ("monthly", day.replace(day=1))]


def clock_hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def end_of(grain: str, start: Start, zone: str) -> datetime:
    """Days and months end at midnight of the zone."""
    if isinstance(start, datetime):
        return start + timedelta(hours=1)
    following = start + timedelta(days=1) if grain == "daily" else (start + timedelta(days=31)).replace(day=1)
    midnight = datetime(following.year, following.month, following.day, tzinfo=ZoneInfo(zone))
    return midnight.astimezone(UTC).replace(tzinfo=None)


class Mart:
    """Rows of counts at all grains; a row stands from the first record of its period on."""

    def __init__(self, zone: str, *names: str) -> None:
        self._zone = zone
        self._names = names
        self.rows: Rows = {}

    def count(self, keys: tuple[Any, ...], at: datetime, name: str | None = None, amount: Any = 1) -> None:
        for period in periods(at, self._zone):
            row = self.rows.setdefault((*period, *keys), dict.fromkeys(self._names, 0))
            if name:
                row[name] += amount


# ---- Events


@dataclass(frozen=True)
class Event:
    kind: str
    at: datetime
    application: str
    endpoint: str | None
    journey: str | None
    activity: str
    run: str | None
    type: str | None
    status: str | None
    campaign: str | None
    message: str | None
    price: Decimal | None

    @classmethod
    def of(cls, record: Record) -> Event:
        attributes = record["attributes"]
        kind = record["event_type"]
        # that of an email event is when its message was sent
        at = record["arrival_timestamp" if kind.startswith("_email.") else "event_timestamp"]
        mail = record.get("facets", {}).get("email_channel", {}).get("mail_event", {}).get("mail", {})
        price = record.get("metrics", {}).get("price_in_millicents_usd")
        return cls(
            kind,
            datetime.fromtimestamp(at / 1000, UTC).replace(tzinfo=None),
            record["application"].get("app_id") or "none",
            record["client"].get("client_id"),
            attributes.get("journey_id") or None,
            attributes.get("journey_activity_id") or "none",
            attributes.get("journey_run_id"),
            attributes.get("journey_activity_type"),
            attributes.get("journey_send_status"),
            attributes.get("campaign_id"),
            mail.get("message_id") or attributes.get("message_id"),
            None if price is None else Decimal(str(price)),
        )

    @property
    def keys(self) -> tuple[str, str | None, str]:
        return self.application, self.journey, self.activity


def is_of_no_metric(record: Record) -> bool:
    return (
        not record["event_type"].startswith(("_journey.", "_email.", "_SMS.")) or record["event_type"] == "_SMS.OPTOUT"
    )


def unique(records: Iterable[Record]) -> list[Event]:
    """Events have no id: a record that comes again is the event again."""
    texts = dict.fromkeys(json.dumps(record) for record in records if not is_of_no_metric(record))
    return [Event.of(json.loads(text)) for text in texts]


def typed(events: list[Event], counters: Counters, definitions: Definitions) -> list[Event]:
    """A send without a type has the type that any record reports of its activity."""
    known: set[tuple[Any, ...]] = {event.keys for event in events if event.type}
    known |= {subject[:3] for subject, type_ in counters.types.items() if subject.activity and type_ != "message"}
    known |= {(*journey, activity) for journey, activity, _ in definitions.activities()}
    return [
        replace(event, type=ACTIVITIES[event.activity])
        if event.kind == "_journey.send" and not event.type and event.activity != "none" and event.keys in known
        else event
        for event in events
    ]


class Spans:
    """Where a count without an event is 0: of what has events, while its project has some."""

    def __init__(self, events: list[Event], zone: str) -> None:
        self._subjects: set[tuple[Any, ...]] = set()
        self._periods: dict[tuple[str, str], list[Any]] = defaultdict(list)
        for keys, at in records_of_journeys(events):
            self._subjects |= {keys, keys[:2]}
            for grain, start in periods(at, zone):
                self._periods[grain, keys[0]].append(start)

    def blank(self, rows: Rows, *names: str) -> None:
        """Counts outside of the spans are NULL."""
        for (grain, start, *keys), row in rows.items():
            within = self._periods[grain, keys[0]]
            if tuple(keys) not in self._subjects or not min(within) <= start <= max(within):
                row |= dict.fromkeys(names)


def grouped(events: Iterable[Event], *names: str) -> list[list[Event]]:
    groups: dict[Any, list[Event]] = defaultdict(list)
    for event in events:
        groups[tuple(getattr(event, name) for name in names)].append(event)
    return list(groups.values())


def email_metrics(events: list[Event], zone: str) -> Rows:
    mart = Mart(zone, *_FIRST_IN_KIND.values(), "opens", "clicks", "soft_bounced")
    emails = [event for event in events if event.kind.startswith("_email.") and event.journey]
    for message in grouped(emails, "application", "journey", "activity", "message"):
        keys = message[0].keys
        first: dict[str, datetime] = {}
        opened: dict[tuple[str, datetime], datetime] = {}
        for event in sorted(message, key=lambda event: event.at):
            mart.count(keys, event.at)
            first.setdefault(event.kind, event.at)
            opened.setdefault((event.kind, clock_hour(event.at)), event.at)
        for kind, name in _FIRST_IN_KIND.items():
            if kind in first:
                mart.count(keys, first[kind], name)
        for (kind, _), at in opened.items():
            if kind in ("_email.open", "_email.click"):
                mart.count(keys, at, "opens" if kind == "_email.open" else "clicks")
        if "_email.softbounce" in first and not first.keys() & {"_email.delivered", "_email.hardbounce"}:
            mart.count(keys, first["_email.softbounce"], "soft_bounced")
    return mart.rows


class Text(NamedTuple):
    """A text message, its events in their order."""

    keys: tuple[str, str, str]
    events: list[Event]


def texts_of_journeys(events: list[Event]) -> Iterator[Text]:
    """Text messages with the activity that they report, or else that last sent a text to their endpoint."""
    sent = [event for event in events if event.kind == "_journey.send" and event.type == "SMS" and event.journey]
    sent = sorted((event for event in sent if event.status == "SUCCESS"), key=lambda event: event.at)
    for message in grouped((e for e in events if e.kind.startswith("_SMS.")), "application", "message"):
        message.sort(key=lambda event: event.at)
        first = message[0]
        reporting = [event for event in message if event.journey]
        if not reporting and not any(event.campaign for event in message):
            reporting = [
                send
                for send in sent
                if (send.application, send.endpoint) == (first.application, first.endpoint)
                and timedelta() <= first.at - send.at <= timedelta(hours=72)
            ][-1:]
        if reporting and reporting[0].journey:
            yield Text((first.application, reporting[0].journey, reporting[0].activity), message)


def sms_metrics(events: list[Event], zone: str) -> Rows:
    mart, priced = Mart(zone, "messages_sent", "deliveries", "failures", "spend_usd"), Mart(zone)
    for keys, message in texts_of_journeys(events):
        for event in message:
            mart.count(keys, event.at)
        mart.count(keys, message[0].at, "messages_sent")
        delivered = [event.at for event in message if event.kind == "_SMS.SUCCESS"]
        failed = [event.at for event in message if event.kind == "_SMS.FAILURE"]
        if delivered:
            mart.count(keys, delivered[0], "deliveries")
        elif failed:
            mart.count(keys, failed[0], "failures")
        on_the_way = [event for event in message if event.kind == "_SMS.BUFFERED"]
        final = [event for event in message if event.kind != "_SMS.BUFFERED"]
        prices = [event.price for event in [*on_the_way, *final] if event.price is not None]
        if prices:
            mart.count(keys, message[0].at, "spend_usd", prices[-1] / 100_000)
            priced.count(keys, message[0].at)
    for place, row in mart.rows.items():
        row["spend_usd"] = float(row["spend_usd"]) if place in priced.rows or not row["messages_sent"] else None
    return mart.rows


def push_metrics(events: list[Event], definitions: Definitions, spans: Spans, zone: str) -> Rows:
    mart = Mart(zone, "messages_sent", "deliveries", "opens")
    for event in events:
        if event.kind == "_journey.send" and event.type == "PUSH" and event.journey:
            mart.count(event.keys, event.at, "messages_sent" if event.status == "SUCCESS" else None)
    notifications = [e for e in events if e.kind.startswith("_journey.") and e.kind != "_journey.send"]
    names = ("application", "journey", "activity", "run", "endpoint")
    for notification in grouped((event for event in notifications if event.journey), *names):
        for event in notification:
            mart.count(event.keys, event.at)
        opened = [event.at for event in notification if event.kind == "_journey.opened_notification"]
        received = [event.at for event in notification if event.kind != "_journey.opened_notification"]
        if opened:
            mart.count(notification[0].keys, min(opened), "opens")
        if received:
            mart.count(notification[0].keys, min(received), "deliveries")
    for journey, activity, at in definitions.fetches():
        if ACTIVITIES.get(activity) == "PUSH":
            mart.count((*journey, activity), at)
    spans.blank(mart.rows, "messages_sent", "deliveries", "opens")
    for (grain, start, *keys), row in mart.rows.items():
        rules = definitions.activity(tuple(keys), end_of(grain, start, zone))
        seconds = rules.get("PUSH", {}).get("MessageConfig", {}).get("TimeToLive")
        row["time_to_live_seconds"] = None if seconds is None else int(seconds)
        row["time_to_live_status"] = "unknown" if not rules else "default" if seconds is None else "set"
    return mart.rows


def custom_channel_metrics(events: list[Event], zone: str) -> Rows:
    mart = Mart(zone, "calls_succeeded", "calls_failed")
    names = {"SUCCESS": "calls_succeeded", "CUSTOM_DELIVERY_FAILURE": "calls_failed"}
    for event in events:
        if event.kind == "_journey.send" and event.type == "CUSTOM" and event.journey:
            mart.count(event.keys, event.at, names.get(event.status or ""))
    return mart.rows


def records_of_journeys(events: list[Event]) -> Iterator[tuple[tuple[Any, ...], datetime]]:
    """Activity and time of each event of a journey."""
    for event in events:
        if event.journey and not event.kind.startswith("_SMS."):
            yield event.keys, event.at
    for keys, message in texts_of_journeys(events):
        for event in message:
            yield keys, event.at


# ---- Counters


class Subject(NamedTuple):
    """What counters are of: a journey, an activity, or either of them in a run."""

    application: str
    journey: str
    activity: str | None
    run: str | None


Series = dict[datetime, int]


class Counters:
    """Every counter's level at each instant of its subject, of the versions that are fetched last."""

    def __init__(self, records: list[Record]) -> None:
        versions: dict[Subject, dict[datetime, tuple[datetime, Record]]] = defaultdict(dict)
        first: dict[tuple[Subject, str], datetime] = {}
        self.types: dict[Subject, str] = {}
        for record in records:
            fetched = read_time(record["fetched_at"])
            (answer,) = (value for name, value in record.items() if name != "fetched_at")
            subject = Subject(
                answer["ApplicationId"], answer["JourneyId"], answer.get("JourneyActivityId"), answer.get("RunId")
            )
            at = read_time(answer["LastEvaluatedTime"]) if "LastEvaluatedTime" in answer else fetched
            if at not in versions[subject] or versions[subject][at][0] < fetched:
                versions[subject][at] = (fetched, answer["Metrics"])
            type_ = answer.get("ActivityType") if subject.activity else "run" if subject.run else "journey"
            self.types[subject] = type_ or "message"
            known = _DOCUMENTED.get(self.types[subject], _DOCUMENTED["message"])
            for counter in [*answer["Metrics"], *known]:
                first[subject, counter] = min(at, first.get((subject, counter), at))
        self._series: dict[Subject, dict[str, Series]] = defaultdict(dict)
        for (subject, counter), since in sorted(first.items(), key=str):
            self._series[subject][counter] = {
                at: int(metrics.get(counter, 0))
                for at, (_, metrics) in sorted(versions[subject].items())
                if at >= since
            }

    def _type(self, subject: Subject) -> str:
        """Of its own snapshots, else of its runs'."""
        types = {one._replace(run=None): type_ for one, type_ in self.types.items()} | self.types
        return types[subject]

    def _of_runs(self) -> dict[Subject, dict[str, Series]]:
        """The counters of all runs added up, of a journey or an activity."""
        parts: dict[Subject, dict[str, list[Series]]] = defaultdict(lambda: defaultdict(list))
        for subject, counters in self._series.items():
            if subject.run:
                for counter, series in counters.items():
                    parts[subject._replace(run=None)][counter].append(series)
        return {subject: {name: added_up(each) for name, each in named.items()} for subject, named in parts.items()}

    def of_activities(self) -> Iterator[tuple[tuple[str, str, str], str, dict[str, Series]]]:
        """Keys, type and counters of each activity: its own, else those of its runs."""
        own = {subject: counters for subject, counters in self._series.items() if not subject.run}
        for subject, counters in (self._of_runs() | own).items():
            if subject.activity:
                yield (subject.application, subject.journey, subject.activity), self._type(subject), counters

    def of_journeys(self) -> dict[tuple[str, str], dict[str, Series]]:
        """The journeys' own, else the runs' added up, with the runs' entries and what is added up over activities."""
        counters: dict[tuple[str, str], dict[str, Series]] = defaultdict(dict)
        own = {subject: series for subject, series in self._series.items() if not subject.run}
        for source in (self._of_runs(), own):
            parts: dict[tuple[tuple[str, str], str], list[Series]] = defaultdict(list)
            for subject, series in source.items():
                journey = subject[:2]
                if not subject.activity:
                    counters[journey] |= series
                    if source is not own:
                        counters[journey]["RUNS_ENTERED"] = series["ENDPOINT_ENTERED"]
                    continue
                for name in ("DAILY_CAP_EXCEEDED", "QUIET_TIME", "DROPPED"):
                    if name in series and (name != "DROPPED" or self._type(subject) == "CONTACT_CENTER"):
                        parts[journey, f"ACTIVITIES_{name}"].append(series[name])
            for (journey, name), added in parts.items():
                counters[journey][name] = added_up(added)
        return counters


def added_up(parts: list[Series]) -> Series:
    """At each instant of any, the sum of the last level of each."""
    instants = sorted({at for series in parts for at in series})
    return {at: sum(level_before(series, at, inclusive=True) for series in parts) for at in instants}


def level_before(series: Series, at: datetime, inclusive: bool = False) -> int:
    """The last level before an instant, or at it; 0 if there is none."""
    earlier = [level for counted, level in series.items() if counted < at or (inclusive and counted == at)]
    return earlier[-1] if earlier else 0


class Reported(NamedTuple):
    value: int
    delta: int
    has_shrunk: bool


def by_period(series: Series, zone: str, may_fall: bool = False) -> dict[tuple[str, Start], Reported]:
    """The last level of each period, its increase over the last one before, and whether there was a fall on the way."""
    inside: dict[tuple[str, Start], list[datetime]] = defaultdict(list)
    for at in series:
        for period in periods(at, zone):
            inside[period].append(at)
    return {
        period: Reported(
            series[instants[-1]],
            series[instants[-1]] - level_before(series, instants[0]),
            not may_fall and any(series[at] < level_before(series, at) for at in instants),
        )
        for period, instants in inside.items()
    }


def reported_by_period(counters: dict[str, Series], zone: str) -> dict[tuple[str, Start], dict[str, Reported]]:
    """By period, the counters that are reported in it."""
    found: dict[tuple[str, Start], dict[str, Reported]] = defaultdict(dict)
    for name, series in counters.items():
        for period, reported in by_period(series, zone, name in _MAY_FALL).items():
            found[period][name] = reported
    return found


def counter_columns(reported: dict[str, Reported], **columns: str) -> Record:
    """A counter as `column` and `column_delta`; NULL where it isn't reported."""
    row: Record = {}
    for column, counter in columns.items():
        row[column] = reported[counter].value if counter in reported else None
        row[f"{column}_delta"] = reported[counter].delta if counter in reported else None
    return row


def any_shrunk(reported: dict[str, Reported]) -> bool:
    return any(counter.has_shrunk for counter in reported.values())


def wait_metrics(counters: Counters, zone: str) -> Rows:
    rows: Rows = {}
    for keys, type_, series in counters.of_activities():
        if type_ == "WAIT":
            for period, reported in reported_by_period(series, zone).items():
                rows[*period, *keys] = {
                    **counter_columns(reported, wait_completed="WAIT_FINISHED", wait_date_passed="WAIT_SKIPPED"),
                    "currently_waiting": reported["WAIT_STARTED"].value,
                    "has_shrunk": any_shrunk(reported),
                }
    return rows


def holdout_metrics(counters: Counters, zone: str) -> Rows:
    rows: Rows = {}
    for keys, type_, series in counters.of_activities():
        if type_ == "HOLDOUT":
            for period, reported in reported_by_period(series, zone).items():
                rows[*period, *keys] = {
                    "total_entered": reported["HOLDOUT"].value + reported["PASSED"].value,
                    "total_entered_delta": reported["HOLDOUT"].delta + reported["PASSED"].delta,
                    **counter_columns(reported, participants_held_out="HOLDOUT"),
                    "has_shrunk": any_shrunk(reported),
                }
    return rows


def split_metrics(counters: Counters, definitions: Definitions, zone: str) -> Rows:
    rows: Rows = {}
    for keys, type_, series in counters.of_activities():
        if type_ not in _SPLITS:
            continue
        for (grain, start), reported in reported_by_period(series, zone).items():
            end = end_of(grain, start, zone)
            paths: dict[str, list[Reported]] = {path: [] for path in definitions.branches(keys, end)}
            for counter, one in reported.items():
                if path := path_of(type_, counter):
                    paths.setdefault(path, []).append(one)
            for path, parts in paths.items():
                rows[grain, start, *keys, _SPLITS[type_], path] = {
                    "total_participants": sum(one.value for each in paths.values() for one in each),
                    "total_participants_delta": sum(one.delta for each in paths.values() for one in each),
                    "path_participants": sum(one.value for one in parts),
                    "path_participants_delta": sum(one.delta for one in parts),
                    **definitions.branch(keys, path, end),
                    "has_shrunk": any(one.has_shrunk for one in parts),
                }
    return rows


def path_of(type_: str, counter: str) -> str | None:
    if type_ == "CONDITIONAL_SPLIT":
        return {"Branch_TRUE": "Yes", "Branch_FALSE": "No"}.get(counter)
    if counter.removeprefix("Branch_").isdigit():
        return counter
    return "Else" if type_ == "MULTI_CONDITIONAL_SPLIT" else None


def activity_metrics(events: list[Event], counters: Counters, spans: Spans, zone: str) -> Rows:
    names = ("endpoints_through_activity", "messages_sent", "messages_not_sent", "unknown_failure_unsent")
    mart = Mart(zone, *names, *dict.fromkeys(_REASONS.values()))
    for keys, at in records_of_journeys(events):
        mart.count(keys, at)
    custom = {event.keys for event in events if event.type == "CUSTOM" and event.activity != "none"}
    for event in events:
        if event.kind != "_journey.send" or not event.journey:
            continue
        mart.count(event.keys, event.at, "endpoints_through_activity")
        if event.status == "SUCCESS":
            mart.count(event.keys, event.at, "messages_sent")
        elif event.status != "QUIET_TIME_WAIT_FINISHED":
            mart.count(event.keys, event.at, "messages_not_sent")
            mart.count(event.keys, event.at, _REASONS.get(event.status or "", "unknown_failure_unsent"))
    reported: dict[tuple[Any, ...], dict[str, Reported]] = {}
    snapshots: dict[tuple[Any, ...], str] = {}
    for keys, type_, series in counters.of_activities():
        snapshots[keys] = type_
        for at in {at for one in series.values() for at in one}:
            mart.count(keys, at)
        reported |= {(*period, *keys): counted for period, counted in reported_by_period(series, zone).items()}
    spans.blank(mart.rows, *names, *_REASONS.values())
    for key, row in mart.rows.items():
        counted, snapshot = reported.get(key, {}), snapshots.get(key[2:])
        if counted and snapshot in ("WAIT", "HOLDOUT", *_SPLITS):
            passed = [one.delta for name, one in counted.items() if path_of(snapshot, name) or snapshot not in _SPLITS]
            row["endpoints_through_activity"] = (row["endpoints_through_activity"] or 0) + sum(passed)
        if key[2:] not in custom and not row["custom_delivery_failure_unsent"]:
            row["custom_delivery_failure_unsent"] = None
        for counter, name in _REPORTED.items():
            row[f"{name}_reported"] = counted[counter].value if counter in counted else None
        failed = [row[f"{name}_reported"] for name in _REPORTED.values() if name != "messages_sent"]
        failed = [] if snapshot == "CONTACT_CENTER" else [each for each in failed if each is not None]
        row["messages_not_sent_reported"] = sum(failed) if failed else None
        calls = counted if snapshot == "CONTACT_CENTER" else {}
        row |= counter_columns(calls, dial_failure_unsent="DIAL_FAILURE", removed_by_reevaluation="DROPPED")
        row["has_shrunk"] = any_shrunk(counted)
    return mart.rows


def journey_metrics(events: list[Event], counters: Counters, definitions: Definitions, spans: Spans, zone: str) -> Rows:
    mart = Mart(zone, "exceeded_maximum_daily_messages", "not_sent_during_quiet_time")
    for keys, at in records_of_journeys(events):
        mart.count(keys[:2], at)
    for event in events:
        if event.kind == "_journey.send" and event.journey:
            keys = event.keys[:2]
            if event.status == "DAILY_CAP":
                mart.count(keys, event.at, "exceeded_maximum_daily_messages")
            if event.status in ("QUIET_TIME", "QUIET_TIME_MISSING_TIMEZONE"):
                mart.count(keys, event.at, "not_sent_during_quiet_time")
    for journey, _, at in definitions.fetches():
        mart.count(journey, at)
    of_journeys = counters.of_journeys()
    for journey, series in definitions.refreshes.items():
        of_journeys[journey]["REFRESHES"] = series
    reported: dict[tuple[Any, ...], dict[str, Reported]] = {}
    for journey, all_series in of_journeys.items():
        for at in {at for one in all_series.values() for at in one}:
            mart.count(journey, at)
        reported |= {(*period, *journey): counted for period, counted in reported_by_period(all_series, zone).items()}
    spans.blank(mart.rows, "exceeded_maximum_daily_messages", "not_sent_during_quiet_time")
    for key, row in mart.rows.items():
        grain, start = key[:2]
        counted = reported.get(key, {})
        for counter, name in (
            ("ACTIVITIES_DAILY_CAP_EXCEEDED", "exceeded_maximum_daily_messages"),
            ("ACTIVITIES_QUIET_TIME", "not_sent_during_quiet_time"),
        ):
            row[f"{name}_reported"] = counted[counter].value if counter in counted else None
        entries = "RUNS_ENTERED" if "RUNS_ENTERED" in of_journeys.get((key[2], key[3]), {}) else "ENDPOINT_ENTERED"
        row |= counter_columns(
            counted,
            completed_journey="ENDPOINT_LEFT",
            lifetime_journey_entries="ENDPOINT_ENTERED",
            total_journey_entries=entries,
            entry_segment_refreshes_done="REFRESHES",
            removed_by_reevaluation="ACTIVITIES_DROPPED",
            exceeded_maximum_entries="REENTRY_CAP_EXCEEDED",
        )
        row["currently_in_journey"] = counted["ENDPOINT_ACTIVE"].value if "ENDPOINT_ACTIVE" in counted else None
        entered = row["lifetime_journey_entries"]
        row["completed_share"] = row["completed_journey"] / entered if entered else None
        row["in_journey_share"] = row["currently_in_journey"] / entered if entered else None
        row["next_entry_group_estimate"] = None
        row["has_shrunk"] = any_shrunk(counted)
        row |= definitions.settings((key[2], key[3]), end_of(grain, start, zone))
    return mart.rows


# ---- Definitions


class Definitions:
    """Journeys and settings of projects over time, and the runs that were started."""

    def __init__(self, extracts: Extracts) -> None:
        self._journeys: dict[tuple[str, str], dict[datetime, Record]] = {}
        self._fetched: dict[tuple[str, str], dict[datetime, Record]] = {}
        answers: dict[tuple[str, str], list[Record]] = defaultdict(list)
        for record in extracts["pinpoint/journeys"]:
            answer = record["JourneyResponse"]
            answers[answer["ApplicationId"], answer["Id"]].append({**record, **answer})
        self._answers = answers
        for journey, versions in answers.items():
            self._fetched[journey] = current(versions)
            self._journeys[journey] = in_force(self._fetched[journey])
        self.tests = {
            journey
            for journey, fetched in self._fetched.items()
            if any(answer["Name"].startswith("Test-") for answer in fetched.values())
        }
        settings: dict[str, list[Record]] = defaultdict(list)
        for record in extracts["pinpoint/application_settings"]:
            answer = record["ApplicationSettingsResource"]
            settings[answer["ApplicationId"]].append({**record, **answer})
        self._settings = {name: in_force(current(versions)) for name, versions in settings.items()}
        self.refreshes = refreshes(extracts["pinpoint/journey_runs"])

    def fetches(self) -> Iterator[tuple[tuple[str, str], str, datetime]]:
        """Journey, activity and time; each activity of each definition, and the journey as one without a name."""
        for journey, fetched in self._fetched.items():
            for at, answer in fetched.items():
                for activity in ["", *answer["Activities"]]:
                    yield journey, activity, at

    def _in_force(self, keys: tuple[Any, ...], at: datetime) -> Record:
        """The last definition in force before an instant; where keys name an activity, the last that has it."""
        versions = self._journeys.get((keys[0], keys[1]), {})
        past = [
            answer
            for since, answer in versions.items()
            if since < at and (len(keys) < 3 or keys[2] in answer["Activities"])
        ]
        return past[-1] if past else {}

    def activity(self, keys: tuple[Any, ...], at: datetime) -> Record:
        definition: Record = self._in_force(keys, at)
        return dict(definition["Activities"][keys[2]]) if definition else {}

    def activities(self) -> Iterator[tuple[tuple[str, str], str, Record]]:
        """Journey, name and definition of each activity of each answer, those fetched last at the end."""
        for journey, answers in self._answers.items():
            for answer in sorted(answers, key=lambda answer: read_time(answer["fetched_at"])):
                for name, activity in answer["Activities"].items():
                    yield journey, name, activity

    def names(self) -> tuple[dict[tuple[str, str], str], dict[tuple[str, str, str], str]]:
        """Of journeys and of activities, the newest."""
        journeys, activities = {}, {}
        for journey, fetched in self._fetched.items():
            for answer in fetched.values():
                if answer["Name"]:
                    journeys[journey] = answer["Name"]
                for name, activity in answer["Activities"].items():
                    if "Description" in activity:
                        activities[*journey, name] = activity["Description"]
        return journeys, activities

    def branches(self, keys: tuple[Any, ...], at: datetime) -> dict[str, Record]:
        """The paths of a split, and where they lead."""
        activity = self.activity(keys, at)
        branches: dict[str, Record] = {}
        if rules := activity.get("ConditionalSplit"):
            branches = {"Yes": {"NextActivity": rules["TrueActivity"]}, "No": {"NextActivity": rules["FalseActivity"]}}
        if rules := activity.get("MultiCondition") or activity.get("RandomSplit"):
            branches = {f"Branch_{number}": branch for number, branch in enumerate(rules["Branches"], 1)}
            if "DefaultActivity" in rules:
                branches["Else"] = {"NextActivity": rules["DefaultActivity"]}
        return branches

    def branch(self, keys: tuple[Any, ...], path: str, at: datetime) -> Record:
        """Where a path leads."""
        branch = self.branches(keys, at).get(path, {})
        following = branch.get("NextActivity")
        described = self._in_force(keys, at).get("Activities", {}).get(following, {})
        return {
            "next_activity_id": following,
            "next_activity_name": described.get("Description"),
            "target_share": branch["Percentage"] / 100 if "Percentage" in branch else None,
        }

    def settings(self, journey: tuple[str, str], at: datetime) -> Record:
        answer = self._in_force(journey, at)
        projects = [settings for since, settings in self._settings.get(journey[0], {}).items() if since < at]
        project = projects[-1] if projects else {}
        of_journeys = project.get("JourneyLimits", {}).get("DailyCap")
        limits = [
            answer.get("Limits", {}).get("DailyCap"),
            of_journeys or None,  # 0 means that it doesn't apply
            project.get("Limits", {}).get("Daily"),
            of_journeys,
        ]
        own, default = answer.get("QuietTime"), project.get("QuietTime") if answer else None
        quiet = own or default
        known = answer and projects
        types = [ACTIVITIES[activity] for activity in answer.get("Activities", {})]
        row = {
            "refreshes_on_segment_update": answer.get("RefreshOnSegmentUpdate"),
            "entry_segment_refreshes_planned": planned(answer) if answer else None,
            "maximum_entries_per_endpoint": answer.get("Limits", {}).get("EndpointReentryCap"),
            "maximum_daily_messages_per_endpoint": next((limit for limit in limits if limit is not None), None),
            "quiet_time": f"{quiet['Start']}-{quiet['End']}" if quiet else None,
            "quiet_time_status": "journey" if own else "project" if default else "none" if known else "unknown",
            "next_entry_group_status": "N/A" if answer and not answer.get("RefreshFrequency") else "unknown",
        }
        for name in ("EMAIL", "SMS", "PUSH", "CUSTOM", "CONTACT_CENTER"):
            row[f"{name.lower()}_activities"] = types.count(name) if answer else None
        return row

    def journey_of_campaign(self, campaign: str) -> tuple[str, str] | None:
        """The one whose definition names it; None of a campaign that only tests name."""
        naming = {
            journey
            for journey, fetched in self._fetched.items()
            for answer in fetched.values()
            if answer.get("JourneyChannelSettings", {}).get("ConnectCampaignArn", "").endswith(f"/{campaign}")
        }
        if naming and naming <= self.tests:
            return None
        (journey,) = naming - self.tests if len(naming - self.tests) == 1 else {("none", "none")}
        return journey


def current(versions: list[Record]) -> dict[datetime, Record]:
    """By fetch the version that was changed last."""
    ordered = sorted(versions, key=lambda answer: answer.get("LastModifiedDate", ""))
    fetched = {read_time(answer["fetched_at"]): answer for answer in ordered}
    return dict(sorted(fetched.items()))


def in_force(fetched: dict[datetime, Record]) -> dict[datetime, Record]:
    """Since when: its last change, or the fetch of another than the first with that date."""
    since: dict[datetime, Record] = {}
    dates = set()
    for at, answer in fetched.items():
        modified = answer.get("LastModifiedDate")
        since[at if modified is None or modified in dates else min(at, read_time(modified))] = answer
        dates.add(modified)
    return dict(sorted(since.items()))


def refreshes(records: list[Record]) -> dict[tuple[str, str], Series]:
    """Runs that were started by each list's time, less the first."""
    lists: dict[tuple[str, str], dict[datetime, set[str]]] = defaultdict(lambda: defaultdict(set))
    for record in records:
        started = {run["RunId"] for run in record["JourneyRunsResponse"]["Item"] if run["Status"] != "SCHEDULED"}
        lists[record["application_id"], record["journey_id"]][read_time(record["fetched_at"])] |= started
    return {
        journey: {
            at: max(len(set[str]().union(*(runs for listed, runs in fetched.items() if listed <= at))) - 1, 0)
            for at in sorted(fetched)
        }
        for journey, fetched in lists.items()
    }


def planned(answer: Record) -> int | None:
    """Whole refresh intervals between the schedule's start and end."""
    if not answer.get("RefreshFrequency"):
        return 0
    intervals = {"P1D": 86_400, "PT6H": 21_600, "P1W": 604_800, "P1DT12H": 129_600, "PT1H30M": 5_400, "PT45S": 45}
    seconds = intervals.get(answer["RefreshFrequency"])  # months are of no fixed length
    schedule = answer["Schedule"]
    if seconds is None or "EndTime" not in schedule:
        return None
    return int((read_time(schedule["EndTime"]) - read_time(schedule["StartTime"])).total_seconds() // seconds)


# ---- Contacts


def contact_center_metrics(records: list[Record], definitions: Definitions, zone: str) -> Rows:
    outcomes = ("sit_tone", "fax", "voicemail_beep", "voicemail_no_beep", "not_answered", "connection_error")
    mart = Mart(zone, "successful_dials", "connected", *outcomes, "failed_dials", "expired_dials")
    contacts: dict[str, dict[datetime, Record]] = defaultdict(dict)
    for record in records:
        detail = {f"{name[0].lower()}{name[1:]}": value for name, value in record["detail"].items()}
        contacts[detail["contactId"]][read_time(record["time"])] = detail
    for events in contacts.values():
        campaigns = [event["campaign"]["campaignId"] for event in events.values() if "campaign" in event]
        channels = {event.get("channel", "VOICE") for event in events.values()}
        journey = definitions.journey_of_campaign(min(campaigns)) if campaigns else None
        if journey is None or channels != {"VOICE"}:
            continue
        keys = (*journey, min(campaigns))
        kinds = {event["eventType"] for event in events.values()}
        at = min(times(events, "initiationTimestamp"), default=min(events))
        reason, machine = (
            last_stated(events, name) for name in ("disconnectReason", "answeringMachineDetectionStatus")
        )
        mart.count(keys, at)
        if reason in _FAILED:
            mart.count(keys, at, "failed_dials")
        elif reason == "EXPIRED":
            mart.count(keys, at, "expired_dials")
        elif machine or times(events, "connectedToSystemTimestamp") or "CONNECTED_TO_SYSTEM" in kinds:
            mart.count(keys, at, "successful_dials")
            agents = {at: event.get("agentInfo", {}) for at, event in events.items()}
            has_agent = bool(times(agents, "connectedToAgentTimestamp")) or "CONNECTED_TO_AGENT" in kinds
            connected = has_agent and "VOICEMAIL" not in machine
            if connected:
                mart.count(keys, at, "connected")
            if name := outcome(machine, connected):
                mart.count(keys, at, name)
    for row in mart.rows.values():
        row["connection_rate"] = row["connected"] / row["successful_dials"] if row["successful_dials"] else None
    return mart.rows


def times(events: dict[datetime, Record], name: str) -> list[datetime]:
    found = (event.get(name) for event in events.values())
    return [read_time(text) for text in found if text not in (None, _NOT_YET)]


def last_stated(events: dict[datetime, Record], name: str) -> str:
    stated = [event[name].upper() for _, event in sorted(events.items(), key=lambda pair: pair[0]) if name in event]
    return stated[-1] if stated else ""


def outcome(machine: str, connected: bool) -> str | None:
    if machine in _TONES:
        return "sit_tone"
    if machine in _UNCLEAR:
        return None if connected else "connection_error"
    names = {"FAX_MACHINE_DETECTED": "fax", "AMD_UNANSWERED": "not_answered"}
    return machine.lower() if machine.startswith("VOICEMAIL") else names.get(machine)


# ---- The comparison


def check(home: TestHome, extracts: Extracts, zone: str) -> None:
    counters = Counters(extracts["pinpoint/execution_metrics"])
    definitions = Definitions(extracts)
    events = typed(unique(extracts["pinpoint/events"]), counters, definitions)
    spans = Spans(events, zone)
    journeys, activities = definitions.names()
    assert definitions.tests == {("a", "t")}
    of_activities = "application_id, journey_id, activity_id"
    for mart, keys, expected in (
        ("email", of_activities, email_metrics(events, zone)),
        ("sms", of_activities, sms_metrics(events, zone)),
        ("push", of_activities, push_metrics(events, definitions, spans, zone)),
        ("custom_channel", of_activities, custom_channel_metrics(events, zone)),
        ("activity", of_activities, activity_metrics(events, counters, spans, zone)),
        ("wait", of_activities, wait_metrics(counters, zone)),
        ("holdout", of_activities, holdout_metrics(counters, zone)),
        ("split", f"{of_activities}, split_type, path", split_metrics(counters, definitions, zone)),
        ("journey", "application_id, journey_id", journey_metrics(events, counters, definitions, spans, zone)),
        (
            "contact_center",
            "application_id, journey_id, campaign_id",
            contact_center_metrics(extracts["connect/contact_events"], definitions, zone),
        ),
    ):
        expected = {key: row for key, row in expected.items() if key[2:4] not in definitions.tests}
        found = read(home, f"pinpoint_{mart}_metrics", keys)
        assert found.keys() == expected.keys(), (mart, sorted(found.keys() ^ expected.keys(), key=str)[:5])
        for key, row in expected.items():
            row["journey_name"] = journeys.get(key[2:4])
            if "activity_id" in keys:
                row["activity_name"] = activities.get(key[2:5])
            assert found[key].keys() == row.keys(), (mart, found[key].keys() ^ row.keys())
            differing = [name for name, value in row.items() if not same(found[key][name], value)]
            assert not differing, (mart, key, {name: (found[key][name], row[name]) for name in differing})


def same(found: Any, expected: Any) -> bool:
    """Equal, numbers that are computed but for their last digits."""
    if isinstance(expected, float) and found is not None:
        return math.isclose(found, expected, rel_tol=1e-12)
    return bool(found == expected)


def read(home: TestHome, mart: str, keys: str) -> Rows:
    """All columns of the mart's three grains, by grain, start and keys."""
    width = keys.count(",") + 3
    rows: Rows = {}
    for grain in ("hourly", "daily", "monthly"):
        columns = home.query(f"describe select * exclude (period_start, {keys}) from {mart}_{grain}")
        rest = f"* exclude (period_start, {keys})"
        for row in home.query(f"select '{grain}', period_start, {keys}, {rest} from {mart}_{grain}"):
            named = dict(zip((column[0] for column in columns), row[width:], strict=True))
            assert row[:width] not in rows
            rows[row[:width]] = named
    return rows


def test_the_marts_are_what_a_second_implementation_counts_in_any_order(home: TestHome) -> None:
    extracts = some_extracts(seed=2, scale=12)
    # 8 March has 23 hours in the other zone, and half-hours belong to two days
    for order, (zone, runs) in enumerate([("UTC", 2), ("America/St_Johns", 3)]):
        home.reset()
        chance = random.Random(order)
        shuffled = {
            source: records + chance.sample(records, len(records) // 10) for source, records in extracts.items()
        }
        for records in shuffled.values():
            chance.shuffle(records)
        for run in range(runs):
            for source, records in shuffled.items():
                home.put(source, f"{run}.json", records[run::runs])
            for source, landed in home.land().items():
                assert landed.totals.add_up
                assert landed.totals.quarantined == 0, source
                if source == "pinpoint/events":
                    assert landed.totals.ignored == sum(map(is_of_no_metric, shuffled[source][run::runs]))
            home.build(*_MODELS, *(TABLES if run else ()), reporting_timezone=zone)
        check(home, extracts, zone)
    home.build("--full-refresh", *_MODELS, *TABLES, reporting_timezone=zone)
    check(home, extracts, zone)
