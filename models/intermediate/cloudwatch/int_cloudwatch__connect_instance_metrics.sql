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
        any_value(value) filter (
            where metric_name = 'CallsBreachingConcurrencyQuota'
        ) as calls_breaching_concurrency_quota,
        any_value(value) filter (where metric_name = 'CallRecordingUploadError') as call_recording_upload_error,
        any_value(value) filter (where metric_name = 'CallsPerInterval') as calls_per_interval,
        any_value(value) filter (
            where metric_name = 'ChatsBreachingActiveChatQuota'
        ) as chats_breaching_active_chat_quota,
        any_value(value) filter (where metric_name = 'ConcurrentActiveChats') as concurrent_active_chats,
        any_value(value) filter (
            where metric_name = 'ConcurrentActiveChatsPercentage'
        ) as concurrent_active_chats_percentage,
        any_value(value) filter (where metric_name = 'ConcurrentCalls') as concurrent_calls,
        any_value(value) filter (where metric_name = 'ConcurrentCallsPercentage') as concurrent_calls_percentage,
        any_value(value) filter (where metric_name = 'ConcurrentTasks') as concurrent_tasks,
        any_value(value) filter (where metric_name = 'ConcurrentTasksPercentage') as concurrent_tasks_percentage,
        any_value(value) filter (where metric_name = 'MissedCalls') as missed_calls,
        any_value(value) filter (where metric_name = 'MisconfiguredPhoneNumbers') as misconfigured_phone_numbers,
        any_value(value) filter (where metric_name = 'SuccessfulChatsPerInterval') as successful_chats_per_interval,
        any_value(value) filter (
            where metric_name = 'TasksBreachingConcurrencyQuota'
        ) as tasks_breaching_concurrency_quota,
        any_value(value) filter (where metric_name = 'TasksExpired') as tasks_expired,
        any_value(value) filter (where metric_name = 'TasksExpiryWarningReached') as tasks_expiry_warning_reached,
        any_value(value) filter (where metric_name = 'ThrottledCalls') as throttled_calls,
        any_value(value) filter (where metric_name = 'PublicSigningKeyUsage') as public_signing_key_usage,
        any_value(value) filter (where metric_name = 'ToInstancePacketLossRate') as to_instance_packet_loss_rate,
        max(load_id) as load_id
    from metrics
    group by account_id, region, instance_id, grain, period_start
    having count(value) filter (where datapoints > 0) > 0

)

select * from pivoted
