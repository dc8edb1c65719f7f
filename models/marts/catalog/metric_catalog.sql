-- Grain: one metric of a mart, and one label of the vendor's where rows of it have several.
{{ config(materialized='table') }}

with

entries as (

    {{ metric_entries() }}

),

-- a column of a wide CloudWatch mart is a row of cloudwatch_metrics too, in one or two marts the same
datapoints as (

    select * replace (
        'cloudwatch_metrics' as mart,
        namespace || '/' || vendor_label as metric,
        replace(decision, '#wide-marts', '#readings') as decision
    )
    from entries
    where namespace is not null
    qualify row_number() over (partition by namespace, vendor_label order by entries.mart) = 1

)

select * exclude (namespace)
from (
    select * from entries
    union all
    select * from datapoints
)
where {{ is_on('mart') }}
