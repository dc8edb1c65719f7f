-- Grain: one hour and journey with at least one event, snapshot or fetch of its definition.
{{ by_grain(ref('int_pinpoint__journey_metrics'), 'hour') }}
