{# Proves that every CloudWatch metric is one that the seed defines, in a unit and with a set of dimensions that it expects.
   Returns what is new. #}
{% test is_defined(model) %}

with

metrics as (

    select distinct namespace, metric_name, unit, dimension_set
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
    or not (
        definitions.dimension_sets = '*'
        or list_contains(string_split(definitions.dimension_sets, ';'), metrics.dimension_set)
        -- a total has one dimension less
        or list_contains(
            string_split(definitions.dimension_sets, ';'),
            array_to_string(
                list_sort(list_append(string_split(metrics.dimension_set, ','), definitions.total_over)), ','
            )
        )
    )

{% endtest %}
