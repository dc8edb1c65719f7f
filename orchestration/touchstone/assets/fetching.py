"""The assets of fetching: one per source that is switched on, before the landing of its stream."""

from typing import Any

from dagster import (
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    MaterializeResult,
    MetadataValue,
    asset,
)

from touchstone.assets.findings import result_of
from touchstone.assets.naming import OWN, Naming, explained_step
from touchstone.console import log_progress
from touchstone.damage import explain
from touchstone.fetching import switched_on
from touchstone.fetching.fetch import Fetch, Progress, fetch, holes_of
from touchstone.fetching.source import NAMES, Source
from touchstone.landing.shared import LedgerUnavailable
from touchstone.settings import Settings, SettingsMistake

_REMEDY = "See docs/fetching.md, “When a fetch fails”. What has landed is right, and may lack records."
_REMEDY_OF_HOLES = "Nights fetch what can be had. What can't be had any more may be in another extract."


def fetching_assets(
    settings: Settings, naming: Naming = OWN, progress: Progress = log_progress
) -> dict[str, list[AssetsDefinition]]:
    """The assets of the sources that are switched on, by the stream that they are fetched for.

    Keys are those of the settings by which the code location was loaded, as no run's configuration holds them.
    """
    found: dict[str, list[AssetsDefinition]] = {}
    for source in switched_on(settings):
        found.setdefault(source.stream, []).append(_fetched(source, settings, naming, progress))
    return found


def _fetched(source: Source, settings: Settings, naming: Naming, progress: Progress) -> AssetsDefinition:
    key = naming.key("fetched", source.name)
    # None blocks: what has landed is right, if not complete.
    checks = [AssetCheckSpec("fetch_succeeded", asset=key, description="All that is new was fetched.")]
    if source.is_of_names:
        goes_to = "A file of the home, which a release has as the table `names`."
    else:
        goes_to = f"Files of the inbox, from which `{source.stream}` lands."
        missing_none = "Since the first time that was fetched, none is missing."
        checks.append(AssetCheckSpec("no_hole", asset=key, description=missing_none))

    @asset(
        key=key,
        group_name=source.system,
        description=f"{source.description} {goes_to}",
        kinds={"csv" if source.is_of_names else "json"},
        check_specs=checks,
        pool="warehouse",
        required_resource_keys={naming.name("home")},
    )
    @explained_step(naming)
    def fetched(context: AssetExecutionContext) -> MaterializeResult:  # type: ignore[type-arg]
        home = naming.home(context)
        done: list[Fetch] = []
        missing: list[str] = []
        try:
            done = fetch(source, settings, home.ledger, progress)
            failure = "; ".join(each.failure for each in done if each.failure)
            with home.ledger() as ledger:
                missing = [f"{scope}: {hole}" for scope, hole in holes_of(source, settings, ledger)]
        except Exception as error:  # landing and publishing go on, whatever it is
            context.log.exception(f"{source.name} could not be fetched")
            is_known = isinstance(error, LedgerUnavailable | SettingsMistake)
            failure = f"{source.name}: {error if is_known else explain(error, settings) or type(error).__name__}"
        if failure:
            context.log.error(failure)
        results = [result_of("fetch_succeeded", failure, _REMEDY)]
        if not source.is_of_names:
            found = f"{source.name} {'; '.join(missing)}" if missing else ""
            results.append(result_of("no_hole", found, _REMEDY_OF_HOLES))
        return MaterializeResult(
            metadata={
                "calls": sum(each.calls for each in done),
                "records": sum(each.records for each in done),
                "scopes": MetadataValue.json([_described(each) for each in done]),
                "holes": MetadataValue.json(missing),
            },
            check_results=results,
        )

    return fetched


def keys_by_stream(assets: dict[str, list[AssetsDefinition]]) -> dict[str, list[AssetKey]]:
    """The assets that each stream lands after."""
    return {stream: [each.key for each in of_stream] for stream, of_stream in assets.items()}


def keys_of_names(assets: dict[str, list[AssetsDefinition]]) -> list[AssetKey]:
    """The assets of names, which no stream lands after, but a release is published."""
    return [key for stream, keys in keys_by_stream(assets).items() if stream.endswith(NAMES) for key in keys]


def _described(done: Fetch) -> dict[str, Any]:
    """What was fetched of a scope, as metadata."""
    return {
        "scope": done.scope,
        "from": done.start and done.start.isoformat(),
        "to": done.end and done.end.isoformat(),
        "windows": done.windows,
        "calls": done.calls,
        "records": done.records,
        **({"asked at": done.address} if done.address else {}),
    }
