"""The freshness of each source, and the hours that lack records: read from the ledger alone, never from the lake."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

from touchstone.landing.records import literal
from touchstone.settings import Settings

# How many of its usual intervals a source may take until it is late.
_INTERVALS = 3
# How many landings, or days of records, the median interval is of.
_RECENT_LANDINGS, _RECENT_DAYS = 30, 28
# Older hours are not checked: vendors no longer have their records, and one wrong clock would add decades.
_LOOKED_AT_DAYS = 365
# An hour should have records if that hour of the day had so many on nine in ten of the 28 days before. Hours that are
# quiet at weekends or at night don't qualify, and two days without any record don't make a third one usual.
_USUAL_RECORDS = 5
# Mailgun keeps 3 days on its smallest plan, CloudWatch's stream 2.
_RECENT_GAP_DAYS = 7


@dataclass(frozen=True)
class Freshness:
    """A source of which records have landed. Times are UTC; those of records are the records' own.

    `usual_interval_hours` is between landings, or between records where that is longer; None before there are two of
    either. `late_after` is when the source becomes late if nothing new lands; None if the interval is unknown or
    nothing more is expected. `hours_without_records` counts the hours of the last 365 days that usually have records
    and have none; `last_hour_without_records` is the last of them.
    """

    source: str
    records: int
    first_record_at: datetime
    newest_record_at: datetime
    newest_landing_at: datetime
    usual_interval_hours: float | None
    late_after: datetime | None
    is_late: bool
    hours_without_records: int
    last_hour_without_records: datetime | None

    @property
    def lacks_recent_hours(self) -> bool:
        """Whether the last hour without records is recent enough to fetch it again."""
        last = self.last_hour_without_records
        return last is not None and last > self.newest_record_at - timedelta(days=_RECENT_GAP_DAYS)

    @property
    def lateness(self) -> str:
        """How late the source is, in words."""
        return (
            f"{self.source}: nothing new since {self.newest_landing_at:%Y-%m-%d %H:%M} UTC, "
            f"usually every {self.usual_interval_hours:,.0f} h"
        )

    @property
    def gap(self) -> str:
        """Which hours have no records, in words."""
        return f"{self.source}: hours without records, the last one {self.last_hour_without_records:%Y-%m-%d %H:%M} UTC"


def freshness(
    connection: duckdb.DuckDBPyConnection, settings: Settings, now: datetime, source: str | None = None
) -> list[Freshness]:
    """All sources of which records have landed, or one, at `now`, a UTC time; `connection` has the ledger open."""
    return [Freshness(*row) for row in connection.execute(freshness_query(settings, now, source)).fetchall()]


def freshness_query(settings: Settings, now: datetime, source: str | None = None, ledger: str = "") -> str:
    """The query whose columns are the fields of Freshness; `ledger` is the prefix of the ledger's tables."""
    at = f"timestamp '{now.replace(tzinfo=None)}'"
    wanted = f"source = {literal(source)}" if source else "true"
    ended = f"[{', '.join(map(literal, settings.ended_sources))}]::varchar[]"
    return f"""
with landings as (
    select source, landing, max(landed_at) as landed_at
    from {ledger}files
    where accepted > 0 and {wanted}
    group by source, landing
),
landing_gaps as (
    select
        source,
        landed_at,
        epoch(landed_at - lag(landed_at) over (partition by source order by landed_at)) / 3600 as hours
    from landings
    qualify row_number() over (partition by source order by landed_at desc) <= {_RECENT_LANDINGS}
),
landed as (
    select
        source,
        max(landed_at) as newest_landing_at,
        -- a run lands several batches, shortly after one another
        median(hours) filter (where hours >= 1) as interval_hours
    from landing_gaps
    group by source
),
-- a record from the future has a wrong clock
hours as (
    select *, max(hour) over (partition by source) as newest_hour
    from {ledger}record_hours
    where newest_at <= {at} and {wanted}
),
record_gaps as (
    select source, date_diff('hour', lag(hour) over (partition by source order by hour), hour) as hours
    from hours
    where hour > newest_hour - interval {_RECENT_DAYS} days
),
recorded as (
    select source, sum(records)::bigint as records, max(newest_at) as newest_record_at, min(hour) as first_record_at
    from hours
    group by source
),
usual as (
    select source, median(hours) as interval_hours from record_gaps group by source
),
every_hour as (
    select
        source,
        unnest(generate_series(
            greatest(min(hour), max(hour) - interval {_LOOKED_AT_DAYS} days), max(hour), interval 1 hour
        )) as hour
    from hours
    group by source
),
missing as (
    select source, hour
    from every_hour
    left join hours using (source, hour)
    window same_hour as (
        partition by source, date_part('hour', hour) order by hour
        rows between {_RECENT_DAYS} preceding and 1 preceding
    )
    qualify
        records is null
        and count(*) over same_hour = {_RECENT_DAYS}
        and quantile_disc(coalesce(records, 0), 0.1) over same_hour >= {_USUAL_RECORDS}
),
missed as (
    select source, count(*) as hours, max(hour) as last_hour from missing group by source
),
timed as (
    select
        *,
        greatest(landed.interval_hours, usual.interval_hours) as usual_interval_hours,
        greatest({_INTERVALS} * usual_interval_hours, {settings.late_after_hours}) * interval 1 hour as reach
    from recorded
    inner join landed using (source)
    left join usual using (source)
    left join missed using (source)
)
select
    source,
    records,
    first_record_at,
    newest_record_at,
    newest_landing_at,
    usual_interval_hours,
    -- records that were old when they landed are an archive, which grows no more
    case
        when
            usual_interval_hours is not null
            and newest_record_at + reach >= newest_landing_at
            and not list_contains({ended}, source)
            then newest_landing_at + reach
    end as late_after,
    coalesce(late_after < {at}, false) as is_late,
    coalesce(hours, 0) as hours_without_records,
    last_hour as last_hour_without_records
from timed
order by source
"""
