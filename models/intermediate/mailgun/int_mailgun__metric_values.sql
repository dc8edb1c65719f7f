-- Grain: one hour, day or month, metric, mart and its keys.
{{ metric_values(['mailgun_metrics', 'mailgun_metrics_by_dimension']) }}
