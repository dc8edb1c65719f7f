"""Settings: environment variables `TOUCHSTONE_*`, then `$TOUCHSTONE_HOME/settings.toml`, then defaults."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

PROJECT = Path(__file__).resolve().parent.parent


def home_directory() -> Path:
    """The folder that holds all state: `TOUCHSTONE_HOME`, by default `data/` in the checkout."""
    return Path(os.environ.get("TOUCHSTONE_HOME") or PROJECT / "data").resolve()


class Settings(BaseSettings):
    """What a deployment may change. Sizes are bytes, times are seconds unless the name says otherwise."""

    model_config = SettingsConfigDict(env_prefix="TOUCHSTONE_", extra="forbid")

    home: Path = Field(default_factory=home_directory)
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

    @field_validator("schedule_timezone", "reporting_timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except Exception as error:
            raise ValueError(f"{name!r} is no time zone of the IANA database") from error
        return name

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
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
        for path in (self.inbox, self.lake, self.warehouse, self.releases, self.scratch):
            path.mkdir(parents=True, exist_ok=True)
