-- Grain: one grain (hour, day, month), period and Voice ID operation. A column per metric of cloudwatch_metrics.
-- Where CloudWatch says nothing, nothing was counted: counts of events are 0, what is measured is NULL.
{{ config(materialized='view', database='touchstone') }}

with

metrics as (

    select
        *,
        dimensions ->> '$.API' as api
    from {{ ref('int_cloudwatch__metrics_by_period') }}
    where
        namespace = 'VoiceID'
        and dimension_set = 'API'
        and datapoints > 0

),

pivoted as (

    select
        account_id,
        region,
        api,
        grain,
        period_start,
        max(value) filter (where metric_name = 'RequestLatency') as request_latency,
        coalesce(max(value) filter (where metric_name = 'UserErrors'), 0) as user_errors,
        coalesce(max(value) filter (where metric_name = 'SystemErrors'), 0) as system_errors,
        coalesce(max(value) filter (where metric_name = 'Throttles'), 0) as throttles,
        max(landing) as landing
    from metrics
    group by account_id, region, api, grain, period_start

)

select * from pivoted
