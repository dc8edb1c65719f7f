"""CloudWatch's GetMetricData: all metrics in the namespaces that are counted, by as short periods as it still has.

Facts: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

from touchstone.fetching.aws import Region
from touchstone.fetching.source import DAY, Answer, PageRefused, Reader, Scope, Source
from touchstone.landing.streams import read_streams
from touchstone.settings import Settings

_STREAM = "cloudwatch/metric_stream"
# The most that GetMetricData takes and gives in one call.
_QUERIES, _POINTS = 500, 100_800
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)
# How long CloudWatch keeps each period.
_MINUTES, _FIVE_MINUTES, _HOURS = 15 * DAY, 63 * DAY, 455 * DAY
_PERIODS = {_MINUTES: _MINUTE, _FIVE_MINUTES: 5 * _MINUTE, _HOURS: 60 * _MINUTE}
# Those of a metric stream, by which hours, days and months are counted.
_STATISTICS = ("SampleCount", "Sum", "Minimum", "Maximum")


def metrics_of(client: Any, namespaces: Sequence[str]) -> list[Any]:
    """The metrics of namespaces that had a datapoint in the last two weeks. `client`: boto3's of CloudWatch."""
    listed = client.get_paginator("list_metrics")
    return [metric for name in namespaces for page in listed.paginate(Namespace=name) for metric in page["Metrics"]]


def answers(
    client: Any, account_id: str, metrics: Sequence[Any], start: datetime, end: datetime, period: timedelta = _MINUTE
) -> Iterator[Answer]:
    """The datapoints of whole periods from `start`, included, to `end`, at most 25,200 periods.

    `client`: boto3's of CloudWatch, in the region that is asked. Each call that has any is a document of those that
    `landing.metric_data` reads: all statistics of a metric are in one. Raises PageRefused where an answer is not
    complete, and what boto3 raises.
    """
    # of a metric all statistics are in one call
    most = min(_QUERIES, _POINTS // max((end - start) // period, 1)) // len(_STATISTICS)
    for first in range(0, len(metrics), most):
        queries = [
            {
                "Id": f"m{number}_{place}",
                "MetricStat": {"Metric": metric, "Period": period // timedelta(seconds=1), "Stat": statistic},
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


class _Region(Region, Reader):
    """CloudWatch of one region."""

    def __init__(self, region: str) -> None:
        super().__init__(region)
        self._client = self.client("cloudwatch")
        self._account = self.client("sts")
        self._account_id = ""
        self._metrics: list[Any] | None = None
        self._now = datetime.now(UTC)

    def now(self) -> datetime:
        answer = self.asked(self._account.get_caller_identity)
        self._account_id = answer["Account"]
        if stated := answer["ResponseMetadata"]["HTTPHeaders"].get("date"):
            self._now = parsedate_to_datetime(stated).astimezone(UTC)
        return self._now

    def answers(self, start: datetime, end: datetime) -> Iterator[Answer]:
        if self._metrics is None:  # the same for all windows of a night
            namespaces = read_streams()[_STREAM].counted_kinds
            self._metrics = self.asked(partial(metrics_of, self._client, namespaces))
        period = next(period for kept, period in _PERIODS.items() if start >= self._now - kept)
        # a longer period that is read in part has what the minutes beside it have, too, which counts once
        start, end = start - (start - _EPOCH) % period, end + (_EPOCH - end) % period
        found = answers(self._client, self._account_id, self._metrics, start, end, period)
        while (answer := self.asked(partial(next, found, None))) is not None:
            yield answer


def _regions(settings: Settings) -> list[Scope]:
    # A call costs by its metrics, and not by how long a time it asks for.
    return [
        Scope(
            region,
            partial(_Region, region),
            _HOURS,
            spans=(DAY,),
            step=_MINUTE,
            coarser=((_MINUTES, 6 * DAY), (_FIVE_MINUTES, 24 * DAY)),
        )
        for region in settings.aws_regions
    ]


SOURCES = (
    Source(
        "cloudwatch_metrics",
        _STREAM,
        "CloudWatch",
        "CloudWatch's GetMetricData: minutes, before them 5 minutes and hours, where no metric stream delivers them.",
        (("aws_regions",),),
        _regions,
    ),
)
