{# A parent's rows, each with `is_changed`: whether it has changed since this model last read the parent. A parent is a
   staging model, an incremental one, or a view of such that keeps their load_id. In brackets: a CTE by itself, too. #}
{% macro read(relation) -%}
    {%- set parent = relation.identifier | replace('__dbt__cte__', '') -%}
    (
        select
            *,
            {{ 'load_id > ' ~ loaded_through(parent) if is_incremental() else 'true' }} as is_changed
        from {{ relation }}
        {%- if parent.startswith('stg_') %}
        where load_id <= {{ load_limit() }}
        {%- endif %}
    )
{%- endmacro %}
