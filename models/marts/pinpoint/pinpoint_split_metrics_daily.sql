-- Grain: one day and path of a split activity with at least one snapshot.
{{ by_grain(ref('int_pinpoint__split_metrics'), 'day') }}
