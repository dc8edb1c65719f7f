"""Dagster's code location: landing, dbt and publishing as one lineage, the nightly job and its schedule.

Dagster calls `defs` after it has loaded the module; importing the module reads and writes nothing.
"""

from __future__ import annotations

from dagster import Definitions, definitions

from touchstone import schedules
from touchstone.assets.landing import landing_assets
from touchstone.assets.marts import mart_assets
from touchstone.home import prepare
from touchstone.manifest import project
from touchstone.resources import Home
from touchstone.settings import Settings, load_settings


@definitions
def defs() -> Definitions:
    return build_definitions(load_settings())


def build_definitions(settings: Settings) -> Definitions:
    """The definitions for a home. Creates the home's folders, and parses the dbt project if it has changed."""
    prepare(settings)
    manifest = project(settings)
    landing = landing_assets(manifest)
    return Definitions(
        assets=[*landing, *mart_assets(manifest, landing)],
        jobs=[schedules.nightly],
        schedules=[schedules.every_night(settings)],
        resources={"home": Home()},
    )
