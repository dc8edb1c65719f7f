-- Grain: one month and holdout activity with at least one snapshot.
{{ by_grain(ref('int_pinpoint__holdout_metrics'), 'month') }}
