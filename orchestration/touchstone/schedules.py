"""The nightly job and its schedule."""

from __future__ import annotations

from dagster import AssetSelection, DefaultScheduleStatus, ScheduleDefinition, define_asset_job, in_process_executor

from touchstone.settings import Settings

# A tag: without new records the nightly job builds and publishes nothing; a run started by hand always does.
ONLY_WHAT_IS_NEW = "touchstone/only_what_is_new"

# In one process: starting a process costs more than most models take, and the run locks the home once.
nightly = define_asset_job(
    "nightly",
    selection=AssetSelection.all(),
    description="Land what is new in the inbox, build the marts, publish them.",
    executor_def=in_process_executor,
    tags={ONLY_WHAT_IS_NEW: "true"},
)


def every_night(settings: Settings) -> ScheduleDefinition:
    """Runs at `schedule_hour` in `schedule_timezone`; people switch it on in the UI."""
    return ScheduleDefinition(
        name="every_night",
        job=nightly,
        cron_schedule=f"0 {settings.schedule_hour} * * *",
        execution_timezone=settings.schedule_timezone,
        default_status=DefaultScheduleStatus.STOPPED,
    )
