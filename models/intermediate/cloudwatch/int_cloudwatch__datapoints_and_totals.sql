-- Grain: one landed version of a datapoint, or total over contacts.
-- CloudWatch reports some metrics by contact alone. They are of use by instance: a total adds up the contacts of an
-- instant, under their other dimensions.
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

totals as (

    select
        account_id,
        region,
        namespace,
        metric_name,
        period_at,
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
        max(load_id) as load_id
    from {{ ref('int_cloudwatch__datapoints') }} as datapoints
    inner join totalled using (namespace, metric_name)
    group by all
    -- where CloudWatch reports the instance's own number, that is of the same tasks
    having bool_and(list_contains(string_split(datapoints.dimension_set, ','), total_over))

)

-- Read twice, not a CTE, which a view would write out for it.
select * exclude (datapoint_key, version_id, extra_statistics) from {{ ref('int_cloudwatch__datapoints') }}
union all by name
select * from totals
