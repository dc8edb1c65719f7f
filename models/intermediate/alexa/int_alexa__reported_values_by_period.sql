-- Grain: one grain (hour, day, month), period, skill, stage, locale, which may be `all`, measure and group that Amazon
-- reports a number of. A number is never spread out: an hour, day or month is reported by itself or is the sum of its
-- parts. What isn't reported of all locales together is added up over the locales.
{{ config(unique_key=['skill_id', 'stage', 'grain', 'period_start']) }}
{% set series = 'skill_id, stage, measure, is_compared, group_value' %}

with

records as not materialized (

    select
        *,
        starts_at as event_at,
        true as is_reported,
        true as is_current
    from {{ read(ref('int_alexa__reported_spans')) }}

),

{{ changed_periods(['skill_id', 'stage']) }},

-- A number counts for a longer period where nothing in between is reported.
reported as (

    select
        *,
        span = 'hour' or (span = 'less' and not bool_or(span = 'hour') over in_hour) as is_of_hour,
        span = 'day' or (is_of_hour and not bool_or(span = 'day') over in_day) as is_of_day,
        span = 'month' or (is_of_day and not bool_or(span = 'month') over in_month) as is_of_month
    from bucketed
    window
        in_hour as (partition by {{ series }}, locale, date_trunc('hour', starts_at)),
        in_day as (partition by {{ series }}, locale, first_day),
        in_month as (partition by {{ series }}, locale, month_start)

),

totals_of_locales as (

    select
        {{ series }},
        'all' as locale,
        total_span as span,
        any_value(starts_at) as starts_at,
        min(first_day) as first_day,
        any_value(hour_start) as hour_start,
        min(day_start) as day_start,
        month_start,
        sum(reported_value) filter (where locale <> 'all') as reported_value,
        bool_or(is_cut) as is_cut,
        false as is_reported
    from reported
    cross join (select unnest(['less', 'hour', 'day', 'month']) as total_span)
    where
        (locale = 'all' or not is_known_of_all)
        and case total_span
            when 'less' then span = 'less'
            when 'hour' then is_of_hour
            when 'day' then is_of_day
            else is_of_month
        end
    group by
        {{ series }}, total_span, month_start,
        case total_span
            when 'less' then row(starts_at, ends_at)
            when 'hour' then row(date_trunc('hour', starts_at), null)
            when 'day' then row(cast(first_day as timestamp), null)
        end
    having bool_or(locale <> 'all') and not bool_or(locale = 'all' and span = total_span)

),

of_all_locales as (

    select * exclude (is_of_hour, is_of_day, is_of_month) from reported where locale = 'all'
    union all by name
    select * from totals_of_locales

),

-- A total may lack locales, and yields to parts that come to more.
{% for whole, is_part, period in [
    ('hour', "span = 'less'", "date_trunc('hour', starts_at)"),
    ('day', 'is_of_hour', 'first_day'),
    ('month', 'is_of_day', 'month_start'),
] -%}
of_all_{{ whole }}s as (

    select
        * exclude (is_whole),
        case when span = '{{ whole }}' then is_whole else {{ is_part }} and not is_whole end as is_of_{{ whole }}
    from (
        select
            *,
            bool_or(is_reported and span = '{{ whole }}') over in_period
            or count(*) filter (where {{ is_part }}) over in_period = 0
            or coalesce(
                any_value(reported_value) filter (where span = '{{ whole }}') over in_period
                > sum(reported_value) filter (where {{ is_part }}) over in_period,
                false
            ) as is_whole
        from {{ 'of_all_' ~ loop.previtem[0] ~ 's' if not loop.first else 'of_all_locales' }}
        window in_period as (partition by {{ series }}, {{ period }})
    )

),

{% endfor -%}

by_grain as (

    select
        {{ series }},
        locale,
        grain,
        case grain when 'hour' then hour_start when 'day' then day_start else month_start end as period_start,
        case when not bool_or(grain <> 'hour' and is_cut) then sum(reported_value) end as reported_value,
        any_value(is_reported and grain = span) as is_exact
    from (
        select * from reported where locale <> 'all'
        union all by name
        select * from of_all_months
    )
    cross join (select unnest(['hour', 'day', 'month']) as grain)
    where
        period_start is not null
        and case grain when 'hour' then is_of_hour when 'day' then is_of_day else is_of_month end
    group by {{ series }}, locale, grain, period_start

)

select
    *,
    case grain when 'hour' then period_start else {{ reporting_instant('period_start') }} end as starts_at,
    {{ load_id() }} as load_id
from by_grain
