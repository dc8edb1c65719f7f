{# The grain and the period of a row of a select by `grouping sets ((hour_start), (day_start), (month_start))`. #}
{% macro grain_columns() -%}
    case grouping(hour_start, day_start) when 1 then 'hour' when 2 then 'day' else 'month' end as grain,
    coalesce(hour_start, day_start, month_start) as period_start
{%- endmacro %}
