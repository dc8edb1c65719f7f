-- Grain: one hour, day or month, metric, mart and its keys; in cloudwatch_metrics a metric is a row.
{{ metric_values(
    [
        'connect_quota_estimates', 'connect_instance_metrics', 'connect_queue_metrics', 'connect_flow_metrics',
        'voice_id_api_metrics', 'voice_id_domain_metrics', 'appintegrations_metrics',
    ],
    others=ref('int_cloudwatch__row_values'),
) }}
