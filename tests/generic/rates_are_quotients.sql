{# Proves that each rate is its numerator by its denominator, both of the same row, and NULL where that is 0.
   `rates` is a mapping from a rate to the two. #}
{% test rates_are_quotients(model, rates) %}

select {{ rates.keys() | join(', ') }}
from {{ model }}
where
    {% for rate, (numerator, denominator) in rates.items() %}
    {{ rate }} is distinct from {{ numerator }} / nullif({{ denominator }}, 0) {{ 'or' if not loop.last }}
    {% endfor %}

{% endtest %}
