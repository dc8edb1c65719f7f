-- Grain: one grain (hour, day, month), period, skill, stage, locale and flow, of which the last two may be `all`.
-- Defines every metric of account linking.
{{ config(tags='published', unique_key=['skill_id', 'stage', 'grain', 'period_start']) }}

with

records as not materialized (

    select
        *,
        happened_at as event_at,
        case when step = 'initiation' then 1 end as initiation,
        case when step = 'completion' then 1 end as completion
    from {{ read(ref('int_alexa__account_links')) }}

),

{{ changed_periods(['skill_id', 'stage']) }},

counted as (

    select
        skill_id,
        stage,
        case when grouping(locale) = 0 then locale else 'all' end as locale,
        case when grouping(flow) = 0 then flow else 'all' end as flow,
        {{ grain_columns() }},
        count(event_at) as record_count,
        count(initiation) as linking_initiations,
        count(completion) as linking_completions
    from bucketed
    group by
        skill_id, stage,
        grouping sets ((hour_start), (day_start), (month_start)),
        grouping sets ((), (locale)),
        grouping sets ((), (flow))

),

with_rates as (

    select
        *,
        linking_initiations + linking_completions as total_linking_events,
        linking_completions / nullif(linking_initiations, 0) as completion_rate,
        record_count = 0 as is_empty,
        {{ load_id() }} as load_id
    from counted
    where period_start is not null and locale is not null and flow is not null

)

select * from with_rates
