"""What the assets share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cached_property

from dagster import ConfigurableResource, InitResourceContext

from touchstone.home import exclusive
from touchstone.landing.ledger import Ledger
from touchstone.settings import Settings


class Home(ConfigurableResource):  # type: ignore[type-arg]
    """The home, locked for as long as the run that uses it lasts, unless its process holds it longer."""

    is_held: bool = False

    @contextmanager
    def yield_for_execution(self, context: InitResourceContext) -> Iterator[Home]:
        with nullcontext() if self.is_held else exclusive(self.settings):
            yield self

    @cached_property
    def settings(self) -> Settings:
        return Settings()

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        settings = self.settings
        with Ledger.open(settings.lake, settings.scratch, settings.memory_limit) as ledger:
            yield ledger
