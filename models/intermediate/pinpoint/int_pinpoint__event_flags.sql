-- Grain: one event and an activity of a journey that may have caused it; `is_current` marks the one that it is of.
-- It counts for a metric where the column of that name is 1; elsewhere the column is NULL.
-- Every metric of events is defined here and nowhere else. Tests of journeys are among them; published models leave
-- them out.
{{ config(materialized='view') }}

with

sends as (

    select
        application_id,
        journey_id,
        activity_id,
        event_at,
        'send' as channel,
        activity_type,
        coalesce(send_status, 'none') as outcome,
        true as is_current,
        load_id
    from {{ ref('int_pinpoint__sends') }}

),

emails as (

    select
        application_id,
        journey_id,
        activity_id,
        event_at,
        'email' as channel,
        event as outcome,
        is_counted,
        true as is_current,
        load_id
    from {{ ref('int_pinpoint__email_events') }}

),

pushes as (

    select
        application_id,
        journey_id,
        activity_id,
        event_at,
        'push' as channel,
        outcome,
        is_counted,
        true as is_current,
        load_id
    from {{ ref('int_pinpoint__push_events') }}

),

texts as (

    select
        application_id,
        journey_id,
        activity_id,
        event_at,
        'sms' as channel,
        is_first,
        is_delivery,
        is_failure,
        price_in_millicents,
        is_chosen as is_current,
        load_id
    from {{ ref('int_pinpoint__sms_events') }}
    where journey_id <> 'none'

),

events as (

    select * from sends
    union all by name
    select * from emails
    union all by name
    select * from pushes
    union all by name
    select * from texts

)

select
    application_id,
    journey_id,
    activity_id,
    event_at,
    is_current,
    load_id,
    channel,
    case when channel = 'email' then 1 end as email_record,
    case when channel = 'sms' then 1 end as sms_record,
    case when channel = 'push' or channel = 'send' and activity_type = 'PUSH' then 1 end as push_record,
    case when channel = 'send' and activity_type = 'CUSTOM' then 1 end as custom_record,

    case when channel = 'send' then 1 end as endpoints_through_activity,
    case when outcome = 'SUCCESS' then 1 end as messages_sent,
    case
        when channel = 'send' and outcome not in ('SUCCESS', 'QUIET_TIME_WAIT_FINISHED') then 1
    end as messages_not_sent,
    case when outcome in ('QUIET_TIME', 'QUIET_TIME_MISSING_TIMEZONE') then 1 end as quiet_time_unsent,
    case when outcome = 'DAILY_CAP' then 1 end as endpoint_limit_unsent,
    case when outcome = 'THROTTLED' then 1 end as throttled_unsent,
    case when outcome = 'TRANSIENT_FAILURE' then 1 end as temporary_failure_unsent,
    case when outcome = 'SERVICE_FAILURE' then 1 end as service_failure_unsent,
    case when outcome = 'FAILURE_PERMANENT' then 1 end as permanent_failure_unsent,
    case when outcome = 'UNSUPPORTED_CHANNEL' then 1 end as unsupported_channel_unsent,
    case
        when
            channel = 'send'
            and outcome not in (
                'SUCCESS', 'QUIET_TIME_WAIT_FINISHED', 'QUIET_TIME', 'QUIET_TIME_MISSING_TIMEZONE', 'DAILY_CAP',
                'THROTTLED', 'TRANSIENT_FAILURE', 'SERVICE_FAILURE', 'FAILURE_PERMANENT', 'UNSUPPORTED_CHANNEL',
                'CUSTOM_DELIVERY_FAILURE'
            )
            then 1
    end as unknown_failure_unsent,
    case when outcome = 'CUSTOM_DELIVERY_FAILURE' then 1 end as custom_delivery_failure_unsent,

    case when outcome = '_email.send' and is_counted then 1 end as email_messages_sent,
    case when outcome = '_email.delivered' and is_counted then 1 end as email_deliveries,
    case when outcome = '_email.open' and is_counted then 1 end as email_opens,
    case when outcome = '_email.click' and is_counted then 1 end as email_clicks,
    case when outcome = '_email.softbounce' and is_counted then 1 end as email_soft_bounced,
    case when outcome = '_email.hardbounce' and is_counted then 1 end as email_hard_bounced,
    case when outcome = '_email.unsubscribe' and is_counted then 1 end as email_unsubscribed,
    case when outcome = '_email.complaint' and is_counted then 1 end as email_complained,
    case when outcome = '_email.rejected' and is_counted then 1 end as email_rejected,

    case when is_first then 1 end as sms_messages_sent,
    case when is_delivery then 1 end as sms_deliveries,
    case when is_failure then 1 end as sms_failures,
    price_in_millicents,

    case when outcome = 'SUCCESS' and activity_type = 'PUSH' then 1 end as push_messages_sent,
    case when outcome = 'received' and is_counted then 1 end as push_deliveries,
    case when outcome = 'opened' and is_counted then 1 end as push_opens,

    case when outcome = 'SUCCESS' and activity_type = 'CUSTOM' then 1 end as custom_calls_succeeded,
    case when outcome = 'CUSTOM_DELIVERY_FAILURE' and activity_type = 'CUSTOM' then 1 end as custom_calls_failed
from events
