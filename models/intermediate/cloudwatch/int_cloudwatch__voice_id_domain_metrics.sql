-- Grain: one grain (hour, day, month), period and Voice ID domain with a known number. A column per metric.
{{ config(materialized='view', tags='published') }}

with

mart_rows as (

    select * from {{ ref('int_cloudwatch__wide_metrics_by_period') }}
    where mart = 'voice_id_domain_metrics' and subject is not null

)

select
    account_id,
    region,
    subject ->> '$.Domain' as domain,
    grain,
    period_start,
    metrics['ActiveSessions'] as active_sessions,
    metrics['ActiveSpeakerEnrollmentJobs'] as active_speaker_enrollment_jobs,
    metrics['ActiveFraudsterRegistrationJobs'] as active_fraudster_registration_jobs,
    metrics['Speakers'] as speakers,
    metrics['Fraudsters'] as fraudsters,
    load_id
from mart_rows
