-- Grain: one hour, metric, mart and its keys.
with

metric_values as (

    {{- metric_values_of_systems('hour') }}

)

select * from metric_values
