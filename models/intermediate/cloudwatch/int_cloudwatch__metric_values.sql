-- Grain: one hour, day or month, metric, mart and its keys; in cloudwatch_metrics a metric is a row.
{{ config(materialized='view', database='touchstone') }}

with

metric_values as (

    {{ metric_values([
        'connect_quota_estimates', 'connect_instance_metrics', 'connect_queue_metrics', 'connect_flow_metrics',
        'voice_id_api_metrics', 'voice_id_domain_metrics', 'appintegrations_metrics',
    ]) }}

),

metric_rows as (

    select *, 'hour' as grain from {{ ref('cloudwatch_metrics_hourly') }}
    union all by name
    select *, 'day' as grain from {{ ref('cloudwatch_metrics_daily') }}
    union all by name
    select *, 'month' as grain from {{ ref('cloudwatch_metrics_monthly') }}

),

values_of_rows as (

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
        value
    from metric_rows

)

select * from metric_values
union all by name
select * from values_of_rows
