{# The date of a UTC timestamp in the reporting time zone. #}
{% macro reporting_date(timestamp_utc) -%}
    {{ return(adapter.dispatch('reporting_date')(timestamp_utc)) }}
{%- endmacro %}

{% macro duckdb__reporting_date(timestamp_utc) -%}
    {%- if var('reporting_timezone') == 'UTC' -%}
        cast({{ timestamp_utc }} as date)
    {%- else -%}
        cast(({{ timestamp_utc }} at time zone 'UTC') at time zone '{{ var("reporting_timezone") }}' as date)
    {%- endif -%}
{%- endmacro %}
