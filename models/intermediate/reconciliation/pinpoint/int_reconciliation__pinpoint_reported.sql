-- Grain: one day, metric and activity of Pinpoint's execution metrics. The vendor's number is the increase of a counter
-- between the last snapshots of the day and of the day before that has any.
{{ config(materialized='table') }}

with

counters as not materialized (

    select
        *,
        cast(to_json(struct_pack(
            activity_id := activity_id, application_id := application_id, journey_id := journey_id
        )) as varchar) as keys,
        {{ reporting_date('counted_at') }} as period_start
    from {{ ref('int_pinpoint__counters') }}
    where activity_id <> 'all' and not of_runs

),

names (counter, metric) as (

    values
        ('SUCCESS', 'messages_sent'),
        ('DAILY_CAP_EXCEEDED', 'endpoint_limit_unsent'),
        ('QUIET_TIME', 'quiet_time_unsent'),
        ('THROTTLED', 'throttled_unsent'),
        ('FAILURE_PERMANENT', 'permanent_failure_unsent'),
        ('TRANSIENT_FAILURE', 'temporary_failure_unsent'),
        ('SERVICE_FAILURE', 'service_failure_unsent'),
        ('UNKNOWN', 'unknown_failure_unsent')

),

-- The vendor documents such counters for emails alone: for activities that have ever reported a success.
senders as (

    select distinct keys
    from counters
    where counter = 'SUCCESS' and value > 0

),

-- From when to when a day's increase is; `counted_from` is NULL for the first, which counts since the journey's start.
windows as (

    select
        *,
        lag(counted_until) over (partition by keys order by period_start) as counted_from
    from (
        select
            application_id,
            journey_id,
            activity_id,
            keys,
            period_start,
            max(counted_at) as counted_until
        from counters
        semi join senders using (keys)
        group by all
    )

),

-- A counter that is not reported is 0.
reported as (

    select
        windows.keys,
        names.metric,
        windows.period_start,
        coalesce(sum(counters.increase), 0) as reported,
        coalesce(bool_or(counters.has_shrunk), false) as has_shrunk,
        windows.counted_from,
        date_trunc('hour', windows.counted_until) as counted_in,
        windows.application_id,
        windows.journey_id,
        windows.activity_id
    from windows
    cross join names
    left join counters
        on
            windows.keys = counters.keys
            and windows.period_start = counters.period_start
            and names.counter = counters.counter
    group by all

)

select * from reported
