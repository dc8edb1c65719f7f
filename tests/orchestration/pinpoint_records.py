"""Made-up records of Pinpoint's journeys for tests: few journeys, endpoints and instants, so that everything meets."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

Record = dict[str, Any]

_START = datetime(2026, 2, 20, tzinfo=UTC)
# Projects and their journeys; most records are of one. The last is a test, and not the one beside it.
_JOURNEYS = [*[("a", "j")] * 5, ("a", "k"), ("b", "j"), ("b", "t"), ("a", "t")]
# What every journey has, with the type that the API's metrics give it.
ACTIVITIES = {
    "mail": "EMAIL",
    "text": "SMS",
    "sms": "SMS",
    "push": "PUSH",
    "hook": "CUSTOM",
    "call": "CONTACT_CENTER",
    "dial": "CONTACT_CENTER",
    "wait": "WAIT",
    "yes": "CONDITIONAL_SPLIT",
    "many": "MULTI_CONDITIONAL_SPLIT",
    "dice": "RANDOM_SPLIT",
    "held": "HOLDOUT",
}
_STATUSES = [
    *("SUCCESS", "SUCCESS", "SUCCESS", "SUCCESS", "CUSTOM_DELIVERY_FAILURE", "FAILURE", "FAILURE_PERMANENT"),
    *("THROTTLED", "UNSUPPORTED_CHANNEL", "DAILY_CAP", "QUIET_TIME", "QUIET_TIME_MISSING_TIMEZONE"),
    *("QUIET_TIME_WAIT_FINISHED", "TRANSIENT_FAILURE", "SERVICE_FAILURE", "UNKNOWN", "NEW_STATUS", None),
]
_EMAIL_KINDS = [
    *("send", "delivered", "open", "open", "open", "click", "click", "softbounce", "softbounce", "hardbounce"),
    *("complaint", "unsubscribe", "rejected", "rendering_failure"),
]
_COUNTERS = {
    "Journey": ["ENDPOINT_ACTIVE", "ENDPOINT_LEFT", "ENDPOINT_ENTERED", "REENTRY_CAP_EXCEEDED", "CANCELLED"],
    "JourneyRun": ["ENDPOINT_ACTIVE", "ENDPOINT_LEFT", "ENDPOINT_ENTERED", "ENDPOINT_PRODUCED"],
    "EMAIL": [
        *("SUCCESS", "DAILY_CAP_EXCEEDED", "FAILURE_PERMANENT", "QUIET_TIME", "SERVICE_FAILURE", "THROTTLED"),
        *("TRANSIENT_FAILURE", "UNKNOWN", "UNSUPPORTED_CHANNEL", "DROPPED", "DIAL_FAILURE"),
    ],
    "CONTACT_CENTER": ["CALL_QUEUED", "DIAL_FAILURE", "DROPPED", "TRANSIENT_FAILURE", "WAIT_FINISHED", "WAIT_STARTED"],
    "WAIT": ["WAIT_FINISHED", "WAIT_SKIPPED", "WAIT_STARTED"],
    "CONDITIONAL_SPLIT": ["Branch_TRUE", "Branch_FALSE", "TOTAL"],
    "MULTI_CONDITIONAL_SPLIT": ["Branch_1", "Branch_2", "Branch_ELSE", "Other"],
    "RANDOM_SPLIT": ["Branch_1", "Branch_2", "Branch_10", "TOTAL"],
    "HOLDOUT": ["HOLDOUT", "PASSED"],
}
_MACHINES = [
    *("HUMAN_ANSWERED", "VOICEMAIL_BEEP", "VOICEMAIL_NO_BEEP", "AMD_UNANSWERED", "AMD_UNRESOLVED", "AMD_ERROR"),
    *("AMD_UNRESOLVED_SILENCE", "AMD_NOT_APPLICABLE", "SIT_TONE_BUSY", "SIT_TONE_DETECTED"),
    *("SIT_TONE_INVALID_NUMBER", "FAX_MACHINE_DETECTED", "Undetected"),
]
_REASONS = [
    *("CUSTOMER_DISCONNECT", "CUSTOMER_DISCONNECT", "OUTBOUND_DESTINATION_ENDPOINT_ERROR"),
    *("OUTBOUND_RESOURCE_ERROR", "OUTBOUND_ATTEMPT_FAILED", "EXPIRED", "Expired"),
]
_CAMPAIGNS = {("a", "j"): ["q"], ("a", "k"): ["shared"], ("b", "j"): ["shared"], ("a", "t"): ["q", "tested"]}


def some_extracts(seed: int, scale: int) -> dict[str, list[Record]]:
    """Records by source, about a hundred for one of `scale`.

    Two records never differ in what only chance could decide, such as two prices of a message at one instant.
    """
    return _Maker(random.Random(seed)).extracts(scale)


class _Maker:
    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._taken: set[object] = set()
        self._texted: list[Record] = []
        self._texts = Counter[str]()
        self._instants = [_START + timedelta(milliseconds=chance.randrange(40 * 86_400_000)) for _ in range(10)]
        # beside the ends of a month, and of days of other zones
        self._instants += [datetime(2026, 2, 28, 23, 59, 59, 999000, UTC), datetime(2026, 3, 1, tzinfo=UTC)]
        self._instants += [datetime(2026, 3, 8, 3, 29, 59, 999000, UTC), datetime(2026, 3, 8, 3, 30, tzinfo=UTC)]
        self._instants += [datetime(2026, 2, 28, 18, 20, tzinfo=UTC), datetime(2026, 2, 28, 18, 40, tzinfo=UTC)]

    def extracts(self, scale: int) -> dict[str, list[Record]]:
        events = [self._send() for _ in range(14 * scale)]
        events += [self._email() for _ in range(14 * scale)]
        events += [event for _ in range(5 * scale) for event in self._text()]
        events += [self._notification() for _ in range(5 * scale)]
        events += [self._of_no_metric() for _ in range(scale)]
        return {
            "pinpoint/events": events,
            "pinpoint/execution_metrics": [self._snapshot() for _ in range(36 * scale)],
            "pinpoint/journey_runs": [self._runs() for _ in range(2 * scale)],
            "pinpoint/journeys": [answer for n in range(3 * scale) for answer in self._definition(n)],
            "pinpoint/application_settings": [self._settings() for _ in range(scale)],
            "connect/contact_events": [self._contact_event() for _ in range(10 * scale)],
        }

    def _at(self) -> datetime:
        """One of the instants, or a little later."""
        return self._chance.choice(self._instants) + timedelta(minutes=self._chance.choice([0, 0, 0, 20, 40, 60]))

    def _once(self, at: datetime, *key: object) -> datetime:
        """The instant, or as many milliseconds later as make it the only one of its key."""
        while (at, *key) in self._taken:
            at += timedelta(milliseconds=1)
        self._taken.add((at, *key))
        return at

    # ---- The event stream

    def _event(self, kind: str, at: datetime, activity: str) -> Record:
        application, journey = self._chance.choice(_JOURNEYS)
        attributes = {
            "journey_id": journey if self._chance.random() < 0.97 else "",
            "journey_run_id": self._chance.choice("rs"),
            # sends without an activity are of several types; no record states which
            "journey_activity_id": activity if self._chance.random() < 0.97 or activity == "hook" else "",
        }
        return {
            "event_type": kind,
            "event_timestamp": _milliseconds(at),
            "arrival_timestamp": _milliseconds(at) - 258,
            "application": {"app_id": application, "sdk": {}} if self._chance.random() < 0.97 else {},
            "client": {"client_id": self._chance.choice("ef")},
            "attributes": attributes,
            "awsAccountId": "1",
        }

    def _send(self) -> Record:
        activity = self._chance.choice(["mail", "text", "text", "sms", "sms", "push", "hook", "call"])
        event = self._event("_journey.send", self._at(), activity)
        status = self._chance.choice(_STATUSES)
        event["attributes"]["journey_send_status"] = status
        if status != "QUIET_TIME_WAIT_FINISHED" and self._chance.random() < 0.9:
            event["attributes"]["journey_activity_type"] = ACTIVITIES[activity]
        # the last of two sends to an endpoint is known by its time
        at = self._once(_time(event), "send", str(event["application"]), str(event["client"]))
        event["event_timestamp"] = _milliseconds(at)
        if status == "SUCCESS" and ACTIVITIES[activity] == "SMS":
            self._texted.append(event)
        return event

    def _email(self) -> Record:
        event = self._event(f"_email.{self._chance.choice(_EMAIL_KINDS)}", _START, "mail")
        if self._chance.random() < 0.05:
            event["attributes"] = {"campaign_id": "c"}
        # other journeys have messages of the same ids
        message = {"message_id": f"m{self._chance.randrange(25)}"}
        event["facets"] = {"email_channel": {"mail_event": {"mail": message}}}
        event["arrival_timestamp"] = _milliseconds(self._at())
        return event

    def _text(self) -> list[Record]:
        """All events of a message: of a journey that they report, of a campaign, or of the send before it."""
        chance = self._chance
        send = chance.choice(self._texted)
        # other projects have messages of the same ids
        self._texts[str(send["application"])] += 1
        message = f"s{self._texts[str(send['application'])]}"
        later = [timedelta(), timedelta(seconds=2), timedelta(hours=30), timedelta(hours=72)]
        at = _time(send) + chance.choice(later) + timedelta(milliseconds=chance.choice([0, 0, 1, -1]))
        reported = chance.choice(["nothing", "nothing", "nothing", "journey", "both", "campaign"])
        events = []
        for _ in range(chance.randint(1, 4)):
            event = self._event(
                f"_SMS.{chance.choice(['BUFFERED', 'SUCCESS', 'FAILURE'])}", at, chance.choice(["sms", "text"])
            )
            attributes = event["attributes"] if reported in ("journey", "both") and chance.random() < 0.7 else {}
            if reported in ("campaign", "both") and chance.random() < 0.7:
                attributes["campaign_id"] = "c"
            attributes |= {"message_id": message, "record_status": "SUCCESSFUL"}
            event |= {"application": send["application"], "client": send["client"], "attributes": attributes}
            if chance.random() < 0.7:
                event["metrics"] = {"price_in_millicents_usd": chance.choice([0.0, 645.0, 1290.5])}
            events.append(event)
            at += timedelta(minutes=chance.choice([1, 50, 3000]))
        return events

    def _notification(self) -> Record:
        kind = self._chance.choice(["opened_notification", "received_foreground", "received_background"])
        return self._event(f"_journey.{kind}", self._at(), "push")

    def _of_no_metric(self) -> Record:
        kind = self._chance.choice(["_campaign.send", "_SMS.OPTOUT", "_session.start", "bought", "_test.event_stream"])
        return self._event(kind, self._at(), "mail")

    # ---- Answers of the API

    def _snapshot(self) -> Record:
        """Counters that rise, fall, stay and are left out; of one instant there may be several versions."""
        chance = self._chance
        scope = chance.choice([*["Journey"] * 3, *["JourneyRun"] * 3, "JourneyRunActivity", *["JourneyActivity"] * 7])
        application, journey = chance.choice(_JOURNEYS)
        answer: Record = {"ApplicationId": application, "JourneyId": journey}
        if "Run" in scope:
            answer["RunId"] = chance.choice("rs")
        name = scope
        if "Activity" in scope:
            answer["JourneyActivityId"] = chance.choice(list(ACTIVITIES))
            name = ACTIVITIES[answer["JourneyActivityId"]]
            # of what sends messages, one type or another, or none
            answer["ActivityType"] = {"EMAIL": "MESSAGE", "SMS": None}.get(name, name)
        counted = self._at()
        fetched = self._once(counted + timedelta(hours=chance.choice([0, 1])), *answer.values())
        if chance.random() < 0.8:
            answer["LastEvaluatedTime"] = _iso(counted)
        levels = {
            counter: chance.choice([0, 0, 0, *range(1, 10)]) for counter in _COUNTERS.get(name, _COUNTERS["EMAIL"])
        }
        answer["Metrics"] = {counter: str(level) for counter, level in levels.items() if level}
        kind = scope.replace("Activity", "") + "Execution" + ("Activity" if "Activity" in scope else "")
        return {"fetched_at": _iso(fetched), f"{kind}MetricsResponse": answer}

    def _runs(self) -> Record:
        chance = self._chance
        application, journey = chance.choice(_JOURNEYS)
        runs = [
            {"RunId": run, "Status": chance.choice(["SCHEDULED", "RUNNING", "COMPLETED", "CANCELLED"])}
            for run in chance.sample("rstuvw", chance.randint(0, 3))
        ]
        answer = {"Item": runs, "NextToken": "x"}
        return {
            "fetched_at": _iso(self._at()),
            "application_id": application,
            "journey_id": journey,
            "JourneyRunsResponse": answer,
        }

    def _modified(self, fetched: datetime) -> datetime:
        return max(at for days in (-5, 9, 9.5, 16, 25) if (at := _START + timedelta(days=days)) <= fetched)

    def _definition(self, number: int) -> list[Record]:
        """A definition as it was fetched, and sometimes an older version under the same time."""
        application, journey = _JOURNEYS[number % len(_JOURNEYS)]
        fetched = self._once(self._at(), "definition", application, journey)
        modified = self._modified(fetched)
        # mostly the same for the same last change
        seed = f"{application}{journey}{modified}{self._chance.choice(['', '', '', 'other'])}"
        answers = [_journey(random.Random(seed), application, journey, modified)]
        if self._chance.random() < 0.1:
            answers.append(_journey(random.Random(f"{seed}older"), application, journey, modified - timedelta(days=1)))
        if self._chance.random() < 0.1:
            del answers[0]["LastModifiedDate"]
        return [{"fetched_at": _iso(fetched), "JourneyResponse": answer} for answer in answers]

    def _settings(self) -> Record:
        chance = self._chance
        application = chance.choice("aab")
        fetched = self._once(self._at(), "settings", application)
        answer: Record = {"ApplicationId": application, "LastModifiedDate": _iso(self._modified(fetched))}
        if chance.random() < 0.8:
            answer["Limits"] = {"Daily": chance.randint(50, 60)}
        if chance.random() < 0.6:
            answer["JourneyLimits"] = {"DailyCap": chance.choice([0, 20, 30])}
        if chance.random() < 0.6:
            answer["QuietTime"] = {"Start": "20:00", "End": chance.choice(["05:00", "06:00"])}
        return {"fetched_at": _iso(fetched), "ApplicationSettingsResource": answer}

    # ---- Amazon Connect

    def _contact_event(self) -> Record:
        chance = self._chance
        contact = f"c{chance.randrange(25)}"
        at = self._once(self._at(), "contact", contact)
        times = [_iso(at - timedelta(minutes=chance.choice([0, 5, 50]))), "1970-01-01T00:00:00.001Z", None]
        detail: Record = {
            "contactId": contact,
            "eventType": chance.choice(["INITIATED", "CONNECTED_TO_SYSTEM", "CONNECTED_TO_AGENT", "DISCONNECTED"]),
            "initiationTimestamp": chance.choice(times),
            "connectedToSystemTimestamp": chance.choice(times),
            "agentInfo": chance.choice([None, {"connectedToAgentTimestamp": chance.choice(times)}]),
            "disconnectReason": chance.choice([*_REASONS, *[None] * 14]),
            "answeringMachineDetectionStatus": chance.choice([*_MACHINES, *[None] * 10]),
            "campaign": chance.choice([None, {"campaignId": chance.choice(["q", "q", "shared", "lost", "tested"])}]),
            # every fifth is a chat, and some of its events state that
            "channel": chance.choice([None, "chat" if int(contact[1:]) % 5 == 0 else "VOICE"]),
        }
        detail = {name: value for name, value in detail.items() if value is not None}
        if chance.random() < 0.3:
            detail = {f"{name[0].upper()}{name[1:]}": value for name, value in detail.items()}
        return {"time": _iso(at), "detail-type": "Amazon Connect Contact Event", "detail": detail}


def _journey(chance: random.Random, application: str, journey: str, modified: datetime) -> Record:
    activities = {name: _activity(chance, name) for name in ACTIVITIES if chance.random() < 0.8}
    frequencies = [None, None, "", "P1D", "PT6H", "P1W", "P1DT12H", "PT1H30M", "PT45S", "P1M"]
    start = _START + timedelta(hours=chance.randrange(100), milliseconds=chance.choice([0, 600]))
    answer: Record = {
        "ApplicationId": application,
        "Id": journey,
        "Name": chance.choice(
            ["Test-t", "Test-t", "t"] if (application, journey) == ("a", "t") else ["A Test-t", "The t", ""]
        ),
        "LastModifiedDate": _iso(modified),
        "RefreshFrequency": chance.choice(frequencies),
        "RefreshOnSegmentUpdate": chance.choice([True, False, None]),
        "Schedule": {"StartTime": _iso(start), "EndTime": _iso(start + timedelta(minutes=chance.randrange(50_000)))},
        "QuietTime": {"Start": "22:00", "End": chance.choice(["06:00", "07:00"])},
        "Limits": {"EndpointReentryCap": chance.choice([0, 1, None]), "DailyCap": chance.choice([7, 8, None])},
        "Activities": activities,
    }
    if chance.random() < 0.2:
        del answer["Schedule"]["EndTime"]
    if chance.random() < 0.2:
        del answer["QuietTime"]
    if (application, journey) in _CAMPAIGNS:
        arn = f"arn:aws:connect-campaigns:r:1:campaign/{chance.choice(_CAMPAIGNS[application, journey])}"
        answer["JourneyChannelSettings"] = {"ConnectCampaignArn": arn}
    return answer


def _activity(chance: random.Random, name: str) -> Record:
    following = [*ACTIVITIES, None]
    rules: Record = {
        "EMAIL": {"EMAIL": {}},
        "SMS": {"SMS": {}},
        "PUSH": {"PUSH": {"MessageConfig": chance.choice([{"TimeToLive": str(chance.randrange(90))}, {}])}},
        "CUSTOM": {"CUSTOM": {}},
        "CONTACT_CENTER": {"ContactCenter": {}},
        "WAIT": {"Wait": {}},
        "CONDITIONAL_SPLIT": {
            "ConditionalSplit": {"TrueActivity": chance.choice(following), "FalseActivity": chance.choice(following)}
        },
        "MULTI_CONDITIONAL_SPLIT": {
            "MultiCondition": {
                "Branches": [{"NextActivity": chance.choice(following)} for _ in range(2)],
                "DefaultActivity": chance.choice(following),
            }
        },
        "RANDOM_SPLIT": {
            "RandomSplit": {
                "Branches": [
                    {"NextActivity": chance.choice(following), "Percentage": chance.choice([10, 30])} for _ in range(2)
                ]
            }
        },
        "HOLDOUT": {"Holdout": {"Percentage": 10}},
    }
    described = {"Description": f"The {name} {chance.randrange(9)}"} if chance.random() < 0.7 else {}
    return {**rules[ACTIVITIES[name]], **described}


def _time(event: Record) -> datetime:
    return datetime.fromtimestamp(event["event_timestamp"] / 1000, UTC)


def _milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
