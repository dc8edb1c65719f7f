"""Alexa skills: what their owner's endpoints, authorisation server and shop wrote down, and Amazon's own numbers.

inbox/alexa/<stream>/<YYYY>/<MM>/<DD>/<stream>-<process>.ndjson.gz, by the day of the extract: what happened that day,
and what came late. Streams are skill_requests, skill_events, smart_home_messages, account_links, token_requests and
purchases; smapi_metrics has answers of the Metrics API for the last days.

`records` has the skills, their users and the texts of sessions, `devices` those of smart homes; `talks`, `sales`,
`links` and `homes` say what happens, `lives` how often; `odd` has what is damaged, `measured` Amazon's numbers. Shapes
and oddities are those of the vendor's documentation and of public payloads; texts, names and numbers are made up.
"""

from collections.abc import Mapping
from typing import NamedTuple

from touchstone.sample.alexa import odd
from touchstone.sample.alexa.lives import Lives
from touchstone.sample.alexa.measured import write_measured
from touchstone.sample.alexa.records import STREAMS
from touchstone.sample.alexa.told import Counts
from touchstone.sample.files import DayFiles, Sink, Written
from touchstone.sample.oddities import OddFiles
from touchstone.sample.plan import Plan
from touchstone.sample.workers import Workers


class Share(NamedTuple):
    """What one process makes, with users, random numbers and files of its own. `records` are requests and messages."""

    plan: Plan
    name: str
    records: int


class Made(NamedTuple):
    written: Written
    counts: Counts


class ByStream:
    """A sink for each stream: a line's kind is the stream it belongs to."""

    def __init__(self, sinks: Mapping[str, Sink]) -> None:
        self.written = Written()
        self._sinks = sinks

    def write(self, day: int, kind: str, lines: list[str], hour: int | None = None) -> None:
        self._sinks[kind].write(day, kind, lines, hour)

    def close_day(self, day: int) -> None:
        self.written = Written()
        for sink in self._sinks.values():
            sink.close_day(day)
            self.written.add(sink.written)


def generate(plan: Plan, workers: Workers) -> Written:
    """Write the whole sample; the bytes depend on the plan alone."""
    total, counts = Written(), Counts()
    for made in workers.map(make, shares(plan)):
        total.add(made.written)
        counts.update(made.counts)
    total.add(write_measured(plan, counts))
    return total


def shares(plan: Plan) -> list[Share]:
    """How the records are shared out: by their number alone, so that processes make no difference."""
    # Odd files are read the slow way: few, however large the sample, but some of each stream on each day.
    in_odd = 0 if plan.clean else min(max(plan.events // 6, min(plan.events // 2, 300)), 3000)
    count = 1 if plan.events < 100_000 else 4
    usual = [Share(plan, f"{index:02}", (plan.events - in_odd + index) // count) for index in range(count)]
    # About half of what is in odd files is in them again.
    return usual if plan.clean else [*usual, Share(plan, "odd", in_odd * 2 // 3)]


def make(share: Share) -> Made:
    """Make one share of all that happens and write it."""
    plan, name = share.plan, share.name
    sinks: dict[str, Sink] = {}
    for stream in STREAMS:
        if name == "odd":
            sinks[stream] = OddFiles(plan, "alexa", stream, {}, odd.damage(stream))
        else:
            sinks[stream] = DayFiles(plan, "alexa", stream, name)
    sink = ByStream(sinks)
    lives = Lives(plan, name, share.records, sink)
    lives.run()
    return Made(sink.written, lives.counts)
