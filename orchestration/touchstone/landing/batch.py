"""A batch of one stream's files, or of its quarantined texts: read, validated and written, all or nothing."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from touchstone.landing.inbox import Refused
from touchstone.landing.ledger import Ledger
from touchstone.landing.reader import Reader
from touchstone.landing.stage import Staged
from touchstone.landing.streams import Stream
from touchstone.landing.validator import Validator
from touchstone.landing.writer import Writer
from touchstone.settings import Settings

_TEXTS = 1000  # quarantined texts that are validated at a time


class Batch:
    """One at a time: the tables `batch`, of validated records, and `batch_files` hold it."""

    def __init__(self, stream: Stream, settings: Settings, ledger: Ledger) -> None:
        self._stream = stream
        self._ledger = ledger
        self._sql = ledger.connection
        self._validator = Validator(stream, ledger.connection)
        self._reader = Reader(self._validator, ledger.connection, settings.max_record_bytes)
        self._writer = Writer(stream, ledger)
        self._validator.start_batch()
        self._writer.write_schema()

    def land(self, files: Sequence[Staged]) -> list[Refused]:
        """Land the files, and remove their copies; returns the files that are refused, of which no record lands."""
        self._start([(str(file.path), file.hash, file.found.path, file.bytes) for file in files])
        refused = self._reader.read(files)
        self._sql.execute(
            "delete from batch_files where filename in (select unnest(?::varchar[]))",
            [[str(file.path) for file in refused]],
        )
        self._writer.commit(lambda number: self._ledger.count_landed(self._stream, number))
        kept = {file.found: file.hash for file in files if file not in refused}
        self._ledger.record_seen(self._stream.source, kept)
        for file in files:
            file.path.unlink()
        return [Refused(file.found.path, reason) for file, reason in refused.items()]

    def replay(self) -> int:
        """Validate quarantined texts by today's rules; those that still fail stay. Returns how many landed."""
        rows = self._sql.execute(
            "select quarantine_id::varchar, content_hash, path, byte_offset, line, text from quarantine "
            "where source = ? and replayed_in is null and text <> '' order by path, byte_offset, quarantine_id",
            [self._stream.source],
        ).fetchall()
        if not rows:
            return 0
        self._start([(id_, hash_, path, 0) for id_, hash_, path, *_ in rows])
        for start in range(0, len(rows), _TEXTS):
            piece = rows[start : start + _TEXTS]
            self._reader.read_documents((id_, offset, line, text, None) for id_, _, _, offset, line, text in piece)
        # A text stays in quarantine as a whole while any of its records does.
        self._sql.execute(
            "delete from batch where _filename in (select _filename from batch where _status = 'quarantined')"
        )
        self._sql.execute("delete from batch_files where filename not in (select _filename from batch)")
        self._writer.commit(lambda number: self._ledger.count_replayed(self._stream, number))
        row = self._sql.execute("select count(*) from batch_files").fetchone()
        assert row is not None
        return int(row[0])

    def _start(self, files: Sequence[tuple[str, str, str, int]]) -> None:
        """Empty the table `batch`, and fill `batch_files`: ordinal, filename, content_hash, path, bytes."""
        self._validator.start_batch()
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
