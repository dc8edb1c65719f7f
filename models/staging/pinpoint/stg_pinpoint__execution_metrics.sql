-- Grain: one landed version of the execution metrics of a journey, an activity, a run or a run's activity.
select
    {{ landed_columns(key='snapshot_key', at='counted_at') }},
    _kind as scope,
    try_cast(fetched_at as timestamptz) at time zone 'UTC' as fetched_at,
    "ApplicationId" as application_id,
    "JourneyId" as journey_id,
    coalesce(nullif("JourneyActivityId", ''), 'all') as activity_id,
    coalesce(nullif("RunId", ''), 'all') as run_id,
    nullif("ActivityType", '') as activity_type,
    cast("Metrics" as map(varchar, bigint)) as counters
from {{ landed('pinpoint', 'execution_metrics') }}
