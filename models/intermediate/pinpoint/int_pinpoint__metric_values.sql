-- Grain: one hour, day or month, metric, mart and its keys.
{{ metric_values([
    'pinpoint_journey_metrics', 'pinpoint_activity_metrics', 'pinpoint_email_metrics', 'pinpoint_sms_metrics',
    'pinpoint_push_metrics', 'pinpoint_custom_channel_metrics', 'pinpoint_contact_center_metrics',
    'pinpoint_wait_metrics', 'pinpoint_split_metrics', 'pinpoint_holdout_metrics',
]) }}
