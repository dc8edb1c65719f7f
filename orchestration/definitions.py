"""Dagster's code location under its name in 0.1.0, which 0.3.0 won't have."""

import warnings

from touchstone.definitions import defs

__all__ = ["defs"]

warnings.warn("the code location is now touchstone.definitions", FutureWarning, stacklevel=2)
