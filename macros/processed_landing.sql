{# The last landing this model has processed: 0 when it is built from nothing.
   Coalesced, as max() of an empty table is NULL and would load nothing for ever. #}
{% macro processed_landing() -%}
    {%- if is_incremental() -%}
        (select coalesce(max(landing), 0) from {{ this }})
    {%- else -%}
        0
    {%- endif -%}
{%- endmacro %}
