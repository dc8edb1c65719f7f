{# CTEs up to `reported_by_grain`: what the points of the CTE `bucketed` that have a `measure` report of each hour, day
   and month that has changed. A reported number is never spread out: it is of a period that it lies in. An hour, day or
   month is reported by itself or is what its parts add up to. Where a zone's midnight is in the middle of an hour's
   number, its days can't be known. What isn't reported of all locales together is added up over the locales, point by
   point. `series` tells points apart, beside their locale; `is_exact` says that the number is one of this very period,
   as a number of distinct users has to be. #}
{% macro reported_by_grain(series) -%}
{%- set keys = (['skill_id', 'stage'] + series) | join(', ') -%}
points_by_locale as (

    select
        *,
        true as is_reported,
        bool_or(locale = 'all') over (partition by {{ keys }}, starts_at, ends_at) as is_known_of_all,
        {{ reporting_date('starts_at') }} as first_day,
        case
            when
                starts_at = {{ reporting_instant('month_start') }}
                and ends_at = {{ reporting_instant('month_start + interval 1 month') }}
                then 'month'
            when
                starts_at = {{ reporting_instant('first_day') }}
                and ends_at = {{ reporting_instant('first_day + interval 1 day') }}
                then 'day'
            when starts_at = date_trunc('hour', starts_at) and ends_at = starts_at + interval 1 hour then 'hour'
            when ends_at <= date_trunc('hour', starts_at) + interval 1 hour then 'less'
        end as span,
        -- no longer than an hour, in two days
        coalesce(
            span in ('hour', 'less') and first_day <> {{ reporting_date('(ends_at - interval 1 microsecond)') }}, false
        ) as is_cut
    from bucketed
    where measure is not null

),

{{ whole_or_parts('points_by_locale', keys) }},

points_of_all as (

    select * from points_by_locale where locale = 'all'

    union all by name

    select
        {{ keys }},
        'all' as locale,
        span,
        min(starts_at) as starts_at,
        min(first_day) as first_day,
        case when span in ('less', 'hour') then min(hour_start) end as hour_start,
        case when span <> 'month' then min(day_start) end as day_start,
        month_start,
        sum(reported_value) filter (where locale <> 'all') as reported_value,
        bool_or(is_cut) or (span = 'hour' and min(first_day) <> max(first_day)) as is_cut,
        false as is_reported
    from (
        select
            months.* exclude (span),
            spans.span,
            months.span = spans.span as is_whole
        from points_by_locale_months as months
        cross join (select unnest(['less', 'hour', 'day', 'month']) as span) as spans
        where
            (locale = 'all' or not is_known_of_all)
            and case spans.span
                when 'less' then months.span = 'less'
                when 'hour' then is_of_hour
                when 'day' then is_of_day
                else is_of_month
            end
    )
    group by
        {{ keys }}, span, month_start,
        case span
            when 'less' then row(starts_at, ends_at)
            when 'hour' then row(date_trunc('hour', starts_at), null)
            when 'day' then row(cast(first_day as timestamp), null)
        end
    having bool_or(locale <> 'all') and not bool_or(locale = 'all' and is_whole)

),

{{ whole_or_parts('points_of_all', keys) }},

reported_by_grain as (

    select
        {{ keys }},
        locale,
        grain,
        case grain when 'hour' then hour_start when 'day' then day_start else month_start end as period_start,
        case when not bool_or(grain <> 'hour' and is_cut) then sum(reported_value) end as reported_value,
        bool_and(is_reported and grain = span) as is_exact
    from (
        select * from points_by_locale_months where locale <> 'all'
        union all by name
        select * from points_of_all_months
    )
    cross join (select unnest(['hour', 'day', 'month']) as grain)
    where
        period_start is not null
        and case grain when 'hour' then is_of_hour when 'day' then is_of_day else is_of_month end
    group by {{ keys }}, locale, grain, period_start

)
{%- endmacro %}


{# CTEs up to the `points` with `_months` at the end of their name: which of them make up the hour, day and month that they
   are in, the whole or its parts. A total of locales may lack some of them, and yields to parts that come to more. #}
{% macro whole_or_parts(points, keys) -%}
{%- for whole, part, period in [
    ('hour', "span = 'less'", "date_trunc('hour', starts_at)"),
    ('day', 'is_of_hour', 'first_day'),
    ('month', 'is_of_day', 'month_start'),
] -%}
{{ points }}_{{ whole }}s as (

    select
        * exclude (is_whole),
        case when span = '{{ whole }}' then is_whole else {{ part }} and not is_whole end as is_of_{{ whole }}
    from (
        select
            *,
            count(*) filter (where {{ part }}) over period = 0
            or coalesce(bool_or(is_reported and span = '{{ whole }}') over period, false)
            or coalesce(
                max(reported_value) filter (where span = '{{ whole }}') over period
                > sum(reported_value) filter (where {{ part }}) over period,
                false
            ) as is_whole
        from {{ points }}{{ '_' ~ loop.previtem[0] ~ 's' if not loop.first }}
        window period as (partition by {{ keys }}, locale, {{ period }})
    )

)
{{- ',\n\n' if not loop.last }}
{%- endfor %}
{%- endmacro %}
