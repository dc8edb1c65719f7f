-- Grain: one datapoint that has, or had in another version, statistics beyond sum, count, minimum and maximum.
-- They are kept by datapoint, as no two percentiles make a third.
{{ config(tags='published', unique_key='datapoint_key') }}

with

-- Not materialized, as it is read twice and would be written out for it.
arrived as not materialized (

    select * from {{ read(ref('int_cloudwatch__datapoints')) }} where is_changed

)

-- All versions of a datapoint arrive together: one that no longer counts takes its statistics back, and so does a
-- datapoint in whose place those of another period count.
select
    datapoint_key,
    account_id,
    region,
    namespace,
    metric_name,
    dimension_set,
    dimensions,
    period_at as period_start,
    period_minutes,
    case when is_current then extra_statistics end as extra_statistics,
    unit,
    {{ load_id() }} as load_id
from arrived
where datapoint_key in (select datapoint_key from arrived where extra_statistics is not null)
qualify row_number() over (partition by datapoint_key order by is_current desc, version_id) = 1
