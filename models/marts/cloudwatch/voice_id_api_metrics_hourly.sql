-- Grain: one hour and Voice ID operation with at least one datapoint.
{{ by_grain(ref('int_cloudwatch__voice_id_api_metrics'), 'hour') }}
