"""Fetching: what a vendor's API has goes, unchanged, into files of the inbox, from which it lands.

A module of a vendor is a file of this package with a tuple `SOURCES`; the others are what all sources share.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from touchstone.fetching.source import Source
    from touchstone.settings import Settings


@cache
def sources() -> dict[str, Source]:
    """All sources that can be fetched, by name."""
    modules = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
    return {source.name: source for module in modules for source in getattr(module, "SOURCES", ())}


def switched_on(settings: Settings) -> list[Source]:
    """The sources of the setting `fetch`, of systems that are on."""
    found = [sources()[name] for name in settings.fetch]
    return [source for source in found if source.system in settings.systems]
