-- Grain: one grain (hour, day, month), period and integration of which a number is known. A column per metric.
{{ config(materialized='view', database='touchstone') }}

with

metrics as (

    select
        *,
        coalesce(subject ->> '$.ClientId', 'none') as client_id,
        coalesce(subject ->> '$.IntegrationARN', 'none') as integration_arn,
        coalesce(subject ->> '$.IntegrationType', 'none') as integration_type
    from {{ ref('int_cloudwatch__wide_metrics_by_period') }}
    where mart = 'appintegrations_metrics'

),

pivoted as (

    select
        account_id,
        region,
        client_id,
        integration_arn,
        integration_type,
        grain,
        period_start,
        any_value(value) filter (where metric_name = 'RecordsDownloaded') as records_downloaded,
        any_value(value) filter (where metric_name = 'RecordsFailed') as records_failed,
        any_value(value) filter (where metric_name = 'DataDownloaded') as data_downloaded,
        any_value(value) filter (where metric_name = 'DataProcessingDuration') as data_processing_duration,
        any_value(value) filter (where metric_name = 'EventsReceived') as events_received,
        any_value(value) filter (where metric_name = 'EventsProcessed') as events_processed,
        any_value(value) filter (where metric_name = 'EventsThrottled') as events_throttled,
        any_value(value) filter (where metric_name = 'EventsFailed') as events_failed,
        any_value(value) filter (where metric_name = 'EventProcessingDuration') as event_processing_duration,
        max(load_id) as load_id
    from metrics
    group by account_id, region, client_id, integration_arn, integration_type, grain, period_start
    having count(value) filter (where datapoints > 0) > 0

)

select * from pivoted
