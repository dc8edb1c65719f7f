-- Grain: one landed version of a datapoint, or total over contacts.
-- CloudWatch reports some metrics by contact alone. They are of use by instance: a total adds up the contacts of an
-- instant, under their other dimensions. An hour in which a longer period than a minute counts is one instant, as it
-- may be of any of its minutes.
{{ config(materialized='view') }}

with

-- A hyphen stands for no dimension.
totalled as (

    select
        namespace,
        metric_name,
        unnest(regexp_extract_all(total_over, '\w+')) as total_over
    from {{ ref('cloudwatch_metric_definitions') }}

),

parts as (

    select
        * exclude (dimension_set, dimensions, total_over),
        array_to_string(list_filter(string_split(dimension_set, ','), lambda d: d <> total_over), ',') as dimension_set,
        cast(to_json(map_from_entries(list_filter(
            map_entries(cast(cast(dimensions as json) as map(varchar, varchar))), lambda d: d.key <> total_over
        ))) as varchar) as dimensions,
        list_contains(string_split(dimension_set, ','), total_over) as is_by_contact
    from {{ ref('int_cloudwatch__datapoints') }}
    inner join totalled using (namespace, metric_name)

),

timed as (

    select
        *,
        coalesce(bool_or(is_current and period_minutes > 1) over (
            partition by account_id, region, namespace, metric_name, dimensions, date_trunc('hour', period_at)
        ), false) as is_hour
    from parts

),

totals as (

    select
        account_id,
        region,
        namespace,
        metric_name,
        dimension_set,
        dimensions,
        case when is_hour then date_trunc('hour', period_at) else period_at end as period_at,
        max(case when is_hour then 60 else period_minutes end) as period_minutes,
        bool_and(is_hour) and min(minimum) < max(maximum) as is_varied,
        {{ order_free_sum('sample_count') }} as sample_count,
        {{ order_free_sum('sum') }} as sum,
        min(minimum) as minimum,
        max(maximum) as maximum,
        max(unit) as unit,
        is_current,
        max(load_id) as load_id
    from timed
    group by all
    -- where CloudWatch reports the instance's own number, that is of the same tasks
    having bool_and(is_by_contact)

)

-- Read twice, not a CTE, which a view would write out for it.
select * exclude (datapoint_key, version_id, extra_statistics) from {{ ref('int_cloudwatch__datapoints') }}
union all by name
select * from totals
