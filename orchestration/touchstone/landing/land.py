"""Landing of one stream: new files in batches, each batch all or nothing."""

from __future__ import annotations

import os
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from touchstone.console import printable
from touchstone.landing import quarantine
from touchstone.landing.batch import Batch
from touchstone.landing.formats import FileRefused
from touchstone.landing.inbox import FETCHED, Found, Refused, exists, find, find_unread, local_folder, shown
from touchstone.landing.ledger import Ledger, Totals
from touchstone.landing.listing import Listing, Listings, Store
from touchstone.landing.pseudonymise import pseudonymise
from touchstone.landing.stage import Staged, stage
from touchstone.landing.streams import Stream
from touchstone.names import nearest
from touchstone.settings import Settings, SettingsMistake


@dataclass
class Landed:
    """The result of one landing of a stream."""

    source: str
    totals: Totals = field(default_factory=Totals)
    refused: list[Refused] = field(default_factory=list)
    known_files: int = 0  # found again, under the same name or another
    unlisted_files: int = 0  # in folders of an object store that were not due
    changed_files: list[tuple[str, Totals, Totals]] = field(default_factory=list)  # path, counts before and now
    ignored_kinds: dict[str, int] = field(default_factory=dict)
    unknown_fields: dict[str, int] = field(default_factory=dict)


Progress = Callable[[str], None]


def location(stream: Stream, settings: Settings) -> str | Path:
    return settings.locations.get(stream.source) or settings.inbox / stream.system / stream.name


def files_of(stream: Stream, settings: Settings) -> list[Found | Refused]:
    """All files of a stream."""
    return [*find(location(stream, settings)), *_fetched(stream, settings)]


def entries_of(stream: Stream, settings: Settings, ledger: Ledger) -> list[Found | Refused]:
    """All files of a stream. Erased persons are replaced in their paths, as the ledger knows them."""
    return _without_persons(files_of(stream, settings), ledger)


def _fetched(stream: Stream, settings: Settings) -> list[Found | Refused]:
    """What was fetched into the inbox, of a stream whose other files are elsewhere."""
    if stream.source not in settings.locations:
        return []
    return _below(FETCHED, settings.inbox / stream.system / stream.name)


def _below(folder: str, place: str | Path) -> list[Found | Refused]:
    """The files below a folder of a place."""
    return [replace(entry, path=f"{shown(folder)}/{entry.path}") for entry in find(f"{place}/{folder}")]


def _without_persons(entries: list[Found | Refused], ledger: Ledger) -> list[Found | Refused]:
    if persons := ledger.persons:
        return [replace(entry, path=persons.text(entry.path)) for entry in entries]
    return entries


def recent_files(stream: Stream, settings: Settings) -> list[Found | Refused]:
    """The files of a stream's location, of an object store those of the last days and of no day."""
    place = location(stream, settings)
    if local_folder(place):
        return find(place)
    return Store(str(place)).recent(datetime.now(UTC)).entries


def land(stream: Stream, settings: Settings, ledger: Ledger, progress: Progress, below: str = "") -> Landed:
    """Land every file of the stream that the ledger doesn't know by its content, or those `below` a folder alone.

    Raises LedgerUnavailable, and SettingsMistake for what can't be a location or a folder below it.
    """
    below = below.strip("/")
    if ".." in below.split("/"):
        raise SettingsMistake(f"below: {printable(below)} is not below the stream's location; name a folder in it")
    with ledger.landing(stream.source):
        return _land(stream, settings, ledger, progress, below)


def _land(stream: Stream, settings: Settings, ledger: Ledger, progress: Progress, below: str) -> Landed:
    before = ledger.last_load_id()
    batch = Batch(stream, settings, ledger)
    now = datetime.now(UTC)
    pseudonymise(stream, settings, ledger, now)
    landed = Landed(stream.source)
    listing, listings = _listed(stream, settings, ledger, now, below)
    fetched = [] if below else _without_persons(_fetched(stream, settings), ledger)
    entries = [*listing.entries, *fetched]
    landed.unlisted_files = listing.unlisted or 0
    landed.refused = [entry for entry in entries if isinstance(entry, Refused)]
    elsewhere = settings.locations.get(stream.source)
    if is_missing := bool(elsewhere) and not (listing.entries or landed.unlisted_files or exists(str(elsewhere))):
        missing = f"{elsewhere} of the setting locations does not exist; correct or remove it there"
        landed.refused.append(Refused(".", missing))
    found = [entry for entry in entries if isinstance(entry, Found)]
    seen = ledger.stamps(stream.source)
    new = [file for file in found if seen.get(file.path) != file.stamp]
    landed.known_files = len(found) - len(new)
    done = landed.known_files
    if new:
        progress(f"{stream.source}: {len(new)} new of {len(found)} files")
    for files in _batches(stream, settings, ledger, new, landed):
        landed.refused += batch.land(files)
        done += len(files)
        progress(f"{stream.source}: {done} of {len(found)} files")
    unlisted = [path for path in ledger.paths(stream.source) if not listing.covers(path)]
    # A machine to which no file comes knows nothing of those of others.
    if entries or landed.refused or not settings.ledger_postgres:
        ledger.replace_refused(stream.source, landed.refused, but_for=unlisted)
    paths = [] if is_missing else [*(entry.path for entry in entries), *unlisted]
    quarantine.close_changed(ledger.connection, stream.source, paths)
    ledger.forget_paths(stream.source, paths)
    if listings:
        listings.record(listing, now)
    landed.totals = ledger.totals(stream.source, since=before)
    landed.changed_files = ledger.changed_files(stream.source, since=before)
    landed.ignored_kinds = ledger.ignored_kinds(stream.source, since=before)
    landed.unknown_fields = ledger.unknown_fields(stream.source, since=before)
    return landed


def _listed(
    stream: Stream, settings: Settings, ledger: Ledger, now: datetime, below: str
) -> tuple[Listing, Listings | None]:
    """The files of a stream's location, or those below a folder of it; of a whole object store those in folders that
    are due, with the table of its folders.
    """
    place = location(stream, settings)
    if below:
        return Listing(_without_persons(_below(below, place), ledger), below=below), None
    if local_folder(place):
        return Listing(_without_persons(find(place), ledger)), None
    persons = ledger.persons
    store = Store(str(place), (lambda name: persons.text(shown(name))) if persons else shown)
    listings = Listings(ledger.connection, stream.source, str(place))
    if settings.list_all:
        return store.whole(), listings
    return store.due(listings.known(), ledger.paths_to_read(stream.source), now), listings


def record_unread(settings: Settings, ledger: Ledger, sources: list[str]) -> list[Refused]:
    """Record in the ledger, and return, what no stream reads: files in the inbox, and streams that settings name."""
    unread = find_unread(settings.inbox, sources)
    named = {"locations": settings.locations, "ended_sources": settings.ended_sources}
    unknown = [
        Refused(f"{setting}: {name}", f"no stream has this name; {nearest(name, sources)}")
        for setting, names in named.items()
        for name in names
        if name not in sources
    ]
    ledger.replace_refused("inbox", unread)
    ledger.replace_refused("settings", unknown)
    return unread + unknown


def replay(stream: Stream, settings: Settings, ledger: Ledger) -> int:
    """Validate the stream's quarantined records again by today's rules; returns how many landed."""
    with ledger.landing(stream.source):
        return Batch(stream, settings, ledger).replay()


def _batches(
    stream: Stream, settings: Settings, ledger: Ledger, new: Sequence[Found], landed: Landed
) -> Iterator[list[Staged]]:
    """Files with new content, in the order of their paths, in batches of about `batch_bytes` uncompressed.

    Due to the order, an interrupted run leaves the same ledger: the first file has a fact, later ones repeat it.
    """
    if not new:
        return
    folder = settings.scratch / "stage"
    shutil.rmtree(folder, ignore_errors=True)  # left by a killed run
    folder.mkdir()
    batch: list[Staged] = []
    size = 0
    known = ledger.hashes(stream.source)
    again: dict[Found, str] = {}
    for found, staged in _staged(new, folder, settings.max_gzip_ratio):
        if isinstance(staged, Refused):
            landed.refused.append(staged)
        elif staged.hash in known:
            landed.known_files += 1
            again[found] = staged.hash
            staged.path.unlink()
        else:
            if batch and size + staged.size > settings.batch_bytes:
                yield batch
                batch, size = [], 0
            known.add(staged.hash)
            batch.append(staged)
            size += staged.size
    ledger.record_seen(stream.source, again)
    if batch:
        yield batch
    folder.rmdir()


def _staged(new: Sequence[Found], folder: Path, max_ratio: int) -> Iterator[tuple[Found, Staged | Refused]]:
    """Each file with its copy, or the refusal; a few files are copied ahead, in parallel."""

    def copied(number: int, found: Found) -> Staged | Refused:
        try:
            return stage(found, folder / f"{number:08d}", max_ratio)
        except FileRefused as refusal:
            return Refused(found.path, str(refusal))

    workers = os.cpu_count() or 1
    ahead: deque[tuple[Found, Future[Staged | Refused]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for number, found in enumerate(new):
            ahead.append((found, pool.submit(copied, number, found)))
            if len(ahead) > workers:
                first, copy = ahead.popleft()
                yield first, copy.result()
        for found, copy in ahead:
            yield found, copy.result()
