-- Grain: one grain (hour, day, month), period and Voice ID domain of which a number is known. A column per metric.
{{ config(materialized='view', database='touchstone') }}

with

metrics as (

    select
        *,
        subject ->> '$.Domain' as domain
    from {{ ref('int_cloudwatch__wide_metrics_by_period') }}
    where mart = 'voice_id_domain_metrics'

),

pivoted as (

    select
        account_id,
        region,
        domain,
        grain,
        period_start,
        any_value(value) filter (where metric_name = 'ActiveSessions') as active_sessions,
        any_value(value) filter (where metric_name = 'ActiveSpeakerEnrollmentJobs') as active_speaker_enrollment_jobs,
        any_value(value) filter (
            where metric_name = 'ActiveFraudsterRegistrationJobs'
        ) as active_fraudster_registration_jobs,
        any_value(value) filter (where metric_name = 'Speakers') as speakers,
        any_value(value) filter (where metric_name = 'Fraudsters') as fraudsters,
        max(load_id) as load_id
    from metrics
    group by account_id, region, domain, grain, period_start
    having count(value) filter (where datapoints > 0) > 0

)

select * from pivoted
