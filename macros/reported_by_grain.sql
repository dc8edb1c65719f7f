{# CTEs up to `reported_by_grain`: what the points of the CTE `placed` that have a `measure` tell of each hour, day
   and month that is touched. A reported number is never spread out: it is told of a period that it lies in. Points
   of a day are taken at one length, the longest, so that a day told by itself and by its hours counts once; a month
   is told by itself or by its days. Where a zone's midnight is in the middle of an hour's number, its days can't be
   told. Where nothing is told of all locales together, the locales are added up. `series` tells points apart, beside
   their locale; `is_exact` says that the number is one of this very period, as a number of distinct users has to be. #}
{% macro reported_by_grain(series) -%}
by_locale as (

    select
        skill_id,
        stage,
        locale,
        {{ series | join(', ') }},
        grain,
        case grain when 'hour' then hour_start when 'day' then day_start else month_start end as period_start,
        case when not bool_or(grain <> 'hour' and is_cut) then sum(reported_value) end as reported_value,
        bool_and(grain = span) as is_exact
    from (
        select
            *,
            max(case when span in ('hour', 'less') then span = 'hour' end) over (
                partition by skill_id, stage, locale, {{ series | join(', ') }}, date_trunc('hour', starts_at)
            ) as hour_is_whole,
            max(span = 'day') over (
                partition by skill_id, stage, locale, {{ series | join(', ') }}, {{ reporting_date('starts_at') }}
            ) as day_is_whole,
            max(case when span in ('hour', 'less') then span = 'hour' end) over (
                partition by skill_id, stage, locale, {{ series | join(', ') }}, {{ reporting_date('starts_at') }}
            ) as day_has_hours,
            max(span = 'month') over (
                partition by skill_id, stage, locale, {{ series | join(', ') }}, month_start
            ) as month_is_whole
        from (
            select
                *,
                case
                    when
                        starts_at = {{ reporting_instant('month_start') }}
                        and ends_at = {{ reporting_instant('month_start + interval 1 month') }}
                        then 'month'
                    when
                        starts_at = {{ reporting_instant(reporting_date('starts_at')) }}
                        and ends_at = {{ reporting_instant(reporting_date('starts_at') ~ ' + interval 1 day') }}
                        then 'day'
                    when starts_at = date_trunc('hour', starts_at) and ends_at = starts_at + interval 1 hour then 'hour'
                    when ends_at <= date_trunc('hour', starts_at) + interval 1 hour then 'less'
                end as span,
                -- no longer than an hour, in two days
                coalesce(
                    span in ('hour', 'less')
                    and {{ reporting_date('starts_at') }} <> {{ reporting_date('(ends_at - interval 1 microsecond)') }},
                    false
                ) as is_cut
            from placed
            where measure is not null
        )
    )
    cross join (select unnest(['hour', 'day', 'month']) as grain)
    where
        period_start is not null
        and case
            when span = 'month' then grain = 'month'
            when grain = 'month' and month_is_whole then false
            when span = 'day' then grain in ('day', 'month')
            when grain = 'hour' then span = case when hour_is_whole then 'hour' else 'less' end
            else not day_is_whole and span = case when day_has_hours then 'hour' else 'less' end
        end
    group by skill_id, stage, locale, {{ series | join(', ') }}, grain, period_start

),

reported_by_grain as (

    select * from by_locale

    union all by name

    select
        skill_id,
        stage,
        'all' as locale,
        {{ series | join(', ') }},
        grain,
        period_start,
        case when not bool_or(reported_value is null) then sum(reported_value) end as reported_value,
        false as is_exact
    from by_locale
    group by skill_id, stage, {{ series | join(', ') }}, grain, period_start
    having not bool_or(locale = 'all')

)
{%- endmacro %}
