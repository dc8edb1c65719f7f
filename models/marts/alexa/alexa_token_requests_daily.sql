-- Grain: one day, skill, stage, locale and grant type with at least one request.
{{ by_grain(ref('int_alexa__token_requests_by_period'), 'day', where='not is_by_code') }}
