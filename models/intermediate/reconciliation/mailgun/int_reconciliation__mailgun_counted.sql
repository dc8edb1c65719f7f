-- Grain: one day, metric and keys that Mailgun reports. What we count of them; a rate is divided from the sums.
{{ config(materialized='view') }}

with

reported as (

    select * from {{ ref('int_reconciliation__mailgun_reported') }}

),

metrics as not materialized (

    select * from {{ ref('mailgun_metrics_daily') }}

),

counts as (

    select *
    from (
        select
            domain,
            subaccount,
            period_start,
            cast(columns('_count$') as double)
        from metrics
        semi join reported using (period_start)
    )
    unpivot (value for metric in (columns('_count$')))

),

totals as (

    select
        cast(
            json_merge_patch('{}', to_json(struct_pack(domain := domain, subaccount := subaccount))) as varchar
        ) as keys,
        period_start,
        metric,
        sum(value) as value
    from counts
    group by period_start, metric, grouping sets ((), (domain), (subaccount), (domain, subaccount))

),

first_days as (

    select
        cast(
            json_merge_patch('{}', to_json(struct_pack(domain := domain, subaccount := subaccount))) as varchar
        ) as keys,
        min(period_start) as first_day
    from metrics
    group by grouping sets ((), (domain), (subaccount), (domain, subaccount))

),

counted as (

    select
        reported.keys,
        reported.metric,
        reported.period_start,
        case
            when reported.denominator is null then coalesce(numerators.value, 0)
            else numerators.value / nullif(denominators.value, 0)
        end as ours,
        coalesce(webhooks.value, 0) as webhook_count,
        all_domains.value as ours_of_all_domains,
        first_days.first_day,
        (select max(period_start) from metrics) as last_day
    from reported
    left join totals as numerators
        on
            reported.keys = numerators.keys
            and reported.period_start = numerators.period_start
            and reported.numerator = numerators.metric
    left join totals as denominators
        on
            reported.keys = denominators.keys
            and reported.period_start = denominators.period_start
            and reported.denominator = denominators.metric
    left join totals as webhooks
        on
            reported.keys = webhooks.keys
            and reported.period_start = webhooks.period_start
            and webhooks.metric = 'webhook_count'
    left join totals as all_domains
        on
            all_domains.keys = '{}'
            and reported.period_start = all_domains.period_start
            and reported.metric = all_domains.metric
    left join first_days on reported.keys = first_days.keys
    where exists (select 1 from metrics)

)

select * from counted
