-- Grain: one SMS event and activity that may have sent its message; `is_chosen` marks the one it is attributed to.
{{ config(unique_key=['event_key', 'journey_id', 'activity_id']) }}

with

texts as not materialized (

    select *
    from {{ read(ref('stg_pinpoint__events')) }}
    where event in ('_SMS.BUFFERED', '_SMS.SUCCESS', '_SMS.FAILURE')

),

senders as not materialized {{ read(ref('int_pinpoint__sms_senders')) }},

changed as (

    select application_id, message_id from texts where is_changed
    union
    select application_id, message_id from senders where is_changed

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
        bool_or(event = '_SMS.SUCCESS') as is_delivered,
        -- the final event's price, else that of one on the way: several events report the same money
        arg_max(price_in_millicents, row(event <> '_SMS.BUFFERED', event_at, event_key)) as price_in_millicents
    from changed_texts
    group by application_id, message_id

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
        application_id,
        senders.journey_id,
        senders.activity_id,
        senders.is_chosen,
        senders.is_attributed,
        ordered.is_first,
        ordered.event = '_SMS.SUCCESS' and ordered.is_first_of_kind as is_delivery,
        ordered.event = '_SMS.FAILURE' and ordered.is_first_of_kind and not messages.is_delivered as is_failure,
        case when ordered.is_first then messages.price_in_millicents end as price_in_millicents
    from ordered
    inner join messages using (application_id, message_id)
    inner join senders using (application_id, message_id)

)

{{ changed_facts(['event_key', 'journey_id', 'activity_id']) }}
