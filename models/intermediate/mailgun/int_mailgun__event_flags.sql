-- Grain: one landed version of a Mailgun event; `is_current` marks the version that counts.
-- What an event counts for: 1, or NULL, which count() passes over (three times as fast as filters under grouping sets).
-- Whether an open or click is unique depends on others: int_mailgun__engagements.
{{ config(materialized='view') }}

with

events as (

    select
        *,
        event = 'failed' and severity = 'permanent' as is_permanent
    from {{ ref('int_mailgun__events') }}

),

event_flags as (

    select
        event_key,
        event_at,
        subaccount,
        domain,
        ip,
        ip_pool,
        recipient_domain,
        recipient_provider,
        country,
        device,
        bot,
        tags,
        1 as record_count,
        case when event = 'accepted' and not is_authenticated then 1 end as accepted_incoming_count,
        case when event = 'accepted' and is_authenticated then 1 end as accepted_outgoing_count,
        case when event = 'rejected' then 1 end as rejected_count,
        case when event = 'stored' then 1 end as stored_count,
        case when event = 'delivered' and transport = 'http' then 1 end as delivered_http_count,
        -- the vendor's total is all delivered events: one that names no transport is mail
        case when event = 'delivered' and coalesce(transport, 'smtp') = 'smtp' then 1 end as delivered_smtp_count,
        case when event = 'delivered' and delivery_optimizer is not null then 1 end as delivered_optimized_count,
        case when event = 'delivered' and attempt_no = 1 then 1 end as delivered_first_attempt_count,
        case when event = 'delivered' and attempt_no >= 2 then 1 end as delivered_two_plus_attempts_count,
        -- "does not equal permanent": a failure without severity is temporary
        case when event = 'failed' and severity is distinct from 'permanent' then 1 end as temporary_failed_count,
        case
            when event = 'failed' and severity is distinct from 'permanent' and reason = 'espblock' then 1
        end as esp_block_count,
        case when is_permanent then 1 end as permanent_failed_count,
        case when is_permanent and reason = 'old' then 1 end as permanent_failed_old_count,
        case
            when is_permanent and reason = 'bounce' and delivery_optimizer is not null then 1
        end as permanent_failed_optimized_count,
        case when is_permanent and reason = 'bounce' and not is_delayed_bounce then 1 end as hard_bounces_count,
        case
            when is_permanent and not is_delayed_bounce
                and reason in ('generic', 'greylisted', 'blacklisted', 'espblock')
                then 1
        end as soft_bounces_count,
        case when is_permanent and is_delayed_bounce then 1 end as delayed_bounce_count,
        case when is_permanent and reason = 'suppress-bounce' then 1 end as suppressed_bounces_count,
        case when is_permanent and reason = 'suppress-complaint' then 1 end as suppressed_complaints_count,
        case when is_permanent and reason = 'suppress-unsubscribe' then 1 end as suppressed_unsubscribed_count,
        case when is_permanent and is_webhook then 1 end as webhook_count,
        case when event = 'opened' then 1 end as opened_count,
        case when event = 'clicked' then 1 end as clicked_count,
        case when event = 'unsubscribed' then 1 end as unsubscribed_count,
        case when event = 'complained' then 1 end as complained_count,
        is_current,
        load_id
    from events

)

select * from event_flags
