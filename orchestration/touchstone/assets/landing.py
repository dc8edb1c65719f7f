"""The assets of landing: one per source, and one for files that belong to none."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from dagster import (
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    Field,
    MaterializeResult,
    MetadataValue,
    RetryRequested,
    asset,
)

from touchstone.assets.findings import HELD_BACK, result_of
from touchstone.assets.naming import OWN, Naming, explained_step
from touchstone.console import counted, log_progress, printable
from touchstone.damage import LakeDamaged, LakeUnreachable, explain, lake_damaged
from touchstone.landing.freshness import Freshness, freshness
from touchstone.landing.land import Landed, Progress, land, location, record_unread
from touchstone.landing.ledger import Ledger
from touchstone.landing.quarantine import Group, open_groups
from touchstone.landing.shared import LedgerUnavailable
from touchstone.landing.streams import Stream, read_streams
from touchstone.settings import Settings, SettingsMistake
from touchstone.systems import Manifest, owner_of

# How often a run tries again to reach an object store.
_RETRIES = 3
# Runs of Dagster share a large backlog by it.
_BELOW = Field(str, default_value="", description="Land only what is below this folder of the stream's location.")


def landing_assets(
    manifest: Manifest,
    naming: Naming = OWN,
    progress: Progress = log_progress,
    after: Mapping[str, Sequence[AssetKey]] | None = None,
) -> list[AssetsDefinition]:
    """One asset per source of the systems that are on, and the inbox. `progress` is told of sources with new files.

    `after`: what is fetched for a stream, before it lands.
    """
    owners = {group["name"]: group["owner"].get("email") for group in manifest["groups"].values()}
    # The owners of a stream are those of the models that read it.
    systems = owner_of(manifest)
    pairs = [(stream, systems[stream.source]) for stream in streams_of(manifest)]
    return [
        _inbox(naming),
        *(
            _landing(stream, system, owners.get(system), naming, progress, (after or {}).get(stream.source, ()))
            for stream, system in pairs
        ),
    ]


def streams_of(manifest: Manifest) -> list[Stream]:
    """The streams of the systems that are on."""
    sources = owner_of(manifest)
    return [stream for stream in read_streams().values() if stream.source in sources]


def _inbox(naming: Naming) -> AssetsDefinition:
    key = naming.key("inbox")

    @asset(
        key=key,
        group_name="landing",
        description="Files and settings that belong to no stream, each with the nearest name of one.",
        kinds={"file"},
        check_specs=[
            AssetCheckSpec("no_unread_files", asset=key, description="Every file and folder belongs to a stream.")
        ],
        pool="warehouse",
        required_resource_keys={naming.name("home")},
    )
    @explained_step(naming)
    def inbox(context: AssetExecutionContext) -> MaterializeResult:  # type: ignore[type-arg]
        home = naming.home(context)
        with home.ledger() as ledger:
            unread = record_unread(home.settings, ledger, [*read_streams()])
        for entry in unread:
            context.log.warning(f"{entry.path}: {entry.reason}")
        return MaterializeResult(
            check_results=[
                result_of(
                    "no_unread_files",
                    f"No stream reads {counted(len(unread), 'place')} in the inbox or the settings" if unread else "",
                    "Rename or move what is misplaced, or remove it: the inbox names the nearest stream of each.",
                    metadata={"unread": MetadataValue.json({entry.path: entry.reason for entry in unread})},
                )
            ]
        )

    return inbox


def _landing(
    stream: Stream, system: str, owner: str | None, naming: Naming, progress: Progress, after: Sequence[AssetKey]
) -> AssetsDefinition:
    key = naming.key(stream.system, stream.name)

    @asset(
        key=key,
        group_name=stream.system,
        description=f"Records of `{stream.source}` in the lake, each fact once. Dagster's view of dbt's source.",
        kinds={"json", "parquet"},
        owners=[owner] if owner else None,
        deps=after,
        config_schema={"below": _BELOW},
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
        required_resource_keys={naming.name("home")},
    )
    @explained_step(naming)
    def landed(context: AssetExecutionContext) -> MaterializeResult:  # type: ignore[type-arg]
        home = naming.home(context)
        settings = home.settings
        with home.ledger() as ledger:
            result, failure = _landed(context, stream, system, settings, ledger, progress)
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
                result_of(
                    "landing_succeeded",
                    (failure or "").replace("the ", "The ", 1),
                    HELD_BACK,
                    AssetCheckSeverity.ERROR,
                    {"error": failure} if failure else {},
                ),
                result_of(
                    "ledger_adds_up",
                    f"The counts of {counted(len(wrong), 'file')} of {stream.source} don't add up" if wrong else "",
                    HELD_BACK,
                    AssetCheckSeverity.ERROR,
                    {"files": MetadataValue.json(wrong)},
                ),
                result_of(
                    "no_quarantined_records",
                    _not_landed(stream.source, quarantined),
                    "Correct the files, or close what nobody will correct by make dismiss.",
                    metadata=_quarantined(quarantined),
                ),
                result_of(
                    "source_freshness",
                    "; ".join(source.lateness for source in fresh if source.is_late),
                    "See whether the loader still runs; a source that has ended goes into the setting ended_sources.",
                    metadata=_times(fresh),
                ),
                result_of(
                    "no_missing_hours",
                    "; ".join(source.gap for source in fresh if source.lacks_recent_hours),
                    "Have the loader fetch these hours again while the vendor still has them.",
                    metadata=_gaps(fresh),
                ),
            ],
        )

    return landed


def _landed(
    context: AssetExecutionContext,
    stream: Stream,
    system: str,
    settings: Settings,
    ledger: Ledger,
    progress: Progress,
) -> tuple[Landed, str | None]:
    """What a landing did, and why it failed, if it did, which holds back its system alone."""
    failed = f"the landing of {stream.source} failed"
    try:
        if damaged := ledger.damaged_files(stream.source).get(stream.source):
            read = ledger.builds.last_good(system)
            if read and max(damaged.values()) > read.landing:
                # Once the file is back, builds would pass over the loads that this one can't read.
                ledger.builds.invalidate()
            raise lake_damaged([*damaged], stream.source)
        below = context.op_execution_context.op_config["below"]
        return land(stream, settings, ledger, progress, below), None
    except (LakeDamaged, LedgerUnavailable, SettingsMistake) as mistake:
        context.log.error(f"{failed}: {mistake}")
        return Landed(stream.source), f"{failed}: {mistake}"
    except Exception as error:
        if "Query interrupted" in str(error):  # DuckDB's words for whatever a handler of a signal raised: the run ends
            raise KeyboardInterrupt from error
        known = explain(error, settings)
        if isinstance(known, LakeUnreachable) and context.retry_number < _RETRIES:
            raise RetryRequested(max_retries=_RETRIES, seconds_to_wait=20) from error
        if known:
            if isinstance(known, LakeDamaged):
                context.log.error(f"{failed}: {known}")
                return Landed(stream.source), f"{failed}: {known}"
            raise known from error
        is_remote = "://" in str(location(stream, settings))
        if isinstance(error, OSError) and is_remote and context.retry_number < _RETRIES:
            raise RetryRequested(max_retries=_RETRIES, seconds_to_wait=20) from error
        context.log.exception(f"{stream.source} could not be landed")
        return Landed(stream.source), f"{failed}: {type(error).__name__}"


# How many reasons a check shows; the ledger has all.
_SHOWN_REASONS = 20


def _not_landed(source: str, groups: list[Group]) -> str:
    """How much of a source is quarantined or refused, in words; empty if nothing is."""
    records, files = (sum(group.records for group in groups if group.is_file is is_file) for is_file in (False, True))
    found = [f"{counted(records, 'record')} of {source} quarantined"] if records else []
    return ", ".join(found + [f"{counted(files, 'file')}{f' of {source}' * (not records)} refused"] * bool(files))


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
        "unlisted_files": result.unlisted_files,
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
