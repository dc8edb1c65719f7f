-- Grain: one month, skill, stage, locale and flow with at least one step of a linking.
{{ by_grain(ref('int_alexa__account_linking_by_period'), 'month') }}
