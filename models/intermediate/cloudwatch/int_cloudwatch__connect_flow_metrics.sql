-- Grain: one grain (hour, day, month), period and flow of which a number is known. A column per metric.
{{ config(materialized='view', database='touchstone') }}

with

metrics as (

    select
        *,
        subject ->> '$.InstanceId' as instance_id,
        subject ->> '$.ContactFlowName' as flow_name
    from {{ ref('int_cloudwatch__wide_metrics_by_period') }}
    where mart = 'connect_flow_metrics'

),

pivoted as (

    select
        account_id,
        region,
        instance_id,
        flow_name,
        grain,
        period_start,
        any_value(value) filter (where metric_name = 'CallBackNotDialableNumber') as call_back_not_dialable_number,
        any_value(value) filter (where metric_name = 'ContactFlowErrors') as contact_flow_errors,
        any_value(value) filter (where metric_name = 'ContactFlowFatalErrors') as contact_flow_fatal_errors,
        any_value(value) filter (where metric_name = 'PublicSigningKeyUsage') as public_signing_key_usage,
        max(load_id) as load_id
    from metrics
    group by account_id, region, instance_id, flow_name, grain, period_start
    having count(value) filter (where datapoints > 0) > 0

)

select * from pivoted
