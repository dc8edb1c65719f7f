-- Grain: one landed version of a Mailgun event; `is_current` marks the version that counts.
-- Content decides, never the order of arrival.
with

current_versions as (

    -- an item of the Logs API is the most complete: subaccount, all flags
    {{ current_versions(
        ref('stg_mailgun__events'), ['is_logs_item desc', 'event_at desc'], 'event_key', is_dated=true
    ) }}

),

with_engagement_key as (

    select
        * exclude (
            event_id, message_id, recipient, url, user_agent, client_network, delivery_code, bounce_type, is_logs_item
        ),
        -- An open or click is unique among those of its message, recipient and bot. Events without a message id can't
        -- be grouped: each stands alone.
        case
            when event in ('opened', 'clicked')
                then md5(concat_ws(
                    '|', event, coalesce(message_id, cast(event_key as varchar)), coalesce(recipient, ''), bot
                ))
        end as engagement_key,
        md5_number(concat_ws('|', coalesce(message_id, cast(event_key as varchar)), recipient)) as message_key,
        case when event in ('opened', 'clicked') then user_agent end as user_agent,
        case when event in ('opened', 'clicked') then client_network end as client_network,
        case when event = 'clicked' then md5_number(url) end as link_key,
        case when event = 'clicked' then {{ link_of_campaign('url') }} end as link,
        case when event = 'clicked' then substr(md5(coalesce(recipient, message_id)), 1, 1) end as recipient_part
    from current_versions

)

select * from with_engagement_key
