-- Grain: one SMS event and activity that may have sent its message; `is_chosen` marks the one it is told of, activity
-- 'none' of journey 'none' where there is none. The others stay, so that an earlier choice is found and counted again.
{{ config(unique_key=['event_key', 'journey_id', 'activity_id']) }}

with

events as not materialized (

    select * from {{ read(ref('stg_pinpoint__events')) }}

),

texts as not materialized (

    select * from events where event in ('_SMS.BUFFERED', '_SMS.SUCCESS', '_SMS.FAILURE')

),

sends as not materialized (

    select *
    from {{ read(ref('int_pinpoint__sends')) }}
    where activity_type = 'SMS' and send_status = 'SUCCESS'

),

changed as (

    select application_id, message_id
    from texts
    where is_changed

    union

    -- a send that arrives after the events of its message
    select
        texts.application_id,
        texts.message_id
    from texts
    inner join sends
        on
            texts.application_id = sends.application_id
            and texts.endpoint_id = sends.endpoint_id
            and texts.event_at between sends.event_at and sends.event_at + interval 72 hours
    where sends.is_changed

),

changed_texts as (

    select texts.*
    from texts
    semi join changed using (application_id, message_id)

),

messages as (

    select
        application_id,
        message_id,
        min(event_at) as first_at,
        max(event_at) as last_at,
        arg_min(
            row(journey_id, activity_id), row(event_at, event_key)
        ) filter (where journey_id is not null) as told_activity,
        bool_or(campaign_id is not null) as is_campaign,
        bool_or(event = '_SMS.SUCCESS') as is_delivered,
        -- the final event's price, else that of one on the way: several events tell of the same money
        arg_max(price_in_millicents, row(event <> '_SMS.BUFFERED', event_at, event_key)) as price_in_millicents
    from changed_texts
    group by application_id, message_id

),

-- Activities that sent a text message to the endpoint in the 72 hours before, which Pinpoint waits for a final event.
possible as (

    select
        messages.application_id,
        messages.message_id,
        row(sends.journey_id, sends.activity_id) as activity,
        -- NULL where it was sent after the message's first event
        max(row(sends.event_at, sends.event_key)) filter (where sends.event_at <= messages.first_at) as sent
    from messages
    inner join changed_texts using (application_id, message_id)
    inner join sends
        on
            changed_texts.application_id = sends.application_id
            and changed_texts.endpoint_id = sends.endpoint_id
            and sends.event_at between messages.first_at - interval 72 hours and messages.last_at
    group by all

),

likeliest as (

    select
        possible.application_id,
        possible.message_id,
        arg_max(possible.activity, possible.sent) as sent_activity
    from possible
    inner join messages using (application_id, message_id)
    where messages.told_activity is null and not messages.is_campaign
    group by possible.application_id, possible.message_id

),

candidates as (

    select application_id, message_id, activity from possible
    union
    select application_id, message_id, row(journey_id, activity_id) from changed_texts where journey_id is not null
    union
    select application_id, message_id, row('none', 'none') from messages

),

ordered as (

    select
        *,
        row_number() over (partition by application_id, message_id order by event_at, event_key) = 1 as is_first,
        row_number() over (
            partition by application_id, message_id, event order by event_at, event_key
        ) = 1 as is_first_of_kind
    from changed_texts

),

facts as (

    select
        ordered.event_key,
        ordered.event_at,
        ordered.application_id,
        candidates.activity[1] as journey_id,
        candidates.activity[2] as activity_id,
        candidates.activity
        = coalesce(messages.told_activity, likeliest.sent_activity, row('none', 'none')) as is_chosen,
        likeliest.sent_activity is not null as is_attributed,
        ordered.is_first,
        ordered.event = '_SMS.SUCCESS' and ordered.is_first_of_kind as is_delivery,
        ordered.event = '_SMS.FAILURE' and ordered.is_first_of_kind and not messages.is_delivered as is_failure,
        case when ordered.is_first then messages.price_in_millicents end as price_in_millicents
    from ordered
    inner join messages using (application_id, message_id)
    inner join candidates using (application_id, message_id)
    left join likeliest using (application_id, message_id)

)

{{ changed_facts(['event_key', 'journey_id', 'activity_id']) }}
