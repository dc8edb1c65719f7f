"""AWS/AppIntegrations: runs of a data integration, and events of an event integration."""

from random import Random

from touchstone.sample.cloudwatch.records import HOUR, MINUTE, Datapoints, Metrics
from touchstone.sample.ses.records import EAST, WEST

# Amazon's page has Bytes for two counts of events; one account's records have that, too.
HOMES = ((EAST, "Bytes"), (WEST, "Count"))


def dimensions(home: tuple[str, str], kind: str) -> tuple[tuple[str, str], ...]:
    account, region = home
    name = "data-integration" if kind == "DataIntegration" else "event-integration"
    return (
        ("AccountId", account),
        ("ClientId", "app-integrations.example"),
        ("IntegrationARN", f"arn:aws:app-integrations:{region}:{account}:{name}/crm"),
        ("IntegrationType", kind),
        ("Region", region),
    )


def datapoints(midnight: int, rng: Random) -> Datapoints:
    for home, unit in HOMES:
        new = Metrics(home, "AWS/AppIntegrations")
        yield from runs(new, dimensions(home, "DataIntegration"), midnight, rng)
        yield from events(new, dimensions(home, "EventIntegration"), midnight, unit, rng)


def runs(new: Metrics, about: tuple[tuple[str, str], ...], midnight: int, rng: Random) -> Datapoints:
    """Two runs a day, each one sample."""
    for hour in (3, 15):
        at = midnight + hour * HOUR + int(rng.random() * 20) * MINUTE
        records = float(int(rng.random() * 900))
        yield new.gauge("RecordsDownloaded", about, at, [records])
        yield new.gauge("DataDownloaded", about, at, [records * 740], "Bytes")
        yield new.gauge("DataProcessingDuration", about, at, [2000 + records * 3], "Milliseconds")
        if rng.random() < 0.3:
            yield new.gauge("RecordsFailed", about, at, [1.0 + int(rng.random() * 5)])


def events(new: Metrics, about: tuple[tuple[str, str], ...], midnight: int, unit: str, rng: Random) -> Datapoints:
    """In a few minutes of the day. What was received need not be what became of it."""
    for minute in sorted({8 * 60 + int(rng.random() * 600) for _ in range(3)}):
        at = midnight + minute * MINUTE
        received = 2 + int(rng.random() * 20)
        throttled, failed = int(rng.random() * 1.3), int(rng.random() * 1.4)
        processed = received - throttled - failed
        yield new.counter("EventsReceived", about, at, received, flat=rng.random() < 0.05)
        if processed:
            yield new.counter("EventsProcessed", about, at, processed)
            durations = [round(20 + 80 * rng.random(), 2) for _ in range(processed)]
            yield new.gauge("EventProcessingDuration", about, at, durations, "Milliseconds")
        if throttled:
            yield new.counter("EventsThrottled", about, at, throttled, unit)
        if failed:
            yield new.counter("EventsFailed", about, at, failed, unit)
