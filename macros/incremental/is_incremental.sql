{# dbt's own, for whether a model adds to what it has. A unit test builds from all records, unless it overrides this. #}
{% macro is_incremental() -%}
    {{ return(model.resource_type != 'unit_test' and dbt.is_incremental()) }}
{%- endmacro %}
