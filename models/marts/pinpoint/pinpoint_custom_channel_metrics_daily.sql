-- Grain: one day and activity with at least one send through a function or webhook.
{{ by_grain(ref('int_pinpoint__custom_channel_metrics'), 'day') }}
