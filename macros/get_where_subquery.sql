{# dbt's own hook for a test's `where`, in which `published_load` stands for what that macro gives: a constant, as
   DuckDB skips row groups by one, and reads a year for a subquery. #}
{% macro get_where_subquery(relation) -%}
    {%- set where = config.get('where') if execute -%}
    {%- if where -%}
        {{ return('(select * from ' ~ relation ~ ' where ' ~ where | replace('published_load', published_load()) ~ ')') }}
    {%- endif -%}
    {{ return(relation) }}
{%- endmacro %}
