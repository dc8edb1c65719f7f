"""A dbt project for Spark, written out of the DuckDB models, which stay the one definition of every metric."""

from __future__ import annotations

from pathlib import Path

from touchstone.settings import Settings

# The project's name, and that of the profile which it asks for.
NAME = "touchstone_spark"


class NotGenerated(Exception):
    """The project can't be written: something in a model has no rule, or the folder holds something else."""


def generate(settings: Settings, out: Path) -> dict[str, int]:
    """Write the project of the systems that are on. Returns how many models, data tests and unit tests it has.

    Raises NotGenerated.
    """
    try:
        from touchstone.spark import project
    except ModuleNotFoundError as error:
        raise NotGenerated(f"{error.name} isn't installed: install touchstone[spark]") from error
    return project.generate(settings, out)
