"""What README tells a newcomer to type, typed in a new checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from touchstone.settings import PROJECT

from .conftest import TestHome


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", (PROJECT / "README.md").read_text(), re.MULTILINE | re.DOTALL)


def commands(number: int) -> list[str]:
    """The commands of README's nth block for a shell, without their comments."""
    joined = blocks("sh")[number].replace("\\\n", " ")
    return [line.split("  #")[0].strip() for line in joined.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkout") / "touchstone"
    ignored = shutil.ignore_patterns(".venv*", ".git", ".*_cache", ".hypothesis", "__pycache__", "data", "target")
    shutil.copytree(PROJECT, folder, ignore=ignored)
    (folder / ".venv").symlink_to(Path(sys.prefix))
    return folder


def typed(command: str, checkout: Path) -> str:
    """What a command prints, of a user without variables of ours; what `make setup` would install is there."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("TOUCHSTONE", "DBT", "DAG"))
    }
    environment |= {"TOUCHSTONE_SYSTEMS": '["mailgun"]', "DAYS": "3", "EVENTS": "300"}
    environment["PYTHONPATH"] = str(checkout / "orchestration")
    done = subprocess.run(
        command.replace("make ", "make -o .venv/ready ", 1),
        shell=True,
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def test_the_sample_runs_first(checkout: Path) -> None:
    run, ui = commands(0)
    assert "This was a sample" in typed(run, checkout)
    assert sorted(path.name for path in (checkout / "data").iterdir()) == ["sample"]
    assert "touchstone ui" in typed(ui.replace("make", "make -n"), checkout)


def test_then_ones_own_data(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[dict[str, object]] = [
        {"event": "delivered", "id": f"e{n}", "timestamp": 1_780_000_000 + n, "domain": {"name": "mail.example.com"}}
        for n in range(7)
    ]
    TestHome.write(tmp_path / "a.json.gz", events)
    init, folder, copy, nightly, doctor = commands(1)
    typed(init, checkout)
    typed(folder, checkout)
    typed(copy.replace("/where/your/extracts/are", str(tmp_path)), checkout)
    assert "Published" in typed(nightly, checkout)
    assert "wrong" not in typed(doctor, checkout)

    (shell,) = commands(2)
    file, sql = re.fullmatch(r'duckdb -readonly (\S+)\s+"(.*)"', shell).groups()  # type: ignore[union-attr]
    monkeypatch.chdir(checkout)
    with duckdb.connect(file, read_only=True) as connection:
        counted = connection.execute(sql).fetchall()
    assert sum(number for _, number in counted) == 7

    (script,) = blocks("python")
    found: dict[str, object] = {}
    exec(script, found)
    assert found["daily"].num_rows == 1  # type: ignore[attr-defined]
