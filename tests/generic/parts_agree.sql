{# Proves that the rows of each value of the column `part` add up to the row of its total, 'all', in each of `counts`, among
   the rows where `among` holds. `keys` are those of a total, by default the model's but for the part; the counts are by
   default those of grains_agree. #}
{% test parts_agree(model, part, keys=none, counts=none, among='true') %}

{%- set keys = keys if keys is not none else keys_of_tested() | reject('eq', part) | list + ['grain', 'period_start'] -%}
{%- set counts = counts if counts is not none else additive_metrics_of_tested() -%}

select {{ keys | join(', ') }}
from {{ model }}
where {{ among }}
group by {{ keys | join(', ') }}
having
    {% for count in counts %}
    sum(case when {{ part }} = 'all' then {{ count }} else -{{ count }} end) <> 0 {{ 'or' if not loop.last }}
    {% endfor %}

{% endtest %}
