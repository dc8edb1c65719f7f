-- Grain: one grain (hour, day, month), period and Connect instance of which a number is known. A column per metric.
{{ config(materialized='view', database='touchstone') }}

with

metrics as (

    select
        *,
        subject ->> '$.InstanceId' as instance_id
    from {{ ref('int_cloudwatch__wide_metrics_by_period') }}
    where mart = 'connect_instance_metrics'

),

pivoted as (

    select
        account_id,
        region,
        instance_id,
        grain,
        period_start,
        max(value) filter (where metric_name = 'CallsBreachingConcurrencyQuota') as calls_breaching_concurrency_quota,
        max(value) filter (where metric_name = 'CallRecordingUploadError') as call_recording_upload_error,
        max(value) filter (where metric_name = 'CallsPerInterval') as calls_per_interval,
        max(value) filter (where metric_name = 'ChatsBreachingActiveChatQuota') as chats_breaching_active_chat_quota,
        max(value) filter (where metric_name = 'ConcurrentActiveChats') as concurrent_active_chats,
        max(value) filter (where metric_name = 'ConcurrentActiveChatsPercentage') as concurrent_active_chats_percentage,
        max(value) filter (where metric_name = 'ConcurrentCalls') as concurrent_calls,
        max(value) filter (where metric_name = 'ConcurrentCallsPercentage') as concurrent_calls_percentage,
        max(value) filter (where metric_name = 'ConcurrentTasks') as concurrent_tasks,
        max(value) filter (where metric_name = 'ConcurrentTasksPercentage') as concurrent_tasks_percentage,
        max(value) filter (where metric_name = 'MissedCalls') as missed_calls,
        max(value) filter (where metric_name = 'MisconfiguredPhoneNumbers') as misconfigured_phone_numbers,
        max(value) filter (where metric_name = 'SuccessfulChatsPerInterval') as successful_chats_per_interval,
        max(value) filter (where metric_name = 'TasksBreachingConcurrencyQuota') as tasks_breaching_concurrency_quota,
        max(value) filter (where metric_name = 'TasksExpired') as tasks_expired,
        max(value) filter (where metric_name = 'TasksExpiryWarningReached') as tasks_expiry_warning_reached,
        max(value) filter (where metric_name = 'ThrottledCalls') as throttled_calls,
        max(value) filter (where metric_name = 'PublicSigningKeyUsage') as public_signing_key_usage,
        max(value) filter (where metric_name = 'ToInstancePacketLossRate') as to_instance_packet_loss_rate,
        max(landing) as landing
    from metrics
    group by account_id, region, instance_id, grain, period_start
    having count(value) filter (where datapoints > 0) > 0

)

select * from pivoted
