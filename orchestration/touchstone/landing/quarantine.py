"""The quarantine: which records and files are open, and what closes them.

A quarantined record is open until it is replayed, the same record lands whole, its file is corrected or gone, or
somebody dismisses it. A closed row keeps its text. A refused file is open until it is no longer refused or somebody
dismisses it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import duckdb

# What closed a row of the table `quarantine`.
Closed = Literal["landed", "file changed", "file gone", "dismissed"]
OPEN = "replayed_in is null and closed_at is null"


@dataclass(frozen=True)
class Group:
    """The open records or files of a source with one reason: how many, and the path and line of the first.

    `line` is None for refused files.
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
    """The open quarantine by source and reason: refused files first, then by the number of records.

    `source` limits it to one source, `since` to records quarantined after that load; refused files are always included.
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


def closed(connection: duckdb.DuckDBPyConnection) -> tuple[int, datetime | None]:
    """The number of closed records, and the UTC time at which the first of them was closed."""
    row = connection.execute(
        "select count(*), min(closed_at) from quarantine where replayed_in is null and closed_at is not null"
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def close_landed(connection: duckdb.DuckDBPyConnection, source: str) -> None:
    """Close the records whose key the table `batch` has accepted."""
    _close(
        connection,
        "landed",
        "source = $source and record_key in (select _key from batch where _status = 'accepted')",
        source=source,
    )


def close_changed(connection: duckdb.DuckDBPyConnection, source: str, paths: Collection[str]) -> None:
    """Close the records of files whose content has changed, or that are no longer among the `paths` of the source.

    Records that are wrong in the new content are quarantined with it. A source without any file counts as unreachable,
    and closes nothing.
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
    """Close what nobody will correct: records and refused files that match all given conditions.

    Returns how many.
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
