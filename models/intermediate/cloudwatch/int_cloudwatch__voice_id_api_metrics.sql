-- Grain: one grain (hour, day, month), period and Voice ID operation with a known number. A column per metric.
{{ config(materialized='view', tags='published') }}

with

mart_rows as (

    select * from {{ ref('int_cloudwatch__wide_metrics_by_period') }}
    where mart = 'voice_id_api_metrics' and subject is not null

)

select
    account_id,
    region,
    subject ->> '$.API' as api,
    grain,
    period_start,
    metrics['RequestLatency'] as request_latency,
    metrics['UserErrors'] as user_errors,
    metrics['SystemErrors'] as system_errors,
    metrics['Throttles'] as throttles,
    load_id
from mart_rows
