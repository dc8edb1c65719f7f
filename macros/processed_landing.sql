{# The last landing this model has processed: 0 when it is built from nothing.
   Asked before the model runs, as DuckDB skips files and row groups by a constant, and reads a year for a subquery.
   Coalesced, as max() of an empty table is NULL and would load nothing for ever. #}
{% macro processed_landing() -%}
    {%- if is_incremental() -%}
        {{ run_query('select coalesce(max(landing), 0) from ' ~ this).columns[0].values()[0] }}
    {%- else -%}
        0
    {%- endif -%}
{%- endmacro %}
