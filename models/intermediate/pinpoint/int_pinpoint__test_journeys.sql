-- Grain: one journey that was ever named as a test. No metric counts it, nor any of its events.
{{ config(materialized='table', tags='published') }}

with

definitions as (

    select * from {{ ref('int_pinpoint__journey_definitions') }}

)

select distinct application_id, journey_id
from definitions
where is_test
