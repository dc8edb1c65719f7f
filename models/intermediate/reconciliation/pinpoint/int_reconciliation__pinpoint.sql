-- Grain: one day, metric and activity of Pinpoint's execution metrics.
-- `reason` is the first whose rule holds; NULL where both numbers are equal, or where none holds.
{{ config(materialized='table', tags='published') }}

with

reported as (

    select * from {{ ref('int_reconciliation__pinpoint_reported') }}

),

counted as (

    select * from {{ ref('int_reconciliation__pinpoint_counted') }}

),

compared as (

    select *
    from reported
    inner join counted using (keys, metric, period_start)
    where reported <> 0 or ours <> 0

),

explained as (

    select
        'pinpoint' as system,
        'pinpoint_activity_metrics' as mart,
        metric,
        keys,
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
            when coalesce(counted_from < first_hour + interval 1 hour, true) and reported > ours
                then 'events_begin_later'
        end as reason
    from compared

)

select * from explained
