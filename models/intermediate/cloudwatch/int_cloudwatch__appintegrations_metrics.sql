-- Grain: one grain (hour, day, month), period and integration with a known number. A column per metric.
{{ config(materialized='view', tags='published') }}

with

mart_rows as (

    select * from {{ ref('int_cloudwatch__wide_metrics_by_period') }}
    where mart = 'appintegrations_metrics' and subject is not null

)

select
    account_id,
    region,
    coalesce(subject ->> '$.ClientId', 'none') as client_id,
    coalesce(subject ->> '$.IntegrationARN', 'none') as integration_arn,
    coalesce(subject ->> '$.IntegrationType', 'none') as integration_type,
    grain,
    period_start,
    metrics['RecordsDownloaded'] as records_downloaded,
    metrics['RecordsFailed'] as records_failed,
    metrics['DataDownloaded'] as data_downloaded,
    metrics['DataProcessingDuration'] as data_processing_duration,
    metrics['EventsReceived'] as events_received,
    metrics['EventsProcessed'] as events_processed,
    metrics['EventsThrottled'] as events_throttled,
    metrics['EventsFailed'] as events_failed,
    metrics['EventProcessingDuration'] as event_processing_duration,
    load_id
from mart_rows
