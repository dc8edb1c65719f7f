"""The benchmark: baselines count as the marts do, and its results are recorded and drawn."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from benchmarks import results
from benchmarks.measure import COMPARED, compare, run_baseline
from benchmarks.results import Result
from touchstone.sample.__main__ import main as write_sample

from .conftest import TestHome


@pytest.fixture(scope="module")
def built(session_home: TestHome) -> TestHome:
    session_home.reset()
    size = ("--events", "2000", "--days", "2", "--end", "2026-05-31", "--clean", "--jobs", "1")
    write_sample([str(session_home.settings.inbox), "--systems", ",".join(COMPARED), *size])
    session_home.land()
    session_home.build()
    return session_home


@pytest.mark.parametrize("system", COMPARED)
def test_a_baseline_counts_as_the_marts_do(built: TestHome, tmp_path: Path, system: str) -> None:
    run_baseline(system, built.settings.inbox, tmp_path / "baseline.duckdb")
    compare(system, built.settings.warehouse / "touchstone.duckdb", tmp_path / "baseline.duckdb")


def test_the_chart_is_of_the_recorded_results(tmp_path: Path) -> None:
    results.draw(results.CSV, tmp_path / "chart.svg")
    assert (tmp_path / "chart.svg").read_text() == results.SVG.read_text()


def test_recorded_results_are_rows_of_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = results.SVG.read_text()
    monkeypatch.setattr(results, "CSV", Path(shutil.copy(results.CSV, tmp_path)))
    monkeypatch.setattr(results, "SVG", tmp_path / "chart.svg")
    monkeypatch.setattr(results, "_commit", lambda: "0123456")
    result = Result("ses", 2_000_000, 54.321, 22, 2.4, 1, 1, 0.4, 0.5, 60, 30, 9, 1.4, 1_300, 3_000)
    results.record(result)
    with results.CSV.open() as file:
        *_, last = csv.DictReader(file)
    assert (last["system"], last["nightly_seconds"], last["landing_speed"]) == ("ses", "54.32", "0.5")
    assert last["baseline_mebibytes"] == "3000" and None not in last
    assert "<svg" in results.SVG.read_text() != drawn
