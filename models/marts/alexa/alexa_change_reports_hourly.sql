-- Grain: one hour, skill, stage and locale with at least one StateReport.
with

metrics as (

    select * from {{ ref('int_alexa__change_reports_by_period') }}

)

select
    skill_id,
    stage,
    locale,
    period_start,
    report_state_responses_compared,
    accuracy_rate
from metrics
where grain = 'hour' and record_count > 0
