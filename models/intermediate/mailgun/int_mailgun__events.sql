-- Grain: one landed version of a Mailgun event; `is_current` marks the version that counts.
-- What a version states decides, never when it arrived.
{{ config(unique_key='version_id') }}

with

versioned as (

    -- the Logs API tells most: subaccount, all flags
    {{ current_versions(
        ref('stg_mailgun__events'), ['is_logs_item desc', 'event_at desc'], 'event_key', 'event_date', is_dated=true
    ) }}

),

keyed as (

    select
        * exclude (
            is_test_mode, message_id, recipient, url, delivery_code, bounce_type, is_logs_item
        ),
        -- A unique open or click is one of its message, recipient and bot. A message that is not named can't be
        -- known to be the same, so that each of its events is on its own.
        case
            when event in ('opened', 'clicked')
                then md5(concat_ws(
                    '|', event, coalesce(message_id, cast(event_key as varchar)), coalesce(recipient, ''), bot
                ))
        end as engagement_key
    from versioned

)

select * from keyed
