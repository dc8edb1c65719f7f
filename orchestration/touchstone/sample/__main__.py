"""`python -m touchstone.sample INBOX`: write made-up extracts of all vendors into an inbox."""

import argparse
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from touchstone.sample import alexa, cloudwatch, mailgun, pinpoint, ses
from touchstone.sample.files import Written
from touchstone.sample.plan import Plan
from touchstone.sample.workers import Workers

VENDORS: dict[str, Callable[[Plan, Workers], Written]] = {
    "mailgun": mailgun.generate,
    "ses": ses.generate,
    "cloudwatch": cloudwatch.generate,
    "pinpoint": pinpoint.generate,
    "alexa": alexa.generate,
}
# How many datapoints a system has follows from the days, not from the number of events.
OF_DATAPOINTS = {"cloudwatch"}


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def systems(text: str) -> list[str]:
    names = text.split(",")
    if unknown := sorted(set(names) - set(VENDORS)):
        raise argparse.ArgumentTypeError(f"no such system: {', '.join(unknown)}; there are {', '.join(VENDORS)}")
    # Always in one order.
    return [name for name in VENDORS if name in names]


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m touchstone.sample",
        description="Write made-up extracts into an inbox. The same arguments give the same bytes.",
    )
    parser.add_argument("inbox", type=Path, metavar="INBOX", help="folder; files in it stay")
    parser.add_argument("--seed", type=int, default=7, help="another seed, another sample (%(default)s)")
    parser.add_argument("--days", type=positive, default=35, help="days of data (%(default)s)")
    parser.add_argument("--events", type=positive, default=20_000, help="records of each system's events (%(default)s)")
    parser.add_argument("--systems", type=systems, default=",".join(VENDORS), help="which of them (%(default)s)")
    parser.add_argument("--end", type=date.fromisoformat, help="last day, YYYY-MM-DD (yesterday, UTC)")
    parser.add_argument("--clean", action="store_true", help="no odd and no damaged files")
    parser.add_argument("--jobs", type=positive, default=os.cpu_count() or 1, help="processes (%(default)s)")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    options = parse(sys.argv[1:] if arguments is None else arguments)
    end = options.end or datetime.now(UTC).date() - timedelta(days=1)
    first_day = end - timedelta(days=options.days - 1)
    plan = Plan(options.inbox, options.seed, first_day, options.days, options.events, options.clean)
    workers = Workers(options.jobs, options.events * max(len(set(options.systems) - OF_DATAPOINTS), 1))
    started = time.perf_counter()
    total = Written()
    for name in options.systems:
        total.add(VENDORS[name](plan, workers))
    print(summary(plan, total, time.perf_counter() - started))
    return 0


def summary(plan: Plan, total: Written, seconds: float) -> str:
    last_day = plan.first_day + timedelta(days=plan.days - 1)
    return (
        f"{total.records:,} records of {plan.first_day} to {last_day} in {total.files:,} files, "
        f"{total.stored_bytes / 1e6:,.1f} MB ({total.bytes / 1e6:,.1f} MB uncompressed), "
        f"{seconds:.1f} s: {plan.inbox}"
    )


if __name__ == "__main__":
    sys.exit(main())
