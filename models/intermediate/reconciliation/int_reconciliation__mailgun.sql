-- Grain: one day, metric and keys (the domain and subaccount that an answer names, if any) of Mailgun's Metrics API.
-- `reason` is the first whose rule holds; NULL where both numbers are equal, or where no rule holds.
{{ config(materialized='table', database='touchstone') }}

with

answers as (

    select * from {{ ref('int_mailgun__reported_metrics') }}

),

metrics as not materialized (

    select * from {{ ref('mailgun_metrics_daily') }}

),

-- of a metric that is no rate, its own name and NULL
fractions as (

    select
        metric,
        coalesce(numerator, metric) as numerator,
        denominator
    from {{ ref('metric_catalog') }}
    where mart = 'mailgun_metrics'

),

daily as (

    select
        domain,
        subaccount,
        metric,
        resolution,
        cast(period_start as date) as period_start,
        value as reported,
        is_stated,
        is_over,
        '{{ var("reporting_timezone") }}' = 'UTC' as is_same_day
    from answers
    where resolution = 'day'

    union all by name

    -- A rate can't be added up, nor can a day of which an hour is missing, or that begins within one.
    select
        domain,
        subaccount,
        metric,
        resolution,
        {{ reporting_date('period_start') }} as period_start,
        sum(value) as reported,
        bool_and(is_stated) as is_stated,
        bool_and(is_over) as is_over,
        true as is_same_day
    from answers
    where resolution = 'hour' and metric like '%_count'
    group by domain, subaccount, metric, resolution, {{ reporting_date('period_start') }}
    having
        min(period_start) = {{ reporting_instant(reporting_date('min(period_start)')) }}
        and count(*) = date_diff(
            'hour',
            min(period_start),
            {{ reporting_instant(reporting_date('min(period_start)') ~ ' + interval 1 day') }}
        )

),

reported as (

    select
        daily.* exclude (domain, subaccount),
        cast(
            json_merge_patch('{}', to_json(struct_pack(domain := domain, subaccount := subaccount))) as varchar
        ) as keys,
        domain is not null and subaccount is null as is_of_domain
    from daily
    qualify row_number() over (
        partition by domain, subaccount, metric, period_start order by is_same_day desc, resolution
    ) = 1

),

counted as (

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
    from counted
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

compared as (

    select
        reported.*,
        case
            when fractions.denominator is null then coalesce(numerators.value, 0)
            else numerators.value / nullif(denominators.value, 0)
        end as ours,
        fractions.denominator is not null as is_rate,
        -- rates come with four decimals
        case when fractions.denominator is null then 0 else 0.00005 end as rounding,
        told_numerators.reported / nullif(told_denominators.reported, 0) as told_fraction,
        coalesce(webhooks.value, 0) as webhook_count,
        everything.value as ours_of_all_domains,
        first_days.first_day,
        (select max(period_start) from metrics) as last_day
    from reported
    inner join fractions using (metric)
    left join totals as numerators
        on
            reported.keys = numerators.keys
            and reported.period_start = numerators.period_start
            and fractions.numerator = numerators.metric
    left join totals as denominators
        on
            reported.keys = denominators.keys
            and reported.period_start = denominators.period_start
            and fractions.denominator = denominators.metric
    left join reported as told_numerators
        on
            reported.keys = told_numerators.keys
            and reported.period_start = told_numerators.period_start
            and fractions.numerator = told_numerators.metric
    left join reported as told_denominators
        on
            reported.keys = told_denominators.keys
            and reported.period_start = told_denominators.period_start
            and fractions.denominator = told_denominators.metric
    left join totals as webhooks
        on
            reported.keys = webhooks.keys
            and reported.period_start = webhooks.period_start
            and webhooks.metric = 'webhook_count'
    left join totals as everything
        on
            everything.keys = '{}'
            and reported.period_start = everything.period_start
            and reported.metric = everything.metric
    left join first_days on reported.keys = first_days.keys

),

weighed as (

    select
        *,
        coalesce(abs(ours - reported) <= rounding + 0.000000001, false) as is_equal,
        -- A way of counting is the vendor's only if it is right on more days than ours, and on three at least.
        count(*) filter (where webhook_count > 0 and ours - reported = webhook_count) over same_metric
            as webhooks_left_out,
        count(*) filter (where webhook_count > 0 and ours = reported) over same_metric as webhooks_counted,
        count(*) filter (where metric in ('hard_bounces_count', 'soft_bounces_count')) over same_day as bounce_kinds,
        sum(ours - reported) filter (where metric in ('hard_bounces_count', 'soft_bounces_count')) over same_day
            as bounces_missing,
        sum(reported) filter (where is_of_domain) over same_numbers as reported_of_all_domains
    from compared
    window
        same_metric as (partition by keys, metric),
        same_day as (partition by keys, period_start),
        same_numbers as (partition by period_start, metric)

),

reasoned as (

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
            when is_equal then null
            -- what an answer leaves out of the last day may not have happened when it was given
            when
                (not is_over or not is_stated and period_start = last_day) and (is_rate or reported < ours)
                then 'answer_before_day_end'
            when period_start <= first_day and (is_rate or reported > ours) then 'events_begin_later'
            when period_start = last_day and (is_rate or reported > ours) then 'events_to_come'
            when is_rate and ours is null and reported = 0 then 'rate_of_nothing'
            when
                metric in ('failed_count', 'permanent_failed_count', 'bounced_count', 'sent_count')
                and ours - reported = nullif(webhook_count, 0)
                and webhooks_left_out >= 3
                and webhooks_left_out > webhooks_counted
                then 'webhook_failures'
            when
                metric in ('hard_bounces_count', 'soft_bounces_count') and bounce_kinds = 2 and bounces_missing = 0
                then 'bounce_type'
            when is_of_domain and reported > ours and reported_of_all_domains = ours_of_all_domains
                then 'events_without_domain'
            when abs(told_fraction - reported) <= rounding + 0.000000001 then 'rate_of_differing_counts'
        end as reason
    from weighed
    where exists (select 1 from metrics)

)

select * from reasoned
