"""A home that only fetches: the marts of all systems are those of the same records put in by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import boto3
import duckdb
import fsspec
import pytest

from touchstone.landing.streams import read_streams
from touchstone.sample.__main__ import main as write_sample

from .alexa_api import CLIENT, CLIENT_SECRET, REFRESH_TOKEN, SKILLS, amazon
from .alexa_api import fetching as fetching_alexa
from .alexa_api import some as some_facts
from .commands import run
from .conftest import Record, TestHome
from .mailgun_api import KEY, mailgun
from .mailgun_api import some as some_events
from .servers import s3_server
from .test_fetching_alexa import by_hand

NOW = datetime(2026, 3, 20, 2, tzinfo=UTC)
DAYS = 6
# The streams that no API has lie in a bucket, as Firehose and the skill's own log write them.
DELIVERED = [
    source
    for source in read_streams()
    if source.split("/")[0] != "mailgun" and source not in ("alexa/smapi_metrics", "cloudwatch/metric_stream")
]
MINUTES = [
    ("AWS/Connect", "ConcurrentCalls", {"InstanceId": "i", "MetricGroup": "VoiceCalls"}),
    ("AWS/Connect", "ConcurrentCallsPercentage", {"InstanceId": "i", "MetricGroup": "VoiceCalls"}),
    ("AWS/Connect", "QueueSize", {"InstanceId": "i", "MetricGroup": "Queue", "QueueName": "Orders"}),
    ("AWS/Connect", "ContactFlowErrors", {"InstanceId": "i", "MetricGroup": "ContactFlow", "ContactFlowName": "F"}),
    ("VoiceID", "RequestLatency", {"API": "EvaluateSession"}),
    ("VoiceID", "ActiveSessions", {"Domain": "d"}),
    ("AWS/AppIntegrations", "EventsReceived", {"AccountId": "1", "ClientId": "crm", "IntegrationType": "Event"}),
    ("AWS/SES", "Send", {}),
]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """AWS, with a bucket, whose time is the test's."""
    monkeypatch.setattr(
        BaseHTTPRequestHandler, "date_time_string", lambda self, timestamp=None: format_datetime(NOW, usegmt=True)
    )
    with s3_server(monkeypatch):
        yield


def measure() -> list[Record]:
    """Have CloudWatch count some minutes; the records of a metric stream with them."""
    client, records = boto3.client("cloudwatch", region_name="us-east-1"), []
    for series, (namespace, name, dimensions) in enumerate(MINUTES):
        for number in range(3):
            at = NOW - timedelta(hours=5 * number + 2, minutes=7 * series)
            values = [float(series + each) for each in range(1, number + 2)]
            listed = [{"Name": name, "Value": value} for name, value in dimensions.items()]
            datum = {"MetricName": name, "Dimensions": listed, "Timestamp": at, "Values": values}
            client.put_metric_data(Namespace=namespace, MetricData=[datum])
            counted = {"count": len(values), "sum": sum(values), "min": min(values), "max": max(values)}
            records.append(
                {
                    "account_id": "123456789012",
                    "region": "us-east-1",
                    "namespace": namespace,
                    "metric_name": name,
                    "dimensions": dimensions,
                    "timestamp": round(at.timestamp() * 1000),
                    "value": counted,
                }
            )
    return records


def night(home: Path, **settings: str) -> dict[str, list[tuple[Any, ...]]]:
    """Run the first night of a home; the rows of every mart with metrics."""
    code, output = run(home, "run", COLUMNS="200", **settings)
    assert code == 0, output
    assert ("These were fetched" if settings else "This was a sample") in output
    with duckdb.connect(str(home / "sample" / "published" / "touchstone.duckdb"), read_only=True) as connection:
        names = connection.execute(
            "select distinct table_name from information_schema.columns where table_schema = 'main' "
            "and column_name in ('period_start', 'cohort_week') and not starts_with(table_name, 'reconciliation')"
        ).fetchall()
        return {name: connection.execute(f"from {name} order by all").fetchall() for (name,) in names}


def test_what_all_sources_fetch_counts_as_what_is_put_in_by_hand(home: TestHome, server: None, tmp_path: Path) -> None:
    extracts = tmp_path / "by-hand" / "sample" / "inbox"
    systems = "ses,pinpoint,connect,alexa"
    write_sample(
        [str(extracts), f"--days={DAYS}", "--events=300", "--end=2026-03-19", "--clean", f"--systems={systems}"]
    )
    bucket = fsspec.filesystem("s3")
    for source in DELIVERED:
        bucket.put(f"{extracts / source}/", f"bucket/{source}/", recursive=True)
    with mailgun() as mails, amazon() as skills:
        mails.now = skills.now = NOW
        mails.events = some_events(300, NOW - timedelta(days=DAYS), timedelta(days=DAYS, hours=-1))
        mails.metrics = lambda record, at: {f"{record['event']}_count": 1}
        skills.facts = some_facts(200, NOW - timedelta(days=DAYS), timedelta(days=DAYS))
        records = {
            "mailgun/events": [event.record for event in mails.events],
            "alexa/smapi_metrics": [*by_hand(skills, fetching_alexa(skills, alexa_retention_days=DAYS))],
            "cloudwatch/metric_stream": measure(),
        }
        fetched = night(
            tmp_path / "fetched",
            TOUCHSTONE_FETCH='["mailgun_logs", "mailgun_metrics", "alexa_metrics", "cloudwatch_metrics"]',
            TOUCHSTONE_LOCATIONS=json.dumps({source: f"s3://bucket/{source}" for source in DELIVERED}),
            TOUCHSTONE_AWS_REGIONS='["us-east-1"]',
            TOUCHSTONE_MAILGUN_KEY=KEY,
            TOUCHSTONE_MAILGUN_SUBACCOUNTS="true",
            TOUCHSTONE_MAILGUN_ADDRESSES=json.dumps({"us": mails.address}),
            TOUCHSTONE_ALEXA_CLIENT_ID=CLIENT,
            TOUCHSTONE_ALEXA_CLIENT_SECRET=CLIENT_SECRET,
            TOUCHSTONE_ALEXA_REFRESH_TOKEN=REFRESH_TOKEN,
            TOUCHSTONE_ALEXA_SKILLS=json.dumps(SKILLS),
            TOUCHSTONE_ALEXA_RETENTION_DAYS=str(DAYS),
            TOUCHSTONE_ALEXA_ADDRESSES=json.dumps({"login": skills.address, "metrics": skills.address}),
        )
    for source, found in records.items():
        (extracts / source).mkdir(parents=True, exist_ok=True)
        for sampled in (extracts / source).rglob("*.gz"):
            sampled.unlink()
        home.write(extracts / source / "by-hand.json.gz", found)
    expected = night(tmp_path / "by-hand")
    assert fetched.keys() == expected.keys()
    assert [name for name, rows in fetched.items() if rows != expected[name]] == []
    # percentiles are in a metric stream alone, and so few days are not judged
    assert {name for name, rows in fetched.items() if not rows} <= {"cloudwatch_statistics", "email_watch_daily"}
