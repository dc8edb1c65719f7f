"""The assets after landing: one per dbt model, one for the release, one for its report."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from dagster import (
    AssetCheckKey,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    DagsterInstance,
    Failure,
    MaterializeResult,
    MetadataValue,
    asset,
)
from dagster_dbt import dbt_assets

from touchstone.alerts import alert_of_rates
from touchstone.assets.findings import HELD_BACK, result_of
from touchstone.assets.naming import OWN, Naming, explained_step
from touchstone.console import log_progress
from touchstone.event_log import last_evaluations
from touchstone.home import open_to_readers
from touchstone.landing.ledger import Ledger
from touchstone.landing.shared import reading_lake
from touchstone.plan import absent_systems, fingerprint, off_systems, plan
from touchstone.publish import NotPublished, marts_of, publish, shared_marts
from touchstone.report import Check, write_report
from touchstone.schedules import COMMAND_LINE, ONLY_WHAT_IS_NEW
from touchstone.spark import NotGenerated
from touchstone.spark.night import SparkFailed
from touchstone.systems import SHARED, Manifest, owner_of, systems_of
from touchstone.targets import Target, TargetFailed, catch_up, publish_to
from touchstone.warehouse import Translator, build, compiled, is_whole


def mart_assets(
    manifest: Manifest,
    landing: Iterable[AssetsDefinition],
    targets: Sequence[Target],
    naming: Naming = OWN,
    names: Sequence[AssetKey] = (),
) -> list[AssetsDefinition]:
    """All assets that follow from what has landed; the report has the checks of landing too, each target its copy.

    `names`: the assets of names, which are published beside the marts.
    """
    built = _models(manifest, targets, naming)
    keys = [key for each in (*landing, built) for key in each.check_keys]
    copies = [_copy(target, naming) for target in targets]
    return [built, _published(manifest, built, naming, names), *copies, _report(manifest, keys, naming)]


def _models(manifest: Manifest, targets: Sequence[Target], naming: Naming) -> AssetsDefinition:
    @dbt_assets(
        manifest=manifest,
        dagster_dbt_translator=Translator(naming),
        pool="warehouse",
        name=naming.name("models"),
        required_resource_keys={naming.name("home")},
    )
    @explained_step(naming)
    def models(context: AssetExecutionContext) -> Iterator[Any]:
        home = naming.home(context)
        settings = home.settings
        definitions = fingerprint(settings)
        with home.ledger() as ledger:
            if COMMAND_LINE not in context.run.tags:  # it has planned already, by what it has taken in
                ledger.refresh()
            planned = plan(ledger, settings, manifest, definitions, bool(context.run.tags.get(ONLY_WHAT_IS_NEW)))
            if planned is None:
                log_progress("nothing new to build")
                # The assets of targets run after a release alone.
                if missed := catch_up(targets, settings):
                    raise Failure(f"Not published. {_listed(missed)}", dict(missed), allow_retries=False)
                return
            number = ledger.builds.start(context.run.run_id, definitions) if context.selected_asset_keys else 0
            owner = owner_of(manifest)
            failed = ledger.failed_landings().items()
            held_back = {owner[source]: reason for source, reason in failed if source in owner}
        try:
            with reading_lake(settings):
                held_back = (yield from build(context, models, settings, manifest, planned, number)) | held_back
        except (NotGenerated, SparkFailed) as error:
            raise Failure(str(error), {"spark": str(error)}, allow_retries=False) from None
        if not is_whole(context, models, manifest, planned):
            return  # For the ledger such a build is not finished: the next one of all models will be.
        systems = {*systems_of(manifest)} - planned.absent
        if SHARED in held_back or (systems and held_back.keys() >= systems):
            raise Failure(f"Nothing can be published. {_listed(held_back)}", dict(held_back), allow_retries=False)
        with home.ledger() as ledger:
            ledger.builds.finish(held_back, off_systems(manifest))

    return models


def _listed(held_back: Mapping[str, str]) -> str:
    return "; ".join(f"{system}: {reason}" for system, reason in held_back.items())


def _held_back(ledger: Ledger, manifest: Manifest) -> dict[str, str]:
    """The systems that are on and whose marts the last build did not replace."""
    last = ledger.builds.last()
    found = ledger.builds.held_back(last.number) if last else {}
    return {system: reason for system, reason in found.items() if system in systems_of(manifest)}


def _published(
    manifest: Manifest, models: AssetsDefinition, naming: Naming, names: Sequence[AssetKey]
) -> AssetsDefinition:
    marts = {mart.name for mart in marts_of(manifest)}
    key = naming.key("published")

    @asset(
        key=key,
        group_name="publish",
        description="What BI tools read: every mart in one DuckDB file and as Parquet, replaced as a whole.",
        kinds={"duckdb", "parquet"},
        deps=[*(key for key in models.keys if key.path[-1] in marts), *names],
        check_specs=[
            AssetCheckSpec(
                "no_system_held_back",
                asset=key,
                description="All marts are of the last build. A system held back keeps those of the last good release.",
            )
        ],
        pool="warehouse",
        required_resource_keys={naming.name("home")},
    )
    @explained_step(naming)
    def published(context: AssetExecutionContext) -> MaterializeResult:  # type: ignore[type-arg]
        home = naming.home(context)
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
                result_of(
                    "no_system_held_back",
                    f"{', '.join(held_back)}: the numbers are those of an earlier release" if held_back else "",
                    HELD_BACK,
                    AssetCheckSeverity.ERROR,
                    held_back,
                )
            ],
        )

    return published


def _copy(target: Target, naming: Naming) -> AssetsDefinition:
    """A separate asset after the release, which stands whatever becomes of its copies. The target is that of the
    settings by which the code location was loaded, as no run's configuration holds its password.
    """

    @asset(
        key=naming.key(target.name),
        group_name="publish",
        description=f"{target.title}: the marts as in the published file. Only what differs is written.",
        kinds={target.kind},
        deps=[naming.key("published")],
        pool="warehouse",
        required_resource_keys={naming.name("home")},
    )
    @explained_step(naming)
    def copy(context: AssetExecutionContext) -> MaterializeResult:  # type: ignore[type-arg]
        settings = naming.home(context).settings
        log_progress(f"publishing to {target.title}")
        try:
            written = publish_to(target, settings)
        except TargetFailed as error:
            raise Failure(
                f"Published, but without {target.title}: {error}", {target.title: str(error)}, allow_retries=False
            ) from None
        return MaterializeResult(
            metadata={
                "address": target.address,
                "release": settings.published.resolve().name,
                "parts_written": written.parts,
                "rows_written": written.rows,
                "bytes_written": written.bytes,
            }
        )

    return copy


def _report(manifest: Manifest, keys: Sequence[AssetCheckKey], naming: Naming) -> AssetsDefinition:
    """A separate asset after the release: readers of numbers don't wait for a page, and have the release if the page
    fails. A check warns then, and the release has no page, as an older page beside new numbers would be wrong.
    """

    key = naming.key("report")

    @asset(
        key=key,
        group_name="publish",
        description="One HTML file: headlines over time, the ledger, checks that warn and the catalog.",
        kinds={"html"},
        deps=[naming.key("published")],
        output_required=False,
        check_specs=[AssetCheckSpec("is_written", asset=key, description="The release has its report.")],
        pool="warehouse",
        required_resource_keys={naming.name("home")},
    )
    @explained_step(naming)
    def report(context: AssetExecutionContext) -> Iterator[Any]:
        home = naming.home(context)
        settings = home.settings
        log_progress("writing the report")
        failure = ""
        try:
            with home.ledger() as ledger:
                checks = outcomes(context.instance, keys)
                path = write_report(settings.published.resolve(), settings, ledger, checks)
            open_to_readers(settings, path.parent)
            for line in alert_of_rates(settings):
                context.log.warning(line)
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
        yield result_of(
            "is_written",
            "The release has no report" if failure else "",
            "The log of the step has the error; the release is whole without it.",
            metadata={"error": failure} if failure else {},
        )
        with home.ledger() as ledger:
            held_back = _held_back(ledger, manifest)
        if held_back:
            # The last step of a run: all else is published, and the run fails so that an alert calls a person.
            raise Failure(f"Published, but without {_listed(held_back)}", dict(held_back), allow_retries=False)

    return report


def outcomes(instance: DagsterInstance, keys: Sequence[AssetCheckKey]) -> list[Check]:
    """The last outcome of each check, even if it is nights old."""
    found = []
    for key, outcome in sorted(last_evaluations(instance, keys).items()):
        path, severity = "/".join(key.asset_key.path), outcome.severity.value
        remedy = outcome.metadata.get("remedy")
        finding = outcome.description or key.name.replace("_", " ")  # earlier versions described none
        said = ("", "") if outcome.passed else (finding, str(remedy.value) if remedy else "")
        found.append(Check(path, key.name, outcome.passed, severity, *said))
    return found
