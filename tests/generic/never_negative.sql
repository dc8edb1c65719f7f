{# Proves that each of the counts in `columns` is a number of things: never NULL and never below 0. #}
{% test never_negative(model, columns) %}

select {{ columns | join(', ') }}
from {{ model }}
where
    {% for column in columns %}
    coalesce({{ column }}, -1) < 0 {{ 'or' if not loop.last }}
    {% endfor %}

{% endtest %}
