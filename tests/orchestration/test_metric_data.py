"""Answers of CloudWatch's GetMetricData land as the records of a metric stream, and count once beside them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from moto import mock_aws

from touchstone.fetching import sources
from touchstone.fetching.cloudwatch import answers, metrics_of
from touchstone.fetching.fetch import Fetch, fetch, holes_of
from touchstone.fetching.source import DAY, Answer, PageRefused
from touchstone.settings import SettingsMistake, load_settings

from .commands import run
from .conftest import TestHome
from .metric_streams import SOURCE, landed
from .servers import aws_server

START = datetime(2026, 3, 1, 9, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
STATISTICS = {"SampleCount": "count", "Sum": "sum", "Minimum": "min", "Maximum": "max", "p99": "p99"}
Record = dict[str, Any]


def stream(series: int, minutes: int) -> list[Record]:
    """Datapoints as a metric stream delivers them."""
    return [
        {
            "metric_stream_name": "s",
            "account_id": "1",
            "region": "eu-west-1",
            "namespace": "AWS/Connect",
            "metric_name": "QueueSize",
            "dimensions": {"InstanceId": "i", "MetricGroup": "Queue", "QueueName": f"q{queue}"},
            "timestamp": round((START + timedelta(minutes=minute)).timestamp() * 1000),
            "value": {"max": 4.5 + minute, "min": 1.0, "sum": 5.5 + minute, "count": 2.0, "p99": 4.0},
            "unit": "Percent",
        }
        for queue in range(series)
        for minute in range(minutes)
    ]


def answer_of(records: list[Record], chance: random.Random, page_size: int = 7, period: int = 60) -> Record:
    """The call that has these datapoints: parallel arrays, the newest first, over pages."""
    series: dict[str, list[Record]] = {}
    for record in sorted(records, key=lambda record: -record["timestamp"]):
        series.setdefault(json.dumps([record["metric_name"], record["dimensions"]]), []).append(record)
    queries, results = [], []
    for number, points in enumerate(series.values()):
        names = [{"Name": name, "Value": value} for name, value in points[0]["dimensions"].items()]
        metric = {"Namespace": points[0]["namespace"], "MetricName": points[0]["metric_name"], "Dimensions": names}
        for place, (statistic, name) in enumerate(STATISTICS.items()):
            stat = {"Metric": metric, "Period": period, "Stat": statistic}
            queries.append({"Id": f"m{number}_{place}", "MetricStat": stat})
            for first in range(0, len(points), page_size):
                part = points[first : first + page_size]
                times = [datetime.fromtimestamp(point["timestamp"] / 1000, UTC).isoformat() for point in part]
                status = "Complete" if first + page_size >= len(points) else "PartialData"
                values = [point["value"][name] for point in part]
                result = {"Id": queries[-1]["Id"], "Label": name, "StatusCode": status, "Messages": []}
                results.append((first, {**result, "Timestamps": times, "Values": values}))
    pages = [[result for at, result in results if at == first] for first in sorted({at for at, _ in results})]
    for page in pages:
        chance.shuffle(page)
    chance.shuffle(queries)
    responses = [{"MetricDataResults": page, "Messages": []} for page in pages]
    fetched_at = "2026-03-02T02:00:00Z"
    return {
        "fetched_at": fetched_at,
        "account_id": "1",
        "region": "eu-west-1",
        "queries": queries,
        "responses": responses,
    }


def lake(home: TestHome) -> list[tuple[Any, ...]]:
    """The rows of the lake, but for the stream's name and the unit, which GetMetricData doesn't state."""
    columns = "columns(lambda name: (name[1] <> '_' or name = '_at') and name not in ('metric_stream_name', 'unit'))"
    files = f"'{home.settings.lake}/{SOURCE}/*.parquet'"
    return home.ledger_rows(
        f'select {columns} from (select * replace ("value"::map(varchar, double) as "value") from {files}) order by all'
    )


def test_an_answer_is_the_records_of_the_stream(home: TestHome) -> None:
    records = stream(3, 30)
    home.put(SOURCE, "a.json", records)
    assert landed(home).totals.accepted == 90
    expected = lake(home)
    home.reset()
    answer = answer_of(records, random.Random(1))
    home.put(SOURCE, "fetched/a.json", [answer])
    # as Airbyte would hand it on
    home.put(SOURCE, "fetched/b.json", [{"_airbyte_data": json.dumps(answer)}])
    totals = landed(home).totals
    assert (totals.accepted, totals.duplicates, totals.quarantined) == (90, 90, 0)
    assert lake(home) == expected


def test_a_datapoint_that_the_stream_delivered_counts_once(home: TestHome) -> None:
    """The stream was off for 20 minutes of the hour; all of it is fetched."""
    records = stream(1, 60)
    home.put(SOURCE, "a.json", records[:20] + records[40:])
    landed(home)
    home.put(SOURCE, "fetched/a.json", [answer_of(records, random.Random(2))])
    landed(home)
    home.build("--select", "+cloudwatch_metrics_hourly")
    (row,) = home.query(
        "select datapoints, sample_count, sum, minimum, maximum, last, coverage, unit from cloudwatch_metrics_hourly"
    )
    assert row == (60, 120, sum(5.5 + minute for minute in range(60)), 1, 63.5, 63.5, 1, "Percent")
    assert home.query("select count(*) from internal.intermediate.int_cloudwatch__datapoints where is_current") == [
        (60,)
    ]


def test_what_is_not_whole_is_quarantined_with_its_reason(home: TestHome) -> None:
    def changed(number: int) -> Record:
        records = [{**record, "metric_name": f"M{number}"} for record in stream(1, 10)]
        answer = answer_of(records, random.Random(number))
        answer["queries"].sort(key=lambda query: query["Id"])
        return answer

    def sums(answer: Record, page: int) -> Record:
        (found,) = (each for each in answer["responses"][page]["MetricDataResults"] if each["Id"] == "m0_1")
        return found

    odd_periods, cut, forbidden, odd, alone = (changed(number) for number in range(5))
    for query in odd_periods["queries"]:
        query["MetricStat"]["Period"] = 7200
    cut["responses"][1]["MetricDataResults"].remove(sums(cut, 1))
    sums(forbidden, 0).update({"Timestamps": [], "Values": []})
    sums(forbidden, 1).update({"Timestamps": [], "Values": [], "StatusCode": "Forbidden"})
    sums(odd, 0)["Values"].pop()
    alone = alone["responses"][0]
    home.put(SOURCE, "a.json", [odd_periods, cut, forbidden, odd, alone])
    totals = landed(home).totals
    # of the one that was cut, the seven newest are whole
    assert (totals.accepted, totals.quarantined) == (7, 5 + 1 + 1 + 1 + 1)
    reasons = dict(home.ledger_rows("select reason, count(*) from quarantine group by all"))
    assert {reason.split("; ")[0]: count for reason, count in reasons.items()} == {
        "an answer of GetMetricData for a period that is none of 60, 300 and 3600 seconds": 5,
        "an answer of GetMetricData that is not complete": 2,
        "an answer of GetMetricData that is not as Amazon documents it, with its queries": 1,
        "an answer of GetMetricData without its queries": 1,
    }
    assert home.replay() == 0


def test_each_period_of_a_time_is_a_datapoint_of_its_own(home: TestHome) -> None:
    """One of a minute is the stream's, with its period or without."""
    minutes, chance = stream(1, 60), random.Random(1)
    home.put(SOURCE, "a.json", minutes)
    for period in (60, 300, 3600):
        aligned = minutes[:: period // 60]
        home.put(SOURCE, f"fetched/{period}.json", [answer_of(aligned, chance, period=period)])
    odd = [
        {**minutes[1], "period": 300},
        {**minutes[15], "period": 3600},
        {**minutes[0], "period": 900},
        {**minutes[0], "period": 60},
    ]
    home.put(SOURCE, "b.json", odd)
    totals = landed(home).totals
    assert (totals.accepted, totals.duplicates, totals.quarantined) == (60 + 12 + 1, 60 + 1, 3)
    files = f"'{home.settings.lake}/{SOURCE}/*.parquet'"
    rows = home.ledger_rows(f"select period, count(distinct _key) from {files} where not _is_repeat group by all")
    assert sorted(rows, key=str) == [(300, 12), (3600, 1), (None, 60)]
    assert [reason.split(";")[0] for (reason,) in home.ledger_rows("select distinct reason from quarantine")] == [
        "a period that is none of 60, 300 and 3600 seconds, or doesn't begin at a multiple of itself"
    ]


def test_an_answer_in_another_folder_is_named(home: TestHome) -> None:
    home.put("mailgun/events", "a.json", [answer_of(stream(1, 1), random.Random(1))])
    home.land()
    assert home.ledger_rows("select reason from quarantine") == [
        (f"an answer of GetMetricData; put it into inbox/{SOURCE}",)
    ]


@pytest.fixture
def cloudwatch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "test")
    with mock_aws():
        yield boto3.client("cloudwatch", region_name="eu-west-1")


def test_what_is_fetched_lands_as_it_was_put(home: TestHome, cloudwatch: Any) -> None:
    """More metrics than a call takes; those of other namespaces are not asked for."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    chance = random.Random(1)
    expected = set()
    for queue in range(130):
        for minute in range(2):
            values = [float(chance.randint(1, 99)) for _ in range(3)]
            at = now - timedelta(minutes=10 + minute)
            for namespace, name in (("AWS/Connect", "QueueSize"), ("AWS/EC2", "DiskReadOps")):
                datum = {
                    "MetricName": name,
                    "Dimensions": [{"Name": "QueueName", "Value": f"q{queue}"}],
                    "Timestamp": at,
                    "Values": values,
                }
                cloudwatch.put_metric_data(Namespace=namespace, MetricData=[datum])
            expected.add((f"q{queue}", at.replace(tzinfo=None), 3.0, sum(values), min(values), max(values)))
    found = [*answers(cloudwatch, "1", metrics_of(cloudwatch, ["AWS/Connect"]), now - timedelta(hours=1), now)]
    assert [len(json.loads(answer.text)["queries"]) for answer in found] == [500, 20]
    home.put(SOURCE, "fetched/a.json", b"\n".join(answer.text for answer in found))
    totals = landed(home).totals
    assert (totals.accepted, totals.quarantined, totals.ignored) == (260, 0, 0)
    value = "(\"value\"::json ->> '$.{}')::double"
    columns = ", ".join(value.format(name) for name in ("count", "sum", "min", "max"))
    files = f"'{home.settings.lake}/{SOURCE}/*.parquet'"
    rows = home.ledger_rows(f"select dimensions::json ->> '$.QueueName', \"timestamp\", {columns} from {files}")
    assert set(rows) == expected


def test_a_call_has_at_most_the_datapoints_that_it_may(cloudwatch: Any) -> None:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    for queue in range(40):
        datum = {"MetricName": "M", "Dimensions": [{"Name": "Q", "Value": f"q{queue}"}], "Timestamp": now, "Value": 1.0}
        cloudwatch.put_metric_data(Namespace="VoiceID", MetricData=[datum])
    found = [
        *answers(
            cloudwatch, "1", metrics_of(cloudwatch, ["VoiceID"]), now - timedelta(days=1), now + timedelta(minutes=1)
        )
    ]
    assert [len(json.loads(answer.text)["queries"]) for answer in found] == [68, 68, 24]


def fetched(home: TestHome, *regions: str) -> list[Fetch]:
    settings = load_settings(home=home.settings.home, fetch=["cloudwatch_metrics"], aws_regions=[*regions])
    return fetch(sources()["cloudwatch_metrics"], settings, home.ledger, lambda text: None)


def test_nights_fetch_each_minute_once(home: TestHome, cloudwatch: Any) -> None:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    minutes = [now - timedelta(days=days, hours=1) for days in (14, 3, 0)]
    for at in minutes:
        datum = {"MetricName": "CallsPerInterval", "Timestamp": at, "Value": 3.0}
        cloudwatch.put_metric_data(Namespace="AWS/Connect", MetricData=[datum])
    (first,) = fetched(home, "eu-west-1")
    assert (first.failure, first.calls > 15) == ("", True)
    assert home.land()[SOURCE].totals.accepted == 3
    cloudwatch.put_metric_data(
        Namespace="AWS/Connect",
        MetricData=[{"MetricName": "CallsPerInterval", "Timestamp": now - timedelta(minutes=31), "Value": 1.0}],
    )
    (second,) = fetched(home, "eu-west-1")
    assert (second.failure, second.windows <= 1) == ("", True), "what was read is not due again"


def test_each_time_is_asked_for_by_the_shortest_period_that_is_kept(
    home: TestHome, cloudwatch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[datetime, datetime, timedelta]] = []
    fails = [timedelta(hours=1)]

    def recorded(client: Any, account: str, metrics: Any, *window: Any) -> Iterator[Answer]:
        if window[2] in fails:
            raise PageRefused("AWS's answer is not complete")
        asked.append(window)
        return iter(())

    def dated(client: Any, operation: str, answer: Any) -> Any:
        if operation == "GetCallerIdentity":
            answer["ResponseMetadata"]["HTTPHeaders"]["date"] = format_datetime(now, usegmt=True)
        return answer

    def night() -> dict[int, list[tuple[datetime, datetime]]]:
        """What a night asks for, by minutes of the period: spans without a hole, in the order of the periods."""
        asked.clear()
        (done,) = fetched(home, "eu-west-1")
        assert bool(done.failure) == bool(fails)
        spans: dict[int, list[tuple[datetime, datetime]]] = {}
        for start, end, period in asked:
            assert (start - EPOCH) % period == (end - EPOCH) % period == timedelta(0)
            found = spans.setdefault(period // MINUTE, [])
            if found and start - found[-1][1] < period:
                start = found.pop()[0]
            found.append((start, end))
        return spans

    def missing() -> list[str]:
        with home.ledger() as ledger:
            settings = load_settings(home=home.settings.home, aws_regions=["eu-west-1"])
            return [str(hole) for _, hole in holes_of(sources()["cloudwatch_metrics"], settings, ledger)]

    monkeypatch.setattr("touchstone.fetching.cloudwatch.answers", recorded)
    answering(monkeypatch, dated)
    now = datetime(2026, 3, 1, 2, 7, 30, tzinfo=UTC)
    read = night()
    assert [*read] == [1, 5], "the finest is gone first"
    assert read[1] == [(datetime(2026, 2, 14, 2, 8, tzinfo=UTC), datetime(2026, 3, 1, 1, 37, tzinfo=UTC))]
    assert read[5] == [(datetime(2025, 12, 28, 2, 5, tzinfo=UTC), datetime(2026, 2, 14, 2, 10, tzinfo=UTC))]
    assert missing() == [], "what is older than the first is no hole"

    fails.clear()
    assert night() == {60: [(datetime(2024, 12, 1, 2, tzinfo=UTC), datetime(2025, 12, 28, 3, tzinfo=UTC))]}
    assert missing() == []
    assert night() == {}, "what was read of the past is not read again"

    fails.append(MINUTE)
    now += 20 * DAY
    assert night() == {}
    gap = "2026-03-01 01:37 to 2026-03-21 01:37 is missing, and can be had until 2026-05-03 01:37"
    assert missing() == [gap], "by 5 minutes, as its minutes are gone"
    fails.clear()
    read = night()
    assert [*read] == [1, 5]
    assert read[1] == [(datetime(2026, 3, 6, 2, 8, tzinfo=UTC), datetime(2026, 3, 21, 1, 37, tzinfo=UTC))]
    assert read[5] == [(datetime(2026, 3, 1, 1, 35, tzinfo=UTC), datetime(2026, 3, 6, 2, 10, tzinfo=UTC))]
    assert missing() == []


def test_the_command_fetches_from_a_server(home: TestHome, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the addresses and credentials that boto3 finds in the environment; the second time nothing new."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    ages = {None: timedelta(hours=1), 300: 20 * DAY, 3600: 100 * DAY}
    with aws_server(monkeypatch):
        client = boto3.client("cloudwatch", region_name="eu-west-1")
        for number, age in enumerate([*ages.values(), 500 * DAY], 1):
            datum = {"MetricName": "CallsPerInterval", "Timestamp": now - age, "Value": float(number)}
            client.put_metric_data(Namespace="AWS/Connect", MetricData=[datum])
        asked = {"TOUCHSTONE_FETCH": '["cloudwatch_metrics"]', "TOUCHSTONE_AWS_REGIONS": '["eu-west-1"]'}
        for _ in range(2):
            code, output = run(home.settings.home, "fetch", **asked)
            assert code == 0, output
            files = [*(home.settings.inbox / SOURCE).rglob("*.gz")]
            assert len(files) == 3
    with home.ledger() as ledger:
        windows = ledger.fetched.windows("cloudwatch_metrics", "eu-west-1")
    assert len(windows) <= 16 + 9 + 18
    assert sorted({window.calls for window in windows}) == [1, 5], "the list of metrics is asked for once"
    assert landed(home).totals.accepted == 3
    rows = home.ledger_rows(
        "select period, _at, (\"value\"::json ->> '$.sum')::double "
        f"from '{home.settings.lake}/{SOURCE}/*.parquet' order by _at desc"
    )
    assert rows == [
        (period, EPOCH.replace(tzinfo=None) + (now - age - EPOCH) // start * start, float(number))
        for number, (period, age) in enumerate(ages.items(), 1)
        for start in [timedelta(seconds=period or 60)]
    ]


def answering(monkeypatch: pytest.MonkeyPatch, changed: Callable[[Any, str, Any], Any]) -> None:
    """Have each answer of AWS changed, by client and operation."""
    call = BaseClient._make_api_call  # type: ignore[attr-defined]
    monkeypatch.setattr(
        BaseClient,
        "_make_api_call",
        lambda client, operation, asked: changed(client, operation, call(client, operation, asked)),
    )


def test_a_region_that_is_refused_leaves_the_others_alone(
    home: TestHome, cloudwatch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(client: Any, operation: str, answer: Any) -> Any:
        if client.meta.region_name == "us-east-1" and operation == "ListMetrics":
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "arn:aws:iam::1:user/hunter2"}}, operation)
        return answer

    answering(monkeypatch, refused)
    other, whole = fetched(home, "us-east-1", "eu-west-1")
    assert whole.failure == ""
    assert "AWS refuses a call in us-east-1 (AccessDenied)" in other.failure
    assert "hunter2" not in other.failure


def test_an_answer_that_is_not_complete_is_no_file(
    home: TestHome, cloudwatch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def partial_data(client: Any, operation: str, answer: Any) -> Any:
        for result in answer.get("MetricDataResults", ()):
            result["StatusCode"] = "PartialData"
        return answer

    at = datetime.now(UTC) - timedelta(hours=1)
    datum = {"MetricName": "CallsPerInterval", "Timestamp": at, "Value": 3.0}
    cloudwatch.put_metric_data(Namespace="AWS/Connect", MetricData=[datum])
    answering(monkeypatch, partial_data)
    (done,) = fetched(home, "eu-west-1")
    assert "is not complete" in done.failure
    assert not [*(home.settings.inbox / SOURCE).rglob("*.gz")]
    with home.ledger() as ledger:
        assert ("cloudwatch_metrics", "eu-west-1") in ledger.fetched.failures()


def test_what_is_no_region_is_named(home: TestHome) -> None:
    with pytest.raises(SettingsMistake, match="is not a region such as eu-west-1"):
        load_settings(home=home.settings.home, aws_regions=["Frankfurt"])
