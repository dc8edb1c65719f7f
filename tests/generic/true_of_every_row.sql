{# Proves that each of `conditions` holds in every row; one that is NULL doesn't hold. #}
{% test true_of_every_row(model, conditions) %}

{% for condition in conditions %}
select
    '{{ condition | replace("'", "''") }}' as broken,
    count(*) as row_count
from {{ model }}
where not coalesce({{ condition }}, false)
having count(*) > 0
{{ 'union all' if not loop.last }}
{% endfor %}

{% endtest %}
