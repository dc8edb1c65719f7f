{# Proves that every reason for a difference is one that the seed describes for the system. Returns what is new. #}
{% test is_a_reason(model, system) %}

select distinct reason
from {{ model }}
anti join (
    select reason from {{ ref('reconciliation_reasons') }} where system = '{{ system }}'
) using (reason)
where reason is not null

{% endtest %}
