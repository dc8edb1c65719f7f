"""Contacts of Amazon Connect, told by contact events as EventBridge delivers them."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import orjson

from touchstone.sample.pinpoint.journeys import ACCOUNT, INSTANCE, REGION
from touchstone.sample.ses.records import MINUTE, SECOND, stamp

Fields = dict[str, Any]

# What such a time means: not set.
NOT_SET = "1970-01-01T00:00:00.001Z"
DETAIL_TYPES = ("Amazon Connect Contact Event", "Amazon Connect Contact Event", "Connect Customer Contact Event")
ARN = f"arn:aws:connect:{REGION}:{ACCOUNT}:instance/{INSTANCE}"


class Outcome(NamedTuple):
    """How a contact ends: what answered, if that was found out, why it was over, and whether an agent was in it."""

    answer: str | None
    reason: str
    agent: bool = False


# Calls of a campaign, with how common each is.
CALLS = {
    Outcome("HUMAN_ANSWERED", "CUSTOMER_DISCONNECT", True): 20,
    Outcome("HUMAN_ANSWERED", "AGENT_DISCONNECT", True): 12,
    Outcome("HUMAN_ANSWERED", "THIRD_PARTY_DISCONNECT", True): 1,
    Outcome("HUMAN_ANSWERED", "TELECOM_PROBLEM", True): 1,
    Outcome("HUMAN_ANSWERED", "BARGED", True): 1,
    # Gone before an agent was there.
    Outcome("HUMAN_ANSWERED", "CONTACT_FLOW_DISCONNECT"): 3,
    Outcome("VOICEMAIL_BEEP", "CONTACT_FLOW_DISCONNECT"): 8,
    Outcome("VOICEMAIL_BEEP", "AGENT_DISCONNECT", True): 1,
    Outcome("VOICEMAIL_NO_BEEP", "CONTACT_FLOW_DISCONNECT"): 5,
    Outcome("VOICEMAIL_NO_BEEP", "AGENT_DISCONNECT", True): 1,
    Outcome("AMD_UNANSWERED", "CONTACT_FLOW_DISCONNECT"): 9,
    Outcome("AMD_UNRESOLVED", "CONTACT_FLOW_DISCONNECT"): 2,
    Outcome("AMD_UNRESOLVED", "CUSTOMER_DISCONNECT", True): 1,
    Outcome("AMD_UNRESOLVED_SILENCE", "OTHER"): 1,
    Outcome("AMD_NOT_APPLICABLE", "CONTACT_FLOW_DISCONNECT"): 1,
    Outcome("AMD_NOT_APPLICABLE", "CUSTOMER_DISCONNECT", True): 1,
    Outcome("AMD_ERROR", "CONTACT_FLOW_DISCONNECT"): 1,
    Outcome("SIT_TONE_BUSY", "CONTACT_FLOW_DISCONNECT"): 2,
    Outcome("SIT_TONE_DETECTED", "CONTACT_FLOW_DISCONNECT"): 1,
    Outcome("SIT_TONE_INVALID_NUMBER", "CONTACT_FLOW_DISCONNECT"): 1,
    Outcome("FAX_MACHINE_DETECTED", "CONTACT_FLOW_DISCONNECT"): 1,
    # Formerly.
    Outcome("ANSWERED", "CUSTOMER_DISCONNECT", True): 1,
    Outcome("UNDETECTED", "CONTACT_FLOW_DISCONNECT"): 1,
    Outcome("ERROR", "OTHER"): 1,
    # Nobody finds out what answers: an agent listens to whatever it is.
    Outcome(None, "CUSTOMER_DISCONNECT", True): 4,
    Outcome(None, "CONTACT_FLOW_DISCONNECT"): 1,
    Outcome(None, "OUTBOUND_DESTINATION_ENDPOINT_ERROR"): 4,
    Outcome(None, "OUTBOUND_RESOURCE_ERROR"): 2,
    Outcome(None, "OUTBOUND_ATTEMPT_FAILED"): 2,
    Outcome("AMD_ERROR", "OUTBOUND_ATTEMPT_FAILED"): 1,
    Outcome(None, "EXPIRED"): 4,
    # So spelled by the vendor.
    Outcome(None, "OUTBUND_PREVIEW_DISCARDED"): 1,
    Outcome(None, "DISCARDED"): 1,
}
FAILED = {"OUTBOUND_DESTINATION_ENDPOINT_ERROR", "OUTBOUND_RESOURCE_ERROR", "OUTBOUND_ATTEMPT_FAILED"}
# Dialled, but connected to nothing.
UNCONNECTED = FAILED | {"EXPIRED", "OUTBUND_PREVIEW_DISCARDED", "DISCARDED"}

# Contacts of no campaign: channel, how begun, and the end.
OTHERS = (
    ("VOICE", "INBOUND", Outcome(None, "CUSTOMER_DISCONNECT", True)),
    ("VOICE", "OUTBOUND", Outcome(None, "AGENT_DISCONNECT", True)),
    # An agent's own call can fail just the same.
    ("VOICE", "OUTBOUND", Outcome(None, "OUTBOUND_ATTEMPT_FAILED")),
    ("VOICE", "TRANSFER", Outcome(None, "CUSTOMER_DISCONNECT", True)),
    ("CHAT", "API", Outcome(None, "IDLE_DISCONNECT", True)),
    ("CHAT", "API", Outcome(None, "CUSTOMER_CONNECTION_NOT_ESTABLISHED")),
    ("TASK", "API", Outcome(None, "AGENT_COMPLETED", True)),
    ("TASK", "API", Outcome(None, "EXPIRED")),
)


def pascal(value: Any) -> Any:
    """With the first letter of each key in upper case."""
    if not isinstance(value, dict):
        return value
    return {key if ":" in key else key[0].upper() + key[1:]: pascal(inner) for key, inner in value.items()}


def agent_pascal(detail: Fields) -> Fields:
    """Only what is of the agent, as in some of Amazon's examples."""
    if "agentInfo" not in detail:
        return detail
    rest, agent = dict(detail), dict(detail["agentInfo"])
    del rest["agentInfo"]
    return {**rest, "AgentInfo": {"AgentArn": agent.pop("agentArn"), **agent}}


def timeless(detail: Fields) -> Fields:
    """As formerly: no times but the envelope's."""
    kept = {key: value for key, value in detail.items() if not key.endswith("Timestamp")}
    return {key: timeless(value) if isinstance(value, dict) else value for key, value in kept.items()}


def camel(detail: Fields) -> Fields:
    return detail


SPELLINGS: tuple[Callable[[Fields], Fields], ...] = (camel, camel, camel, pascal, camel, camel, agent_pascal, camel)


class Contact(NamedTuple):
    """A contact from its beginning; `person` tells apart what is of no importance.

    `campaign` is the id of an outbound campaign, if it is of one.
    """

    id: str
    person: int
    begun: int
    outcome: Outcome
    campaign: str | None = None
    channel: str = "VOICE"
    method: str = "OUTBOUND"

    @property
    def over(self) -> int:
        return self.begun + (20 * SECOND if self.outcome.reason in UNCONNECTED else 2 * MINUTE + self.person % 400_000)

    def events(self) -> Iterator[tuple[int, str]]:
        """The contact's events with their times. What is known by then is in each, but not all that is known."""
        detail: Fields = {
            "contactId": self.id,
            "channel": self.channel,
            "instanceArn": ARN,
            "initiationMethod": self.method,
            "initiationTimestamp": stamp(self.begun),
            "tags": {"aws:connect:instanceId": INSTANCE},
        }
        if self.campaign:
            detail["campaign"] = {"campaignId": self.campaign}
        yield self._event("INITIATED", self.begun, detail)
        outcome = self.outcome
        if outcome.reason not in UNCONNECTED or self.channel == "TASK":
            at = self.begun + 4 * SECOND
            detail["connectedToSystemTimestamp"] = stamp(at)
            yield self._event("CONNECTED_TO_SYSTEM", at, detail)
            yield from self._in_between(at, detail)
        detail |= {"disconnectTimestamp": stamp(self.over), "disconnectReason": outcome.reason}
        # What answered is told in one event, or in all from the end on.
        answered = {"answeringMachineDetectionStatus": outcome.answer} if outcome.answer else {}
        first = {} if self.person % 4 == 0 else answered
        yield self._event("DISCONNECTED", self.over, detail | first)
        yield self._event("COMPLETED", self.over + 30 * SECOND, detail | answered)

    def _in_between(self, at: int, detail: Fields) -> Iterator[tuple[int, str]]:
        outcome = self.outcome
        if self.campaign and outcome.answer is None:
            yield self._event("AMD_DISABLED", at + SECOND, detail)
        if self.method == "INBOUND":
            yield self._event("WEBRTC_API", at + SECOND, detail)
        if self.channel == "TASK":
            yield self._event("PAUSED", at + 10 * SECOND, detail)
            yield self._event("RESUMED", at + 30 * SECOND, detail)
        if self.person % 3 == 0:
            unset: Fields = {"agentInfo": {"agentArn": f"{ARN}/agent/none", "connectedToAgentTimestamp": NOT_SET}}
            changed = {"updatedProperties": ["ContactLens.ConversationalAnalytics.Configuration"]}
            if self.person % 2:
                unset["disconnectTimestamp"] = NOT_SET
            yield self._event("CONTACT_DATA_UPDATED", at + 2 * SECOND, detail | unset | changed)
        if outcome.agent:
            queued, connected = at + 3 * SECOND, at + 9 * SECOND
            queue = {"queueArn": f"{ARN}/queue/calls", "queueType": "STANDARD", "enqueueTimestamp": stamp(queued)}
            detail["queueInfo"] = queue
            yield self._event("QUEUED", queued, detail)
            agent = {"agentArn": f"{ARN}/agent/{self.person % 20}", "connectedToAgentTimestamp": stamp(connected)}
            detail["agentInfo"] = agent
            yield self._event("CONNECTED_TO_AGENT", connected, detail)

    def _event(self, type: str, at: int, known: Fields) -> tuple[int, str]:
        detail = {"eventType": type, **known}
        spelled = SPELLINGS[self.person % len(SPELLINGS)](detail)
        if self.campaign is None and self.person % 9 == 0:
            spelled = timeless(spelled)
        record = {
            "version": "0",
            "id": f"{self.id[:24]}{at % 0x1000000000000:012x}",
            "detail-type": DETAIL_TYPES[self.person % len(DETAIL_TYPES)],
            "source": "aws.connect",
            "account": ACCOUNT,
            "time": f"{stamp(at)[:-5]}Z",
            "region": REGION,
            "resources": [ARN, f"{ARN}/contact/{self.id}"],
            "detail": spelled,
        }
        return at, orjson.dumps(record).decode()
