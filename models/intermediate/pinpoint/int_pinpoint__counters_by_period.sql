-- Grain: one grain (hour, day, month), period, project, journey, activity ('all' of the journey itself) and counter,
-- its own or (`of_runs`) that of its runs added up.
-- A counter's value in a period is the last reported in it; its increase is over that of the period before.
{{ config(
    tags='published',
    unique_key=['application_id', 'journey_id', 'activity_id', 'of_runs', 'counter', 'grain', 'period_start']
) }}

with

records as not materialized (

    select
        *,
        counted_at as event_at,
        -- an instant never ceases to be
        true as is_current
    from (
        select * from {{ read(ref('int_pinpoint__counters')) }}
        union all by name
        select * from {{ read(ref('int_pinpoint__journey_counters')) }}
    )

),

{{ changed_periods(['application_id', 'journey_id', 'activity_id', 'of_runs', 'counter']) }},

rolled_up as (

    select
        application_id,
        journey_id,
        activity_id,
        of_runs,
        counter,
        {{ grain_columns() }},
        max(activity_type) as activity_type,
        arg_max(value, counted_at) as value,
        cast(sum(increase) as bigint) as increase,
        bool_or(has_shrunk) as has_shrunk,
        count(counted_at) as record_count,
        {{ load_id() }} as load_id
    from bucketed
    group by
        application_id, journey_id, activity_id, of_runs, counter,
        grouping sets ((hour_start), (day_start), (month_start))

)

select * from rolled_up where period_start is not null
