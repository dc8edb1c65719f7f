"""After Touchstone: a table of the shop's own, made of a mart that Touchstone publishes."""

import os

import duckdb
from dagster import AutomationCondition, MaterializeResult, asset


@asset(deps=[["touchstone", "published"]], automation_condition=AutomationCondition.eager())
def campaigns() -> MaterializeResult[None]:
    """Opens per delivered message of each tag and month, from the marts' counts."""
    data = os.environ["SHOP_DATA"]
    with duckdb.connect(f"{data}/shop.duckdb") as connection:
        connection.execute(f"attach '{data}/touchstone/published/touchstone.duckdb' as touchstone (read_only)")
        connection.execute("""
            create or replace table campaigns as
            select period_start as month, dimension_value as tag, delivered_count, opened_rate
            from touchstone.mailgun_metrics_by_dimension_monthly
            where dimension = 'tag'
        """)
        rows = connection.execute("from campaigns").fetchall()
    return MaterializeResult(metadata={"dagster/row_count": len(rows)})
