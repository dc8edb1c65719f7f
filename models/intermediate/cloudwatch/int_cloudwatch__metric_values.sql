-- Grain: one hour, day or month, metric, mart and its keys; in cloudwatch_metrics a metric is a row.
{{ config(materialized='view', database='touchstone') }}

with

of_columns as (

    {{ metric_values([
        'connect_quota_estimates', 'connect_instance_metrics', 'connect_queue_metrics', 'connect_flow_metrics',
        'voice_id_api_metrics', 'voice_id_domain_metrics', 'appintegrations_metrics',
    ]) }}

),

of_rows as (

    select * from {{ ref('int_cloudwatch__row_values') }}

)

select * from of_columns
union all by name
select * from of_rows
