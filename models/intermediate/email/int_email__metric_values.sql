-- Grain: one hour, day or month, metric, mart and its keys.
{{ metric_values([
    'email_metrics', 'email_machine_opens_by_rule', 'email_by_provider', 'email_metrics_by_dimension', 'email_cohorts',
    'email_bounce_reasons', 'email_links'
]) }}
