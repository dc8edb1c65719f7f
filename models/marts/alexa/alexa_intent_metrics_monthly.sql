-- Grain: one month, skill, stage, locale and intent with at least one IntentRequest.
{{ by_grain(ref('int_alexa__intent_metrics_by_period'), 'month') }}
