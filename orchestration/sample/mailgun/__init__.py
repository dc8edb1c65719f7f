"""Mailgun: events told by whole lives of messages, and the vendor's own numbers of the last days.

inbox/mailgun/events/<YYYY>/<MM>/<DD>/, by the day of the extract: what happened that day, and what came
late. inbox/mailgun/reported_metrics/<YYYY-MM-DD>.json: Metrics API responses, counted from the same events.

`records` has the texts, `lives` the events, `odd` what is damaged, `reported` the responses. Shapes and
oddities are those of the vendor's documentation and of public payloads; texts, names and numbers are made up.
"""

from typing import NamedTuple

from orchestration.sample.files import DayFiles, Sink, Written
from orchestration.sample.mailgun import odd
from orchestration.sample.mailgun.lives import Lives
from orchestration.sample.mailgun.reported import Counts, write_reported
from orchestration.sample.oddities import OddFiles
from orchestration.sample.plan import Plan
from orchestration.sample.workers import Workers


class Stream(NamedTuple):
    """Messages that one process makes, on random numbers and in files of their own."""

    plan: Plan
    name: str
    records: int


class Made(NamedTuple):
    written: Written
    counts: Counts


def generate(plan: Plan, workers: Workers) -> Written:
    """Write the whole sample; the bytes depend on the plan alone."""
    total, counts = Written(), Counts()
    for made in workers.map(make, streams(plan)):
        total.add(made.written)
        counts.update(made.counts)
    total.add(write_reported(plan, counts))
    return total


def streams(plan: Plan) -> list[Stream]:
    """How the records are shared out: by their number alone, so that processes make no difference."""
    # Odd files are read the slow way: few, however large the sample.
    in_odd = 0 if plan.clean else min(max(plan.events // 30, min(plan.events // 2, 300)), 3000)
    count = 1 if plan.events < 100_000 else 4
    usual = [Stream(plan, f"{index:02}", (plan.events - in_odd + index) // count) for index in range(count)]
    # About half of what is in odd files is in them again.
    return usual if plan.clean else [*usual, Stream(plan, "odd", in_odd * 2 // 3)]


def make(stream: Stream) -> Made:
    """Make one stream's messages and write what happens to them."""
    plan = stream.plan
    sink: Sink
    if stream.name == "odd":
        sink = OddFiles(plan, "mailgun", "events", odd.FORMATS, odd.DAMAGE)
    else:
        sink = DayFiles(plan, "mailgun", "events", stream.name)
    lives = Lives(plan, stream.name, stream.records, sink)
    lives.run()
    return Made(sink.written, lives.counts)
