"""The vendor's own numbers: Metrics API responses of the last days, one a day."""

from collections import Counter
from datetime import UTC, datetime, time, timedelta

import orjson

from touchstone.sample.files import Written, write_file
from touchstone.sample.mailgun.records import rfc2822
from touchstone.sample.plan import Plan

# (day, domain, metric): how many events, each once however often it lands. Days count from the plan's first.
Counts = Counter[tuple[int, str, str]]

REPORTED_DAYS = 7


def write_reported(plan: Plan, counts: Counts) -> Written:
    """Write reported_metrics/<YYYY-MM-DD>.json for each of the last days."""
    total = Written()
    for day in range(max(plan.days - REPORTED_DAYS, 0), plan.days):
        start = datetime.combine(plan.first_day, time(), UTC) + timedelta(days=day)
        by_domain: dict[str, Counter[str]] = {}
        for (on, domain, metric), count in sorted(counts.items()):
            if on == day:
                by_domain.setdefault(domain, Counter())[metric] = count
        path = plan.inbox / "mailgun" / "reported_metrics" / f"{start:%Y-%m-%d}.json"
        total.add(write_file(path, orjson.dumps(response(start, by_domain)), 0))
    return total


def response(start: datetime, by_domain: dict[str, Counter[str]]) -> dict[str, object]:
    """A response for one day. A domain without events isn't in it: the vendor fills no gaps."""
    begin, end = (rfc2822(int(at.timestamp())) for at in (start, start + timedelta(days=1)))
    items = [
        {
            "dimensions": [
                {"dimension": "time", "value": begin, "display_value": begin},
                {"dimension": "domain", "value": domain, "display_value": domain},
            ],
            "metrics": metrics(counts),
        }
        for domain, counts in by_domain.items()
    ]
    return {
        "start": begin,
        "end": end,
        "resolution": "day",
        "duration": "1d",
        "dimensions": ["time", "domain"],
        "items": items,
        "pagination": {"sort": "time:asc", "skip": 0, "limit": 1500, "total": len(items)},
        "aggregates": {"metrics": metrics(sum(by_domain.values(), Counter()))},
    }


def metrics(counts: Counter[str]) -> dict[str, int | str]:
    """Counts, and rates as text of four decimals. `suppressed` is failed for good without an attempt."""
    accepted = counts["accepted_incoming"] + counts["accepted_outgoing"]
    permanent = counts["permanent_failed"] + counts["suppressed"]
    sent = counts["delivered"] + counts["permanent_failed"]
    return {
        "accepted_count": accepted,
        "accepted_incoming_count": counts["accepted_incoming"],
        "accepted_outgoing_count": counts["accepted_outgoing"],
        "delivered_count": counts["delivered"],
        "opened_count": counts["opened"],
        "clicked_count": counts["clicked"],
        "failed_count": permanent + counts["temporary_failed"],
        "permanent_failed_count": permanent,
        "delivered_rate": rate(counts["delivered"], sent),
        "opened_rate": rate(counts["opened"], counts["delivered"]),
    }


def rate(numerator: int, denominator: int) -> str:
    return f"{numerator / denominator:.4f}" if denominator else "0.0000"
