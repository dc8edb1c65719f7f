{# The rows of a mart: those of one grain, where `where` holds, with the columns of the mart's contract, as DuckDB plans names
   in half the time of a pattern; dbt knows none of them in a unit test. A model `..._by_period` keeps a row of a period that
   has become empty; no mart shows it. #}
{% macro by_grain(relation, grain, where=none) -%}
{%- set start = 'period_start' if grain == 'hour' else 'cast(period_start as date) as period_start' -%}
select
    {% for name in model.columns -%}
    {{ start if name == 'period_start' else name }}{{ ',' if not loop.last }}
    {% else -%}
    * exclude (period_start), {{ start }}
    {% endfor %}
from {{ relation }}
where
    grain = '{{ grain }}'
    {{ 'and not is_empty' if relation.identifier.endswith('_by_period') }}
    {{ 'and ' ~ where if where }}
{%- endmacro %}
