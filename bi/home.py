"""Where Superset's state is."""

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


def home() -> Path:
    """The pipeline's `TOUCHSTONE_HOME`."""
    return Path(os.environ.get("TOUCHSTONE_HOME") or PROJECT / "data").resolve()
