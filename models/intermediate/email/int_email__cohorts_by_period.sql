-- Grain: one grain (hour, day, month), period of sending, days after the day of sending, vendor, account and sender.
-- The vendor `all`, of the account and sender `all`, is every vendor together.
{{ config(materialized='view', tags='published') }}

with

cohorts as (

    {{ email_of_vendors('cohorts') }}

),

dated as (

    -- what is no longer so stays with its load, as its period has to be published again
    select
        vendor,
        account,
        sender,
        cast(date_diff('day', sent_on, happened_on) as bigint) as days_after,
        sent_hour as hour_start,
        sent_on as day_start,
        cast(date_trunc('month', sent_on) as date) as month_start,
        {% for count in ['delivered', 'human_unique_open', 'human_unique_click', 'complained', 'unsubscribed'] -%}
        case when is_current then {{ count }}_count else 0 end as {{ count }}_count,
        {% endfor -%}
        is_current,
        load_id
    from cohorts

),

counted as (

    select
        coalesce(vendor, 'all') as vendor,
        coalesce(account, 'all') as account,
        coalesce(sender, 'all') as sender,
        days_after,
        {{ grain_columns() }},
        cast(sum(columns('_count$')) as bigint),
        not bool_or(is_current) as is_empty,
        max(load_id) as load_id
    from dated
    group by
        days_after,
        grouping sets (
            (vendor, account, sender, hour_start), (vendor, account, sender, day_start), (vendor, account, sender, month_start),
            (hour_start), (day_start), (month_start)
        )

)

select * from counted
