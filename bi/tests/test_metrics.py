"""Superset's metrics of several rows are the numbers of the marts, or nothing."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
import yaml

from bi.bundle import aggregate, bundle, marts
from bi.home import PROJECT
from bi.tests.conftest import Pipeline

MARTS = {mart.name: mart for mart in marts()}
COARSER = [
    (finer, finer.replace(grain, to))
    for grain, to in (("_hourly", "_daily"), ("_daily", "_monthly"))
    for finer in MARTS
    if finer.endswith(grain) and MARTS[finer].metrics
]
# Text that changes from period to period.
ATTRIBUTES = {"quiet_time", "next_activity_id", "next_activity_name"}
ALONE = yaml.safe_load((PROJECT / "bi" / "dashboards.yml").read_text())["alone"]


@pytest.mark.parametrize(("finer", "coarser"), COARSER)
def test_a_metric_of_a_longer_period_is_that_of_the_coarser_mart(pipeline: Pipeline, finer: str, coarser: str) -> None:
    mart = MARTS[finer]
    period = f"cast(date_trunc('{'day' if finer.endswith('_hourly') else 'month'}', period_start) as date)"
    keys = [*(mart.columns.keys() - ATTRIBUTES - {"period_start"}), "period_start"]
    metrics = [name for name in mart.metrics if name not in ALONE]
    with duckdb.connect(str(pipeline.database.resolve()), read_only=True) as connection:
        compared_rows = 0
        for name in metrics:
            differing, equal = connection.execute(
                f"""
                with made as (
                    select
                        * replace ({period} as period_start)
                    from {finer}
                ),

                compared as (
                    select
                        cast({aggregate(mart, name, False)[0]} as double) as made,
                        any_value(cast(given as double)) as given
                    from made
                    inner join (select {", ".join(keys)}, {name} as given from {coarser}) using ({", ".join(keys)})
                    group by {", ".join(keys)}
                    having made is not null
                )

                select
                    count(*) filter (given is null or abs(made - given) > 1e-9 * greatest(abs(given), 1)),
                    count(*) filter (abs(made - given) <= 1e-9 * greatest(abs(given), 1))
                from compared
                """
            ).fetchall()[0]
            assert differing == 0, name
            compared_rows += equal
        assert compared_rows > 0


def test_rows_that_count_the_same_records_are_not_added_up(pipeline: Pipeline) -> None:
    files = bundle(pipeline.database, pipeline.home, "1GB")

    def value(mart: str, metric: str, where: str) -> Any:
        dataset = yaml.safe_load(files[f"datasets/touchstone/{mart}.yaml"])
        (sql,) = (each["expression"] for each in dataset["metrics"] if each["metric_name"] == metric)
        return connection.execute(f"select {sql} from {mart} where {where}").fetchall()[0][0]

    with duckdb.connect(str(pipeline.database.resolve()), read_only=True) as connection:
        sessions = "select sum(total_sessions) from alexa_skill_metrics_daily where locale = 'all'"
        (of_all,) = connection.execute(sessions).fetchall()[0]
        assert of_all > 0
        assert value("alexa_skill_metrics_daily", "total_sessions", "locale = 'all'") == of_all
        assert value("alexa_skill_metrics_daily", "total_sessions", "locale <> 'all'") == of_all
        assert value("alexa_skill_metrics_daily", "total_sessions", "true") is None
        # a user of two days is one user
        assert value("alexa_skill_metrics_daily", "customers", "locale = 'all'") is None
        assert value("mailgun_metrics_by_dimension_daily", "delivered_count", "dimension = 'tag'") is None
        assert value("mailgun_metrics_by_dimension_daily", "delivered_count", "dimension_value = 'Gmail'") > 0
        assert value("cloudwatch_metrics_daily", "total", "metric_name = 'CallsPerInterval'") > 0
        assert value("cloudwatch_metrics_daily", "total", "namespace = 'AWS/Connect'") is None


def test_the_import_is_the_same_every_time(pipeline: Pipeline) -> None:
    assert bundle(pipeline.database, pipeline.home, "1GB") == bundle(pipeline.database, pipeline.home, "1GB")


def test_every_mart_with_metrics_is_a_dataset() -> None:
    models = PROJECT / "models" / "marts"
    without = {path.stem for path in models.rglob("*.sql")} - MARTS.keys()
    assert not [name for name in without if name.endswith(("_hourly", "_daily", "_monthly")) and "_metrics" in name]
