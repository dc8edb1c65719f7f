{# The sum of a column of doubles, the same in whatever order its rows come, and NULL where there is none. What 12
   decimals hold is added up as decimals: 0.1 + 0.2 + 0.3 is 0.6. What they don't, as it is tiny or huge, is added up in
   the order of size: nothing is rounded to 0, and nothing is too large. #}
{% macro order_free_sum(column) -%}
    list_sum([
        cast(sum(case when {{ is_decimal(column) }} then try_cast({{ column }} as decimal(38, 12)) end) as double),
        list_sum(list({{ column }} order by {{ column }}) filter (where not ({{ is_decimal(column) }})))
    ])
{%- endmacro %}


{# A group's part in the sums of larger groups, for `sum_of_parts`: a double would have been rounded. #}
{% macro part_of_sum(column) -%}
    struct_pack(
        decimals := sum(case when {{ is_decimal(column) }} then try_cast({{ column }} as decimal(38, 12)) end),
        others := list({{ column }}) filter (where not ({{ is_decimal(column) }}))
    )
{%- endmacro %}


{# The order-free sum of a column of parts. #}
{% macro sum_of_parts(part) -%}
    list_sum([
        cast(sum({{ part }}.decimals) as double),
        list_sum(list_sort(flatten(list({{ part }}.others) filter (where {{ part }}.others is not null))))
    ])
{%- endmacro %}


{# Whether 12 decimals hold a double. #}
{% macro is_decimal(column) -%}
    abs({{ column }}) < 1e15
    and abs({{ column }} - try_cast({{ column }} as decimal(38, 12))) <= 1e-15 * abs({{ column }})
{%- endmacro %}
