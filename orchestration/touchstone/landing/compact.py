"""Compacts the lake and the ledger, which would grow by a file and by rows for each stream and night."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from touchstone.landing.ledger import Ledger
from touchstone.landing.records import read_lake
from touchstone.landing.rewrite import rewriting
from touchstone.settings import Settings

# So many files of a source of about one size become one. A record is written again each time that its file grows by
# this factor, and a source has at most some of these times as many files.
_FILES = 16
# Smaller files count as of one size; larger ones stay as they are.
_LEAST_BYTES, _MOST_BYTES = 2**16, 2**27
# No vendor keeps anything for so many days: what was fetched before can't be fetched again.
_LONGEST_KEPT = 500


def compact_lake(ledger: Ledger) -> int:
    """Write small files of the lake together, in the order of their loads; returns how many became fewer.

    Rows, with the load and the id of each, stay as they are.
    """
    rows = ledger.connection.execute(
        """
        select source, list(path order by landing)
        from (
            select source, path, min(landing) as landing,
                floor(log(greatest(any_value(bytes), $least)) / log($files)) as size_class
            from lake_files
            group by source, path
            having any_value(bytes) < $most
        )
        group by source, size_class
        having count(*) >= $files
        order by source, size_class
        """,
        {"files": _FILES, "least": _LEAST_BYTES, "most": _MOST_BYTES},
    ).fetchall()
    for source, names in rows:
        paths = [str(ledger.lake / name) for name in names]
        with rewriting(ledger, source) as rewrite:
            rewrite.replace(paths, f"select * exclude (filename) from {read_lake(paths)} order by _landing, _record_id")
    return sum(len(names) for _, names in rows)


def forget(ledger: Ledger, settings: Settings, now: datetime) -> int:
    """Remove rows of the ledger that tell of what is over for longer than `keep_quarantine_days`.

    These are closed records of the quarantine, whose number stays, undeclared fields, and builds that nothing refers
    to. What a path had as its content is kept for as long as the path is there.
    Texts of quarantined records go after `keep_records_days`, while their files can still be corrected; returns of how
    many.
    """
    over = _ago(now, settings.keep_quarantine_days)
    texts = 0
    ledger.connection.execute("begin")
    try:
        if settings.keep_records_days:
            old = {"over": _ago(now, settings.keep_records_days)}
            row = ledger.connection.execute(_FORGET_TEXTS, old).fetchone()
            texts = int(row[0]) if row else 0
        for statement in _FORGET:
            ledger.connection.execute(statement, {"over": over})
        ledger.connection.execute("delete from fetched where window_end < ?", [_ago(now, _LONGEST_KEPT)])
        ledger.connection.execute("delete from held_back where build not in (select build from builds)")
        ledger.connection.execute("commit")
    except BaseException:
        ledger.connection.execute("rollback")
        raise
    return texts


def _ago(now: datetime, days: int) -> datetime:
    """A time before, as the ledger has times: UTC, without a zone."""
    return (now.astimezone(UTC) - timedelta(days=days)).replace(tzinfo=None)


_FORGET_TEXTS = """
    update quarantine set text = ''
    where text <> '' and landing in (select landing from files group by landing having max(landed_at) < $over)
"""
_CLOSED = "replayed_in is null and closed_at < $over"
_FORGET = (
    f"""
    update files set forgotten = forgotten + gone.records
    from (select source, content_hash, count(*) as records from quarantine where {_CLOSED} group by all) as gone
    where files.source = gone.source and files.content_hash = gone.content_hash
    """,
    f"delete from quarantine where {_CLOSED}",
    """
    delete from quarantine
    where replayed_in in (select landing from files group by landing having max(landed_at) < $over)
    """,
    """
    delete from unknown_fields
    where landing in (select landing from files group by landing having max(landed_at) < $over)
    """,
    # Whether tables are right asks for each build after the last good one of any system.
    """
    delete from builds
    where started_at < $over and build < (
        select min(build)
        from (
            select max(build) as build
            from builds
            cross join (select system from held_back union select '') as systems
            where succeeded and published
                and (build, systems.system) not in (select (build, system) from held_back)
            group by systems.system
        )
    )
    """,
)
