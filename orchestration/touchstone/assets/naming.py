"""How a code location names what is ours in it, where other definitions may stand beside."""

from __future__ import annotations

from dataclasses import dataclass

from dagster import AssetExecutionContext, AssetKey

from touchstone.resources import Home


@dataclass(frozen=True)
class Naming:
    """`key_prefix` is that of all assets; it also distinguishes jobs, schedules, sensors and the resource."""

    key_prefix: tuple[str, ...] = ()

    def key(self, *path: str) -> AssetKey:
        """The key of an asset."""
        return AssetKey([*self.key_prefix, *path])

    def home(self, context: AssetExecutionContext) -> Home:
        found: Home = getattr(context.resources, self.name("home"))
        return found

    def name(self, name: str) -> str:
        """The name of a definition that is no asset, or the key of the resource."""
        return "_".join([*self.key_prefix, name])


# Of a code location that has nothing else.
OWN = Naming()
