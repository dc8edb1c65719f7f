-- Grain: one activity of a journey's definition, as it was fetched.
{{ config(materialized='view', tags='published') }}

with

definitions as (

    select *
    from {{ ref('int_pinpoint__journey_definitions') }}
    anti join {{ ref('int_pinpoint__test_journeys') }} using (application_id, journey_id)

),

unnested as (

    select
        application_id,
        journey_id,
        fetched_at,
        valid_from,
        load_id,
        unnest(activities, max_depth := 2)
    from definitions

)

select * from unnested
