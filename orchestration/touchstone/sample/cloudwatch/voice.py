"""VoiceID: calls of its API, and the stocks of a domain. The service has ended; its past has not."""

from random import Random

from touchstone.sample.cloudwatch.records import HOUR, MINUTE, PERCENTILES, Datapoints, Metrics
from touchstone.sample.ses.records import EAST

VOICE = Metrics(EAST, "VoiceID")
DOMAIN = (("Domain", "Vd0000000000000000000A"),)
CALLS = ("EvaluateSession", "ListSpeakers", "OptOutSpeaker", "DeleteSpeaker", "DeleteFraudster", "StartSpeakerJob")


def datapoints(midnight: int, day: int, rng: Random) -> Datapoints:
    """A day's: calls in some minutes, stocks every quarter of an hour of the morning."""
    for minute in sorted({9 * 60 + int(rng.random() * 480) for _ in range(8)}):
        yield from calls(midnight + minute * MINUTE, CALLS[(day + minute) % len(CALLS)], rng)
        sessions = [float(int(rng.random() * 5)) for _ in range(1 + int(rng.random() * 3))]
        yield VOICE.gauge("ActiveSessions", DOMAIN, midnight + minute * MINUTE, sessions)
    for quarter in range(12):
        # Now and then one is missing.
        if rng.random() < 0.9:
            at = midnight + 8 * HOUR + quarter * 15 * MINUTE
            yield VOICE.gauge("Speakers", DOMAIN, at, [1200.0 + 3 * day + quarter // 4])
            yield VOICE.gauge("Fraudsters", DOMAIN, at, [17.0 + day // 9])
            yield VOICE.gauge("ActiveSpeakerEnrollmentJobs", DOMAIN, at, [float(quarter % 3)])
            yield VOICE.gauge("ActiveFraudsterRegistrationJobs", DOMAIN, at, [float(quarter == 5)])


def calls(at: int, call: str, rng: Random) -> Datapoints:
    api = (("API", call),)
    durations = [round(40 + 400 * rng.random() ** 4, 3) for _ in range(1 + int(rng.random() * 9))]
    yield VOICE.gauge("RequestLatency", api, at, durations, "Milliseconds", PERCENTILES)
    for metric, share in (("UserErrors", 0.2), ("SystemErrors", 0.05), ("Throttles", 0.1)):
        # A sample for each call: 0 is one that went well.
        errors = [float(rng.random() < share) for _ in durations]
        yield VOICE.gauge(metric, api, at, errors)
