"""The commands of the first hour: a sample in a home of its own, a file of settings, what is wrong with a home."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from dagster import DagsterInstance, asset, materialize

from touchstone import doctor as doctors
from touchstone.__main__ import main
from touchstone.landing.quarantine import dismiss

from .conftest import TestHome
from .events import some_events


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    others = {name: value for name, value in os.environ.items() if not name.startswith("TOUCHSTONE_")}
    monkeypatch.setattr(os, "environ", {**others, "TOUCHSTONE_HOME": str(tmp_path)})
    return tmp_path


def doctor(capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    capsys.readouterr()
    return main(["doctor"]), " ".join(capsys.readouterr().out.split())


def test_the_sample_has_a_home_of_its_own(tmp_path: Path) -> None:
    environment = {**os.environ, "TOUCHSTONE_HOME": str(tmp_path), "COLUMNS": "200"}
    environment["TOUCHSTONE_SYSTEMS"] = '["mailgun"]'
    command = [sys.executable, "-m", "touchstone"]
    run = subprocess.run(
        [*command, "run", "--days=3", "--events=300"], env=environment, capture_output=True, text=True, check=True
    )
    assert [path.name for path in tmp_path.iterdir()] == ["sample"]
    assert f"This was a sample, in {tmp_path / 'sample'}" in run.stdout
    release = tmp_path / "sample" / "published" / "touchstone.duckdb"
    with duckdb.connect(str(release.resolve()), read_only=True) as connection:
        ((delivered,),) = connection.execute("select sum(delivered_count) from mailgun_metrics_daily").fetchall()
    assert delivered > 0
    reset = subprocess.run([*command, "reset"], env=environment, capture_output=True, text=True, check=True)
    assert reset.stdout == f"Removed {tmp_path / 'sample'}\n"
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_settings_is_written_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init"]) == 0
    file = folder / "settings.toml"
    assert "# schedule_hour = 2\n" in file.read_text()
    file.write_text("schedule_hour = 5\n")
    assert main(["init"]) == 1
    assert capsys.readouterr().err == f"error: {file} exists; it stays as it is\n"
    assert file.read_text() == "schedule_hour = 5\n"


def test_nothing_is_wrong_with_a_new_home(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = doctor(capsys)
    assert code == 0
    assert "wrong" not in found
    assert "there is none yet; put files into the inbox, and run nightly" in found


def test_the_doctor_says_what_is_wrong_and_what_to_do(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    locations = {"mailgun/event": "/somewhere", "ses/events": "oci://bucket/prefix"}
    (folder / "settings.toml").write_text(
        'memory_limit = "100000GB"\n[locations]\n' + "".join(f'"{k}" = "{v}"\n' for k, v in locations.items())
    )
    (folder / "inbox" / "mailgum").mkdir(parents=True)
    code, found = doctor(capsys)
    assert code == 1
    assert "wrong location of mailgun/event: no stream has this name; correct the setting locations" in found
    assert "wrong location of ses/events: oci://bucket/prefix: " in found
    assert "look memory: memory_limit is 100000GB" in found
    assert "look inbox: mailgum: no stream reads it; " in found


def test_the_doctor_knows_what_the_ledger_knows(home: TestHome, capsys: pytest.CaptureFixture[str]) -> None:
    home.put("mailgun/events", "a.json", [*some_events(seed=1, count=5), {"event": "opened"}])
    home.put("mailgun/events", "b.csv", b"event,timestamp\nopened,1\n")
    home.land()
    with home.ledger() as ledger:
        ledger.set_landing_failure("ses/events", "the landing of ses/events failed: OSError")
        ledger.builds.start("run", "definitions")
    code, found = doctor(capsys)
    assert code == 1
    assert "wrong ses/events: the landing of ses/events failed: OSError; run nightly again" in found
    assert "wrong build: the last one failed" in found
    assert "look mailgun/events: 1 records quarantined, 1 files refused, for 2 reasons; the report lists them" in found
    (home.settings.releases / "broken").mkdir()
    (home.settings.releases / "broken" / "touchstone.duckdb").write_bytes(b"no database")
    home.settings.published.symlink_to(home.settings.releases / "broken")
    assert "touchstone.duckdb is damaged. No record and no number is lost" in doctor(capsys)[1]


@asset
def often() -> None: ...


def test_the_doctor_says_what_is_old_and_what_should_have_gone(
    home: TestHome, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home.put("mailgun/events", "a.json", [*some_events(seed=1, count=5), {"event": "opened"}])
    home.land()
    with home.ledger() as ledger:
        dismiss(ledger.connection, None, None, None)
    doctor(capsys)  # makes Dagster's home
    with DagsterInstance.get() as instance:
        for _ in range(3):
            materialize([often], instance=instance)
    today = datetime.now(UTC)
    found = doctor(capsys)[1]
    assert f"ok quarantine: 1 closed record since {today:%Y-%m-%d}, kept for 400 days" in found
    assert f"ok history: 3 runs since {today:%Y-%m-%d}, kept for 90 days" in found
    assert re.search(r"free; .*\bledger \d+ MiB", found)

    class Later(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return today + timedelta(days=403)

    monkeypatch.setattr(doctors, "datetime", Later)
    found = doctor(capsys)[1]
    assert "look history: 3 runs, of which 2 should have gone after 90 days; run nightly" in found
    assert "look quarantine: 1 closed record since" in found
