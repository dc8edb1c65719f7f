-- Grain: one hour, metric, mart and its keys.
{{ config(materialized='view', database='touchstone') }}

{{ metric_values('mailgun', 'hourly') }}
