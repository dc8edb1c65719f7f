{# The UTC timestamp at which a date begins in the reporting time zone. #}
{% macro reporting_instant(date) -%}
    {{ return(adapter.dispatch('reporting_instant')(date)) }}
{%- endmacro %}

{% macro duckdb__reporting_instant(date) -%}
    {%- if var('reporting_timezone') == 'UTC' -%}
        cast({{ date }} as timestamp)
    {%- else -%}
        (cast({{ date }} as timestamp) at time zone '{{ var("reporting_timezone") }}') at time zone 'UTC'
    {%- endif -%}
{%- endmacro %}
