-- Grain: one landed version of a CloudWatch datapoint of SES; `is_current` marks the version that counts.
-- The version of the most samples is the most complete, as in int_cloudwatch__datapoints.
{{ current_versions(ref('stg_ses__datapoints'), ['sample_count desc', 'sum desc', 'maximum desc', 'minimum desc']) }}
