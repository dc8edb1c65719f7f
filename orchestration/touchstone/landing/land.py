"""Lands one stream: new files in batches, each batch all or nothing."""

from __future__ import annotations

import os
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa

from touchstone.landing import parquet, quarantine, records
from touchstone.landing.formats import FileRefused
from touchstone.landing.inbox import Found, Refused, exists, find, strays
from touchstone.landing.judge import Judge
from touchstone.landing.ledger import Ledger, Totals, unfinished
from touchstone.landing.splitter import split
from touchstone.landing.stage import Staged, first_line, stage
from touchstone.landing.streams import Stream
from touchstone.landing.unwrap import Route
from touchstone.names import nearest
from touchstone.settings import Settings

# Documents taken apart by the exact reader are handed on in pieces of this many characters.
_PIECE = 64 * 2**20
# The part of a batch that is read ahead of the rest, in bytes.
_FIRST = 16 * 2**20
_DOCUMENTS = pa.schema(
    [
        ("filename", pa.string()),
        ("byte_offset", pa.int64()),
        ("line", pa.int64()),
        ("text", pa.string()),
        ("error", pa.string()),
        ("way", pa.int64()),
    ]
)


@dataclass
class Landed:
    """What one landing of a stream did."""

    source: str
    totals: Totals = field(default_factory=Totals)
    refused: list[Refused] = field(default_factory=list)
    known_files: int = 0  # found again, under the same name or another
    changed_files: list[tuple[str, Totals, Totals]] = field(default_factory=list)  # path, what it held, and now
    ignored_kinds: dict[str, int] = field(default_factory=dict)
    unknown_fields: dict[str, int] = field(default_factory=dict)


Progress = Callable[[str], None]


def location(stream: Stream, settings: Settings) -> str | Path:
    return settings.locations.get(stream.source) or settings.inbox / stream.system / stream.name


def land(stream: Stream, settings: Settings, ledger: Ledger, progress: Progress) -> Landed:
    """Land every file of the stream that the ledger doesn't know by its content."""
    before = ledger.last_number()
    landing = _Landing(stream, settings, ledger)
    landed = Landed(stream.source)
    entries = find(location(stream, settings))
    if (elsewhere := settings.locations.get(stream.source)) and not exists(elsewhere):
        entries.append(Refused(".", f"{elsewhere} of the setting locations does not exist; mend or remove it there"))
    landed.refused = [entry for entry in entries if isinstance(entry, Refused)]
    found = [entry for entry in entries if isinstance(entry, Found)]
    new = landing.unseen(found)
    landed.known_files = len(found) - len(new)
    done = landed.known_files
    for batch in landing.batches(new, landed):
        landing.land_files(batch, landed)
        done += len(batch)
        progress(f"{stream.source}: {done} of {len(found)} files")
    ledger.replace_refused(stream.source, landed.refused)
    quarantine.close_changed(ledger.connection, stream.source, [entry.path for entry in entries])
    landed.totals = ledger.totals(stream.source, since=before)
    landed.changed_files = ledger.changed_files(stream.source, since=before)
    landed.ignored_kinds = ledger.ignored_kinds(stream.source, since=before)
    landed.unknown_fields = ledger.unknown_fields(stream.source, since=before)
    return landed


def name_strays(settings: Settings, ledger: Ledger, sources: list[str]) -> list[Refused]:
    """What of the inbox no stream reads, and what settings say of streams that there are none of, in the ledger."""
    unread = strays(settings.inbox, sources)
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
    """Judge the stream's quarantined records again, by the rules of today; returns how many got out."""
    return _Landing(stream, settings, ledger).replay_quarantine()


class _Landing:
    def __init__(self, stream: Stream, settings: Settings, ledger: Ledger) -> None:
        self._stream = stream
        self._settings = settings
        self._ledger = ledger
        self._sql = ledger.connection
        self._judge = Judge(stream, ledger.connection)
        self._files: dict[str, Staged] = {}  # of the batch, by the names that they are read under
        self._folder = settings.lake / stream.system / stream.name
        self._folder.mkdir(parents=True, exist_ok=True)
        self._write_schema()

    def unseen(self, found: list[Found]) -> list[Found]:
        """Those whose stamp is not the one the ledger has for their path."""
        seen = self._ledger.stamps(self._stream.source)
        return [file for file in found if seen.get(file.path) != file.stamp]

    def batches(self, new: list[Found], landed: Landed) -> Iterator[list[Staged]]:
        """Files with new content, in the order of their paths, in pieces of about `batch_bytes` uncompressed.

        The order makes the ledger the same however a run was cut: the first file tells a fact, later ones repeat it.
        """
        folder = self._settings.scratch / "stage"
        shutil.rmtree(folder, ignore_errors=True)  # what a killed run left
        folder.mkdir()
        batch: list[Staged] = []
        size = 0
        known = self._ledger.hashes(self._stream.source)
        for found, staged in self._staged(new, folder):
            if isinstance(staged, Refused):
                landed.refused.append(staged)
            elif staged.hash in known:
                landed.known_files += 1
                self._ledger.see(self._stream.source, {found: staged.hash})
                staged.path.unlink()
            else:
                if batch and size + staged.size > self._settings.batch_bytes:
                    yield batch
                    batch, size = [], 0
                known.add(staged.hash)
                batch.append(staged)
                size += staged.size
        if batch:
            yield batch
        folder.rmdir()

    def _staged(self, new: list[Found], folder: Path) -> Iterator[tuple[Found, Staged | Refused]]:
        """Each file with its copy, or why there is none; a few are copied ahead, side by side."""

        def copied(number: int, found: Found) -> Staged | Refused:
            try:
                return stage(found, folder / f"{number:08d}", self._settings.max_gzip_ratio)
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

    def land_files(self, files: list[Staged], landed: Landed) -> None:
        """Type and judge the files' records, then commit them; a file that is refused is left out."""
        self._files = {str(file.path): file for file in files}
        self._begin([(str(f.path), f.hash, f.found.path, f.bytes) for f in files])
        refused = set()
        exact = self._read_fast(files)
        for file in exact:
            if file.is_parquet:
                try:
                    self._read_parquet(file)
                except FileRefused as refusal:
                    landed.refused.append(Refused(file.found.path, str(refusal)))
                    refused.add(file)
        refused |= self._read_exactly([file for file in files if file in exact and not file.is_parquet], landed)
        self._forget(refused)
        for file in refused:
            self._sql.execute("delete from batch_files where filename = ?", [str(file.path)])
        kept = [file for file in files if file not in refused]
        self._commit(lambda number: self._ledger.count_landed(self._stream, number))
        self._ledger.see(self._stream.source, {file.found: file.hash for file in kept})
        for file in files:
            file.path.unlink()

    def replay_quarantine(self) -> int:
        """Take quarantined text through the rules again; what is still refused stays as it is."""
        rows = self._sql.execute(
            "select quarantine_id::varchar, content_hash, path, byte_offset, line, text from quarantine "
            "where source = ? and replayed_in is null and text <> '' order by path, byte_offset, quarantine_id",
            [self._stream.source],
        ).fetchall()
        if not rows:
            return 0
        self._begin([(row[0], row[1], row[2], 0) for row in rows])
        for start in range(0, len(rows), 1000):
            piece = rows[start : start + 1000]
            self._insert((id_, offset, line, text, None) for id_, _, _, offset, line, text in piece)
        # A text of which any record is still quarantined waits as a whole.
        self._sql.execute(
            "delete from batch where _filename in (select _filename from batch where _verdict = 'quarantined')"
        )
        self._sql.execute("delete from batch_files where filename not in (select _filename from batch)")
        self._commit(lambda number: self._ledger.count_replayed(self._stream, number))
        row = self._sql.execute("select count(*) from batch_files").fetchone()
        assert row is not None
        return int(row[0])

    def _begin(self, files: list[tuple[str, str, str, int]]) -> None:
        """Tables `batch`, of judged records, empty, and `batch_files`: ordinal, filename, content_hash, path, bytes."""
        self._sql.execute(f"create or replace temp table batch as {self._judge.empty()}")
        names, hashes, paths, sizes = zip(*files, strict=True)
        table = pa.table(
            {
                "ordinal": range(len(files)),
                "filename": names,
                "content_hash": hashes,
                "path": paths,
                "bytes": sizes,
            }
        )
        self._sql.register("batch_files_arrow", table)
        self._sql.execute("create or replace temp table batch_files as select * from batch_files_arrow")
        self._sql.unregister("batch_files_arrow")

    def _read_fast(self, files: list[Staged]) -> set[Staged]:
        """Read files as clean newline-delimited JSON; returns those that are not, with nothing of them kept."""
        exact = {file for file in files if file.is_parquet}
        lines = [file for file in files if file not in exact]
        # Of a shape that was looked at before, no record's text has to be kept: a part of the files shows most of them.
        every = max(1, sum(file.size for file in lines) // _FIRST)
        for part in (lines[::every], [file for number, file in enumerate(lines) if number % every]):
            alike: dict[Route, list[Staged]] = {}
            for file in part:
                alike.setdefault(self._judge.route(first_line(file.path)), []).append(file)
            exact |= self._try_fast(alike)
        self._judge.settle()
        # What is quarantined has to be told with its place.
        unclean = self._sql.execute("select distinct _filename from batch where _verdict = 'quarantined'").fetchall()
        odd = {self._files[name] for (name,) in unclean}
        self._forget(odd)
        return exact | odd

    def _try_fast(self, alike: Mapping[Route, list[Staged]]) -> set[Staged]:
        """Read groups of files (by route) in one statement; returns those that can't be read so.

        One unreadable file fails the whole statement: then each group is tried by itself, and each half of one.
        """
        if not alike:
            return set()
        lines = [(records.read_lines(file.path for file in files), route) for route, files in alike.items()]
        try:
            self._judge.judge(lines)
        except duckdb.Error:
            ((key, files), *others) = alike.items()
            if others:
                return self._try_fast({key: files}) | self._try_fast(dict(others))
            if len(files) == 1:
                return set(files)
            half = len(files) // 2
            return self._try_fast({key: files[:half]}) | self._try_fast({key: files[half:]})
        return set()

    def _read_parquet(self, file: Staged) -> None:
        """Each row is a record; its line is the number of the row."""
        try:
            self._judge.judge([(parquet.rows(self._sql, file.path), ())])
        except duckdb.Error:
            raise FileRefused("not a Parquet file that can be read: it is damaged; fetch or write it again") from None
        self._judge.settle()

    def _read_exactly(self, files: Iterable[Staged], landed: Landed) -> set[Staged]:
        """Read what is no clean newline-delimited JSON, of several files at a time; returns those that are refused."""
        piece: list[tuple[str, int, int, str, str | None]] = []
        ignored: list[tuple[str, int, int, str]] = []
        refused = set()
        size = 0
        for file in files:
            try:
                for document in split(file.path, self._settings.max_record_bytes):
                    if document.kind:
                        ignored.append((str(file.path), document.offset, document.line, document.kind))
                        continue
                    piece.append((str(file.path), document.offset, document.line, document.text, document.error))
                    size += len(document.text)
                    if size > _PIECE:
                        self._insert(piece)
                        piece, size = [], 0
            except FileRefused as refusal:
                landed.refused.append(Refused(file.found.path, str(refusal)))
                refused.add(file)
        self._insert(piece)
        self._ignore(ignored)
        return refused

    def _ignore(self, pieces: list[tuple[str, int, int, str]]) -> None:
        """Enter text that is known to be no record: filename, byte offset, line, and kind of each piece."""
        if not pieces:
            return
        columns = dict(zip(("_filename", "_byte_offset", "_line", "_kind"), zip(*pieces, strict=True), strict=True))
        self._sql.register("ignored_arrow", pa.table({name: list(values) for name, values in columns.items()}))
        self._sql.execute("insert into batch by name select *, 'ignored' as _verdict from ignored_arrow")
        self._sql.unregister("ignored_arrow")

    def _insert(self, documents: Iterable[tuple[str, int, int, str, str | None]]) -> None:
        columns = list(zip(*documents, strict=True))
        if not columns:
            return
        # Each file's first document shows the way to its records; one that parts documents would part their places.
        routes: dict[str, Route] = {}
        for filename, text in zip(columns[0], columns[3], strict=True):
            if filename not in routes:
                route = self._judge.route(text)
                routes[filename] = () if ("each",) in route else route
        ways = {route: way for way, route in enumerate(dict.fromkeys(routes.values()))}
        columns.append(tuple(ways[routes[filename]] for filename in columns[0]))
        table = pa.table(dict(zip(_DOCUMENTS.names, map(list, columns), strict=True)), schema=_DOCUMENTS)
        self._sql.register("documents_arrow", table)
        self._judge.judge([(f"select * from documents_arrow where way = {way}", route) for route, way in ways.items()])
        self._sql.unregister("documents_arrow")
        self._judge.settle()

    def _forget(self, files: Iterable[Staged]) -> None:
        for file in files:
            self._sql.execute("delete from batch where _filename = ?", [str(file.path)])

    def _commit(self, count: Callable[[int], None]) -> None:
        """Write the batch's facts to the lake and its story to the ledger: all of it or, if killed, nothing."""
        number = self._ledger.next_number()
        # DuckDB may number rows anew between transactions once some were deleted: row ids hold within one only.
        self._sql.execute("begin")
        try:
            self._ledger.leave_out_retracted(self._stream)
            self._mark_repeats()
            written = self._write_lake(number)
            count(number)
            quarantine.close_landed(self._sql, self._stream.source)
            self._sql.execute("commit")
        except BaseException:
            self._sql.execute("rollback")
            raise
        if written:
            os.replace(unfinished(written), written)

    def _mark_repeats(self) -> None:
        """Table `repeats`: the accepted records whose key an earlier record has, in the lake or in this batch.

        Tables on the way: `firsts`, the first record of each key in the batch, and `known`, the lake's files that
        have such a key; where the key holds the date, they are sought among those of the batch's dates.
        """
        self._sql.execute("""
            create or replace temp table firsts as
            select _key, arg_min(batch.rowid, ordinal) as row_number
            from batch
            inner join batch_files on batch._filename = batch_files.filename
            where _verdict = 'accepted'
            group by _key
        """)
        paths = self._ledger.lake_paths(self._stream.source, of_batch=self._stream.dated_key)
        lake = (
            f"read_parquet({records.files(paths)}, filename = true)"
            if paths
            else "(select null as filename, _key from firsts)"
        )
        self._sql.execute(f"""
            create or replace temp table known as
            select distinct _key, filename
            from {lake}
            semi join firsts using (_key)
            where filename is not null
        """)
        self._sql.execute("""
            create or replace temp table repeats as
            select batch.rowid as row_number, batch._key
            from batch
            inner join firsts using (_key)
            where _verdict = 'accepted' and (batch.rowid <> firsts.row_number or _key in (select _key from known))
        """)

    def _told(self) -> str:
        """The lake's records of the table `known`'s keys."""
        columns = ", ".join([*map(records.quoted, self._stream.columns), "_key"])
        paths = [path for (path,) in self._sql.execute("select distinct filename from known order by 1").fetchall()]
        lake = records.read_lake(paths) if paths else "batch"
        return f"select {columns} from {lake} where _key in (select _key from known)"

    def _write_lake(self, number: int) -> Path | None:
        """Facts that are new, and further versions of known ones. Returns the file, still `unfinished`."""
        content = records.content(self._stream)
        names = ", ".join(map(records.quoted, self._stream.columns))
        self._sql.execute(f"""
            create or replace temp table versions as
            with repeated as (
                select row_number, batch._key, {content} as content
                from batch
                inner join repeats on batch.rowid = repeats.row_number
            ),
            told as (
                select _key, {content} as content
                from ({self._told()})
                union all
                select _key, {content}
                from batch
                where
                    rowid in (select row_number from firsts semi join repeats using (_key))
                    and rowid not in (select row_number from repeats)
            )
            select min(row_number) as row_number
            from repeated
            anti join told using (_key, content)
            group by _key, content
        """)
        facts = f"""
            select
                {names}, batch._key, _at, _date, _kind, path as _file,
                repeats.row_number is not null as _is_repeat,
                {number}::bigint as _landing, ({number}::bigint << 32) + batch.rowid as _record_id
            from batch
            inner join batch_files on batch._filename = batch_files.filename
            left join repeats on batch.rowid = repeats.row_number
            where
                _verdict = 'accepted'
                and (repeats.row_number is null or batch.rowid in (select row_number from versions))
        """
        path = self._folder / f"{number:08d}.parquet"
        rows = self._copy(facts, unfinished(path))
        if rows == 0:
            unfinished(path).unlink()
            return None
        self._ledger.add_lake_file(self._stream.source, path, rows, number)
        return path

    def _write_schema(self) -> None:
        """An empty file with every declared column: dbt can read a stream that nothing was landed of yet."""
        path = self._folder / "schema.parquet"
        self._copy(
            f"select * exclude (_filename, _byte_offset, _line, _fields, _shape, _verdict, _reason, _text), "
            "''::varchar as _file, "
            f"false as _is_repeat, 0::bigint as _landing, 0::bigint as _record_id from ({self._judge.empty()}) limit 0",
            unfinished(path),
        )
        os.replace(unfinished(path), path)

    def _copy(self, query: str, path: Path) -> int:
        row = self._sql.execute(
            f"copy ({query}) to {records.literal(str(path))} "
            "(format parquet, compression zstd, compression_level 1, row_group_size 40960)"
        ).fetchone()
        assert row is not None
        with path.open("rb") as file:
            os.fsync(file.fileno())
        return int(row[0])
