-- Grain: one grain (hour, day, month), period, project, journey and activity.
-- How many events count for each metric. Tests of journeys are among them; published models leave them out.
{{ config(
    tags='published',
    unique_key=['application_id', 'journey_id', 'activity_id', 'grain', 'period_start']
) }}

with

records as not materialized {{ read(ref('int_pinpoint__event_flags')) }},

{{ changed_periods(['application_id', 'journey_id', 'activity_id']) }},

counted as (

    select
        application_id,
        journey_id,
        activity_id,
        {{ grain_columns() }},
        count(channel) as record_count,
        count(email_record) as email_record_count,
        count(sms_record) as sms_record_count,
        count(push_record) as push_record_count,
        count(custom_record) as custom_record_count,

        count(endpoints_through_activity) as endpoints_through_activity,
        count(messages_sent) as messages_sent,
        count(messages_not_sent) as messages_not_sent,
        count(quiet_time_unsent) as quiet_time_unsent,
        count(endpoint_limit_unsent) as endpoint_limit_unsent,
        count(throttled_unsent) as throttled_unsent,
        count(temporary_failure_unsent) as temporary_failure_unsent,
        count(service_failure_unsent) as service_failure_unsent,
        count(permanent_failure_unsent) as permanent_failure_unsent,
        count(unsupported_channel_unsent) as unsupported_channel_unsent,
        count(unknown_failure_unsent) as unknown_failure_unsent,
        count(custom_delivery_failure_unsent) as custom_delivery_failure_unsent,

        count(email_messages_sent) as email_messages_sent,
        count(email_deliveries) as email_deliveries,
        count(email_opens) as email_opens,
        count(email_clicks) as email_clicks,
        count(email_soft_bounced) as email_soft_bounced,
        count(email_hard_bounced) as email_hard_bounced,
        count(email_unsubscribed) as email_unsubscribed,
        count(email_complained) as email_complained,
        count(email_rejected) as email_rejected,

        count(sms_messages_sent) as sms_messages_sent,
        count(sms_deliveries) as sms_deliveries,
        count(sms_failures) as sms_failures,
        -- a thousandth of a cent is a hundred-thousandth of a dollar; decimals add up alike in any order
        case
            when count(sms_messages_sent) = 0 then 0
            -- a message whose events state no price isn't known to be free
            else cast(sum(price_in_millicents) / 100000 as double)
        end as sms_spend_usd,

        count(push_messages_sent) as push_messages_sent,
        count(push_deliveries) as push_deliveries,
        count(push_opens) as push_opens,

        count(custom_calls_succeeded) as custom_calls_succeeded,
        count(custom_calls_failed) as custom_calls_failed,
        {{ load_id() }} as load_id
    from bucketed
    group by application_id, journey_id, activity_id, grouping sets ((hour_start), (day_start), (month_start))

)

select * from counted where period_start is not null
