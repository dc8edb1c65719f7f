-- Grain: one day, skill, stage and locale with at least one request, directive, event or reported number.
{{ by_grain(ref('int_alexa__skill_metrics_by_period'), 'day') }}
