-- Grain: one hour and integration with at least one datapoint.
{{ by_grain(ref('int_cloudwatch__appintegrations_metrics'), 'hour') }}
