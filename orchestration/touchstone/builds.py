"""The log of builds: by which definitions the marts were built, up to which load, and with what result.

Its tables are in the ledger's file, as a build reads what the ledger says has landed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
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
-- Grain: one system that a build, published or not, left unchanged: it or the landing before it failed, or it is off.
create table if not exists held_back (
    build bigint not null,
    system varchar not null,
    reason varchar not null,
    is_switched_off boolean not null,
    primary key (build, system)
);
"""


@dataclass(frozen=True)
class Build:
    """A build of the marts: by which definitions, up to which load, and with what result.

    An empty `fingerprint` is that of no build: what was built before doesn't count any more. `succeeded`: it ran to the
    end, though systems may be held back. `started_at` is UTC.
    """

    number: int
    run_id: str
    fingerprint: str
    landing: int
    succeeded: bool
    published: bool
    started_at: datetime


@dataclass(frozen=True)
class Batch:
    """New records up to a load. Its periods need no counting where those of the next batch are in the same months."""

    last_load: int
    is_counted: bool


class Builds:
    """The log in an open ledger."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, next_number: Callable[[], int]) -> None:
        self._sql = connection
        self._next_number = next_number

    def last(self) -> Build | None:
        return self._build("true", [])

    def last_good(self, system: str, published: bool = False) -> Build | None:
        """The last build, or published one, in which all of a system was built and passed its checks."""
        return self._build(
            "succeeded and (published or not ?) and build not in (select build from held_back where system = ?)",
            [published, system],
        )

    def _build(self, condition: str, parameters: list[object]) -> Build | None:
        row = self._sql.execute(
            "select build, run_id, fingerprint, landing, succeeded, published, started_at from builds "
            f"where {condition} order by build desc limit 1",
            parameters,
        ).fetchone()
        return Build(*row) if row else None

    def held_back(self, build: int) -> dict[str, str]:
        """The systems whose marts a build did not replace as something failed, with the reason."""
        rows = self._sql.execute(
            "select system, reason from held_back where build = ? and not is_switched_off order by system", [build]
        )
        return dict(rows.fetchall())

    def switched_off(self, build: int) -> set[str]:
        """The systems that were switched off when a build ran."""
        rows = self._sql.execute("select system from held_back where build = ? and is_switched_off", [build])
        return {system for (system,) in rows.fetchall()}

    def correct_until(self, build: Build | None, fingerprint: str, sources: Iterable[str]) -> int | None:
        """The load up to which a build's tables, which read `sources`, are correct; 0 without a build.

        None if tables may be of other definitions, or hold retracted records: they need a full refresh.
        """
        number = build.number if build else 0
        row = self._sql.execute(
            "select count(*) from builds where build >= ? and fingerprint <> ?", [number, fingerprint]
        ).fetchone()
        if (row and row[0]) or self.retracted_since(number) & set(sources):
            return None
        return build.landing if build else 0

    def retracted_since(self, build: int) -> set[str]:
        """The sources of which something was retracted after a build had started."""
        rows = self._sql.execute("select distinct source from retractions where build >= ?", [build]).fetchall()
        return {source for (source,) in rows}

    def invalidate(self) -> None:
        """Have the next build refresh all marts in full: record one without definitions, which no other has."""
        self.start("", "")

    def start(self, run_id: str, fingerprint: str) -> int:
        """Record a build that hasn't succeeded yet, and return its number, which no load has.

        Loads before it have lower numbers, loads after it higher ones: the load_ids of lake and models compare.
        """
        last, number = self.last(), 0
        while not number or (last and number <= last.number):  # builds once had their own numbers
            number = self._next_number()
        self._sql.execute(
            "insert into builds select ?, ?, ?, coalesce(max(landing), 0), false, false, ? from lake_files",
            [number, run_id, fingerprint, datetime.now(UTC).replace(tzinfo=None)],
        )
        return number

    def finish(self, held_back: Mapping[str, str], switched_off: Iterable[str] = ()) -> None:
        """Record that the last build ran to the end, and the systems that it left unchanged: those `held_back`, with
        the reason, and those that are `switched_off`.
        """
        self._sql.execute("update builds set succeeded = true where build = (select max(build) from builds)")
        unchanged = [(system, reason, False) for system, reason in held_back.items()]
        unchanged += [(system, "switched off", True) for system in switched_off]
        for row in unchanged:
            self._sql.execute("insert into held_back select max(build), ?, ?, ? from builds", row)

    def batches(self, after: Mapping[str, int], records: int) -> list[Batch]:
        """The batches of about `records` records, counting what each source landed `after` a load."""
        rows = self._sql.execute(
            """
            with new as (
                select
                    landing,
                    date_trunc('month', first_date) as first_month,
                    date_trunc('month', last_date) as last_month,
                    ceil(sum(rows) over (order by landing) / $2) as batch
                from lake_files
                inner join (select unnest(map_entries($1::map(varchar, bigint)), recursive := true)) on source = key
                where landing > value
            )
            select
                max(landing) as last_load,
                lead(min(first_month)) over (order by batch) <= min(first_month)
                and lead(max(last_month)) over (order by batch) >= max(last_month) as has_its_months
            from new
            group by batch
            order by batch
            """,
            [dict(after), records],
        ).fetchall()
        return [Batch(last_load, not has_its_months) for last_load, has_its_months in rows]

    def mark_published(self) -> None:
        """Record that readers see the last build."""
        self._sql.execute("update builds set published = true where build = (select max(build) from builds)")
