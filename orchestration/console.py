"""What a person sees while a run works: one line that says what is being done, on standard error."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

_started = time.monotonic()


@contextmanager
def hushed() -> Iterator[None]:
    """Where progress is said in our own words, drop what a library prints beside it (dbt's is in its log file)."""
    if not os.environ.get("TOUCHSTONE_PROGRESS"):
        yield
        return
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        yield


def say(text: str) -> None:
    """Say what is happening, with the seconds since the start. Silent unless TOUCHSTONE_PROGRESS is set."""
    if os.environ.get("TOUCHSTONE_PROGRESS"):
        print(f"{time.monotonic() - _started:6.1f} s  {text}", file=sys.stderr, flush=True)
