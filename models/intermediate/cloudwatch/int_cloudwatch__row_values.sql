-- Grain: one hour, day or month, and row of cloudwatch_metrics.
{{ config(materialized='view', tags='published') }}

with

metrics as (

    select *, 'hour' as grain from {{ ref('cloudwatch_metrics_hourly') }}
    union all by name
    select *, 'day' as grain from {{ ref('cloudwatch_metrics_daily') }}
    union all by name
    select *, 'month' as grain from {{ ref('cloudwatch_metrics_monthly') }}

)

select
    grain,
    case namespace
        when 'AWS/SES' then 'ses'
        when 'VoiceID' then 'voice_id'
        when 'AWS/AppIntegrations' then 'appintegrations'
        else 'connect'
    end as system,
    'cloudwatch_metrics' as mart,
    namespace || '/' || metric_name as metric,
    period_start,
    cast(to_json(struct_pack(
        account_id := account_id,
        dimension_set := dimension_set,
        dimensions := dimensions,
        metric_name := metric_name,
        namespace := namespace,
        region := region
    )) as varchar) as keys,
    value,
    cast(null as double) as numerator,
    cast(null as double) as denominator
from metrics
