{# CTEs up to `placed`: the rows of the CTE `records` that count, each with the hour, day and month of `event_at`, of
   those periods that have a row which `is_touched`; a NULL period is one that isn't touched. A touched period whose
   last row has moved elsewhere is in it by its keys alone, so that it is counted too: to nothing. `keys` are what a
   period is of. #}
{% macro placed_in_periods(keys=['skill_id', 'stage']) -%}
timed as not materialized (

    select
        *,
        date_trunc('hour', event_at) as hour_start,
        {{ reporting_date('event_at') }} as day_start,
        cast(date_trunc('month', {{ reporting_date('event_at') }}) as date) as month_start
    from records

),

touched as (

    select distinct {{ keys | join(', ') }}, hour_start, day_start, month_start from timed where is_touched

),

touched_hours as (

    select distinct {{ keys | join(', ') }}, hour_start from touched

),

touched_days as (

    select distinct {{ keys | join(', ') }}, day_start from touched

),

touched_months as (

    select distinct {{ keys | join(', ') }}, month_start from touched

),

placed as not materialized (

    select
        timed.* exclude (is_current, is_touched)
        replace (
            case when touched_hours.{{ keys[0] }} is not null then hour_start end as hour_start,
            case when touched_days.{{ keys[0] }} is not null then day_start end as day_start
        )
    from timed
    semi join touched_months using ({{ keys | join(', ') }}, month_start)
    left join touched_days using ({{ keys | join(', ') }}, day_start)
    left join touched_hours using ({{ keys | join(', ') }}, hour_start)
    where is_current

    union all by name
    select * from touched_hours
    union all by name
    select * from touched_days
    union all by name
    select * from touched_months

)
{%- endmacro %}
