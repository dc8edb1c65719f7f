"""dbt's command line, `python -m touchstone.dbt`, which starts a tenth faster and logs each model that it has built.

Objects that dbt loads stay until the process ends: Python's garbage collector need not check them as often as it does.
"""

import gc
import sys
from typing import Any

from touchstone.console import log_progress


def _log_built(event: Any) -> None:
    if event.info.name == "NodeFinished" and event.data.node_info.resource_type in ("model", "seed"):
        log_progress(f"built {event.data.node_info.node_name}")


if __name__ == "__main__":
    gc.set_threshold(100_000)
    from dbt.cli.main import dbtRunner

    result = dbtRunner(callbacks=[_log_built]).invoke(sys.argv[1:])
    # as dbt's own exit statuses: 1 after a run with failures, 2 where dbt stopped before its end
    sys.exit(2 if result.exception else int(not result.success))
