-- Grain: one hour, skill, stage, locale and grant type with at least one request.
select
    * exclude (is_by_code, error_code, grain, error_responses, load_id)
from {{ ref('int_alexa__token_requests_by_period') }}
where grain = 'hour' and requests > 0 and not is_by_code
