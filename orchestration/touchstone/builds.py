"""The log of builds: by which definitions the marts were built, up to which landing, and how that went.

Its tables are in the ledger's file, as a build is of what the ledger says has landed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb

SCHEMA = """
-- Grain: one build of the marts.
create table if not exists builds (
    build bigint primary key,
    run_id varchar not null,
    fingerprint varchar not null,
    landing bigint not null,
    succeeded boolean not null,
    published boolean not null,
    started_at timestamp not null
);
-- Grain: one system that a build, published or not, left as it was, as it or the landing before it had failed.
create table if not exists held_back (
    build bigint not null,
    system varchar not null,
    reason varchar not null,
    primary key (build, system)
);
"""


@dataclass(frozen=True)
class Build:
    """A build of the marts: by which definitions, up to which landing, and how it went.

    `succeeded`: it has come to its end, though systems may be held back.
    """

    number: int
    run_id: str
    fingerprint: str
    landing: int
    succeeded: bool
    published: bool


class Builds:
    """The log in an open ledger."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._sql = connection

    def last(self) -> Build | None:
        return self._build("true", [])

    def last_good(self, system: str, published: bool = False) -> Build | None:
        """The last build, or published one, whose marts of a system are whole and checked."""
        return self._build(
            "succeeded and (published or not ?) and build not in (select build from held_back where system = ?)",
            [published, system],
        )

    def _build(self, condition: str, parameters: list[object]) -> Build | None:
        row = self._sql.execute(
            f"select build, run_id, fingerprint, landing, succeeded, published from builds where {condition} "
            "order by build desc limit 1",
            parameters,
        ).fetchone()
        return Build(*row) if row else None

    def held_back(self, build: int) -> dict[str, str]:
        """The systems whose marts a build did not renew, with the reason."""
        rows = self._sql.execute("select system, reason from held_back where build = ? order by system", [build])
        return dict(rows.fetchall())

    def good_until(self, build: Build | None, fingerprint: str, sources: Iterable[str]) -> int | None:
        """The landing that a build's tables, which `sources` go into, are right up to; 0 without a build.

        None if tables may be left of other definitions, or hold what has been retracted: they are built from nothing.
        """
        number = build.number if build else 0
        row = self._sql.execute(
            "select count(*) from builds where build >= ? and fingerprint <> ?", [number, fingerprint]
        ).fetchone()
        if (row and row[0]) or self.retracted_since(number) & set(sources):
            return None
        return build.landing if build else 0

    def retracted_since(self, build: int) -> set[str]:
        """The sources of which something was retracted after a build had begun."""
        rows = self._sql.execute("select distinct source from retractions where build >= ?", [build]).fetchall()
        return {source for (source,) in rows}

    def begin(self, run_id: str, fingerprint: str) -> int:
        """Enter a build that hasn't succeeded yet, and return its number, which is that of no landing.

        Landings before it have lower numbers, those after it higher ones: rows of the lake and of models compare.
        """
        last, number = self.last(), 0
        while not number or (last and number <= last.number):  # builds once had numbers of their own
            ((number,),) = self._sql.execute("select nextval('landing_numbers')").fetchall()
        self._sql.execute(
            "insert into builds select ?, ?, ?, coalesce(max(landing), 0), false, false, ? from lake_files",
            [number, run_id, fingerprint, datetime.now(UTC).replace(tzinfo=None)],
        )
        return number

    def end(self, held_back: Mapping[str, str]) -> None:
        """The build that was begun has come to its end; systems `held_back`, with the reason, are not of it."""
        self._sql.execute("update builds set succeeded = true where build = (select max(build) from builds)")
        for system, reason in held_back.items():
            self._sql.execute("insert into held_back select max(build), ?, ? from builds", [system, reason])

    def batches(self, after: Mapping[str, int], records: int) -> list[int]:
        """The last landing of each batch of about `records`, over what has landed of each source after a landing."""
        rows = self._sql.execute(
            "select max(landing) from (select landing, sum(rows) over (order by landing) as total from lake_files "
            "inner join (select unnest(map_entries(?::map(varchar, bigint)), recursive := true)) on source = key "
            "where landing > value) group by ceil(total / ?) order by 1",
            [dict(after), records],
        ).fetchall()
        return [landing for (landing,) in rows]

    def mark_published(self) -> None:
        """The last build is what readers see."""
        self._sql.execute("update builds set published = true where build = (select max(build) from builds)")
