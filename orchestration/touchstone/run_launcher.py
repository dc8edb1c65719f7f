"""Dagster's launcher of runs, for a home's daemon, with a word on runs whose process is gone."""

from __future__ import annotations

import time

from dagster import DagsterRun, DefaultRunLauncher
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus

from touchstone.home import is_held
from touchstone.settings import load_settings

# A run logs something at each of its steps, in which it holds the home or waits for it.
_SILENT_SECONDS = 300


class NightLauncher(DefaultRunLauncher):
    """Finds the runs that were killed, or were running when the machine went off: Dagster would take them to be running
    for ever, and no night would leave the queue.
    """

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        last = self._instance.event_log_storage.get_logs_for_run(run.run_id, limit=1, ascending=False)
        is_silent = not last or time.time() - last[0].timestamp > _SILENT_SECONDS
        if is_silent and not is_held(load_settings()):
            return CheckRunHealthResult(WorkerStatus.FAILED, "its process has ended; the next night completes it")
        return CheckRunHealthResult(WorkerStatus.RUNNING)
