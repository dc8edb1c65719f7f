-- Grain: one grain (hour, day, month), period and Connect instance. What its quotas must be, from how much is in use.
-- Each estimate divides two numbers of the same instance, instant and statistic, the maximum. Calls come as a fraction
-- of their quota, whatever their unit says; chats and tasks as a percentage. Shares are rounded, so that of a period's
-- estimates that of the highest share is nearest to the quota. An hour's maxima may be of two instants: where its
-- samples differ, nothing is estimated.
{{ config(
    tags='published', unique_key=['account_id', 'region', 'instance_id', 'grain', 'period_start']
) }}

with

-- The instance's own number, of the metric's own group.
quota_metrics as (

    select
        namespace,
        metric_name,
        metric_group
    from {{ ref('cloudwatch_wide_metrics') }}
    where
        mart = 'connect_instance_metrics'
        and metric_name in (
            'ConcurrentCalls', 'ConcurrentCallsPercentage', 'ConcurrentActiveChats', 'ConcurrentActiveChatsPercentage',
            'ConcurrentTasks', 'ConcurrentTasksPercentage'
        )

),

records as not materialized (

    select
        * exclude (metric_group),
        case when not is_varied then maximum end as level,
        dimensions ->> '$.InstanceId' as instance_id,
        period_at as event_at
    from {{ read(ref('int_cloudwatch__datapoints')) }}
    inner join quota_metrics using (namespace, metric_name)
    where
        dimension_set = 'InstanceId,MetricGroup'
        and dimensions ->> '$.MetricGroup' = metric_group

),

{{ changed_periods(['account_id', 'region', 'instance_id']) }},

-- One row per instant.
paired as (

    select
        account_id,
        region,
        instance_id,
        hour_start,
        day_start,
        month_start,
        event_at,
        period_minutes,
        max(level) filter (where metric_name = 'ConcurrentCalls') as calls,
        max(level) filter (where metric_name = 'ConcurrentCallsPercentage') as calls_fraction,
        max(maximum) filter (where metric_name = 'ConcurrentCallsPercentage') as calls_used,
        max(level) filter (where metric_name = 'ConcurrentActiveChats') as chats,
        max(level) filter (where metric_name = 'ConcurrentActiveChatsPercentage') as chats_percentage,
        max(maximum) filter (where metric_name = 'ConcurrentActiveChatsPercentage') as chats_used,
        max(level) filter (where metric_name = 'ConcurrentTasks') as tasks,
        max(level) filter (where metric_name = 'ConcurrentTasksPercentage') as tasks_percentage,
        max(maximum) filter (where metric_name = 'ConcurrentTasksPercentage') as tasks_used
    from bucketed
    group by all

),

estimated as (

    select
        *,
        case when calls_fraction > 0 then calls / calls_fraction end as calls_quota,
        case when tasks_percentage > 0 then 100 * tasks / tasks_percentage end as tasks_quota,
        -- rounded to a whole percent, so that it is one of an interval, the narrower the higher the percentage
        case when chats_percentage > 0 then 100 * chats / chats_percentage end as chats_quota,
        case when chats_percentage > 0 then 100 * chats / (chats_percentage + 0.5) end as chats_quota_low,
        case when chats_percentage > 0.5 then 100 * chats / (chats_percentage - 0.5) end as chats_quota_high
    from paired

),

rolled_up as (

    select
        account_id,
        region,
        instance_id,
        {{ grain_columns() }},
        arg_max(calls_quota, row(calls_fraction, calls_quota)) as concurrent_calls_quota,
        arg_max(chats_quota, row(chats_percentage, chats_quota)) as concurrent_active_chats_quota,
        arg_max(chats_quota_low, row(chats_percentage, chats_quota)) as concurrent_active_chats_quota_low,
        arg_max(chats_quota_high, row(chats_percentage, chats_quota)) as concurrent_active_chats_quota_high,
        arg_max(tasks_quota, row(tasks_percentage, tasks_quota)) as concurrent_tasks_quota,
        max(calls_used) as concurrent_calls_used,
        max(chats_used) / 100 as concurrent_active_chats_used,
        max(tasks_used) / 100 as concurrent_tasks_used,
        count(coalesce(calls_used, chats_used, tasks_used)) as record_count
    from estimated
    group by account_id, region, instance_id, grouping sets ((hour_start), (day_start), (month_start))

)

select
    *,
    record_count = 0 as is_empty,
    {{ load_id() }} as load_id
from rolled_up
where period_start is not null
