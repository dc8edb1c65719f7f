"""The content of the report, as declared in headlines.yml, and how it combines numbers, by the catalog."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, ValidationInfo

from touchstone.console import printable
from touchstone.settings import Settings, SettingsMistake, dbt_project

# How the numbers of several keys are combined into the number of a day.
Combined = Literal["sum", "quotient", "highest"]


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _of_a_variable(declared: Any, info: ValidationInfo) -> Any:
    return (info.context or {})[declared] if isinstance(declared, str) else declared


# A number, or the name of a variable in dbt_project.yml.
Number = Annotated[float, BeforeValidator(_of_a_variable)]


class Threshold(_Declared):
    name: str
    value: Number


class Over(_Declared):
    """A rate over the `days` up to each day, if the denominator is at least `least`."""

    days: Annotated[int, BeforeValidator(_of_a_variable)] = 1
    least: Number = 0


class Chart(_Declared):
    """A chart of metrics of one mart; see headlines.yml."""

    title: str
    mart: str
    metrics: tuple[str, ...]
    by: str | None = None
    named: str | None = None
    only: dict[str, str] = {}
    over: Over = Over()
    thresholds: tuple[Threshold, ...] = ()


class System(_Declared):
    """A system's charts, and the keys that are looked through for those that moved."""

    system: str
    title: str
    charts: tuple[Chart, ...]
    movers: tuple[Chart, ...]


def declared(settings: Settings | None = None) -> list[System]:
    """The systems of headlines.yml, in their order: of the home's file of this name, if it has one.

    Raises SettingsMistake for a file that says what none may say.
    """
    own = settings.home / "headlines.yml" if settings else None
    path = own if own and own.exists() else Path(__file__).with_name("headlines.yml")
    variables = dbt_project()["vars"] | (settings.variables if settings else {})
    try:
        return _systems(yaml.safe_load(path.read_text()), variables)
    except (yaml.YAMLError, ValidationError, LookupError, TypeError, AttributeError) as error:
        raise SettingsMistake(f"{printable(str(path))}: {printable(str(error))}") from error


def _systems(headlines: dict[str, Any], variables: dict[str, Any]) -> list[System]:
    titles, movers = headlines.get("titles", {}), headlines.get("movers", {})
    return [
        System.model_validate(
            {
                "system": system,
                "title": titles.get(system, system.capitalize()),
                "charts": charts,
                "movers": movers.get(system, ()),
            },
            context=variables,
        )
        for system, charts in headlines["systems"].items()
    ]


def combined(entry: dict[str, Any]) -> Combined:
    """How to combine a metric's numbers of several keys; `entry` is its row of the catalog."""
    if entry["kind"] == "rate":
        return "quotient"
    if entry["rollup"] == "sum" and entry["kind"] in ("count", "derived", "sum"):
        return "sum"
    return "highest"


def label(metric: str) -> str:
    """A metric's name in words: `delivered_count` is Delivered, `AWS/Connect/MissedCalls` Missed calls."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", metric.rpartition("/")[2]).lower()
    return re.sub(r"_(count|usd)$", "", words).replace("_", " ").capitalize()


def above_one(entry: dict[str, Any]) -> str:
    """What the catalog says of a metric's values above 1; empty unless it is a ratio."""
    if entry["unit"] != "ratio":
        return ""
    sentences = re.split(r"(?<=\.) ", f"{entry['definition']} {entry['caveat'] or ''}")
    return " ".join(sentence for sentence in sentences if "above 1" in sentence.lower())
