"""The assets: one per source for landing, one per dbt model, one for the release, one for its report."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from dagster import (
    AssetCheckKey,
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    ConfigurableResource,
    DagsterInstance,
    Failure,
    InitResourceContext,
    IntMetadataValue,
    MaterializeResult,
    MetadataValue,
    RetryRequested,
    asset,
)
from dagster_dbt import dbt_assets

from touchstone.console import log_progress, printable
from touchstone.event_log import last_evaluation
from touchstone.home import exclusive
from touchstone.landing.freshness import Freshness, freshness
from touchstone.landing.land import Landed, land, location, record_unread
from touchstone.landing.ledger import Ledger
from touchstone.landing.quarantine import Group, open_groups
from touchstone.landing.streams import Stream, read_streams
from touchstone.publish import NotPublished, marts_of, publish, shared_marts
from touchstone.report import Check, write_report
from touchstone.schedules import ONLY_WHAT_IS_NEW
from touchstone.settings import Settings
from touchstone.systems import SHARED, Manifest, owner_of, systems_of
from touchstone.warehouse import (
    absent_systems,
    build,
    compiled,
    fingerprint,
    is_whole,
    off_systems,
    plan,
    remove_obsolete_files,
    translator,
)

# How often a run tries again to reach an object store.
_RETRIES = 3


class Home(ConfigurableResource):  # type: ignore[type-arg]
    """The home, locked for as long as the run that uses it lasts."""

    @contextmanager
    def yield_for_execution(self, context: InitResourceContext) -> Iterator["Home"]:
        with exclusive(Settings()):
            yield self

    @property
    def settings(self) -> Settings:
        return Settings()

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        settings = self.settings
        with Ledger.open(settings.lake, settings.scratch, settings.memory_limit) as ledger:
            yield ledger


def all_assets(manifest: Manifest) -> list[AssetsDefinition]:
    owners = {group["name"]: group["owner"].get("email") for group in manifest["groups"].values()}
    # The owners of a stream are those of the models that read it.
    systems = owner_of(manifest)
    streams = [stream for stream in read_streams().values() if stream.source in systems]
    landing = [_inbox(), *(_landing(stream, owners.get(systems[stream.source])) for stream in streams)]
    built = _models(manifest)
    keys = [key for each in (*landing, built) for key in each.check_keys]
    return [*landing, built, _published(manifest, built), _report(manifest, keys)]


_INBOX = AssetKey("inbox")


def _inbox() -> AssetsDefinition:
    @asset(
        key=_INBOX,
        group_name="landing",
        description="Files and settings that belong to no stream, each with the nearest name of one.",
        kinds={"file"},
        check_specs=[
            AssetCheckSpec("no_unread_files", asset=_INBOX, description="Every file and folder belongs to a stream.")
        ],
        pool="warehouse",
    )
    def inbox(context: AssetExecutionContext, home: Home) -> MaterializeResult:  # type: ignore[type-arg]
        with home.ledger() as ledger:
            unread = record_unread(home.settings, ledger, [*read_streams()])
        for entry in unread:
            context.log.warning(f"{entry.path}: {entry.reason}")
        return MaterializeResult(
            check_results=[
                AssetCheckResult(
                    check_name="no_unread_files",
                    passed=not unread,
                    severity=AssetCheckSeverity.WARN,
                    metadata={"unread": MetadataValue.json({entry.path: entry.reason for entry in unread})},
                )
            ]
        )

    return inbox


def _landing(stream: Stream, owner: str | None) -> AssetsDefinition:
    key = AssetKey([stream.system, stream.name])

    @asset(
        key=key,
        group_name=stream.system,
        description=f"Records of `{stream.source}` in the lake, each fact once. Dagster's view of dbt's source.",
        kinds={"json", "parquet"},
        owners=[owner] if owner else None,
        check_specs=[
            # None of these blocks: a failure holds back its own system, and the others are built and published.
            AssetCheckSpec("landing_succeeded", asset=key, description="The last landing ran to the end."),
            AssetCheckSpec(
                "ledger_adds_up",
                asset=key,
                description="In every file: records = accepted + duplicates + quarantined + ignored.",
            ),
            AssetCheckSpec(
                "no_quarantined_records", asset=key, description="No record is quarantined and no file is refused."
            ),
            AssetCheckSpec(
                "source_freshness",
                asset=key,
                description="New records landed within three of the source's usual intervals.",
            ),
            AssetCheckSpec(
                "no_missing_hours",
                asset=key,
                description="In the last week, every hour that has records on nearly every day has some.",
            ),
        ],
        pool="warehouse",
    )
    def landed(context: AssetExecutionContext, home: Home) -> MaterializeResult:  # type: ignore[type-arg]
        settings = home.settings
        with home.ledger() as ledger:
            result, failure = _landed(context, stream, settings, ledger)
            wrong = ledger.files_that_do_not_add_up(stream.source)
            if wrong and not failure:
                failure = f"the counts of {len(wrong)} files of {stream.source} don't add up"
            ledger.set_landing_failure(stream.source, failure)
            quarantined = open_groups(ledger.connection, stream.source)
            fresh = freshness(ledger.connection, settings, datetime.now(UTC), stream.source)
        for name, records in result.unknown_fields.items():
            context.log.warning(f"{stream.source}: field {printable(name)} is not declared; {records} records have it")
        return MaterializeResult(
            metadata=_counts(result) | _times(fresh),
            check_results=[
                AssetCheckResult(
                    check_name="landing_succeeded", passed=not failure, metadata={"error": failure} if failure else {}
                ),
                AssetCheckResult(
                    check_name="ledger_adds_up", passed=not wrong, metadata={"files": MetadataValue.json(wrong)}
                ),
                AssetCheckResult(
                    check_name="no_quarantined_records",
                    passed=not quarantined,
                    severity=AssetCheckSeverity.WARN,
                    metadata=_quarantined(quarantined),
                ),
                AssetCheckResult(
                    check_name="source_freshness",
                    passed=not any(source.is_late for source in fresh),
                    severity=AssetCheckSeverity.WARN,
                    metadata=_times(fresh),
                ),
                AssetCheckResult(
                    check_name="no_missing_hours",
                    passed=not any(source.lacks_recent_hours for source in fresh),
                    severity=AssetCheckSeverity.WARN,
                    metadata=_gaps(fresh),
                ),
            ],
        )

    return landed


def _landed(
    context: AssetExecutionContext, stream: Stream, settings: Settings, ledger: Ledger
) -> tuple[Landed, str | None]:
    """What a landing did, and why it failed, if it did, which holds back its system alone."""
    try:
        return land(stream, settings, ledger, log_progress), None
    except Exception as error:
        is_remote = "://" in str(location(stream, settings))
        if isinstance(error, OSError) and is_remote and context.retry_number < _RETRIES:
            raise RetryRequested(max_retries=_RETRIES, seconds_to_wait=20) from error
        context.log.exception(f"{stream.source} could not be landed")
        return Landed(stream.source), f"the landing of {stream.source} failed: {type(error).__name__}"


# How many reasons a check shows; the ledger has all.
_SHOWN_REASONS = 20


def _quarantined(groups: list[Group]) -> dict[str, Any]:
    """The open quarantine of a source, as metadata: counts, and each reason with its first file and line."""
    return {
        "quarantined": sum(group.records for group in groups if not group.is_file),
        "refused": sum(group.records for group in groups if group.is_file),
        "reasons": MetadataValue.json(
            [
                {
                    "reason": printable(group.reason),
                    "count": group.records,
                    "first": printable(group.path),
                    "line": group.line,
                }
                for group in groups[:_SHOWN_REASONS]
            ]
        ),
    }


def _counts(result: Landed) -> dict[str, Any]:
    """The ledger's counts of a landing, as metadata of its asset."""
    totals = result.totals
    return {
        "new_files": totals.files,
        "known_files": result.known_files,
        "changed_files": MetadataValue.json(
            {path: {"before": asdict(before), "now": asdict(now)} for path, before, now in result.changed_files}
        ),
        "records": totals.records,
        "accepted": totals.accepted,
        "duplicates": totals.duplicates,
        "quarantined": totals.quarantined,
        "ignored": totals.ignored,
        "ignored_kinds": MetadataValue.json(result.ignored_kinds),
        "undeclared_fields": MetadataValue.json(result.unknown_fields),
    }


def _times(fresh: list[Freshness]) -> dict[str, Any]:
    """When a source last delivered, as metadata; empty for a source that never has."""
    return {
        name: value
        for source in fresh
        for name, value in (
            ("newest_record_at", _instant(source.newest_record_at)),
            ("newest_landing_at", _instant(source.newest_landing_at)),
            ("usual_interval_hours", source.usual_interval_hours),
            ("late_after", _instant(source.late_after)),
        )
        if value is not None
    }


def _gaps(fresh: list[Freshness]) -> dict[str, Any]:
    """The hours whose records are missing, as metadata."""
    return {
        name: value
        for source in fresh
        for name, value in (
            ("hours_without_records", source.hours_without_records),
            ("last_hour_without_records", _instant(source.last_hour_without_records)),
        )
        if value is not None
    }


def _instant(at: datetime | None) -> MetadataValue[Any] | None:
    return MetadataValue.timestamp(at.replace(tzinfo=UTC)) if at else None


def _models(manifest: Manifest) -> AssetsDefinition:
    @dbt_assets(manifest=manifest, dagster_dbt_translator=translator, pool="warehouse", name="models")
    def models(context: AssetExecutionContext, home: Home) -> Iterator[Any]:
        settings = home.settings
        definitions = fingerprint(settings)
        with home.ledger() as ledger:
            planned = plan(ledger, settings, manifest, definitions, bool(context.run.tags.get(ONLY_WHAT_IS_NEW)))
            if planned is None:
                log_progress("nothing new to build")
                return
            number = ledger.builds.start(context.run.run_id, definitions) if context.selected_asset_keys else 0
            owner = owner_of(manifest)
            failed = ledger.failed_landings().items()
            held_back = {owner[source]: reason for source, reason in failed if source in owner}
        held_back |= yield from build(context, models, settings, manifest, planned, number)
        if not is_whole(context, models):
            return  # For the ledger such a build is not finished: the next one of all models will be.
        systems = {*systems_of(manifest)} - planned.absent
        if SHARED in held_back or (systems and held_back.keys() >= systems):
            raise Failure(f"Nothing can be published. {_listed(held_back)}", allow_retries=False)
        with home.ledger() as ledger:
            ledger.builds.finish(held_back, off_systems(manifest))
        for name in remove_obsolete_files(settings):
            log_progress(f"removed {name} of an earlier version from the warehouse")
            context.log.info(f"Removed {name} of an earlier version from the warehouse")

    return models


def _listed(held_back: Mapping[str, str]) -> str:
    return "; ".join(f"{system}: {reason}" for system, reason in held_back.items())


def _held_back(ledger: Ledger, manifest: Manifest) -> dict[str, str]:
    """The systems that are on and whose marts the last build did not replace."""
    last = ledger.builds.last()
    found = ledger.builds.held_back(last.number) if last else {}
    return {system: reason for system, reason in found.items() if system in systems_of(manifest)}


def _published(manifest: Manifest, models: AssetsDefinition) -> AssetsDefinition:
    names = {mart.name for mart in marts_of(manifest)}
    key = AssetKey("published")

    @asset(
        key=key,
        group_name="publish",
        description="What BI tools read: every mart in one DuckDB file and as Parquet, replaced as a whole.",
        kinds={"duckdb", "parquet"},
        deps=[key for key in models.keys if key.path[-1] in names],
        check_specs=[
            AssetCheckSpec(
                "no_system_held_back",
                asset=key,
                description="All marts are of the last build. A system held back keeps those of the last good release.",
            )
        ],
        pool="warehouse",
    )
    def published(context: AssetExecutionContext, home: Home) -> MaterializeResult:  # type: ignore[type-arg]
        settings = home.settings
        with home.ledger() as ledger:
            last = ledger.builds.last()
            held_back = _held_back(ledger, manifest)
            absent = absent_systems(ledger, manifest)
        if not last or not last.succeeded:
            raise NotPublished("the last build failed, or built only some models: build all models, then publish")
        log_progress("publishing")
        shared = compiled(settings, manifest, shared_marts(manifest)) if held_back else {}
        release = publish(settings, manifest, context.run.run_id, last, held_back, shared, absent)
        with home.ledger() as ledger:
            ledger.builds.mark_published()
        return MaterializeResult(
            metadata={
                "file": MetadataValue.path(str(settings.published / "touchstone.duckdb")),
                "release": release.path.name,
                "parquet_files_written": release.parquet_files_written,
                "dagster/row_count": sum(release.rows.values()),
                "rows": MetadataValue.json(release.rows),
            },
            check_results=[
                AssetCheckResult(check_name="no_system_held_back", passed=not held_back, metadata=dict(held_back))
            ],
        )

    return published


_REPORT = AssetKey("report")


def _report(manifest: Manifest, keys: Sequence[AssetCheckKey]) -> AssetsDefinition:
    """A separate asset after the release: readers of numbers don't wait for a page, and have the release if the page
    fails. A check warns then, and the release has no page, as an older page beside new numbers would be wrong.
    """

    @asset(
        key=_REPORT,
        group_name="publish",
        description="One HTML file: headlines over time, the ledger, checks that warn and the catalog.",
        kinds={"html"},
        deps=["published"],
        output_required=False,
        check_specs=[AssetCheckSpec("is_written", asset=_REPORT, description="The release has its report.")],
        pool="warehouse",
    )
    def report(context: AssetExecutionContext, home: Home) -> Iterator[Any]:
        settings = home.settings
        log_progress("writing the report")
        failure = ""
        try:
            with home.ledger() as ledger:
                checks = outcomes(context.instance, keys)
                path = write_report(settings.published.resolve(), settings, ledger, checks)
        except Exception as error:
            context.log.exception("the report could not be written")
            failure = f"{type(error).__name__}: {error}"
        else:
            yield MaterializeResult(
                metadata={
                    "file": MetadataValue.path(str(settings.published / path.name)),
                    "bytes": path.stat().st_size,
                }
            )
        yield AssetCheckResult(
            check_name="is_written",
            passed=not failure,
            severity=AssetCheckSeverity.WARN,
            metadata={"error": failure} if failure else {},
        )
        with home.ledger() as ledger:
            held_back = _held_back(ledger, manifest)
        if held_back:
            # The last step of a run: all else is published, and the run fails so that an alert calls a person.
            raise Failure(f"Published, but without {_listed(held_back)}", allow_retries=False)

    return report


def outcomes(instance: DagsterInstance, keys: Iterable[AssetCheckKey]) -> list[Check]:
    """The last outcome of each check, even if it is nights old."""
    found = []
    for key in sorted(keys):
        outcome = last_evaluation(instance, key)
        if outcome is None:
            continue
        counted = {
            name: number.value or 0 for name, number in outcome.metadata.items() if isinstance(number, IntMetadataValue)
        }
        path = "/".join(key.asset_key.path)
        found.append(Check(path, key.name, outcome.passed, outcome.severity.value, counted))
    return found
