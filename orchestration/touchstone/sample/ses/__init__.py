"""SES: events told by whole lives of messages, as Firehose, SNS and EventBridge deliver them.

inbox/ses/events/<YYYY>/<MM>/<DD>/<HH>/<way>-<process>.ndjson.gz, twice a day, by the hour from which on
events were collected: what happened, and what came late. Odd and damaged files are in the folder of their day.

`records` has the texts of messages, `feedback` the kinds of bounces, complaints and delays, `envelopes` the
ways by which events arrive, `lives` the events, `odd` what is damaged. Shapes and oddities are those of the
vendor's documentation and of public payloads; texts, names and numbers are made up.
"""

from functools import partial
from typing import NamedTuple

from touchstone.sample.files import DayFiles, Nowhere, Sink, Written
from touchstone.sample.oddities import OddFiles
from touchstone.sample.plan import Plan, Share, shares
from touchstone.sample.ses import odd
from touchstone.sample.ses.lives import Counts, Lives
from touchstone.sample.workers import Workers


class Made(NamedTuple):
    written: Written
    counts: Counts


# What was counted of the events made so far, so that CloudWatch need not have them made again.
_counted: dict[Plan, Counts] = {}


def generate(plan: Plan, workers: Workers) -> Written:
    """Write the whole sample; the bytes depend on the plan alone."""
    total, counts = Written(), Counts()
    for made in workers.map(make, shares(plan)):
        total.add(made.written)
        counts.update(made.counts)
    _counted[plan] = counts
    return total


def count(plan: Plan, workers: Workers) -> Counts:
    """What CloudWatch would have counted of the sample's last days, whether it is written or not."""
    if plan not in _counted:
        counts = Counts()
        for made in workers.map(partial(make, written=False), shares(plan)):
            counts.update(made.counts)
        _counted[plan] = counts
    return _counted[plan]


def make(share: Share, written: bool = True) -> Made:
    """Make one share of the messages and, if it is to be `written`, write what happens to them."""
    plan = share.plan
    sink: Sink
    if not written:
        sink = Nowhere()
    elif share.is_odd:
        sink = OddFiles(plan, "ses", "events", odd.FORMATS, odd.DAMAGE)
    else:
        sink = DayFiles(plan, "ses", "events", share.name)
    lives = Lives(plan, share.name, share.records, sink)
    lives.run()
    return Made(sink.written, lives.counts)
