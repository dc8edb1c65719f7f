-- Grain: one rule by which what a mail server answered is of a class.
-- The lowest position counts; a company's own rules may be anywhere among ours.
{{ config(materialized='view') }}

with

rules as (

    select * from {{ ref('email_bounce_classes') }}
    union all by name
    select * from {{ own_seed('email_own_bounce_classes') }}

)

select
    cast(position as integer) as position,
    class,
    kind,
    -- ends are written out, so that 5.1.1 is not the beginning of 5.1.10, nor `old` of `older`
    case kind
        when 'words' then ' ' || lower(pattern) || ' '
        when 'enhanced status' then pattern || '.'
        else pattern
    end as pattern
from rules
