{# All landed versions of a staging model's records, with `is_current` at the one of each record that counts. What a
   version says decides, never when it arrived: `preference` is an order of versions, best first; versions that are
   equal in it are told apart by all they say. A version that no longer counts stays, so that the periods it once
   counted in are found and counted again. #}
{% macro current_versions(staged, preference) -%}
with

-- Not materialized, as a year would be written out for the sake of the day that is read.
records as not materialized (

    select * from {{ staged }} where landing <= {{ last_landing() }}

),

arrived as not materialized (

    select * from records where landing > {{ processed_landing() }}

),

contested as (

    select distinct record_key from arrived where is_repeat

),

-- Keys name no date. Their dates are looked up by two columns, so that all others are read of these days only.
contested_days as (

    select distinct
        record_date,
        record_key
    from records
    semi join contested using (record_key)

),

contenders as materialized (

    select
        *,
        cast(row(*columns(* exclude (version_id, file, is_repeat, landing))) as varchar) as content
    from records
    semi join contested_days using (record_date, record_key)

),

versioned as (

    select
        arrived.*,
        true as is_current
    from arrived
    anti join contested using (record_key)

    union all by name

    select
        * exclude (content) replace ((select max(landing) from contenders) as landing),
        row_number() over (partition by record_key order by {{ preference | join(', ') }}, content) = 1 as is_current
    from contenders

)

select * exclude (record_date, file, is_repeat) from versioned
{%- endmacro %}
