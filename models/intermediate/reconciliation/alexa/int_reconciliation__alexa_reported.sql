-- Grain: one day, metric, skill, stage and locale (which may be `all`) of Amazon's Metrics API.
{{ config(materialized='table') }}

with

-- A day's locales are added up, so that each has to be asked for when the day is over.
requests as (

    select
        skill_id,
        stage,
        measure,
        period_start,
        min(requested_at) as requested_at
    from (
        select
            skill_id,
            stage,
            locale,
            measure,
            {{ reporting_date('starts_at') }} as period_start,
            max(fetched_at) as requested_at
        from {{ ref('int_alexa__reported_points') }}
        where is_compared
        group by skill_id, stage, locale, measure, period_start
    )
    group by skill_id, stage, measure, period_start

),

reported as (

    select
        cast(to_json(struct_pack(locale := locale, skill_id := skill_id, stage := stage)) as varchar) as keys,
        measure as metric,
        cast(period_start as date) as period_start,
        reported_value as reported,
        requested_at >= {{ reporting_instant('period_start + interval 1 day') }} as is_over,
        skill_id,
        stage,
        locale
    from {{ ref('int_alexa__reported_values_by_period') }}
    inner join requests using (skill_id, stage, measure, period_start)
    where
        grain = 'day'
        and is_compared
        and reported_value is not null
        -- customers don't add up, neither over hours nor over locales
        and (measure <> 'customers' or is_exact)
        -- a skill's enablements are of no locale
        and (measure <> 'total_enablements' or locale = 'all')

)

select * from reported
