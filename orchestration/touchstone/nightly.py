"""A nightly run in this process: what is new lands, and where that calls for a build, it is built and published."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from importlib import import_module
from logging import Logger, LogRecord
from threading import Thread

from dagster import (
    AssetKey,
    AssetsDefinition,
    DagsterEvent,
    DagsterInstance,
    DagsterRunStatus,
    Definitions,
    ExecuteInProcessResult,
    InitLoggerContext,
    LoggerDefinition,
    RunsFilter,
    colored_console_logger,
)

from touchstone.alerts import reasons_of
from touchstone.assets.fetching import fetching_assets, keys_by_stream, keys_of_names
from touchstone.assets.landing import landing_assets
from touchstone.console import log_progress
from touchstone.damage import CannotWrite, Damaged, LakeUnreachable
from touchstone.housekeeping import tidy
from touchstone.landing.ledger import Ledger
from touchstone.manifest import project
from touchstone.plan import fingerprint, plan
from touchstone.resources import Home
from touchstone.schedules import COMMAND_LINE, nightly
from touchstone.settings import Settings
from touchstone.spark.night import check
from touchstone.targets import catch_up, targets_of


class Outcome(Enum):
    """How a run ended, by its exit status. What is held back is a system, or a copy of the release elsewhere."""

    PUBLISHED = 0
    FAILED = 1
    HELD_BACK = 2


def run(settings: Settings) -> tuple[Outcome, dict[str, str]]:
    """Land, and build and publish if there is anything to build: a Dagster run of the nightly job for each.

    Returns how it ended, and what failed, by system or step, with the reason. The caller holds the home. A night with
    nothing new neither loads dbt nor plans its models, which takes longer than all else that it does; another one loads
    it while files land.

    Raises SparkFailed, and lands nothing, where the target Spark lacks what the settings name.
    """
    if settings.target == "spark":
        check(settings)
    with DagsterInstance.get() as instance:
        _end_killed(instance)
        ended = _night(settings, instance)
        tidy(settings, instance)
    return ended


def _night(settings: Settings, instance: DagsterInstance) -> tuple[Outcome, dict[str, str]]:
    loading = Thread(target=import_module, args=("dbt.cli.main",), daemon=True)

    def progress(text: str) -> None:
        log_progress(text)
        if loading.ident is None:
            loading.start()

    manifest = project(settings)
    fetching = fetching_assets(settings)
    landing = [each for of_stream in fetching.values() for each in of_stream]
    landing += landing_assets(manifest, progress=progress, after=keys_by_stream(fetching))
    landed = _execute(instance, landing, (key for each in landing for key in each.keys))
    if not landed.success:
        return Outcome.FAILED, _reasons(landed)
    with Ledger.open(settings) as ledger:
        ledger.refresh()
        planned = plan(ledger, settings, manifest, fingerprint(settings), only_what_is_new=True)
    if planned is None:
        log_progress("nothing new to build")
        failed = catch_up(targets_of(settings), settings)
        for title, reason in failed.items():
            log_progress(f"not published to {title}: {reason}")
        return Outcome.HELD_BACK if failed else Outcome.PUBLISHED, failed
    from touchstone.assets.marts import mart_assets  # needs dbt
    from touchstone.warehouse import planned_keys

    models, *publishing = mart_assets(manifest, landing, targets_of(settings), names=keys_of_names(fetching))
    selected = planned_keys(models, manifest, planned).union(*(each.keys for each in publishing))
    built = _execute(instance, [*landing, models, *publishing], selected)
    if built.success:
        return Outcome.PUBLISHED, {}
    with Ledger.open(settings) as ledger:
        last = ledger.builds.last()
    is_published = last is not None and last.run_id == built.run_id and last.published
    return Outcome.HELD_BACK if is_published else Outcome.FAILED, _reasons(built)


def _end_killed(instance: DagsterInstance) -> None:
    """Mark runs of the command line that never ended. They were killed, as this process holds the home, and Dagster
    would let its own nights wait for them.
    """
    statuses = [DagsterRunStatus.NOT_STARTED, DagsterRunStatus.STARTING, DagsterRunStatus.STARTED]
    for run in instance.get_runs(RunsFilter(tags={COMMAND_LINE: "true"}, statuses=statuses)):
        instance.report_run_failed(run, "Its process was ended; a later night has completed it.")


def _console(context: InitLoggerContext) -> Logger:
    """Dagster's errors on the console, but for the places in our code of failures that state their reason."""
    log = colored_console_logger.logger_fn(context)
    log.addFilter(_shortened)
    return log


def _shortened(record: LogRecord) -> bool:
    """Leave the reason of a deliberate failure alone; returns whether anything is to be printed: neither what the run
    repeats of its step, nor what the command line states itself.
    """
    event: DagsterEvent | None = getattr(record, "dagster_meta", {}).get("dagster_event")
    if event and event.is_run_failure and event.job_failure_data.first_step_failure_event:
        return False
    failure = event.step_failure_data.user_failure_data if event and event.is_step_failure else None
    if failure and failure.metadata:
        record.msg = f"{event.step_key if event else ''}: {failure.description}"
        return not failure.metadata.keys() & {each.__name__ for each in (CannotWrite, Damaged, LakeUnreachable)}
    return True


def _reasons(run: ExecuteInProcessResult) -> dict[str, str]:
    return reasons_of(run.filter_events(lambda event: event.is_step_failure) or [run.get_run_failure_event()])


def _execute(
    instance: DagsterInstance, assets: Sequence[AssetsDefinition], selected: Iterable[AssetKey]
) -> ExecuteInProcessResult:
    """Run the nightly job on some of its assets, and their checks, in the home that this process holds."""
    job = nightly(key for each in assets for key in each.keys)
    definitions = Definitions(
        assets=assets,
        jobs=[job],
        resources={"home": Home(is_held=True)},
        loggers={"console": LoggerDefinition(_console, colored_console_logger.config_schema)},
    )
    return definitions.resolve_job_def("nightly").execute_in_process(
        instance=instance,
        asset_selection=[*selected],
        raise_on_error=False,
        tags={COMMAND_LINE: "true"},
        run_config={"loggers": {"console": {"config": {"log_level": "ERROR"}}}},
    )
