"""Fetching of one source: windows of time in files of the inbox, in the ledger once they are whole; or names."""

from __future__ import annotations

import errno
import gzip
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import BinaryIO

from touchstone.console import counted
from touchstone.fetching import switched_on
from touchstone.fetching.names import read_names, take_over
from touchstone.fetching.source import DAY, HOUR, FetchFailed, Listing, NotKept, PageRefused, Reader, Scope, Source
from touchstone.fetching.windows import Hole, Window, due_again, gaps, holes, shown
from touchstone.landing.inbox import FETCHED
from touchstone.landing.ledger import Ledger
from touchstone.settings import Settings

# Uncompressed bytes of a file: what a kill repeats. A landing reads many files as fast as few.
_FILE_BYTES = 8 * 2**20
# Seconds between two lines of progress.
_REPORTS = 5
# How often a window is begun whose pages don't hold.
_TRIES = 3
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Open = Callable[[], AbstractContextManager[Ledger]]
Progress = Callable[[str], None]


@dataclass
class Fetch:
    """What was fetched of a scope in one night: complete windows and those read again, or why that ended."""

    scope: str
    address: str
    start: datetime | None = None
    end: datetime | None = None
    windows: int = 0
    calls: int = 0
    records: int = 0
    failure: str = ""

    def count(self, start: datetime, end: datetime, records: int) -> None:
        self.start = min(self.start or start, start)
        self.end = max(self.end or end, end)
        self.windows += 1
        self.records += records


def fetch(source: Source, settings: Settings, ledger: Open, progress: Progress) -> list[Fetch]:
    """Fetch what is new of a source, and what is to be read again. A scope that fails leaves the others alone.

    Raises SettingsMistake for a key that can't be read, LedgerUnavailable and OSError.
    """
    stops_at = monotonic() + 60 * settings.fetch_minutes
    return [
        _list(source, scope, settings, ledger, progress)
        if isinstance(scope, Listing)
        else _Scope(source, scope, settings, ledger, progress, stops_at).fetch()
        for scope in source.scopes(settings)
    ]


def _list(source: Source, listing: Listing, settings: Settings, ledger: Open, progress: Progress) -> Fetch:
    """List the names of a scope. One that fails leaves them as they are."""
    done, now = Fetch(listing.name, listing.address), datetime.now(UTC)
    with ledger() as opened:
        whole = [each for each in opened.fetched.windows(source.name, listing.name) if each.status == "complete"]
    lister = listing.lister()
    try:
        found = {f"{source.name} {place}": names for place, names in lister.names().items()}
        take_over(settings, found, now)
    except FetchFailed as error:
        done.failure = f"{source.name} {listing.name}: {error}"
        last = max((each.end for each in whole), default=now)
        window = Window(last, last, "failed", now, reason=done.failure)
    else:
        records = sum(map(len, found.values()))
        window = Window(min((each.start for each in whole), default=now), now, "complete", now, lister.calls, records)
        done.count(window.start, now, records)
        progress(f"{source.name} {listing.name}: {counted(records, 'name')}")
    with ledger() as opened:
        opened.fetched.add(source.name, listing.name, window)
    done.calls = lister.calls
    return done


def addresses(settings: Settings) -> set[tuple[str, str]]:
    """The vendors that are asked at other addresses than their own, with these."""
    return {
        (source.vendor, scope.address)
        for source in switched_on(settings)
        for scope in source.scopes(settings)
        if scope.address
    }


def findings(settings: Settings, ledger: Ledger) -> Iterator[tuple[str, str]]:
    """What is wrong with what is fetched, each with its kind."""
    try:
        read_names(settings)
    except FetchFailed as error:
        yield "Not read", str(error)
    failures = ledger.fetched.failures()
    for source in switched_on(settings):
        for scope in source.scopes(settings):
            if reason := failures.get((source.name, scope.name)):
                yield "Not fetched", reason
        for name, hole in holes_of(source, settings, ledger):
            yield "Missing", f"{source.name} {name}: {hole}"


def holes_of(source: Source, settings: Settings, ledger: Ledger) -> Iterator[tuple[str, Hole]]:
    """The holes of each scope, by its name."""
    for scope in source.scopes(settings):
        if isinstance(scope, Listing):
            continue
        for hole in holes(ledger.fetched.windows(source.name, scope.name), *scope.ages):
            yield scope.name, hole


class _Scope:
    def __init__(
        self, source: Source, scope: Scope, settings: Settings, ledger: Open, progress: Progress, stops_at: float
    ) -> None:
        self._source = source
        self._scope = scope
        self._settings = settings
        self._ledger = ledger
        self._progress = progress
        self._stops_at = stops_at
        self._reports_at = 0.0
        self._done = Fetch(scope.name, scope.address)
        self._known: list[Window] = []
        self._spans = scope.spans
        self._now = datetime.now(UTC)
        # What is being read, for the record of a failure.
        self._at = (self._now - scope.keeps, self._now)

    def fetch(self) -> Fetch:
        with self._ledger() as ledger:
            self._known = ledger.fetched.windows(self._source.name, self._scope.name)
        whole = [window.end for window in self._known if window.status == "complete"]
        self._at = (max(whole, default=self._at[0]), self._now)
        try:
            reader = self._scope.reader()
            try:
                self._fetch(reader)
            finally:
                self._done.calls = reader.calls
        except FetchFailed as error:
            self._done.failure = f"{self._source.name} {self._scope.name}, from {shown(self._at[0])}: {error}"
            self._add(Window(*self._at, "failed", self._now, reason=self._done.failure))
        return self._done

    def _fetch(self, reader: Reader) -> None:
        scope = self._scope
        self._now = reader.now()
        end = (self._now - scope.margin - _EPOCH) // scope.step * scope.step + _EPOCH
        settled = [window for window in self._known if window.status != "failed"]
        again = due_again(settled, scope.ages[0], self._now)
        for age, spans in zip(scope.ages, [scope.spans, *((span,) for _, span in scope.coarser)], strict=True):
            first = -(-(self._now - age - _EPOCH) // scope.step) * scope.step + _EPOCH
            self._spans = spans
            for span in gaps(first, end, settled):
                self._read_new(reader, *span)
            end = first
        for window in again:
            self._at = (window.start, window.end)
            self._read_again(reader, window)

    def _read_new(self, reader: Reader, start: datetime, stop: datetime) -> None:
        """Read a span in windows, oldest first, as these are forgotten first."""
        tries = 0
        while start < stop:
            self._at = (start, stop)
            span = self._span()
            end = min((start - _EPOCH) // span * span + span + _EPOCH, stop)
            try:
                self._read(reader, start, end)
            except PageRefused:
                tries += 1
                if tries == _TRIES:
                    raise
                self._spans = self._spans[1:] or self._spans
                continue
            except NotKept as error:
                kept = self._first_kept(reader, start, stop)
                if kept is None or (kept == start and tries):
                    raise
                if kept == start:
                    tries += 1
                    continue
                self._add(Window(start, kept, "refused", self._now, reason=str(error)))
                end = kept
            start, tries = end, 0

    def _first_kept(self, reader: Reader, start: datetime, stop: datetime) -> datetime | None:
        """The first hour of a span that the vendor doesn't refuse as it does its beginning; None if it refuses all, or
        what it keeps for certain.
        """
        step = max(HOUR, self._scope.step)
        refused, kept = 0, (stop - start) // step
        if start > self._now - DAY or kept < 1 or self._is_refused(reader, start + kept * step - step):
            return None
        if not self._is_refused(reader, start):
            return start
        kept -= 1
        while kept - refused > 1:
            middle = (refused + kept) // 2
            if self._is_refused(reader, start + middle * step):
                refused = middle
            else:
                kept = middle
        return start + kept * step

    def _is_refused(self, reader: Reader, start: datetime) -> bool:
        try:
            next(reader.answers(start, start + self._scope.step), None)
        except NotKept:
            return True
        return False

    def _read_again(self, reader: Reader, window: Window) -> None:
        for tried in range(1, _TRIES + 1):
            try:
                return self._read(reader, window.start, window.end, window)
            except PageRefused:
                if tried == _TRIES:
                    raise
            except NotKept:
                return None  # it was read whole when the vendor still had it
        return None

    def _read(self, reader: Reader, start: datetime, end: datetime, before: Window | None = None) -> None:
        """Read a window into files; none is left of one that has the same records as `before`."""
        if monotonic() > self._stops_at:
            minutes = counted(self._settings.fetch_minutes, "minute")
            raise FetchFailed(f"it was stopped after {minutes} (fetch_minutes); the next night goes on from there")
        calls, records, digest = reader.calls, 0, 0
        with closing(_Files(self._source, self._scope, self._settings, start, self._now)) as files:
            for answer in reader.answers(start, end):
                files.write(answer.text, keep=before is None)
                records += len(answer.records)
                digest += sum(map(_hash, answer.records))
            content = f"{records}-{digest % 2**128:x}"
            if before is None or content != before.content:
                files.place()
        window = Window(start, end, "complete", self._now, reader.calls - calls, records, content)
        self._add(window)
        self._known = [each for each in self._known if each != before] + [window]
        self._done.count(start, end, records)
        if monotonic() > self._reports_at:
            self._progress(
                f"{self._source.name} {self._scope.name}: {self._done.records:,} records, up to {shown(end)}"
            )
            self._reports_at = monotonic() + _REPORTS

    def _span(self) -> timedelta:
        """The longest span that has few enough records, by the busiest window of the last day that was read."""
        read = sorted((each for each in self._known if each.status == "complete"), key=lambda each: each.end)
        recent = [each for each in read if each.end > read[-1].end - timedelta(days=1)]
        if not recent:
            return self._spans[-2:][0]
        busiest = max(each.records / (each.end - each.start).total_seconds() for each in recent)
        few = (span for span in self._spans if busiest * span.total_seconds() <= self._scope.enough)
        return next(few, self._spans[-1])

    def _add(self, window: Window) -> None:
        with self._ledger() as ledger:
            ledger.fetched.add(self._source.name, self._scope.name, window)


class _Files:
    """The files of a window: written in the scratch folder, and whole in the inbox once they are placed."""

    def __init__(self, source: Source, scope: Scope, settings: Settings, start: datetime, now: datetime) -> None:
        self._folder = settings.inbox / source.stream / FETCHED / source.name / scope.name / f"{start:%Y-%m}"
        self._name = f"{start:%Y%m%dT%H%M%SZ}-{now:%Y%m%dT%H%M%SZ}"
        self._scratch = settings.scratch / "fetched"
        self._written: list[Path] = []
        self._raw: BinaryIO | None = None
        self._file: gzip.GzipFile | None = None
        self._size = 0
        self._keep = False

    def write(self, text: bytes, keep: bool) -> None:
        """Write an answer. If it is to `keep`, its file is placed when it is large, or when the window fails."""
        self._keep = keep
        if self._file is None:
            self._scratch.mkdir(exist_ok=True)
            self._written.append(self._scratch / f"{len(self._written):06}")
            self._raw = self._written[-1].open("wb")
            self._file, self._size = gzip.GzipFile("", "wb", 6, self._raw, mtime=0), 0
        self._file.write(text + b"\n")
        self._size += len(text)
        if self._size >= _FILE_BYTES:
            self._finish()
            if keep:
                self.place()

    def place(self) -> None:
        """Put what is written into the inbox."""
        self._finish()
        if not self._written:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        number = 0
        while self._written:
            while (target := self._folder / f"{self._name}-{number:04}.json.gz").exists():
                number += 1
            try:
                os.replace(self._written[0], target)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                raise FetchFailed("the home's folders inbox and tmp are on two disks; put them on one") from None
            self._written.pop(0)
        _sync(self._folder)

    def close(self) -> None:
        if self._keep:
            self.place()
        self._finish()
        for path in self._written:
            path.unlink()

    def _finish(self) -> None:
        if self._file is not None and self._raw is not None:
            self._file.close()
            self._raw.flush()
            os.fsync(self._raw.fileno())
            self._raw.close()
            self._file = None


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _hash(record: object) -> int:
    text = json.dumps(record, sort_keys=True).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=16).digest(), "big")
