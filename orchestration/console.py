"""What a person sees while a run works: one line that says what is being done, on standard error."""

from __future__ import annotations

import os
import sys
import time

_started = time.monotonic()


def say(text: str) -> None:
    """Say what is happening, with the seconds since the start. Silent unless TOUCHSTONE_PROGRESS is set."""
    if os.environ.get("TOUCHSTONE_PROGRESS"):
        print(f"{time.monotonic() - _started:6.1f} s  {text}", file=sys.stderr, flush=True)
