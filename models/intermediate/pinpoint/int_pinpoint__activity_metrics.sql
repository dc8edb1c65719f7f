-- Grain: one grain (hour, day, month), period and activity. Counts are of its sends, or of those who passed through it
-- as its counters tell; the counters of calls and of failures are as last told in the period.
{{ config(materialized='view', database='touchstone') }}

with

definitions as (

    select * from {{ ref('int_pinpoint__activity_definitions') }}

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
        any_value(activity_type) as activity_type,
        -- those who send nothing have no events: who came to them, by the outcomes and by who still waits
        sum(increase) filter (
            where
            activity_type in ('WAIT', 'CONDITIONAL_SPLIT', 'MULTI_CONDITIONAL_SPLIT', 'RANDOM_SPLIT', 'HOLDOUT')
        ) as endpoints_through_activity,
        any_value(value) filter (where counter = 'TRANSIENT_FAILURE') as temporary_failure_unsent_reported,
        any_value(value) filter (where counter = 'SERVICE_FAILURE') as service_failure_unsent_reported,
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
        max(landing) as landing
    from {{ ref('int_pinpoint__counters_by_period') }}
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
        *,
        {{ period_end('grain', 'period_start') }} as period_end
    from periods
    anti join {{ ref('int_pinpoint__test_journeys') }} using (application_id, journey_id)

),

joined as (

    select
        ended.application_id,
        ended.journey_id,
        ended.activity_id,
        ended.grain,
        ended.period_start,
        cast(
            coalesce(sent.endpoints_through_activity, 0) + coalesce(counted.endpoints_through_activity, 0) as bigint
        ) as endpoints_through_activity,
        coalesce(sent.messages_sent, 0) as messages_sent,
        coalesce(sent.messages_not_sent, 0) as messages_not_sent,
        coalesce(sent.quiet_time_unsent, 0) as quiet_time_unsent,
        coalesce(sent.endpoint_limit_unsent, 0) as endpoint_limit_unsent,
        coalesce(sent.throttled_unsent, 0) as throttled_unsent,
        coalesce(sent.temporary_failure_unsent, 0) as temporary_failure_unsent,
        counted.temporary_failure_unsent_reported,
        coalesce(sent.service_failure_unsent, 0) as service_failure_unsent,
        counted.service_failure_unsent_reported,
        coalesce(sent.permanent_failure_unsent, 0) as permanent_failure_unsent,
        coalesce(sent.unsupported_channel_unsent, 0) as unsupported_channel_unsent,
        coalesce(sent.unknown_failure_unsent, 0) as unknown_failure_unsent,
        case
            when
                coalesce(sent.activity_type, counted.activity_type, definitions.activity_type) = 'CUSTOM'
                or sent.custom_delivery_failure_unsent > 0
                then coalesce(sent.custom_delivery_failure_unsent, 0)
        end as custom_delivery_failure_unsent,
        counted.dial_failure_unsent,
        counted.dial_failure_unsent_delta,
        counted.removed_by_reevaluation,
        counted.removed_by_reevaluation_delta,
        coalesce(counted.has_shrunk, false) as has_shrunk,
        greatest(
            sent.landing, counted.landing, (select max(landing) from {{ ref('int_pinpoint__journey_definitions') }})
        ) as landing
    from ended
    left join sent using (application_id, journey_id, activity_id, grain, period_start)
    left join counted using (application_id, journey_id, activity_id, grain, period_start)
    asof left join definitions
        on
            ended.application_id = definitions.application_id
            and ended.journey_id = definitions.journey_id
            and ended.activity_id = definitions.activity_id
            and ended.period_end > definitions.valid_from

)

select * from joined
