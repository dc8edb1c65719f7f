{# The sum of a column of doubles, the same in whatever order its rows come, and NULL where there is none. What 12
   decimals hold is added up as decimals: 0.1 + 0.2 + 0.3 is 0.6. What they don't, as it is tiny or huge, is added up in
   the order of size: nothing is rounded to 0, and nothing is too large. #}
{% macro order_free_sum(column) -%}
    {%- set is_decimal -%}
        abs({{ column }}) < 1e15
        and abs({{ column }} - try_cast({{ column }} as decimal(38, 12))) <= 1e-15 * abs({{ column }})
    {%- endset -%}
    list_sum([
        cast(sum(case when {{ is_decimal }} then try_cast({{ column }} as decimal(38, 12)) end) as double),
        list_sum(list({{ column }} order by {{ column }}) filter (where not ({{ is_decimal }})))
    ])
{%- endmacro %}
