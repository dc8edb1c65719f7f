-- Grain: one day, skill, stage, locale, grant type and error code with at least one failed request.
select
    * exclude (is_by_code, grain, requests, successful_requests, success_rate, load_id)
    replace (cast(period_start as date) as period_start)
from {{ ref('int_alexa__token_requests_by_period') }}
where grain = 'day' and error_responses > 0 and is_by_code
