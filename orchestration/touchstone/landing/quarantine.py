"""The life of what could not be landed: which of it is open, and what closes it.

A quarantined record is open until it is replayed, until the same record lands whole, until its file is mended or gone,
or until somebody dismisses it. A closed row stays, with its text: nothing of a record is ever lost. A refused file is
open for as long as it is refused and nobody has dismissed it for that reason.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import duckdb

# How a row of the table `quarantine` came to be closed.
Closed = Literal["landed", "file changed", "file gone", "dismissed"]
OPEN = "replayed_in is null and closed_at is null"


@dataclass(frozen=True)
class Group:
    """What is open of a source for one reason: how much, and where the first of it is.

    `line` is None for a refused file, which has no position.
    """

    source: str
    reason: str
    records: int
    path: str
    line: int | None

    @property
    def is_file(self) -> bool:
        """Whether files are refused, rather than records quarantined."""
        return self.line is None


def open_groups(connection: duckdb.DuckDBPyConnection, source: str | None = None, since: int = 0) -> list[Group]:
    """What is open, by source and reason, refused files first, then what there is most of.

    `source` limits it to one source, `since` to records quarantined after that load; refused files are always open.
    """
    rows = connection.execute(
        f"""
        select source, reason, count(*) as records, min(path) as path, null as line
        from refused
        where dismissed_at is null
        group by source, reason

        union all

        select
            source,
            reason,
            count(*) as records,
            arg_min(path, (path, byte_offset)) as path,
            arg_min(coalesce(line, 0), (path, byte_offset)) as line
        from quarantine
        where {OPEN} and landing > $since
        group by source, reason
        order by line is not null, records desc, source, reason
        """,
        {"since": since},
    ).fetchall()
    return [Group(*row) for row in rows if source in (None, row[0])]


def close_landed(connection: duckdb.DuckDBPyConnection, source: str) -> None:
    """Close the records that the table `batch` has whole, by their key."""
    _close(
        connection,
        "landed",
        "source = $source and record_key in (select _key from batch where _status = 'accepted')",
        source=source,
    )


def close_changed(connection: duckdb.DuckDBPyConnection, source: str, paths: Collection[str]) -> None:
    """Close the records of files that hold something else now, or are no longer among the `paths` of the source.

    What the present content still has wrong is quarantined with it. A source without any file is one that can't be
    reached, rather than one that was mended.
    """
    _close(
        connection,
        "file changed",
        "source = $source and exists ("
        "select 1 from seen where seen.source = quarantine.source and seen.path = quarantine.path "
        "and seen.content_hash <> quarantine.content_hash)",
        source=source,
    )
    if paths:
        _close(
            connection,
            "file gone",
            "source = $source and path not in (select unnest($paths::varchar[]))",
            source=source,
            paths=list(paths),
        )


def dismiss(connection: duckdb.DuckDBPyConnection, source: str | None, path: str | None, reason: str | None) -> int:
    """Close what nobody will mend: records and refused files of a source, a path, a reason, or any of these.

    Returns how many records and files that were.
    """
    condition = (
        "($source is null or source = $source) and ($path is null or path = $path) "
        "and ($reason is null or contains(reason, $reason))"
    )
    chosen = {"source": source, "path": path, "reason": reason}
    files = connection.execute(
        f"update refused set dismissed_at = $at where dismissed_at is null and {condition}", chosen | {"at": _now()}
    ).fetchone()
    return _close(connection, "dismissed", condition, **chosen) + (files[0] if files else 0)


def _close(connection: duckdb.DuckDBPyConnection, how: Closed, condition: str, **parameters: object) -> int:
    row = connection.execute(
        f"update quarantine set closed_at = $at, closed_as = $how where {OPEN} and {condition}",
        {"at": _now(), "how": how, **parameters},
    ).fetchone()
    return int(row[0]) if row else 0


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
