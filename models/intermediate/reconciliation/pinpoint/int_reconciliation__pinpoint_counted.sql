-- Grain: one day, metric and activity that Pinpoint reports and a mart has. What we count on the day, and the least
-- and the most that we count between the snapshots.
{{ config(materialized='view') }}
{% set metrics = [
    'messages_sent', 'endpoint_limit_unsent', 'quiet_time_unsent', 'throttled_unsent', 'permanent_failure_unsent',
    'temporary_failure_unsent', 'service_failure_unsent', 'unknown_failure_unsent'
] | join(', ') %}

with

reported as (

    select * from {{ ref('int_reconciliation__pinpoint_reported') }}

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
    unpivot include nulls (sent for metric in ({{ metrics }}))

),

sent_so_far as (

    select
        *,
        sum(sent) over (
            partition by application_id, journey_id, activity_id, metric order by hour_start
        ) as total
    from (
        select
            application_id,
            journey_id,
            activity_id,
            period_start as hour_start,
            {{ metrics }}
        from {{ ref('pinpoint_activity_metrics_hourly') }}
    )
    unpivot (sent for metric in ({{ metrics }}))

),

-- Nobody knows how much of its hour a snapshot has: at least what was sent before the hour, at most what was sent with
-- it, since our events begin.
sent_by_snapshot as (

    select
        reported.*,
        coalesce(sent_so_far.total, 0) as at_most,
        case
            when sent_so_far.hour_start = reported.counted_in then at_most - sent_so_far.sent
            else at_most
        end as at_least
    from reported
    asof left join sent_so_far
        on
            reported.application_id = sent_so_far.application_id
            and reported.journey_id = sent_so_far.journey_id
            and reported.activity_id = sent_so_far.activity_id
            and reported.metric = sent_so_far.metric
            and reported.counted_in >= sent_so_far.hour_start

),

first_events as (

    select
        application_id,
        min(period_start) as first_hour
    from {{ ref('pinpoint_activity_metrics_hourly') }}
    where messages_sent + messages_not_sent > 0
    group by application_id

),

counted as (

    select
        keys,
        metric,
        period_start,
        -- of an activity without events nothing was counted
        coalesce(sent, 0) as ours,
        at_least - coalesce(lag(at_most) over by_day, 0) as least,
        at_most - coalesce(lag(at_least) over by_day, 0) as most,
        first_hour
    from sent_by_snapshot
    -- tests of journeys are in no mart
    inner join daily using (application_id, journey_id, activity_id, metric, period_start)
    left join first_events using (application_id)
    where exists (select 1 from first_events)
    window by_day as (partition by keys, metric order by period_start)

)

select * from counted
