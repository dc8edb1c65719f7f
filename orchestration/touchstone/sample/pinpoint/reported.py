"""What Pinpoint's API tells of journeys when it is asked: definitions, settings, runs, and execution metrics."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from random import Random

import orjson

from touchstone.sample.files import DayFiles, Sink, Written
from touchstone.sample.oddities import OddFiles
from touchstone.sample.pinpoint import odd
from touchstone.sample.pinpoint.journeys import (
    APPLICATION_SETTINGS,
    CART,
    JOURNEYS,
    PREVIEW,
    SHOP,
    TEST,
    Fields,
    Journey,
    World,
    step,
)
from touchstone.sample.pinpoint.lives import BEFORE_THE_END, PARTS_OF_DAY, Counts
from touchstone.sample.plan import Plan

# An answer that the API gave: the part of the days in which it was asked for, and the text.
Answer = tuple[int, str]
# What execution metrics are of: a journey, a run or "", and an activity or "".
Subject = tuple[str, str, str]

DAY_SECONDS = 86_400
# One answer of so many is in an odd file.
ODD_SHARE = 20
# A run is over when so many days have passed since the next one began, and is asked for no more some days later.
OVER_AFTER, ASKED_FOR = 3, 6
# What is known of a whole journey; of a run it is more.
OF_JOURNEYS = {
    "ENDPOINT_ACTIVE",
    "ENDPOINT_ENTERED",
    "ENDPOINT_LEFT",
    "CANCELLED",
    "REENTRY_CAP_EXCEEDED",
    "ACTIVE_ENDPOINT_REJECTED",
}
# The vendor has two words for activities that send email.
OTHER_TYPES = {CART.activity("last call"): "MESSAGE"}
# The API has counted fewer there than before, once.
SHRUNK = (CART.id, "", CART.activity("your cart"))


def write_reported(plan: Plan, counts: Counts) -> Written:
    """Write all that is asked for, every day, or several times a day."""
    world, total = World(plan), Written()
    for stream, answers in (
        ("journeys", definitions(plan, world)),
        ("application_settings", settings(plan, world)),
        ("journey_runs", runs(plan, world)),
        ("execution_metrics", execution_metrics(plan, world, counts)),
    ):
        total.add(write(plan, stream, answers))
    return total


def write(plan: Plan, stream: str, answers: Iterator[Answer]) -> Written:
    """Write a stream: some of it late, some again, in no order."""
    rng, last = plan.random("pinpoint", stream), plan.days * PARTS_OF_DAY - 1
    kept: dict[int, list[str]] = defaultdict(list)
    for part, line in answers:
        luck = rng.random()
        if luck < 0.02:
            part = min(part + 1 + int(luck * 200), last)
        kept[part].append(line)
        if luck > 0.98:
            kept[min(part + int(luck > 0.99), last)].append(line)
    usual: Sink = DayFiles(plan, "pinpoint", stream, "00")
    odds: Sink = usual if plan.clean else OddFiles(plan, "pinpoint", stream, odd.FORMATS, odd.SNAPSHOT_DAMAGE)
    for day in range(plan.days):
        for part in range(day * PARTS_OF_DAY, (day + 1) * PARTS_OF_DAY):
            lines = kept[part]
            rng.shuffle(lines)
            few = 0 if plan.clean else len(lines) // ODD_SHARE
            if lines[few:]:
                usual.write(day, stream.replace("_", "-"), lines[few:])
            if few:
                odds.write(day, stream, lines[:few])
        usual.close_day(day)
        if not plan.clean:
            odds.close_day(day)
    if not plan.clean:
        usual.written.add(odds.written)
    return usual.written


def answer(world: World, seconds: float, **told: object) -> Answer:
    """As it was fetched so many seconds after the first midnight."""
    part = int(seconds * PARTS_OF_DAY / DAY_SECONDS)
    return part, orjson.dumps({"fetched_at": world.iso(seconds), **told}).decode()


def mornings(plan: Plan, rng: Random) -> Iterator[tuple[int, float]]:
    """The days, and when on each the API was asked. Now and then nobody did, or twice."""
    for day in range(plan.days):
        asked = 0 if day % 12 == 10 else 2 if day % 12 == 7 else 1
        for hour in (3, 15)[:asked]:
            yield day, day * DAY_SECONDS + hour * 3600 + rng.random() * 1800


def definitions(plan: Plan, world: World) -> Iterator[Answer]:
    for day, seconds in mornings(plan, plan.random("pinpoint", "definitions")):
        for number, journey in enumerate(JOURNEYS):
            yield answer(world, seconds + number, JourneyResponse=world.definition(journey, day))


def settings(plan: Plan, world: World) -> Iterator[Answer]:
    for day, seconds in mornings(plan, plan.random("pinpoint", "settings")):
        for number, application in enumerate(APPLICATION_SETTINGS):
            yield answer(world, seconds + number, ApplicationSettingsResource=world.settings(application, day))


def runs(plan: Plan, world: World) -> Iterator[Answer]:
    """Runs up to that day, and the next one if there is to be one."""
    for day, seconds in mornings(plan, plan.random("pinpoint", "runs")):
        for number, journey in enumerate(JOURNEYS):
            items = [] if journey is PREVIEW else list(runs_until(world, journey, day, seconds))
            told = {"application_id": SHOP, "journey_id": journey.id, "JourneyRunsResponse": {"Item": items}}
            yield answer(world, seconds + number, **told)


def runs_until(world: World, journey: Journey, day: int, seconds: float) -> Iterator[Fields]:
    days = journey.run_days
    for number in range(day // days + 2 if days else 1):
        begun, over = number * (days or 0), (number + 1) * (days or 0) + OVER_AFTER
        status, updated = "RUNNING", seconds - 600
        if begun > day:
            status, updated = "SCHEDULED", (begun - (days or 0)) * DAY_SECONDS + 60
        elif days and day >= over:
            status, updated = "COMPLETED", over * DAY_SECONDS
        elif journey is TEST and world.closed(journey, day):
            status, updated = "CANCELLED", world.since(0.2) * DAY_SECONDS
        created = updated if status == "SCHEDULED" else begun * DAY_SECONDS
        yield {
            "RunId": world.run_id(journey, number),
            "CreationTime": world.iso(created),
            "LastUpdateTime": world.iso(updated),
            "Status": status,
        }


# ---- Execution metrics


def execution_metrics(plan: Plan, world: World, counts: Counts) -> Iterator[Answer]:
    """Snapshots of whole journeys in every part of the days, of runs at the end of each day."""
    rng = plan.random("pinpoint", "execution metrics")
    grown: dict[Subject, Counter[str]] = defaultdict(Counter)
    # When the API forgets some, for once.
    shrinks = plan.days * PARTS_OF_DAY // 2
    for part, changes in enumerate(by_part(plan, counts)):
        for subject, key, change in changes:
            grown[subject][key] += change
        day, evaluated = part // PARTS_OF_DAY, (part + 1) * DAY_SECONDS // PARTS_OF_DAY - BEFORE_THE_END / 1000
        closing = part % PARTS_OF_DAY == PARTS_OF_DAY - 1
        for journey, run in asked_for(world, day, with_runs=closing):
            for activity, type in activities(world, journey, day):
                metrics = grown[journey.id, run, activity]
                if (journey.id, run, activity) == SHRUNK and part == shrinks:
                    metrics = metrics - Counter(dict.fromkeys(metrics, 2))
                elif rng.random() < 0.02 and part < plan.days * PARTS_OF_DAY - 1:
                    # Not all that was asked for was answered, except at last.
                    continue
                fetched = evaluated + 30 + rng.random() * 300
                # A few don't say as of when they are.
                as_of = None if rng.random() < 0.005 else evaluated
                told = snapshot(world, journey, run, activity, type, as_of, metrics)
                yield answer(world, fetched, **told)
                if rng.random() < 0.01:
                    # Asked again, before anything was evaluated anew.
                    yield answer(world, fetched + 60, **told)


def by_part(plan: Plan, counts: Counts) -> list[list[tuple[Subject, str, int]]]:
    """What changes in each part of the days: of a journey or its activity as a whole, and of their run."""
    changes: list[list[tuple[Subject, str, int]]] = [[] for _ in range(plan.days * PARTS_OF_DAY + 1)]
    for (part, journey, run, activity, key), change in sorted(counts.items()):
        changes[part] += [((journey, "", activity), key, change), ((journey, run, activity), key, change)]
    # What comes after the last snapshot is never told.
    return changes[:-1]


def asked_for(world: World, day: int, with_runs: bool) -> Iterator[tuple[Journey, str]]:
    """The journeys whose metrics are asked for on a day, each as a whole and by its runs."""
    for journey in JOURNEYS:
        if journey is PREVIEW:
            continue
        yield journey, ""
        if with_runs and not journey.run_days:
            yield journey, world.run(journey, day)
        elif with_runs and journey.run_days:
            for number in range(day // journey.run_days + 1):
                if day < (number + 1) * journey.run_days + ASKED_FOR:
                    yield journey, world.run_id(journey, number)


def activities(world: World, journey: Journey, day: int) -> Iterator[tuple[str, str]]:
    """The journey itself, then its activities, with their types."""
    yield "", ""
    for id, activity in world.definition(journey, day)["Activities"].items():
        yield id, OTHER_TYPES.get(id, step(id, activity).type)


def snapshot(
    world: World, journey: Journey, run: str, activity: str, type: str, as_of: float | None, metrics: Counter[str]
) -> Fields:
    """One of the four kinds of answers. What is zero is left out, and numbers are text."""
    kept = metrics if run or activity else {key: metrics[key] for key in OF_JOURNEYS}
    response: Fields = {
        "ApplicationId": SHOP,
        "JourneyId": journey.id,
        "Metrics": {key: str(value) for key, value in sorted(kept.items()) if value > 0},
    }
    if as_of is not None:
        response["LastEvaluatedTime"] = world.iso(as_of)
    if run:
        response["RunId"] = run
    if activity:
        response |= {"JourneyActivityId": activity, "ActivityType": type}
    return {f"Journey{'Run' * bool(run)}Execution{'Activity' * bool(activity)}MetricsResponse": response}
