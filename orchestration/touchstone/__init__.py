"""Touchstone's pipeline: landing, dbt and publishing as Dagster assets.

`build_definitions` and `TouchstoneComponent` bring them into a code location of one's own.
"""

from importlib import import_module
from typing import Any

_PUBLIC = {"build_definitions": "definitions", "TouchstoneComponent": "component"}


def __getattr__(name: str) -> Any:
    """Loads Dagster, which takes seconds, only for those who ask for it."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
