-- Grain: one of the first recipients of a domain of Mailgun's outgoing mail.
with

recipients as (

    select
        recipient_domain,
        recipient,
        event_at,
        is_changed
    from {{ read(ref('stg_mailgun__events')) }}
    where event in ('delivered', 'failed') or event = 'accepted' and is_authenticated

),

{{ email_recipients() }}
