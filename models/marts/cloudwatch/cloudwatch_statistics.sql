-- Grain: one datapoint and statistic beyond sum, count, minimum and maximum, at the grain it came in.
with

statistics as (

    select * from {{ ref('int_cloudwatch__statistics') }}

),

listed as (

    select
        * exclude (datapoint_key, extra_statistics, load_id),
        unnest(map_entries(extra_statistics), recursive := true)
    from statistics

)

select * rename (key as statistic)
from listed
