-- Grain: one month, account, region, namespace, metric and set of its dimensions' values, with at least one datapoint.
{{ by_grain(ref('int_cloudwatch__metrics_by_period'), 'month') }}
