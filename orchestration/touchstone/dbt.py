"""dbt in this process, as dagster-dbt loads most of it anyway, and its command line, `python -m touchstone.dbt`.

dbt writes run_results.json with `--no-write-json` too here, which spares the manifest that it would write twice.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from touchstone.console import log_progress
from touchstone.home import environment
from touchstone.settings import PROJECT, Settings

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult


class DbtFailed(Exception):
    """dbt stopped before its end, or a model or test failed that must not; dbt has logged why."""


def run_dbt(settings: Settings, *arguments: str, may_fail: bool = False, manifest: Any = None, **variables: str) -> Any:
    """Run a command of dbt's, with environment `variables` for its macros: a change of dbt's own vars makes it parse
    the project again.

    Returns dbt's result. Raises DbtFailed, but not for failed models or tests if these `may_fail`.
    """
    with _surroundings({**environment(settings), **variables}):
        result = invoke(*arguments, "--vars", json.dumps(settings.dbt_vars), manifest=manifest)
    if result.exception or not (result.success or may_fail):
        log = settings.home / "dbt" / "logs" / "dbt.log"
        raise DbtFailed(f"dbt failed: {result.exception or 'see above'}. Its log is {log}") from result.exception
    return result.result


def invoke(*arguments: str, manifest: Any = None) -> dbtRunnerResult:
    """Run a command of dbt's, with a manifest that it need not parse, and close the warehouse: dbt would keep it open
    for the next command, and locked for other connections.
    """
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.artifacts.schemas.run import RunExecutionResult
    from dbt.cli.main import dbtRunner

    try:
        result = dbtRunner(manifest=manifest, callbacks=[_log_built]).invoke([*arguments])
    finally:
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    if isinstance(result.result, RunExecutionResult):
        result.result.write(str(Path(os.environ["DBT_TARGET_PATH"], "run_results.json")))
    return result


@contextmanager
def _surroundings(variables: Mapping[str, str]) -> Iterator[None]:
    """The environment and the folder that dbt reads, without a user's own variables of dbt's, and a garbage collector
    that runs rarely: what dbt loads stays.
    """
    thresholds, outside = gc.get_threshold(), dict(os.environ)
    gc.set_threshold(100_000)
    for name in [name for name in outside if name.startswith("DBT_")]:
        del os.environ[name]
    os.environ.update(variables)
    try:
        with chdir(PROJECT):
            yield
    finally:
        os.environ.clear()
        os.environ.update(outside)
        gc.set_threshold(*thresholds)


def _log_built(event: Any) -> None:
    if event.info.name == "NodeFinished" and event.data.node_info.resource_type in ("model", "seed"):
        log_progress(f"built {event.data.node_info.node_name}")


if __name__ == "__main__":
    sys.exit(0 if invoke(*sys.argv[1:]).success else 1)
