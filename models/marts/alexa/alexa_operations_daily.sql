-- Grain: one day, skill, stage, locale, operation, capability and directive with at least one directive.
with

metrics as (

    select * from {{ ref('int_alexa__operations_by_period') }}

)

select
    skill_id,
    stage,
    locale,
    operation,
    capability,
    directive,
    cast(period_start as date) as period_start,
    latency_p50_ms,
    latency_p90_ms,
    latency_p99_ms,
    latency_avg_ms,
    success_rate,
    request_volume
from metrics
where grain = 'day' and request_volume > 0
