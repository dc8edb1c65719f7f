-- Grain: one landed version of a CloudWatch datapoint; `is_current` marks the version that counts.
-- Prefer by content, not by arrival order.
-- The version with the most samples is the most complete. Answers of GetMetricData don't state the unit. Of an hour or
-- 5 minutes and the minutes in it the most samples count, too.
{{ current_versions(
    ref('stg_cloudwatch__datapoints'),
    ['sample_count desc', 'sum desc', 'maximum desc', 'minimum desc', "unit = 'None'", 'unit'],
    'datapoint_key', is_dated=true, series=['account_id', 'region', 'namespace', 'metric_name', 'dimensions']
) }}
