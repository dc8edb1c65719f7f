-- Grain: one hour and queue with at least one datapoint.
{{ by_grain(ref('int_cloudwatch__connect_queue_metrics'), 'hour') }}
