"""What Dagster's daemon makes of runs that have not ended."""

from __future__ import annotations

from dagster import DagsterInstance, DagsterRunStatus, job
from dagster._core.launcher import WorkerStatus

from touchstone.home import exclusive
from touchstone.run_launcher import NightLauncher

from .conftest import TestHome


@job
def night() -> None:
    pass


def test_a_run_is_dead_that_says_nothing_while_nobody_holds_the_home(home: TestHome) -> None:
    with DagsterInstance.get() as instance:
        launcher = instance.run_launcher
        assert isinstance(launcher, NightLauncher)
        run = instance.create_run_for_job(night, status=DagsterRunStatus.STARTED)

        def status() -> WorkerStatus:
            return launcher.check_run_worker_health(run).status

        assert status() == WorkerStatus.FAILED
        with exclusive(home.settings):
            assert status() == WorkerStatus.RUNNING, "it may be that which holds the home, or waits for it"
        assert status() == WorkerStatus.FAILED
        instance.report_engine_event("a step begins", run)
        assert status() == WorkerStatus.RUNNING
