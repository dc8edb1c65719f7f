-- Grain: one grain (hour, day, month), period and Connect instance. A column per metric of cloudwatch_metrics.
-- Tasks that expire come by contact, signing keys each by itself: added up they are the instance's. Packet
-- loss names the instance in either of two spellings.
-- Where CloudWatch says nothing, nothing was counted: counts of events are 0, what is measured is NULL.
{{ config(materialized='view', database='touchstone') }}

with

metrics as (

    select
        *,
        coalesce(dimensions ->> '$.InstanceId', dimensions ->> '$."Instance ID"') as instance_id
    from {{ ref('int_cloudwatch__metrics_by_period') }}
    where
        namespace = 'AWS/Connect'
        and dimension_set in (
            'InstanceId,MetricGroup', 'InstanceId,SigningKeyId',
            'Instance ID,Participant,Stream Type,Type of Connection',
            'InstanceId,Participant,Stream Type,Type of Connection'
        )
        and datapoints > 0

),

pivoted as (

    select
        account_id,
        region,
        instance_id,
        grain,
        period_start,
        coalesce(
            max(value) filter (where metric_name = 'CallsBreachingConcurrencyQuota'), 0
        ) as calls_breaching_concurrency_quota,
        coalesce(max(value) filter (where metric_name = 'CallRecordingUploadError'), 0) as call_recording_upload_error,
        coalesce(max(value) filter (where metric_name = 'CallsPerInterval'), 0) as calls_per_interval,
        coalesce(
            max(value) filter (where metric_name = 'ChatsBreachingActiveChatQuota'), 0
        ) as chats_breaching_active_chat_quota,
        max(value) filter (where metric_name = 'ConcurrentActiveChats') as concurrent_active_chats,
        max(value) filter (where metric_name = 'ConcurrentActiveChatsPercentage') as concurrent_active_chats_percentage,
        max(value) filter (where metric_name = 'ConcurrentCalls') as concurrent_calls,
        max(value) filter (where metric_name = 'ConcurrentCallsPercentage') as concurrent_calls_percentage,
        max(value) filter (where metric_name = 'ConcurrentTasks') as concurrent_tasks,
        max(value) filter (where metric_name = 'ConcurrentTasksPercentage') as concurrent_tasks_percentage,
        coalesce(max(value) filter (where metric_name = 'MissedCalls'), 0) as missed_calls,
        coalesce(max(value) filter (where metric_name = 'MisconfiguredPhoneNumbers'), 0) as misconfigured_phone_numbers,
        coalesce(
            max(value) filter (where metric_name = 'SuccessfulChatsPerInterval'), 0
        ) as successful_chats_per_interval,
        coalesce(
            max(value) filter (where metric_name = 'TasksBreachingConcurrencyQuota'), 0
        ) as tasks_breaching_concurrency_quota,
        coalesce(max(value) filter (where metric_name = 'TasksExpired'), 0) as tasks_expired,
        coalesce(
            max(value) filter (where metric_name = 'TasksExpiryWarningReached'), 0
        ) as tasks_expiry_warning_reached,
        coalesce(max(value) filter (where metric_name = 'ThrottledCalls'), 0) as throttled_calls,
        coalesce(
            sum(value) filter (
                where metric_name = 'PublicSigningKeyUsage' and dimension_set = 'InstanceId,SigningKeyId'
            ),
            0
        ) as public_signing_key_usage,
        -- of decimals, as they add up to the same in any order
        sum(cast(sum as decimal(38, 12))) filter (where metric_name = 'ToInstancePacketLossRate')
        / nullif(sum(sample_count) filter (where metric_name = 'ToInstancePacketLossRate'), 0)
            as to_instance_packet_loss_rate,
        max(landing) as landing
    from metrics
    group by account_id, region, instance_id, grain, period_start

)

select * from pivoted
