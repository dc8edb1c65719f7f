-- Grain: one grain (hour, day, month), period and queue of which a number is known. A column per metric.
{{ config(materialized='view', database='touchstone') }}

with

metrics as (

    select
        *,
        subject ->> '$.InstanceId' as instance_id,
        subject ->> '$.QueueName' as queue_name
    from {{ ref('int_cloudwatch__wide_metrics_by_period') }}
    where mart = 'connect_queue_metrics'

),

pivoted as (

    select
        account_id,
        region,
        instance_id,
        queue_name,
        grain,
        period_start,
        any_value(value) filter (where metric_name = 'CallBackNotDialableNumber') as call_back_not_dialable_number,
        any_value(value) filter (where metric_name = 'LongestQueueWaitTime') as longest_queue_wait_time,
        any_value(value) filter (where metric_name = 'QueueCapacityExceededError') as queue_capacity_exceeded_error,
        any_value(value) filter (where metric_name = 'QueueSize') as queue_size,
        max(load_id) as load_id
    from metrics
    group by account_id, region, instance_id, queue_name, grain, period_start
    having count(value) filter (where datapoints > 0) > 0

)

select * from pivoted
