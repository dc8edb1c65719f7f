-- Grain: one grain (hour, day, month), period and Connect instance with a known number. A column per metric.
{{ config(materialized='view', tags='published') }}

with

mart_rows as (

    select * from {{ ref('int_cloudwatch__wide_metrics_by_period') }}
    where mart = 'connect_instance_metrics' and subject is not null

)

select
    account_id,
    region,
    subject ->> '$.InstanceId' as instance_id,
    grain,
    period_start,
    metrics['CallsBreachingConcurrencyQuota'] as calls_breaching_concurrency_quota,
    metrics['CallRecordingUploadError'] as call_recording_upload_error,
    metrics['CallsPerInterval'] as calls_per_interval,
    metrics['ChatsBreachingActiveChatQuota'] as chats_breaching_active_chat_quota,
    metrics['ConcurrentActiveChats'] as concurrent_active_chats,
    metrics['ConcurrentActiveChatsPercentage'] as concurrent_active_chats_percentage,
    metrics['ConcurrentCalls'] as concurrent_calls,
    metrics['ConcurrentCallsPercentage'] as concurrent_calls_percentage,
    metrics['ConcurrentTasks'] as concurrent_tasks,
    metrics['ConcurrentTasksPercentage'] as concurrent_tasks_percentage,
    metrics['MissedCalls'] as missed_calls,
    metrics['MisconfiguredPhoneNumbers'] as misconfigured_phone_numbers,
    metrics['SuccessfulChatsPerInterval'] as successful_chats_per_interval,
    metrics['TasksBreachingConcurrencyQuota'] as tasks_breaching_concurrency_quota,
    metrics['TasksExpired'] as tasks_expired,
    metrics['TasksExpiryWarningReached'] as tasks_expiry_warning_reached,
    metrics['ThrottledCalls'] as throttled_calls,
    metrics['PublicSigningKeyUsage'] as public_signing_key_usage,
    metrics['ToInstancePacketLossRate'] as to_instance_packet_loss_rate,
    load_id
from mart_rows
