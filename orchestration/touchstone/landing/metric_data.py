"""Answers of CloudWatch's GetMetricData as records of a metric stream.

An answer names neither metric nor statistic, and has one statistic a query. It is written with its queries beside it,
and all pages of a call: {"fetched_at", "account_id", "region", "queries": [...], "responses": [...]}.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

SOURCE = "cloudwatch/metric_stream"
PARTS = frozenset({"queries", "responses"})

_STATISTICS = {"Maximum": "max", "Minimum": "min", "Sum": "sum", "SampleCount": "count"}
_MINUTE = 60
# Seconds of those that CloudWatch keeps: each has the shorter ones in it whole.
_PERIODS = (_MINUTE, 300, 3600)
_OTHER_PERIOD = "an answer of GetMetricData for a period that is none of 60, 300 and 3600 seconds; ask for one of these"
_INCOMPLETE = "an answer of GetMetricData that is not complete; fetch the same time again"
_UNKNOWN = "an answer of GetMetricData that is not as Amazon documents it, with its queries; fetch it again"

# A record, or what is none with the reason.
Found = tuple[Any, str | None]


def records(answer: Mapping[str, Any]) -> list[Found]:
    """The datapoints of an answer: one for each time of a metric, of all statistics that were asked for."""
    try:
        return [*_records(answer)]
    except (AttributeError, KeyError, TypeError, ValueError):
        return [(answer, _UNKNOWN)]


def _records(answer: Mapping[str, Any]) -> Iterator[Found]:
    queries = {query["Id"]: query for query in answer["queries"]}
    # of a query's pages the last one says whether it is complete
    status: dict[str, str] = {}
    values: dict[str, dict[Any, dict[str, Any]]] = {}
    for result in (result for page in answer["responses"] for result in page["MetricDataResults"]):
        status[result["Id"]] = result["StatusCode"]
        query = queries[result["Id"]]
        if query["MetricStat"]["Period"] in _PERIODS:
            times = values.setdefault(_series(answer, query), {})
            name = _STATISTICS.get(query["MetricStat"]["Stat"], query["MetricStat"]["Stat"])
            for time, value in zip(result["Timestamps"], result["Values"], strict=True):
                times.setdefault(time, {})[name] = value
    incomplete = set()
    for id_, query in queries.items():
        if query["MetricStat"]["Period"] not in _PERIODS:
            yield query, _OTHER_PERIOD
        elif status.get(id_) != "Complete":
            incomplete.add(_series(answer, query))
            yield query, _INCOMPLETE
    for series, times in values.items():
        shared = json.loads(series)
        for time, found in times.items():
            # what other pages were to complete is not wrong by itself
            if series not in incomplete or found.keys() >= {*_STATISTICS.values()}:
                # Average is Sum by SampleCount
                ordered = {name: found[name] for name in (*_STATISTICS.values(), *found) if name in found}
                ordered.pop("Average", None)
                yield {**shared, "timestamp": time, "value": ordered}, None


def _series(answer: Mapping[str, Any], query: Mapping[str, Any]) -> str:
    """The members that records of a query's metric share, as JSON."""
    asked = query["MetricStat"]
    metric = asked["Metric"]
    shared = {
        "account_id": query.get("AccountId") or answer["account_id"],
        "region": answer["region"],
        "namespace": metric["Namespace"],
        "metric_name": metric["MetricName"],
        "dimensions": {dimension["Name"]: dimension["Value"] for dimension in metric.get("Dimensions") or ()},
    }
    unit = {"unit": asked["Unit"]} if asked.get("Unit") else {}
    # a stream's minutes state none
    period = {"period": asked["Period"]} if asked["Period"] != _MINUTE else {}
    return json.dumps(shared | unit | period)
