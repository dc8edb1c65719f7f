"""The results: a row a system, printed, appended to docs/benchmarks.csv, and drawn over time in docs/benchmarks.svg."""

from __future__ import annotations

import csv
import os
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

import vl_convert
from rich.box import SIMPLE
from rich.table import Table

from touchstone.settings import PROJECT

CSV, SVG = PROJECT / "docs" / "benchmarks.csv", PROJECT / "docs" / "benchmarks.svg"
# The whole nightly, as a ratio to the baseline.
AIM = 3.0
EVENTS = {"alexa": 500_000, "cloudwatch": 2_000_000, "mailgun": 2_000_000, "pinpoint": 2_000_000, "ses": 2_000_000}


@dataclass(frozen=True)
class Result:
    """One system's figures: medians of the runs, in seconds, as ratios to the baseline of the same runs unless the name
    says otherwise, and the peak memory of the largest process in MiB.
    """

    system: str
    events: int
    nightly_seconds: float
    baseline_seconds: float
    ratio: float
    landing_ratio: float
    build_ratio: float
    publish_ratio: float
    landing_speed: float  # events a second of landing alone, to those of the baseline's first stage
    nightly_cpu_seconds: float
    baseline_cpu_seconds: float
    quiet_seconds: float  # a night with nothing new
    quiet_to_imports: float
    nightly_mebibytes: float
    baseline_mebibytes: float


_COLUMNS = (
    ("", "system", ""),
    ("events", "events", ",d"),
    ("nightly s", "nightly_seconds", ",.1f"),
    ("baseline s", "baseline_seconds", ",.1f"),
    ("ratio", "ratio", ".2f"),
    ("start and land", "landing_ratio", ".2f"),
    ("build and test", "build_ratio", ".2f"),
    ("publish", "publish_ratio", ".2f"),
    ("landing alone", "landing_speed", ".2f"),
    ("nightly CPU s", "nightly_cpu_seconds", ",.1f"),
    ("baseline CPU s", "baseline_cpu_seconds", ",.1f"),
    ("nothing new s", "quiet_seconds", ",.1f"),
    ("to imports", "quiet_to_imports", ".2f"),
    ("nightly MiB", "nightly_mebibytes", ",.0f"),
    ("baseline MiB", "baseline_mebibytes", ",.0f"),
)


def summary(results: Sequence[Result]) -> Table:
    """A row a system."""
    title = "Medians. Ratios are to the baseline; landing alone: its events/s to those of the baseline's first stage"
    table = Table(title=title, box=SIMPLE, padding=0)
    for heading, _, _ in _COLUMNS:
        table.add_column(heading.replace(" ", "\n"), justify="right" if heading else "left")
    for result in results:
        table.add_row(*(f"{getattr(result, name):{form}}" for _, name, form in _COLUMNS))
    return table


def record(result: Result) -> None:
    """Append a result to the CSV, with the date (UTC), the commit and the number of cores, and draw the chart."""
    run = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "commit": _commit(), "cpus": os.cpu_count()}
    with CSV.open("a", newline="") as file:
        writer = csv.DictWriter(file, [*run, *(field.name for field in fields(Result))], lineterminator="\n")
        figures = {name: round(v, 2) if isinstance(v, float) else v for name, v in asdict(result).items()}
        writer.writerow({**run, **figures})
    draw(CSV, SVG)


def _commit() -> str:
    """The commit, marked if a tracked file but the results is another."""
    commit = _git("rev-parse", "--short=7", "HEAD").strip()
    return f"{commit}-dirty" if _git("status", "--porcelain", "-uno", "--", ":!docs/benchmarks.*") else commit


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=PROJECT, check=True, capture_output=True, text=True).stdout


def draw(table: Path, chart: Path) -> None:
    """Draw the ratios of runs of each system's default number of events, as fixed costs weigh more in smaller ones."""
    with table.open() as file:
        rows = [row for row in csv.DictReader(file) if int(row["events"]) == EVENTS[row["system"]]]
    y = {"field": "ratio", "type": "quantitative", "aggregate": "median", "title": None, "scale": {"zero": True}}
    x = {
        "field": "date",
        "type": "temporal",
        "timeUnit": "utcyearmonthdate",
        "title": None,
        "axis": {"format": "%Y-%m-%d", "tickCount": {"interval": "day", "step": 1}, "grid": False},
        "scale": {"padding": 30},
    }
    colour = {"field": "system", "type": "nominal", "title": None, "scale": {"domain": list(EVENTS)}}
    aim = {"values": [{"aim": AIM, "name": f"aim: {AIM:g}"}]}
    chart_spec = {
        "title": {"text": "Whole nightly run, ratio to the baseline", "anchor": "start"},
        "width": 600,
        "height": 300,
        "background": "white",
        "padding": 12,
        "layer": [
            {
                "data": {"values": rows},
                "mark": {"type": "line", "point": {"size": 60}},
                "encoding": {"x": x, "y": y, "color": colour},
            },
            {
                "data": aim,
                "mark": {"type": "rule", "strokeDash": [6, 4], "color": "#666"},
                "encoding": {"y": {"field": "aim", "type": "quantitative"}},
            },
            {
                "data": aim,
                "mark": {"type": "text", "align": "left", "baseline": "bottom", "x": 4, "dy": -3, "color": "#444"},
                "encoding": {"y": {"field": "aim", "type": "quantitative"}, "text": {"field": "name"}},
            },
        ],
    }
    chart.write_text(vl_convert.vegalite_to_svg(chart_spec) + "\n")
