{{ config(schema='intermediate') }}
select * from {{ source('touchstone_days', 'days') }}
