{# Proves that every CloudWatch metric is one that the seed defines, in a unit that it expects. Returns what is new. #}
{% test is_defined(model) %}

with

metrics as (

    select distinct namespace, metric_name, unit
    from {{ model }}
    where datapoints > 0

),

definitions as (

    select * from {{ ref('cloudwatch_metric_definitions') }}

)

select metrics.*
from metrics
left join definitions using (namespace, metric_name)
where
    definitions.statistic is null
    or not list_contains(string_split(definitions.units, ';'), metrics.unit)

{% endtest %}
