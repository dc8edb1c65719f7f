-- Grain: one day, metric and activity that Pinpoint's execution metrics tell of. The vendor's number is the increase of
-- a counter between the last snapshots of the day and of the day before that has any.
-- `reason` is the first whose rule holds; NULL where both numbers are equal, or where none holds.
{{ config(materialized='table', database='touchstone') }}
{% set metrics = [
    'messages_sent', 'endpoint_limit_unsent', 'quiet_time_unsent', 'throttled_unsent', 'permanent_failure_unsent',
    'temporary_failure_unsent', 'service_failure_unsent', 'unknown_failure_unsent'
] | join(', ') %}

with

counters as not materialized (

    select
        *,
        {{ reporting_date('counted_at') }} as period_start
    from {{ ref('int_pinpoint__counters') }}
    where activity_id <> 'all' and not of_runs

),

names as (

    select
        unnest([
            'SUCCESS', 'DAILY_CAP_EXCEEDED', 'QUIET_TIME', 'THROTTLED', 'FAILURE_PERMANENT', 'TRANSIENT_FAILURE',
            'SERVICE_FAILURE', 'UNKNOWN'
        ]) as counter,
        unnest(string_split('{{ metrics }}', ', ')) as metric

),

-- Which activities have such counters is documented of emails only: those that have ever told of a success.
senders as (

    select distinct
        application_id,
        journey_id,
        activity_id
    from counters
    where counter = 'SUCCESS' and value > 0

),

-- From when to when the increase of a day is; `counted_from` is NULL of the first, which is since the journey's start.
windows as (

    select
        *,
        lag(counted_until) over (
            partition by application_id, journey_id, activity_id order by period_start
        ) as counted_from
    from (
        select
            application_id,
            journey_id,
            activity_id,
            period_start,
            max(counted_at) as counted_until
        from counters
        semi join senders using (application_id, journey_id, activity_id)
        group by application_id, journey_id, activity_id, period_start
    )

),

-- A counter that is not told is 0.
reported as (

    select
        windows.application_id,
        windows.journey_id,
        windows.activity_id,
        windows.period_start,
        windows.counted_from,
        date_trunc('hour', windows.counted_until) as counted_in,
        names.metric,
        coalesce(sum(counters.increase), 0) as reported,
        coalesce(bool_or(counters.has_shrunk), false) as has_shrunk
    from windows
    cross join names
    left join counters
        on
            windows.application_id = counters.application_id
            and windows.journey_id = counters.journey_id
            and windows.activity_id = counters.activity_id
            and windows.period_start = counters.period_start
            and names.counter = counters.counter
    group by all

),

daily as (

    select *
    from (
        select
            application_id,
            journey_id,
            activity_id,
            period_start,
            {{ metrics }}
        from {{ ref('pinpoint_activity_metrics_daily') }}
    )
    unpivot include nulls (ours for metric in ({{ metrics }}))

),

-- A snapshot is taken within an hour, and how much of the hour it has can't be told: what was sent before the hour at
-- least, and with the hour at most, both since the beginning of our events.
sent_until as (

    select
        application_id,
        journey_id,
        activity_id,
        metric,
        period_start as counted_in,
        sum(sum(sent)) over (
            partition by application_id, journey_id, activity_id, metric order by period_start
        ) as at_most,
        at_most - sum(sent) as at_least
    from (
        select
            application_id,
            journey_id,
            activity_id,
            metric,
            period_start,
            sent
        from (
            select
                application_id,
                journey_id,
                activity_id,
                period_start,
                {{ metrics }}
            from {{ ref('pinpoint_activity_metrics_hourly') }}
        )
        unpivot (sent for metric in ({{ metrics }}))
        union all
        select
            application_id,
            journey_id,
            activity_id,
            metric,
            counted_in,
            0 as sent
        from reported
    )
    group by application_id, journey_id, activity_id, metric, period_start

),

first_events as (

    select
        application_id,
        min(period_start) as first_event_hour
    from {{ ref('pinpoint_activity_metrics_hourly') }}
    where messages_sent + messages_not_sent > 0
    group by application_id

),

compared as (

    select
        reported.*,
        -- tests of journeys are in no mart; of an activity without events nothing was counted
        coalesce(daily.ours, 0) as ours,
        first_events.first_event_hour,
        at_least - coalesce(lag(at_most) over by_day, 0) as least,
        at_most - coalesce(lag(at_least) over by_day, 0) as most
    from reported
    inner join daily using (application_id, journey_id, activity_id, metric, period_start)
    inner join sent_until using (application_id, journey_id, activity_id, metric, counted_in)
    left join first_events using (application_id)
    window by_day as (partition by application_id, journey_id, activity_id, metric order by period_start)

),

reasoned as (

    select
        'pinpoint' as system,
        'pinpoint_activity_metrics' as mart,
        metric,
        cast(to_json(struct_pack(
            activity_id := activity_id, application_id := application_id, journey_id := journey_id
        )) as varchar) as keys,
        period_start,
        cast(ours as double) as ours,
        cast(reported as double) as reported,
        0 as rounding,
        case
            when ours = reported then null
            when has_shrunk then 'shrunk_counter'
            when metric in ('temporary_failure_unsent', 'service_failure_unsent') and ours < reported
                then 'failures_not_streamed'
            when reported between least and most
                then
                    case
                        when counted_from is null then 'first_snapshot'
                        when {{ reporting_date('counted_from') }} < period_start - interval 1 day
                            then 'days_without_snapshot'
                        else 'snapshot_times'
                    end
            when coalesce(counted_from < first_event_hour + interval 1 hour, true) and reported > ours
                then 'events_begin_later'
        end as reason
    from compared
    where (reported <> 0 or ours <> 0) and exists (select 1 from first_events)

)

select * from reasoned
