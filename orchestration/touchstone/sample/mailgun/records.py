"""The text of Mailgun's records in their three shapes, and the made-up world they tell of.

Texts are put together from prepared pieces: building dictionaries and dumping them takes five times as long.
A piece is one or more JSON fields, each with a comma behind it.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from touchstone.sample.lives import wheel

# The shapes, named as the files they come in: items of the Events API, webhook bodies, items of the Logs API.
EVENTS, WEBHOOK, LOGS = "events", "webhooks", "logs"

SECOND = 1_000_000
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND

# ---- Senders


@dataclass(frozen=True, slots=True, eq=False)
class Sender:
    """A sending domain. `owner` is the fields that say whose an event is, by shape."""

    domain: str
    named: bool
    owner: Mapping[str, str]
    ips: tuple[str, ...]
    pools: tuple[str, ...]
    shapes: tuple[tuple[str, ...], ...]
    is_subaccount: bool = False


# How the events of a message arrive: some users take one way, some land the same event two or three times.
SHAPES = wheel(
    {
        (EVENTS,): 58,
        (WEBHOOK,): 20,
        (LOGS,): 14,
        (WEBHOOK, EVENTS): 3,
        (EVENTS, LOGS): 2,
        (WEBHOOK, EVENTS, LOGS): 3,
    }
)


def sender(domain: str, account: str, ips: str, pools: Iterable[str] = (), *, bare_name: bool = False) -> Sender:
    """A domain of an account. With `bare_name`, an extractor put the name itself into Events items."""
    named = f'{account}"domain":{{"name":"{domain}"}}'
    bare = f'{account}"domain":"{domain}"' if bare_name else named
    return Sender(
        domain,
        True,
        {EVENTS: bare, WEBHOOK: named, LOGS: named},
        tuple(ips.split()),
        tuple(f'"i-ip-pool-id":"{pool}-0001","i-ip-pool-name":"{pool}",' for pool in pools) or ("",),
        SHAPES,
        "parent-id" in account,
    )


def nameless_sender(domain: str, ips: str) -> Sender:
    """A domain of older payloads, which say neither account nor domain; nothing to join shapes by."""
    owner = '"originating-ip":"203.0.113.61"'
    return Sender(domain, False, {EVENTS: owner, WEBHOOK: owner}, tuple(ips.split()), ("",), ((EVENTS,), (WEBHOOK,)))


_PLAIN = '"account":{"id":"5f1a00000000000000000a01"},'
_SUBACCOUNT = '"account":{"id":"%s","parent-id":"5f1a00000000000000000b00"},'
_EAST = _SUBACCOUNT % "5f1a00000000000000000b01"
_WEST = _SUBACCOUNT % "5f1a00000000000000000b02"

SUPPORT = sender("support.example.net", _PLAIN, "203.0.113.40")
SENDERS = wheel(
    {
        sender("mail.example.com", _PLAIN, "192.0.2.10 192.0.2.11 192.0.2.12", ["bulk", "warm-up"]): 30,
        sender("news.example.com", _PLAIN, "192.0.2.20 192.0.2.21", ["bulk"]): 20,
        sender("news.example.org", _EAST, "198.51.100.10 198.51.100.11", ["shared"]): 18,
        sender("billing.example.org", _WEST, "198.51.100.20", ["transactional"]): 12,
        sender("alerts.example.net", _PLAIN, "203.0.113.30 203.0.113.31", bare_name=True): 10,
        sender("legacy.example.com", "", "203.0.113.50"): 5,
        SUPPORT: 3,
        nameless_sender("old.example.org", "203.0.113.60"): 2,
    }
)

# ---- Recipients. None: one of a long tail of companies' own domains.
PROVIDERS = wheel(
    {
        ("Gmail", "gmail-box.example"): 34,
        ("Outlook US", "outlook-box.example"): 14,
        ("Yahoo US", "yahoo-box.example"): 11,
        ("Apple", "apple-box.example"): 9,
        ("Free FR", "free-box.example"): 3,
        ("Google Workspace", None): 11,
        ("Outlook 365", None): 10,
        ("Other", None): 8,
    }
)

TAGS = wheel(
    {
        '"tags":[],': 24,
        '"tags":["newsletter"],': 20,
        '"tags":["welcome"],': 10,
        '"tags":["receipt"],': 8,
        '"tags":["alert"],': 4,
        '"tags":["newsletter","spring-sale"],': 12,
        '"tags":["receipt","eu","priority"],': 6,
        '"tags":["onboarding-2","welcome","A/B: variant b"],': 6,
        '"tags":["welcome","welcome"],': 3,
        '"tags":["Größe & Co"],': 3,
        "": 4,
    }
)
SUBJECTS = (
    "Your receipt",
    "What is new this month",
    "Please confirm your address",
    "Spring offers inside",
    "Three things you may have missed",
    "Weekly summary of your team",
    "Grüße aus dem Lager",
    "Caf\\u00e9 news \\ud83d\\ude80",
    'The \\"big\\" update',
    "Price \\\\ quantity: a new list",
)
# %d is a number of the recipient. Logs items hold the same as text.
VARIABLES = wheel(
    {
        "{}": 30,
        '{"customer":"c-%d","plan":"pro"}': 45,
        '{"customer":"c-%d","experiment":{"name":"subject-line","arm":2},"paid":true}': 15,
        "[]": 8,
        '"The variables of c-%d were not valid JSON"': 2,
    }
)
# Fields that only some messages have; the second is declared nowhere.
EXTRAS = wheel(
    {
        "": 70,
        '"template":{"name":"digest","version":"v2"},': 12,
        '"x-campaign-cohort":"2026-q2-b",': 4,
        '"batch":{"id":"b0000000000000000000c0de"},': 6,
        '"mailing-list":{"address":"readers@news.example.com","list-id":"readers","sid":"s1"},': 4,
        '"api-key-id":"ab12cd34-00000001",': 4,
    }
)
_SENT = '"is-routed":false,"is-authenticated":true,"is-system-test":false'
FLAGS = wheel(
    {
        f'{_SENT},"is-test-mode":false': 500,
        f'{_SENT},"is-big":false,"is-test-mode":false': 400,
        f'{_SENT},"is-big":true,"is-amp":false,"is-encrypted":false,"is-test-mode":false': 40,
        f'{_SENT},"is-amp":true,"is-test-mode":false': 10,
        f'{_SENT},"is-encrypted":true,"is-webhook":false,"is-test-mode":false': 10,
        '"is-routed":null,"is-authenticated":true,"is-test-mode":false': 20,
        '"is-authenticated":true': 10,
        f'{_SENT},"is-test-mode":true': 5,
        '"is-routed":false,"is-authenticated":true,"is-system-test":true,"is-test-mode":false': 5,
    }
)
INCOMING_FLAGS = '"is-routed":true,"is-authenticated":false,"is-system-test":false,"is-test-mode":false'
OPTIMIZERS = wheel({"": 95, '"i-delivery-optimizer":"",': 2, '"i-delivery-optimizer":"sto",': 3})

# ---- Who opens and clicks
_PHONE = "Mozilla/5.0 (Linux; Android 15; Example Phone) AppleWebKit/537.36 (KHTML, like Gecko) Mobile"
_DESK = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0"


def client(name: str, system: str, kind: str, device: str, agent: str) -> str:
    """All of client-info but its bot field and its end."""
    return (
        f'"client-info":{{"client-name":"{name}","client-os":"{system}","client-type":"{kind}",'
        f'"device-type":"{device}","user-agent":"{agent}"'
    )


CLIENTS = wheel(
    {
        client("Chrome Mobile", "Android", "mobile browser", "mobile", _PHONE): 30,
        client("Mobile Safari", "iOS", "mobile browser", "mobile", _PHONE): 20,
        client("Chrome", "Windows", "browser", "desktop", _DESK): 20,
        client("Firefox", "Linux", "browser", "desktop", _DESK): 8,
        client("Thunderbird", "OS X", "email client", "desktop", "Thunderbird/150.0"): 10,
        client("Safari", "iPadOS", "browser", "tablet", _DESK): 6,
        client("Reader", "unknown", "feed reader", "other", "ExampleReader/3"): 2,
        client("curl", "unknown", "library", "unknown", "curl/8"): 1,
        client("unknown", "unknown", "other", "other", "ExampleApp/1"): 1,
        client("unknown", "unknown", "unknown", "unknown", "Mozilla/5.0"): 2,
    }
)
BOT_CLIENT = client("unknown", "unknown", "unknown", "unknown", "Mozilla/5.0")
ROBOT_CLIENT = client("Scanner", "unknown", "robot", "unknown", "ExampleScanner/2 (+https://scan.example)")
NO_BOT = wheel({',"bot":null': 60, "": 30, ',"bot":""': 10})


def place(country: str, region: str, city: str, zone: str) -> str:
    return f'"geolocation":{{"country":"{country}","region":"{region}","city":"{city}","timezone":"{zone}"}},'


PLACES = wheel(
    {
        place("US", "TX", "San Antonio", "America/Chicago"): 30,
        place("US", "OR", "Portland", "America/Los_Angeles"): 12,
        place("GB", "England", "Leeds", "Europe/London"): 12,
        place("DE", "Bayern", "München", "Europe/Berlin"): 12,
        place("FR", "Bretagne", "Brest", "Europe/Paris"): 8,
        place("BR", "SP", "S\\u00e3o Paulo", "America/Sao_Paulo"): 6,
        place("IN", "KA", "Mysuru", "Asia/Kolkata"): 6,
        place("JP", "Unknown", "Unknown", "Asia/Tokyo"): 4,
        place("Unknown", "Unknown", "Unknown", "Unknown"): 8,
        '"geolocation":{},': 1,
        "": 1,
    }
)
LINKS = ("https://www.example.com/offers?id=%d", "https://www.example.org/account/%d", "https://example.net/")

# ---- Failures


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a delivery failed; `status` is fields of delivery-status. Not `attempted`: never left Mailgun."""

    severity: str | None
    reason: str | None
    status: str
    attempted: bool = True


def permanent(reason: str | None, code: str, message: str, bounce_type: str = "", enhanced: str = "") -> Failure:
    """A failure for good. Older payloads have no bounce-type; `code` is JSON."""
    bounce = f'"bounce-type":"{bounce_type}",' if bounce_type else ""
    text = f'"code":{code},"message":"{f"{enhanced} {message}".strip()}","description":"","enhanced-code":"{enhanced}",'
    return Failure("permanent", reason, text + bounce)


def temporary(reason: str | None, code: int, message: str, severity: str | None = "temporary") -> Failure:
    text = f'"code":{code},"message":"{message}","description":null,"enhanced-code":null,"retry-seconds":600,'
    return Failure(severity, reason, text)


def suppressed(kind: str, code: int) -> Failure:
    text = f'"code":{code},"message":"","description":"Not sent: the address is on the {kind} list",'
    return Failure("permanent", f"suppress-{kind}", text, attempted=False)


BOUNCES = (
    permanent("bounce", "550", "No such mailbox here", "hard", "5.1.1"),
    permanent("bounce", "554", "The account is closed", "hard", "5.2.1"),
    permanent("bounce", '"5.1.1"', "Unknown user"),
)
PERMANENT = (
    permanent("generic", "552", "The mailbox is full", "soft", "5.2.2"),
    # The vendor's two rules for hard and soft disagree here: by reason it is soft.
    permanent("generic", "550", "Refused by policy", "hard", "5.7.1"),
    permanent("generic", "498", "No mail exchanger for the domain", "soft"),
    permanent("generic", "499", "Could not connect"),
    permanent("generic", "625", "Too many unknown addresses in the mailing list"),
    permanent("greylisted", "451", "Greylisted, and never accepted", "soft", "4.7.1"),
    permanent("blacklisted", "554", "The sending address is on a block list", "soft", "5.7.1"),
    permanent("espblock", "554", "Blocked by the mailbox provider", "soft", "5.7.606"),
    permanent("hardfail", "550", "Rejected", "hard"),
    permanent("unknown", "571", "Delivery failed"),
    permanent(None, "550", "Delivery failed", "soft"),
)
TEMPORARY = (
    temporary("greylisted", 450, "Greylisted, come back in five minutes"),
    temporary("generic", 421, "Too many connections"),
    temporary("generic", 498, "No mail exchanger for the domain"),
    temporary("generic", 499, "Could not connect"),
    temporary("generic", 680, "Connection to the sending server failed"),
    temporary("espblock", 421, "Deferred because of complaints"),
    temporary("blacklisted", 451, "Deferred: the sending address is on a block list"),
    temporary("unknown", 451, "Try again later"),
    temporary(None, 451, "Try again later"),
)
# Only `permanent` is permanent: the SDKs know two more severities, and some payloads have none.
OTHER_SEVERITIES = tuple(
    temporary("generic", 451, "Try again later", severity) for severity in (None, "internal", "unknown")
)
SUPPRESSED = (suppressed("bounce", 605), suppressed("unsubscribe", 606), suppressed("complaint", 607))
TOO_OLD = Failure("permanent", "old", '"code":602,"message":"Too old","description":"",')

# ---- Messages and their events


@dataclass(slots=True)
class Message:
    """What the events of one message to one recipient have in common. Times are UTC microseconds."""

    sender: Sender
    sent: int
    id: str
    recipient: str
    recipient_domain: str
    provider: str
    # Times are cut to this many microseconds; shapes with less exact times have to agree with the others.
    unit: int
    shapes: tuple[str, ...]
    subject: str
    size: int
    key: str
    tags: str
    variables: str
    extra: str
    flags: str
    optimizer: str
    ip: str
    pool: str
    # Times as text, and a seventh decimal as in newer payloads.
    quoted: bool = False
    seventh_digit: str = ""
    # Written in ways that Mailgun's own SDKs guard against: upper case, <message-id>, no id.
    odd: bool = False
    otherwise: bool = False
    delivered: int = 0
    routed: bool = False
    _tails: dict[str, str] = field(default_factory=dict)

    def send_tail(self, shape: str) -> str:
        """The fields of an event of the sending side, and the record's end."""
        if shape not in self._tails:
            self._tails[shape] = (
                f'{self.headers()}{self.storage(shape)}"recipient":"{self.recipient}",'
                f'"recipient-domain":"{self.recipient_domain}",{self.tags}"campaigns":[],'
                f"{self.extra}{self.routes(shape)}{self.owner(shape)}"
            )
        return self._tails[shape]

    def engaged_tail(self, shape: str) -> str:
        """The fields of an event of the receiving side, which knows the message by its id only."""
        return self._engaged_tail(shape, self.tags)

    def unsubscribed_tail(self, shape: str) -> str:
        """An unsubscription's tags are its scope, not the message's."""
        return self._engaged_tail(shape, '"storage":[],"tags":["*"],')

    def _engaged_tail(self, shape: str, tags: str) -> str:
        message_id, recipient = self.id, self.recipient
        if self.otherwise:
            message_id, recipient = f"<{message_id}>", recipient.title()
        return (
            f'"message":{{"headers":{{"message-id":"{message_id}"}}}},"campaigns":[],'
            f'{self.delivered_at(shape)}"recipient":"{recipient}",'
            f'"recipient-domain":"{self.recipient_domain}","recipient-provider":"{self.provider}",'
            f"{tags}{self.owner(shape)}"
        )

    def bare_tail(self, shape: str) -> str:
        """As `send_tail` without what delayed bounces lack: tags, recipient-domain."""
        return f'{self.headers()}{self.storage(shape)}"recipient":"{self.recipient}",{self.owner(shape)}'

    def message_tail(self, shape: str) -> str:
        """As `send_tail` without a recipient: rejected and stored have none."""
        return f'{self.headers()}{self.storage(shape)}{self.tags}"campaigns":[],{self.owner(shape)}'

    def owner_tail(self, shape: str) -> str:
        """Nothing of a message: events about lists."""
        return f"{self.sender.owner[shape]}}}"

    def owner(self, shape: str) -> str:
        return f'"user-variables":{self.user_variables(shape)},{self.sender.owner[shape]}}}'

    def user_variables(self, shape: str) -> str:
        if shape != LOGS or self.variables[0] == '"':
            return self.variables
        return '"' + self.variables.replace('"', '\\"') + '"'

    def headers(self) -> str:
        recipients = f'"recipients":["team@{self.sender.domain}"],' if self.routed else ""
        return (
            f'"message":{{"headers":{{"to":"{self.recipient}","message-id":"{self.id}",'
            f'"from":"Example <hello@{self.sender.domain}>","subject":"{self.subject}"}},'
            f'"attachments":[],{recipients}"size":{self.size}}},'
        )

    def storage(self, shape: str) -> str:
        url = f'"https://storage-west1.api.mailgun.example/v3/domains/{self.sender.domain}/messages/{self.key}"'
        if shape == LOGS:
            url = f"[{url}]"
        elif shape == WEBHOOK:
            url = url.replace("/", "\\/")
        return f'"storage":{{"url":{url},"region":"west1","key":"{self.key}","env":"production"}},'

    def routes(self, shape: str) -> str:
        if not self.routed:
            return ""
        route = (
            f'{{"id":"60000000000000000000beef","expression":"match_recipient(\'team@{self.sender.domain}\')",'
            f'"match":{{"recipient":"team@{self.sender.domain}"}}'
        )
        if shape == LOGS:
            return f'"routes":{route},"actions":"[forward]","description":"","priority":0}},'
        return f'"routes":[{route}}}],'

    def delivered_at(self, shape: str) -> str:
        if not self.delivered:
            return ""
        seconds = self.delivered // SECOND
        return f'"delivered-at":"{rfc2822(seconds)}",' if shape == LOGS else f'"delivered-at":{seconds},'

    def envelope(self, transport: str) -> str:
        return (
            f'"envelope":{{"sender":"hello@{self.sender.domain}","targets":"{self.recipient}",{transport}'
            f'{self.pool}"sending-ip":"{self.ip}"}},"flags":{{{self.flags}}},'
        )

    def clock(self, shape: str, at: int) -> str:
        """The field that says when, in the shape's form."""
        seconds, micros = divmod(at, SECOND)
        if shape == LOGS:
            t = time.gmtime(seconds)
            return (
                f'"@timestamp":"{t.tm_year}-{t.tm_mon:02}-{t.tm_mday:02}T{t.tm_hour:02}:{t.tm_min:02}'
                f':{t.tm_sec:02}.{micros // 1000:03}Z",'
            )
        text = str(seconds)
        if self.unit == 1:
            text = f"{seconds}.{micros:06}{self.seventh_digit}"
        elif self.unit == 1000:
            text = f"{seconds}.{micros // 1000:03}"
        return f'"timestamp":"{text}",' if self.quoted else f'"timestamp":{text},'


_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def rfc2822(seconds: int) -> str:
    """Epoch seconds as `Tue, 03 Feb 2026 19:20:31 +0000`, whatever the locale."""
    t = time.gmtime(seconds)
    return (
        f"{_WEEKDAYS[t.tm_wday]}, {t.tm_mday:02} {_MONTHS[t.tm_mon - 1]} {t.tm_year} "
        f"{t.tm_hour:02}:{t.tm_min:02}:{t.tm_sec:02} +0000"
    )
