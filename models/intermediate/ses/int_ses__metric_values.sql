-- Grain: one hour, day or month, metric, mart and its keys.
{{ metric_values(['ses_metrics', 'ses_metrics_by_dimension']) }}
