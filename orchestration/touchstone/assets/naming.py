"""How a code location names what is ours in it, where other definitions may stand beside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from inspect import isgeneratorfunction
from typing import Any

from dagster import AssetExecutionContext, AssetKey, Failure

from touchstone.damage import explain
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


def explained_step(naming: Naming) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Have a step fail in words, with the remedy, where a disk or a damaged file is the cause."""

    @contextmanager
    def explained(context: AssetExecutionContext) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            if (known := explain(error, naming.home(context).settings)) is None:
                raise
            raise Failure(str(known), {type(known).__name__: str(known)}, allow_retries=False) from None

    def decorate(step: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(step)
        def run(context: AssetExecutionContext) -> Any:
            with explained(context):
                return step(context)

        @wraps(step)
        def generate(context: AssetExecutionContext) -> Iterator[Any]:
            with explained(context):
                yield from step(context)

        return generate if isgeneratorfunction(step) else run

    return decorate
