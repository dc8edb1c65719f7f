-- Grain: one text message and activity that may have sent it; `is_chosen` marks the one it is attributed to, activity
-- 'none' of journey 'none' where there is none. The others stay, so that an earlier choice is found and recounted.
{{ config(unique_key=['application_id', 'message_id', 'journey_id', 'activity_id']) }}

with

texts as not materialized (

    select *
    from {{ read(ref('stg_pinpoint__events')) }}
    where event in ('_SMS.BUFFERED', '_SMS.SUCCESS', '_SMS.FAILURE')

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
        ) filter (where journey_id is not null) as reported_activity,
        bool_or(campaign_id is not null) as is_campaign
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
    where messages.reported_activity is null and not messages.is_campaign
    group by possible.application_id, possible.message_id

),

candidates as (

    select application_id, message_id, activity from possible
    union
    select application_id, message_id, row(journey_id, activity_id) from changed_texts where journey_id is not null
    union
    select application_id, message_id, row('none', 'none') from messages

),

facts as (

    select
        application_id,
        message_id,
        candidates.activity[1] as journey_id,
        candidates.activity[2] as activity_id,
        candidates.activity
        = coalesce(messages.reported_activity, likeliest.sent_activity, row('none', 'none')) as is_chosen,
        likeliest.sent_activity is not null as is_attributed
    from candidates
    inner join messages using (application_id, message_id)
    left join likeliest using (application_id, message_id)

)

{{ changed_facts(['application_id', 'message_id', 'journey_id', 'activity_id']) }}
