-- Grain: one grain (hour, day, month), period, project, journey and activity.
-- Every metric that events tell is defined here and nowhere else: what one event counts for in `flagged`, its sums in
-- `counted`. Tests of journeys are among them; the models that are published leave them out.
{{ config(
    database='touchstone',
    unique_key=['application_id', 'journey_id', 'activity_id', 'grain', 'period_start']
) }}

with

sends as not materialized (

    select
        application_id,
        journey_id,
        activity_id,
        event_at,
        'send' as channel,
        activity_type,
        coalesce(send_status, 'none') as outcome,
        true as is_current,
        is_changed
    from {{ read(ref('int_pinpoint__sends')) }}

),

emails as not materialized (

    select
        application_id,
        journey_id,
        activity_id,
        event_at,
        'email' as channel,
        event as outcome,
        is_counted,
        true as is_current,
        is_changed
    from {{ read(ref('int_pinpoint__email_events')) }}

),

pushes as not materialized (

    select
        application_id,
        journey_id,
        activity_id,
        event_at,
        'push' as channel,
        outcome,
        is_counted,
        true as is_current,
        is_changed
    from {{ read(ref('int_pinpoint__push_events')) }}

),

texts as not materialized (

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
        is_changed
    from {{ read(ref('int_pinpoint__sms_events')) }}
    where journey_id <> 'none'

),

records as not materialized (

    select * from sends
    union all by name
    select * from emails
    union all by name
    select * from pushes
    union all by name
    select * from texts

),

{{ changed_periods(['application_id', 'journey_id', 'activity_id']) }},

-- What an event counts for: 1, or NULL, which count() passes over.
flagged as (

    select
        application_id,
        journey_id,
        activity_id,
        hour_start,
        day_start,
        month_start,
        channel,
        activity_type,
        price_in_millicents,
        case when channel = 'send' then 1 end as send,
        case when channel = 'email' then 1 end as email,
        case when channel = 'sms' then 1 end as sms,
        case when channel = 'push' or channel = 'send' and activity_type = 'PUSH' then 1 end as push,
        case when channel = 'send' and activity_type = 'CUSTOM' then 1 end as custom,

        case when outcome = 'SUCCESS' then 1 end as sent,
        case when channel = 'send' and outcome not in ('SUCCESS', 'QUIET_TIME_WAIT_FINISHED') then 1 end as not_sent,
        case when outcome in ('QUIET_TIME', 'QUIET_TIME_MISSING_TIMEZONE') then 1 end as quiet_time,
        case when outcome = 'DAILY_CAP' then 1 end as endpoint_limit,
        case when outcome = 'THROTTLED' then 1 end as throttled,
        case when outcome = 'TRANSIENT_FAILURE' then 1 end as temporary_failure,
        case when outcome = 'SERVICE_FAILURE' then 1 end as service_failure,
        case when outcome = 'FAILURE_PERMANENT' then 1 end as permanent_failure,
        case when outcome = 'UNSUPPORTED_CHANNEL' then 1 end as unsupported_channel,
        case
            when
                channel = 'send'
                and outcome not in (
                    'SUCCESS', 'QUIET_TIME_WAIT_FINISHED', 'QUIET_TIME', 'QUIET_TIME_MISSING_TIMEZONE', 'DAILY_CAP',
                    'THROTTLED', 'TRANSIENT_FAILURE', 'SERVICE_FAILURE', 'FAILURE_PERMANENT', 'UNSUPPORTED_CHANNEL',
                    'CUSTOM_DELIVERY_FAILURE'
                )
                then 1
        end as unknown_failure,
        case when outcome = 'CUSTOM_DELIVERY_FAILURE' then 1 end as custom_delivery_failure,

        case when outcome = '_email.send' and is_counted then 1 end as email_sent,
        case when outcome = '_email.delivered' and is_counted then 1 end as email_delivered,
        case when outcome = '_email.open' and is_counted then 1 end as email_opened,
        case when outcome = '_email.click' and is_counted then 1 end as email_clicked,
        case when outcome = '_email.softbounce' and is_counted then 1 end as email_soft_bounced,
        case when outcome = '_email.hardbounce' and is_counted then 1 end as email_hard_bounced,
        case when outcome = '_email.unsubscribe' and is_counted then 1 end as email_unsubscribed,
        case when outcome = '_email.complaint' and is_counted then 1 end as email_complained,
        case when outcome = '_email.rejected' and is_counted then 1 end as email_rejected,

        case when is_first then 1 end as sms_sent,
        case when is_delivery then 1 end as sms_delivered,
        case when is_failure then 1 end as sms_failed,

        case when outcome = 'SUCCESS' and activity_type = 'PUSH' then 1 end as push_sent,
        case when outcome = 'received' and is_counted then 1 end as push_delivered,
        case when outcome = 'opened' and is_counted then 1 end as push_opened,

        case when outcome = 'SUCCESS' and activity_type = 'CUSTOM' then 1 end as call_succeeded,
        case when outcome = 'CUSTOM_DELIVERY_FAILURE' and activity_type = 'CUSTOM' then 1 end as call_failed
    from bucketed

),

counted as (

    select
        application_id,
        journey_id,
        activity_id,
        case grouping(hour_start, day_start) when 1 then 'hour' when 2 then 'day' else 'month' end as grain,
        coalesce(hour_start, day_start, month_start) as period_start,
        count(channel) as record_count,
        count(email) as email_record_count,
        count(sms) as sms_record_count,
        count(push) as push_record_count,
        count(custom) as custom_record_count,

        count(send) as endpoints_through_activity,
        count(sent) as messages_sent,
        count(not_sent) as messages_not_sent,
        count(quiet_time) as quiet_time_unsent,
        count(endpoint_limit) as endpoint_limit_unsent,
        count(throttled) as throttled_unsent,
        count(temporary_failure) as temporary_failure_unsent,
        count(service_failure) as service_failure_unsent,
        count(permanent_failure) as permanent_failure_unsent,
        count(unsupported_channel) as unsupported_channel_unsent,
        count(unknown_failure) as unknown_failure_unsent,
        count(custom_delivery_failure) as custom_delivery_failure_unsent,

        count(email_sent) as email_messages_sent,
        count(email_delivered) as email_deliveries,
        count(email_opened) as email_opens,
        count(email_clicked) as email_clicks,
        count(email_soft_bounced) as email_soft_bounced,
        count(email_hard_bounced) as email_hard_bounced,
        count(email_unsubscribed) as email_unsubscribed,
        count(email_complained) as email_complained,
        count(email_rejected) as email_rejected,

        count(sms_sent) as sms_messages_sent,
        count(sms_delivered) as sms_deliveries,
        count(sms_failed) as sms_failures,
        -- a thousandth of a cent is a hundred-thousandth of a dollar; decimals add up alike in any order
        case
            when count(sms_sent) = 0 then 0
            -- what no event states a price of is not known to be free
            else cast(sum(price_in_millicents) / 100000 as double)
        end as sms_spend_usd,

        count(push_sent) as push_messages_sent,
        count(push_delivered) as push_deliveries,
        count(push_opened) as push_opens,

        count(call_succeeded) as custom_calls_succeeded,
        count(call_failed) as custom_calls_failed,
        {{ load_id() }} as load_id
    from flagged
    group by application_id, journey_id, activity_id, grouping sets ((hour_start), (day_start), (month_start))

)

select * from counted where period_start is not null
