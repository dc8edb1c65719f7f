"""CloudWatch's GetMetricData: the minutes of all metrics of some namespaces, where no metric stream delivered them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

# The most that GetMetricData takes and gives in one call.
_QUERIES, _POINTS = 500, 100_800
_MINUTE = timedelta(minutes=1)
# Those of a metric stream, by which hours, days and months are counted.
STATISTICS = ("SampleCount", "Sum", "Minimum", "Maximum")


def answers(
    client: Any,
    account_id: str,
    namespaces: Sequence[str],
    start: datetime,
    end: datetime,
    statistics: Sequence[str] = STATISTICS,
) -> Iterator[bytes]:
    """The datapoints from `start`, included, to `end`, both whole minutes: a JSON document for each call with any.

    `client`: boto3's of CloudWatch, in the region that is asked. The documents are those that `landing.metric_data`
    reads: all statistics of a metric are in one. CloudWatch keeps minutes for 15 days, and lists the metrics of 14.
    Raises ValueError for a time so long that one metric's datapoints are too many for a call, and what boto3 raises.
    """
    # of a metric all statistics are in one call
    most = min(_QUERIES, _POINTS // max((end - start) // _MINUTE, 1)) // len(statistics)
    if most < 1:
        raise ValueError(f"from {start} to {end} a metric has too many datapoints for a call; ask for less at once")
    listed = client.get_paginator("list_metrics")
    metrics = [metric for name in namespaces for page in listed.paginate(Namespace=name) for metric in page["Metrics"]]
    for first in range(0, len(metrics), most):
        queries = [
            {
                "Id": f"m{number}_{place}",
                "MetricStat": {"Metric": metric, "Period": _MINUTE // timedelta(seconds=1), "Stat": statistic},
            }
            for number, metric in enumerate(metrics[first : first + most])
            for place, statistic in enumerate(statistics)
        ]
        asked = {"MetricDataQueries": queries, "StartTime": start, "EndTime": end, "MaxDatapoints": _POINTS}
        pages = [*client.get_paginator("get_metric_data").paginate(**asked)]
        if any(result["Values"] for page in pages for result in page["MetricDataResults"]):
            answer = {
                "fetched_at": datetime.now(UTC),
                "account_id": account_id,
                "region": client.meta.region_name,
                "queries": queries,
                "responses": [
                    {name: part for name, part in page.items() if name != "ResponseMetadata"} for page in pages
                ],
            }
            yield json.dumps(answer, default=datetime.isoformat).encode()
