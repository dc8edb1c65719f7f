-- Grain: one month and Connect instance for which a quota can be estimated.
{{ by_grain(ref('int_cloudwatch__quota_estimates_by_period'), 'month') }}
