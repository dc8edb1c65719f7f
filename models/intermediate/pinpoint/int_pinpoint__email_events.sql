-- Grain: one email event of a journey; `is_counted` where it counts in its metric.
-- What a later event of the message changes is found by the message, in whatever order events arrive.
{{ config(unique_key='event_key') }}

with

events as not materialized (

    select *
    from {{ read(ref('stg_pinpoint__events')) }}
    where starts_with(event, '_email.') and journey_id is not null

),

changed as (

    select distinct application_id, message_id from events where is_changed

),

messages as (

    select events.*
    from events
    semi join changed using (application_id, message_id)

),

ranked as (

    select
        *,
        row_number() over (
            partition by application_id, journey_id, activity_id, message_id, event order by event_at, event_key
        ) = 1 as is_first,
        row_number() over (
            partition by application_id, journey_id, activity_id, message_id, event, date_trunc('hour', event_at)
            order by event_at, event_key
        ) = 1 as is_first_of_hour,
        bool_or(event in ('_email.delivered', '_email.hardbounce')) over (
            partition by application_id, journey_id, activity_id, message_id
        ) as is_final
    from messages

),

facts as (

    select
        event_key,
        event_at,
        event,
        application_id,
        journey_id,
        activity_id,
        md5_number(message_id) as message_key,
        bounce_type,
        bounce_subtype,
        feedback_type,
        answer,
        user_agent,
        client_network,
        md5_number(link) as link_key,
        recipient_domain,
        case when event = '_email.click' then {{ link_of_campaign('link') }} end as link,
        case when event = '_email.click' then substr(md5(coalesce(endpoint_id, message_id)), 1, 1) end as recipient_part,
        case
            -- opens and clicks of a clock hour, of UTC, are one; whatever link was clicked
            when event in ('_email.open', '_email.click') then is_first_of_hour
            -- a soft bounce that was delivered in the end, or bounced for good, no longer counts
            when event = '_email.softbounce' then is_first and not is_final
            else is_first
        end as is_counted
    from ranked

)

{{ changed_facts(['event_key']) }}
