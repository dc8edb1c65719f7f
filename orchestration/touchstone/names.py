"""Suggestions for mistyped names."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, names: Iterable[str], prefix: str = "") -> str:
    """A suggestion for an unknown name; all names start with `prefix`, which isn't compared.

    A name with a path also matches by its last part: people omit the beginning or append to the end.
    """
    known = sorted(names)
    candidates = {each.split("/")[-1]: each for each in known} | {each: each for each in known}
    match = get_close_matches(name, candidates, n=1) or get_close_matches(name.split("/")[-1], candidates, n=1)
    return (
        f"did you mean {prefix}{candidates[match[0]]}?"
        if match
        else f"the names are {', '.join(prefix + each for each in known)}"
    )
