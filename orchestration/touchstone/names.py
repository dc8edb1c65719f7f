"""Names that people mistype."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, names: Iterable[str], prefix: str = "") -> str:
    """What a mistaken name was meant to be; `prefix` stands before all names, and isn't compared.

    Of names with a path, people leave out the beginning or add to the end.
    """
    known = sorted(names)
    candidates = {each.split("/")[-1]: each for each in known} | {each: each for each in known}
    match = get_close_matches(name, candidates, n=1) or get_close_matches(name.split("/")[-1], candidates, n=1)
    return (
        f"did you mean {prefix}{candidates[match[0]]}?"
        if match
        else f"the names are {', '.join(prefix + each for each in known)}"
    )
