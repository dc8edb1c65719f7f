-- Grain: one grain (hour, day, month), period, account, region, namespace, metric and set of its dimensions' values.
-- Every CloudWatch metric has all statistics, and as its value the one that the seed names.
-- Dimension sets are never mixed: a metric's datapoints by queue and those by flow count the same calls.
{{ config(
    tags='published',
    unique_key=['account_id', 'region', 'namespace', 'metric_name', 'dimensions', 'grain', 'period_start']
) }}

{%- set keys = ['account_id', 'region', 'namespace', 'metric_name', 'dimension_set', 'dimensions'] %}

with

definitions as (

    select * rename (period_minutes as native_minutes) from {{ ref('cloudwatch_metric_definitions') }}

),

records as not materialized (

    select
        *,
        period_at as event_at
    from {{ read(ref('int_cloudwatch__datapoints_and_totals')) }}

),

-- In a build of all records a datapoint that counts is in its periods already.
changed as (

    select distinct {{ keys | join(', ') }}, event_at
    from records
    where is_changed {{ 'and not is_current' if not is_incremental() }}
    {% if is_incremental() %}
    union
    {{ changed_ends(keys) }}
    {% endif %}

),

{{ changed_periods(keys, 'changed') }},

-- Days and months are counted from hours, which are fewer than datapoints; hour_start is NULL of an hour without change.
hours as (

    select
        account_id,
        region,
        namespace,
        metric_name,
        dimension_set,
        dimensions,
        date_trunc('hour', event_at) as hour,
        hour_start,
        day_start,
        month_start,
        {{ part_of_sum('sample_count') }} as sample_count,
        {{ part_of_sum('sum') }} as sum,
        min(minimum) as minimum,
        max(maximum) as maximum,
        max(event_at) as last_at,
        arg_max(maximum, event_at) as last,
        arg_max(is_varied, event_at) as is_varied,
        arg_max(unit, event_at) as unit,
        count(event_at) as datapoints,
        bool_or(period_minutes > native_minutes) as is_coarse,
        -- the native periods with a datapoint, a bit each: a metric may come more often than it is expected to
        bit_count(bit_or(cast(1 as bigint) << (minute(event_at) // nullif(native_minutes, 0)))) as spans
    from bucketed
    left join definitions using (namespace, metric_name)
    group by all

),

counted as (

    select
        account_id,
        region,
        namespace,
        metric_name,
        dimension_set,
        dimensions,
        {{ grain_columns() }},
        {{ sum_of_parts('sample_count') }} as sample_count,
        {{ sum_of_parts('sum') }} as sum,
        min(minimum) as minimum,
        max(maximum) as maximum,
        case when not coalesce(arg_max(is_varied, last_at), false) then arg_max(last, last_at) end as last,
        arg_max(unit, last_at) as unit,
        cast(sum(datapoints) as bigint) as datapoints,
        -- which of its native periods a longer one is of is not known
        case when not coalesce(bool_or(is_coarse), false) then coalesce(sum(spans), 0) end as spans
    from hours
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
        spans * nullif(native_minutes, 0) / minutes as coverage,
        datapoints = 0 as is_empty,
        {{ load_id() }} as load_id
    from measured
    left join definitions using (namespace, metric_name)

)

select * from valued
