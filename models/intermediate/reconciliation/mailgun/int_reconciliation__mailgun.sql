-- Grain: one day, metric and keys (the domain and subaccount that an answer names, if any) of Mailgun's Metrics API.
-- `reason` is the first whose rule holds; NULL where both numbers are equal, or where none holds.
{{ config(materialized='table', tags='published') }}

with

reported as (

    select
        *,
        denominator is not null as is_rate,
        -- rates come with four decimals
        case when denominator is null then 0 else 0.00005 end as rounding
    from {{ ref('int_reconciliation__mailgun_reported') }}

),

counted as (

    select * from {{ ref('int_reconciliation__mailgun_counted') }}

),

compared as (

    select
        *,
        -- what an answer leaves out of the last day may not have happened when it was given
        not is_over or not is_stated and period_start = last_day as is_early,
        -- A way of counting is the vendor's only if it is right on more days than ours, and on three at least.
        count(*) filter (where webhook_count > 0 and ours - reported = webhook_count) over same_metric
            as days_without_webhooks,
        count(*) filter (where webhook_count > 0 and ours = reported) over same_metric as days_with_webhooks,
        sum(ours - reported) filter (where metric in ('hard_bounces_count', 'soft_bounces_count')) over same_day
            as bounces_missing
    from reported
    inner join counted using (keys, metric, period_start)
    window
        same_metric as (partition by keys, metric),
        same_day as (partition by keys, period_start)

),

explained as (

    select
        'mailgun' as system,
        'mailgun_metrics' as mart,
        metric,
        keys,
        period_start,
        ours,
        reported,
        rounding,
        case
            when not is_same_day then 'reporting_time_zone'
            when is_rate then case
                -- as a decimal: half a digit may be a little more as a double
                when cast(abs(ours - reported) as decimal(18, 9)) <= rounding then null
                when is_early then 'answer_before_day_end'
                when period_start <= first_day then 'events_begin_later'
                when period_start = last_day then 'events_to_come'
                when ours is null and reported = 0 then 'rate_of_nothing'
                when cast(abs(reported_fraction - reported) as decimal(18, 9)) <= rounding
                    then 'rate_of_differing_counts'
            end
            when is_early and reported < ours then 'answer_before_day_end'
            when period_start <= first_day and reported > ours then 'events_begin_later'
            when period_start = last_day and reported > ours then 'events_to_come'
            when
                metric in ('failed_count', 'permanent_failed_count', 'bounced_count', 'sent_count')
                and ours - reported = nullif(webhook_count, 0)
                and days_without_webhooks >= 3
                and days_without_webhooks > days_with_webhooks
                then 'webhook_failures'
            when
                metric in ('hard_bounces_count', 'soft_bounces_count') and reported <> ours and bounces_missing = 0
                then 'bounce_type'
            when is_of_domain and reported > ours and reported_of_all_domains = ours_of_all_domains
                then 'events_without_domain'
        end as reason
    from compared

)

select * from explained
