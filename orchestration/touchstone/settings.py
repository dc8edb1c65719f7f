"""Settings: environment variables `TOUCHSTONE_*`, then `$TOUCHSTONE_HOME/settings.toml`, then defaults."""

from __future__ import annotations

import errno
import json
import os
import re
import textwrap
import tomllib
import warnings
from collections.abc import Collection, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import duckdb
import yaml
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
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
# Variables of dbt's that are settings of their own, and what the others are.
_NO_VARIABLES = ("systems", "reporting_timezone")
_KINDS: dict[Any, str] = {int | float: "a number", str: "a text", list: "a list of texts"}
# Variables between the project's own processes, which are no settings.
_INTERNAL = ("full_refresh", "lake", "load_id", "load_limit", "progress", "published", "seeds")
# Settings that may hold passwords: no message shows their values.
SECRET = (
    "alert_urls",
    "alert_command",
    "alexa_client_secret",
    "alexa_refresh_token",
    "ledger_postgres",
    "mailgun_key",
    "publish_postgres",
)
# The vendors' hosts that a proxy of yours may stand for.
_ADDRESSES = {"alexa_addresses": ("login", "metrics"), "mailgun_addresses": ("us", "eu")}
# Settings by their names in the version before; 0.3.0 no longer reads these.
_RENAMED = {"pass_records": "build_batch_records"}


class SettingsMistake(Exception):
    """A setting is invalid. The message has a line for each mistake: the setting, where it is set, the remedy."""


def home_directory() -> Path:
    """The folder that holds all state: `TOUCHSTONE_HOME`, by default `data/` in the checkout.

    Raises SettingsMistake for an installed package without it, as nobody would find state in a default folder.
    """
    if named := os.environ.get("TOUCHSTONE_HOME"):
        return Path(named).resolve()
    if PROJECT == _INSTALLED:
        raise SettingsMistake("TOUCHSTONE_HOME isn't set: set it to the folder that is to hold all state")
    return _CHECKOUT / "data"


@cache
def dbt_project() -> dict[str, Any]:
    """The content of dbt_project.yml."""
    content: dict[str, Any] = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())
    return content


@cache
def known_systems() -> tuple[str, ...]:
    """The systems of the dbt project, by name: the groups of its mart folders."""
    project = dbt_project()
    folders = project["models"][project["name"]]["marts"].values()
    groups = {folder["+group"] for folder in folders if isinstance(folder, dict) and "+group" in folder}
    return tuple(sorted(groups - {SHARED}))


class Settings(BaseSettings):
    """What a deployment may change. Sizes are bytes, times are seconds unless the name says otherwise."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, env_ignore_empty=True, extra="forbid")

    home: Path = Field(default_factory=home_directory, description="The folder that holds all state.")
    systems: list[str] = Field(
        default_factory=lambda: [*known_systems()],
        min_length=1,
        description="The systems that are landed, built and shown; by default all.",
        examples=[["mailgun"]],
    )
    locations: dict[str, str] = Field(
        default={},
        description="Where a stream's files are, if not in the inbox: a folder, or an address that fsspec reads.",
        examples=[{"mailgun/events": "s3://bucket/prefix"}],
    )
    list_all: bool = Field(
        False, description="Whether nights list all of an object store, and not only what may have new files."
    )
    mailgun_key: SecretStr | None = Field(
        None,
        description="A key of Mailgun's API, which the variable TOUCHSTONE_MAILGUN_KEY or the file of mailgun_key_file "
        "keeps out of files of settings.",
        examples=["key"],
    )
    mailgun_key_file: Path | None = Field(
        None, description="A file that holds that key alone.", examples=["/run/secrets/mailgun"]
    )
    mailgun_regions: list[Literal["us", "eu"]] = Field(
        default=["us"], min_length=1, description="The regions of Mailgun in which you have domains."
    )
    mailgun_subaccounts: bool = Field(False, description="Whether Mailgun is asked for all subaccounts too.")
    mailgun_domains: list[str] = Field(
        default=[],
        description="The domains whose events mailgun_events fetches; of another region than the first of "
        "mailgun_regions with it before.",
        examples=[["mail.example.com", "eu/mail.example.org"]],
    )
    mailgun_retention_days: int = Field(
        30, ge=1, description="How long your plan of Mailgun keeps events; a shorter time than that loses some."
    )
    mailgun_addresses: dict[str, str] = Field(
        default={},
        description="Where Mailgun is asked, if by a proxy of yours that gets the key: an address by region.",
        examples=[{"us": "https://mailgun-proxy.example.com"}],
    )
    aws_regions: list[str] = Field(
        default=[],
        description="The regions of AWS in which cloudwatch_metrics, ses_names and connect_names fetch.",
        examples=[["eu-west-1"]],
    )
    alexa_client_id: str = Field(
        "",
        description="The client id of the security profile with which Amazon is asked for skills.",
        examples=["amzn1.application-oa2-client.0123456789abcdef"],
    )
    alexa_client_secret: SecretStr | None = Field(
        None,
        description="That profile's client secret, which the variable TOUCHSTONE_ALEXA_CLIENT_SECRET or the file of "
        "alexa_client_secret_file keeps out of files of settings.",
        examples=["secret"],
    )
    alexa_client_secret_file: Path | None = Field(
        None, description="A file that holds that secret alone.", examples=["/run/secrets/alexa_client"]
    )
    alexa_refresh_token: SecretStr | None = Field(
        None,
        description="A refresh token of Login with Amazon for that profile, which the variable "
        "TOUCHSTONE_ALEXA_REFRESH_TOKEN or the file of alexa_refresh_token_file keeps out of files of settings.",
        examples=["token"],
    )
    alexa_refresh_token_file: Path | None = Field(
        None, description="A file that holds that token alone.", examples=["/run/secrets/alexa_token"]
    )
    alexa_skills: list[str] = Field(
        default=[],
        description="The skills whose metrics alexa_metrics fetches, each after its type: custom, smartHome or "
        "flashBriefing.",
        examples=[["custom/amzn1.ask.skill.01234567-89ab-cdef-0123-456789abcdef"]],
    )
    alexa_locales: list[str] = Field(
        default=[],
        description="The locales that alexa_metrics fetches by themselves, beside all of a skill together.",
        examples=[["en-US", "de-DE"]],
    )
    alexa_stages: list[Literal["live", "development"]] = Field(
        default=["live"], min_length=1, description="The stages of skills that alexa_metrics fetches."
    )
    alexa_skipped_namespaces: list[str] = Field(
        default=[],
        description="Namespaces of the Metrics API that alexa_metrics leaves out, as Amazon refuses them for your "
        "skills.",
        examples=[["Alexa.EstimatedTurnError"]],
    )
    alexa_retention_days: int = Field(
        90, ge=1, description="How far back alexa_metrics asks; Amazon doesn't say how long it keeps numbers."
    )
    alexa_addresses: dict[str, str] = Field(
        default={},
        description="Where Amazon is asked, if by a proxy of yours that gets the tokens: addresses for login and "
        "metrics.",
        examples=[{"metrics": "https://smapi-proxy.example.com"}],
    )
    fetch: list[str] = Field(
        default=[],
        description="The sources that a night fetches before it lands, from the vendors' APIs.",
        examples=[["mailgun_metrics"]],
    )
    fetch_minutes: int = Field(
        240, ge=1, description="How long a night fetches of one source at most; the next one goes on."
    )
    lake_location: str = Field(
        "",
        description="Where the lake is, if not in the home: a folder, or an address that fsspec writes.",
        examples=["s3://bucket/prefix"],
    )
    schedule_hour: int = Field(2, ge=0, le=23, description="The hour at which Dagster's schedule starts a night.")
    schedule_timezone: str = Field("UTC", description="The time zone of that hour.", examples=["Europe/Berlin"])
    reporting_timezone: str = Field(
        "UTC",
        description="The time zone of days and months; hours are always UTC. A change rebuilds the marts.",
        examples=["Europe/Berlin"],
    )
    variables: dict[str, int | float | str | list[str]] = Field(
        default={},
        description="Thresholds, spans and names of dbt_project.yml's `vars` that are others for you.",
        examples=[{"ses_bounce_rate_review": 0.04, "mailgun_dimensions": ["plan"]}],
    )
    owners: dict[str, str] = Field(
        default={},
        description="Who answers for a system, or for the `catalog`, in Dagster: an e-mail address, or a team:name.",
        examples=[{"mailgun": "email@example.com"}],
    )
    keep_releases: int = Field(5, ge=1, description="How many releases are kept, for a rollback.")
    keep_history_days: int = Field(90, ge=1, description="How long Dagster's history keeps a run.")
    keep_quarantine_days: int = Field(
        400, ge=1, description="How long the ledger keeps a closed record of the quarantine, and rows of old loads."
    )
    keep_records_days: int | None = Field(
        None,
        ge=1,
        description="How old a record may be that says whose it is; older ones are pseudonymised at a month's end. "
        "It can't be undone.",
        examples=[400],
    )
    published_for: Literal["owner", "group", "everyone"] = Field(
        "owner", description="Who may read what is published, beside the user that runs nights."
    )
    target: Literal["duckdb", "spark"] = Field("duckdb", description="The engine that builds the models.")
    spark_profiles: Path | None = Field(
        None,
        description="The folder of the profiles.yml that has the profile touchstone_spark; by default the home.",
        examples=["/home/user/.dbt"],
    )
    spark_lake: str = Field(
        "", description="The lake's address as Spark sees it; by default the home's.", examples=["s3a://bucket/lake"]
    )
    spark_marts: str = Field(
        "",
        description="Where Spark writes the marts as Parquet: a folder or an address that Spark and this machine "
        "reach; by default a folder of the home.",
        examples=["s3a://bucket/marts"],
    )
    spark_dbt: str = Field(
        "",
        description="The program dbt, if it is in another environment than Touchstone.",
        examples=["/srv/spark/bin/dbt"],
    )
    memory_limit: str = Field("1600MB", description="DuckDB's memory limit in each process.")
    lock_wait_seconds: int = Field(3600, ge=0, description="How long a second run waits for the first.")
    late_after_hours: int = Field(
        36,
        ge=1,
        description="A source is late when nothing new has landed for three of its usual intervals, and at least so "
        "many hours.",
    )
    ended_sources: list[str] = Field(
        default=[],
        description="Sources that deliver no more: they are never late.",
        examples=[["pinpoint/events"]],
    )
    batch_bytes: int = Field(
        512 * 2**20,
        ge=1,
        description="Uncompressed bytes in one batch of landing: limits memory, and the work that a crash repeats.",
    )
    build_batch_records: int = Field(
        2_200_000, ge=1, description="Records in one batch of a build: a first load of years is built in several."
    )
    max_record_bytes: int = Field(16 * 2**20, ge=1, description="Larger records are quarantined.")
    max_gzip_ratio: int = Field(
        400,
        ge=1,
        description="A gzip file that grows more than so many times is refused; JSON logs grow 5 to 50 times.",
    )
    alert_urls: list[SecretStr] = Field(
        default=[],
        description="Where alerts of failed nights go: addresses of apprise. They hold passwords, which the variable "
        "TOUCHSTONE_ALERT_URLS keeps out of files.",
        examples=[["mailto://user:password@example.com"]],
    )
    alert_command: list[str] = Field(
        default=[],
        repr=False,
        description="A program with arguments that reads an alert from its standard input.",
        examples=[["mail", "ops@example.com"]],
    )
    ledger_postgres: SecretStr | None = Field(
        None,
        description="A PostgreSQL database with the ledger of files, for several machines that land into one lake. The "
        "address holds a password, which the variable TOUCHSTONE_LEDGER_POSTGRES keeps out of files.",
        examples=["postgresql://user:password@example.com/database"],
    )
    publish_postgres: SecretStr | None = Field(
        None,
        description="A PostgreSQL database that gets the marts as tables. The address holds a password, which the "
        "variable TOUCHSTONE_PUBLISH_POSTGRES keeps out of files.",
        examples=["postgresql://user:password@example.com/database"],
    )
    publish_postgres_schema: str = Field("touchstone", min_length=1, description="The schema of those tables.")
    publish_postgres_reader: str = Field(
        "", description="A role that may read them: it exists already.", examples=["metabase"]
    )
    publish_location: str = Field(
        "",
        description="A folder, or an address that fsspec writes, that gets the marts as Parquet files.",
        examples=["s3://bucket/prefix"],
    )

    ui_hosts: list[str] = Field(
        default=[],
        description="The names of Dagster's UI in the addresses of browsers, beside 127.0.0.1 and localhost.",
        examples=[["touchstone.example.com"]],
    )
    ui_token: bool = Field(
        True, description="Whether the UI asks for the home's token; false where a proxy before it asks who it is."
    )

    @model_validator(mode="before")
    @classmethod
    def _read_old_names(cls, values: dict[str, Any]) -> dict[str, Any]:
        for old, new in _RENAMED.items():
            where = _where(old, values)
            value = os.environ.get(_variable(old)) or values.get(old)
            values.pop(old, None)
            if value is not None:
                warnings.warn(f"{where}: this setting is now {new}; 0.3.0 won't read the old name", FutureWarning, 2)
                values.setdefault(new, value)
        return values

    @field_validator("systems")
    @classmethod
    def _known_systems(cls, names: list[str]) -> list[str]:
        for name in names:
            _check_known(name, known_systems(), "system")
        return sorted(set(names))

    @field_validator("mailgun_key", "alexa_client_secret", "alexa_refresh_token")
    @classmethod
    def _of_header(cls, key: SecretStr | None) -> SecretStr | None:
        if key and not re.fullmatch(r"[!-~]+", key.get_secret_value()):
            raise ValueError("it is empty, or has a space or a character that no key has")
        return key

    @field_validator("mailgun_regions", "alexa_stages")
    @classmethod
    def _once(cls, names: list[str]) -> list[str]:
        return [*dict.fromkeys(names)]

    @field_validator("aws_regions")
    @classmethod
    def _aws_regions(cls, names: list[str]) -> list[str]:
        for name in names:
            if not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-[0-9]+", name):
                raise ValueError(f"{name!r} is not a region such as eu-west-1")
        return [*dict.fromkeys(names)]

    @field_validator("mailgun_domains")
    @classmethod
    def _domains(cls, names: list[str]) -> list[str]:
        for name in names:
            if not re.fullmatch(r"((us|eu)/)?([a-z0-9_-]+\.)+[a-z0-9-]+", name.lower()):
                raise ValueError(f"{name!r} is not a domain such as mail.example.com or eu/mail.example.com")
        return [*dict.fromkeys(name.lower() for name in names)]

    @field_validator("alexa_skills")
    @classmethod
    def _skills(cls, names: list[str]) -> list[str]:
        for name in names:
            if not re.fullmatch(r"(custom|smartHome|flashBriefing)/amzn1\.ask\.skill\.[\w-]+", name, re.ASCII):
                raise ValueError(f"{name!r} is not a type and an id such as custom/amzn1.ask.skill.01234567-89ab")
        return [*dict.fromkeys(names)]

    @field_validator("alexa_locales")
    @classmethod
    def _locales(cls, names: list[str]) -> list[str]:
        for name in names:
            if not re.fullmatch(r"[a-z]{2}-[A-Z]{2}", name):
                raise ValueError(f"{name!r} is not a locale such as en-US")
        return [*dict.fromkeys(names)]

    @field_validator("alexa_skipped_namespaces")
    @classmethod
    def _namespaces(cls, names: list[str]) -> list[str]:
        from touchstone.fetching.alexa import namespaces  # it reads settings

        for name in names:
            _check_known(name, namespaces(), "namespace that alexa_metrics reads")
        return names

    @field_validator(*_ADDRESSES)
    @classmethod
    def _safe(cls, addresses: dict[str, str], field: ValidationInfo) -> dict[str, str]:
        for host, address in addresses.items():
            _check_known(host, _ADDRESSES[str(field.field_name)], "host that may have a proxy")
            try:
                parts = urlsplit(address)
                is_good = parts.scheme == "https" or parts.hostname in ("127.0.0.1", "::1", "localhost")
                is_good &= parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
                is_good &= not (parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc)
            except ValueError:
                is_good = False
            if not is_good:
                raise ValueError("an address is https://host or https://host:port, as the key goes there")
        return addresses

    @field_validator("fetch")
    @classmethod
    def _known_sources(cls, names: list[str]) -> list[str]:
        from touchstone.fetching import sources  # its modules read settings

        for name in names:
            _check_known(name, sources(), "source that can be fetched")
        return sorted(set(names))

    @field_validator("owners")
    @classmethod
    def _known_groups(cls, owners: dict[str, str]) -> dict[str, str]:
        for name, owner in owners.items():
            _check_known(name, [*known_systems(), SHARED], "system")
            if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+|team:\w+", owner):
                raise ValueError(f"{owner!r} is neither an e-mail address nor a team:name")
        return owners

    @field_validator("lake_location")
    @classmethod
    def _of_lake(cls, location: str) -> str:
        if found := re.search(r"[*?[{}\ud800-\udfff]|::", location):
            raise ValueError(f"it contains {found[0]!r}, which DuckDB or dbt reads as a pattern or not at all")
        if "@" in urlsplit(location).netloc:
            raise ValueError("a user or password is none of it: the environment of its store has them")
        is_folder = location and "://" not in location
        return str(Path(location).resolve()) if is_folder else location.rstrip("/")

    @field_validator("variables")
    @classmethod
    def _known_variables(cls, values: dict[str, Any]) -> dict[str, Any]:
        known = {name: value for name, value in dbt_project()["vars"].items() if name not in _NO_VARIABLES}
        for name, value in values.items():
            _check_known(name, known, "variable")
            (kind,) = (kind for kind in _KINDS if isinstance(known[name], kind))
            if not isinstance(value, kind):
                raise ValueError(f"{name} is {_KINDS[kind]}")
            names = [value] if isinstance(value, str) else value if isinstance(value, list) else []
            if not all(re.fullmatch(r"[\w .-]+", text) for text in names):
                raise ValueError(f"{name}: a name has letters, digits, spaces and _ . - alone")
        return values

    @field_validator("schedule_timezone", "reporting_timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except Exception as error:
            raise ValueError(f"{name!r} is not a time zone of the IANA database") from error
        return name

    @field_validator("target")
    @classmethod
    def _can_build(cls, target: str, others: ValidationInfo) -> str:
        if target == "spark" and others.data.get("keep_records_days"):
            raise ValueError("spark has no rule for the tokens of keep_records_days: remove one of the two")
        return target

    @field_validator("memory_limit")
    @classmethod
    def _size(cls, text: str) -> str:
        if not re.fullmatch(r"\d+(\.\d+)?\s*([KMGT]i?B|%)", text, re.IGNORECASE):
            raise ValueError(f"{text!r} is not a size such as 1600MB")
        if not _duckdb_accepts(text):
            raise ValueError(f"{text!r} is a size that DuckDB doesn't accept")
        return text

    @field_validator("alert_urls")
    @classmethod
    def _with_scheme(cls, urls: list[SecretStr]) -> list[SecretStr]:
        for number, url in enumerate(urls):
            if not re.match(r"[a-z][a-z0-9+.-]*://.", url.get_secret_value(), re.IGNORECASE):
                raise ValueError(f"[{number}] is not an address such as mailto://user:password@example.com")
        return urls

    @field_validator("ledger_postgres", "publish_postgres")
    @classmethod
    def _of_postgres(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None:
            return None
        try:
            parts = urlsplit(url.get_secret_value())
            # PostgreSQL would quote a part of a password that has such characters.
            is_good = parts.scheme in ("postgres", "postgresql") and parts.port != 0 and parts.netloc.count("@") <= 1
        except ValueError:
            is_good = False
        if not is_good:
            raise ValueError(
                "it is not an address such as postgresql://user:password@example.com/database, "
                "in which @, /, ? and # of a password are written as %40, %2F, %3F and %23"
            )
        return url

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        if found := re.search(r"[*?[\ud800-\udfff]", str(home.resolve())):
            raise ValueError(f"the folder's path contains {found[0]!r}, which DuckDB reads as a pattern or not at all")
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
        assert isinstance(init_settings, InitSettingsSource)
        toml = TomlConfigSettingsSource(settings_cls, _toml(init_settings.init_kwargs))
        return init_settings, env_settings, toml

    @cached_property
    def dbt_vars(self) -> dict[str, Any]:
        """The variables of the dbt project that are set here."""
        is_pseudonymised = {"is_pseudonymised": True} if self.keep_records_days else {}
        return {"reporting_timezone": self.reporting_timezone, **is_pseudonymised, **self.variables}

    @cached_property
    def mailgun_dimensions(self) -> list[str]:
        """The variables of Mailgun's users that messages are told apart by."""
        return list(self.dbt_vars.get("mailgun_dimensions", dbt_project()["vars"]["mailgun_dimensions"]))

    @cached_property
    def inbox(self) -> Path:
        return self.home / "inbox"

    @cached_property
    def lake(self) -> Path:
        """The records of all streams: a folder, or a path in an object store, with the methods of a Path."""
        if not self.lake_location:
            return self.home / "lake"
        from touchstone.lake import lake_at  # the packages of object stores take a while

        return lake_at(self.lake_location)

    @cached_property
    def ledger(self) -> Path:
        """The ledger's file, which stays in the home, wherever the lake is."""
        return self.home / "lake" / "ledger.duckdb"

    @cached_property
    def warehouse(self) -> Path:
        return self.home / "warehouse"

    @cached_property
    def releases(self) -> Path:
        return self.home / "releases"

    @cached_property
    def published(self) -> Path:
        """The link that readers follow, to one folder of `releases`."""
        return self.home / "published"

    @cached_property
    def names(self) -> Path:
        """The names beside ids, which sources of names write."""
        return self.home / "seeds" / "names.csv"

    @cached_property
    def dbt_log(self) -> Path:
        """The log of the dbt that builds the models."""
        return self.home / ("spark" if self.target == "spark" else "dbt") / "logs" / "dbt.log"

    @cached_property
    def scratch(self) -> Path:
        """Temporary files, which are useless after a run."""
        return self.home / "tmp"

    def make_directories(self) -> None:
        """Raises SettingsMistake if the home or the lake can't be written, and OSError if its disk is full."""
        if self.ledger_postgres and self.keep_records_days:
            raise SettingsMistake(
                f"{_PREFIX}LEDGER_POSTGRES doesn't go with keep_records_days, whose tokens are of one machine's key: "
                "remove one of them"
            )
        folders = [self.inbox, self.ledger.parent, self.warehouse, self.releases, self.scratch]
        if self.lake_location and any(self.ledger.parent.glob("*/*/[0-9]*.parquet")):
            raise SettingsMistake(
                f"{_PREFIX}LAKE_LOCATION: {printable(str(self.ledger.parent))} has records already. Copy its folders "
                "and its files *.parquet to that address, and remove them here; or remove the setting"
            )
        if isinstance(self.lake, Path):
            folders.append(self.lake)
        for path in folders:
            try:
                path.mkdir(parents=True, exist_ok=True)
                writable = os.access(path, os.W_OK | os.X_OK)
            except OSError as error:
                if error.errno == errno.ENOSPC:
                    raise
                writable = False
            if not writable:
                setting = "LAKE_LOCATION" if self.lake_location and path == self.lake else "HOME"
                raise SettingsMistake(f"{_PREFIX}{setting}: {unwritable(path)}")


def unwritable(path: Path) -> str:
    """Why a path can't be written, and what to do."""
    is_closed = os.statvfs(existing(path)).f_flag & os.ST_RDONLY
    remedy = "its disk is mounted read-only; mount it for writing" if is_closed else "name one that you may write to"
    return f"{printable(str(path))} can't be written{': ' if is_closed else '; '}{remedy}"


def existing(path: Path) -> Path:
    """The folder, or the nearest one above the path that exists and may be looked at."""
    return next(each for each in (path, *path.parents) if os.path.isdir(each))  # noqa: PTH112


def _check_known(name: str, known: Collection[str], kind: str) -> None:
    if name not in known:
        raise ValueError(f"{name!r} is not a {kind}; {nearest(name, known)}")


@cache
def _duckdb_accepts(memory_limit: str) -> bool:
    try:
        duckdb.connect(config={"memory_limit": memory_limit}).close()
    except duckdb.Error:
        return False
    return True


def load_settings(**values: Any) -> Settings:
    """The settings; those given as `values` come first. Raises SettingsMistake, also for an unknown variable
    `TOUCHSTONE_*`.
    """
    known = {_variable(name) for name in (*Settings.model_fields, *_RENAMED, *_INTERNAL)}
    mistakes = [
        f"{name} in the environment: there is no such setting; "
        + nearest(name.upper().removeprefix(_PREFIX), map(str.upper, Settings.model_fields), _PREFIX)
        for name in sorted(os.environ)
        if name.upper().startswith(_PREFIX) and name.upper() not in known
    ]
    try:
        settings = Settings(**values)
    except ValidationError as error:
        mistakes += [
            _mistake(each["loc"], each["type"], each["msg"], each.get("input"), values) for each in error.errors()
        ]
    except SettingsError as error:
        name = str(error).split('"')[1]
        mistakes.append(f"{_where(name, values)}: it is not JSON; write it as {_example(name)}")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        toml = printable(str(_toml(values)))
        mistakes.append(f"{toml}: it can't be read as TOML: {printable(str(error))}; correct or remove it")
    if mistakes:
        raise SettingsMistake("\n".join(mistakes))
    return settings


def _mistake(path: tuple[int | str, ...], kind: str, message: str, value: Any, given: Mapping[str, Any]) -> str:
    """The line for one of pydantic's errors."""
    name = str(path[0])
    if kind == "extra_forbidden":
        return f"{_where(name, given)}: there is no such setting; {nearest(name, Settings.model_fields)}"
    below = "".join(f"[{each!r}]" for each in path[1:])
    text = message.removeprefix("Value error, ")
    if name in (*SECRET, *_ADDRESSES, "lake_location"):  # a password in an address is one of the mistakes
        text = f"{text[:1].lower()}{text[1:]}"
    elif repr(value) not in text:
        text = f"{text[:1].lower()}{text[1:]}, not {str(value)[:60]!r}"
    return f"{_where(name, given)}{below}: {printable(text)}; correct it, or remove it for the default"


def _where(name: str, given: Mapping[str, Any]) -> str:
    """A setting and the place where it is set."""
    if name in given and name not in _RENAMED:
        return f"{name} as given"
    is_variable = _variable(name) in {variable.upper() for variable in os.environ}
    return f"{_variable(name)} in the environment" if is_variable else f"{name} in {printable(str(_toml(given)))}"


def _toml(given: Mapping[str, Any]) -> Path:
    """The file of settings of the home that is given, or of that of the environment."""
    return Path(given.get("home") or home_directory()) / "settings.toml"


def _variable(name: str) -> str:
    return _PREFIX + name.upper()


def _example(name: str) -> str:
    return json.dumps(_shown_value(name))


def _shown_value(name: str) -> Any:
    """An example of a setting, or its default."""
    field = Settings.model_fields[name]
    return field.examples[0] if field.examples else field.get_default(call_default_factory=True)


def commented_settings() -> str:
    """A settings file in which every setting stands as a comment: an example, or else the default."""
    parts = [
        "# Touchstone's settings. Take away the # before a name to set it; environment variables come first.\n"
        "# A change takes effect in the next night."
    ]
    for name, field in Settings.model_fields.items():
        if name != "home":
            text = textwrap.fill(field.description or "", 118, initial_indent="# ", subsequent_indent="# ")
            parts.append(f"{text}\n# {name} = {_toml_value(_shown_value(name))}")
    return "\n\n".join(parts) + "\n"


def _toml_value(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{json.dumps(key)} = {_toml_value(each)}' for key, each in value.items())} }}"
    return json.dumps(value)
