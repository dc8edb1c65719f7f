-- Grain: one grain (hour, day, month), period, skill, stage and locale, which may be `all`: how often a
-- StateReport was what the skill had last reported by itself.
{{ config(tags='published', unique_key=['skill_id', 'stage', 'grain', 'period_start']) }}

with

records as not materialized (

    select
        *,
        reported_at as event_at,
        case when is_comparable then 1 end as comparable,
        case when is_accurate then 1 end as accurate
    from {{ read(ref('int_alexa__state_reports')) }}

),

{{ changed_periods(['skill_id', 'stage']) }},

counted as (

    select
        skill_id,
        stage,
        case when grouping(locale) = 0 then locale else 'all' end as locale,
        {{ grain_columns() }},
        count(event_at) as record_count,
        count(comparable) as report_state_responses_compared,
        count(accurate) as report_state_responses_matched
    from bucketed
    group by
        skill_id, stage,
        grouping sets ((hour_start), (day_start), (month_start)),
        grouping sets ((), (locale))

),

with_rates as (

    select
        *,
        report_state_responses_matched / nullif(report_state_responses_compared, 0) as accuracy_rate,
        record_count = 0 as is_empty,
        {{ load_id() }} as load_id
    from counted
    where period_start is not null and locale is not null

)

select * from with_rates
