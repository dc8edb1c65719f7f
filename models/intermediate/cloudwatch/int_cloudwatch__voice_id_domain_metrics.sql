-- Grain: one grain (hour, day, month), period and Voice ID domain. A column per metric of cloudwatch_metrics.
-- Where CloudWatch says nothing, nothing was counted: counts of events are 0, what is measured is NULL.
{{ config(materialized='view', database='touchstone') }}

with

metrics as (

    select
        *,
        dimensions ->> '$.Domain' as domain
    from {{ ref('int_cloudwatch__metrics_by_period') }}
    where
        namespace = 'VoiceID'
        and dimension_set = 'Domain'
        and datapoints > 0

),

pivoted as (

    select
        account_id,
        region,
        domain,
        grain,
        period_start,
        max(value) filter (where metric_name = 'ActiveSessions') as active_sessions,
        max(value) filter (where metric_name = 'ActiveSpeakerEnrollmentJobs') as active_speaker_enrollment_jobs,
        max(value) filter (where metric_name = 'ActiveFraudsterRegistrationJobs') as active_fraudster_registration_jobs,
        max(value) filter (where metric_name = 'Speakers') as speakers,
        max(value) filter (where metric_name = 'Fraudsters') as fraudsters,
        max(landing) as landing
    from metrics
    group by account_id, region, domain, grain, period_start

)

select * from pivoted
