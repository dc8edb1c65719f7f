-- Grain: one landed version of a datapoint and wide mart with a column for its metric. `subject` is the part of its
-- dimensions that names a row of the mart.
{{ config(materialized='view') }}

with

datapoints as (

    select
        *,
        coalesce(dimensions ->> '$.MetricGroup', '-') as metric_group
    from {{ ref('int_cloudwatch__datapoints') }}

),

dimension_sets as (

    select * from {{ ref('int_cloudwatch__dimension_sets') }}

)

select
    datapoints.account_id,
    datapoints.region,
    dimension_sets.mart,
    cast(to_json(map_from_entries(list_filter(
        map_entries(cast(
            cast(replace(datapoints.dimensions, '"Instance ID":', '"InstanceId":') as json) as map(varchar, varchar)
        )),
        lambda d: list_contains(dimension_sets.keys, d.key)
    ))) as varchar) as subject,
    metric_name,
    dimension_set,
    dimension_sets.dimension_count,
    dimension_sets.reading,
    datapoints.period_at,
    datapoints.sample_count,
    datapoints.sum,
    datapoints.maximum,
    datapoints.is_current,
    -- a set that has been declared since has its datapoints counted again
    greatest(datapoints.load_id, dimension_sets.load_id) as load_id
from datapoints
inner join dimension_sets using (namespace, metric_name, dimension_set, metric_group)
