-- Grain: one day and activity with at least one event or snapshot.
{{ by_grain(ref('int_pinpoint__activity_metrics'), 'day') }}
