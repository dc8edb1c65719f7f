"""The made-up journeys: their definitions as GetJourney tells them, how these change, and the way through them."""

from base64 import b64encode
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from hashlib import md5
from math import ceil
from typing import Any

from touchstone.sample.cloudwatch.connect import INSTANCES
from touchstone.sample.plan import Plan
from touchstone.sample.ses.envelopes import uuid
from touchstone.sample.ses.records import EAST

Fields = dict[str, Any]


def hex_id(*names: object) -> str:
    """32 hex digits, as projects, journeys, runs, segments and campaigns have."""
    return _digest(names).hex()


def short_id(*names: object) -> str:
    """Ten letters and digits, as activities have."""
    return b64encode(_digest(names), b"Kz").decode()[:10]


def _digest(names: tuple[object, ...]) -> bytes:
    return md5("/".join(map(str, names)).encode(), usedforsecurity=False).digest()


ACCOUNT, REGION = EAST
# A project with journeys, and another whose events come by the same stream.
SHOP, ALERTS = hex_id("project", "shop"), hex_id("project", "alerts")
INSTANCE = INSTANCES[0].id
# A campaign of Amazon Connect that a journey dials with, and one of no journey.
DIALLED, OTHER_DIALLED = (uuid(int(hex_id("connect campaign", name), 16)) for name in ("win-back", "survey"))

# ---- Definitions. Without NextActivity a participant has reached the end.

EMAIL, SMS, PUSH, CUSTOM, CONTACT_CENTER = "EMAIL", "SMS", "PUSH", "CUSTOM", "CONTACT_CENTER"


def _opened(*names: str) -> Fields:
    """A condition: the participant has opened the email of an activity."""
    event = {"EventType": {"DimensionType": "INCLUSIVE", "Values": ["_email.open"]}}
    return {"EventCondition": {"Dimensions": event, "MessageActivity": short_id(*names)}}


def _in_segment(name: str) -> Fields:
    return {"SegmentCondition": {"SegmentId": hex_id("segment", name)}}


def _email(name: str, template: str, following: str | None = None) -> Fields:
    return _then({"MessageConfig": {"FromAddress": "shop@example.com"}, "TemplateName": template}, name, following)


def _then(activity: Fields, journey: str, following: str | None) -> Fields:
    return activity | ({"NextActivity": short_id(journey, following)} if following else {})


def _welcome() -> dict[str, Fields]:
    name = "welcome"
    opened = {"Conditions": [_opened(name, "greeting")], "Operator": "ANY"}
    return {
        "holdout": {"Holdout": _then({"Percentage": 10}, name, "greeting")},
        "greeting": {"EMAIL": _email(name, "welcome", "a day"), "Description": "Greeting"},
        "a day": {"Wait": _then({"WaitTime": {"WaitFor": "P1D"}}, name, "opened?")},
        "opened?": {
            "ConditionalSplit": {
                "Condition": opened,
                "EvaluationWaitTime": {"WaitFor": "PT1H"},
                "TrueActivity": short_id(name, "app"),
                "FalseActivity": short_id(name, "paths"),
            }
        },
        "app": {"PUSH": {"MessageConfig": {"TimeToLive": "86400"}, "TemplateName": "get-the-app"}},
        "paths": {
            "RandomSplit": {
                "Branches": [
                    {"NextActivity": short_id(name, "text"), "Percentage": 50},
                    {"NextActivity": short_id(name, "reminder"), "Percentage": 30},
                    {"Percentage": 20},
                ]
            },
            "Description": "Text, email or nothing",
        },
        "text": {"SMS": {"MessageConfig": {"MessageType": "PROMOTIONAL"}, "TemplateName": "text-reminder"}},
        "reminder": {"EMAIL": _email(name, "email-reminder")},
    }


def _cart() -> dict[str, Fields]:
    name = "cart"
    return {
        "your cart": {"EMAIL": _email(name, "your-cart", "two hours"), "Description": "Your cart"},
        "two hours": {"Wait": _then({"WaitTime": {"WaitFor": "PT2H"}}, name, "which?")},
        "which?": {
            "MultiCondition": {
                "Branches": [
                    {"Condition": _in_segment("app users"), "NextActivity": short_id(name, "coupon")},
                    {"Condition": _in_segment("texted"), "NextActivity": short_id(name, "text")},
                ],
                "DefaultActivity": short_id(name, "crm"),
                "EvaluationWaitTime": {"WaitFor": "PT1H"},
            }
        },
        "coupon": {
            "PUSH": _then({"MessageConfig": {"TimeToLive": "3600"}, "TemplateName": "coupon"}, name, "last call")
        },
        "text": {
            "SMS": {
                "MessageConfig": {"MessageType": "TRANSACTIONAL", "OriginationNumber": "+12065550100"},
                "TemplateName": "cart-text",
            }
        },
        "crm": {
            "CUSTOM": _then(
                {
                    "DeliveryUri": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:to-crm",
                    "EndpointTypes": ["EMAIL", "CUSTOM"],
                    "MessageConfig": {"Data": "cart"},
                },
                name,
                "last call",
            )
        },
        "last call": {"EMAIL": _email(name, "last-call")},
    }


def _win_back() -> dict[str, Fields]:
    name = "win back"
    return {
        "bought?": {
            "ConditionalSplit": {
                "Condition": {"Conditions": [_in_segment("bought of late")], "Operator": "ALL"},
                "TrueActivity": None,
                "FalseActivity": short_id(name, "call"),
            }
        },
        "call": {"ContactCenter": _then({}, name, "webhook"), "Description": "Call"},
        "webhook": {
            "CUSTOM": _then(
                {
                    "DeliveryUri": "https://hooks.example.com/called",
                    "EndpointTypes": ["CUSTOM"],
                    "MessageConfig": {"Data": "called"},
                },
                name,
                "until",
            )
        },
        # The date is set by `World`.
        "until": {"Wait": _then({"WaitTime": {"WaitUntil": ""}}, name, "thanks")},
        "thanks": {"EMAIL": _email(name, "thanks")},
    }


@dataclass(frozen=True, slots=True, eq=False)
class Journey:
    """A journey before anything of it changes; `fields` are of its definition, beside what all have.

    `run_days`: its segment is evaluated anew every so many days, each time by another run.
    """

    name: str
    title: str
    start: str
    activities: Mapping[str, Fields]
    fields: Mapping[str, Any]
    run_days: int | None = None

    @property
    def id(self) -> str:
        return hex_id("journey", self.name)

    def activity(self, name: str) -> str:
        # A test copy has the activities of its original.
        return short_id(self.name.removeprefix("test of "), name)


def _from_segment(name: str) -> Fields:
    return {"SegmentStartCondition": {"SegmentId": hex_id("segment", name)}}


WELCOME = Journey(
    "welcome",
    "Welcome series",
    "holdout",
    _welcome(),
    {
        "StartCondition": _from_segment("new customers") | {"Description": "New customers"},
        "Limits": {"DailyCap": 2, "EndpointReentryCap": 1, "MessagesPerSecond": 50, "EndpointReentryInterval": "P1D"},
        "RefreshFrequency": "P2D",
        "RefreshOnSegmentUpdate": False,
        "QuietTime": {"Start": "22:00", "End": "07:00"},
        "WaitForQuietTime": True,
        "TimezoneEstimationMethods": ["PHONE_NUMBER"],
    },
    run_days=2,
)
CART = Journey(
    "cart",
    "Abandoned cart",
    "your cart",
    _cart(),
    {
        "StartCondition": {
            "EventStartCondition": {
                "EventFilter": {
                    "Dimensions": {"EventType": {"DimensionType": "INCLUSIVE", "Values": ["cart.abandoned"]}},
                    "FilterType": "ENDPOINT",
                },
                "SegmentId": hex_id("segment", "shoppers"),
            }
        },
        # No cap of its own: the project's holds.
        "Limits": {"EndpointReentryCap": 0, "TimeframeCap": {"Cap": 10, "Days": 7}},
        "RefreshFrequency": None,
        "WaitForQuietTime": False,
    },
)
WIN_BACK = Journey(
    "win back",
    "Win-back calls",
    "bought?",
    _win_back(),
    {
        "StartCondition": _from_segment("lapsed customers"),
        "Limits": {"DailyCap": 1, "EndpointReentryCap": 1, "TotalCap": 20},
        "RefreshOnSegmentUpdate": False,
        "SendingSchedule": True,
        "OpenHours": {"VOICE": {day: [{"StartTime": "09:00", "EndTime": "18:00"}] for day in ("MONDAY", "TUESDAY")}},
        "ClosedDays": {"VOICE": [{"Name": "Inventory"}]},
        "JourneyChannelSettings": {
            "ConnectCampaignArn": f"arn:aws:connect-campaigns:{REGION}:{ACCOUNT}:campaign/{DIALLED}",
            "ConnectCampaignExecutionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/dials",
        },
    },
)
TEST = Journey(
    "test of welcome",
    "Test-Welcome series",
    WELCOME.start,
    WELCOME.activities,
    {**WELCOME.fields, "RefreshFrequency": None},
)
# Nobody ever enters this one.
PREVIEW = Journey(
    "preview",
    "Autumn preview",
    "teaser",
    {"teaser": {"EMAIL": {"TemplateName": "teaser"}}},
    {"StartCondition": _from_segment("everyone"), "Limits": {}},
)
JOURNEYS = (WELCOME, CART, WIN_BACK, TEST, PREVIEW)

# ---- What changes, after which share of the days: the path into a definition, and the new value; None takes it away.

_THIRD_BRANCH = {"Condition": _opened("cart", "your cart"), "NextActivity": short_id("cart", "last call")}
CHANGES: tuple[tuple[float, Journey, tuple[str | int, ...], Any], ...] = (
    (0.1, PREVIEW, ("State",), "ACTIVE"),
    (0.2, WELCOME, ("Limits", "EndpointReentryCap"), 3),
    (0.2, TEST, ("State",), "CLOSED"),
    (0.3, CART, ("QuietTime",), {"Start": "21:00", "End": "08:00"}),
    (0.3, PREVIEW, ("State",), "PAUSED"),
    (0.4, WELCOME, ("RefreshOnSegmentUpdate",), True),
    (0.4, TEST, ("State",), "COMPLETED"),
    (0.4, WIN_BACK, ("Limits", "DailyCap"), None),
    (0.5, CART, ("Activities", CART.activity("which?"), "MultiCondition", "Branches", 2), _THIRD_BRANCH),
    (0.5, CART, ("Activities", CART.activity("coupon"), "PUSH", "MessageConfig", "TimeToLive"), "0"),
    (0.6, WELCOME, ("Activities", WELCOME.activity("paths"), "RandomSplit", "Branches", 0, "Percentage"), 40),
    (0.6, WELCOME, ("Activities", WELCOME.activity("paths"), "RandomSplit", "Branches", 1, "Percentage"), 40),
    (0.6, PREVIEW, ("State",), "CANCELLED"),
    (0.7, CART, ("Activities", CART.activity("coupon"), "PUSH", "MessageConfig", "TimeToLive"), None),
    (0.7, WELCOME, ("QuietTime", "End"), "08:30"),
    (0.8, WIN_BACK, ("RefreshOnSegmentUpdate",), True),
    (0.85, WIN_BACK, ("State",), "CLOSED"),
)
# The same of application settings.
APPLICATION_SETTINGS: dict[str, Fields] = {
    SHOP: {
        "ApplicationId": SHOP,
        "CampaignHook": {},
        "JourneyLimits": {"DailyCap": 4, "TimeframeCap": {"Cap": 20, "Days": 7}},
        "Limits": {"Daily": 8, "MaximumDuration": 10800, "MessagesPerSecond": 50, "Total": 0},
        "QuietTime": {"Start": "23:00", "End": "06:00"},
    },
    ALERTS: {"ApplicationId": ALERTS, "CampaignHook": None, "Limits": {}, "QuietTime": {}},
}
SETTINGS_CHANGES: tuple[tuple[float, tuple[str | int, ...], Any], ...] = (
    (0.35, ("JourneyLimits", "DailyCap"), 6),
    (0.65, ("JourneyLimits",), None),
    (0.75, ("Limits", "Daily"), 10),
)


def put(fields: Any, path: tuple[str | int, ...], value: Any) -> None:
    """Set, add or take away what a path leads to."""
    *above, last = path
    for name in above:
        fields = fields[name]
    if value is None:
        del fields[last]
    elif isinstance(fields, list) and last == len(fields):
        fields.append(value)
    else:
        fields[last] = value


# ---- The way through a journey


@dataclass(frozen=True, slots=True)
class Step:
    """An activity, as a participant meets it: what it counts and where each way out of it leads, with its weight."""

    id: str
    type: str
    ways: tuple[tuple[str, str | None, int], ...]
    fields: Fields


# How likely the first branches of a split on conditions are taken, and its Else or No.
TAKEN = {"ConditionalSplit": (40, 60), "MultiCondition": (30, 30, 20, 40)}
# What a definition calls an activity, and what a snapshot of its metrics does.
TYPES = {
    "EMAIL": EMAIL,
    "SMS": SMS,
    "PUSH": PUSH,
    "CUSTOM": CUSTOM,
    "ContactCenter": CONTACT_CENTER,
    "Wait": "WAIT",
    "ConditionalSplit": "CONDITIONAL_SPLIT",
    "MultiCondition": "MULTI_CONDITIONAL_SPLIT",
    "RandomSplit": "RANDOM_SPLIT",
    "Holdout": "HOLDOUT",
}


def step(id: str, activity: Fields) -> Step:
    kind = next(name for name in activity if name in TYPES)
    fields: Fields = activity[kind]
    following = fields.get("NextActivity")
    ways: tuple[tuple[str, str | None, int], ...] = (("", following, 1),)
    if kind == "Holdout":
        held = fields["Percentage"]
        ways = (("HOLDOUT", None, held), ("PASSED", following, 100 - held))
    elif kind == "ConditionalSplit":
        yes, no = TAKEN[kind]
        ways = (("Branch_TRUE", fields["TrueActivity"], yes), ("Branch_FALSE", fields["FalseActivity"], no))
    elif kind in ("RandomSplit", "MultiCondition"):
        ways = tuple(
            (f"Branch_{number}", branch.get("NextActivity"), branch.get("Percentage") or TAKEN[kind][number - 1])
            for number, branch in enumerate(fields["Branches"], 1)
        )
        if kind == "MultiCondition":
            ways += (("Branch_ELSE", fields["DefaultActivity"], TAKEN[kind][-1]),)
    return Step(id, TYPES[kind], ways, fields)


@dataclass(frozen=True, slots=True)
class Way:
    """A journey's steps by id, and what types of them can be met from each on."""

    start: str
    steps: dict[str, Step]
    ahead: dict[str, frozenset[str]] = field(default_factory=dict)

    def meets(self, id: str | None, type: str) -> bool:
        """Whether a step of a type can still come, from this one on."""
        return id is not None and type in self._ahead(id)

    def _ahead(self, id: str) -> frozenset[str]:
        if id not in self.ahead:
            step = self.steps[id]
            self.ahead[id] = frozenset({step.type}).union(*(self._ahead(to) for _, to, _ in step.ways if to))
        return self.ahead[id]


class World:
    """The journeys on each day of a plan. Days count from the plan's first."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._midnight = datetime.combine(plan.first_day, time(), UTC)
        self._ways: dict[tuple[str, int], Way] = {}

    def definition(self, journey: Journey, day: int) -> Fields:
        """The JourneyResponse that a fetch on a day gets."""
        definition = self._first(journey)
        for share, changed, path, value in CHANGES:
            since = self.since(share)
            if changed is journey and day >= since:
                put(definition, path, value)
                definition["LastModifiedDate"] = self.iso(since * 86_400 + 30)
        return definition

    def settings(self, application: str, day: int) -> Fields:
        settings = deepcopy(APPLICATION_SETTINGS[application])
        settings["LastModifiedDate"] = self.iso(-90 * 86_400)
        for share, path, value in SETTINGS_CHANGES:
            since = self.since(share)
            if application == SHOP and day >= since:
                put(settings, path, value)
                settings["LastModifiedDate"] = self.iso(since * 86_400 + 30)
        return settings

    def way(self, journey: Journey, day: int) -> Way:
        key = (journey.name, day)
        if key not in self._ways:
            definition = self.definition(journey, day)
            steps = {id: step(id, activity) for id, activity in definition["Activities"].items()}
            self._ways[key] = Way(definition["StartActivity"], steps)
        return self._ways[key]

    def run(self, journey: Journey, day: int) -> str:
        """The run that lets participants in on a day."""
        return self.run_id(journey, day // journey.run_days if journey.run_days else 0)

    def run_id(self, journey: Journey, number: int) -> str:
        return hex_id("run", self._plan.seed, journey.name, number)

    def closed(self, journey: Journey, day: int) -> bool:
        """Whether nobody can enter any more; those who are in go on."""
        return any(
            value == "CLOSED" and changed is journey and day >= self.since(share)
            for share, changed, _, value in CHANGES
        )

    def since(self, share: float) -> int:
        """The day on which a change after a share of the days is made; never the first."""
        return max(ceil(share * self._plan.days), 1)

    def iso(self, seconds: float) -> str:
        """So many seconds after the first midnight."""
        at = self._midnight + timedelta(seconds=seconds)
        return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"

    def _first(self, journey: Journey) -> Fields:
        definition: Fields = {
            "ApplicationId": SHOP,
            "Id": journey.id,
            "Name": journey.title,
            "State": "DRAFT" if journey is PREVIEW else "ACTIVE",
            "CreationDate": self.iso(-30 * 86_400),
            "LastModifiedDate": self.iso(-86_400),
            "LocalTime": False,
            "Schedule": {
                "StartTime": self.iso(0),
                "EndTime": self.iso((self._plan.days + 20) * 86_400),
                "Timezone": "UTC",
            },
            "StartActivity": journey.activity(journey.start),
            "Activities": {journey.activity(name): deepcopy(fields) for name, fields in journey.activities.items()},
            **deepcopy(dict(journey.fields)),
        }
        if journey is CART:
            # Goes on until it is stopped.
            del definition["Schedule"]["EndTime"]
        if journey is WIN_BACK:
            until = definition["Activities"][journey.activity("until")]["Wait"]["WaitTime"]
            until["WaitUntil"] = self.iso(self.since(0.5) * 86_400 + 9 * 3600)
        return definition
