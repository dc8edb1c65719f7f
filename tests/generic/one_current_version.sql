{# Proves that no record, those of the same `key`, counts by two of its versions. With another version of a record one build
   writes all of its versions again, so that the newest rows have all of them. #}
{% test one_current_version(model, key='record_key') %}

select {{ key }}
from {{ model }}
where is_current
group by {{ key }}
having count(*) > 1

{% endtest %}
