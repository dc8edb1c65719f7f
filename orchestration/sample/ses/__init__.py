"""SES: events told by whole lives of messages, as Firehose, SNS and EventBridge deliver them.

inbox/ses/events/<YYYY>/<MM>/<DD>/<HH>/<way>-<process>.ndjson.gz, twice a day, by the hour from which on
events were collected: what happened, and what came late. Odd and damaged files are in the folder of their day.

`records` has the texts of messages, `feedback` the kinds of bounces, complaints and delays, `envelopes` the
ways by which events arrive, `lives` the events, `odd` what is damaged. Shapes and oddities are those of the
vendor's documentation and of public payloads; texts, names and numbers are made up.
"""

from typing import NamedTuple

from orchestration.sample.files import DayFiles, Nowhere, Sink, Written
from orchestration.sample.oddities import OddFiles
from orchestration.sample.plan import Plan
from orchestration.sample.ses import odd
from orchestration.sample.ses.lives import Counts, Lives
from orchestration.sample.workers import Workers


class Stream(NamedTuple):
    """Messages that one process makes, on random numbers and in files of their own, if they are written."""

    plan: Plan
    name: str
    records: int
    written: bool = True


class Made(NamedTuple):
    written: Written
    counts: Counts


# What was counted of the events made so far, so that CloudWatch need not have them made again.
_counted: dict[Plan, Counts] = {}


def generate(plan: Plan, workers: Workers) -> Written:
    """Write the whole sample; the bytes depend on the plan alone."""
    total, counts = Written(), Counts()
    for made in workers.map(make, streams(plan)):
        total.add(made.written)
        counts.update(made.counts)
    _counted[plan] = counts
    return total


def count(plan: Plan, workers: Workers) -> Counts:
    """What CloudWatch would have counted of the sample's last days, whether it is written or not."""
    if plan not in _counted:
        counts = Counts()
        for made in workers.map(make, [stream._replace(written=False) for stream in streams(plan)]):
            counts.update(made.counts)
        _counted[plan] = counts
    return _counted[plan]


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
    if not stream.written:
        sink = Nowhere()
    elif stream.name == "odd":
        sink = OddFiles(plan, "ses", "events", odd.FORMATS, odd.DAMAGE)
    else:
        sink = DayFiles(plan, "ses", "events", stream.name)
    lives = Lives(plan, stream.name, stream.records, sink)
    lives.run()
    return Made(sink.written, lives.counts)
