-- Grain: one hour, day or month, metric, mart and its keys.
{{ config(materialized='view', database='touchstone') }}

{{ metric_values(['ses_metrics', 'ses_metrics_by_dimension']) }}
