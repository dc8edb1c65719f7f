-- Grain: one grain (hour, day, month), period, account, region, namespace, metric and set of its dimensions' values.
-- Every CloudWatch metric has all statistics, and as its value the one that the seed names.
-- Dimension sets are never mixed: a metric's datapoints by queue and those by flow count the same calls.
{{ config(
    database='touchstone',
    unique_key=['account_id', 'region', 'namespace', 'metric_name', 'dimensions', 'grain', 'period_start']
) }}

with

definitions as (

    select * from {{ ref('cloudwatch_metric_definitions') }}

),

records as not materialized (

    select
        *,
        period_at as event_at
    from {{ read(ref('int_cloudwatch__datapoints_and_totals')) }}

),

{{ changed_periods([
    'account_id', 'region', 'namespace', 'metric_name', 'dimension_set', 'dimensions'
]) }},

counted as (

    select
        account_id,
        region,
        namespace,
        metric_name,
        dimension_set,
        dimensions,
        {{ grain_columns() }},
        {{ order_free_sum('sample_count') }} as sample_count,
        {{ order_free_sum('sum') }} as sum,
        min(minimum) as minimum,
        max(maximum) as maximum,
        arg_max(maximum, event_at) as last,
        arg_max(unit, event_at) as unit,
        count(event_at) as datapoints,
        -- those with a datapoint, however many: a metric may come more often than it is expected to
        count(distinct time_bucket(to_minutes(nullif(period_minutes, 0)), event_at)) as spans
    from bucketed
    left join definitions using (namespace, metric_name)
    group by
        account_id, region, namespace, metric_name, dimension_set, dimensions,
        grouping sets ((hour_start), (day_start), (month_start))

),

measured as (

    select
        *,
        sum / nullif(sample_count, 0) as average,
        case
            when grain = 'hour' then 60
            else date_diff(
                'minute', {{ reporting_instant('period_start') }}, {{ period_end('grain', 'period_start') }}
            )
        end as minutes
    from counted
    where period_start is not null

),

valued as (

    select
        measured.* exclude (minutes, spans),
        -- a metric that is not defined has all statistics and no value
        case statistic
            when 'sum' then sum
            when 'maximum' then maximum
            when 'average' then average
            when 'last' then last
        end as value,
        spans * nullif(period_minutes, 0) / minutes as coverage,
        datapoints = 0 as is_empty,
        {{ load_id() }} as load_id
    from measured
    left join definitions using (namespace, metric_name)

)

select * from valued
