-- Grain: one month, skill, stage and locale with at least one StateReport.
{{ by_grain(ref('int_alexa__change_reports_by_period'), 'month') }}
