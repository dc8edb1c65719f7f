"""What a user would take instead, on the same files of Mailgun's: dlt to load them, and dbt alone to count them."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from benchmarks.measure import HERE, PUBLISHED, Timing, baseline_script, compare, timed
from touchstone.settings import PROJECT

SYSTEM = "mailgun"
_DLT = PROJECT / ".venv-benchmarks" / "bin" / "python"
_STATEMENT = re.compile(r"^create (table|view) (\w+) as\n(.+?);$", re.DOTALL | re.MULTILINE)


def measure_peers(work: Path, landing: Timing, night: Timing, console: Console) -> None:
    """Measure both on the files of the home in `work`, beside our landing alone and our whole night of these files."""
    table = Table("", "seconds", "CPU s", "peak MiB", "ours: seconds", "CPU s", "peak MiB", "ratio", "CPU ratio")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, peer, ours in (
        ("dlt loads, we land", _dlt(work), landing),
        ("dbt alone counts, we run a whole night", _plain_dbt(work), night),
    ):
        figures = [(t.seconds, t.cpu_seconds, t.mebibytes) for t in (peer, ours)]
        cells = [cell for s, cpu, mib in figures for cell in (f"{s:,.1f}", f"{cpu:,.1f}", f"{mib:,.0f}")]
        ratios = (peer.seconds / ours.seconds, peer.cpu_seconds / ours.cpu_seconds)
        table.add_row(name, *cells, *(f"{ratio:.2f}" for ratio in ratios))
    console.print(table)


def _dlt(work: Path) -> Timing:
    """Raises SystemExit if dlt has not loaded every line."""
    if not _DLT.exists():
        raise SystemExit(f"{_DLT} isn't there; `make bench` creates it")
    inbox, output = work / "home" / "inbox", work / "dlt.duckdb"
    script = HERE / "dlt_load.py"
    timing = timed([_DLT, script, inbox, output, work / "dlt"], RUNTIME__DLTHUB_TELEMETRY="false", PYTHONPATH="")
    with duckdb.connect(str(output), read_only=True) as connection:
        lines = f"read_json_objects('{inbox}/mailgun/events/**/*.gz', format = 'newline_delimited')"
        counts = connection.execute(
            f"select (select count(*) from {lines}), (select count(*) from raw.events)"
        ).fetchone()
    if counts is None or counts[0] != counts[1]:
        raise SystemExit(f"dlt loaded other lines: {counts}")
    return timing


def _plain_dbt(work: Path) -> Timing:
    """dbt builds the baseline's statements, each a model: a table for each of its tables, a view for each view.

    Raises SystemExit if it counts differently from us.
    """
    project, output = work / "plain_dbt", work / "plain_dbt.duckdb"
    shutil.copytree(HERE / "plain_dbt", project)
    (project / "models").mkdir()
    statements = _STATEMENT.findall(baseline_script(SYSTEM, work / "home" / "inbox"))
    names = "|".join(name for _, name, _ in statements)
    for kind, name, query in statements:
        query = re.sub(rf"\bfrom ({names})\b", r"from {{ ref('\1') }}", query)
        (project / "models" / f"{name}.sql").write_text(f"{{{{ config(materialized='{kind}') }}}}\n{query}\n")
    dbt, paths = Path(sys.executable).with_name("dbt"), ("--project-dir", project, "--profiles-dir", project)
    # ours has been parsed by an earlier night, too
    timed([dbt, "parse", *paths], PLAIN_DBT_OUTPUT=str(output))
    timing = timed([dbt, "build", *paths], PLAIN_DBT_OUTPUT=str(output))
    compare(SYSTEM, work / "home" / PUBLISHED, output)
    return timing
