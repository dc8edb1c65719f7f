-- Grain: one send of a journey's activity. One that doesn't state the activity's type has the type known of it, and is
-- as new as that is.
{{ config(materialized='view') }}

with

sends as not materialized (

    select *
    from {{ ref('stg_pinpoint__events') }}
    where event = '_journey.send' and journey_id is not null

),

types as (

    select * from {{ ref('int_pinpoint__activity_types') }}

)

select *
from sends
where activity_type is not null

union all

select sends.* replace (types.activity_type as activity_type, greatest(sends.landing, types.landing) as landing)
from sends
left join types using (application_id, journey_id, activity_id)
where sends.activity_type is null
