-- Grain: one month, skill, stage, locale, operation, capability and directive with at least one directive.
{{ by_grain(ref('int_alexa__operations_by_period'), 'month') }}
