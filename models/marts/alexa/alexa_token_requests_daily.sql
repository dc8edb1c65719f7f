-- Grain: one day, skill, stage, locale and grant type with at least one request.
select
    * exclude (is_by_code, error_code, grain, error_responses, load_id)
    replace (cast(period_start as date) as period_start)
from {{ ref('int_alexa__token_requests_by_period') }}
where grain = 'day' and requests > 0 and not is_by_code
