"""Output to a terminal: the progress of a run, and text from files, made safe to print."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, unquote, urlsplit

# Control characters, which a terminal obeys; marks that change the direction of text; and halves of surrogate pairs.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """Text from files, with the characters that a terminal obeys written as \\xNN or \\uNNNN."""

    def written(match: re.Match[str]) -> str:
        code = ord(match[0])
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"

    return _UNPRINTABLE.sub(written, text)


def show_progress() -> None:
    """Have this process, and those that it starts, print lines of progress from now on."""
    os.environ["TOUCHSTONE_PROGRESS"] = str(time.time())


def log_progress(text: str) -> None:
    """Print a line of progress, with the seconds since TOUCHSTONE_PROGRESS, a Unix epoch; nothing if that isn't set."""
    if started := os.environ.get("TOUCHSTONE_PROGRESS"):
        print(f"{time.time() - float(started):6.1f} s  {text}", file=sys.stderr, flush=True)


@contextmanager
def without_progress() -> Iterator[None]:
    """Print none of the steps of what is one step of a run."""
    started = os.environ.pop("TOUCHSTONE_PROGRESS", None)
    try:
        yield
    finally:
        if started:
            os.environ["TOUCHSTONE_PROGRESS"] = started


def counted(number_of: int, thing: str) -> str:
    """A number of things: 1 record, 26 records."""
    return f"{number_of:,} {thing}{'s' * (number_of != 1)}"


def shown_bytes(number: float) -> str:
    """A number of bytes: 12 KiB, 1,024.0 GiB."""
    for unit in ("B", "KiB", "MiB"):
        if number < 1024:
            return f"{number:.0f} {unit}"
        number /= 1024
    return f"{number:,.1f} GiB"


def without_passwords(text: str, address: str) -> str:
    """A message of others, without the passwords of an address."""
    parts = urlsplit(address)
    passwords = [parts.password or "", *parse_qs(parts.query).get("password", ())]
    for form in {form for each in passwords for form in (each, unquote(each)) if form}:
        text = text.replace(form, "***")
    return text
