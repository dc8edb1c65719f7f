-- Grain: one metric of a mart, and one label of the vendor's where rows of it have several.
{{ config(materialized='table') }}

with

entries as (

    {{ metric_entries() }}

)

select * from entries where {{ is_on('mart') }}
