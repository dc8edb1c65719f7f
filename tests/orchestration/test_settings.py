"""Settings: the message for a mistake names the setting, the place and the remedy."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from touchstone.__main__ import main
from touchstone.home import own_seeds
from touchstone.plan import fingerprint
from touchstone.settings import PROJECT, Settings, SettingsMistake, commented_settings, load_settings


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TOUCHSTONE_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SCHEDULE_HOUR", "30", "less than or equal to 23, not '30'"),
        ("SCHEDULE_HOUR", "two", "valid integer"),
        ("REPORTING_TIMEZONE", "Mars/Olympus", "'Mars/Olympus' is not a time zone"),
        ("MEMORY_LIMIT", "lots", "'lots' is not a size such as 1600MB"),
        ("MEMORY_LIMIT", "200%", "'200%' is a size that DuckDB doesn't accept"),
        ("LOCATIONS", "s3://bucket", 'not JSON; write it as {"mailgun/events": "s3://bucket/prefix"}'),
        ("LOCATIONS", '{"mailgun/events": 1}', "['mailgun/events']: input should be a valid string"),
        ("ENDED_SOURCES", "mailgun/events", 'not JSON; write it as ["pinpoint/events"]'),
        ("ALERT_URLS", "mailto://a:b@c.de", 'not JSON; write it as ["mailto://user:password@example.com"]'),
        ("SCHEDULE_HOURS", "3", "no such setting; did you mean TOUCHSTONE_SCHEDULE_HOUR?"),
        ("VARIABLES", '{"ses_bounce_rate_paus": 0.2}', "did you mean ses_bounce_rate_pause?"),
        ("VARIABLES", '{"reporting_timezone": 1}', "'reporting_timezone' is not a variable"),
        ("VARIABLES", '{"ses_review_days": "week"}', "ses_review_days is a number"),
        ("VARIABLES", '{"email_campaign_parameter": 7}', "email_campaign_parameter is a text"),
        ("VARIABLES", '{"mailgun_dimensions": "plan"}', "mailgun_dimensions is a list of texts"),
        ("VARIABLES", """{"mailgun_dimensions": ["plan", "o'neil"]}""", "a name has letters, digits, spaces and _ . -"),
        ("OWNERS", '{"mailgum": "a@b.de"}', "did you mean mailgun?"),
        ("OWNERS", '{"mailgun": "someone"}', "'someone' is neither an e-mail address nor a team:name"),
        ("WHATEVER", "3", "no such setting; the names are TOUCHSTONE_ALERT_COMMAND, "),
    ],
)
def test_a_mistake_in_the_environment(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: str,
    said: str,
) -> None:
    monkeypatch.setenv(f"TOUCHSTONE_{name}", value)
    assert main(["summary"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: TOUCHSTONE_{name}")
    assert said in line


@pytest.mark.parametrize(
    ("text", "beginning", "said"),
    [
        ("schedule_hour = 30", "schedule_hour in", "less than or equal to 23"),
        ("keep_release = 3", "keep_release in", "did you mean keep_releases?"),
        ('ended_sources = "mailgun/events"', "ended_sources in", "valid list"),
        ("schedule_hour =", "", "can't be read as TOML"),
    ],
)
def test_a_mistake_in_the_file(
    folder: Path, capsys: pytest.CaptureFixture[str], text: str, beginning: str, said: str
) -> None:
    (folder / "settings.toml").write_text(text)
    assert main(["summary"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {beginning}")
    assert str(folder / "settings.toml") in line
    assert said in line


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('alert_urls = "mailto://a:hunter2@c.de"', ": input should be a valid list; correct it"),
        ('alert_command = "curl -u ops:hunter2 c.de"', ": input should be a valid list; correct it"),
        ('alert_urls = [["hunter2"]]', "[0]: input should be a valid string; correct it"),
        ('alert_urls = ["json://c.de", "hunter2"]', ": [1] is not an address such as mailto://user:password@"),
    ],
)
def test_a_mistake_shows_no_password(folder: Path, capsys: pytest.CaptureFixture[str], text: str, said: str) -> None:
    (folder / "settings.toml").write_text(text)
    assert main(["summary"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert "hunter2" not in line


def test_every_mistake_has_a_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHSTONE_KEEP_RELEASES", "none")
    (folder / "settings.toml").write_text("schedule_hour = 24\nnothing = 1")
    with pytest.raises(SettingsMistake) as mistake:
        load_settings()
    assert len(str(mistake.value).splitlines()) == 3


def test_a_home_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TOUCHSTONE_HOME", str(tmp_path / "file" / "home"))
    assert main(["summary"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: TOUCHSTONE_HOME: ")


@pytest.mark.parametrize("name", ["a[1]", "a*", "what?", "\udcff"])
def test_a_home_whose_path_would_be_a_pattern(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.setenv("TOUCHSTONE_HOME", str(tmp_path / name))
    assert main(["summary"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: TOUCHSTONE_HOME in the environment: the folder's path contains")


@pytest.mark.parametrize("in_file", [False, True])
def test_a_renamed_setting_is_read_with_a_warning(folder: Path, monkeypatch: pytest.MonkeyPatch, in_file: bool) -> None:
    if in_file:
        (folder / "settings.toml").write_text("pass_records = 300")
    else:
        monkeypatch.setenv("TOUCHSTONE_PASS_RECORDS", "300")
    with pytest.warns(FutureWarning, match=r"(?i)pass_records in .*: this setting is now build_batch_records"):
        assert load_settings().build_batch_records == 300
    monkeypatch.setenv("TOUCHSTONE_BUILD_BATCH_RECORDS", "400")
    with pytest.warns(FutureWarning):
        assert load_settings().build_batch_records == 400


def test_empty_variables_and_those_of_our_own_processes_are_accepted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SCHEDULE_HOUR", "PROGRESS", "LOAD_LIMIT"):
        monkeypatch.setenv(f"TOUCHSTONE_{name}", "")
    assert load_settings() == Settings()
    assert load_settings().schedule_hour == 2


def test_variables_reach_dbt(folder: Path) -> None:
    variables = {"ses_review_days": 7, "ses_bounce_rate_pause": 0.5, "email_campaign_parameter": "c"}
    text = ", ".join(f"{name} = {json.dumps(value)}" for name, value in variables.items())
    (folder / "settings.toml").write_text(
        f'reporting_timezone = "Europe/Berlin"\nvariables = {{{text}, mailgun_dimensions = ["my plan"]}}\n'
    )
    assert load_settings().dbt_vars == {
        **variables,
        "reporting_timezone": "Europe/Berlin",
        "mailgun_dimensions": ["my plan"],
    }
    assert load_settings().mailgun_dimensions == ["my plan"]


def test_a_file_that_takes_no_seeds_place_is_named(folder: Path) -> None:
    before = fingerprint(load_settings())
    (folder / "seeds").mkdir()
    (folder / "seeds" / "ses_cloudwatch_dimensions.csv").write_text("event_destination\n")
    assert [*own_seeds(load_settings())] == ["ses_cloudwatch_dimensions"]
    assert fingerprint(load_settings()) != before
    (folder / "seeds" / "ses_dimensions.csv").touch()
    with pytest.raises(SettingsMistake, match=r"ses_dimensions.csv takes no seed's place; .*ses_cloudwatch_dimensions"):
        own_seeds(load_settings())


def test_the_commented_file_has_every_setting_and_each_line_is_valid(tmp_path: Path) -> None:
    text = commented_settings()
    names = re.findall(r"^# (\w+) = ", text, re.MULTILINE)
    assert {"home", *names} == {*Settings.model_fields}
    (tmp_path / "settings.toml").write_text(re.sub(r"^# (?=\w+ = )", "", text, flags=re.MULTILINE))
    settings = load_settings(home=tmp_path)
    assert settings.locations == {"mailgun/events": "s3://bucket/prefix"}
    assert settings.build_batch_records == 2_200_000


def test_the_page_has_every_setting() -> None:
    page = (PROJECT / "docs" / "settings.md").read_text()
    named = {
        name.removeprefix("TOUCHSTONE_").lower().strip("_") for name in re.findall(r"`(TOUCHSTONE_\w+|_[A-Z_]+)`", page)
    }
    assert named >= {*Settings.model_fields}
