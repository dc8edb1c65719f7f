"""What dbt's connections need beside the profile, which names this module."""

from __future__ import annotations

import os

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin

from touchstone.lake import connect_lake, lake_at


class Plugin(BasePlugin):
    """Has dbt read a lake in an object store."""

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        if location := os.environ.get("TOUCHSTONE_LAKE"):
            connect_lake(conn, lake_at(location))
            # Nothing changes in the lake during a build: what one model has read of it, others need not ask for again.
            conn.execute("set validate_external_file_cache = 'NO_VALIDATION'")
