"""CloudWatch's marts against a second implementation in plain Python, in any order and format of datapoints."""

from __future__ import annotations

import gzip
import json
import math
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from .conftest import TABLES, TestHome, no_time_in
from .metric_streams import file_of, message_of

Record = dict[str, Any]
Dimensions = tuple[tuple[str, str], ...]
Period = tuple[str, datetime | date]

_MODELS = ("--select", "+path:models/*/cloudwatch")
_START = datetime(2026, 2, 20, tzinfo=UTC)
_EXACT = ("minimum", "maximum", "last", "unit", "datapoints")
_ROUNDED = ("sample_count", "sum", "average", "value", "coverage")

# By namespace and metric: the statistic that is its number, and the minutes between its datapoints.
_STATISTICS: dict[tuple[str, str], tuple[str, int]] = {
    ("AWS/Connect", "QueueSize"): ("maximum", 1),
    ("AWS/Connect", "ContactFlowErrors"): ("sum", 1),
    ("AWS/Connect", "ToInstancePacketLossRate"): ("average", 1),
    ("AWS/Connect", "TasksExpired"): ("sum", 1),
    ("AWS/Connect", "ConcurrentCalls"): ("maximum", 1),
    ("AWS/Connect", "ConcurrentCallsPercentage"): ("maximum", 1),
    ("AWS/Connect", "ConcurrentActiveChats"): ("maximum", 1),
    ("AWS/Connect", "ConcurrentActiveChatsPercentage"): ("maximum", 1),
    ("AWS/Connect", "ConcurrentTasks"): ("maximum", 5),
    ("AWS/Connect", "ConcurrentTasksPercentage"): ("maximum", 5),
    ("VoiceID", "Speakers"): ("last", 15),
    ("VoiceID", "RequestLatency"): ("average", 1),
    ("AWS/AppIntegrations", "DataDownloaded"): ("sum", 1),
    ("AWS/SES", "Send"): ("sum", 0),
    ("AWS/SES", "Reputation.BounceRate"): ("last", 0),
}
_QUOTAS = {
    "ConcurrentCalls": "VoiceCalls",
    "ConcurrentCallsPercentage": "VoiceCalls",
    "ConcurrentActiveChats": "Chats",
    "ConcurrentActiveChatsPercentage": "Chats",
    "ConcurrentTasks": "Tasks",
    "ConcurrentTasksPercentage": "Tasks",
}


def some_datapoints(seed: int, count: int) -> list[Record]:
    """Few metrics, dimensions and instants, so that datapoints meet; many have versions that differ."""
    chance = random.Random(seed)
    starts = [_START + timedelta(minutes=chance.randrange(40 * 24 * 60)) for _ in range(5)]
    # of some hours several minutes, which longer periods have in them
    instants = starts + [start.replace(minute=chance.randrange(60)) for start in starts[:3] for _ in range(3)]
    # beside the ends of a month, and of days of other zones
    instants += [datetime(2026, 2, 28, 23, 59, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)]
    instants += [datetime(2026, 3, 8, 3, 29, tzinfo=UTC), datetime(2026, 3, 8, 3, 30, tzinfo=UTC)]
    return [_datapoint(chance, chance.choice(instants)) for _ in range(count)]


def _datapoint(chance: random.Random, at: datetime) -> Record:
    namespace, metric = chance.choice([*_STATISTICS, ("AWS/Connect", "ConcurrentEmails"), ("AWS/EC2", "DiskReadOps")])
    dimensions = list(_dimensions(chance, namespace, metric).items())
    chance.shuffle(dimensions)
    minutes = chance.choices([1, 5, 60], [6, 2, 2])[0]
    at -= timedelta(minutes=at.minute % minutes)
    count, digits = chance.randint(1, 4 if minutes == 1 else 8), chance.choice([0, 1, 3, 6])
    sizes = [round(chance.uniform(0, 10 ** chance.randint(-2, 9)), digits) for _ in range(3)]
    if chance.random() < 0.03:  # less than decimals hold
        sizes = [size * 1e-14 for size in sizes]
    if chance.random() < 0.3:
        sizes[1] = sizes[0]
    value = {"max": max(sizes[:2]), "min": min(sizes[:2]), "sum": sizes[2], "count": float(count)}
    if metric == "RequestLatency" and chance.random() < 0.7:
        value["p99"] = sizes[0]
        if chance.random() < 0.5:
            value["TM(25%:75%)"] = sizes[1]
    record = {
        "metric_stream_name": chance.choice("st"),
        "account_id": "1",
        "region": chance.choice(["r", "s"]),
        "namespace": namespace,
        "metric_name": metric,
        "dimensions": dict(dimensions),
        "timestamp": round(at.timestamp() * 1000),
        "value": value,
        "unit": chance.choice(["Count", "Percent"]),
    }
    if not dimensions and chance.random() < 0.5:
        del record["dimensions"]
    if minutes > 1 or chance.random() < 0.1:
        record["period"] = 60 * minutes
    return record


def _dimensions(chance: random.Random, namespace: str, metric: str) -> dict[str, str]:
    instance = {"InstanceId": chance.choice("ij")}
    if metric in _QUOTAS:
        group = _QUOTAS[metric] if chance.random() < 0.9 else "Emails"
        return {**instance, "MetricGroup": group, **({} if chance.random() < 0.95 else {"PhoneNumber": "1"})}
    if metric == "TasksExpired":
        contact = {"ContactId": chance.choice("cde")} if chance.random() < 0.8 else {}
        return {**instance, "MetricGroup": "Tasks", **contact}
    if metric == "ToInstancePacketLossRate":
        spelling = chance.choice(["InstanceId", "Instance ID"])
        return {spelling: "i", "Participant": "Agent", "Type of Connection": "WebRTC", "Stream Type": "Voice"}
    if metric == "ContactFlowErrors":
        return {**instance, "MetricGroup": "ContactFlow", "ContactFlowName": 'A "flow", of two'}
    if namespace == "AWS/AppIntegrations":
        accounts = [{"AccountId": account, "ClientId": "x", "IntegrationARN": "n"} for account in "12"]
        unknown = {"ClientId": "x", "Foo": "y"}
        return chance.choice([{}, {"ClientId": "x"}, {"ClientId": "x", "IntegrationARN": "n"}, *accounts, unknown])
    if namespace == "VoiceID":
        return {"API": chance.choice("ab")} if metric == "RequestLatency" else {"Domain": "d"}
    return {} if namespace == "AWS/SES" else {**instance, "MetricGroup": "Queue", "QueueName": "q"}


@dataclass(frozen=True)
class Datapoint:
    series: tuple[str, str, str, str]  # account, region, namespace, metric
    dimensions: Dimensions
    at: datetime
    count: Decimal
    sum: Decimal
    maximum: float
    minimum: float
    unit: str
    extra: tuple[tuple[str, float], ...] = ()
    minutes: int = 1

    @property
    def last(self) -> float | None:
        """The last sample, as far as it is known."""
        return None if self.minutes > 1 and self.minimum < self.maximum else self.maximum

    @classmethod
    def of(cls, record: Record) -> Datapoint:
        value = dict(record["value"])
        count, total = (Decimal(str(value.pop(name))) for name in ("count", "sum"))
        return cls(
            (record["account_id"], record["region"], record["namespace"], record["metric_name"]),
            tuple(sorted(record.get("dimensions", {}).items())),
            datetime.fromtimestamp(record["timestamp"] / 1000, UTC).replace(tzinfo=None),
            count,
            total,
            value.pop("max"),
            value.pop("min"),
            record["unit"],
            tuple(value.items()),
            record.get("period", 60) // 60,
        )


def current(records: Iterable[Record]) -> list[Datapoint]:
    """One version of each datapoint of the namespaces that are asked for: the one of the most samples."""
    versions: dict[object, list[Datapoint]] = defaultdict(list)
    for point in map(Datapoint.of, records):
        if point.series[2] != "AWS/EC2":
            versions[point.series, point.dimensions, point.at, point.minutes].append(point)
    largest = [max(known, key=lambda p: (p.count, p.sum, p.maximum, p.minimum)) for known in versions.values()]
    hours: dict[object, list[Datapoint]] = defaultdict(list)
    for point in largest:
        hours[point.series, point.dimensions, point.at.replace(minute=0)].append(point)
    return [point for points in hours.values() for point in counting(points, (60, 5, 1))]


def counting(points: list[Datapoint], lengths: tuple[int, ...]) -> list[Datapoint]:
    """Of a period its own datapoint, or what counts of those within it if that has as many samples."""
    length, *shorter = lengths
    if not shorter:
        return points
    own = [point for point in points if point.minutes == length]
    parts: dict[int, list[Datapoint]] = defaultdict(list)
    for point in points:
        if point not in own:
            parts[point.at.minute // shorter[0]].append(point)
    within = [point for part in parts.values() for point in counting(part, tuple(shorter))]
    return own if own and own[0].count > sum(point.count for point in within) else within


def totals(points: list[Datapoint]) -> Iterator[Datapoint]:
    """Tasks by instance, where CloudWatch has them by contact only."""
    contacts = defaultdict(list)
    tasks = [
        (point, tuple(pair for pair in point.dimensions if pair[0] != "ContactId"))
        for point in points
        if point.series[3] == "TasksExpired"
    ]
    hours = {(p.series, rest, p.at.replace(minute=0)) for p, rest in tasks if p.minutes > 1}

    def instant(point: Datapoint, rest: Dimensions) -> tuple[Any, ...]:
        hour = point.series, rest, point.at.replace(minute=0)
        return (*hour, 60) if hour in hours else (point.series, rest, point.at, 1)

    own = {instant(point, rest) for point, rest in tasks if rest == point.dimensions}
    for point, rest in tasks:
        if rest != point.dimensions:
            contacts[instant(point, rest)].append(point)
    for (series, dimensions, at, length), parts in contacts.items():
        if (series, dimensions, at, length) not in own:
            yield Datapoint(
                series,
                dimensions,
                at,
                sum((part.count for part in parts), Decimal(0)),
                sum((part.sum for part in parts), Decimal(0)),
                max(part.maximum for part in parts),
                min(part.minimum for part in parts),
                max(part.unit for part in parts),
                minutes=length,
            )


def periods(at: datetime, zone: str) -> list[Period]:
    day = at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()
    return [("hourly", at.replace(minute=0)), ("daily", day), ("monthly", day.replace(day=1))]


def minutes(grain: str, start: date, zone: str) -> float:
    """How long the period is: an hour, or the time between two midnights of the zone."""
    if grain == "hourly":
        return 60
    following = start + timedelta(days=1) if grain == "daily" else (start + timedelta(days=31)).replace(day=1)
    first, last = (
        datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC) for day in (start, following)
    )
    return (last - first).total_seconds() / 60


def expected_metrics(points: list[Datapoint], zone: str) -> dict[object, Record]:
    groups: dict[Any, list[Datapoint]] = defaultdict(list)
    for point in [*points, *totals(points)]:
        for period in periods(point.at, zone):
            groups[period, point.series, point.dimensions].append(point)
    rows: dict[object, Record] = {}
    for ((grain, start), series, dimensions), group in groups.items():
        statistic, native = _STATISTICS.get((series[2], series[3]), ("none", 0))
        latest = max(group, key=lambda point: point.at)
        is_covered = native and all(point.minutes <= native for point in group)
        row: Record = {
            "sample_count": float(sum(point.count for point in group)),
            "sum": float(sum(point.sum for point in group)),
            "minimum": min(point.minimum for point in group),
            "maximum": max(point.maximum for point in group),
            "last": latest.last,
            "unit": latest.unit,
            "datapoints": len(group),
            "coverage": spans(group, native) * native / minutes(grain, start, zone) if is_covered else None,
        }
        row["average"] = row["sum"] / row["sample_count"]
        row["value"] = row.get(statistic)
        text = json.dumps(dict(dimensions), separators=(",", ":"))
        rows[grain, start, *series, ",".join(name for name, _ in dimensions), text] = row
    return rows


def spans(points: list[Datapoint], native: int) -> int:
    """In how many native periods there is a datapoint."""
    return len({point.at.replace(tzinfo=UTC).timestamp() // (60 * native) for point in points})


def expected_quotas(points: list[Datapoint], zone: str) -> dict[object, Record]:
    instants: dict[Any, Record] = defaultdict(dict)
    for point in points:
        group, named = _QUOTAS.get(point.series[3]), dict(point.dimensions)
        if group and named == {"InstanceId": named["InstanceId"], "MetricGroup": group}:
            instants[point.series[:2], named["InstanceId"], point.at, point.minutes][point.series[3]] = point
    rows: dict[object, Record] = {}
    for ((account, region), instance, at, _), level in instants.items():
        shares = {what: level.get(f"Concurrent{what}Percentage") for what in ("Calls", "ActiveChats", "Tasks")}
        if all(share is None for share in shares.values()):
            continue
        for grain, start in periods(at, zone):
            row = rows.setdefault((grain, start, account, region, instance), {what: [] for what in shares})
            for what, share in shares.items():
                used = level.get(f"Concurrent{what}")
                if share and share.last and used and used.last is not None:
                    part = used.last / share.last
                    row[what].append((share.last, part if what == "Calls" else 100 * part))
    names = {"Calls": "calls", "ActiveChats": "active_chats", "Tasks": "tasks"}
    return {
        key: {f"concurrent_{names[what]}_quota": max(found, default=(None, None))[1] for what, found in row.items()}
        for key, row in rows.items()
    }


def check(home: TestHome, records: list[Record], zone: str) -> None:
    points = current(records)
    keys = "account_id, region, namespace, metric_name, dimension_set, dimensions"
    found = read(home, "cloudwatch_metrics", keys, (*_EXACT, *_ROUNDED))
    expected = expected_metrics(points, zone)
    assert found.keys() == expected.keys()
    for key, row in expected.items():
        assert same(found[key], row), (key, found[key], row)
    quotas = expected_quotas(points, zone)
    found = read(home, "connect_quota_estimates", "account_id, region, instance_id", tuple(next(iter(quotas.values()))))
    assert found.keys() == quotas.keys()
    for key, row in quotas.items():
        assert same(found[key], row), (key, found[key], row)
    statistics = {
        (*point.series, json.dumps(dict(point.dimensions), separators=(",", ":")), point.at, point.minutes, name, value)
        for point in points
        for name, value in point.extra
    }
    assert statistics == set(
        home.query(
            "select account_id, region, namespace, metric_name, dimensions, period_start, period_minutes, statistic, "
            "value from cloudwatch_statistics"
        )
    )


def same(found: Record, expected: Record) -> bool:
    """Whether all values are equal, numbers that are computed but for their last digits."""
    return all(
        math.isclose(found[name], value, rel_tol=1e-12)
        if isinstance(value, float) and name not in _EXACT and found[name] is not None
        else found[name] == value
        for name, value in expected.items()
    )


def read(home: TestHome, mart: str, keys: str, columns: tuple[str, ...]) -> dict[object, Record]:
    """Rows of the mart's three grains, by grain, start and keys."""
    width = keys.count(",") + 3
    return {
        row[:width]: dict(zip(columns, row[width:], strict=True))
        for grain in ("hourly", "daily", "monthly")
        for row in home.query(f"select '{grain}', period_start, {keys}, {', '.join(columns)} from {mart}_{grain}")
    }


def put(home: TestHome, name: str, records: list[Record]) -> None:
    """A file of each format; in OpenTelemetry minutes that have no other statistics than percentiles."""
    rest = [record for record in records if "TM(25%:75%)" in record["value"] or "period" in record]
    plain = [record for record in records if record not in rest]
    home.put("cloudwatch/metric_stream", f"{name}.json", rest + plain[::3])
    home.put("cloudwatch/metric_stream", f"{name}.otel-1.0", file_of(message_of(plain[1::3], "1.0")))
    home.put("cloudwatch/metric_stream", f"{name}.otel-0.7.gz", gzip.compress(file_of(message_of(plain[2::3], "0.7"))))


def test_the_marts_are_what_a_second_implementation_counts_in_any_order(home: TestHome) -> None:
    records = some_datapoints(seed=3, count=900)
    first = None
    # 8 March has 23 hours in St. John's, and half-hours belong to two days
    for order, zone in enumerate(("UTC", "UTC", "America/St_Johns")):
        home.reset()
        chance = random.Random(order)
        repeated = records + chance.sample(records, 100)
        chance.shuffle(repeated)
        runs = 2 if order else 3
        for run in range(runs):
            put(home, str(run), repeated[run::runs])
            landed = home.land()["cloudwatch/metric_stream"].totals
            assert landed.add_up
            assert landed.quarantined == 0
            assert landed.ignored == sum(record["namespace"] == "AWS/EC2" for record in repeated[run::runs])
            home.build(*_MODELS, *(TABLES if run else ()), reporting_timezone=zone)
        check(home, records, zone)
        marts = home.marts()
        assert zone != "UTC" or first in (None, marts)
        first = marts
    home.build("--full-refresh", *_MODELS, reporting_timezone=zone)
    assert home.marts() == first


def test_what_is_no_datapoint_is_quarantined_with_its_reason(home: TestHome) -> None:
    (good,) = (record for record in some_datapoints(seed=1, count=80)[-1:])
    good |= {"namespace": "VoiceID", "dimensions": {"API": "a"}}
    damaged = {
        "field dimensions: a list": {**good, "dimensions": ["API", "a"]},
        "no metric_name": {**good, "metric_name": ""},
        "field value.*: a number that is out of range": {**good, "value": {**good["value"], "sum": 1e30}},
        "no number for value.count": {**good, "value": {**good["value"], "count": None}},
        "field value.*: a text that is none": {**good, "value": {**good["value"], "max": "much"}},
        no_time_in("timestamp"): {**good, "timestamp": None},
    }
    home.put("cloudwatch/metric_stream", "a.json", [good, *damaged.values()])
    assert home.land()["cloudwatch/metric_stream"].totals.accepted == 1
    reasons = home.ledger_rows("select split_part(reason, ' where ', 1) from quarantine")
    assert {reason for (reason,) in reasons} == set(damaged)
