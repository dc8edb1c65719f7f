"""Dagster's definitions: one lineage from landing to the release, with owners, checks, a job and its schedule."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from dagster import Definitions

from touchstone import dbt
from touchstone.definitions import definitions_of
from touchstone.plan import unaffected, untested_views
from touchstone.settings import Settings
from touchstone.systems import Manifest
from touchstone.warehouse import selectors

from .conftest import TestHome


@pytest.fixture(scope="module")
def defs(session_home: TestHome) -> Definitions:
    return definitions_of(session_home.settings)


@pytest.fixture(scope="module")
def manifest(session_home: TestHome) -> Manifest:
    return session_home.project


def test_landing_models_and_release_are_one_lineage(defs: Definitions) -> None:
    graph = defs.resolve_asset_graph()
    parents = {
        key.to_user_string(): sorted(k.path[-1] for k in graph.get(key).parent_keys)
        for key in graph.get_all_asset_keys()
    }
    names = {key.split("/")[-1]: above for key, above in parents.items()}
    assert parents["mailgun/events"] == []
    assert names["stg_mailgun__events"] == ["events"]
    assert names["int_mailgun__events"] == ["stg_mailgun__events"]
    assert names["int_mailgun__event_flags"] == ["int_mailgun__events"]
    assert names["int_mailgun__counts_by_period"] == ["int_mailgun__engagements", "int_mailgun__event_flags"]
    assert names["int_mailgun__metrics_by_period"] == ["int_mailgun__counts_by_period"]
    assert names["mailgun_metrics_daily"] == ["int_mailgun__metrics_by_period"]
    marts = [name for name in names if name.startswith("mailgun_metrics")]
    assert len(marts) == 6
    assert set(marts) < set(names["published"])


def test_every_asset_has_a_group_a_description_and_an_owner(defs: Definitions) -> None:
    graph = defs.resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        groups = ("alexa", "catalog", "cloudwatch", "connect", "mailgun", "pinpoint", "ses", "landing", "publish")
        assert node.group_name in groups, key
        assert node.description, key
        assert node.owners or node.group_name in ("landing", "publish"), key


def test_owners_are_those_that_are_set(defs: Definitions, session_home: TestHome) -> None:
    settings = session_home.settings.model_copy(update={"owners": {"mailgun": "team:mail"}})
    graph = definitions_of(settings).resolve_asset_graph()
    owners = {key.to_user_string(): graph.get(key).owners for key in graph.get_all_asset_keys()}
    assert owners["mailgun_metrics_daily"] == owners["mailgun/events"] == ["team:mail"]
    assert owners["ses_metrics_daily"] == ["data-email@example.com"]


def test_data_tests_and_ledger_are_asset_checks(defs: Definitions) -> None:
    checks = {(check.asset_key.path[-1], check.name) for check in defs.resolve_asset_graph().asset_check_keys}
    assert ("events", "ledger_adds_up") in checks
    assert ("events", "no_quarantined_records") in checks
    assert ("inbox", "no_unread_files") in checks
    assert len([name for asset, name in checks if asset.startswith("int_mailgun__")]) >= 5


def test_a_night_excludes_models_without_new_input(manifest: Manifest) -> None:
    excluded = {node["name"] for node in unaffected(manifest, ["cloudwatch/metric_stream", "alexa/purchases"])}
    assert {"stg_mailgun__events", "int_pinpoint__counters", "stg_alexa__requests"} < excluded
    # what the two go into, however far
    new = {"stg_cloudwatch__datapoints", "int_ses__metrics_by_period", "ses_metrics_daily", "int_reconciliation__ses"}
    new |= {"int_alexa__subscription_states", "alexa_purchases_monthly", "metric_values_hourly", "reconciliation_daily"}
    assert not new & excluded
    # what the marts' YAML says may have changed
    assert "metric_catalog" in excluded
    excluded = {node["name"] for node in unaffected(manifest, ["alexa/purchases"], is_parsed_again=True)}
    assert not {"metric_catalog", "metric_values_daily", "mailgun_metrics_daily", "reconciliation_daily"} & excluded
    assert "int_mailgun__events" in excluded


def test_a_night_keeps_views_that_no_test_reads(manifest: Manifest) -> None:
    kept = {node["name"] for node in untested_views(manifest)}
    assert {"mailgun_metrics_daily", "metric_values_hourly", "int_alexa__metric_values"} < kept
    # tables, views with tests, and views of the internal database, of which some change with each load
    assert not {"metric_catalog", "int_mailgun__events", "reconciliation_daily", "stg_mailgun__events"} & kept
    # what is built for the first time, or in full, may have other types
    kept = {node["name"] for node in untested_views(manifest, ["mailgun"])}
    assert not {"mailgun_metrics_daily", "metric_values_hourly"} & kept


def test_excluded_groups_and_folders_are_selected_as_such(manifest: Manifest, session_home: TestHome) -> None:
    excluded = unaffected(manifest, ["cloudwatch/metric_stream", "alexa/purchases"])
    short = selectors(manifest, excluded)
    assert {"group:mailgun", "path:seeds", "stg_alexa__requests"} < short
    assert not {"path:models/marts/alexa", "path:models/marts/cloudwatch", "mailgun_metrics_daily"} & short

    def selected(excluded: Iterable[str]) -> set[str]:
        every = ("--quiet", "ls", "--select", "fqn:*", "--exclude-resource-type", "unit_test", "--exclude", *excluded)
        return set(dbt.invoke(*every, manifest=session_home.manifest).result)

    built = selected(short)
    assert built == selected(node["name"] for node in excluded)
    assert "touchstone.marts.ses.ses_metrics_daily" in built
    assert "touchstone.mailgun.mailgun_slices_agree" not in built


def test_the_schedule_is_the_settings(defs: Definitions) -> None:
    from touchstone.schedules import every_night

    schedule = defs.resolve_schedule_def("every_night")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 2 * * *", "UTC")
    moved = every_night(Settings(schedule_hour=5, schedule_timezone="Europe/Berlin"), defs.resolve_job_def("nightly"))
    assert (moved.cron_schedule, moved.execution_timezone) == ("0 5 * * *", "Europe/Berlin")


def test_settings_come_from_the_environment_then_the_file(home: TestHome, monkeypatch: pytest.MonkeyPatch) -> None:
    (home.settings.home / "settings.toml").write_text('keep_releases = 2\nreporting_timezone = "Asia/Kolkata"\n')
    try:
        monkeypatch.setenv("TOUCHSTONE_KEEP_RELEASES", "9")
        settings = Settings()
        assert (settings.keep_releases, settings.reporting_timezone) == (9, "Asia/Kolkata")
        with pytest.raises(ValueError, match="not a time zone"):
            Settings(reporting_timezone="Mars/Olympus")
    finally:
        (home.settings.home / "settings.toml").unlink()
