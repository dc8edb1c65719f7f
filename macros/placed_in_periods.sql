{# CTEs up to `placed`: the rows of the CTE `records` that count, each with the hour, day and month of its `event_at`, of
   those periods in which something is `touched`; a NULL period is one in which nothing is. A touched period whose last
   row has moved elsewhere is in it by its skill and stage alone, so that it is counted too: to nothing. Of the skills
   and stages in the CTE `recounted`, if one is named, all periods are counted again. #}
{% macro placed_in_periods(touched=none, recounted=none) -%}
timed as not materialized (

    select
        *,
        date_trunc('hour', event_at) as hour_start,
        {{ reporting_date('event_at') }} as day_start,
        cast(date_trunc('month', {{ reporting_date('event_at') }}) as date) as month_start
    from records

),

touched as (

    select distinct skill_id, stage, hour_start, day_start
    from timed
    where {{ touched or 'landing > ' ~ processed_landing() }}
    {% if recounted and is_incremental() %}

    union

    select skill_id, stage, hour_start, day_start
    from timed
    semi join {{ recounted }} using (skill_id, stage)
    {% endif %}

),

touched_hours as (

    select distinct skill_id, stage, hour_start from touched

),

touched_days as (

    select distinct skill_id, stage, day_start from touched

),

touched_months as (

    select distinct skill_id, stage, {{ reporting_months('hour_start') }} as month_start from touched_hours

),

placed as not materialized (

    select
        timed.* exclude (is_current)
        replace (
            case when touched_hours.skill_id is not null then hour_start end as hour_start,
            case when touched_days.skill_id is not null then day_start end as day_start
        )
    from timed
    semi join touched_months using (skill_id, stage, month_start)
    left join touched_days using (skill_id, stage, day_start)
    left join touched_hours using (skill_id, stage, hour_start)
    where is_current

    union all by name
    select * from touched_hours
    union all by name
    select * from touched_days
    union all by name
    select * from touched_months

)
{%- endmacro %}
