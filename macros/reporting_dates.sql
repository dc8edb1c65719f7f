{# The dates, in the reporting time zone, that an hour of UTC is in, a row each: two where the zone's offset isn't of whole
   hours and a day ends within the hour, else the same one twice. #}
{% macro reporting_dates(hour_start) -%}
    unnest([
        {{ reporting_date(hour_start) }},
        {{ reporting_date('(' ~ hour_start ~ " + interval '59 minutes')") }}
    ])
{%- endmacro %}
