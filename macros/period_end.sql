{# The UTC timestamp at which a period ends; days and months end in the reporting time zone. #}
{% macro period_end(grain, period_start) -%}
    case {{ grain }}
        when 'hour' then {{ period_start }} + interval 1 hour
        when 'day' then {{ reporting_instant(period_start ~ ' + interval 1 day') }}
        else {{ reporting_instant(period_start ~ ' + interval 1 month') }}
    end
{%- endmacro %}
