-- Grain: one month and Voice ID domain with at least one datapoint.
{{ by_grain(ref('int_cloudwatch__voice_id_domain_metrics'), 'month') }}
