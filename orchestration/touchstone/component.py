"""Touchstone as a component of Dagster's, for a `defs.yaml` with `type: touchstone.TouchstoneComponent`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dagster import AssetKey, Component, ComponentLoadContext, Definitions, Model, Resolvable
from pydantic import Field

from touchstone.definitions import build_definitions


class TouchstoneComponent(Component, Model, Resolvable):
    """The definitions of a home. A relative `home` is below the project's folder; the rest is as in
    `touchstone.build_definitions`.
    """

    home: str
    systems: list[str] | None = None
    key_prefix: list[str] = Field(default=["touchstone"])
    group_name: str | None = None
    after: dict[str, list[str]] = Field(default={})
    settings: dict[str, Any] = Field(default={})

    def build_defs(self, context: ComponentLoadContext) -> Definitions:
        home = Path(context.project_root, self.home)
        after = {source: [AssetKey.from_user_string(key) for key in keys] for source, keys in self.after.items()}
        return build_definitions(
            home, self.systems, key_prefix=self.key_prefix, group_name=self.group_name, after=after, **self.settings
        )
