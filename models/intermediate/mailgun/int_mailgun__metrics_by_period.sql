-- Grain: one grain (hour, day, month), period, subaccount, domain, dimension and its value.
-- Every metric of the vendor's page "Metric definitions" is defined here and nowhere else:
-- what one event counts for in `flagged`, sums of such counts in `added`, rates in `rated`.
{{ config(
    database='touchstone', unique_key=['subaccount', 'domain', 'grain', 'period_start']
) }}

with

-- Not materialized, as each reader needs a few of the columns and all would be written out for it.
records as not materialized (

    select * from {{ read(ref('int_mailgun__events')) }}

),

engagements as not materialized (

    select * from {{ read(ref('int_mailgun__engagements')) }}

),

changed as (

    select distinct subaccount, domain, event_at from records where is_changed
    union
    select subaccount, domain, event_at from engagements where is_changed

),

{{ changed_periods(['subaccount', 'domain'], 'changed') }},

-- What an event counts for: 1, or NULL, which count() passes over (three times as fast as filters here).
flagged as (

    select
        subaccount,
        domain,
        hour_start,
        day_start,
        month_start,
        'all' as everything,
        ip,
        ip_pool,
        recipient_domain,
        recipient_provider,
        country,
        device,
        bot,
        tags,
        case when event is not null then 1 end as record_count,
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
        case when event = 'opened' and is_unique then 1 end as unique_opened_count,
        case when event = 'opened' and is_unique and bot = 'none' then 1 end as human_unique_opened_count,
        case when event = 'clicked' then 1 end as clicked_count,
        case when event = 'clicked' and is_unique then 1 end as unique_clicked_count,
        case when event = 'clicked' and is_unique and bot = 'none' then 1 end as human_unique_clicked_count,
        case when event = 'unsubscribed' then 1 end as unsubscribed_count,
        case when event = 'complained' then 1 end as complained_count
    from (
        select
            *,
            event = 'failed' and severity = 'permanent' as is_permanent
        from bucketed
        left join (select event_key, is_unique from engagements) as engagements using (event_key)
    )

),

counted as (

    select
        subaccount,
        domain,
        case grouping(hour_start, day_start) when 1 then 'hour' when 2 then 'day' else 'month' end as grain,
        coalesce(hour_start, day_start, month_start) as period_start,
        case
            when grouping(everything) = 0 then 'all'
            when grouping(ip) = 0 then 'ip'
            when grouping(ip_pool) = 0 then 'ip_pool'
            when grouping(recipient_domain) = 0 then 'recipient_domain'
            when grouping(recipient_provider) = 0 then 'recipient_provider'
            when grouping(country) = 0 then 'country'
            when grouping(device) = 0 then 'device'
            when grouping(bot) = 0 then 'bot'
            else 'tag'
        end as dimension,
        coalesce(
            everything, ip, ip_pool, recipient_domain, recipient_provider, country, device, bot
        ) as dimension_value,
        tags,
        count(columns('_count$'))
    from flagged
    group by
        subaccount, domain,
        grouping sets ((hour_start), (day_start), (month_start)),
        grouping sets (
            (everything), (ip), (ip_pool), (recipient_domain), (recipient_provider), (country), (device), (bot), (tags)
        )

),

-- Events are counted by all of their tags together, of which there are few, and then under each: an event has several.
sliced as (

    select * exclude (tags) from counted
    union all by name
    select
        subaccount,
        domain,
        grain,
        period_start,
        dimension,
        tag as dimension_value,
        cast(sum(columns('_count$')) as bigint)
    from (
        select
            * exclude (dimension_value),
            unnest(tags) as tag
        from counted
    )
    group by subaccount, domain, grain, period_start, dimension, tag

),

added as (

    select
        *,
        accepted_incoming_count + accepted_outgoing_count as accepted_count,
        delivered_http_count + delivered_smtp_count as delivered_count,
        permanent_failed_count + temporary_failed_count as failed_count,
        delivered_two_plus_attempts_count + permanent_failed_old_count as delayed_first_attempt_count,
        suppressed_bounces_count + suppressed_complaints_count + suppressed_unsubscribed_count as suppressed,
        permanent_failed_count - suppressed as bounced_count,
        delivered_count + permanent_failed_count - suppressed as sent_count,
        delivered_count + permanent_failed_count - webhook_count - delayed_bounce_count as processed_count
    from sliced
    where period_start is not null and dimension_value is not null

),

rated as (

    select
        * exclude (suppressed),
        bounced_count / nullif(processed_count, 0) as bounce_rate,
        clicked_count / nullif(delivered_count, 0) as clicked_rate,
        complained_count / nullif(delivered_count, 0) as complained_rate,
        delivered_two_plus_attempts_count / nullif(delivered_count, 0) as delayed_rate,
        delivered_count / nullif(sent_count, 0) as delivered_rate,
        opened_count / nullif(delivered_count, 0) as opened_rate,
        permanent_failed_count / nullif(processed_count, 0) as permanent_fail_rate,
        unique_clicked_count / nullif(delivered_count, 0) as unique_clicked_rate,
        unique_opened_count / nullif(delivered_count, 0) as unique_opened_rate,
        unsubscribed_count / nullif(delivered_count, 0) as unsubscribed_rate,
        {{ load_id() }} as load_id
    from added

)

select * from rated
