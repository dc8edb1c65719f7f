-- Grain: one datapoint that has, or had in another version, statistics beyond sum, count, minimum and maximum.
-- They are kept by datapoint, as no two percentiles make a third.
{{ config(tags='published', unique_key='datapoint_key') }}

with

-- Not materialized, as it is read twice and would be written out for it.
arrived as not materialized (

    select * from {{ read(ref('int_cloudwatch__datapoints')) }} where is_changed

)

-- All versions of a datapoint arrive together: one that no longer counts takes its statistics back.
select
    datapoint_key,
    account_id,
    region,
    namespace,
    metric_name,
    dimension_set,
    dimensions,
    period_at as period_start,
    extra_statistics,
    unit,
    {{ load_id() }} as load_id
from arrived
where
    is_current
    and datapoint_key in (select datapoint_key from arrived where extra_statistics is not null)
