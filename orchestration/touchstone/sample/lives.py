"""The engine behind events that tell a story: messages made day by day, with all that happens to each."""

from base64 import urlsafe_b64encode
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, time
from itertools import cycle
from math import log
from typing import Any, TypeVar

from touchstone.sample import workers
from touchstone.sample.files import Sink
from touchstone.sample.plan import Plan, second_of_day

Value = TypeVar("Value")

# Lines kept of the current day before they are written: bounds memory.
BATCH = 10_000


def wheel(weights: Mapping[Value, int]) -> tuple[Value, ...]:
    """Each value as often as its weight: a random element is a weighted choice."""
    return tuple(value for value, weight in weights.items() for _ in range(weight))


class Lives:
    """Makes lives from a day's first to its last, and hands lines on by the time they are extracted.

    A vendor's class says how common each of its lives is (`weights`, by the name of a method) and what to do with
    one (`live`). Times are whole numbers of `second` parts of a second since 1970; days count from the plan's first.
    A day has `parts` extracts of each kind of file.
    """

    weights: Mapping[str, int]
    second: int
    parts = 1

    def __init__(self, plan: Plan, system: str, name: str, records: int, sink: Sink) -> None:
        self.records = 0
        self._plan, self._goal, self._sink = plan, records, sink
        # Each name is a stream of random numbers: what one process makes is no other's business.
        self._rng = plan.random(system, name)
        self._random = self._rng.random
        self._day = 86_400 * self.second
        self._part = self._day // self.parts
        self._start = int(datetime.combine(plan.first_day, time(), UTC).timestamp()) * self.second
        self._last = plan.days - 1
        self._last_part = plan.days * self.parts - 1
        # Lines not yet written, by part of the days and kind of file. Those to come hold what is known of them already.
        self._waiting: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        self._lives = wheel(self.weights)
        # Every kind of life once before chance decides.
        self._first_lives: Iterator[str] = iter(self.weights)
        self._turns: dict[tuple[Any, ...], Iterator[Any]] = {}

    def live(self, life: str, at: int) -> None:
        """One life that begins then."""
        raise NotImplementedError

    def run(self) -> None:
        """Make lives until each day has its share of the records that are asked for."""
        begun = 0
        for day, goal in enumerate(self._plan.daily_goals(self._goal)):
            drained = self.records
            part = day * self.parts
            while self.records < goal:
                progress = max(self.records - begun, 0) / max(goal - begun, 1)
                at = self._start + day * self._day + int(second_of_day(progress) * self.second)
                while part < (at - self._start) // self._part:
                    drained = self.drain(part)
                    part += 1
                self.live(next(self._first_lives, None) or self.pick(self._lives), at)
                if self.records - drained > BATCH:
                    drained = self.drain(part)
            for rest in range(part, (day + 1) * self.parts):
                self.drain(rest)
            self._sink.close_day(day)
            begun = goal

    def drain(self, part: int) -> int:
        """Hand on what waits for a part of a day; how many records there are so far."""
        waiting = self._waiting.pop(part, {})
        day, part_of_day = divmod(part, self.parts)
        hour = None if self.parts == 1 else part_of_day * 24 // self.parts
        for kind, lines in waiting.items():
            self._sink.write(day, kind, lines, hour)
        workers.advance(sum(map(len, waiting.values())))
        return self.records

    def land(self, part: int, kind: str, line: str) -> None:
        """Put a line into its part of a day, or a later one, or into two."""
        luck = self._random()
        if luck < 0.015:
            part = min(part + 1 + int(luck * 200), self._last_part)
        self._waiting[part][kind].append(line)
        self.records += 1
        if luck > 0.994:
            again = min(part + int(luck > 0.997), self._last_part)
            self._waiting[again][kind].append(line)
            self.records += 1

    # ---- Chance

    def pick(self, options: Sequence[Value]) -> Value:
        return options[int(self._random() * len(options))]

    def turn(self, options: tuple[Value, ...]) -> Value:
        """The next one in turn: all occur even where few are needed."""
        if options not in self._turns:
            self._turns[options] = cycle(options)
        following: Value = next(self._turns[options])
        return following

    def chance(self, share: float) -> bool:
        return self._random() < share

    def soon(self, mean: int) -> int:
        """A waiting time: often short, sometimes long."""
        return int(-log(1 - self._random()) * mean)

    def token(self, size: int = 16) -> str:
        return urlsafe_b64encode(self._rng.randbytes(size)).decode().rstrip("=")
