"""AWS/SES: what CloudWatch counts of the very events that ses/events tells, and the reputation of who sends them."""

from collections import defaultdict
from random import Random

from touchstone.sample.cloudwatch.records import DAY, HOUR, MINUTE, Datapoint, Datapoints, Metrics
from touchstone.sample.ses.lives import METRIC_DAYS, Counts
from touchstone.sample.ses.records import ALERTS, EAST, NEWS, SHOP, WEST

# Whose reputation is told, and in which unit: a fraction in any case.
REPUTATIONS = (
    (EAST, "", "Percent"),
    (EAST, NEWS, "Percent"),
    (EAST, SHOP, "Percent"),
    (WEST, "", "None"),
    (WEST, ALERTS, "None"),
)


def counted(counts: Counts, rng: Random) -> dict[int, list[Datapoint]]:
    """The counts' datapoints by day since 1970. Not quite what was counted: a few are missing, a few too large."""
    by_day: dict[int, list[Datapoint]] = defaultdict(list)
    for (minute, account, region, set, metric), count in sorted(counts.items()):
        luck = rng.random()
        if luck < 0.01:
            continue
        metrics = Metrics((account, region), "AWS/SES")
        point = metrics.counter(metric, about(set), minute * MINUTE, count + int(luck > 0.99))
        by_day[point.at // DAY].append(point)
    return by_day


def reputations(midnight: int, day: int, days: int, rng: Random) -> Datapoints:
    """Every hour, of the same days as the counts. A domain that bounces more and more passes the limits."""
    if day < days - METRIC_DAYS:
        return
    for hour in range(24):
        for home, set, unit in REPUTATIONS:
            new, at = Metrics(home, "AWS/SES"), midnight + hour * HOUR
            worse = 2.5 if set == SHOP else 1
            bounces = worse * (0.02 + 0.004 * (day + METRIC_DAYS - days) + 0.002 * rng.random())
            complaints = worse * (0.0004 + 0.0002 * rng.random())
            yield new.gauge("Reputation.BounceRate", about(set), at, [round(bounces, 5)], unit)
            yield new.gauge("Reputation.ComplaintRate", about(set), at, [round(complaints, 6)], unit)


def about(set: str) -> tuple[tuple[str, str], ...]:
    return (("ses:configuration-set", set),) if set else ()
