-- Grain: one grain (hour, day, month), period and integration. A column per metric of cloudwatch_metrics.
-- An integration may be told of under several sets of dimensions, with the same numbers: the largest set is taken.
-- Where CloudWatch says nothing, nothing was counted: counts of events are 0, what is measured is NULL.
{{ config(materialized='view', database='touchstone') }}

with

metrics as (

    select
        *,
        coalesce(dimensions ->> '$.ClientId', 'none') as client_id,
        coalesce(dimensions ->> '$.IntegrationARN', 'none') as integration_arn,
        coalesce(dimensions ->> '$.IntegrationType', 'none') as integration_type,
        -- of equally large sets one, and always the same
        row(len(string_split(dimension_set, ',')), dimensions) as preference
    from {{ ref('int_cloudwatch__metrics_by_period') }}
    where
        namespace = 'AWS/AppIntegrations'
        and datapoints > 0

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
        coalesce(
            arg_max(value, preference) filter (where metric_name = 'RecordsDownloaded'),
            case when integration_type <> 'EventIntegration' then 0 end
        ) as records_downloaded,
        coalesce(
            arg_max(value, preference) filter (where metric_name = 'RecordsFailed'),
            case when integration_type <> 'EventIntegration' then 0 end
        ) as records_failed,
        coalesce(
            arg_max(value, preference) filter (where metric_name = 'DataDownloaded'),
            case when integration_type <> 'EventIntegration' then 0 end
        ) as data_downloaded,
        arg_max(value, preference) filter (where metric_name = 'DataProcessingDuration') as data_processing_duration,
        coalesce(
            arg_max(value, preference) filter (where metric_name = 'EventsReceived'),
            case when integration_type <> 'DataIntegration' then 0 end
        ) as events_received,
        coalesce(
            arg_max(value, preference) filter (where metric_name = 'EventsProcessed'),
            case when integration_type <> 'DataIntegration' then 0 end
        ) as events_processed,
        coalesce(
            arg_max(value, preference) filter (where metric_name = 'EventsThrottled'),
            case when integration_type <> 'DataIntegration' then 0 end
        ) as events_throttled,
        coalesce(
            arg_max(value, preference) filter (where metric_name = 'EventsFailed'),
            case when integration_type <> 'DataIntegration' then 0 end
        ) as events_failed,
        arg_max(value, preference) filter (where metric_name = 'EventProcessingDuration') as event_processing_duration,
        max(landing) as landing
    from metrics
    group by account_id, region, client_id, integration_arn, integration_type, grain, period_start

)

select * from pivoted
