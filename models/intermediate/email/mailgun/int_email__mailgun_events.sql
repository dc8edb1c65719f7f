-- Grain: one landed version of a Mailgun event of outgoing mail, in the words of all vendors; `is_current` as there.
-- What does not count has no kind: docs/decisions/email.md has the table.
{{ config(materialized='view') }}

select
    event_key,
    event_at,
    subaccount as account,
    domain as sender,
    message_key,
    md5_number('none') as recipient_key,
    recipient_domain,
    recipient_provider as provider_word,
    list_concat(
        [struct_pack(dimension := 'template', dimension_value := template)],
        list_transform(tags, lambda tag: struct_pack(dimension := 'tag', dimension_value := tag)),
        variables
    ) as dimensions,
    case
        -- nobody receives what is sent in test mode, what goes to a URL is no mail, and what a webhook fails at neither
        when is_test_mode or coalesce(transport, 'smtp') <> 'smtp' or is_webhook then null
        when event = 'accepted' and is_authenticated then 'accepted'
        when event = 'delivered' then 'delivered'
        when event = 'failed' and severity is distinct from 'permanent' then 'deferral'
        when event = 'failed' and starts_with(reason, 'suppress-') then 'suppression'
        -- the receiving server gave it back after it had taken it
        when event = 'failed' and (reason in ('bounce', 'hardfail') or is_delayed_bounce) then 'hard_bounce'
        when event = 'failed' and reason in ('espblock', 'blacklisted') then 'block'
        when event = 'failed' then 'soft_bounce'
        when event = 'opened' then 'open'
        when event = 'clicked' then 'click'
        when event = 'complained' then 'complaint'
        when event = 'unsubscribed' then 'unsubscription'
    end as event,
    bot as vendor_word,
    coalesce(user_agent, 'none') as user_agent,
    client_network,
    link_key,
    answer,
    link,
    recipient_part,
    is_current,
    load_id
from {{ ref('int_mailgun__events') }}
