-- Grain: one grain (hour, day, month), period, skill, stage, locale, operation, capability and directive, of which
-- locale, capability and directive may be `all`. Defines every metric of discovery, directives and report
-- state.
{{ config(tags='published', unique_key=['skill_id', 'stage', 'grain', 'period_start']) }}

with

records as not materialized (

    select
        * replace (
            -- the other operations have one directive each, and no capability
            case when operation = 'capability_directive' then capability end as capability
        ),
        sent_at as event_at,
        case when is_successful then 1 end as success
    from {{ read(ref('int_alexa__operations')) }}
    where operation <> 'authorization'

),

{{ changed_periods(['skill_id', 'stage']) }},

counted as (

    -- Each grain by itself, of what changed in it: grouping sets would order the latencies of a month three times.
    {% for grain in ['hour', 'day', 'month'] -%}
    select
        skill_id,
        stage,
        case when grouping(locale) = 0 then locale else 'all' end as locale,
        operation,
        case when grouping(capability) = 0 then capability else 'all' end as capability,
        case when grouping(directive) = 0 then directive else 'all' end as directive,
        '{{ grain }}' as grain,
        {{ grain }}_start as period_start,
        count(event_at) as request_volume,
        count(success) as successful_requests,
        count(latency_us) as answered_count,
        coalesce(sum(latency_us), 0) / 1000 as latency_sum_ms,
        quantile_cont(latency_us, [0.5, 0.9, 0.99]) as latency_us
    from bucketed
    where {{ grain }}_start is not null
    group by
        skill_id, stage, operation, {{ grain }}_start,
        grouping sets ((), (locale)),
        grouping sets ((), (capability), (capability, directive))
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

with_rates as (

    select
        * exclude (latency_us),
        latency_us[1] / 1000 as latency_p50_ms,
        latency_us[2] / 1000 as latency_p90_ms,
        latency_us[3] / 1000 as latency_p99_ms,
        latency_sum_ms / nullif(answered_count, 0) as latency_avg_ms,
        successful_requests / nullif(request_volume, 0) as success_rate,
        request_volume = 0 as is_empty,
        {{ load_id() }} as load_id
    from counted
    where locale is not null and capability is not null

)

select * from with_rates
