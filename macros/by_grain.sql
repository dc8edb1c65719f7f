{# The rows of a mart: those of one grain, where `where` holds, without the columns that the pipeline alone needs and
   those of `without`. A model `..._by_period` keeps a row of a period that has become empty; no mart shows it. #}
{% macro by_grain(relation, grain, where=none, without=[]) -%}
{%- set hidden = ['grain', 'record_count', 'is_empty', 'load_id'] + without -%}
select columns(lambda name: name not in ('{{ hidden | join("', '") }}'))
from (
    select * {{ 'replace (cast(period_start as date) as period_start)' if grain != 'hour' }}
    from {{ relation }}
    where
        grain = '{{ grain }}'
        {{ 'and not is_empty' if relation.identifier.endswith('_by_period') }}
        {{ 'and ' ~ where if where }}
)
{%- endmacro %}
