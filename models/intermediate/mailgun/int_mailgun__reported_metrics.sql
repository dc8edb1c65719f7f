-- Grain: one hour or day, metric and keys (the domain and subaccount that an answer names, if any) of the Metrics API.
-- The latest answer counts. An hour or day that it omits is a 0 of its counts, as Mailgun lists only what has happened.
-- current_versions can't choose here: a candidate may be such a 0, of which there is no record, and the answers that
-- compete for an hour or day are records of different keys.
{{ config(materialized='view') }}

with

items as (

    select
        *,
        list_filter(other_dimensions, lambda d: d.dimension = 'subaccount')[1]."value" as subaccount
    from {{ ref('stg_mailgun__reported_metrics') }}
    where resolution in ('hour', 'day')

),

-- What an answer of several pages omits is unknown before all of them have landed.
whole_answers as (

    select
        resolution,
        dimension_names,
        reported_from,
        reported_until
    from items
    group by resolution, dimension_names, reported_from, reported_until, answer_items
    having count(distinct report_key) >= coalesce(answer_items, 0)

),

-- Numbers by other dimensions have no place in the mart.
stated as (

    select
        resolution,
        domain,
        subaccount,
        period_start,
        dimension_names,
        reported_from,
        reported_until,
        case metric when 'temporary_failed_esp_block_count' then 'esp_block_count' else metric end as metric,
        value
    from items
    where value is not null and list_has_all(['domain', 'subaccount'], dimension_names)

),

spans as (

    select
        resolution,
        domain,
        subaccount,
        -- what Mailgun no longer keeps is no 0
        greatest(
            reported_from,
            if(resolution = 'hour', reported_until - interval 60 days, reported_until - interval 1 year)
        ) as reported_from,
        reported_until,
        if(resolution = 'hour', interval 1 hour, interval 1 day) as length,
        list_sort(list(distinct metric)) as metrics
    from stated
    semi join whole_answers using (resolution, dimension_names, reported_from, reported_until)
    -- a rate of nothing is no number
    where metric like '%_count'
    group by resolution, domain, subaccount, stated.reported_from, reported_until

),

-- Answers overlap, night after night: each period once, from the answer that reaches furthest.
covered as (

    select
        resolution,
        domain,
        subaccount,
        metrics,
        period_start,
        max(reported_until) as reported_until
    from (
        select
            *,
            unnest(generate_series(
                -- without a first or last period that is incomplete
                if(
                    resolution = 'hour',
                    date_trunc('hour', reported_from + length - interval 1 microsecond),
                    date_trunc('day', reported_from + length - interval 1 microsecond)
                ),
                reported_until - length,
                length
            )) as period_start
        from spans
    )
    group by resolution, domain, subaccount, metrics, period_start

),

numbers as (

    select
        *,
        true as is_stated
    from stated

    union all by name

    select
        * exclude (metrics),
        unnest(metrics) as metric,
        0.0 as value,
        false as is_stated
    from covered

)

-- No field has the time of an answer. Content decides, never the order of arrival: the answer that reaches furthest,
-- then the highest number, as counts only grow.
select
    resolution,
    domain,
    subaccount,
    period_start,
    metric,
    value,
    is_stated,
    coalesce(
        reported_until >= period_start + if(resolution = 'hour', interval 1 hour, interval 1 day), false
    ) as is_over
from numbers
qualify row_number() over (
    partition by domain, subaccount, resolution, period_start, metric
    order by reported_until desc nulls last, value desc, is_stated desc
) = 1
