"""dbt's own tests: the unit tests of the definitions, and the data tests on made-up events."""

from __future__ import annotations

import json
import re
import threading
from collections import defaultdict
from pathlib import Path

import pytest

from touchstone import dbt
from touchstone.settings import PROJECT
from touchstone.systems import column_texts

from .conftest import TestHome
from .events import some_events

MAILGUN = ("--select", "+path:models/*/mailgun")
GRAINS = {"hourly": "hour", "daily": "day", "monthly": "month"}


def test_every_unit_test_passes(home: TestHome) -> None:
    home.land()
    home.build_empty()  # unit tests need their inputs to exist; nothing has to be in them
    result = dbt.invoke("--quiet", "test", "--select", "test_type:unit", manifest=home.manifest)
    assert result.success, [r.node.name for r in result.result or [] if r.status != "pass"]
    assert len(result.result.results) > 10


def test_a_mart_is_of_the_grain_of_its_name_and_its_siblings_are_of_the_same_model() -> None:
    calls = defaultdict(set)
    for path in (PROJECT / "models" / "marts").glob("*/*.sql"):
        mart, _, suffix = path.stem.rpartition("_")
        is_view = path.parent.name not in ("catalog", "reconciliation") and mart != "email_watch"
        if suffix in GRAINS and is_view:
            call = re.fullmatch(r"(?:--.*\n)+(\{\{ by_grain\(.*\) \}\}\n)", path.read_text(), re.DOTALL)
            assert call, path.stem
            calls[mart].add(call[1].replace(f"'{GRAINS[suffix]}'", "its grain"))
    assert len(calls) > 20
    assert [mart for mart, texts in calls.items() if len(texts) > 1 or "its grain" not in min(texts)] == []


def test_data_tests_pass_on_a_first_build_and_on_a_later_one(home: TestHome) -> None:
    records = some_events(seed=8, count=1200)
    for part in (records[::2], records[1::2]):
        home.put("mailgun/events", f"{len(part)}-{id(part)}.json", part)
        home.land()
        home.build(*MAILGUN, models_only=False)


def test_data_tests_pass_in_another_zone(home: TestHome) -> None:
    home.put("mailgun/events", "a.json", some_events(seed=9, count=600))
    home.land()
    home.build(*MAILGUN, "--full-refresh", models_only=False, reporting_timezone="America/St_Johns")


def test_every_column_is_documented(home: TestHome) -> None:
    home.land()
    home.build_empty()
    texts = column_texts(home.manifest.writable_manifest().to_dict(omit_none=False))
    for unique_id, node in home.manifest.nodes.items():
        if node.resource_type != "model":
            continue
        catalog = "internal" if node.database == "internal" else "touchstone"
        columns = home.query(
            f"select column_name from information_schema.columns where table_catalog = '{catalog}' "
            f"and table_schema = '{node.schema}' and table_name = '{node.name}'"
        )
        assert node.description, node.name
        documented = {name for name, text in texts[unique_id].items() if text}
        undocumented = {name for (name,) in columns} - documented
        assert not undocumented, (node.name, json.dumps(sorted(undocumented)))


def test_models_go_on_after_one_that_did_not_fit_into_memory(
    home: TestHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOUCHSTONE_MEMORY_LIMIT", "90MB")
    project = tmp_path / "project"
    (project / "models").mkdir(parents=True)
    (project / "dbt_project.yml").write_text("{name: spill, profile: touchstone, flags: {hints_enabled: false}}")
    many = "select md5(range::varchar) as text from range(3000000) order by text"
    (project / "models" / "first.sql").write_text("{{ config(materialized='table') }} " + many)
    (project / "models" / "second.sql").write_text("select min(text) as text from {{ ref('first') }}")
    spilled: set[str] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.01):
            spilled.update(path.name for path in home.settings.scratch.iterdir())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        result = dbt.invoke("--quiet", "run", "--project-dir", str(project), "--target-path", str(tmp_path / "target"))
    finally:
        over.set()
        watcher.join()
    assert result.success, [r.message for r in result.result]
    assert spilled, "the first model has to need the disk"
