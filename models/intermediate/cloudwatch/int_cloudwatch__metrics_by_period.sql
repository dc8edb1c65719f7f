-- Grain: one grain (hour, day, month), period, account, region, namespace, metric and set of its dimensions' values.
-- Every CloudWatch metric is counted here and nowhere else, by the statistic that the seed names for it.
-- Dimension sets are never mixed: a metric's datapoints by queue and those by flow tell of the same calls.
{{ config(
    database='touchstone',
    unique_key=['account_id', 'region', 'namespace', 'metric_name', 'dimensions', 'grain', 'period_start']
) }}

with

definitions as (

    select * from {{ ref('cloudwatch_metric_definitions') }}

),

datapoints as not materialized (

    select
        *,
        period_at as event_at
    from {{ read(ref('int_cloudwatch__datapoints')) }}

),

-- Metrics that come by contact only; the others have a hyphen.
totals as (

    select
        namespace,
        metric_name,
        unnest(regexp_extract_all(total_over, '\w+')) as total_over
    from definitions

),

-- What comes by contact is of use by instance: the contacts of an instant added up, under the other dimensions.
totalled as (

    select
        account_id,
        region,
        namespace,
        metric_name,
        event_at,
        array_to_string(list_filter(string_split(dimension_set, ','), lambda d: d <> total_over), ',') as dimension_set,
        cast(to_json(map_from_entries(list_filter(
            map_entries(cast(cast(dimensions as json) as map(varchar, varchar))), lambda d: d.key <> total_over
        ))) as varchar) as dimensions,
        {{ order_free_sum('sample_count') }} as sample_count,
        {{ order_free_sum('sum') }} as sum,
        min(minimum) as minimum,
        max(maximum) as maximum,
        max(unit) as unit,
        is_current,
        bool_or(is_changed) as is_changed
    from datapoints
    inner join totals using (namespace, metric_name)
    group by all
    -- the instance's own number, where CloudWatch tells it, is of the same tasks
    having bool_and(list_contains(string_split(datapoints.dimension_set, ','), total_over))

),

records as not materialized (

    select * from datapoints
    union all by name
    select * from totalled

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
        case grouping(hour_start, day_start) when 1 then 'hour' when 2 then 'day' else 'month' end as grain,
        coalesce(hour_start, day_start, month_start) as period_start,
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
        case grain
            when 'hour' then 60
            when 'day' then date_diff(
                'minute',
                {{ reporting_instant('period_start') }},
                {{ reporting_instant('period_start + interval 1 day') }}
            )
            else date_diff(
                'minute',
                {{ reporting_instant('period_start') }},
                {{ reporting_instant('period_start + interval 1 month') }}
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
        {{ load_id() }} as load_id
    from measured
    left join definitions using (namespace, metric_name)

)

select * from valued
