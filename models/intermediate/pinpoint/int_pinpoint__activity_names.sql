-- Grain: one activity of a journey with its newest known name.
{{ config(materialized='view', tags='published') }}

with

definitions as (

    select * from {{ ref('int_pinpoint__activity_definitions') }} where activity_name is not null

)

select
    application_id,
    journey_id,
    activity_id,
    arg_max(activity_name, fetched_at) as activity_name
from definitions
group by application_id, journey_id, activity_id
