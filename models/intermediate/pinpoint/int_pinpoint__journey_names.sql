-- Grain: one journey with its newest known name.
{{ config(materialized='view', tags='published') }}

with

definitions as (

    select * from {{ ref('int_pinpoint__journey_definitions') }} where journey_name is not null

)

select
    application_id,
    journey_id,
    arg_max(journey_name, fetched_at) as journey_name
from definitions
group by application_id, journey_id
