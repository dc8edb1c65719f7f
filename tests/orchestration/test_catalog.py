"""The catalog is what the entries of the marts' columns say; the long tables hold every number of the marts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from touchstone.settings import PROJECT

from .conftest import TestHome

Entry = dict[str, Any]
GRAINS = ("hourly", "daily", "monthly")
# A mart whose metrics are rows.
AS_ROWS = "cloudwatch_metrics"


@pytest.fixture(scope="module")
def built(session_home: TestHome) -> TestHome:
    session_home.reset()
    session_home.land()
    session_home.build_empty()
    return session_home


@pytest.fixture(scope="module")
def catalog(built: TestHome) -> list[Entry]:
    columns = [name for (name,) in built.query("select column_name from (describe metric_catalog)")]
    return [dict(zip(columns, row, strict=True)) for row in built.query("from metric_catalog")]


@pytest.fixture(scope="module")
def marts(built: TestHome) -> dict[str, Entry]:
    """The nodes of the models under marts/ that have metrics, by name."""
    nodes = [node for node in built.project["nodes"].values() if node["resource_type"] == "model"]
    of_marts = [node for node in nodes if node["fqn"][1] == "marts"]
    return {node["name"]: node for node in of_marts if node["fqn"][2] not in ("catalog", "reconciliation")}


def tables_of(mart: str, marts: Mapping[str, Any]) -> list[str]:
    """Its three grains; cohorts are weekly and have one table."""
    return [mart] if mart in marts else [f"{mart}_{grain}" for grain in GRAINS]


def metrics_of(node: Entry) -> dict[str, Entry]:
    return {name: column for name, column in node["columns"].items() if "unit" in column["meta"]}


def test_duckdb_1_4_finds_the_ctes_of_the_long_tables(built: TestHome) -> None:
    # not one within another, in a view that another view reads
    views = built.query("select view_name, sql from duckdb_views() where view_name like '%metric_values%'")
    assert len(views) == 9
    assert [name for name, sql in views if len(re.findall(r"\bwith\b", sql.lower())) != 1] == []


def test_a_metric_has_one_entry_for_all_grains(catalog: list[Entry], marts: dict[str, Entry]) -> None:
    for entry in catalog:
        if entry["mart"] == AS_ROWS:
            continue
        first, *others = [metrics_of(marts[table])[entry["metric"]] for table in tables_of(entry["mart"], marts)]
        assert all(other == first for other in others), entry["metric"]
        assert first["meta"]["unit"] == entry["unit"], entry["metric"]


def test_every_metric_column_has_an_entry(catalog: list[Entry], marts: dict[str, Entry]) -> None:
    known = {(entry["mart"], entry["metric"]) for entry in catalog}
    found = set()
    for name, node in marts.items():
        mart = re.sub(r"(_by_dimension)?_(hourly|daily|monthly)$", "", name)
        if mart != AS_ROWS:
            found |= {(mart, metric) for metric in metrics_of(node)}
    assert found == {entry for entry in known if entry[0] != AS_ROWS}


def test_every_defined_cloudwatch_metric_has_an_entry(catalog: list[Entry], built: TestHome) -> None:
    rollups = {"sum": "sum", "maximum": "max", "average": "avg", "last": "last"}
    defined = built.query(
        "select namespace || '/' || metric_name, statistic from internal.seeds.cloudwatch_metric_definitions"
    )
    found = {entry["metric"]: entry["rollup"] for entry in catalog if entry["mart"] == AS_ROWS}
    assert found == {metric: rollups[statistic] for metric, statistic in defined}


def test_a_label_of_cloudwatch_leads_to_the_column_of_each_wide_mart(catalog: list[Entry], built: TestHome) -> None:
    wide = built.query("select mart, metric_name from internal.seeds.cloudwatch_wide_metrics")
    found = {(entry["mart"], entry["vendor_label"]): entry["metric"] for entry in catalog}
    assert {(entry["mart"], entry["vendor_label"]) for entry in catalog if entry["mart"] in dict(wide)} == set(wide)
    for mart, label in wide:
        assert found[mart, label].replace("_", "") == label.lower()


def test_rates_name_what_they_divide_and_no_other_metric_does(catalog: list[Entry]) -> None:
    known = {(entry["mart"], entry["metric"]) for entry in catalog}
    for entry in catalog:
        if entry["kind"] == "rate":
            parts = [entry["numerator"], entry["denominator"]]
            assert entry["formula"] == " / ".join(parts)
            assert {(entry["mart"], part) for part in parts} <= known
        else:
            assert entry["numerator"] is None and entry["denominator"] is None


def test_formulas_are_made_of_metrics(catalog: list[Entry]) -> None:
    known = {(entry["mart"], entry["metric"]) for entry in catalog}
    for entry in catalog:
        for name in re.findall(r"[a-z_]+", entry["formula"] or ""):
            assert (entry["mart"], name) in known, entry["formula"]


def test_labels_say_of_which_rows(catalog: list[Entry], marts: dict[str, Entry], built: TestHome) -> None:
    of_some_rows = [entry for entry in catalog if entry["row_condition"]]
    assert len(of_some_rows) == len({entry["vendor_label"] for entry in of_some_rows}) > 1
    for entry in of_some_rows:
        for table in tables_of(entry["mart"], marts):
            built.query(f"select {entry['metric']} from {table} where {entry['row_condition']}")


def test_decisions_and_sources_exist(catalog: list[Entry]) -> None:
    folders = {path.name.split("__")[0][1:] for path in (PROJECT / "models/staging").glob("*/_*__sources.yml")}
    headings: dict[str, set[str]] = {}
    for entry in catalog:
        file, _, anchor = entry["decision"].partition("#")
        if file not in headings:
            headings[file] = {anchor_of(line) for line in (PROJECT / file).read_text().splitlines() if line[:1] == "#"}
        assert not anchor or anchor in headings[file], entry["decision"]
        assert {source.split("/")[0] for source in entry["source"].split(", ")} <= folders


def anchor_of(heading: str) -> str:
    """As GitHub makes it of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower().lstrip("# ")).replace(" ", "-")


def test_long_tables_hold_every_number_of_the_marts(home: TestHome, tmp_path: Path) -> None:
    from touchstone.sample.__main__ import main

    systems = ["--systems", "mailgun,ses,cloudwatch,pinpoint,connect"]
    main([str(home.settings.inbox), *systems, "--events", "1500", "--days", "3", "--clean", "--jobs", "1"])
    home.land()
    home.build()
    for grain in GRAINS:
        for mart, metric, keys in (
            ("mailgun_metrics_by_dimension", "delivered_rate", "subaccount, domain, dimension, dimension_value"),
            ("ses_metrics", "bounce_rate_proxy", "account_id, configuration_set"),
            ("pinpoint_split_metrics", "path_participants_delta", "application_id, journey_id, activity_id, path"),
        ):
            wide = f"select period_start, {keys}, {metric}::double from {mart}_{grain}"
            extracted = ", ".join(f"keys ->> '{key}'" for key in keys.split(", "))
            long = f"select period_start, {extracted}, value from metric_values_{grain}"
            long += f" where mart = '{mart}' and metric = '{metric}'"
            assert home.query(f"from ({wide}) order by all") == home.query(f"from ({long}) order by all")
            assert home.query(wide)
        rates = f"""
            select count(*), count(*) filter (abs(v.value - v.numerator / v.denominator) > 1e-12)
            from metric_values_{grain} as v
            inner join metric_catalog as c on v.mart = c.mart and v.metric = c.metric
            where c.kind = 'rate' and v.denominator <> 0
        """
        counted, wrong = home.query(rates)[0]
        assert counted > 0 and wrong == 0
        # a metric whose name is a row
        ours = home.query(f"select sum(value) from metric_values_{grain} where metric = 'AWS/Connect/MissedCalls'")
        theirs = home.query(f"select sum(value) from cloudwatch_metrics_{grain} where metric_name = 'MissedCalls'")
        assert ours == theirs != [(None,)]
