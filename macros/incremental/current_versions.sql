{# All landed versions of a staging model's records, with `is_current` at the one of each record that counts: the first in
   the order `preference`, of what versions state, never of when they arrived. Versions that are equal in it are ordered by
   all columns that they state, so that every build chooses the same one; those that state the same, by their own number.
   `key` identifies a record. Where it `is_dated`, it is one of a date; else the dates of its versions are looked up by
   these two columns, so that all others are read of the days between.
   Where records are numbers of minutes, 5 minutes or hours, `series` are the columns that tell all others apart: of a longer
   period and those within it only one counts, as `longer_periods` says.
   A version that no longer counts stays, so that the periods it once counted in are found and counted again. The model's
   unique key is the version's. #}
{% macro current_versions(staged, preference, key='record_key', is_dated=false, series=none) -%}
{{- config(unique_key='version_id') -}}
{%- set record = 'record_date, ' ~ key if is_dated else key %}
with

-- Not materialized, as a year would be written out for the sake of the day that is read.
versions as not materialized {% if series -%}
(

    select
        *,
        date_trunc('hour', period_at) as hour
    from {{ read(staged) }}

)
{%- else %}{{ read(staged) }}{% endif %},

arrived as not materialized (

    select * from versions where is_changed

),

{% if series %}{{ longer_periods(series) }},

{% endif -%}
revised as (

    select distinct record_date, {{ key }} from arrived where is_revision
    {% if series %}
    union
    select record_date, {{ key }} from versions semi join contested using (record_date, {{ series | join(', ') }}, hour)
    {% endif %}

),

{% if not is_dated -%}
revised_days as (

    select
        min(record_date) as first_day,
        max(record_date) as last_day
    from versions
    semi join revised using ({{ key }})

),

{% endif -%}

candidates as materialized (

    select
        *,
        row(*columns(* exclude (version_id, file, is_revision, load_id, is_changed))) as stated
    from versions
    -- DuckDB filters the files by a join on one column, before staging computes anything
    semi join revised using ({{ key }})
    {% if is_dated -%}
    semi join revised using (record_date, {{ key }})
    {%- else -%}
    where
        record_date between (select first_day from revised_days) and (select last_day from revised_days)
    {%- endif %}

),

ranked as (

    select
        * exclude (stated),
        row_number() over (
            partition by {{ record }} order by {{ preference | join(', ') }}, stated, version_id
        ) = 1 as is_current
    from candidates

),

{% if series %}{{ counting_periods(series) }},

{% endif -%}
counted as (

    select
        arrived.*,
        true as is_current
    from arrived
    anti join revised using ({{ record }})

    union all by name

    select * from {{ 'of_counting_periods' if series else 'ranked' }}

)

select
    * exclude (record_date, file, is_revision, load_id, is_changed{{ ', hour' if series }}),
    {{ load_id() }} as load_id
from counted
{%- endmacro %}
