-- Grain: one day, metric, mart and its keys.
{{ metric_values('daily') }}
