-- Grain: one grain (hour, day, month), period and queue with a known number. A column per metric.
{{ config(materialized='view', tags='published') }}

with

mart_rows as (

    select * from {{ ref('int_cloudwatch__wide_metrics_by_period') }}
    where mart = 'connect_queue_metrics' and subject is not null

)

select
    account_id,
    region,
    subject ->> '$.InstanceId' as instance_id,
    subject ->> '$.QueueName' as queue_name,
    grain,
    period_start,
    metrics['CallBackNotDialableNumber'] as call_back_not_dialable_number,
    metrics['LongestQueueWaitTime'] as longest_queue_wait_time,
    metrics['QueueCapacityExceededError'] as queue_capacity_exceeded_error,
    metrics['QueueSize'] as queue_size,
    load_id
from mart_rows
