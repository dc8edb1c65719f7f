-- Grain: one month and wait activity with at least one snapshot.
{{ by_grain(ref('int_pinpoint__wait_metrics'), 'month') }}
