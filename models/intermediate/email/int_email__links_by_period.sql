-- Grain: one grain (hour, day, month), period, vendor, account, sender, and link and campaign that was clicked.
-- The vendor `all`, of the account and sender `all`, is every vendor together.
{{ config(materialized='view', tags='published') }}

with

counts as (

    {{ email_of_vendors('links') }}

),

in_months as (

    select
        *,
        case grain
            when 'hour' then cast(date_trunc('month', {{ reporting_date('period_start') }}) as date)
            else cast(date_trunc('month', period_start) as date)
        end as month_start
    from counts

),

shared as (

    -- clicked by recipients of two parts of all: certainly by more than one
    select
        vendor,
        account,
        sender,
        link,
        campaign,
        month_start
    from in_months
    where grain = 'month' and first_recipient_part <> last_recipient_part

),

publishable as (

    select
        in_months.* exclude (month_start, first_recipient_part, last_recipient_part)
        replace (
            case
                when shared.link is not null or in_months.link is null then in_months.link else '{one recipient}'
            end as link,
            case
                when shared.link is not null or in_months.link is null then in_months.campaign else '{one recipient}'
            end as campaign
        )
    from in_months
    left join shared using (vendor, account, sender, link, campaign, month_start)

),

with_total as (

    select
        coalesce(vendor, 'all') as vendor,
        coalesce(account, 'all') as account,
        coalesce(sender, 'all') as sender,
        link,
        campaign,
        grain,
        period_start,
        cast(sum(columns('_count$')) as bigint),
        max(load_id) as load_id
    from publishable
    group by
        link, campaign, grain, period_start,
        grouping sets ((vendor, account, sender), ())

),

with_share as (

    select
        *,
        cast(sum(click_count) over (
            partition by vendor, account, sender, grain, period_start
        ) as bigint) as all_click_count,
        click_count / nullif(all_click_count, 0) as click_share,
        record_count = 0 as is_empty
    from with_total

)

select * from with_share
