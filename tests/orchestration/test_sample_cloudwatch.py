"""What the sample of CloudWatch holds: every metric with its dimensions, and what metric streams do to readers."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.orchestration.test_sample import DAYS, END, digests, gunzip, read_values, write_sample
from tests.orchestration.test_sample_ses import read_records as read_ses
from tests.orchestration.test_sample_ses import unwrap

Record = dict[str, Any]

SES = [
    "Send",
    "Delivery",
    "Bounce",
    "Complaint",
    "Open",
    "Click",
    "Reject",
    "Rendering Failure",
    "Reputation.BounceRate",
    "Reputation.ComplaintRate",
]
GROUPS = {
    "VoiceCalls": [
        "CallsBreachingConcurrencyQuota",
        "CallsPerInterval",
        "ConcurrentCalls",
        "ConcurrentCallsPercentage",
        "MissedCalls",
        "MisconfiguredPhoneNumbers",
        "ThrottledCalls",
    ],
    "CallRecordings": ["CallRecordingUploadError"],
    "Chats": [
        "ChatsBreachingActiveChatQuota",
        "ConcurrentActiveChats",
        "ConcurrentActiveChatsPercentage",
        "SuccessfulChatsPerInterval",
    ],
    "Tasks": ["ConcurrentTasks", "ConcurrentTasksPercentage", "TasksBreachingConcurrencyQuota"],
    "Emails": ["ConcurrentEmails"],
}
FLOW, QUEUE = "ContactFlow+ContactFlowName", "Queue+QueueName"
INTEGRATION = "AccountId+ClientId+IntegrationARN+IntegrationType+Region"
EXPECTED = {
    *(("AWS/SES", metric, dims) for metric in SES for dims in ("", "ses:configuration-set")),
    *(("AWS/Connect", metric, f"{group}+") for group, metrics in GROUPS.items() for metric in metrics),
    *(("AWS/Connect", metric, FLOW) for metric in ("ContactFlowErrors", "ContactFlowFatalErrors")),
    *(("AWS/Connect", metric, QUEUE) for metric in ("QueueSize", "LongestQueueWaitTime", "QueueCapacityExceededError")),
    *(("AWS/Connect", "CallBackNotDialableNumber", dims) for dims in (FLOW, QUEUE)),
    *(("AWS/Connect", "PublicSigningKeyUsage", dims) for dims in (FLOW, "InstanceId+SigningKeyId")),
    *(("AWS/Connect", metric, "Tasks+ContactId") for metric in ("TasksExpired", "TasksExpiryWarningReached")),
    *(
        ("AWS/Connect", "ToInstancePacketLossRate", f"{id}+Participant+Stream Type+Type of Connection")
        for id in ("InstanceId", "Instance ID")
    ),
    *(("VoiceID", metric, "API") for metric in ("RequestLatency", "UserErrors", "SystemErrors", "Throttles")),
    *(
        ("VoiceID", metric, "Domain")
        for metric in (
            "ActiveSessions",
            "ActiveSpeakerEnrollmentJobs",
            "ActiveFraudsterRegistrationJobs",
            "Speakers",
            "Fraudsters",
        )
    ),
    *(
        ("AWS/AppIntegrations", metric, INTEGRATION)
        for metric in (
            "RecordsDownloaded",
            "RecordsFailed",
            "DataDownloaded",
            "DataProcessingDuration",
            "EventsReceived",
            "EventsProcessed",
            "EventsThrottled",
            "EventsFailed",
            "EventProcessingDuration",
        )
    ),
    ("AWS/EC2", "CPUUtilization", "InstanceId"),
}


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("cloudwatch"), "--systems", "cloudwatch", "--jobs", "1")


@pytest.fixture(scope="module")
def clean_sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clean")
    return write_sample(folder, "--systems", "ses,cloudwatch", "--clean", "--jobs", "1")


@pytest.fixture(scope="module")
def clean_records(clean_sample: Path) -> list[Record]:
    return list(read_records(clean_sample))


def files(inbox: Path) -> list[Path]:
    return sorted(path for path in (inbox / "cloudwatch" / "metric_stream").rglob("*") if path.is_file())


def read_records(inbox: Path) -> Iterator[Record]:
    for path in files(inbox):
        yield from (value for value in read_values(path.read_bytes()) if isinstance(value, dict))


def shape(record: Record) -> str:
    """The dimensions' names; of a metric group its name and what comes beside it."""
    dimensions = dict(record["dimensions"])
    if group := dimensions.pop("MetricGroup", None):
        return f"{group}+{'+'.join(sorted(dimensions.keys() - {'InstanceId'}))}"
    return "+".join(sorted(dimensions, key=lambda name: (not name.startswith("Instance"), name)))


def key(record: Record) -> tuple[Any, ...]:
    dimensions = tuple(sorted(record["dimensions"].items()))
    names = ("account_id", "region", "namespace", "metric_name", "timestamp")
    return (*(record[name] for name in names), dimensions)


def of(records: list[Record], metric: str) -> list[Record]:
    return [record for record in records if record["metric_name"] == metric]


def midnight(at: datetime) -> int:
    return int(at.timestamp() * 1000)


# ---- What occurs


@pytest.mark.parametrize("inbox", ["sample", "clean_sample"])
def test_every_metric_with_its_dimensions(inbox: str, request: pytest.FixtureRequest) -> None:
    records = read_records(request.getfixturevalue(inbox))
    seen = {(r["namespace"], r["metric_name"], shape(r)) for r in records if r.get("namespace") and r["metric_name"]}
    assert sorted(EXPECTED - seen) == []
    assert sorted(seen - EXPECTED) == []


def test_number_of_records(sample: Path, clean_records: list[Record]) -> None:
    assert 20_000 < len(clean_records) < 30_000
    assert 20_000 < sum(1 for _ in read_records(sample)) < 30_000


def test_units_and_further_statistics(clean_records: list[Record]) -> None:
    units = {record["unit"] for record in clean_records}
    assert units == {"Count", "Percent", "Seconds", "Milliseconds", "Bytes", "None"}
    statistics = {name for record in clean_records for name in record["value"]}
    assert statistics == {"count", "sum", "max", "min", "p99", "p99.9", "TM(25%:75%)"}
    for metric in ("EventsThrottled", "EventsFailed"):
        assert {record["unit"] for record in of(clean_records, metric)} == {"Bytes", "Count"}


def test_periods(clean_records: list[Record]) -> None:
    minutes: dict[str, set[int]] = defaultdict(set)
    for record in clean_records:
        assert record["timestamp"] % 60_000 == 0
        assert midnight(END - timedelta(days=DAYS - 1)) <= record["timestamp"] < midnight(END + timedelta(days=1))
        minutes[record["metric_name"]].add(record["timestamp"] // 60_000 % 60)
    assert minutes["ConcurrentTasks"] == set(range(0, 60, 5))
    assert minutes["Speakers"] == minutes["ActiveSpeakerEnrollmentJobs"] == {0, 15, 30, 45}
    assert len(minutes["ConcurrentCalls"]) > 50


def test_sums_without_extremes(clean_records: list[Record]) -> None:
    flat = [r for r in clean_records if r["value"]["max"] == r["value"]["min"] == 0 and r["value"]["sum"] > 0]
    assert {record["namespace"] for record in flat} == {"AWS/Connect", "AWS/AppIntegrations"}


def test_packet_loss(clean_records: list[Record]) -> None:
    losses = of(clean_records, "ToInstancePacketLossRate")
    assert {record["value"]["count"] for record in losses} == {1, 2, 3, 4, 5, 6}
    assert 0 < max(record["value"]["max"] for record in losses) < 0.05


def test_gaps(clean_records: list[Record]) -> None:
    """Within a busy while, a level is missing now and then; and one of two that belong together."""
    at: dict[str, set[tuple[str, int]]] = defaultdict(set)
    for record in clean_records:
        at[record["metric_name"]].add((record["region"], record["timestamp"]))
    assert at["ConcurrentCalls"] - at["ConcurrentCallsPercentage"]
    assert at["ConcurrentCallsPercentage"] - at["ConcurrentCalls"]
    speakers = {timestamp for _, timestamp in at["Speakers"]}
    assert any(each + 1_800_000 in speakers and each + 900_000 not in speakers for each in speakers)


@pytest.mark.parametrize(
    "level, share, scale, special",
    [
        ("ConcurrentCalls", "ConcurrentCallsPercentage", 1, 1.25),
        ("ConcurrentActiveChats", "ConcurrentActiveChatsPercentage", 100, 110),
        ("ConcurrentTasks", "ConcurrentTasksPercentage", 100, 0.5),
        ("ConcurrentTasks", "ConcurrentTasksPercentage", 100, 100.5),
    ],
)
def test_quotas(clean_records: list[Record], level: str, share: str, scale: int, special: float) -> None:
    """Pairs tell the quota by the formulas, also where the share looks like one of another scale."""
    quotas = {
        ("us-east-1", "ConcurrentCalls"): 40,
        ("eu-west-1", "ConcurrentCalls"): 10,
        ("us-east-1", "ConcurrentActiveChats"): 100,
        ("eu-west-1", "ConcurrentActiveChats"): 40,
        ("us-east-1", "ConcurrentTasks"): 2000,
        ("eu-west-1", "ConcurrentTasks"): 2500,
    }
    levels = {(r["region"], r["timestamp"], r["value"]["count"]): r["value"]["max"] for r in of(clean_records, level)}
    found = set()
    for record in of(clean_records, share):
        percentage = record["value"]["max"]
        number = levels.get((record["region"], record["timestamp"], record["value"]["count"]))
        if number is not None and percentage == special:
            found.add(record["region"])
            assert number / percentage * scale == pytest.approx(quotas[record["region"], level])
    assert found == {"us-east-1", "eu-west-1"}
    if scale == 100 and "Chats" in level:
        assert all(record["value"]["max"] == round(record["value"]["max"]) for record in of(clean_records, share))


def test_breaches_are_counted(clean_records: list[Record]) -> None:
    breached = {r["timestamp"] for r in of(clean_records, "ConcurrentCallsPercentage") if r["value"]["max"] > 1}
    counted = {record["timestamp"] for record in of(clean_records, "CallsBreachingConcurrencyQuota")}
    assert breached == counted != set()


def test_repeats(clean_records: list[Record]) -> None:
    """The same fact again: with a larger count, in another order of dimensions, from another stream."""
    versions: dict[tuple[Any, ...], list[Record]] = defaultdict(list)
    for record in clean_records:
        versions[key(record)].append(record)
    repeated = [each for each in versions.values() if len(each) > 1]
    counts = [[record["value"]["count"] for record in each] for each in repeated]
    assert any(each[0] < each[1] for each in counts) and any(each[0] > each[1] for each in counts)
    assert any(list(first["dimensions"]) != list(second["dimensions"]) for first, second, *_ in repeated)
    assert any(first["metric_stream_name"] != second["metric_stream_name"] for first, second, *_ in repeated)
    for each in repeated:
        # Of the same count, the same value: which one counts is never chance.
        values = {(record["value"]["count"], orjson.dumps(record["value"])) for record in each}
        assert len(values) == len({count for count, _ in values})


def test_late_and_out_of_order(clean_sample: Path) -> None:
    late: Counter[bool] = Counter()
    for path in files(clean_sample):
        folder = datetime(*map(int, path.parent.parts[-4:]), tzinfo=UTC)
        times = [record["timestamp"] for record in read_values(path.read_bytes())]
        late.update(at < midnight(folder) for at in times)
        assert min(times) > midnight(folder - timedelta(days=2))
        assert times != sorted(times)
    assert 0.005 < late[True] / late.total() < 0.05


def test_odd_and_damaged_files(sample: Path) -> None:
    contents = {path.name: path.read_bytes() for path in files(sample)}
    assert b"}{" in gunzip(contents["firehose-object"]) and b"\n" not in gunzip(contents["firehose-object"])
    for name in [
        "truncated-line.ndjson.gz",
        "truncated-gzip.ndjson.gz",
        "invalid-utf8.ndjson.gz",
        "no-timestamp.ndjson.gz",
        "absurd-timestamps.ndjson.gz",
        "no-namespace.ndjson.gz",
        "no-metric-name.ndjson.gz",
        "whole-copied (1).ndjson.gz",
        "overlapping.ndjson.gz",
    ]:
        assert name in contents
    assert sum("timestamp" not in record for record in read_values(contents["no-timestamp.ndjson.gz"])) == 1


# ---- Together with the events of SES


def test_ses_is_counted_from_its_events(clean_sample: Path, clean_records: list[Record]) -> None:
    """Near what the events say, in all and by configuration set, and not quite the same."""
    metered = Counter[tuple[str, str]]()
    for (*_, metric, at, dimensions), count in latest(clean_records, "AWS/SES").items():
        if at >= midnight(END - timedelta(days=6)) and not metric.startswith("Reputation"):
            metered[metric, dict(dimensions).get("ses:configuration-set", "")] += int(count)
    told = Counter[tuple[str, str]]()
    for metric, set in ses_events(clean_sample):
        told[metric, ""] += 1
        told[metric, set] += bool(set)
    for name, count in told.items():
        assert metered[name] == pytest.approx(count, rel=0.15, abs=5), name
    assert metered != told


def latest(records: list[Record], namespace: str) -> dict[tuple[Any, ...], float]:
    """The sum that counts of each fact, that of the largest count."""
    sums: dict[tuple[Any, ...], tuple[float, float]] = {}
    for record in records:
        if record["namespace"] == namespace:
            account, region, space, metric, at, dimensions = key(record)
            fact = (account, region, space, metric, at, dimensions)
            sums[fact] = max(sums.get(fact, (0, 0)), (record["value"]["count"], record["value"]["sum"]))
    return {fact: total for fact, (_, total) in sums.items()}


def ses_events(inbox: Path) -> Iterator[tuple[str, str]]:
    """Metric and configuration set of each event of the last days, once."""
    seen = set()
    for record, folder in read_ses(inbox):
        for each in unwrap(record, folder):
            if "eventType" not in each.event or not each.at or each.at < END - timedelta(days=6):
                continue
            metric = "Rendering Failure" if "failure" in each.event else each.kind
            identity = (metric, orjson.dumps(each.event))
            if metric not in SES or identity in seen or each.own.get("bounceType", "Permanent") != "Permanent":
                continue
            seen.add(identity)
            tags = each.event["mail"].get("tags", {})
            yield metric, tags.get("ses:configuration-set", [""])[0]


def test_the_same_with_and_without_the_events(clean_sample: Path, tmp_path: Path) -> None:
    alone = write_sample(tmp_path, "--systems", "cloudwatch", "--clean", "--jobs", "2")
    together = {name: digest for name, digest in digests(clean_sample).items() if name.startswith("cloudwatch")}
    assert digests(alone) == together
