"""dbt in the process of a test."""

from typing import Any

from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner, dbtRunnerResult


def invoke(*arguments: str, manifest: Any = None) -> dbtRunnerResult:
    """Run a command of dbt's, and close the warehouse: dbt would keep it open for the next, and locked for others."""
    try:
        return dbtRunner(manifest=manifest).invoke([*arguments])
    finally:
        DuckDBConnectionManager.close_all_connections()
