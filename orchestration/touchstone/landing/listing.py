"""The files of an object store, of which a night lists the folders that may have new ones.

A store lists a thousand files in one request. Of folders of days, such as Firehose's `2026/11/28/09/` or Hive's
`year=2026/month=11/day=28/`, a night lists those that nobody has listed, and again those that have aged three times:
what comes late into a folder is had at three times its delay. What is not of a day is listed every night, and so is
everything where that takes no more requests.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from heapq import heapify, heappop, heappush
from typing import Any

import duckdb

from touchstone.fetching.windows import has_aged
from touchstone.landing.inbox import Found, Refused, all_below, filesystem_of, objects, shown

SCHEMA = """
-- Grain: one folder of an object store, when it was listed last, and its files: of a day all that are below it, of
-- another those in itself. `location` is a digest of the address, which may hold a password.
create table if not exists listings (
    source varchar not null,
    location varchar not null,
    folder varchar not null,
    listed_at timestamp not null,
    files bigint not null,
    primary key (source, folder)
);
"""
# How long after its end a day's folder is listed whenever files are: days of other zones end up to 12 hours after that
# of UTC, and Firehose tries to deliver for 24 hours.
_OPEN = timedelta(days=1)
_PAGE = 1000  # files in the answer to one request
_DATE = re.compile(r"(?:^|/)(20\d\d)(?:([-/])(\d\d?)(?:\2(\d\d?)(?:[-T]\d\d)?)?)?$")
_KEY = re.compile(r"(?<![^/])[^/=]*=")


@dataclass(frozen=True)
class Listed:
    """A folder in the ledger: when it was listed last, and its files then."""

    at: datetime
    files: int


@dataclass(frozen=True)
class Listing:
    """The entries of a location, by path, as far as it was listed.

    `files`: of each folder that was listed, the number. `gone`: folders of the ledger that are no longer there. Nothing
    is `unlisted` if all was listed; else the number of files in the folders that weren't. `below`: the folder of which
    alone it is, if it isn't of the whole location.
    """

    entries: list[Found | Refused]
    files: Mapping[str, int] = field(default_factory=dict)
    gone: Collection[str] = ()
    unlisted: int | None = None
    root: str = ""
    below: str = ""

    def covers(self, path: str) -> bool:
        """Whether the file at a path would be among the entries if it was there."""
        if self.below:
            return path.startswith(f"{shown(self.below)}/")
        if self.unlisted is None or _unit(self.root, posixpath.dirname(path)) in self.files:
            return True
        return any(folder in self.gone for folder in _above(path))


class Store:
    """An object store at a location. `named` makes the names of files and folders that are shown and stored.

    Raises SettingsMistake if its package isn't installed.
    """

    def __init__(self, location: str, named: Callable[[str], str] = shown) -> None:
        self._filesystem, root = filesystem_of(location)
        self._filesystem.invalidate_cache()
        self._root = root.rstrip("/")
        self._named = named

    def whole(self) -> Listing:
        """List everything. The ledger gets no folders if any name can't be made a path again."""
        infos = all_below(self._filesystem, self._root)
        files: Counter[str] = Counter()
        for info in infos:
            path, _, file = info["name"].rpartition("/")
            folder = self._relative(path)
            if self._named(folder) != folder or self._path(folder) != path:
                files.clear()
                break
            unit = _unit(self._root, folder)
            files.update(dict.fromkeys(_above(unit), 0))
            files[unit] += bool(file)
        return Listing(self._entries(infos), files, root=self._root)

    def due(self, known: Mapping[str, Listed], again: Iterable[str], now: datetime) -> Listing:
        """List the folders that are due, and those of files that are to be read `again`."""
        due = {"", *(_unit(self._root, posixpath.dirname(path)) for path in again)}
        due.update(self._due(known, now))
        requests = sum(_requests(known[folder].files) for folder in due & known.keys())
        is_less = bool(known) and requests < _requests(sum(folder.files for folder in known.values()))
        return (self._listed(due, known) if is_less else None) or self.whole()

    def recent(self, now: datetime) -> Listing:
        """List folders of days that may still get files, and all that are of no day."""

        def is_over(folder: str) -> bool:
            span = _span(self._path(folder))
            return span is not None and span.end + _OPEN < now

        return self._listed({""}, {}, is_over) or self.whole()

    def _due(self, known: Mapping[str, Listed], now: datetime) -> Iterator[str]:
        spans = {folder: _span(self._path(folder)) for folder in known}
        # A number that looks like a year or month may be an id: it is one only if all below it is in days.
        mixed = set[str]()
        for folder, span in spans.items():
            if not span or (not span.is_day and known[folder].files):
                mixed.update((folder, *_above(folder)))
        for folder, span in spans.items():
            at = known[folder].at
            if not span or folder in mixed or at > now or has_aged(span.end + _OPEN, at, now):
                yield folder

    def _listed(
        self,
        folders: Collection[str],
        known: Mapping[str, Listed],
        skips: Callable[[str], bool] = lambda folder: False,
    ) -> Listing | None:
        """List folders, and those below them that aren't known; None if a name can't be made a path again."""
        below: dict[str, set[str]] = {}
        for folder in filter(None, known):
            below.setdefault(posixpath.dirname(folder), set()).add(folder)
        files: dict[str, int] = {}
        gone: set[str] = set()
        found: list[Mapping[str, Any]] = []
        ahead = [*folders]
        heapify(ahead)  # a folder comes before those below it
        while ahead:
            folder = heappop(ahead)
            if folder in files or not gone.isdisjoint((folder, *_above(folder))):
                continue
            infos = self._list(folder)
            if not infos and folder:
                gone.add(folder)
                continue
            folders_in = {self._relative(info["name"]) for info in infos if info["type"] == "directory"}
            own = [info for info in infos if info["type"] != "directory"]
            files[folder] = sum(not info["name"].endswith("/") for info in own)
            found += own
            for child in folders_in:
                if not child or posixpath.dirname(child) != folder or self._named(child) != child:
                    return None
                if child not in known and not skips(child):
                    heappush(ahead, child)
            gone |= below.get(folder, set()) - folders_in
        gone.update(folder for folder in known if not gone.isdisjoint(_above(folder)))
        unlisted = sum(known[folder].files for folder in known.keys() - files - gone)
        return Listing(self._entries(found), files, gone, unlisted, self._root)

    def _list(self, folder: str) -> list[Mapping[str, Any]]:
        """All files below the folder of a day; what is in any other folder."""
        path = self._path(folder)
        span = _span(path)
        if span and span.is_day:
            return all_below(self._filesystem, path)
        try:
            infos: list[Mapping[str, Any]] = self._filesystem.ls(path, detail=True)
        except FileNotFoundError:
            return []
        return [info for info in infos if info["name"] != path]  # which gcsfs has for the empty file of a folder

    def _entries(self, infos: Iterable[Mapping[str, Any]]) -> list[Found | Refused]:
        found = objects(self._filesystem, self._root, infos, self._named)
        return sorted(found, key=lambda entry: entry.path)

    def _path(self, folder: str) -> str:
        return f"{self._root}/{folder}".rstrip("/")

    def _relative(self, path: str) -> str:
        return "" if path.rstrip("/") == self._root else posixpath.relpath(path, self._root)


@dataclass(frozen=True)
class _Span:
    """When the day, month or year of a folder ends, in UTC."""

    end: datetime
    is_day: bool


@lru_cache(2**16)
def _span(path: str) -> _Span | None:
    """The time that a folder has in its name and those above it; None if there is none."""
    found = _DATE.search(_KEY.sub("", path))
    if not found:
        return None
    year, _, month, day = found.groups()
    try:
        start = date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        return None
    end = start + timedelta(days=1) if day else (start + timedelta(days=31 if month else 366)).replace(day=1)
    return _Span(datetime.combine(end, time(), UTC), bool(day))


@lru_cache(2**16)
def _unit(root: str, folder: str) -> str:
    """The folder by which files of a folder are listed: that of their day, or else their own."""
    for above in (*_above(folder), folder):
        span = _span(f"{root}/{above}".rstrip("/"))
        if span and span.is_day:
            return above
    return folder


def _above(folder: str) -> Iterator[str]:
    """The folders that a folder is in, from the location on."""
    parts = folder.split("/") if folder else []
    return ("/".join(parts[:depth]) for depth in range(len(parts)))


def _requests(files: int) -> int:
    return 1 + files // _PAGE


class Listings:
    """The table of listings in an open ledger, of one location of a source."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, source: str, location: str) -> None:
        self._sql = connection
        self._source = source
        self._location = hashlib.blake2b(location.encode(), digest_size=16).hexdigest()

    def known(self) -> dict[str, Listed]:
        """The folders that were listed."""
        rows = self._sql.execute(
            "select folder, listed_at, files from listings where source = ? and location = ?",
            [self._source, self._location],
        ).fetchall()
        return {folder: Listed(at.replace(tzinfo=UTC), files) for folder, at, files in rows}

    def record(self, listing: Listing, at: datetime) -> None:
        """Record what was listed, once all its files have landed or are refused: a night that is killed before lists
        it again.
        """
        if listing.unlisted is None:
            self._sql.execute("delete from listings where source = ?", [self._source])
        else:
            self._sql.execute(
                "delete from listings where source = ? and folder in (select unnest(?::varchar[]))",
                [self._source, [*listing.gone]],
            )
        self._sql.execute(
            "insert or replace into listings select ?, ?, unnest(?::varchar[]), ?, unnest(?::bigint[])",
            [self._source, self._location, [*listing.files], at.replace(tzinfo=None), [*listing.files.values()]],
        )
