"""Mailgun: events told by whole lives of messages, and the vendor's own numbers of the last days.

inbox/mailgun/events/<YYYY>/<MM>/<DD>/, by the day of the extract: what happened that day, and what came
late. inbox/mailgun/reported_metrics/<YYYY-MM-DD>.json: Metrics API responses, counted from the same events.

`records` has the texts, `lives` the events, `odd` what is damaged, `reported` the responses. Shapes and
oddities are those of the vendor's documentation and of public payloads; texts, names and numbers are made up.
"""

from typing import NamedTuple

from touchstone.sample.files import DayFiles, Sink, Written
from touchstone.sample.mailgun import odd
from touchstone.sample.mailgun.lives import Lives
from touchstone.sample.mailgun.reported import Counts, write_reported
from touchstone.sample.oddities import OddFiles
from touchstone.sample.plan import Plan, Share, shares
from touchstone.sample.workers import Workers


class Made(NamedTuple):
    written: Written
    counts: Counts


def generate(plan: Plan, workers: Workers) -> Written:
    """Write the whole sample; the bytes depend on the plan alone."""
    total, counts = Written(), Counts()
    for made in workers.map(make, shares(plan)):
        total.add(made.written)
        counts.update(made.counts)
    total.add(write_reported(plan, counts))
    return total


def make(share: Share) -> Made:
    """Make one share of the messages and write what happens to them."""
    plan = share.plan
    sink: Sink
    if share.is_odd:
        sink = OddFiles(plan, "mailgun", "events", odd.FORMATS, odd.DAMAGE)
    else:
        sink = DayFiles(plan, "mailgun", "events", share.name)
    lives = Lives(plan, share.name, share.records, sink)
    lives.run()
    return Made(sink.written, lives.counts)
