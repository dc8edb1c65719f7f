"""The nightly job, and when it runs."""

from __future__ import annotations

from dagster import AssetSelection, DefaultScheduleStatus, ScheduleDefinition, define_asset_job, in_process_executor

from touchstone.settings import Settings

# A night without new records builds and publishes nothing; a materialisation by hand always does.
ONLY_WHAT_IS_NEW = "touchstone/only_what_is_new"

# In one process: a step of its own costs more than most models, and the home is held once for the whole run.
nightly = define_asset_job(
    "nightly",
    selection=AssetSelection.all(),
    description="Land what is new in the inbox, build the marts, publish them.",
    executor_def=in_process_executor,
    tags={ONLY_WHAT_IS_NEW: "true"},
)


def every_night(settings: Settings) -> ScheduleDefinition:
    """At `schedule_hour` in `schedule_timezone`; switched on in the UI."""
    return ScheduleDefinition(
        name="every_night",
        job=nightly,
        cron_schedule=f"0 {settings.schedule_hour} * * *",
        execution_timezone=settings.schedule_timezone,
        default_status=DefaultScheduleStatus.STOPPED,
    )
