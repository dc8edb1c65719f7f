"""Settings: environment variables `TOUCHSTONE_*`, then `$TOUCHSTONE_HOME/settings.toml`, then defaults."""

from __future__ import annotations

import os
import re
import tomllib
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import yaml
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from touchstone.console import printable
from touchstone.names import nearest
from touchstone.systems import SHARED

# The dbt project: around the package in a checkout, in it where it is installed.
_CHECKOUT = Path(__file__).resolve().parents[2]
_INSTALLED = Path(__file__).resolve().parent / "project"
PROJECT = _INSTALLED if _INSTALLED.exists() else _CHECKOUT
_PREFIX = "TOUCHSTONE_"
# What the project's own processes tell each other: no settings.
_INTERNAL = ("full_refresh", "load_id", "load_limit", "progress", "published")


class SettingsMistake(Exception):
    """A setting can't be used. The message has a line for each mistake: the setting, where it is set, the remedy."""


def home_directory() -> Path:
    """The folder that holds all state: `TOUCHSTONE_HOME`, by default `data/` in the checkout.

    Raises SettingsMistake where there is no checkout: state in a folder that nobody has named is state that is lost.
    """
    if named := os.environ.get("TOUCHSTONE_HOME"):
        return Path(named).resolve()
    if PROJECT == _INSTALLED:
        raise SettingsMistake("TOUCHSTONE_HOME isn't set: name the folder that is to hold all state")
    return _CHECKOUT / "data"


@cache
def known_systems() -> tuple[str, ...]:
    """The systems of the dbt project, by name: the groups that its folders of marts are of."""
    project = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())
    folders = project["models"][project["name"]]["marts"].values()
    groups = {folder["+group"] for folder in folders if isinstance(folder, dict) and "+group" in folder}
    return tuple(sorted(groups - {SHARED}))


class Settings(BaseSettings):
    """What a deployment may change. Sizes are bytes, times are seconds unless the name says otherwise."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, env_ignore_empty=True, extra="forbid")

    home: Path = Field(default_factory=home_directory)
    # The systems that are landed, built and shown.
    systems: list[str] = Field(default_factory=lambda: [*known_systems()], min_length=1)
    # Where a stream's extracts are, when not in the inbox: {"mailgun/events": "s3://bucket/prefix"}.
    locations: dict[str, str] = {}
    schedule_hour: int = Field(2, ge=0, le=23)
    schedule_timezone: str = "UTC"
    reporting_timezone: str = "UTC"
    keep_releases: int = Field(5, ge=1)
    memory_limit: str = "1600MB"
    lock_wait_seconds: int = Field(3600, ge=0)
    # A source is late when nothing new has landed for three of its usual intervals, and for so many hours at least.
    late_after_hours: int = Field(36, ge=1)
    # Sources that nothing more is expected of: ["pinpoint/events"]. They are never late.
    ended_sources: list[str] = []
    # Uncompressed bytes landed in one step: bounds memory, and what a crash has to repeat.
    batch_bytes: int = Field(512 * 2**20, ge=1)
    # Records built in one pass: a first load of years is built in several.
    pass_records: int = Field(2_200_000, ge=1)
    max_record_bytes: int = Field(16 * 2**20, ge=1)
    # A gzip file that grows more than this is refused; JSON logs grow 5 to 50 times.
    max_gzip_ratio: int = Field(400, ge=1)

    @field_validator("systems")
    @classmethod
    def _known_systems(cls, names: list[str]) -> list[str]:
        for name in names:
            if name not in known_systems():
                raise ValueError(f"{name!r} is no system; {nearest(name, known_systems())}")
        return sorted(set(names))

    @field_validator("schedule_timezone", "reporting_timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except Exception as error:
            raise ValueError(f"{name!r} is no time zone of the IANA database") from error
        return name

    @field_validator("memory_limit")
    @classmethod
    def _size(cls, text: str) -> str:
        if not re.fullmatch(r"\d+(\.\d+)?\s*([KMGT]i?B|%)", text, re.IGNORECASE):
            raise ValueError(f"{text!r} is no size such as 1600MB")
        try:
            duckdb.connect(config={"memory_limit": text}).close()
        except duckdb.Error:
            raise ValueError(f"{text!r} is a size that DuckDB can't work with") from None
        return text

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        if found := re.search(r"[*?[\ud800-\udfff]", str(home.resolve())):
            raise ValueError(f"the folder's path has {found[0]!r}, which DuckDB takes for a pattern or can't read")
        return home.resolve()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        toml = TomlConfigSettingsSource(settings_cls, home_directory() / "settings.toml")
        return init_settings, env_settings, toml

    @cached_property
    def inbox(self) -> Path:
        return self.home / "inbox"

    @cached_property
    def lake(self) -> Path:
        return self.home / "lake"

    @cached_property
    def warehouse(self) -> Path:
        return self.home / "warehouse"

    @cached_property
    def releases(self) -> Path:
        return self.home / "releases"

    @cached_property
    def published(self) -> Path:
        """The link that readers follow; it names one folder of `releases`."""
        return self.home / "published"

    @cached_property
    def scratch(self) -> Path:
        """Files that are worth nothing once a run has ended."""
        return self.home / "tmp"

    def make_directories(self) -> None:
        """Raises SettingsMistake for a home that can't be written."""
        for path in (self.inbox, self.lake, self.warehouse, self.releases, self.scratch):
            try:
                path.mkdir(parents=True, exist_ok=True)
                writable = os.access(path, os.W_OK | os.X_OK)
            except OSError:
                writable = False
            if not writable:
                raise SettingsMistake(
                    f"{_PREFIX}HOME: {printable(str(path))} can't be written; name a folder that you may write to"
                )


def load_settings() -> Settings:
    """The settings. Raises SettingsMistake, also for a variable `TOUCHSTONE_*` that is none of them."""
    mistakes = [
        f"{name} in the environment: there is no such setting; "
        + nearest(name.upper().removeprefix(_PREFIX), map(str.upper, Settings.model_fields), _PREFIX)
        for name in sorted(os.environ)
        if name.upper().startswith(_PREFIX) and name.upper() not in map(_variable, [*Settings.model_fields, *_INTERNAL])
    ]
    try:
        settings = Settings()
    except ValidationError as error:
        mistakes += [_mistake(each["loc"], each["type"], each["msg"], each.get("input")) for each in error.errors()]
    except SettingsError as error:
        name = str(error).split('"')[1]
        mistakes.append(f"{_where(name)}: it is no JSON; write it as {_example(name)}")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        mistakes.append(f"{_toml()}: it can't be read as TOML: {printable(str(error))}; mend or remove it")
    if mistakes:
        raise SettingsMistake("\n".join(mistakes))
    return settings


def _mistake(place: tuple[int | str, ...], kind: str, message: str, value: Any) -> str:
    """One of pydantic's errors as a line."""
    name = str(place[0])
    if kind == "extra_forbidden":
        return f"{_where(name)}: there is no such setting; {nearest(name, Settings.model_fields)}"
    below = "".join(f"[{each!r}]" for each in place[1:])
    told = message.removeprefix("Value error, ")
    told = told if repr(value) in told else f"{told[:1].lower()}{told[1:]}, not {str(value)[:60]!r}"
    return f"{_where(name)}{below}: {printable(told)}; mend it, or remove it for the default"


def _where(name: str) -> str:
    """A setting with the place where it is set."""
    is_variable = _variable(name) in {variable.upper() for variable in os.environ}
    return f"{_variable(name)} in the environment" if is_variable else f"{name} in {_toml()}"


def _toml() -> str:
    return printable(str(home_directory() / "settings.toml"))


def _variable(name: str) -> str:
    return _PREFIX + name.upper()


def _example(name: str) -> str:
    examples = {"locations": '{"mailgun/events": "s3://bucket/prefix"}', "systems": '["mailgun"]'}
    return examples.get(name, '["mailgun/events"]')
