-- Grain: one grain (hour, day, month), period and activity. Counts are of its sends, or of those who passed through it
-- as its counters tell; they are NULL where no events are known. Counters are as last reported in the period.
{{ config(materialized='view', database='touchstone') }}

with

types as (

    select * from {{ ref('int_pinpoint__activity_types') }}

),

sent as (

    select * from {{ ref('int_pinpoint__messages_by_period') }} where record_count > 0

),

counted as (

    select
        application_id,
        journey_id,
        activity_id,
        grain,
        period_start,
        -- those who send nothing have no events: who came to them, by the outcomes and by who still waits
        sum(increase) filter (
            where
            path is not null
            or activity_type = 'WAIT' and counter in ('WAIT_FINISHED', 'WAIT_SKIPPED', 'WAIT_STARTED')
            or activity_type = 'HOLDOUT' and counter in ('HOLDOUT', 'PASSED')
        ) as endpoints_through_activity,
        any_value(value) filter (where counter = 'SUCCESS') as messages_sent_reported,
        cast(
            sum(value) filter (
                where
                -- a contact center's are documented of other reasons
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
        -- of contact centers only, whatever others may tell
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
    from {{ ref('int_pinpoint__counters_by_subject') }}
    where activity_id <> 'all'
    group by application_id, journey_id, activity_id, grain, period_start

),

periods as (

    select application_id, journey_id, activity_id, grain, period_start from sent
    union
    select application_id, journey_id, activity_id, grain, period_start from counted

),

ended as (

    select
        periods.*,
        -- what nothing was counted of
        case when period_start between first_period and last_period then 0 end as nothing
    from periods
    left join {{ ref('int_pinpoint__event_spans') }} using (application_id, journey_id, activity_id, grain)
    anti join {{ ref('int_pinpoint__test_journeys') }} using (application_id, journey_id)

),

joined as (

    select
        ended.application_id,
        ended.journey_id,
        journey_names.journey_name,
        ended.activity_id,
        activity_names.activity_name,
        ended.grain,
        ended.period_start,
        cast(
            coalesce(
                sent.endpoints_through_activity + counted.endpoints_through_activity,
                sent.endpoints_through_activity,
                counted.endpoints_through_activity,
                ended.nothing
            ) as bigint
        ) as endpoints_through_activity,
        coalesce(sent.messages_sent, ended.nothing) as messages_sent,
        counted.messages_sent_reported,
        coalesce(sent.messages_not_sent, ended.nothing) as messages_not_sent,
        counted.messages_not_sent_reported,
        coalesce(sent.quiet_time_unsent, ended.nothing) as quiet_time_unsent,
        counted.quiet_time_unsent_reported,
        coalesce(sent.endpoint_limit_unsent, ended.nothing) as endpoint_limit_unsent,
        counted.endpoint_limit_unsent_reported,
        coalesce(sent.throttled_unsent, ended.nothing) as throttled_unsent,
        counted.throttled_unsent_reported,
        coalesce(sent.temporary_failure_unsent, ended.nothing) as temporary_failure_unsent,
        counted.temporary_failure_unsent_reported,
        coalesce(sent.service_failure_unsent, ended.nothing) as service_failure_unsent,
        counted.service_failure_unsent_reported,
        coalesce(sent.permanent_failure_unsent, ended.nothing) as permanent_failure_unsent,
        counted.permanent_failure_unsent_reported,
        coalesce(sent.unsupported_channel_unsent, ended.nothing) as unsupported_channel_unsent,
        counted.unsupported_channel_unsent_reported,
        coalesce(sent.unknown_failure_unsent, ended.nothing) as unknown_failure_unsent,
        counted.unknown_failure_unsent_reported,
        case
            when types.activity_type = 'CUSTOM' or sent.custom_delivery_failure_unsent > 0
                then coalesce(sent.custom_delivery_failure_unsent, ended.nothing)
        end as custom_delivery_failure_unsent,
        counted.custom_delivery_failure_unsent_reported,
        counted.dial_failure_unsent,
        counted.dial_failure_unsent_delta,
        counted.removed_by_reevaluation,
        counted.removed_by_reevaluation_delta,
        coalesce(counted.has_shrunk, false) as has_shrunk,
        greatest(
            sent.load_id,
            counted.load_id,
            types.load_id,
            (select max(load_id) from {{ ref('int_pinpoint__journey_definitions') }})
        ) as load_id
    from ended
    left join sent using (application_id, journey_id, activity_id, grain, period_start)
    left join counted using (application_id, journey_id, activity_id, grain, period_start)
    left join types using (application_id, journey_id, activity_id)
    left join {{ ref('int_pinpoint__journey_names') }} as journey_names using (application_id, journey_id)
    left join {{ ref('int_pinpoint__activity_names') }} as activity_names
        using (application_id, journey_id, activity_id)

)

select * from joined
