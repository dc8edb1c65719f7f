-- Grain: one grain (hour, day, month), period, project, journey, activity ('all' of the journey itself) and counter,
-- its own or (`of_runs`) that of its runs added up.
-- A counter's value in a period is the last that was told in it; its increase is over that of the period before.
{{ config(
    database='touchstone',
    unique_key=['application_id', 'journey_id', 'activity_id', 'of_runs', 'counter', 'grain', 'period_start']
) }}

with

counters as not materialized (

    select
        *,
        date_trunc('hour', counted_at) as hour_start,
        {{ reporting_date('counted_at') }} as day_start,
        cast(date_trunc('month', {{ reporting_date('counted_at') }}) as date) as month_start
    from {{ ref('int_pinpoint__counters') }}

),

touched as (

    select distinct application_id, journey_id, activity_id, of_runs, counter, hour_start, day_start
    from counters
    where landing > {{ processed_landing() }}

),

touched_hours as (

    select distinct * exclude (day_start) from touched

),

touched_days as (

    select distinct * exclude (hour_start) from touched

),

touched_months as (

    select distinct * exclude (hour_start), {{ reporting_months('hour_start') }} as month_start
    from touched_hours

),

-- No instant ever vanishes, so that a touched period always has one. A NULL period is one that isn't touched.
placed as not materialized (

    select
        counters.* replace (
            case when touched_hours.counter is not null then hour_start end as hour_start,
            case when touched_days.counter is not null then day_start end as day_start
        )
    from counters
    semi join touched_months using (application_id, journey_id, activity_id, of_runs, counter, month_start)
    left join touched_days using (application_id, journey_id, activity_id, of_runs, counter, day_start)
    left join touched_hours using (application_id, journey_id, activity_id, of_runs, counter, hour_start)

),

rolled_up as (

    select
        application_id,
        journey_id,
        activity_id,
        of_runs,
        counter,
        case grouping(hour_start, day_start) when 1 then 'hour' when 2 then 'day' else 'month' end as grain,
        coalesce(hour_start, day_start, month_start) as period_start,
        max(activity_type) as activity_type,
        arg_max(value, counted_at) as value,
        cast(sum(increase) as bigint) as increase,
        bool_or(has_shrunk) as has_shrunk,
        count(*) as record_count,
        (select max(landing) from counters) as landing
    from placed
    group by
        application_id, journey_id, activity_id, of_runs, counter,
        grouping sets ((hour_start), (day_start), (month_start))

)

select * from rolled_up where period_start is not null
