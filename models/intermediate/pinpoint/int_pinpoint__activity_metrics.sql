-- Grain: one grain (hour, day, month), period and activity. Counts are of its sends, or of those who passed through it
-- by its counters; they are NULL where no events are known. Counters are as last reported in the period.
{{ config(materialized='table', tags='published') }}

with

types as (

    select * from {{ ref('int_pinpoint__activity_types') }}

),

sent as (

    select * from {{ ref('int_pinpoint__messages_by_period') }} where record_count > 0

),

reported as (

    select * from {{ ref('int_pinpoint__reported_activity_metrics') }}

),

periods as (

    select application_id, journey_id, activity_id, grain, period_start from sent
    union
    select application_id, journey_id, activity_id, grain, period_start from reported

),

ended as (

    select
        periods.*,
        -- a count of no events: 0, or unknown
        case when period_start between first_period and last_period then 0 end as empty_count
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
                sent.endpoints_through_activity + reported.endpoints_through_activity,
                sent.endpoints_through_activity,
                reported.endpoints_through_activity,
                ended.empty_count
            ) as bigint
        ) as endpoints_through_activity,
        coalesce(sent.messages_sent, ended.empty_count) as messages_sent,
        reported.messages_sent_reported,
        coalesce(sent.messages_not_sent, ended.empty_count) as messages_not_sent,
        reported.messages_not_sent_reported,
        coalesce(sent.quiet_time_unsent, ended.empty_count) as quiet_time_unsent,
        reported.quiet_time_unsent_reported,
        coalesce(sent.endpoint_limit_unsent, ended.empty_count) as endpoint_limit_unsent,
        reported.endpoint_limit_unsent_reported,
        coalesce(sent.throttled_unsent, ended.empty_count) as throttled_unsent,
        reported.throttled_unsent_reported,
        coalesce(sent.temporary_failure_unsent, ended.empty_count) as temporary_failure_unsent,
        reported.temporary_failure_unsent_reported,
        coalesce(sent.service_failure_unsent, ended.empty_count) as service_failure_unsent,
        reported.service_failure_unsent_reported,
        coalesce(sent.permanent_failure_unsent, ended.empty_count) as permanent_failure_unsent,
        reported.permanent_failure_unsent_reported,
        coalesce(sent.unsupported_channel_unsent, ended.empty_count) as unsupported_channel_unsent,
        reported.unsupported_channel_unsent_reported,
        coalesce(sent.unknown_failure_unsent, ended.empty_count) as unknown_failure_unsent,
        reported.unknown_failure_unsent_reported,
        case
            when types.activity_type = 'CUSTOM' or sent.custom_delivery_failure_unsent > 0
                then coalesce(sent.custom_delivery_failure_unsent, ended.empty_count)
        end as custom_delivery_failure_unsent,
        reported.custom_delivery_failure_unsent_reported,
        reported.dial_failure_unsent,
        reported.dial_failure_unsent_delta,
        reported.removed_by_reevaluation,
        reported.removed_by_reevaluation_delta,
        coalesce(reported.has_shrunk, false) as has_shrunk,
        greatest(
            sent.load_id,
            reported.load_id,
            types.load_id,
            (select max(load_id) from {{ ref('int_pinpoint__journey_definitions') }})
        ) as load_id
    from ended
    left join sent using (application_id, journey_id, activity_id, grain, period_start)
    left join reported using (application_id, journey_id, activity_id, grain, period_start)
    left join types using (application_id, journey_id, activity_id)
    left join {{ ref('int_pinpoint__journey_names') }} as journey_names using (application_id, journey_id)
    left join {{ ref('int_pinpoint__activity_names') }} as activity_names
        using (application_id, journey_id, activity_id)

)

select * from joined
