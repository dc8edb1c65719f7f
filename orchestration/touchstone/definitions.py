"""Dagster's code location: landing, dbt and publishing as one lineage, the nightly job, its schedule and sensors.

Dagster calls `defs` after it has loaded the module; importing the module reads and writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from dagster import AssetKey, AssetSpec, AutomationCondition, Definitions, FreshnessPolicy, definitions

from touchstone import alerts, schedules
from touchstone.assets.fetching import fetching_assets, keys_by_stream, keys_of_names
from touchstone.assets.landing import landing_assets, streams_of
from touchstone.assets.marts import mart_assets
from touchstone.assets.naming import OWN, Naming
from touchstone.landing.streams import read_streams
from touchstone.manifest import project
from touchstone.names import nearest
from touchstone.resources import Home
from touchstone.settings import SECRET, Settings, SettingsMistake, load_settings
from touchstone.targets import targets_of


@definitions
def defs() -> Definitions:
    return definitions_of(load_settings())


def build_definitions(
    home: str | Path,
    systems: Sequence[str] | None = None,
    *,
    key_prefix: str | Sequence[str] = "touchstone",
    group_name: str | None = None,
    after: Mapping[str, Sequence[AssetKey | str]] | None = None,
    automation_condition: AutomationCondition[Any] | None = None,
    **settings: Any,
) -> Definitions:
    """The definitions of a home, to merge with one's own: assets, checks, job, schedule and sensors.

    Creates the home's folders, and parses the dbt project if it has changed. Neither Dagster's configuration nor the
    environment changes.

    Args:
        home: The folder that holds all state. Its `settings.toml` is read, as are variables `TOUCHSTONE_*`.
        systems: The systems that are landed, built and shown; by default those of the settings.
        key_prefix: The first parts of all asset keys. It also begins the names of job, schedule and sensor, by which
            definitions of several homes differ.
        group_name: One group for all assets, in place of a group for each system.
        after: By source, `system/stream`: one's own assets, after which it lands.
        automation_condition: The condition of all assets. One that requests only some of them builds these, and nothing
            is published.
        settings: Other settings, by their names in lower case; they come before those of file and environment.

    Raises SettingsMistake for settings that are wrong.
    """
    given = {**settings, "home": str(Path(home).resolve())} | ({"systems": [*systems]} if systems is not None else {})
    naming = Naming((key_prefix,) if isinstance(key_prefix, str) else tuple(key_prefix))
    before = {naming.key(*source.split("/")): keys for source, keys in (after or {}).items()}
    if unknown := [source for source in after or {} if source not in read_streams()]:
        raise SettingsMistake(f"after: no stream is called {unknown[0]!r}; {nearest(unknown[0], read_streams())}")

    def changed(spec: AssetSpec) -> AssetSpec:
        return spec.replace_attributes(
            deps=[*spec.deps, *before.get(spec.key, ())],
            group_name=group_name or spec.group_name,
            automation_condition=automation_condition or spec.automation_condition,
        )

    return definitions_of(load_settings(**given), naming, given, changed)


def definitions_of(
    settings: Settings,
    naming: Naming = OWN,
    given: Mapping[str, Any] | None = None,
    changed: Callable[[AssetSpec], AssetSpec] = lambda spec: spec,
) -> Definitions:
    """The definitions of settings, of which some are `given` in code, with each asset `changed`."""
    settings.make_directories()
    manifest = project(settings)
    looked_at = FreshnessPolicy.time_window(fail_window=timedelta(hours=max(settings.late_after_hours, 25)))
    fetching = fetching_assets(settings, naming)
    landing = [each for of_stream in fetching.values() for each in of_stream] + [
        each.map_asset_specs(lambda spec: spec.replace_attributes(freshness_policy=looked_at))
        for each in landing_assets(manifest, naming, after=keys_by_stream(fetching))
    ]
    marts = mart_assets(manifest, landing, targets_of(settings), naming, keys_of_names(fetching))
    assets = [each.map_asset_specs(changed) for each in (*landing, *marts)]
    nightly = schedules.nightly([key for each in assets for key in each.keys], naming)
    sensors = [schedules.new_files(settings, nightly, streams_of(manifest), naming)]
    if alerts.is_set_up(settings):
        sensors.append(schedules.failed_nights(settings, nightly, naming))
    # Dagster's UI shows the configuration of resources, and no run needs these.
    of_runs = {name: value for name, value in (given or {}).items() if name not in SECRET}
    return Definitions(
        assets=assets,
        jobs=[nightly],
        schedules=[schedules.every_night(settings, nightly, naming)],
        sensors=sensors,
        resources={naming.name("home"): Home(given=of_runs)},
    )
