"""Which models are built: those of systems that are on and have landed records, as far as Dagster selects them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from dagster import AssetKey, AssetSelection, DagsterInstance, Definitions, define_asset_job

from touchstone import dbt
from touchstone.definitions import definitions_of
from touchstone.manifest import project
from touchstone.plan import plan, unaffected
from touchstone.settings import Settings, known_systems
from touchstone.warehouse import exclusions

from .conftest import TestHome
from .events import some_events
from .test_fuzz import RECORDS


def run(selection: AssetSelection, settings: Settings | None = None, instance: DagsterInstance | None = None) -> Any:
    defs = definitions_of(settings or Settings())
    job = define_asset_job("some", selection)
    some = Definitions(assets=defs.assets, resources=defs.resources, jobs=[job]).resolve_job_def("some")
    return some.execute_in_process(raise_on_error=False, instance=instance)


def built(result: Any) -> set[str]:
    """The models that a run has made."""
    return {
        event.asset_key.path[-1]
        for event in result.get_asset_materialization_events()
        if "seconds" in event.materialization.metadata
    }


def published(home: TestHome, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home.settings.published.resolve() / "touchstone.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def instance() -> Iterator[DagsterInstance]:
    with DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture(scope="module")
def first(session_home: TestHome, instance: DagsterInstance) -> Iterator[tuple[TestHome, Any]]:
    """A home after its first night, in which one system lands; and that night."""
    session_home.reset()
    session_home.put("mailgun/events", "a.json", some_events(seed=1, count=200))
    result = run(AssetSelection.all(), instance=instance)
    assert result.success
    yield session_home, result


def test_systems_of_which_nothing_has_landed_are_not_built(first: tuple[TestHome, Any]) -> None:
    home, result = first
    names = built(result)
    assert {"int_mailgun__events", "mailgun_metrics_daily", "metric_values_daily", "metric_catalog"} < names
    assert not [name for name in names if any(f"{system}_" in name for system in {*known_systems()} - {"mailgun"})]
    assert published(home, "select system, status from run") == [("mailgun", "current")]
    # every mart is there for readers all the same, with its columns
    assert published(home, "select count(*), sum(bounce_count) from ses_metrics_daily") == [(0, None)]
    assert set(published(home, "select system from metric_values_daily")) == {("email",), ("mailgun",)}


def test_one_asset_one_group_and_one_check_run_alone(first: tuple[TestHome, Any]) -> None:
    home, _ = first
    before = home.ledger_rows("select * from builds")
    graph = definitions_of(home.settings).resolve_asset_graph()
    (check,) = [key for key in graph.asset_check_keys if key.asset_key.path[-1] == "int_mailgun__engagements"][:1]
    result = run(AssetSelection.checks(check))
    assert result.success
    assert [(each.check_name, each.passed) for each in result.get_asset_check_evaluations()] == [(check.name, True)]
    assert built(result) == set()
    assert home.ledger_rows("select * from builds") == before, "a check changes nothing"

    (mart,) = [key for key in graph.get_all_asset_keys() if key.path[-1] == "mailgun_metrics_daily"]
    result = run(AssetSelection.assets(mart))
    assert result.success
    assert built(result) == {"mailgun_metrics_daily"}

    result = run(AssetSelection.groups("mailgun") - AssetSelection.assets(AssetKey(["mailgun", "events"])))
    assert result.success
    assert {"stg_mailgun__events", "int_mailgun__metrics_by_period", "mailgun_metrics_monthly"} < built(result)
    assert not [name for name in built(result) if "mailgun" not in name]
    assert len([each for each in result.get_asset_check_evaluations() if each.asset_key.path[-1][:4] == "int_"]) > 5

    # a release is of whole builds
    result = run(AssetSelection.assets("published"))
    assert not result.success
    assert "build all models" in str(result.get_step_failure_events()[0].step_failure_data.error)


def test_a_system_that_is_off_is_nowhere_and_comes_back_unchanged(first: tuple[TestHome, Any]) -> None:
    home, _ = first
    marts = "select count(*) from (show all tables) where schema = 'main' and name like '%mailgun%'"
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TOUCHSTONE_SYSTEMS", '["ses", "alexa"]')
        settings = Settings()
        result = run(AssetSelection.all(), settings)
        assert result.success
        graph = definitions_of(settings).resolve_asset_graph()
    keys = graph.get_all_asset_keys()
    shown = {key.path[-1] for key in keys} | {str(graph.get(key).group_name) for key in keys}
    assert not [name for name in shown if "mailgun" in name or "pinpoint" in name]
    assert {"ses", "alexa", "stg_ses__datapoints", "metric_stream"} < shown, "SES reads CloudWatch's stream"
    assert published(home, marts) == [(0,)]
    assert published(home, "select distinct mart from metric_catalog where mart like 'mailgun%'") == []
    assert published(home, "select count(*) from metric_values_daily") == [(0,)]
    assert "mailgun_metrics" not in (home.settings.published / "report.html").read_text()
    result = run(AssetSelection.all())
    assert result.success
    assert published(home, "select count(*) > 0 from mailgun_metrics_daily") == [(True,)]
    assert set(published(home, "select system from metric_values_daily")) == {("email",), ("mailgun",)}


def test_a_system_that_lands_later_is_built_whole(home: TestHome) -> None:
    manifest = project(home.settings)
    for name in ("touchstone.duckdb", "internal.duckdb"):
        (home.settings.warehouse / name).touch()
    for system in ("ses", "alexa"):
        with home.ledger() as ledger:
            ledger.builds.start("run", "definitions")
            ledger.builds.finish({})
            ledger.builds.mark_published()
            assert plan(ledger, home.settings, manifest, "definitions", only_what_is_new=True) is None
        source = {"ses": "ses/events", "alexa": "alexa/purchases"}[system]
        home.put(source, "a.json", [RECORDS[source]])
        home.land()
        with home.ledger() as ledger:
            planned = plan(ledger, home.settings, manifest, "definitions", only_what_is_new=True)
        assert planned is not None
        assert system not in {node["group"] for node in planned.excluded}, "its seeds are new too"
    assert "ses" in {node["group"] for node in planned.excluded}


def test_a_check_of_several_models_runs_where_any_of_them_is_built(home: TestHome) -> None:
    """But not where one is of a system of which nothing is built."""
    manifest = project(home.settings)
    chosen = exclusions(manifest, unaffected(manifest, ["ses/events"]), ["alexa"])
    listed = dbt.invoke(
        *("--quiet", "ls", "--resource-type", "test", "--output", "name", *chosen), manifest=home.manifest
    ).result
    assert {"ses_loses_no_record", "a_reason_of_ses_is_known", "ses_slices_agree"} < {*listed}
    assert not [name for name in listed if "alexa" in name or "mailgun" in name]


def test_periods_are_counted_after_the_last_batch_of_their_months(home: TestHome) -> None:
    loads = [("05-01", "05-03"), ("05-03", "05-31"), ("05-31", "06-02"), ("06-02", "06-20"), ("04-30", "06-30")]
    with home.ledger() as ledger:
        for number, (first, last) in enumerate(loads, start=1):
            ledger.connection.execute(
                "insert into lake_files values ('mailgun/events', 'a', 10, $1::date, $2::date, $3, 1)",
                [f"2026-{first}", f"2026-{last}", number],
            )
        batches = ledger.builds.batches({"mailgun/events": 0}, 10)
        assert [batch.is_counted for batch in batches] == [False, False, True, False, True]
        assert [batch.last_load for batch in ledger.builds.batches({"mailgun/events": 1}, 20)] == [3, 5]
