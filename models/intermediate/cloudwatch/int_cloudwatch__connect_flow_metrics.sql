-- Grain: one grain (hour, day, month), period and flow with a known number. A column per metric.
{{ config(materialized='view', tags='published') }}

with

mart_rows as (

    select * from {{ ref('int_cloudwatch__wide_metrics_by_period') }}
    where mart = 'connect_flow_metrics' and subject is not null

)

select
    account_id,
    region,
    subject ->> '$.InstanceId' as instance_id,
    subject ->> '$.ContactFlowName' as flow_name,
    grain,
    period_start,
    metrics['CallBackNotDialableNumber'] as call_back_not_dialable_number,
    metrics['ContactFlowErrors'] as contact_flow_errors,
    metrics['ContactFlowFatalErrors'] as contact_flow_fatal_errors,
    metrics['PublicSigningKeyUsage'] as public_signing_key_usage,
    load_id
from mart_rows
