"""Pinpoint: events of a stream as Firehose delivers them, and what the API tells of journeys every day.

inbox/pinpoint/events/<YYYY>/<MM>/<DD>/<HH>/pinpoint-events-<process>.ndjson.gz, four times a day, by the hour from
which on events were collected: what happened, and what came late. inbox/connect/contact_events/ has the same folders:
the calls of a journey's contact centre, and others. inbox/pinpoint/journeys/, application_settings/, journey_runs/
and execution_metrics/ have a file a day. Odd and damaged files are in the folder of their day.

`journeys` has the definitions and the way through them, `records` the texts of events, `contacts` those of contact
events, `lives` what happens, `reported` the answers of the API, counted from the same lives, `odd` what is damaged.
`Plan.events` is the number of the stream's events; contact events follow from these, and answers from the days.
Shapes and oddities are those of the vendor's documentation and of public payloads; texts, names and numbers are
made up.
"""

from typing import NamedTuple

from touchstone.sample.files import DayFiles, Sink, Written
from touchstone.sample.oddities import OddFiles
from touchstone.sample.pinpoint import odd
from touchstone.sample.pinpoint.lives import CONTACTS, Counts, Lives, LivesInOddFiles
from touchstone.sample.pinpoint.reported import write_reported
from touchstone.sample.plan import Plan, Share, shares
from touchstone.sample.workers import Workers


class Made(NamedTuple):
    written: Written
    counts: Counts


class Streams:
    """Hands events and contact events on, each to their own folder."""

    def __init__(self, events: Sink, contacts: Sink) -> None:
        self._events, self._contacts = events, contacts
        # One count for both.
        self.written = events.written = contacts.written = Written()

    def write(self, day: int, kind: str, lines: list[str], hour: int | None = None) -> None:
        sink = self._contacts if kind == CONTACTS else self._events
        sink.write(day, kind, lines, hour)

    def close_day(self, day: int) -> None:
        self._events.close_day(day)
        self._contacts.close_day(day)


def generate(plan: Plan, workers: Workers) -> Written:
    """Write the whole sample; the bytes depend on the plan alone."""
    total, counts = Written(), Counts()
    for made in workers.map(make, shares(plan, odd=15)):  # some in odd files every day, though a life is long
        total.add(made.written)
        counts.update(made.counts)
    total.add(write_reported(plan, counts))
    return total


def make(share: Share) -> Made:
    """Follow one share of the people and write what happens to them."""
    plan = share.plan
    followed: type[Lives] = Lives
    events: Sink
    contacts: Sink
    if share.is_odd:
        followed = LivesInOddFiles
        events = OddFiles(plan, "pinpoint", "events", odd.FORMATS | odd.TRANSFORMED, odd.DAMAGE)
        contacts = OddFiles(plan, "connect", "contact_events", odd.FORMATS, odd.CONTACT_DAMAGE)
    else:
        events = DayFiles(plan, "pinpoint", "events", share.name)
        contacts = DayFiles(plan, "connect", "contact_events", share.name)
    sink = Streams(events, contacts)
    lives = followed(plan, share.name, share.records, sink)
    lives.run()
    return Made(sink.written, lives.counts)
