-- Grain: one hour and Connect instance with at least one datapoint.
{{ by_grain(ref('int_cloudwatch__connect_instance_metrics'), 'hour') }}
