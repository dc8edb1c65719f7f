"""The assets: one per source for landing, one per dbt model, one for the release."""

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

from touchstone.console import printable, say
from touchstone.event_log import last_evaluation
from touchstone.home import exclusive
from touchstone.landing.freshness import Freshness, freshness
from touchstone.landing.land import Landed, land, location, name_strays
from touchstone.landing.ledger import Ledger
from touchstone.landing.quarantine import Group, open_groups
from touchstone.landing.streams import Stream, read_streams
from touchstone.publish import NotPublished, marts_of, publish, shared_marts
from touchstone.report import Check, write_report
from touchstone.schedules import ONLY_WHAT_IS_NEW
from touchstone.settings import Settings
from touchstone.systems import SHARED, Manifest, owner_of, systems_of
from touchstone.warehouse import (
    SWITCHED_OFF,
    absent_systems,
    build,
    compiled,
    fingerprint,
    is_whole,
    off_systems,
    plan,
    translator,
)

# Of an object store that can't be reached.
_RETRIES = 3


class Home(ConfigurableResource):  # type: ignore[type-arg]
    """The home, held by the run that uses it for as long as it lasts."""

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
    # A stream is owned by those who own the models that read it.
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
        description="The inbox and the settings that name streams: what no stream reads, with the nearest right name.",
        kinds={"file"},
        check_specs=[AssetCheckSpec("is_read", asset=_INBOX, description="A stream reads each file and each folder.")],
        pool="warehouse",
    )
    def inbox(context: AssetExecutionContext, home: Home) -> MaterializeResult:  # type: ignore[type-arg]
        with home.ledger() as ledger:
            unread = name_strays(home.settings, ledger, [*read_streams()])
        for entry in unread:
            context.log.warning(f"{entry.path}: {entry.reason}")
        return MaterializeResult(
            check_results=[
                AssetCheckResult(
                    check_name="is_read",
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
            # None of these blocks: what fails holds back its own system, and the others are built and published.
            AssetCheckSpec("is_done", asset=key, description="The landing has come to its end."),
            AssetCheckSpec(
                "ledger_adds_up",
                asset=key,
                description="In every file: records = accepted + duplicates + quarantined + ignored.",
            ),
            AssetCheckSpec(
                "nothing_kept_aside", asset=key, description="No record is in quarantine and no file is refused."
            ),
            AssetCheckSpec(
                "delivers_in_time",
                asset=key,
                description="What used to deliver has delivered within three of its usual intervals.",
            ),
            AssetCheckSpec(
                "no_hour_is_missing",
                asset=key,
                description="In the last week no hour is without records that has them on nearly every day.",
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
            ledger.landing_failed(stream.source, failure)
            quarantined = open_groups(ledger.connection, stream.source)
            fresh = freshness(ledger.connection, settings, datetime.now(UTC), stream.source)
        for name, records in result.unknown_fields.items():
            context.log.warning(f"{stream.source}: field {printable(name)} is not declared; {records} records have it")
        return MaterializeResult(
            metadata=_figures(result) | _times(fresh),
            check_results=[
                AssetCheckResult(
                    check_name="is_done", passed=not failure, metadata={"error": failure} if failure else {}
                ),
                AssetCheckResult(
                    check_name="ledger_adds_up", passed=not wrong, metadata={"files": MetadataValue.json(wrong)}
                ),
                AssetCheckResult(
                    check_name="nothing_kept_aside",
                    passed=not quarantined,
                    severity=AssetCheckSeverity.WARN,
                    metadata=_quarantined(quarantined),
                ),
                AssetCheckResult(
                    check_name="delivers_in_time",
                    passed=not any(source.is_late for source in fresh),
                    severity=AssetCheckSeverity.WARN,
                    metadata=_times(fresh),
                ),
                AssetCheckResult(
                    check_name="no_hour_is_missing",
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
    """What a landing did, and why it failed if it did: the system is held back then, and the others aren't."""
    try:
        return land(stream, settings, ledger, say), None
    except Exception as error:
        is_remote = "://" in str(location(stream, settings))
        if isinstance(error, OSError) and is_remote and context.retry_number < _RETRIES:
            raise RetryRequested(max_retries=_RETRIES, seconds_to_wait=20) from error
        context.log.exception(f"{stream.source} could not be landed")
        return Landed(stream.source), f"the landing of {stream.source} failed: {type(error).__name__}"


# Reasons that a check shows; the ledger has all.
_SHOWN_REASONS = 20


def _quarantined(groups: list[Group]) -> dict[str, Any]:
    """What is open of a source, as metadata: counts, and each reason with its first file and line."""
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


def _figures(result: Landed) -> dict[str, Any]:
    """The ledger's figures of a landing, as metadata of its asset."""
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
    """When a source was last heard of, as metadata; nothing of one that never was."""
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
    """The hours that should have records, as metadata."""
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
                say("nothing new to build")
                return
            number = ledger.builds.begin(context.run.run_id, definitions) if context.selected_asset_keys else 0
            owner = owner_of(manifest)
            failed = ledger.failed_landings().items()
            held_back = {owner[source]: reason for source, reason in failed if source in owner}
        held_back |= yield from build(context, models, settings, manifest, planned, number)
        if not is_whole(context, models):
            return  # The build hasn't come to its end, as far as the ledger goes: the next one of all models does.
        systems = {*systems_of(manifest)} - planned.absent
        if SHARED in held_back or (systems and held_back.keys() >= systems):
            raise Failure(f"Nothing can be published. {_said(held_back)}", allow_retries=False)
        off = dict.fromkeys(off_systems(manifest), SWITCHED_OFF)
        with home.ledger() as ledger:
            ledger.builds.end(held_back | off)

    return models


def _said(held_back: Mapping[str, str]) -> str:
    return "; ".join(f"{system}: {reason}" for system, reason in held_back.items())


def _held_back(ledger: Ledger, manifest: Manifest) -> dict[str, str]:
    """The systems whose marts the last build did not renew, of those that are on."""
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
                "every_system_is_of_this_build",
                asset=key,
                description="No system is held back, which then has its marts of the last good release.",
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
            raise NotPublished("the last build failed, or was of some models only: build all models, then publish")
        say("publishing")
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
                AssetCheckResult(
                    check_name="every_system_is_of_this_build", passed=not held_back, metadata=dict(held_back)
                )
            ],
        )

    return published


_REPORT = AssetKey("report")


def _report(manifest: Manifest, keys: Sequence[AssetCheckKey]) -> AssetsDefinition:
    """An asset of its own after the release, not a part of it: readers of numbers don't wait for a page, and when it
    can't be made they have the release all the same. A check warns then, and the release has no page, as one of an
    older release beside new numbers would be wrong.
    """

    @asset(
        key=_REPORT,
        group_name="publish",
        description="For people: headlines over time, the ledger, checks that warn and the catalog, in one HTML file.",
        kinds={"html"},
        deps=["published"],
        output_required=False,
        check_specs=[AssetCheckSpec("is_written", asset=_REPORT, description="The release has its page.")],
        pool="warehouse",
    )
    def report(context: AssetExecutionContext, home: Home) -> Iterator[Any]:
        settings = home.settings
        say("writing the report")
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
            # The last step of a run: readers have all there is, and the run counts as failed, so that a person looks.
            raise Failure(f"Published, but held back are {_said(held_back)}", allow_retries=False)

    return report


def outcomes(instance: DagsterInstance, keys: Iterable[AssetCheckKey]) -> list[Check]:
    """What each check has found when it was last run, be it nights ago."""
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
