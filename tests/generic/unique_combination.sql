{# Proves that no two rows have the same values in all of `columns`: by default the model's keys, grain and period. #}
{% test unique_combination(model, columns=none) %}

{%- set columns = columns if columns is not none else keys_of_tested() + ['grain', 'period_start'] -%}

select
    {{ columns | join(', ') }},
    count(*) as row_count
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1

{% endtest %}
