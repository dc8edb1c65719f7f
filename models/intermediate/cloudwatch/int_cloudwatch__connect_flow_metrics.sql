-- Grain: one grain (hour, day, month), period and flow. A column per metric of cloudwatch_metrics.
-- Where CloudWatch says nothing, nothing was counted: counts of events are 0, what is measured is NULL,
-- and NULL is what it tells of under other dimensions.
{{ config(materialized='view', database='touchstone') }}

with

metrics as (

    select
        *,
        dimensions ->> '$.InstanceId' as instance_id,
        dimensions ->> '$.ContactFlowName' as flow_name
    from {{ ref('int_cloudwatch__metrics_by_period') }}
    where
        namespace = 'AWS/Connect'
        and dimension_set = 'ContactFlowName,InstanceId,MetricGroup'
        and datapoints > 0

),

pivoted as (

    select
        account_id,
        region,
        instance_id,
        flow_name,
        grain,
        period_start,
        coalesce(
            max(value) filter (where metric_name = 'CallBackNotDialableNumber'), 0
        ) as call_back_not_dialable_number,
        coalesce(max(value) filter (where metric_name = 'ContactFlowErrors'), 0) as contact_flow_errors,
        coalesce(max(value) filter (where metric_name = 'ContactFlowFatalErrors'), 0) as contact_flow_fatal_errors,
        max(value) filter (where metric_name = 'PublicSigningKeyUsage') as public_signing_key_usage,
        max(landing) as landing
    from metrics
    group by account_id, region, instance_id, flow_name, grain, period_start

)

select * from pivoted
