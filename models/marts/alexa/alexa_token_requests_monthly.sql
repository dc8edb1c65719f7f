-- Grain: one month, skill, stage, locale and grant type with at least one request.
with

metrics as (

    select * from {{ ref('int_alexa__token_requests_by_period') }}

)

select
    skill_id,
    stage,
    locale,
    grant_type,
    cast(period_start as date) as period_start,
    requests,
    success_rate
from metrics
where grain = 'month' and requests > 0 and not is_by_code
