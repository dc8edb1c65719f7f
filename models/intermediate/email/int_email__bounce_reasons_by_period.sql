-- Grain: one grain (hour, day, month), period, vendor, account, sender, provider and reason why messages failed.
-- The vendor `all`, of the account and sender `all`, is every vendor together.
{{ config(materialized='view', tags='published') }}

with

counts as (

    {{ email_of_vendors('bounce_reasons') }}

),

with_total as (

    select
        coalesce(vendor, 'all') as vendor,
        coalesce(account, 'all') as account,
        coalesce(sender, 'all') as sender,
        provider,
        coalesce(smtp_status, 'none') as smtp_status,
        coalesce(enhanced_status, 'none') as enhanced_status,
        bounce_class,
        grain,
        period_start,
        cast(sum(columns('_count$')) as bigint),
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at,
        min(example) as example,
        max(load_id) as load_id
    from counts
    group by
        provider, smtp_status, enhanced_status, bounce_class, grain, period_start,
        grouping sets ((vendor, account, sender), ())

),

with_share as (

    select
        * replace (
            cast(date_trunc('second', first_seen_at) as varchar) as first_seen_at,
            cast(date_trunc('second', last_seen_at) as varchar) as last_seen_at
        ),
        cast(sum(failed_count) over (
            partition by vendor, account, sender, grain, period_start
        ) as bigint) as all_failed_count,
        failed_count / nullif(all_failed_count, 0) as failed_share,
        record_count = 0 as is_empty
    from with_total

)

select * from with_share
