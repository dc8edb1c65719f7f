"""Touchstone among a user's own definitions: nothing of theirs changes, and ours are told apart."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dagster import (
    AssetKey,
    AssetSpec,
    AutomationCondition,
    DagsterInstance,
    Definitions,
    RunRequest,
    SkipReason,
    build_sensor_context,
    evaluate_automation_conditions,
)

import touchstone
from touchstone.settings import SettingsMistake

from .conftest import TestHome
from .events import some_events


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory) -> Definitions:
    """The definitions of two homes, and an asset of the user's before and after each."""
    folder = tmp_path_factory.mktemp("homes")
    ours = [
        touchstone.build_definitions(
            folder / "mail", ["mailgun"], group_name="engagement", after={"mailgun/events": ["export"]}
        ),
        touchstone.build_definitions(
            folder / "voice", ["alexa"], key_prefix=["touchstone", "voice"], schedule_hour=7, late_after_hours=48
        ),
    ]
    mine = Definitions(assets=[AssetSpec("export"), AssetSpec("board", deps=[["touchstone", "published"]])])
    return Definitions.merge(*ours, mine)


def test_it_has_names_of_its_own(merged: Definitions) -> None:
    graph = merged.resolve_asset_graph()
    keys = graph.get_all_asset_keys()
    assert {key.path[0] for key in keys} == {"touchstone", "export", "board"}
    assert AssetKey(["touchstone", "mailgun", "events"]) in keys
    assert AssetKey(["touchstone", "voice", "alexa", "skill_requests"]) in keys
    assert not [key for key in keys if key.path[:2] == ["touchstone", "alexa"]]
    groups = {graph.get(key).group_name for key in keys if key.path[0] == "touchstone" and key.path[1] != "voice"}
    assert groups == {"engagement"}
    assert {schedule.name for schedule in merged.schedules or ()} == {
        "touchstone_every_night",
        "touchstone_voice_every_night",
    }
    assert merged.resolve_schedule_def("touchstone_voice_every_night").cron_schedule == "0 7 * * *"


def test_its_lineage_begins_and_ends_at_the_users_own(merged: Definitions) -> None:
    graph = merged.resolve_asset_graph()
    assert graph.get(AssetKey(["touchstone", "mailgun", "events"])).parent_keys == {AssetKey("export")}
    assert graph.get(AssetKey(["touchstone", "staging", "stg_mailgun__events"])).parent_keys == {
        AssetKey(["touchstone", "mailgun", "events"])
    }
    assert AssetKey("board") in graph.get(AssetKey(["touchstone", "published"])).child_keys


def test_its_job_runs_its_own_assets(merged: Definitions) -> None:
    job = merged.resolve_job_def("touchstone_nightly")
    keys = {key.path[0] for key in job.asset_layer.executable_asset_keys}
    assert keys == {"touchstone"}
    assert not [key for key in job.asset_layer.executable_asset_keys if "alexa" in key.path]


def test_a_night_that_doesnt_come_is_seen(merged: Definitions) -> None:
    graph = merged.resolve_asset_graph()
    policy: Any = graph.get(AssetKey(["touchstone", "mailgun", "events"])).freshness_policy
    assert policy.fail_window.to_timedelta().total_seconds() == 36 * 3600
    policy = graph.get(AssetKey(["touchstone", "voice", "alexa", "skill_requests"])).freshness_policy
    assert policy.fail_window.to_timedelta().total_seconds() == 48 * 3600


def test_a_condition_requests_all_of_its_assets_at_once(tmp_path: Path) -> None:
    defs = touchstone.build_definitions(
        tmp_path / "home", ["mailgun"], automation_condition=AutomationCondition.on_cron("0 2 * * *")
    )
    evening = datetime(2026, 5, 1, 22, tzinfo=UTC)
    with DagsterInstance.ephemeral() as instance:
        before = evaluate_automation_conditions(defs, instance, evaluation_time=evening)
        after = evaluate_automation_conditions(
            defs, instance, evaluation_time=evening + timedelta(hours=5), cursor=before.cursor
        )
    keys = defs.resolve_asset_graph().get_all_asset_keys()
    assert (before.total_requested, after.total_requested) == (0, len(keys))


def test_nothing_of_the_users_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = tmp_path / "dagster"
    theirs.mkdir()
    (theirs / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    monkeypatch.setenv("DAGSTER_HOME", str(theirs))
    monkeypatch.setenv("DBT_TARGET", "prod")
    monkeypatch.setenv("DBT_PROFILES_DIR", str(tmp_path / "nowhere"))
    before, folder = dict(os.environ), Path.cwd()
    touchstone.build_definitions(tmp_path / "home", ["mailgun"])
    assert (dict(os.environ), Path.cwd()) == (before, folder)
    assert (theirs / "dagster.yaml").read_text() == "telemetry: {enabled: false}\n"
    assert not (tmp_path / "home" / "dagster").exists()


def test_settings_given_in_code_come_first_and_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHSTONE_SYSTEMS", '["ses"]')
    home = tmp_path / "home"
    home.mkdir()
    (home / "settings.toml").write_text("schedule_hour = 5\n")
    defs = touchstone.build_definitions(home, ["mailgun"])
    assert AssetKey(["touchstone", "mailgun", "events"]) in defs.resolve_asset_graph().get_all_asset_keys()
    assert defs.resolve_schedule_def("touchstone_every_night").cron_schedule == "0 5 * * *"
    with pytest.raises(SettingsMistake, match=r"^systems as given: 'mailgum' is not a system; did you mean mailgun"):
        touchstone.build_definitions(home, ["mailgum"])
    with pytest.raises(SettingsMistake, match=r"^after: no stream is called 'mailgun/event'.*mailgun/events"):
        touchstone.build_definitions(home, ["mailgun"], after={"mailgun/event": ["export"]})
    (home / "settings.toml").write_text("schedule_hour = 25\n")
    with pytest.raises(SettingsMistake, match=r"^schedule_hour in .*/home/settings.toml: "):
        touchstone.build_definitions(home, ["mailgun"])


def test_the_sensor_waits_until_files_have_come(home: TestHome) -> None:
    defs = touchstone.build_definitions(home.settings.home, ["mailgun"])
    sensor = defs.resolve_sensor_def("touchstone_new_files")
    cursor: str | None = None

    def look() -> Any:
        nonlocal cursor
        context = build_sensor_context(cursor=cursor)
        (found,) = [sensor(context)]
        cursor = context.cursor
        return found

    home.put("mailgun/events", "a.json", some_events(seed=1, count=3))
    assert "Files are coming" in look().skip_message
    home.put("mailgun/events", "b.json", some_events(seed=2, count=3))
    assert "Files are coming" in look().skip_message
    first = look()
    assert isinstance(first, RunRequest)
    assert isinstance(look(), SkipReason)
    home.put("mailgun/events", "a.json", some_events(seed=1, count=4))
    assert "Files are coming" in look().skip_message
    again = look()
    assert isinstance(again, RunRequest)
    assert again.run_key != first.run_key
