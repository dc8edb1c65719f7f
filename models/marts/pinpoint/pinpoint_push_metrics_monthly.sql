-- Grain: one month and push activity with at least one send, notification or fetch of its definition.
{{ by_grain(ref('int_pinpoint__push_metrics'), 'month') }}
