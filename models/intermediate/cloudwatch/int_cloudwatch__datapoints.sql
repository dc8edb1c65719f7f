-- Grain: one landed version of a CloudWatch datapoint; `is_current` marks the version that counts.
-- What a version states decides, never when it arrived.
{{ config(unique_key='version_id') }}

-- The most samples tell most.
{{ current_versions(
    ref('stg_cloudwatch__datapoints'),
    ['sample_count desc', 'sum desc', 'maximum desc', 'minimum desc', 'unit'],
    'datapoint_key', 'period_date', is_dated=true
) }}
