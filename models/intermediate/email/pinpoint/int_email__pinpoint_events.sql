-- Grain: one email event of a journey that is no test, in the words of all vendors.
-- Pinpoint sends through SES, whose types of bounces it hands on.
{{ config(materialized='view') }}

select
    event_key,
    event_at,
    application_id as account,
    journey_id as sender,
    message_key,
    md5_number('none') as recipient_key,
    recipient_domain,
    'none' as provider_word,
    [struct_pack(dimension := 'activity', dimension_value := activity_id)] as dimensions,
    case
        when event = '_email.send' and is_counted then 'accepted'
        when event = '_email.delivered' and is_counted then 'delivered'
        when
            event in ('_email.hardbounce', '_email.softbounce')
            and bounce_subtype in (
                'suppressed', 'onaccountsuppressionlist', 'ontenantsuppressionlist', 'emailvalidationsuppressed'
            )
            then 'suppression'
        when event = '_email.hardbounce' then 'hard_bounce'
        when event = '_email.softbounce' and bounce_subtype in ('contentrejected', 'attachmentrejected') then 'block'
        when event = '_email.softbounce' then 'soft_bounce'
        when event = '_email.open' then 'open'
        when event = '_email.click' then 'click'
        when event = '_email.complaint' and feedback_type is distinct from 'not-spam' then 'complaint'
        when event = '_email.unsubscribe' then 'unsubscription'
    end as event,
    'none' as vendor_word,
    coalesce(user_agent, 'none') as user_agent,
    client_network,
    link_key,
    answer,
    link,
    recipient_part,
    true as is_current,
    load_id
from {{ ref('int_pinpoint__email_events') }}
