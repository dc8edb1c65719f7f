"""The text of Pinpoint's events, and the made-up people they tell of.

Texts are put together from prepared pieces, as building dictionaries and dumping them takes much longer.
A piece is one or more JSON fields. Times are UTC milliseconds since 1970.
"""

from dataclasses import dataclass
from typing import NamedTuple

from touchstone.sample.lives import wheel
from touchstone.sample.pinpoint.journeys import ACCOUNT, CONTACT_CENTER, CUSTOM, EMAIL, PUSH, SHOP, SMS, hex_id

# ---- People and their endpoints, one for each channel

CHANNELS = {EMAIL: ("EMAIL", "e1"), SMS: ("SMS", "51"), PUSH: ("GCM", "9c"), CUSTOM: ("CUSTOM", "c5")}
CHANNELS[CONTACT_CENTER] = ("VOICE", "fe")
ZONES = wheel({"America/Los_Angeles": 5, "Europe/Berlin": 3, "": 2})
# Nobody in a journey has so high a number.
PEOPLE = 1_000_000


def endpoint_id(channel: str, person: int) -> str:
    return f"{person:08x}-e0d0-4000-8000-0000000000{CHANNELS[channel][1]}"


def phone(person: int) -> str:
    """Of those kept for stories: 555-0100 to 555-0199."""
    return f"+1{('206', '312', '415', '604')[person % 4]}55501{person // 4 % 100:02}"


def address(person: int) -> str:
    return f"customer.{person}@example.{('com', 'org', 'net')[person % 3]}"


def endpoint(channel: str, person: int, zone: str) -> str:
    """What a send knows of its endpoint: JSON within a text."""
    demographic = f'\\"Demographic\\":{{\\"Timezone\\":\\"{zone}\\"}},' if zone else ""
    user = f'\\"User\\":{{\\"UserId\\":\\"user-{person}\\"}},' if person % 3 else ""
    status = "ACTIVE" if person % 40 else "INACTIVE"
    return (
        f'"client_context":{{"custom":{{"endpoint":"{{\\"ChannelType\\":\\"{CHANNELS[channel][0]}\\",'
        f'\\"EndpointStatus\\":\\"{status}\\",{demographic}{user}\\"OptOut\\":\\"NONE\\"}}"}}}},'
    )


# ---- Envelopes


def event(type: str, at: int, arrival: int, app: str, client: str, attributes: str, rest: str = "") -> str:
    """An event of Pinpoint's own; `rest` is further fields, each with a comma behind it."""
    return (
        f'{{"event_type":"{type}","event_timestamp":{at},"arrival_timestamp":{arrival},"event_version":"3.1",'
        f'"application":{{"app_id":"{app}","sdk":{{}}}},"client":{{"client_id":"{client}"}},'
        f'"device":{{"platform":{{}}}},"session":{{}},"attributes":{{{attributes}}},{rest}"awsAccountId":"{ACCOUNT}"}}'
    )


# Apps: their SDK and the device.
APPS = (
    (
        '"package_name":"com.example.shop","sdk":{"name":"aws-sdk-android","version":"2.16.0"},"title":"Shop",'
        '"version_name":"4.1","version_code":"41"',
        '"locale":{"code":"en_US","country":"US","language":"en"},"make":"Example","model":"Phone 9",'
        '"platform":{"name":"android","version":"15"}',
    ),
    (
        '"cognito_identity_pool_id":"us-east-1:00000000-0000-4000-8000-00000000c09a","package_name":"shop",'
        '"sdk":{"name":"aws-amplify","version":"6.0.0"},"title":"Shop","version_name":"4.1","version_code":"7"',
        '"locale":{"code":"de_DE","country":"DE","language":"de"},"make":"Example","model":"Tablet",'
        '"platform":{"name":"iOS","version":"19.1"}',
    ),
)


def app_event(type: str, at: int, arrival: int, person: int, attributes: str = "", metrics: str = "") -> str:
    """An event that an app reports; the clock is the device's."""
    application, device = APPS[person % 2]
    client = endpoint_id(PUSH, person)
    stop = f',"stop_timestamp":{at}' if type == "_session.stop" else ""
    return (
        f'{{"event_type":"{type}","event_timestamp":{at},"arrival_timestamp":{arrival},"event_version":"3.0",'
        f'"application":{{"app_id":"{SHOP}",{application}}},'
        f'"client":{{"client_id":"{client}","cognito_id":"us-east-1:{client}"}},"device":{{{device}}},'
        f'"session":{{"session_id":"{person:08x}-{at}","start_timestamp":{at - at % 1_800_000}{stop}}},'
        f'"attributes":{{{attributes}}},"metrics":{{{metrics}}}}}'
    )


# ---- What a message was sent for


class Origin(NamedTuple):
    """A journey's activity or a campaign, or neither: the attributes that name it, and the endpoint it reached."""

    app: str
    attributes: str
    person: int


def of_journey(run: str, journey: str, activity: str) -> str:
    return f'"journey_run_id":"{run}","journey_id":"{journey}","journey_activity_id":"{activity}"'


CAMPAIGN = (
    f'"campaign_id":"{hex_id("campaign", "spring")}","campaign_activity_id":"{hex_id("campaign activity", "spring")}",'
    '"treatment_id":"0"'
)
# How a message says that it is of neither.
TRANSACTIONAL = ("", '"campaign_id":null,"journey_id":null', '"campaign_type":null')

# ---- Sends of journeys: code and message of a status, where they are told.

SUCCESS, HELD, WAIT_FINISHED = "SUCCESS", "held until quiet time is over", "QUIET_TIME_WAIT_FINISHED"
MISSING_TIMEZONE, DELIVERY_FAILURE = "QUIET_TIME_MISSING_TIMEZONE", "CUSTOM_DELIVERY_FAILURE"
# No documentation has it.
UNLISTED = "SENDER_RETIRED"
CODES = {
    SUCCESS: ("200", "200"),
    "FAILURE": ("500", "generic error"),
    DELIVERY_FAILURE: ("424", "the function failed"),
    "FAILURE_PERMANENT": ("400", "not an address"),
    "THROTTLED": ("429", "too many at once"),
    "UNSUPPORTED_CHANNEL": ("405", "the endpoint has another channel"),
    "DAILY_CAP": ("409", "enough for a day"),
    "QUIET_TIME": ("409", "quiet time"),
    MISSING_TIMEZONE: ("409", "quiet time, no time zone"),
    WAIT_FINISHED: ("200", "quiet time is over"),
    UNLISTED: ("410", "the sender is retired"),
}
# What an execution metric calls a status, unless the same. Statuses of no key of their own are unknown failures.
KEYS = {
    "DAILY_CAP": "DAILY_CAP_EXCEEDED",
    MISSING_TIMEZONE: "QUIET_TIME",
    "FAILURE": "UNKNOWN",
    UNLISTED: "UNKNOWN",
}


def told_code(status: str, way: int) -> str:
    """A status' code and message: mostly both, null, or left out as formerly."""
    if way % 5 == 0:
        return ""
    code, message = CODES.get(status, ("500", "not sent"))
    if way % 7 == 0:
        return f'"journey_send_status_message":null,"journey_send_status_code":"{code}",'
    return f'"journey_send_status_message":"{message}","journey_send_status_code":"{code}",'


# ---- Email

LINKS = ("https://shop.example.com/item/%d", "https://shop.example.com/cart", "https://example.org/?from=mail")
AGENTS = wheel(
    {
        "Mozilla/5.0 (iPhone) ExampleMail/4.1": 4,
        "Mozilla/5.0 (Windows NT 10.0) ExampleBrowser/150": 3,
        "Mozilla/5.0 (via ImageProxy.example)": 2,
        "ExampleScanner/2 (+https://scan.example)": 1,
    }
)
SUBJECTS = ("Welcome", "Your cart is waiting", 'The \\"quiet\\" sale', "Gr\\u00fc\\u00dfe", "Thank you")
# Type, sub-type, and what the recipient's server said.
HARD_BOUNCES = (
    ("Permanent", "General", "5.1.1", "550 5.1.1 no such person here"),
    ("Permanent", "NoEmail", "5.1.3", "553 5.1.3 not an address"),
    ("Permanent", "Suppressed", "5.1.1", "not tried"),
)
SOFT_BOUNCES = (
    ("Transient", "General", "4.4.7", "554 4.4.7 gave up for now"),
    ("Transient", "MailboxFull", "4.2.2", "452 4.2.2 no room left"),
    ("Undetermined", "Undetermined", "4.0.0", "450 later"),
)
FEEDBACK_TYPES = ('"abuse"', '"not-spam"', "null", '"fraud"')


@dataclass(slots=True)
class Message:
    """What the events of one email have in common."""

    origin: Origin
    client: str
    id: str
    sent: int
    to: str = ""
    mail: str = ""

    def __post_init__(self) -> None:
        person = self.origin.person
        self.to = to = address(person)
        subject = SUBJECTS[person % len(SUBJECTS)]
        # Beyond 10 KB headers are cut off.
        truncated = person % 50 == 0
        mime = "" if truncated else ',{"name":"MIME-Version","value":"1.0"},{"name":"Message-ID","value":"null"}'
        self.mail = (
            f'"mail":{{"message_id":"{self.id}","message_send_timestamp":{self.sent},'
            f'"from_address":"shop@example.com","destination":["{to}"],'
            f'"headers_truncated":{"true" if truncated else "false"},"headers":['
            f'{{"name":"From","value":"shop@example.com"}},{{"name":"To","value":"{to}"}},'
            f'{{"name":"Subject","value":"{subject}"}}{mime}],'
            f'"common_headers":{{"from":"shop@example.com","to":["{to}"],"subject":"{subject}"}}}}'
        )

    def event(self, type: str, arrival: int, feedback: str, own: str) -> str:
        """`own` is the object of the event's kind. The event's time is the message's, whatever happened when."""
        separator = "," if self.origin.attributes else ""
        legacy = ""
        if self.origin.person % 4 == 0:
            legacy = f'"client_context":{{"custom":{{"legacy_identifier":"{self.origin.app}"}}}},'
        return event(
            type,
            self.sent,
            arrival,
            self.origin.app,
            self.client,
            f'"feedback":"{feedback}"{separator}{self.origin.attributes}',
            f'{legacy}"facets":{{"email_channel":{{"mail_event":{{{self.mail},{own}}}}}}},',
        )


# ---- Text messages: what becomes of one. The price is told with the events that have one.


class Fate(NamedTuple):
    buffered: str
    buffered_price: bool
    final: str
    final_price: bool


TEXTS = {
    Fate("PENDING", False, "DELIVERED", True): 20,
    Fate("SUCCESSFUL", True, "DELIVERED", True): 14,
    Fate("SUCCESSFUL", True, "SUCCESSFUL", True): 6,
    Fate("", False, "SUCCESSFUL", True): 8,
    # The price is told at first only.
    Fate("SUCCESSFUL", True, "SUCCESSFUL", False): 3,
    Fate("", False, "DELIVERED", False): 1,
    # Nothing final; of some, nothing but the price.
    Fate("PENDING", False, "", False): 2,
    Fate("SUCCESSFUL", True, "", False): 2,
    Fate("PENDING", False, "FAILURE", True): 6,
    Fate("", False, "FAILURE", False): 5,
    Fate("PENDING", False, "FAILURE", False): 2,
    Fate("SUCCESSFUL", True, "FAILURE", True): 2,
    # No word from the carrier for 72 hours.
    Fate("SUCCESSFUL", True, "UNKNOWN", True): 2,
    # Failed, and delivered after all.
    Fate("PENDING", False, "FAILURE, DELIVERED", True): 1,
}
FAILURES = (
    "UNREACHABLE",
    "BLOCKED",
    "CARRIER_UNREACHABLE",
    "SPAM",
    "INVALID",
    "INVALID_MESSAGE",
    "CARRIER_BLOCKED",
    "TTL_EXPIRED",
    "MAX_PRICE_EXCEEDED",
    "OPTED_OUT",
    "NO_QUOTA_LEFT_ON_ACCOUNT",
    "NO_ORIGINATION_IDENTITY_AVAILABLE_TO_SEND",
    "DESTINATION_COUNTRY_NOT_SUPPORTED",
    "ACCOUNT_IN_SANDBOX",
    "RATE_EXCEEDED",
    "INVALID_ORIGINATION_IDENTITY",
    "ORIGINATION_IDENTITY_DOES_NOT_EXIST",
    "INVALID_DLT_PARAMETERS",
    "INVALID_PARAMETERS",
    "ACCESS_DENIED",
    "INVALID_KEYWORD",
    "INVALID_SENDER_ID",
    "INVALID_POOL_ID",
    "SENDER_ID_NOT_SUPPORTED_FOR_DESTINATION",
    "INVALID_PHONE_NUMBER",
)
# Thousandths of a cent for a part; a message of several parts has one price.
PRICES = wheel({645.0: 12, 581: 4, 746.5: 3, 0.0: 1})
NO_PRICE = ("", '"metrics":{},', '"metrics":{"price_in_millicents_usd":null},')
PARTS = wheel({1: 14, 2: 4, 4: 2})


class Text(NamedTuple):
    """What the events of one text message have in common."""

    origin: Origin
    client: str
    id: str
    parts: int
    price: float

    def event(self, type: str, at: int, arrival: int, status: str | None, price: float | None) -> str:
        person = self.origin.person
        origination = "" if person % 6 == 0 else '"origination_phone_number":"+12065550100",'
        context = "" if person % 3 else f',"customer_context":"{{\\"userId\\":\\"user-{person}\\"}}"'
        separator = "," if self.origin.attributes else ""
        record_status = "null" if status is None else f'"{status}"'
        country = "CA" if person % 4 == 3 else "US"
        metrics = NO_PRICE[person % len(NO_PRICE)]
        if price is not None:
            metrics = f'"metrics":{{"price_in_millicents_usd":{price * self.parts}}},'
        return event(
            type,
            at,
            arrival,
            self.origin.app,
            self.client,
            f'"sender_request_id":"{self.id[:8]}-4b3a-4000-8000-{self.id[8:20]}",{origination}'
            f'"destination_phone_number":"{phone(person)}","record_status":{record_status},'
            f'"iso_country_code":"{country}","number_of_message_parts":"{self.parts}","message_id":"{self.id}",'
            f'"message_type":"{"Promotional" if person % 5 == 0 else "Transactional"}"{context}'
            f"{separator}{self.origin.attributes}",
            metrics,
        )


# ---- Push notifications: what the app reports of one.

FOREGROUND, BACKGROUND, OPENED = "received_foreground", "received_background", "opened_notification"
REPORTS: dict[tuple[str, ...], int] = {
    (): 8,
    (BACKGROUND,): 6,
    (FOREGROUND,): 4,
    (BACKGROUND, OPENED): 3,
    (FOREGROUND, OPENED): 2,
    # The app was put away just then.
    (FOREGROUND, BACKGROUND): 1,
    (FOREGROUND, BACKGROUND, OPENED): 1,
    # Nothing reported that it came.
    (OPENED,): 2,
    (BACKGROUND, OPENED, OPENED): 1,
}
