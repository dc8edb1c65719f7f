-- Grain: one hour, skill, stage, locale, grant type and error code with at least one failed request.
{{ by_grain(ref('int_alexa__token_requests_by_period'), 'hour', where='is_by_code') }}
