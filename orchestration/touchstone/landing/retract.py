"""Removes a landed file or record, as if it had never landed.

Retracting a file deletes its rows from lake and ledger. Other files may have the same facts, which were dropped there
as repeats: their rows are deleted too, and they land again in the next run. Retracted content doesn't land again: a
file is identified by its content, a record by its key and all of its values.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from touchstone.landing.inbox import Found
from touchstone.landing.land import entries_of
from touchstone.landing.ledger import Ledger, content_text
from touchstone.landing.records import read_lake
from touchstone.landing.rewrite import Rewrite, rewriting
from touchstone.landing.streams import Stream
from touchstone.settings import Settings

# How many of the files that are gone a message names.
_SHOWN = 3
# The file of the lake's rows with a path and a load. A replayed record belongs to the file that it was quarantined
# from.
_OWNERS = """
    select content_hash, path, landing from files where source = $source
    union
    select content_hash, path, replayed_in from quarantine where source = $source and replayed_in is not null
"""


class CannotRetract(Exception):
    """Nothing was retracted; the message has the reason and the remedy."""


@dataclass(frozen=True)
class Retracted:
    """What was retracted from a source: paths of files, and the number of records, further versions included.

    `again`: files that land again in the next run, as they may repeat retracted facts. `lost`: such files that are
    gone, so that facts which only they repeat are lost.
    """

    source: str
    files: Sequence[str]
    records: int
    again: Sequence[str] = ()
    lost: Sequence[str] = ()


def retract_file(
    ledger: Ledger, settings: Settings, streams: Iterable[Stream], named: str, why: str, anyway: bool = False
) -> Retracted:
    """Retract a file: every content that landed as `system/stream/path`, or the content with that hash.

    Raises CannotRetract if there is none, or if files that may repeat its records are gone, unless `anyway`.
    """
    rows = ledger.connection.execute(
        "select source, content_hash, path, landing from files where content_hash = $1 or source || '/' || path = $1 "
        "or (source, content_hash) in (select (source, content_hash) from seen where source || '/' || path = $1)",
        [named],
    ).fetchall()
    stream = next((stream for stream in streams if rows and stream.source == rows[0][0]), None)
    if stream is None:
        raise CannotRetract(f"{named} has not landed: give system/stream/path, or the ledger's content_hash")
    hashes = [hash_ for _, hash_, _, _ in rows]
    repeating = ledger.connection.execute(
        "select content_hash, path from files where source = ? and landing >= ? and duplicates > 0 "
        "and content_hash not in (select unnest(?::varchar[])) order by path",
        [stream.source, min(landing for _, _, _, landing in rows), hashes],
    ).fetchall()
    available = _available(ledger, settings, stream)
    again = {hash_: path for hash_, path in repeating if hash_ in available}
    lost = [path for hash_, path in repeating if hash_ not in available]
    if lost and not anyway:
        raise CannotRetract(
            f"{len(lost)} files of {stream.source} may repeat records of {named}, and are gone: "
            f"{', '.join(lost[:_SHOWN])}{' and others' if lost[_SHOWN:] else ''}. Put them back, or lose the records "
            "that only they repeat (ANYWAY=1)"
        )
    with rewriting(ledger, stream.source) as rewrite:
        change = _Change(rewrite)
        change.remove("content_hash in (select unnest($hashes::varchar[]))", hashes=[*hashes, *again])
        records = change.removed_of(hashes)
        change.delete_rows([*hashes, *again])
        for _, hash_, path, _ in rows:
            change.record_retraction(path, why, content_hash=hash_)
        change.write()
    ledger.keep_what_the_lake_lacks()
    return Retracted(stream.source, [path for _, _, path, _ in rows], records, list(again.values()), lost)


def retract_record(ledger: Ledger, streams: Iterable[Stream], record_id: int, why: str) -> Retracted:
    """Retract a version of a fact, by its `_record_id`; copies of it in later files don't land.

    Raises CannotRetract if there is no such record.
    """
    row = ledger.connection.execute(
        "select source from lake_files where landing = ? limit 1", [record_id >> 32]
    ).fetchone()
    stream = next((stream for stream in streams if row and stream.source == row[0]), None)
    if stream is None:
        raise CannotRetract(f"no landed record has the id {record_id}")
    with rewriting(ledger, stream.source) as rewrite:
        change = _Change(rewrite)
        change.remove("_record_id = $record_id", record_id=record_id)
        found = ledger.connection.execute(
            f"select lake._key, {content_text(stream)}, content_hash, lake._file, lake._is_repeat "
            f"from {change.lake} as lake inner join removed using (_record_id)"
        ).fetchone()
        if found is None:
            raise CannotRetract(f"no landed record has the id {record_id}")
        key, content, hash_, path, is_repeat = found
        counted = "duplicates" if is_repeat else "accepted"
        ledger.connection.execute(
            f"update files set {counted} = {counted} - 1, ignored = ignored + 1 where source = ? and content_hash = ?",
            [stream.source, hash_],
        )
        ledger.connection.execute(
            "insert into ignored select source, content_hash, 'retracted', 1, landing from files "
            "where source = ? and content_hash = ?",
            [stream.source, hash_],
        )
        change.record_retraction(path, why, content_hash=hash_, record_key=key, record_content=content)
        change.write()
    ledger.keep_what_the_lake_lacks()
    return Retracted(stream.source, [path], 1)


def undo(ledger: Ledger, named: str) -> int:
    """Undo retractions, by number, path or hash, so that their content can land again; returns how many."""
    row = ledger.connection.execute(
        "update retractions set undone_at = ? where undone_at is null "
        "and (retraction::varchar = ? or content_hash = ? or source || '/' || path = ?)",
        [_now(), named, named, named],
    ).fetchone()
    ledger.keep_what_the_lake_lacks()
    return int(row[0]) if row else 0


class _Change:
    """A retraction in its transaction. The table `removed` has the rows of the lake to delete."""

    def __init__(self, rewrite: Rewrite) -> None:
        self._rewrite = rewrite
        self._ledger = rewrite.ledger
        self._sql = rewrite.ledger.connection
        self._source = rewrite.source
        self.lake = read_lake(rewrite.paths())

    def remove(self, condition: str, **parameters: object) -> None:
        """Choose the rows of the lake to delete."""
        self._sql.execute(
            f"""
            create or replace temp table removed as
            select _record_id, _landing, _key, _is_repeat, content_hash
            from {self.lake} as lake
            inner join ({_OWNERS}) as owners on lake._file = owners.path and lake._landing = owners.landing
            where {condition}
            """,
            {"source": self._source, **parameters},
        )

    def removed_of(self, hashes: Sequence[str]) -> int:
        row = self._sql.execute(
            "select count(*) from removed where content_hash in (select unnest(?::varchar[]))", [hashes]
        ).fetchone()
        return int(row[0]) if row else 0

    def delete_rows(self, hashes: Sequence[str]) -> None:
        """Delete the ledger's rows of the files."""
        for table in ("files", "quarantine", "ignored"):
            self._sql.execute(
                f"delete from {table} where source = ? and content_hash in (select unnest(?::varchar[]))",
                [self._source, hashes],
            )
        self._sql.execute(
            "delete from unknown_fields where source = $1 "
            "and landing not in (select landing from files where source = $1)",
            [self._source],
        )

    def record_retraction(self, path: str, why: str, **known: str) -> None:
        names = "".join(f", {name}" for name in known)
        self._sql.execute(
            f"insert into retractions (retraction, source, path, why, retracted_at, landing, build{names}) "
            f"select coalesce(max(retraction), 0) + 1, ?, ?, ?, ?, ?, "
            f"greatest(?, (select coalesce(max(build), 0) from builds)){', ?' * len(known)} from retractions",
            # a number that is greater than those of all builds before it, also of other machines
            [
                self._source,
                path,
                why,
                _now(),
                self._ledger.last_load_id(),
                self._ledger.next_load_id(),
                *known.values(),
            ],
        )

    def write(self) -> None:
        """Write the lake's files without the removed rows.

        If the first record of a fact is removed, the earliest one that stays counts as accepted, not as a duplicate.
        """
        self._sql.execute(f"""
            create or replace temp table promoted as
            select arg_min(_record_id, _record_id) as _record_id, arg_min(_landing, _record_id) as _landing,
                arg_min(_file, _record_id) as _file
            from {self.lake}
            where _key in (select _key from removed where not _is_repeat)
                and _record_id not in (select _record_id from removed)
            group by _key
        """)
        self._sql.execute(
            f"""
            update files set accepted = accepted + promoted, duplicates = duplicates - promoted
            from (
                select content_hash, count(*) as promoted
                from promoted
                inner join ({_OWNERS}) as owners on promoted._file = owners.path and promoted._landing = owners.landing
                group by content_hash
            ) as counted
            where files.source = $source and files.content_hash = counted.content_hash
            """,
            {"source": self._source},
        )
        # A quarantined record is open again if the record that closed it is removed.
        self._sql.execute(
            f"""
            update quarantine set closed_at = null, closed_as = null
            where source = ? and closed_as = 'landed' and record_key in (select _key from removed)
                and record_key not in (
                    select _key from {self.lake} where _record_id not in (select _record_id from removed)
                )
            """,
            [self._source],
        )
        for (path,) in self._sql.execute(
            "select distinct path from lake_files where source = ? and landing in ("
            "select _landing from removed union select _landing from promoted) order by path",
            [self._source],
        ).fetchall():
            file = str(self._ledger.lake / path)
            self._rewrite.replace(
                [file],
                "select * exclude (filename) "
                "replace (_is_repeat and _record_id not in (select _record_id from promoted) as _is_repeat) "
                f"from {read_lake([file])} where _record_id not in (select _record_id from removed)",
            )
        self._ledger.recount_hours(self._source, self._rewrite.paths())


def _available(ledger: Ledger, settings: Settings, stream: Stream) -> set[str]:
    """The hashes of contents whose files are unchanged since they landed."""
    stamps = {entry.path: entry.stamp for entry in entries_of(stream, settings, ledger) if isinstance(entry, Found)}
    rows = ledger.connection.execute(
        "select path, stamp, content_hash from seen where source = ?", [stream.source]
    ).fetchall()
    return {hash_ for path, stamp, hash_ in rows if stamps.get(path) == stamp}


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
