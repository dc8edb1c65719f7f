{# The first days of the months, in the reporting time zone, that an hour of UTC is in, a row each: two where the zone's
   offset isn't of whole hours and a month ends within the hour. #}
{% macro reporting_months(hour_start) -%}
    cast(date_trunc('month', unnest([
        {{ reporting_date(hour_start) }},
        {{ reporting_date('(' ~ hour_start ~ " + interval '59 minutes')") }}
    ])) as date)
{%- endmacro %}
