-- Grain: one grain (hour, day, month), period, vendor, account and sender; of all events, or those of one rule for
-- machines, one provider and domain, or one value of a dimension.
-- The vendor `all`, of the account and sender `all`, is every vendor together.
{{ config(materialized='view', tags='published') }}

with

counts as (

    {{ email_of_vendors('counts_by_period') }}

),

with_total as (

    select
        coalesce(vendor, 'all') as vendor,
        coalesce(account, 'all') as account,
        coalesce(sender, 'all') as sender,
        machine_rule,
        provider,
        domain,
        dimension,
        dimension_value,
        grain,
        period_start,
        cast(sum(columns('_count$')) as bigint),
        max(load_id) as load_id
    from counts
    group by
        machine_rule, provider, domain, dimension, dimension_value, grain, period_start,
        grouping sets ((vendor, account, sender), ())

),

with_rates as (

    select
        *,
        delivered_count / nullif(sent_count, 0) as delivery_rate,
        bounced_count / nullif(sent_count, 0) as bounce_rate,
        complained_count / nullif(delivered_count, 0) as complaint_rate,
        human_unique_open_count / nullif(delivered_count, 0) as human_unique_open_rate,
        human_unique_click_count / nullif(delivered_count, 0) as human_unique_click_rate,
        human_unique_click_count / nullif(human_unique_open_count, 0) as click_to_open_rate,
        record_count = 0 as is_empty
    from with_total

)

select * from with_rates
