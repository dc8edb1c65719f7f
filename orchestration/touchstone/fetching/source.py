"""What a vendor's module declares: sources, each with scopes that are read in windows of time, or listed whole."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from touchstone.settings import Settings

Page = TypeVar("Page")
Cursor = TypeVar("Cursor", bound=Hashable)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# What sources of names have in place of a stream, behind their system: no file lands from them.
NAMES = "/names"


class FetchFailed(Exception):
    """A scope can't be read on. The message has the reason and the remedy, and neither records nor secrets."""


class Refused(FetchFailed):
    """The vendor refuses a request."""


class NotKept(Refused):
    """The vendor refuses a request, which may ask for what it keeps no longer."""


class PageRefused(FetchFailed):
    """The vendor refuses a page after the first, or the pages don't fit together: the window is read again."""


@dataclass(frozen=True)
class Answer:
    """A vendor's answer as it is stored: one JSON document. A window that is read again is compared by `records`."""

    text: bytes
    records: list[Any]


class Reader(ABC):
    """A session with a vendor about one scope. `calls` counts its requests."""

    calls: int = 0

    @abstractmethod
    def now(self) -> datetime:
        """The vendor's time, by which windows end. Raises FetchFailed."""

    @abstractmethod
    def answers(self, start: datetime, end: datetime) -> Iterator[Answer]:
        """All that the vendor has of a window: nothing between two windows that share an edge may be missing.

        Raises NotKept where it may keep that no longer, PageRefused, and FetchFailed.
        """


@dataclass(frozen=True)
class Scope:
    """A part of a source that is fetched by itself, such as a region. Its `name` is also a folder.

    `keeps`: how long the vendor keeps what happened. `margin`: what is younger isn't trusted yet. `step`: edges of
    windows are multiples of it. `spans`: the lengths of windows, longest first, of which one is taken that has at most
    `enough` records. `coarser`: ages from which the vendor keeps less detail, each with the length of windows of
    such; they are read once, the finest first. `address`: where it is asked, if not at the vendor's own address.
    """

    name: str
    reader: Callable[[], Reader]
    keeps: timedelta
    spans: tuple[timedelta, ...] = (DAY, 6 * HOUR, HOUR, HOUR / 6)
    step: timedelta = timedelta(seconds=1)
    margin: timedelta = timedelta(minutes=30)
    enough: int = 5000
    coarser: tuple[tuple[timedelta, timedelta], ...] = ()
    address: str = ""

    @property
    def ages(self) -> list[timedelta]:
        """How long the vendor keeps what happened, in all detail, in less, and at all."""
        return [*(age for age, _ in self.coarser), self.keeps]


@dataclass(frozen=True)
class Named:
    """An id, and what the vendor calls it; nothing if it has no name.

    `account_id`: the account of an id that is unique only there; empty for the others.
    """

    kind: str
    id: str
    name: str = ""
    account_id: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        return self.kind, self.account_id, self.id


class Lister(ABC):
    """A session with a vendor about the names of one scope. `calls` counts its requests."""

    calls: int = 0

    @abstractmethod
    def names(self) -> Mapping[str, Collection[Named]]:
        """All that the vendor has, by the place that was listed whole, such as an account's region. Raises FetchFailed:
        an id that a place no longer has is deleted.
        """


@dataclass(frozen=True)
class Listing:
    """A part of a source of names that is fetched by itself. `name` and `address` are as those of a Scope."""

    name: str
    lister: Callable[[], Lister]
    address: str = ""


@dataclass(frozen=True)
class Source:
    """What is fetched into a stream, or `system/names` into the home's names.

    `needs`: names of settings, of each group one.
    """

    name: str
    stream: str
    vendor: str
    description: str
    needs: tuple[tuple[str, ...], ...]
    scopes: Callable[[Settings], Sequence[Scope | Listing]]

    @property
    def system(self) -> str:
        return self.stream.split("/")[0]

    @property
    def is_of_names(self) -> bool:
        return self.stream.endswith(NAMES)


def pages(ask: Callable[[Cursor | None], Page], following: Callable[[Page], Cursor | None]) -> Iterator[Page]:
    """All pages, from the first, whose cursor is None, to the one that nothing is `following`.

    Raises PageRefused where the vendor refuses a page after the first, and FetchFailed where pages repeat.
    """
    seen: set[Cursor | None] = {None}
    cursor: Cursor | None = None
    while True:
        try:
            page = ask(cursor)
        except Refused as error:
            if cursor is None:
                raise
            raise PageRefused(str(error)) from None
        yield page
        cursor = following(page)
        if cursor is None:
            return
        if cursor in seen:
            raise FetchFailed("its pages repeat: one names a page as the next that was read already; try again later")
        seen.add(cursor)
