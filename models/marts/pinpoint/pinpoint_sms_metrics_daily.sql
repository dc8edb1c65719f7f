-- Grain: one day and activity with at least one SMS event.
{{ by_grain(ref('int_pinpoint__sms_metrics'), 'day') }}
