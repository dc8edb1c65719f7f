"""Fetching: what a vendor's API has goes, unchanged, into files of the inbox, from which it lands.

A module of a vendor is a file of this package with a tuple `SOURCES`; the others are what all sources share.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from touchstone.settings import Settings, SettingsMistake

if TYPE_CHECKING:
    from touchstone.fetching.source import Source


@cache
def sources() -> dict[str, Source]:
    """All sources that can be fetched, by name."""
    modules = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
    return {source.name: source for module in modules for source in getattr(module, "SOURCES", ())}


def switched_on(settings: Settings) -> list[Source]:
    """The sources of the setting `fetch`, of systems that are on. Raises SettingsMistake for one that can't be fetched
    by these settings.
    """
    found = [source for name in settings.fetch if (source := sources()[name]).system in settings.systems]
    for source in found:
        for group in source.needs:
            if not any(getattr(settings, name) for name in group):
                raise SettingsMistake(f"fetch: {source.name} needs the setting {' or '.join(group)}")
    return found
