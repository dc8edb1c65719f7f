"""What the assets share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from dagster import ConfigurableResource, InitResourceContext
from pydantic import Field

from touchstone.damage import check_home
from touchstone.home import exclusive
from touchstone.housekeeping import tidy
from touchstone.landing.ledger import Ledger
from touchstone.settings import Settings, load_settings


class Home(ConfigurableResource):  # type: ignore[type-arg]
    """The home, locked for as long as the run that uses it lasts, unless its process holds it longer.

    `given`: settings that come before those of the environment.
    """

    given: dict[str, Any] = Field(default={})
    is_held: bool = False

    @contextmanager
    def yield_for_execution(self, context: InitResourceContext) -> Iterator[Home]:
        if self.is_held:
            yield self
            return
        with exclusive(self.settings):
            check_home(self.settings)
            yield self
            if context.instance:
                tidy(self.settings, context.instance)

    @cached_property
    def settings(self) -> Settings:
        return load_settings(**self.given)

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        settings = self.settings
        with Ledger.open(settings) as ledger:
            yield ledger
