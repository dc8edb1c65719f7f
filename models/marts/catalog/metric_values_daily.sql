-- Grain: one day, metric, mart and its keys.
with

metric_values as (

    select * from {{ ref('int_alexa__metric_values_daily') }}
    union all by name
    select * from {{ ref('int_cloudwatch__metric_values_daily') }}
    union all by name
    select * from {{ ref('int_mailgun__metric_values_daily') }}
    union all by name
    select * from {{ ref('int_pinpoint__metric_values_daily') }}
    union all by name
    select * from {{ ref('int_ses__metric_values_daily') }}

)

select * from metric_values
