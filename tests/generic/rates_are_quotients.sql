{# Proves that each rate that the marts show is its numerator by its denominator, both of the same row, and NULL where
   that is 0; what the two are is the rate's entry's to say. #}
{% test rates_are_quotients(model) %}

select *
from {{ model }}
where
    {% for rate, meta in metrics_of_tested().items() if meta.numerator %}
    {{ rate }} is distinct from {{ meta.numerator }} / nullif({{ meta.denominator }}, 0) or
    {% endfor %}
    false

{% endtest %}
