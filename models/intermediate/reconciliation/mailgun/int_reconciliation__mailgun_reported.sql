-- Grain: one day, metric and keys (the domain and subaccount that an answer names, if any) of Mailgun's Metrics API.
{{ config(materialized='table') }}

with

answers as (

    select * from {{ ref('int_mailgun__reported_metrics') }}

),

-- A metric that is no rate has itself as its numerator and no denominator.
fractions as (

    select
        metric,
        coalesce(numerator, metric) as numerator,
        denominator
    from {{ ref('metric_catalog') }}
    where mart = 'mailgun_metrics'

),

days as (

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

    -- Rates don't add up. Nor does a day that lacks an hour or begins within one.
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

unique_days as (

    select
        *,
        cast(
            json_merge_patch('{}', to_json(struct_pack(domain := domain, subaccount := subaccount))) as varchar
        ) as keys,
        domain is not null and subaccount is null as is_of_domain
    from days
    qualify row_number() over (
        partition by domain, subaccount, metric, period_start order by is_same_day desc, resolution
    ) = 1

),

reported as (

    select
        unique_days.keys,
        unique_days.metric,
        unique_days.period_start,
        unique_days.reported,
        unique_days.is_stated,
        unique_days.is_over,
        unique_days.is_same_day,
        unique_days.is_of_domain,
        fractions.numerator,
        fractions.denominator,
        numerators.reported / nullif(denominators.reported, 0) as reported_fraction,
        sum(unique_days.reported) filter (where unique_days.is_of_domain) over (
            partition by unique_days.period_start, unique_days.metric
        ) as reported_of_all_domains
    from unique_days
    inner join fractions using (metric)
    left join unique_days as numerators
        on
            unique_days.keys = numerators.keys
            and unique_days.period_start = numerators.period_start
            and fractions.numerator = numerators.metric
    left join unique_days as denominators
        on
            unique_days.keys = denominators.keys
            and unique_days.period_start = denominators.period_start
            and fractions.denominator = denominators.metric

)

select * from reported
