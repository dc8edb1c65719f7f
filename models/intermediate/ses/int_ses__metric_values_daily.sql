-- Grain: one day, metric, mart and its keys.
{{ config(materialized='view', database='touchstone') }}

{{ metric_values('ses', 'daily') }}
