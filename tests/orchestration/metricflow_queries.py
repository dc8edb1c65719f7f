"""All metrics of a semantic layer by MetricFlow's engine, in a process of its own, as in a user's shell.

`python -m tests.orchestration.metricflow_queries NUMBERS`, in the layer's folder, writes what it finds as JSON: for
each semantic model the names of keys and metrics, and for each grain rows of the period, the keys and the metrics.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from dbt_metricflow.cli.cli_configuration import CLIConfiguration
from metricflow.engine.metricflow_engine import MetricFlowQueryRequest

GRAINS = ("day", "week", "month")


def numbers() -> dict[str, Any]:
    configuration = CLIConfiguration()
    configuration.setup(configure_file_logging=False)
    manifest = configuration.semantic_manifest
    found: dict[str, Any] = {}
    for model in manifest.semantic_models:
        metrics = {
            metric.name: metric.config.meta["column"]
            for metric in manifest.metrics
            if metric.config.meta["mart"] == model.name
        }
        keys = [each.name for each in model.dimensions if each.type.value == "categorical"]
        for grain in GRAINS:
            period = f"metric_time__{grain}"
            request = MetricFlowQueryRequest.create(
                metric_names=list(metrics), group_by_names=[period, *(f"{model.name}__{key}" for key in keys)]
            )
            table = configuration.mf.query(request).result_df
            assert table is not None
            names = [period, *(f"{model.name}__{key}" for key in keys), *metrics]
            order = [list(table.column_names).index(name) for name in names]
            found.setdefault(model.name, {"keys": keys, "metrics": list(metrics.values())})[grain] = [
                [str(row[order[0]])[:10], *(row[index] for index in order[1:])] for row in table.rows
            ]
    return found


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(numbers(), default=float))
