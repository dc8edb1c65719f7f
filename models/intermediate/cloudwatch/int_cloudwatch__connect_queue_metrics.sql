-- Grain: one grain (hour, day, month), period and queue. A column per metric of cloudwatch_metrics.
-- Where CloudWatch says nothing, nothing was counted: counts of events are 0, what is measured is NULL,
-- and NULL is what it tells of under other dimensions.
{{ config(materialized='view', database='touchstone') }}

with

metrics as (

    select
        *,
        dimensions ->> '$.InstanceId' as instance_id,
        dimensions ->> '$.QueueName' as queue_name
    from {{ ref('int_cloudwatch__metrics_by_period') }}
    where
        namespace = 'AWS/Connect'
        and dimension_set = 'InstanceId,MetricGroup,QueueName'
        and datapoints > 0

),

pivoted as (

    select
        account_id,
        region,
        instance_id,
        queue_name,
        grain,
        period_start,
        max(value) filter (where metric_name = 'CallBackNotDialableNumber') as call_back_not_dialable_number,
        max(value) filter (where metric_name = 'LongestQueueWaitTime') as longest_queue_wait_time,
        coalesce(
            max(value) filter (where metric_name = 'QueueCapacityExceededError'), 0
        ) as queue_capacity_exceeded_error,
        max(value) filter (where metric_name = 'QueueSize') as queue_size,
        max(landing) as landing
    from metrics
    group by account_id, region, instance_id, queue_name, grain, period_start

)

select * from pivoted
