-- Grain: one landed version of a datapoint and wide mart with a column for its metric. `subject` is the part of its
-- dimensions that names a row of the mart.
{{ config(materialized='view') }}

with

dimension_sets as (

    select
        *,
        count(*) over (partition by mart, metric_name) as set_count
    from {{ ref('int_cloudwatch__dimension_sets') }}

),

-- Many datapoints have the same dimensions, and making a subject of them takes as long as all else.
subjects as (

    select
        dimensions,
        keys,
        cast(to_json(map_from_entries(list_filter(
            map_entries(cast(
                cast(replace(dimensions, '"Instance ID":', '"InstanceId":') as json) as map(varchar, varchar)
            )),
            lambda d: list_contains(keys, d.key)
        ))) as varchar) as subject
    from (select distinct dimensions, dimension_set from {{ ref('int_cloudwatch__datapoints') }})
    inner join (select distinct dimension_set, keys from dimension_sets) using (dimension_set)

)

select
    datapoints.account_id,
    datapoints.region,
    dimension_sets.mart,
    subjects.subject,
    metric_name,
    dimension_set,
    dimension_sets.dimension_count,
    dimension_sets.reading,
    dimension_sets.set_count,
    datapoints.period_at,
    datapoints.period_minutes,
    datapoints.sample_count,
    datapoints.sum,
    datapoints.maximum,
    datapoints.is_varied,
    datapoints.is_current,
    -- a set that has been declared since has its datapoints counted again
    greatest(datapoints.load_id, dimension_sets.load_id) as load_id
from (
    select
        *,
        coalesce(dimensions ->> '$.MetricGroup', '-') as metric_group
    from {{ ref('int_cloudwatch__datapoints') }}
) as datapoints
inner join dimension_sets using (namespace, metric_name, dimension_set, metric_group)
inner join subjects using (dimensions, keys)
