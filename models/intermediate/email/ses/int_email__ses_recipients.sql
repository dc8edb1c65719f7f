-- Grain: one of the first recipients of a domain of SES's mail.
with

addressed as (

    select
        unnest(recipients) as recipient,
        event_at,
        is_changed
    from {{ read(ref('stg_ses__events')) }}
    where event in ('send', 'delivery', 'bounce')

),

recipients as (

    select
        {{ mail_domain('recipient') }} as recipient_domain,
        lower(trim(recipient)) as recipient,
        event_at,
        is_changed
    from addressed

),

{{ email_recipients() }}
