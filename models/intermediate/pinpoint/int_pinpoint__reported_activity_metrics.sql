-- Grain: one grain (hour, day, month), period and activity with counters.
-- Values are the last ones that Pinpoint reports in the period; a delta is their increase.
{{ config(materialized='view', tags='published') }}

with

counters as (

    select * from {{ ref('int_pinpoint__counters_by_subject') }} where activity_id <> 'all'

)

select
    application_id,
    journey_id,
    activity_id,
    grain,
    period_start,
    -- activities that send nothing have no events: who came to them, by the outcomes and by who still waits
    cast(
        sum(increase) filter (
            where
            path is not null
            or activity_type = 'WAIT' and counter in ('WAIT_FINISHED', 'WAIT_SKIPPED', 'WAIT_STARTED')
            or activity_type = 'HOLDOUT' and counter in ('HOLDOUT', 'PASSED')
        ) as bigint
    ) as endpoints_through_activity,
    any_value(value) filter (where counter = 'SUCCESS') as messages_sent_reported,
    cast(
        sum(value) filter (
            where
            -- the counters of a contact center are documented as other reasons
            activity_type is distinct from 'CONTACT_CENTER'
            and counter in (
                'QUIET_TIME', 'DAILY_CAP_EXCEEDED', 'THROTTLED', 'TRANSIENT_FAILURE', 'SERVICE_FAILURE',
                'FAILURE_PERMANENT', 'UNSUPPORTED_CHANNEL', 'UNKNOWN', 'CUSTOM_DELIVERY_FAILURE'
            )
        ) as bigint
    ) as messages_not_sent_reported,
    any_value(value) filter (where counter = 'QUIET_TIME') as quiet_time_unsent_reported,
    any_value(value) filter (where counter = 'DAILY_CAP_EXCEEDED') as endpoint_limit_unsent_reported,
    any_value(value) filter (where counter = 'THROTTLED') as throttled_unsent_reported,
    any_value(value) filter (where counter = 'TRANSIENT_FAILURE') as temporary_failure_unsent_reported,
    any_value(value) filter (where counter = 'SERVICE_FAILURE') as service_failure_unsent_reported,
    any_value(value) filter (where counter = 'FAILURE_PERMANENT') as permanent_failure_unsent_reported,
    any_value(value) filter (where counter = 'UNSUPPORTED_CHANNEL') as unsupported_channel_unsent_reported,
    any_value(value) filter (where counter = 'UNKNOWN') as unknown_failure_unsent_reported,
    any_value(value) filter (where counter = 'CUSTOM_DELIVERY_FAILURE') as custom_delivery_failure_unsent_reported,
    -- of contact centers alone, whatever other activities may report
    any_value(value) filter (
        where activity_type = 'CONTACT_CENTER' and counter = 'DIAL_FAILURE'
    ) as dial_failure_unsent,
    any_value(increase) filter (
        where activity_type = 'CONTACT_CENTER' and counter = 'DIAL_FAILURE'
    ) as dial_failure_unsent_delta,
    any_value(value) filter (
        where activity_type = 'CONTACT_CENTER' and counter = 'DROPPED'
    ) as removed_by_reevaluation,
    any_value(increase) filter (
        where activity_type = 'CONTACT_CENTER' and counter = 'DROPPED'
    ) as removed_by_reevaluation_delta,
    bool_or(has_shrunk) as has_shrunk,
    max(load_id) as load_id
from counters
group by application_id, journey_id, activity_id, grain, period_start
