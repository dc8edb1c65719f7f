"""AWS/Connect: two contact centres, told of minute by minute while they are busy."""

from dataclasses import dataclass
from random import Random

from touchstone.sample.cloudwatch.records import HOUR, MINUTE, PERCENTILES, Datapoint, Datapoints, Metrics
from touchstone.sample.plan import WEEKDAYS
from touchstone.sample.ses.records import EAST, WEST

Dimensions = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Instance:
    """A contact centre, with its quotas. `connection` is how its packet loss spells "instance id".

    `minutes`: in how many minutes of a usual weekday something happens.
    """

    id: str
    metrics: Metrics
    minutes: int
    calls: int
    chats: int
    tasks: int
    queues: tuple[str, ...]
    flows: tuple[str, ...]
    connection: str
    # Two metrics come by flow as well as by a set of dimensions of their own, in some instances.
    by_flow_too: bool

    def group(self, group: str, *more: tuple[str, str]) -> Dimensions:
        return (("InstanceId", self.id), ("MetricGroup", group), *more)

    def lines(self) -> Dimensions:
        return (
            ("Participant", "Agent"),
            ("Type of Connection", "WebRTC"),
            (self.connection, self.id),
            ("Stream Type", "Voice"),
        )


INSTANCES = (
    Instance(
        "7d1c5a52-0000-4000-8000-00000000c0a1",
        Metrics(EAST, "AWS/Connect"),
        24,
        40,
        100,
        2000,
        ("Orders", "Returns"),
        ("Welcome", "After hours", "Payment"),
        "Instance ID",
        True,
    ),
    Instance(
        "7d1c5a52-0000-4000-8000-00000000c0a2",
        Metrics(WEST, "AWS/Connect"),
        12,
        10,
        40,
        2500,
        ("Service",),
        ("Welkom", "Service uur"),
        "InstanceId",
        False,
    ),
)

# Counters of an instance that seldom count: dimensions' group, share of minutes, unit.
SELDOM = (
    ("MissedCalls", "VoiceCalls", 0.15, "Count"),
    ("ThrottledCalls", "VoiceCalls", 0.04, "Count"),
    ("MisconfiguredPhoneNumbers", "VoiceCalls", 0.03, "None"),
    ("CallRecordingUploadError", "CallRecordings", 0.03, "Count"),
)


def datapoints(instance: Instance, midnight: int, day: int, weekday: int, rng: Random) -> Datapoints:
    """A day's datapoints, in the minutes in which there are any."""
    wanted = max(instance.minutes * WEEKDAYS[weekday] // 100, 1)
    minutes: set[int] = set()
    while len(minutes) < wanted:
        # Busy for a while, and then nothing: what is missing was not measured.
        start = 8 * 60 + int(rng.random() * 8 * 60)
        minutes.update(range(start, start + 4 + int(rng.random() * 12)))
    for minute in sorted(minutes):
        at = midnight + minute * MINUTE
        first = minute == min(minutes)
        yield from calls(instance, at, breach=first and day % 7 == 3, rng=rng)
        yield from chats(instance, at, breach=first and day % 7 == 5, rng=rng)
        yield from queues(instance, at, rng)
        yield from flows(instance, at, rng)
        yield from connections(instance, at, rng)
        if minute % 5 == 0:
            yield from tasks(instance, at, breach=day % 7 == 1 and minute % 15 == 0, rng=rng)
    yield from tasks_in_the_morning(instance, midnight + 7 * HOUR)


def samples(rng: Random, level: float, most: int = 6) -> list[float]:
    """Some samples of a whole number around a level."""
    return [float(max(round(level * (0.8 + 0.4 * rng.random())), 0)) for _ in range(1 + int(rng.random() * most))]


def calls(instance: Instance, at: int, breach: bool, rng: Random) -> Datapoints:
    new, group = instance.metrics, instance.group("VoiceCalls")
    level = samples(rng, instance.calls * 0.6 * rng.random())
    if breach:
        level = [instance.calls * 1.25]
        yield new.counter("CallsBreachingConcurrencyQuota", group, at, instance.calls // 4)
    # Now and then one of the two is missing.
    if breach or rng.random() < 0.96:
        yield new.gauge("ConcurrentCalls", group, at, level, extra=PERCENTILES[:2])
    if breach or rng.random() < 0.96:
        yield new.gauge("ConcurrentCallsPercentage", group, at, [n / instance.calls for n in level], "Percent")
    if (begun := int(rng.random() * 6)) > 0:
        yield new.counter("CallsPerInterval", group, at, begun, flat=rng.random() < 0.03)
    for metric, kind, share, unit in SELDOM:
        if rng.random() < share:
            yield new.counter(metric, instance.group(kind), at, 1 + int(rng.random() * 3), unit)


def chats(instance: Instance, at: int, breach: bool, rng: Random) -> Datapoints:
    if not breach and rng.random() < 0.4:
        return
    new, group = instance.metrics, instance.group("Chats")
    level = samples(rng, instance.chats * 0.3 * rng.random())
    if breach:
        level = [instance.chats * 1.1]
        yield new.counter("ChatsBreachingActiveChatQuota", group, at, instance.chats // 10)
    shares = [float(round(100 * n / instance.chats)) for n in level]
    yield new.gauge("ConcurrentActiveChats", group, at, level)
    yield new.gauge("ConcurrentActiveChatsPercentage", group, at, shares, "Percent")
    if rng.random() < 0.5:
        yield new.counter("SuccessfulChatsPerInterval", group, at, 1 + int(rng.random() * 3))


def tasks(instance: Instance, at: int, breach: bool, rng: Random) -> Datapoints:
    """Every five minutes."""
    new, group = instance.metrics, instance.group("Tasks")
    level = samples(rng, instance.tasks * 0.1 * rng.random(), 1)
    if breach:
        level = [instance.tasks * 1.005]
        yield new.counter("TasksBreachingConcurrencyQuota", group, at, instance.tasks // 200)
    yield from task_levels(instance, at, level)
    for metric, share in (("TasksExpired", 0.08), ("TasksExpiryWarningReached", 0.1)):
        if rng.random() < share:
            contact = f"0c{rng.getrandbits(24):06x}-0000-4000-8000-{rng.getrandbits(48):012x}"
            yield new.counter(metric, instance.group("Tasks", ("ContactId", contact)), at, 1)


def tasks_in_the_morning(instance: Instance, at: int) -> Datapoints:
    """Half a percent of the quota, which might be taken for a half."""
    yield from task_levels(instance, at, [instance.tasks / 200])


def task_levels(instance: Instance, at: int, level: list[float]) -> Datapoints:
    new, group = instance.metrics, instance.group("Tasks")
    yield new.gauge("ConcurrentTasks", group, at, level)
    yield new.gauge("ConcurrentTasksPercentage", group, at, [100 * n / instance.tasks for n in level], "Percent")


def queues(instance: Instance, at: int, rng: Random) -> Datapoints:
    new = instance.metrics
    for queue in instance.queues:
        group = instance.group("Queue", ("QueueName", queue))
        if rng.random() < 0.7:
            yield new.gauge("QueueSize", group, at, samples(rng, 8 * rng.random(), 1))
        if rng.random() < 0.6:
            yield new.gauge("LongestQueueWaitTime", group, at, samples(rng, 300 * rng.random()), "Seconds", PERCENTILES)
        if rng.random() < 0.03:
            yield new.counter("QueueCapacityExceededError", group, at, 1)
        if rng.random() < 0.04:
            calls = 1 + int(rng.random() * 2)
            yield new.counter("CallBackNotDialableNumber", group, at, calls)
            if instance.by_flow_too:
                flow = instance.group("ContactFlow", ("ContactFlowName", instance.flows[0]))
                if queue == instance.queues[0]:
                    yield new.counter("CallBackNotDialableNumber", flow, at, calls)


def flows(instance: Instance, at: int, rng: Random) -> Datapoints:
    new = instance.metrics
    for flow in instance.flows:
        group = instance.group("ContactFlow", ("ContactFlowName", flow))
        if rng.random() < 0.06:
            yield new.counter("ContactFlowErrors", group, at, 1 + int(rng.random() * 4), flat=rng.random() < 0.1)
        if rng.random() < 0.01:
            yield new.counter("ContactFlowFatalErrors", group, at, 1)
    if rng.random() < 0.1:
        uses = 1 + int(rng.random() * 3)
        key = (("InstanceId", instance.id), ("SigningKeyId", "key-0001"))
        yield new.counter("PublicSigningKeyUsage", key, at, uses)
        if instance.by_flow_too:
            group = instance.group("ContactFlow", ("ContactFlowName", instance.flows[-1]))
            yield new.counter("PublicSigningKeyUsage", group, at, uses)
    if rng.random() < 0.05:
        # A metric that came after the vendor's page.
        yield new.gauge("ConcurrentEmails", instance.group("Emails"), at, samples(rng, 5))


def connections(instance: Instance, at: int, rng: Random) -> Datapoints:
    """Sampled every ten seconds, so up to six times in a minute."""
    if rng.random() < 0.35:
        losses = [round(0.03 * rng.random() ** 3, 4) for _ in range(1 + int(rng.random() * 6))]
        yield instance.metrics.gauge("ToInstancePacketLossRate", instance.lines(), at, losses, "Percent")


def strangers(midnight: int, rng: Random) -> list[Datapoint]:
    """Of a namespace that nobody asked for."""
    metrics = Metrics(EAST, "AWS/EC2")
    instance = (("InstanceId", "i-0000000000000c0a1"),)
    return [
        metrics.gauge("CPUUtilization", instance, midnight + hour * HOUR, [rng.random() * 90], "Percent")
        for hour in (6, 18)
    ]
