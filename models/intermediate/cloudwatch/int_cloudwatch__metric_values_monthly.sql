-- Grain: one month, metric, mart and its keys.
{{ config(materialized='view', database='touchstone') }}

{{ metric_values('cloudwatch', 'monthly') }}
