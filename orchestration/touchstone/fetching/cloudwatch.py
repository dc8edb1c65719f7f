"""CloudWatch's GetMetricData: the minutes of all metrics in the namespaces that are counted.

Facts: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

from touchstone.fetching.source import DAY, Answer, FetchFailed, PageRefused, Reader, Refused, Scope, Source
from touchstone.landing.streams import read_streams
from touchstone.settings import Settings

_STREAM = "cloudwatch/metric_stream"
# The most that GetMetricData takes and gives in one call.
_QUERIES, _POINTS = 500, 100_800
_MINUTE = timedelta(minutes=1)
# Those of a metric stream, by which hours, days and months are counted.
_STATISTICS = ("SampleCount", "Sum", "Minimum", "Maximum")


def metrics_of(client: Any, namespaces: Sequence[str]) -> list[Any]:
    """The metrics of namespaces that had a datapoint in the last two weeks. `client`: boto3's of CloudWatch."""
    listed = client.get_paginator("list_metrics")
    return [metric for name in namespaces for page in listed.paginate(Namespace=name) for metric in page["Metrics"]]


def answers(client: Any, account_id: str, metrics: Sequence[Any], start: datetime, end: datetime) -> Iterator[Answer]:
    """The datapoints from `start`, included, to `end`, whole minutes at most 17 days apart.

    `client`: boto3's of CloudWatch, in the region that is asked. Each call that has any is a document of those that
    `landing.metric_data` reads: all statistics of a metric are in one. CloudWatch keeps minutes for 15 days. Raises
    PageRefused where an answer is not complete, and what boto3 raises.
    """
    # of a metric all statistics are in one call
    most = min(_QUERIES, _POINTS // max((end - start) // _MINUTE, 1)) // len(_STATISTICS)
    for first in range(0, len(metrics), most):
        queries = [
            {
                "Id": f"m{number}_{place}",
                "MetricStat": {"Metric": metric, "Period": _MINUTE // timedelta(seconds=1), "Stat": statistic},
            }
            for number, metric in enumerate(metrics[first : first + most])
            for place, statistic in enumerate(_STATISTICS)
        ]
        asked = {"MetricDataQueries": queries, "StartTime": start, "EndTime": end, "MaxDatapoints": _POINTS}
        pages = [*client.get_paginator("get_metric_data").paginate(**asked)]
        results = [result for page in pages for result in page["MetricDataResults"]]
        # of a query's pages the last one says whether it is complete
        status = {result["Id"]: result["StatusCode"] for result in results}
        if any(status.get(query["Id"]) != "Complete" for query in queries):
            raise PageRefused(f"CloudWatch's answer for {client.meta.region_name} is not complete")
        if any(result["Values"] for result in results):
            answer = {
                "fetched_at": datetime.now(UTC),
                "account_id": account_id,
                "region": client.meta.region_name,
                "queries": queries,
                "responses": [
                    {name: part for name, part in page.items() if name != "ResponseMetadata"} for page in pages
                ],
            }
            text = json.dumps(answer, default=datetime.isoformat)
            yield Answer(text.encode(), json.loads(text)["responses"])


class _Region(Reader):
    """CloudWatch of one region, by the credentials that boto3 finds."""

    def __init__(self, region: str) -> None:
        try:
            import boto3
            from botocore.config import Config
        except ImportError:
            raise FetchFailed("needs the package boto3: pip install boto3, or Touchstone with its extra aws") from None
        patient = Config(region_name=region, retries={"mode": "standard", "max_attempts": 6})
        self._client = boto3.client("cloudwatch", config=patient)
        self._account = boto3.client("sts", config=patient)
        self._account_id = ""
        self._metrics: list[Any] | None = None
        self._region = region
        for client in (self._client, self._account):
            client.meta.events.register("before-send", self._count)

    def _count(self, **_: Any) -> None:
        self.calls += 1

    def now(self) -> datetime:
        answer = self._asked(self._account.get_caller_identity)
        self._account_id = answer["Account"]
        stated = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        return parsedate_to_datetime(stated).astimezone(UTC) if stated else datetime.now(UTC)

    def answers(self, start: datetime, end: datetime) -> Iterator[Answer]:
        if self._metrics is None:  # the same for all windows of a night
            namespaces = read_streams()[_STREAM].counted_kinds
            self._metrics = self._asked(partial(metrics_of, self._client, namespaces))
        found = answers(self._client, self._account_id, self._metrics, start, end)
        while (answer := self._asked(partial(next, found, None))) is not None:
            yield answer

    def _asked(self, call: Any) -> Any:
        """What a call gives. Messages name the kind of an error alone, as its text may have addresses and names."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return call()
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "an error")
            raise Refused(f"AWS refuses a call in {self._region} ({code}); docs/fetching.md has its rights") from None
        except BotoCoreError as error:
            raise FetchFailed(
                f"AWS can't be asked in {self._region} ({type(error).__name__}); see boto3's credentials and network"
            ) from None


def _regions(settings: Settings) -> list[Scope]:
    # A call costs by its metrics, and not by how long a time it asks for.
    return [
        Scope(region, partial(_Region, region), 15 * DAY, spans=(DAY,), step=_MINUTE)
        for region in settings.cloudwatch_regions
    ]


SOURCES = (
    Source(
        "cloudwatch_metrics",
        _STREAM,
        "CloudWatch",
        "CloudWatch's GetMetricData: all minutes, where no metric stream delivers them.",
        (("cloudwatch_regions",),),
        _regions,
    ),
)
