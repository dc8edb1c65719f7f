-- Grain: one rule by which an open or click is a machine's, or that of a proxy which fetches for a person.
-- The lowest position counts; a company's own rules may be anywhere among ours.
{{ config(materialized='view') }}

with

rules as (

    select * from {{ ref('email_machine_rules') }}
    union all by name
    select * from {{ own_seed('email_own_machine_rules') }}

),

typed as (

    select
        cast(position as integer) as position,
        rule,
        kind,
        lower(pattern) as pattern,
        cast(is_machine as boolean) as is_machine,
        case when kind = 'address range' then {{ network_number("split_part(pattern, '/', 1)") }} end as first_network,
        -- a range has whole networks of 256 addresses: a shorter prefix has more of them
        case
            when kind = 'address range'
                then 1 << (24 - cast(split_part(pattern, '/', 2) as integer))
        end as network_count
    from rules

)

select
    position,
    rule,
    kind,
    pattern,
    is_machine,
    first_network,
    first_network + network_count - 1 as last_network
from typed
