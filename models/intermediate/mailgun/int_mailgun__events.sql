-- Grain: one landed version of a Mailgun event; `is_current` marks the version that counts.
-- A version that no longer counts stays, so that the periods it once counted in are found and counted again.
{{ config(unique_key='version_id') }}

with

-- Not materialized, as a year would be written out for the sake of the day that is read.
events as not materialized (

    select * from {{ ref('stg_mailgun__events') }} where landing <= {{ last_landing() }}

),

arrived as not materialized (

    select * from events where landing > {{ processed_landing() }}

),

contested as (

    select distinct
        event_date,
        event_key
    from arrived
    where is_repeat

),

settled as (

    select
        arrived.*,
        true as is_current
    from arrived
    anti join contested using (event_date, event_key)

),

contenders as materialized (

    select * from events semi join contested using (event_date, event_key)

),

resolved as (

    -- What a version says decides, never when it arrived. The Logs API tells most (subaccount, all flags).
    select
        * replace ((select max(landing) from contenders) as landing),
        row_number() over (
            partition by event_key
            order by
                is_logs_item desc,
                event_at desc,
                -- versions that are equal in all of these are equal in every number
                subaccount, severity, reason, attempt_no, transport, delivery_optimizer, is_authenticated,
                is_delayed_bounce, is_webhook, message_id, recipient, ip, ip_pool, recipient_domain,
                recipient_provider, country, device, bot, tags
        ) = 1 as is_current
    from contenders

),

versioned as (

    select * from settled
    union all by name
    select * from resolved

),

keyed as (

    select
        * exclude (
            event_date, is_test_mode, message_id, recipient, url, delivery_code, bounce_type, is_logs_item, file,
            is_repeat
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
