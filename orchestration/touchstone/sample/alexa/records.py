"""The text of requests of a custom skill, and the made-up skills and users they come from.

Texts are put together from prepared pieces, as building dictionaries and dumping them takes much longer.
A piece is one or more JSON fields.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from touchstone.sample.lives import wheel
from touchstone.sample.ses.records import pacific, stamp

SKILL_REQUESTS = "skill_requests"
SKILL_EVENTS = "skill_events"
SMART_HOME_MESSAGES = "smart_home_messages"
ACCOUNT_LINKS = "account_links"
TOKEN_REQUESTS = "token_requests"
PURCHASES = "purchases"
SMAPI_METRICS = "smapi_metrics"
# What the owner wrote down; Amazon's own numbers follow from it.
STREAMS = (SKILL_REQUESTS, SKILL_EVENTS, SMART_HOME_MESSAGES, ACCOUNT_LINKS, TOKEN_REQUESTS, PURCHASES)
# The records that the sample's size is told in.
COUNTED_STREAMS = (SKILL_REQUESTS, SMART_HOME_MESSAGES)

LIVE, DEVELOPMENT = "live", "development"
UTTERANCES = ("LaunchRequest", "IntentRequest")


def micros(at: int) -> str:
    """As Python writes the time of a clock in UTC."""
    return f"{stamp(at)[:-1]}417+00:00"


# Clocks of the owner's machines; one process logs by one of them.
CLOCKS: tuple[Callable[[int], str], ...] = wheel({stamp: 92, micros: 6, pacific: 2})

# ---- Skills


@dataclass(frozen=True, slots=True, eq=False)
class Skill:
    """`intents`: what its users say between a beginning and an end, as fields of an IntentRequest.

    `development`: the share of its users who are the owner's own people.
    """

    id: str
    locales: tuple[str, ...]
    intents: tuple[str, ...] = ()
    development: float = 0.06


def intent(name: str, slots: str = "", confirmation: str = "NONE", state: str = "") -> str:
    dialog = f',"dialogState":"{state}"' if state else ""
    return f',"intent":{{"name":"{name}","confirmationStatus":"{confirmation}","slots":{{{slots}}}}}{dialog}'


def slot(name: str, value: str | None, more: str = "") -> str:
    said = "" if value is None else f',"value":"{value}","source":"USER"'
    return f'"{name}":{{"name":"{name}"{said},"confirmationStatus":"NONE"{more}}}'


def resolved(type: str, name: str = "", id: str = "") -> str:
    """What a slot's value was taken for; nothing without an id."""
    code = "ER_SUCCESS_MATCH" if id else "ER_SUCCESS_NO_MATCH"
    values = f',"values":[{{"value":{{"name":"{name}","id":"{id}"}}}}]' if id else ""
    return (
        f',"resolutions":{{"resolutionsPerAuthority":[{{"authority":"amzn1.er-authority.echo-sdk.{type}",'
        f'"status":{{"code":"{code}"}}{values}}}]}}'
    )


# Several values in one slot are told in slotValue alone.
_TOPPINGS = (
    '"toppings":{"name":"toppings","confirmationStatus":"NONE","source":"USER","slotValue":{"type":"List","values":['
    '{"type":"Simple","value":"olives"},{"type":"Simple","value":"capers"}]}}'
)
# A skill that was built before there were confirmations.
_OLD_INTENT = ',"intent":{"name":"ScoreIntent","slots":{}}'

HELP, FALLBACK = intent("AMAZON.HelpIntent"), intent("AMAZON.FallbackIntent")
STOPS = (intent("AMAZON.StopIntent"), intent("AMAZON.CancelIntent"), intent("AMAZON.NavigateHomeIntent"))

QUIZ = Skill(
    "amzn1.ask.skill.5b1f0c3e-0000-4000-8000-00000000a1e1",
    wheel({"en-US": 50, "en-GB": 20, "de-DE": 20, "ja-JP": 10}),
    wheel(
        {
            intent("AnswerIntent", slot("answer", "seven", resolved("Answers", "7", "A7"))): 30,
            intent("AnswerIntent", slot("answer", "the blue one", resolved("Answers"))): 10,
            intent("AnswerIntent", slot("answer", "寿司")): 2,
            intent("AnswerIntent", slot("answer", None)): 2,
            intent("HintIntent"): 8,
            _OLD_INTENT: 6,
            intent("AMAZON.YesIntent"): 12,
            intent("AMAZON.NoIntent"): 6,
            intent("AMAZON.RepeatIntent"): 5,
            intent("AMAZON.NextIntent"): 4,
            intent("AMAZON.StartOverIntent"): 2,
            HELP: 5,
            FALLBACK: 8,
        }
    ),
)
KITCHEN = Skill(
    "amzn1.ask.skill.5b1f0c3e-0000-4000-8000-00000000a1e2",
    wheel({"en-US": 40, "de-DE": 40, "fr-FR": 20}),
    wheel(
        {
            intent("OrderStatusIntent"): 20,
            intent("OpeningHoursIntent", slot("city", "Zürich", resolved("Cities", "Zurich", "ZRH"))): 15,
            intent("OrderIntent", f"{slot('size', 'large')},{_TOPPINGS}", "CONFIRMED", "COMPLETED"): 10,
            intent("RecipeIntent", slot("dish", "Grünkohl", resolved("Dishes"))): 20,
            intent("AMAZON.YesIntent"): 10,
            intent("AMAZON.NoIntent"): 5,
            HELP: 6,
            FALLBACK: 8,
        }
    ),
)
HOUSE = Skill(
    "amzn1.ask.skill.5b1f0c3e-0000-4000-8000-00000000a1e3",
    wheel({"en-US": 50, "de-DE": 30, "ja-JP": 20}),
    development=0.04,
)
# A skill of a flash briefing: its owner serves a feed, and sees no play of it.
BRIEFING = Skill("amzn1.ask.skill.5b1f0c3e-0000-4000-8000-00000000a1e4", ("en-US", "en-GB"))
CUSTOM_SKILLS = wheel({QUIZ: 60, KITCHEN: 40})

# ---- Users

_ENDPOINTS = {"en-US": "", "ja-JP": "fe."}
_SCREEN = (
    '"supportedInterfaces":{"AudioPlayer":{},"Display":{"templateVersion":"1.0","markupVersion":"1.0"},'
    '"Alexa.Presentation.APL":{"runtime":{"maxVersion":"2023.3"}}}'
)
DEVICES = wheel({'"supportedInterfaces":{"AudioPlayer":{}}': 6, _SCREEN: 3, '"supportedInterfaces":{}': 1})
# What else an account's data may hold.
CONSENTS = wheel(
    {
        "": 7,
        ',"permissions":{"scopes":{"alexa::devices:all:geolocation:read":{"status":"GRANTED"}}}': 2,
        ',"permissions":{"consentToken":"removed"}': 1,
    }
)
PEOPLE = wheel(
    {"": 12, ',"person":{"personId":"amzn1.ask.person.EXAMPLE"}': 2, ',"unit":{"unitId":"amzn1.ask.unit.1"}': 1}
)


@dataclass(slots=True)
class User:
    """An account that has enabled a skill; enabling it anew gives it another id.

    `developer`: one of the owner's people, who uses both stages and tests in the console.
    """

    skill: Skill
    number: int
    id: str
    locale: str
    device: str
    consent: str
    person: str
    developer: bool
    linked: bool = False
    # Hour and day of the last request that Amazon would count.
    hour: int = -1
    day: int = -1
    owned: set[str] = field(default_factory=set)
    _system: str = ""

    def account(self) -> str:
        """The user object, as session and context have it."""
        token = ',"accessToken":"removed"' if self.linked else ""
        return f'"user":{{"userId":"{self.id}"{token}{self.consent}}}'

    def application(self) -> str:
        return f'"application":{{"applicationId":"{self.skill.id}"}}'

    def system(self) -> str:
        if not self._system:
            region = _ENDPOINTS.get(self.locale, "eu.")
            self._system = (
                f'"System":{{{self.application()},{self.account()}{self.person},'
                f'"device":{{"deviceId":"amzn1.ask.device.{self.number:08X}",{self.device}}},'
                f'"apiEndpoint":"https://api.{region}amazonalexa.com","apiAccessToken":"removed"}}'
            )
        return self._system

    def link(self) -> None:
        self.linked, self._system = True, ""


# ---- Sessions

# How an envelope is written: as today, as in 2016 without context and locale, with the time as a number of
# milliseconds, with the user in the context alone.
MODERN, OLD, NUMERIC, CONTEXT_ONLY = "modern", "old", "numeric", "context only"
SHAPES = wheel({MODERN: 188, OLD: 5, NUMERIC: 3, CONTEXT_ONLY: 4})


@dataclass(slots=True)
class Session:
    """A conversation. `at` is the time of what comes next."""

    user: User
    id: str
    stage: str
    test: bool
    at: int
    shape: str
    clock: Callable[[int], str]
    new: bool = True

    def envelope(self, type: str, id: str, own: str, session: bool = True, audio: str = "IDLE") -> str:
        """A request as Alexa sends it; `own` is fields of the type's own."""
        parts = ['"version":"1.0"']
        user = self.user
        if session:
            account = "" if self.shape == CONTEXT_ONLY else f",{user.account()}"
            new = "true" if self.new else "false"
            parts.append(
                f'"session":{{"new":{new},"sessionId":"{self.id}",{user.application()},"attributes":{{}}{account}}}'
            )
        if self.shape != OLD or not session:
            parts.append(f'"context":{{"AudioPlayer":{{"playerActivity":"{audio}"}},{user.system()}}}')
        # Whole seconds, of the moment when Alexa sent it.
        sent = self.at - 80
        time = f"{sent}" if self.shape == NUMERIC else f'"{stamp(sent)[:-5]}Z"'
        locale = "" if self.shape == OLD else f',"locale":"{user.locale}"'
        parts.append(f'"request":{{"type":"{type}","requestId":"{id}","timestamp":{time}{locale}{own}}}')
        return f"{{{','.join(parts)}}}"


# ---- Answers


def answer(end: bool | None, directives: str = "", more: str = "") -> str:
    """A response; `end` of None leaves it to Alexa whether the session ends."""
    directed = f',"directives":[{directives}]' if directives else ""
    ended = "" if end is None else f',"shouldEndSession":{"true" if end else "false"}'
    return (
        f'{{"version":"1.0","sessionAttributes":{{}},"response":{{"outputSpeech":{{"type":"PlainText","text":"Well."}}'
        f"{directed}{more}{ended}}}}}"
    )


OPEN = (
    answer(False, more=',"reprompt":{"outputSpeech":{"type":"PlainText","text":"Still there?"}}'),
    answer(False, more=',"card":{"type":"Simple","title":"Quiz","content":"Round 2"}'),
    answer(False),
)
CLOSED = answer(True)
APOLOGY = answer(True, more=',"card":{"type":"Simple","title":"Sorry","content":"Something went wrong"}')
LINK_ACCOUNT = answer(True, more=',"card":{"type":"LinkAccount"}')
EMPTY = '{"version":"1.0","response":{}}'
NOTHING = "null"


def directive(type: str, more: str = "") -> str:
    return f'{{"type":"{type}"{more}}}'


# ---- Odds and ends of sessions

ERRORS = ("INVALID_RESPONSE", "DEVICE_COMMUNICATION_ERROR", "INTERNAL_SERVICE_ERROR", "ENDPOINT_TIMEOUT")
CAN_FULFILL = ("YES", "NO", "MAYBE")


def error(type: str) -> str:
    return f'"error":{{"type":"{type}","message":"An exception occurred"}}'


def ended(reason: str, error_type: str = "") -> str:
    """Fields of a SessionEndedRequest."""
    told = f',"reason":"{reason}"' if reason else ""
    return told + (f",{error(error_type)}" if error_type else "")


PLAYING = (
    "PlaybackStarted",
    "PlaybackNearlyFinished",
    "PlaybackFinished",
    "PlaybackStopped",
    "PlaybackFailed",
)
BUTTONS = ("PlayCommandIssued", "PauseCommandIssued", "NextCommandIssued", "PreviousCommandIssued")
# Requests of a screen, a game, a message: in a session, and said by nobody.
TOUCHES = (
    ("Display.ElementSelected", ',"token":"list-item-3"'),
    ("Alexa.Presentation.APL.UserEvent", ',"token":"round","arguments":["hint"],"source":{"type":"TouchWrapper"}'),
    ("Alexa.Presentation.HTML.Message", ',"message":{"score":12}'),
    ("Alexa.Presentation.APL.LoadIndexListData", ',"token":"list","listId":"rounds","startIndex":10,"count":10'),
)
# Requests outside of any session.
CALLS = (
    ("Messaging.MessageReceived", ',"message":{"note":"your order is ready"}'),
    ("Reminders.ReminderCreated", ',"body":{"alertToken":"a-1"}'),
    ("AlexaHouseholdListEvent.ItemsCreated", ',"body":{"listId":"shopping","listItemIds":["i-1"]}'),
)

# ---- Products

ENTITLEMENT, CONSUMABLE, SUBSCRIPTION = "ENTITLEMENT", "CONSUMABLE", "SUBSCRIPTION"


@dataclass(frozen=True, slots=True, eq=False)
class Product:
    """What is sold in a skill. Times in days: of a free trial, and of a paid period."""

    id: str
    type: str
    trial: int = 0
    period: int = 0


PRODUCTS = wheel(
    {
        Product("amzn1.adg.product.a1e0-extra-rounds", ENTITLEMENT): 25,
        Product("amzn1.adg.product.a1e1-ten-hints", CONSUMABLE): 30,
        Product("amzn1.adg.product.a1e2-second-life", CONSUMABLE): 10,
        Product("amzn1.adg.product.a1e3-club-monthly", SUBSCRIPTION, 7, 30): 25,
        Product("amzn1.adg.product.a1e4-club-yearly", SUBSCRIPTION, 0, 365): 10,
    }
)
SUBSCRIPTIONS = tuple(sorted({each for each in PRODUCTS if each.type == SUBSCRIPTION}, key=lambda each: each.id))
BUY, UPSELL, CANCEL = "Buy", "Upsell", "Cancel"
