-- Grain: one grain (hour, day, month), period and Voice ID operation of which a number is known. A column per metric.
{{ config(materialized='view', database='touchstone') }}

with

metrics as (

    select
        *,
        subject ->> '$.API' as api
    from {{ ref('int_cloudwatch__wide_metrics_by_period') }}
    where mart = 'voice_id_api_metrics'

),

pivoted as (

    select
        account_id,
        region,
        api,
        grain,
        period_start,
        any_value(value) filter (where metric_name = 'RequestLatency') as request_latency,
        any_value(value) filter (where metric_name = 'UserErrors') as user_errors,
        any_value(value) filter (where metric_name = 'SystemErrors') as system_errors,
        any_value(value) filter (where metric_name = 'Throttles') as throttles,
        max(load_id) as load_id
    from metrics
    group by account_id, region, api, grain, period_start
    having count(value) filter (where datapoints > 0) > 0

)

select * from pivoted
