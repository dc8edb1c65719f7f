-- Grain: one month, metric, mart and its keys.
{{ metric_values('monthly') }}
