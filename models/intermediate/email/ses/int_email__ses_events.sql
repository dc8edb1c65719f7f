-- Grain: one landed version of an SES event and recipient, in the words of all vendors; `is_current` as there.
-- Of a message to several recipients SES doesn't state who opened, clicked or has to wait: that is of the message.
{{ config(materialized='view') }}

with

events as (

    select
        *,
        coalesce(
            bounce_subtype in (
                'suppressed', 'onaccountsuppressionlist', 'ontenantsuppressionlist', 'emailvalidationsuppressed'
            ),
            false
        ) as is_suppressed
    from {{ ref('int_ses__events') }}

)

select
    event_key,
    event_at,
    account_id as account,
    configuration_set as sender,
    message_key,
    unnest(
        coalesce(
            nullif(recipients, []),
            [struct_pack(recipient_key := md5_number('none'), recipient_domain := recipient_domain)]
        ),
        recursive := true
    ),
    'none' as provider_word,
    custom_dimensions as dimensions,
    case
        -- nobody receives what is sent to the simulator
        when is_simulated then null
        when event = 'send' then 'accepted'
        when event = 'delivery' then 'delivered'
        when event = 'delivery_delay' then 'deferral'
        when event = 'bounce' and is_suppressed then 'suppression'
        when event = 'bounce' and bounce_type = 'permanent' then 'hard_bounce'
        when event = 'bounce' and bounce_subtype in ('contentrejected', 'attachmentrejected') then 'block'
        when event = 'bounce' then 'soft_bounce'
        when event in ('open', 'click') then event
        -- a complaint of the account's own list is about a message that SES never sent
        when event = 'complaint' and complaint_subtype = 'onaccountsuppressionlist' then 'suppression'
        when event = 'complaint' and feedback_type is distinct from 'not-spam' then 'complaint'
        when event = 'subscription' and is_unsubscription then 'unsubscription'
    end as event,
    'none' as vendor_word,
    coalesce(user_agent, 'none') as user_agent,
    client_network,
    link_key,
    unnest(coalesce(nullif(answers, []), [
        cast(null as struct(text varchar, smtp_status varchar, enhanced_status varchar, reason varchar))
    ])) as answer,
    link,
    recipient_part,
    is_current,
    load_id
from events
