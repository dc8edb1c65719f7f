-- Grain: one hour, skill, stage, locale, capability and directive with at least one directive or reported number.
{{ by_grain(ref('int_alexa__action_metrics_by_period'), 'hour') }}
