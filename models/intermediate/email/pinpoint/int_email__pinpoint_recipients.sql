-- Grain: one of the first recipients of a domain of Pinpoint's journeys.
with

recipients as (

    select
        recipient_domain,
        recipient,
        event_at,
        is_changed
    from {{ read(ref('stg_pinpoint__events')) }}
    where starts_with(event, '_email.') and journey_id is not null

),

{{ email_recipients() }}
