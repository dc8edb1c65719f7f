"""dbt's command line, `python -m touchstone.dbt`, which starts a tenth faster and logs each model that it has built.

Objects that dbt loads stay until the process ends: Python's garbage collector need not check them as often as it does.
It writes run_results.json with `--no-write-json` too, which spares the manifest that dbt would write twice.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from touchstone.console import log_progress
from touchstone.home import environment
from touchstone.settings import PROJECT, Settings

# dbt's exit statuses after a run to the end, without and with failures; any other means that it stopped before.
_SUCCEEDED, _FAILED, _STOPPED = 0, 1, 2


def run_dbt(settings: Settings, *arguments: str, may_fail: bool = False, **variables: str) -> None:
    """Run dbt's command line in a process of its own, with environment `variables` for its macros: a change of dbt's
    own vars makes it parse the project again.

    Raises CalledProcessError, but not for failed models or tests if these `may_fail`.
    """
    dbt_vars = json.dumps({"reporting_timezone": settings.reporting_timezone})
    command = [sys.executable, "-m", "touchstone.dbt", *arguments, "--vars", dbt_vars]
    result = subprocess.run(command, cwd=PROJECT, env={**os.environ, **environment(settings), **variables})
    if result.returncode not in ((_SUCCEEDED, _FAILED) if may_fail else (_SUCCEEDED,)):
        result.check_returncode()


def _log_built(event: Any) -> None:
    if event.info.name == "NodeFinished" and event.data.node_info.resource_type in ("model", "seed"):
        log_progress(f"built {event.data.node_info.node_name}")


def main(arguments: list[str]) -> int:
    gc.set_threshold(100_000)
    from dbt.artifacts.schemas.run import RunExecutionResult
    from dbt.cli.main import dbtRunner

    result = dbtRunner(callbacks=[_log_built]).invoke(arguments)
    if isinstance(result.result, RunExecutionResult):
        result.result.write(str(Path(os.environ["DBT_TARGET_PATH"], "run_results.json")))
    if result.exception:
        return _STOPPED
    return _SUCCEEDED if result.success else _FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
