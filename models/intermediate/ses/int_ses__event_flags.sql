-- Grain: one landed version of an SES event; `is_current` marks the version that counts.
-- What an event counts for: 1, or NULL, which count() passes over (three times as fast as filters under grouping sets).
-- Whether an open or click is its message's first depends on others: int_ses__engagements.
{{ config(materialized='view') }}

with

events as (

    select
        *,
        event = 'bounce' and bounce_type = 'permanent' as is_permanent_bounce,
        -- never sent on, by a list of the sender's own: Amazon leaves these out of the bounce rate
        coalesce(
            bounce_subtype in ('onaccountsuppressionlist', 'ontenantsuppressionlist', 'emailvalidationsuppressed'),
            false
        ) as is_suppressed_by_sender
    from {{ ref('int_ses__events') }}

),

event_flags as (

    select
        event_key,
        event_at,
        account_id,
        configuration_set,
        message_id,
        configuration_set as configuration_set_tag,
        caller_identity,
        from_domain,
        source_ip,
        source_tls_version,
        outgoing_ip,
        outgoing_tls_version,
        operation,
        feedback_id_a,
        feedback_id_b,
        custom_dimensions,
        1 as record_count,
        case when event = 'send' then 1 end as send_count,
        case when event = 'reject' then 1 end as reject_count,
        case when is_permanent_bounce then 1 end as bounce_count,
        case when event = 'complaint' then 1 end as complaint_count,
        case when event = 'delivery' then 1 end as delivery_count,
        case when event = 'open' then 1 end as open_count,
        case when event = 'click' then 1 end as click_count,
        case when event = 'rendering_failure' then 1 end as rendering_failure_count,
        case when event = 'bounce' and bounce_type = 'transient' then 1 end as soft_bounce_count,
        case
            when event = 'bounce' and bounce_type is distinct from 'permanent' and bounce_type is distinct from 'transient'
                then 1
        end as undetermined_bounce_count,
        case
            when is_permanent_bounce and (bounce_subtype = 'suppressed' or is_suppressed_by_sender) then 1
        end as suppressed_bounce_count,
        case when event = 'delivery_delay' then 1 end as delivery_delay_count,
        case when event = 'subscription' then 1 end as subscription_count,
        case when event = 'send' then recipient_count end as send_recipients,
        case when event = 'delivery' then recipient_count end as delivery_recipients,
        case when is_permanent_bounce then recipient_count end as bounce_recipients,
        case when event = 'complaint' then recipient_count end as complaint_recipients,
        -- the parts of the two rates of our own
        case when event = 'send' and not is_simulated then 1 end as rated_send_count,
        case when event = 'delivery' and not is_simulated then 1 end as rated_delivery_count,
        case
            when is_permanent_bounce and not is_suppressed_by_sender and not is_simulated then 1
        end as rated_bounce_count,
        case
            when event = 'complaint' and not is_simulated
                and feedback_type is distinct from 'not-spam'
                and complaint_subtype is distinct from 'onaccountsuppressionlist'
                then 1
        end as rated_complaint_count,
        is_current,
        load_id
    from events

)

select * from event_flags
