-- Grain: one month and Voice ID operation with at least one datapoint.
{{ by_grain(ref('int_cloudwatch__voice_id_api_metrics'), 'month') }}
