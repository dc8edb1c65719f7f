"""What to generate, and how it spreads over days and hours."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import NamedTuple

# Share of a day's messages in each hour (UTC) and of a week's on each day, Monday first; any scale.
HOURS = (2, 1, 1, 1, 2, 3, 6, 10, 15, 18, 17, 15, 13, 14, 16, 15, 13, 11, 10, 9, 8, 6, 4, 3)
WEEKDAYS = (100, 108, 110, 106, 95, 52, 45)

_CLOCK = (0.0, *(hours / sum(HOURS) for hours in accumulate(HOURS)))


@dataclass(frozen=True, slots=True)
class Plan:
    """What a vendor's generator is asked for.

    Data spans `days` UTC days from `first_day` on. `events` is the number of event records to write.
    `clean` leaves out damaged files and those that are not gzip files of one record per line.
    """

    inbox: Path
    seed: int
    first_day: date
    days: int
    events: int
    clean: bool

    def random(self, *names: object) -> Random:
        """A stream of random numbers for these names, the same in every run and in any process."""
        return Random("/".join(map(str, (self.seed, *names))))

    def folder(self, system: str, stream: str, day: int, hour: int | None = None) -> Path:
        """The folder of what was extracted on a day, counted from `first_day` = 0, or in an hour of it."""
        folder = self.inbox / system / stream / f"{self.first_day + timedelta(days=day):%Y/%m/%d}"
        return folder if hour is None else folder / f"{hour:02}"

    def daily_goals(self, records: int) -> list[int]:
        """How many of `records` exist by the end of each day."""
        start = self.first_day.weekday()
        grown = list(accumulate(WEEKDAYS[(start + day) % 7] for day in range(self.days)))
        return [round(records * weight / grown[-1]) for weight in grown]


class Share(NamedTuple):
    """What one process makes of a plan, on random numbers and in files of its own."""

    plan: Plan
    name: str
    records: int

    @property
    def is_odd(self) -> bool:
        return self.name == "odd"


def shares(plan: Plan, odd: int = 30) -> list[Share]:
    """How the records are shared out: by their number alone, so that processes make no difference.

    One in `odd` is in odd files. These are read the slow way: there are few, however large the sample.
    """
    in_odd = 0 if plan.clean else min(max(plan.events // odd, min(plan.events // 2, 300)), 3000)
    count = 1 if plan.events < 100_000 else 4
    usual = [Share(plan, f"{index:02}", (plan.events - in_odd + index) // count) for index in range(count)]
    # About half of what is in odd files is in them again.
    return usual if plan.clean else [*usual, Share(plan, "odd", in_odd * 2 // 3)]


def second_of_day(progress: float) -> float:
    """The second of the day at which a share of the day's messages, 0 to 1, has been sent."""
    hour = min(bisect_right(_CLOCK, progress), 24) - 1
    return 3600 * (hour + min((progress - _CLOCK[hour]) / (_CLOCK[hour + 1] - _CLOCK[hour]), 0.9999))
