-- Grain: one month, skill, stage, locale, grant type and error code with at least one failed request.
with

metrics as (

    select * from {{ ref('int_alexa__token_requests_by_period') }}

)

select
    skill_id,
    stage,
    locale,
    grant_type,
    error_code,
    cast(period_start as date) as period_start,
    error_responses
from metrics
where grain = 'month' and error_responses > 0 and is_by_code
