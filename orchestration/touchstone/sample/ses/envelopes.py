"""The ways by which an event arrives, and what else arrives by them."""

from touchstone.sample.ses.records import EVENTBRIDGE, FIREHOSE, SNS, Sender, stamp

DETAIL_TYPES = {
    "Send": "Email Sent",
    "Delivery": "Email Delivered",
    "Bounce": "Email Bounced",
    "Complaint": "Email Complaint Received",
    "Reject": "Email Rejected",
    "Open": "Email Opened",
    "Click": "Email Clicked",
    "Rendering Failure": "Email Rendering Failed",
    "DeliveryDelay": "Email Delivery Delayed",
    "Subscription": "Email Subscribed",
}


def uuid(bits: int) -> str:
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def wrapped(way: str, sender: Sender, event: str, at: int, text: str, bits: int) -> str:
    """An event as it arrives by a way; `bits` are 128 random ones."""
    if way == FIREHOSE:
        return text
    if way == SNS:
        # Events end with a newline, also within a message; not all of them, to be sure of neither.
        return sns(sender, "Notification", at, text, bits, newline=bits % 4 != 0)
    return eventbridge(sender, DETAIL_TYPES[event], at, text, bits)


def sns(sender: Sender, type: str, at: int, message: str, bits: int, newline: bool = False) -> str:
    """A message of SNS, which holds an event as text."""
    message = message.replace("\\", "\\\\").replace('"', '\\"')
    topic = f"arn:aws:sns:{sender.region}:{sender.account}:ses-events"
    subject = '"Subject":"Amazon SES Email Event Notification",' if newline else ""
    end = "\\n" if newline else ""
    return (
        f'{{"Type":"{type}","MessageId":"{uuid(bits)}","TopicArn":"{topic}",{subject}'
        f'"Message":"{message}{end}","Timestamp":"{stamp(at)}","SignatureVersion":"1",'
        f'"Signature":"{bits:x}=","SigningCertURL":"https://sns.example/signing.pem",'
        f'"UnsubscribeURL":"https://sns.example/?Action=Unsubscribe"}}'
    )


def eventbridge(sender: Sender, detail_type: str, at: int, detail: str, bits: int) -> str:
    return (
        f'{{"version":"0","id":"{uuid(bits)}","detail-type":"{detail_type}","source":"aws.ses",'
        f'"account":"{sender.account}","time":"{stamp(at)[:-5]}Z","region":"{sender.region}",'
        f'"resources":["{sender.arn}"],"detail":{detail}}}'
    )


# ---- Records that tell of no sent message
RECEIVED, RECEIVED_RAW = "Received in SNS", "Received"
CONFIRMATIONS = ("SubscriptionConfirmation", "UnsubscribeConfirmation")
VALIDATION = "validation of a topic"
ACCOUNT_EVENTS = (
    "Advisor Recommendation Status Open",
    "Advisor Recommendation Status Resolved",
    "Sending Status Enabled",
    "Sending Status Disabled",
)
OTHERS = (RECEIVED, *CONFIRMATIONS, *ACCOUNT_EVENTS, RECEIVED_RAW, VALIDATION)


def other(kind: str, sender: Sender, at: int, bits: int) -> tuple[str, str]:
    """Such a record, and the way by which it arrives."""
    if kind in (RECEIVED, RECEIVED_RAW):
        received = (
            f'{{"notificationType":"Received","mail":{{"timestamp":"{stamp(at)}","source":"someone@example.net",'
            f'"messageId":"{bits:x}","destination":["{sender.address}"]}},'
            f'"receipt":{{"timestamp":"{stamp(at)}","processingTimeMillis":120,"recipients":["{sender.address}"],'
            f'"spamVerdict":{{"status":"PASS"}},"virusVerdict":{{"status":"PASS"}},"action":{{"type":"SNS"}}}}}}'
        )
        return (SNS, sns(sender, "Notification", at, received, bits)) if kind == RECEIVED else (FIREHOSE, received)
    if kind in CONFIRMATIONS:
        return SNS, sns(sender, kind, at, "Visit the address below to confirm.", bits)
    if kind == VALIDATION:
        # The words that tell it from an event.
        text = "Successfully validated SNS topic for Amazon SES event publishing."
        return SNS, sns(sender, "Notification", at, text, bits)
    detail = f'{{"version":"1.0.0","data":{{"note":"of the account","at":"{stamp(at)}"}}}}'
    return EVENTBRIDGE, eventbridge(sender, kind, at, detail, bits)
