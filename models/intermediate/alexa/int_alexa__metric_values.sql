-- Grain: one hour, day or month, metric, mart and its keys; cohorts are of a week, and stand at the day that begins it.
{{ metric_values(
    [
        'alexa_skill_metrics', 'alexa_intent_metrics', 'alexa_action_metrics', 'alexa_interaction_paths',
        'alexa_account_linking', 'alexa_token_requests', 'alexa_token_errors', 'alexa_operations',
        'alexa_change_reports', 'alexa_purchases',
    ],
    dated={'alexa_retention_cohorts': 'cohort_week'}
) }}
