"""What starts nights: the job, its schedule, and a sensor for new files; and the sensor that alerts of failed ones."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

from dagster import (
    AssetKey,
    AssetSelection,
    DefaultScheduleStatus,
    DefaultSensorStatus,
    RunFailureSensorContext,
    RunRequest,
    ScheduleDefinition,
    SensorDefinition,
    SensorEvaluationContext,
    SkipReason,
    define_asset_job,
    in_process_executor,
    run_failure_sensor,
    sensor,
)

from touchstone.alerts import alert, is_published_by, reasons_of, what_happened
from touchstone.assets.naming import OWN, Naming
from touchstone.landing.inbox import FETCHED, Found, Refused
from touchstone.landing.land import recent_files
from touchstone.landing.streams import Stream
from touchstone.settings import Settings, SettingsMistake

# A tag: without new records the nightly job builds and publishes nothing; a run started by hand always does.
ONLY_WHAT_IS_NEW = "touchstone/only_what_is_new"
# A tag of the command line's runs: it sends the alert of a night itself.
COMMAND_LINE = "touchstone/command_line"


def nightly(keys: Iterable[AssetKey], naming: Naming = OWN) -> Any:
    """The job of our assets. In one process: starting one costs more than most models take, and the run locks the home
    once.
    """
    return define_asset_job(
        naming.name("nightly"),
        selection=AssetSelection.assets(*keys),
        description="Land what is new in the inbox, build the marts, publish them.",
        executor_def=in_process_executor,
        tags={ONLY_WHAT_IS_NEW: "true"},
    )


def every_night(settings: Settings, job: Any, naming: Naming = OWN) -> ScheduleDefinition:
    """Runs at `schedule_hour` in `schedule_timezone`; people switch it on in the UI."""
    return ScheduleDefinition(
        name=naming.name("every_night"),
        job=job,
        cron_schedule=f"0 {settings.schedule_hour} * * *",
        execution_timezone=settings.schedule_timezone,
        default_status=DefaultScheduleStatus.STOPPED,
    )


def new_files(settings: Settings, job: Any, streams: Sequence[Stream], naming: Naming = OWN) -> SensorDefinition:
    """Requests the job when files have come or changed, and none has since it last looked; people switch it on."""

    @sensor(
        name=naming.name("new_files"),
        job=job,
        minimum_interval_seconds=300,
        default_status=DefaultSensorStatus.STOPPED,
        description="Lands files soon after they have come, instead of in the night.",
    )
    def evaluate(context: SensorEvaluationContext) -> RunRequest | SkipReason:
        digest = _digest(settings, streams)
        seen, requested = json.loads(context.cursor or '["", ""]')
        is_steady = digest == seen
        context.update_cursor(json.dumps([digest, digest if is_steady else requested]))
        if digest == requested:
            return SkipReason("No file has come or changed.")
        if not is_steady:
            return SkipReason("Files are coming: looking again before they land.")
        return RunRequest(run_key=digest)

    return evaluate


def failed_nights(settings: Settings, job: Any, naming: Naming = OWN) -> SensorDefinition:
    """Sends an alert of each failed run of the job that Dagster started."""

    @run_failure_sensor(
        name=naming.name("failed_nights"),
        monitored_jobs=[job],
        default_status=DefaultSensorStatus.RUNNING,
        description="Sends an alert of a night that fails or holds a system back.",
    )
    def evaluate(context: RunFailureSensorContext) -> None:
        run = context.dagster_run
        if COMMAND_LINE in run.tags:
            return
        reasons = reasons_of(context.get_step_failure_events() or [context.failure_event])
        happened = what_happened(is_published_by(settings, run.run_id), reasons)
        then = f"correct the cause, which Dagster's run {run.run_id} states, and launch the job {run.job_name} again."
        for line in alert(settings, happened, reasons, then):
            context.log.warning(line)

    return evaluate


def _digest(settings: Settings, streams: Iterable[Stream]) -> str:
    """What identifies the files that there are, of an object store those of the last days."""
    digest = hashlib.blake2b(digest_size=16)
    for stream in streams:
        try:
            files = recent_files(stream, settings)
        except SettingsMistake as mistake:  # a night says it, and lands the others
            files = [Refused(".", str(mistake))]
        for file in files:
            if file.path.startswith(f"{FETCHED}/"):
                continue  # the night that fetches a file lands it, and would call for another one
            stamp = file.stamp if isinstance(file, Found) else file.reason
            digest.update(f"{stream.source}\0{file.path}\0{stamp}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()
