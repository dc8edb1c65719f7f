"""Dagster's code location: landing, dbt and publishing as one lineage, the nightly job and its schedule.

Dagster calls `defs` after it has loaded the module; importing the module reads and writes nothing.
"""

from __future__ import annotations

from dagster import Definitions, definitions

from touchstone import assets, schedules
from touchstone.home import prepare
from touchstone.settings import Settings, load_settings
from touchstone.warehouse import project


@definitions
def defs() -> Definitions:
    return build_definitions(load_settings())


def build_definitions(settings: Settings) -> Definitions:
    """The definitions for a home. Creates the home's folders, and parses the dbt project if it has changed."""
    prepare(settings)
    return Definitions(
        assets=assets.all_assets(project(settings)),
        jobs=[schedules.nightly],
        schedules=[schedules.every_night(settings)],
        resources={"home": assets.Home()},
    )
