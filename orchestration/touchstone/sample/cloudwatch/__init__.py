"""CloudWatch: datapoints of a metric stream, as Firehose delivers them.

inbox/cloudwatch/metric_stream/<YYYY>/<MM>/<DD>/<HH>/metric-stream-00.ndjson.gz, twice a day, by the hour from which
on datapoints were collected. Odd and damaged files are in the folder of their day.

`records` has a datapoint and its text; each namespace has a module: `connect`, `voice`, `integrations`, and `email`
for SES, counted from the events that `touchstone.sample.ses` makes. How many datapoints there are follows from
the days alone, but for SES' of the last days. Shapes and oddities are those of the vendor's documentation; names
and numbers are made up.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from random import Random

from touchstone.sample import ses
from touchstone.sample.cloudwatch import connect, email, integrations, odd, voice
from touchstone.sample.cloudwatch.records import DAY, Datapoint
from touchstone.sample.files import DayFiles, Sink, Written
from touchstone.sample.oddities import OddFiles
from touchstone.sample.plan import Plan
from touchstone.sample.workers import Workers

PARTS = 2
# One line of so many is in an odd file.
ODD_SHARE = 20
# Another stream may carry the same datapoint.
OTHER_STREAM = "contact-centre-only"


def generate(plan: Plan, workers: Workers) -> Written:
    """Write the whole sample; the bytes depend on the plan alone."""
    usual: Sink = DayFiles(plan, "cloudwatch", "metric_stream", "00")
    odds: Sink = usual if plan.clean else OddFiles(plan, "cloudwatch", "metric_stream", odd.FORMATS, odd.DAMAGE)
    emails = email.counted(ses.count(plan, workers), plan.random("cloudwatch", "email"))
    # Lines by part of the days; a line can wait for a day to come.
    waiting: dict[int, list[str]] = defaultdict(list)
    last = plan.days * PARTS - 1
    for day in range(plan.days):
        rng = plan.random("cloudwatch", day)
        midnight = _midnight(plan, day)
        for point in [*of_day(plan, day, midnight, rng), *emails.get(midnight // DAY, [])]:
            part = day * PARTS + (point.at - midnight) * PARTS // DAY
            for line, later in told(point, rng):
                waiting[min(part + later, last)].append(line)
        for part in range(day * PARTS, (day + 1) * PARTS):
            lines = waiting.pop(part, [])
            rng.shuffle(lines)
            hour = part % PARTS * 24 // PARTS
            few = 0 if plan.clean else len(lines) // ODD_SHARE
            if lines[few:]:
                usual.write(day, "metric-stream", lines[few:], hour)
            if few:
                odds.write(day, "metric-stream", lines[:few], hour)
        usual.close_day(day)
        if not plan.clean:
            odds.close_day(day)
    total = usual.written
    if not plan.clean:
        total.add(odds.written)
    return total


def of_day(plan: Plan, day: int, midnight: int, rng: Random) -> Iterator[Datapoint]:
    """All namespaces' datapoints of a day, but for what is counted of SES' events."""
    weekday = (plan.first_day + timedelta(days=day)).weekday()
    for instance in connect.INSTANCES:
        yield from connect.datapoints(instance, midnight, day, weekday, rng)
    yield from voice.datapoints(midnight, day, rng)
    yield from integrations.datapoints(midnight, rng)
    yield from email.reputations(midnight, day, plan.days, rng)
    yield from connect.strangers(midnight, rng)


def told(point: Datapoint, rng: Random) -> Iterator[tuple[str, int]]:
    """A datapoint's records, and how many parts of a day later each comes: some late, some more than once."""
    luck = rng.random()
    later = 1 + int(luck * 150) if luck < 0.015 else 0
    yield point.text(), later
    if luck > 0.99:
        yield point.turned().text(OTHER_STREAM), later + int(luck > 0.995)
    elif luck > 0.97 and point.count > 1:
        # Sent before all of it was known; which of the two comes first is chance.
        yield point.earlier().text(), later + int(luck > 0.985)


def _midnight(plan: Plan, day: int) -> int:
    return int(datetime.combine(plan.first_day + timedelta(days=day), time(), UTC).timestamp()) * 1000
