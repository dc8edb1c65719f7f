{# Through which number this model has read a parent; of its own name, the number of its last build. 0 where it has none.
   Asked before the model runs, as DuckDB skips files and row groups by a constant, and reads a year for a subquery. #}
{% macro loaded_through(parent) -%}
    {{ return(high_water_marks().get(parent, 0)) }}
{%- endmacro %}
