-- Grain: one hour and activity with at least one SMS event.
{{ by_grain(ref('int_pinpoint__sms_metrics'), 'hour') }}
