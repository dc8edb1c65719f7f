-- Grain: one day, metric, mart and its keys.
with

metric_values as (

    {{- metric_values_of_systems('day') }}

)

select * replace (cast(period_start as date) as period_start) from metric_values
