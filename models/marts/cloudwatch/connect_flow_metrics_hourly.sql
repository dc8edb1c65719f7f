-- Grain: one hour and flow with at least one datapoint.
{{ by_grain(ref('int_cloudwatch__connect_flow_metrics'), 'hour') }}
