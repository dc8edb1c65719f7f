"""What a person sees in a terminal: what a run is doing, and text from files, made safe to print."""

from __future__ import annotations

import os
import re
import sys
import time

# Control characters, which a terminal obeys; marks that turn the direction of text; and halves of surrogate pairs.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """Text that comes from files, with what a terminal would obey written as \\xNN or \\uNNNN."""

    def written(match: re.Match[str]) -> str:
        code = ord(match[0])
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"

    return _UNPRINTABLE.sub(written, text)


def say(text: str) -> None:
    """Say what is happening, with the seconds since TOUCHSTONE_PROGRESS, a Unix epoch. Silent unless that is set."""
    if began := os.environ.get("TOUCHSTONE_PROGRESS"):
        print(f"{time.time() - float(began):6.1f} s  {text}", file=sys.stderr, flush=True)
