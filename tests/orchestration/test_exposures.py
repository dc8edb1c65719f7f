"""dbt's exposures of report and dashboards match the files that define these."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from touchstone.report.headlines import declared
from touchstone.settings import PROJECT
from touchstone.systems import downstream

from .conftest import TestHome


@pytest.fixture
def exposures(session_home: TestHome) -> dict[str, Any]:
    return {exposure.name: exposure for exposure in session_home.manifest.exposures.values()}


def read(exposure: Any) -> set[str]:
    return {node.rpartition(".")[2] for node in exposure.depends_on.nodes}


def test_the_report_depends_on_what_its_headlines_name(session_home: TestHome) -> None:
    manifest = session_home.manifest.writable_manifest().to_dict(omit_none=False)
    marts = {f"{chart.mart}_daily" for system in declared() for chart in (*system.charts, *system.movers)}
    assert marts
    for mart in marts:
        assert "exposure.touchstone.report" in downstream(manifest, [f"model.touchstone.{mart}"]), mart


def test_each_dashboard_depends_on_what_its_charts_name(exposures: dict[str, Any]) -> None:
    dashboards = yaml.safe_load((PROJECT / "bi/dashboards.yml").read_text())["dashboards"]
    expected = {
        f"superset_{dashboard['title'].lower()}": {chart["mart"] for chart in dashboard["charts"]}
        for dashboard in dashboards
    }
    assert {name: read(exposures[name]) for name in exposures if name != "report"} == expected
    for name in expected:
        assert exposures[name].url.endswith(f"/superset/dashboard/{name.removeprefix('superset_')}")


def test_every_macro_and_exposure_is_described(session_home: TestHome) -> None:
    manifest = session_home.manifest
    own = [
        macro
        for macro in manifest.macros.values()
        # tests say what they prove in their first line; what a macro is for one adapter is the macro's own business
        if macro.package_name == "touchstone" and not macro.name.startswith("test_") and "__" not in macro.name
    ]
    assert len(own) > 5
    for node in (*own, *manifest.exposures.values(), *manifest.sources.values()):
        assert node.description, node.name
    for macro in own:
        assert all(argument.description for argument in macro.arguments), macro.name
