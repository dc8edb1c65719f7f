"""What Dagster loads: landing, dbt and publishing as one lineage, the nightly job and its schedule."""

from __future__ import annotations

from dagster import Definitions

from touchstone import assets, schedules
from touchstone.home import prepare
from touchstone.settings import load_settings
from touchstone.warehouse import project, resource

settings = load_settings()
prepare(settings)
dbt_project = project(settings)

defs = Definitions(
    assets=assets.all_assets(settings, dbt_project),
    jobs=[schedules.nightly],
    schedules=[schedules.every_night(settings)],
    resources={
        "dbt": resource(dbt_project),
        "home": assets.Home(),
    },
)
