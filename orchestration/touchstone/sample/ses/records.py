"""The text of SES' records, and the made-up world they tell of.

Texts are put together from prepared pieces, as building dictionaries and dumping them takes much longer.
A piece is one or more JSON fields.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache

from touchstone.sample.lives import wheel

# Times are UTC milliseconds since 1970.
SECOND = 1000
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND

# ---- Times as text


@lru_cache(maxsize=4096)
def _day(days: int) -> str:
    return f"{date(1970, 1, 1) + timedelta(days=days)}"


def stamp(at: int) -> str:
    days, rest = divmod(at, DAY)
    seconds, millis = divmod(rest, SECOND)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{_day(days)}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z"


def pacific(at: int) -> str:
    return f"{stamp(at - 7 * HOUR)[:-1]}-07:00"


def spaced(at: int) -> str:
    """Whole seconds, and a space before the offset, as some of Amazon's examples have it."""
    return f"{stamp(at)[:-5]} +0000"


CLOCKS = wheel({stamp: 95, pacific: 3, spaced: 2})

# ---- Senders


@dataclass(frozen=True, slots=True, eq=False)
class Sender:
    """An address that sends. Without a configuration set nothing is published but feedback notifications.

    `notified`: feedback notifications are on, so bounces, complaints and deliveries arrive in two ways.
    """

    account: str
    region: str
    set: str
    source: str
    address: str
    ips: tuple[str, ...]
    ways: tuple[tuple[str, ...], ...]
    notified: bool = False

    @property
    def domain(self) -> str:
        return self.address.partition("@")[2]

    @property
    def arn(self) -> str:
        return f"arn:aws:ses:{self.region}:{self.account}:identity/{self.domain}"


# How the events of a message arrive; the name is that of the files they come in.
FIREHOSE, SNS, EVENTBRIDGE = "firehose", "sns", "eventbridge"
MOSTLY_FIREHOSE = wheel(
    {
        (FIREHOSE,): 88,
        (SNS,): 4,
        (EVENTBRIDGE,): 3,
        (FIREHOSE, SNS): 2,
        (FIREHOSE, EVENTBRIDGE): 2,
        (SNS, EVENTBRIDGE, FIREHOSE): 1,
    }
)
MOSTLY_SNS = wheel({(SNS,): 90, (FIREHOSE,): 10})
MOSTLY_EVENTBRIDGE = wheel({(EVENTBRIDGE,): 90, (FIREHOSE,): 10})

EAST, WEST = ("300000000001", "us-east-1"), ("300000000002", "eu-west-1")
SHOP, NEWS, ALERTS = "shop", "news", "alerts"


def _sender(
    home: tuple[str, str], set: str, name: str, address: str, ips: str, ways: tuple[tuple[str, ...], ...] = ()
) -> Sender:
    source = f"{name} <{address}>" if name else address
    return Sender(*home, set, source, address, tuple(ips.split()), ways or MOSTLY_FIREHOSE, name == "Billing")


SENDERS = wheel(
    {
        _sender(EAST, NEWS, "Example News", "news@mail.example.com", "192.0.2.110 192.0.2.111"): 40,
        _sender(EAST, SHOP, "", "orders@shop.example.com", "192.0.2.120 192.0.2.121"): 20,
        _sender(EAST, SHOP, "Billing", "billing@shop.example.com", "192.0.2.122", MOSTLY_SNS): 8,
        # The same name of a configuration set in another account.
        _sender(WEST, NEWS, "Example Nieuws", "nieuws@example.org", "198.51.100.110"): 16,
        _sender(WEST, ALERTS, "", "alerts@status.example.org", "198.51.100.120", MOSTLY_EVENTBRIDGE): 12,
        _sender(EAST, "", "Old Shop", "hello@old.example.com", "192.0.2.130", MOSTLY_SNS): 4,
    }
)

# ---- Recipients and what their messages have. None: one of a long tail of companies' own domains.
DOMAINS = wheel({"gmail-box.example": 34, "outlook-box.example": 18, "yahoo-box.example": 14, None: 34})
SIMULATOR = "simulator.amazonses.com"
SUBJECTS = wheel(
    {
        "Your order is on its way": 20,
        "This week in the shop": 30,
        "Welcome aboard": 20,
        "Your invoice": 20,
        "Gr\\u00fc\\u00dfe aus M\\u00fcnchen": 5,
        'The \\"quiet\\" sale': 5,
    }
)
# User tags come behind SES' own. The values of one are not all allowed in CloudWatch.
USER_TAGS = wheel(
    {
        "": 26,
        ',"campaign":["spring-sale"]': 22,
        ',"campaign":["weekly-digest"]': 18,
        ',"campaign":["welcome"],"variant":["b"]': 12,
        ',"campaign":["spring-sale","loyalty"]': 6,
        ',"variant":["a","c"],"campaign":["win-back"]': 4,
        ',"campaign":["Größe & Co"]': 3,
        ',"team":["billing.eu@example.com"]': 5,
        ',"ses:feedback-id-a":["spring"],"campaign":["spring-sale"]': 4,
    }
)
TIERS = wheel(
    {
        "": 40,
        ',{"name":"X-Customer-Tier","value":"free"}': 30,
        ',{"name":"X-Customer-Tier","value":"silver"}': 20,
        ',{"name":"X-Customer-Tier","value":"gold"}': 10,
    }
)
# Which tags a message's events have: all, none at all, or an empty object.
TAGGED, UNTAGGED, NO_TAGS = "tagged", "untagged", "no tags"
TAGGING = wheel({TAGGED: 96, UNTAGGED: 3, NO_TAGS: 1})
OPERATIONS = wheel({"SendEmail": 50, "SendRawEmail": 30, "SendTemplatedEmail": 10, "": 10})
TLS = wheel({',"ses:source-tls-version":["TLSv1.3"]': 6, "": 4})

# ---- Who opens and clicks
AGENTS = wheel(
    {
        "Mozilla/5.0 (iPhone) ExampleMail/4.1": 30,
        "Mozilla/5.0 (Windows NT 10.0) ExampleBrowser/150": 25,
        "Mozilla/5.0 (Macintosh) ExampleMail/9": 20,
        "Mozilla/5.0 (via ImageProxy.example)": 20,
        "ExampleScanner/2 (+https://scan.example)": 5,
    }
)
LINKS = ("https://shop.example.com/item/%d", "https://mail.example.com/read?id=%d&from=mail", "https://example.org/")
LINK_TAGS = wheel(
    {
        '"linkTags":{"placement":["hero"]},': 34,
        '"linkTags":{"placement":["footer"]},': 22,
        '"linkTags":{"product":["A-17"],"placement":["body"]},': 10,
        '"linkTags":{"placement":["hero","repeated"]},': 3,
        '"linkTags":{"product":["B-2"]},': 4,
        '"linkTags":null,': 17,
        "": 10,
    }
)

# ---- Messages


@dataclass(slots=True)
class Message:
    """What the events of one message have in common."""

    sender: Sender
    sent: int
    id: str
    recipients: tuple[str, ...]
    ways: tuple[str, ...]
    clock: Callable[[int], str]
    number: int
    subject: str
    operation: str
    tls: str
    tagging: str
    user_tags: str
    tier: str
    ip: str
    notified: bool
    _mail: dict[str, str] = field(default_factory=dict)

    def mail(self, outgoing: str = "") -> str:
        """The mail object of an event; `outgoing` is tags that only a delivery has."""
        if outgoing:
            return f'"mail":{{{self._head()}{self._headers()},{self._tags(outgoing)}}}'
        if "full" not in self._mail:
            tags = "" if self.tagging == UNTAGGED else f",{self._tags('')}"
            self._mail["full"] = f'"mail":{{{self._head()}{self._headers()}{tags}}}'
        return self._mail["full"]

    def mail_delivered(self) -> str:
        if self.tagging != TAGGED or not self.number % 3:
            return self.mail()
        tls = ',"ses:outgoing-tls-version":["TLSv1.2"]' if self.number % 2 else ""
        return self.mail(f',"ses:outgoing-ip":["{self.ip}"]{tls}')

    def bare_mail(self) -> str:
        """As of rendering failures and delays: no headers, and no tag but the configuration set."""
        tags = "" if self.tagging != TAGGED else f',"tags":{{"ses:configuration-set":["{self.sender.set}"]}}'
        return f'"mail":{{{self._head()}"headersTruncated":false{tags}}}'

    def notified_mail(self) -> str:
        """As of feedback notifications: no tags, and headers only where they are switched on."""
        headers = f",{self._headers()}" if self.number % 2 else ""
        return f'"mail":{{{self._head()}"sourceIp":"203.0.113.9","callerIdentity":"shop-app"{headers}}}'

    def _head(self) -> str:
        if "head" not in self._mail:
            sender, destination = self.sender, '","'.join(self.recipients)
            self._mail["head"] = (
                f'"timestamp":"{self.clock(self.sent)}","source":"{sender.source}","sourceArn":"{sender.arn}",'
                f'"sendingAccountId":"{sender.account}","messageId":"{self.id}","destination":["{destination}"],'
            )
        return self._mail["head"]

    def _headers(self) -> str:
        if "headers" not in self._mail:
            to = ", ".join(self.recipients)
            listed = '","'.join(self.recipients)
            # Beyond 10 KB headers are cut off.
            truncated = self.number % 50 == 0
            rest = "" if truncated else f',{{"name":"MIME-Version","value":"1.0"}}{self.tier}'
            # Some messages have no subject and no To, but Bcc only.
            shown = f'"to":["{listed}"],"subject":"{self.subject}",' if self.number % 40 else ""
            self._mail["headers"] = (
                f'"headersTruncated":{"true" if truncated else "false"},"headers":['
                f'{{"name":"From","value":"{self.sender.source}"}},{{"name":"To","value":"{to}"}},'
                f'{{"name":"Subject","value":"{self.subject}"}}{rest}],'
                f'"commonHeaders":{{"from":["{self.sender.source}"],{shown}"messageId":"{self.id}"}}'
            )
        return self._mail["headers"]

    def _tags(self, outgoing: str) -> str:
        if self.tagging == NO_TAGS:
            return '"tags":{}'
        operation = f'"ses:operation":["{self.operation}"],' if self.operation else ""
        return (
            f'"tags":{{{operation}"ses:configuration-set":["{self.sender.set}"],"ses:source-ip":["203.0.113.9"],'
            f'"ses:from-domain":["{self.sender.domain}"],"ses:caller-identity":["shop-app"]'
            f"{self.tls}{self.user_tags}{outgoing}}}"
        )
