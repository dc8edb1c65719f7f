"""What SES tells of messages that were not taken, or not welcome: bounces, complaints, delays."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounce:
    """A kind of bounce; `answer` is a recipient's fields from the remote server's report, if one came."""

    type: str
    subtype: str
    answer: str = ""

    @property
    def hard(self) -> bool:
        return self.type == "Permanent"


def _answer(status: str, text: str, action: str = "failed") -> str:
    return f',"action":"{action}","status":"{status}","diagnosticCode":"smtp; {text}"'


UNKNOWN_USER = Bounce("Permanent", "General", _answer("5.1.1", "550 5.1.1 no such person here"))
HARD = (
    UNKNOWN_USER,
    Bounce("Permanent", "NoEmail", _answer("5.1.3", "553 5.1.3 not an address")),
    # An answer of several lines.
    Bounce("Permanent", "General", _answer("5.7.1", "550-5.7.1 Refused.\\n550-5.7.1 See\\n550 5.7.1 example.net/why")),
    Bounce("Permanent", "General"),
)
SUPPRESSED = (
    Bounce("Permanent", "Suppressed", _answer("5.1.1", "SES did not try: on its own list")),
    Bounce("Permanent", "OnAccountSuppressionList", _answer("5.1.1", "SES did not try: on the account's list")),
    Bounce("Permanent", "EmailValidationSuppressed", _answer("5.1.1", "SES did not try: not a valid address")),
    Bounce("Permanent", "OnTenantSuppressionList"),
)
SOFT = (
    Bounce("Transient", "General", _answer("4.4.7", "554 4.4.7 gave up trying")),
    Bounce("Transient", "MailboxFull", _answer("4.2.2", "452 4.2.2 no room left")),
    Bounce("Transient", "MessageTooLarge", _answer("5.3.4", "552 5.3.4 too large")),
    Bounce("Transient", "ContentRejected", _answer("5.6.0", "554 5.6.0 content not accepted")),
    Bounce("Transient", "AttachmentRejected", _answer("5.6.0", "554 5.6.0 attachment not accepted")),
    Bounce("Transient", "CustomTimeoutExceeded", _answer("4.4.7", "554 4.4.7 time is up")),
)
# SES could not tell.
UNCLEAR = (
    Bounce("Undetermined", "Undetermined"),
    Bounce("Undetermined", "Undetermined", _answer("5.0.0", "550 no")),
)
# An answer of the recipient's that is taken for a bounce: no report, and the message was delivered.
OUT_OF_OFFICE = Bounce("Transient", "General")
# Amazon's simulator of suppressed addresses bounces as if they were unknown ones.
SIMULATED = UNKNOWN_USER

# A complaint's feedback type. Not all providers say one.
FEEDBACK_TYPES = (
    ',"complaintFeedbackType":"abuse"',
    ',"complaintFeedbackType":"not-spam"',
    ',"complaintFeedbackType":"abuse"',
    "",
    ',"complaintFeedbackType":"fraud"',
    ',"complaintFeedbackType":null',
    ',"complaintFeedbackType":"other"',
    ',"complaintFeedbackType":"auth-failure"',
    ',"complaintFeedbackType":"virus"',
)
NO_SUBTYPE = ('"complaintSubType":null,', "")
SUPPRESSED_COMPLAINT = '"complaintSubType":"OnAccountSuppressionList",'

# Why it takes longer; the codes of a recipient's server, if it was reached.
DELAYS = (
    ("MailboxFull", _answer("4.2.2", "452 4.2.2 no room left", "delayed")),
    ("SpamDetected", _answer("4.7.1", "421 4.7.1 looks like spam", "delayed")),
    ("RecipientServerError", _answer("4.3.0", "451 4.3.0 our fault", "delayed")),
    ("TransientCommunicationFailure", _answer("4.4.1", "421 4.4.1 connection lost", "delayed")),
    ("General", _answer("4.0.0", "450 4.0.0 later", "delayed")),
    ("IPFailure", _answer("4.7.0", "421 4.7.0 too much from this address", "delayed")),
    ("InternalFailure", ""),
    ("BYOIPHostNameLookupUnavailable", ""),
    ("SendingDeferral", ""),
    ("Undetermined", ""),
)
# How a feedback id is missing.
NO_FEEDBACK_ID = ("", '"feedbackId":"<feedbackId>",', '"feedbackId":null,')
