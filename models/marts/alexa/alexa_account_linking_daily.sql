-- Grain: one day, skill, stage, locale and flow with at least one step of a linking.
with

metrics as (

    select * from {{ ref('int_alexa__account_linking_by_period') }}

)

select
    skill_id,
    stage,
    locale,
    flow,
    cast(period_start as date) as period_start,
    linking_initiations,
    linking_completions,
    total_linking_events,
    completion_rate
from metrics
where grain = 'day' and record_count > 0
