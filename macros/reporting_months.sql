{# The first days of the months, in the reporting time zone, that an hour of UTC is in, a row for each of its dates. #}
{% macro reporting_months(hour_start) -%}
    cast(date_trunc('month', {{ reporting_dates(hour_start) }}) as date)
{%- endmacro %}
