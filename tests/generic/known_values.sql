{# Proves that each column of `values` has no value but those listed for it; NULL is none. Returns what is new. #}
{% test known_values(model, values) %}

{% for column, known in values.items() %}
select
    '{{ column }}' as column_name,
    {{ column }} as new_value,
    count(*) as row_count
from {{ model }}
where {{ column }} not in ('{{ known | join("', '") }}')
group by new_value
{{ 'union all' if not loop.last }}
{% endfor %}

{% endtest %}
