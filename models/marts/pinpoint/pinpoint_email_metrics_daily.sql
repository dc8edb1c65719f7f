-- Grain: one day and activity with at least one email event.
{{ by_grain(ref('int_pinpoint__email_metrics'), 'day') }}
