-- Grain: one grain (hour, day, month), period and journey. Counts are of the journey's activities, counters are as last
-- reported in the period, and settings are those at its end. Counts are NULL where no events are known.
{{ config(materialized='table', tags='published') }}

with

definitions as (

    select * from {{ ref('int_pinpoint__journey_definitions') }}

),

settings as (

    select * from {{ ref('int_pinpoint__application_settings') }}

),

reported as (

    select * from {{ ref('int_pinpoint__reported_journey_metrics') }}

),

spans as (

    select * from {{ ref('int_pinpoint__event_spans') }} where activity_id = 'all'

),

sent as (

    select
        application_id,
        journey_id,
        grain,
        period_start,
        cast(sum(endpoint_limit_unsent) as bigint) as exceeded_maximum_daily_messages,
        cast(sum(quiet_time_unsent) as bigint) as not_sent_during_quiet_time,
        max(load_id) as load_id
    from {{ ref('int_pinpoint__messages_by_period') }}
    where record_count > 0
    group by application_id, journey_id, grain, period_start

),

periods as (

    select application_id, journey_id, grain, period_start from sent
    union
    select application_id, journey_id, grain, period_start from reported
    union
    select application_id, journey_id, grain, period_start
    from {{ ref('int_pinpoint__fetches_by_period') }}
    where activity_id = 'all'

),

ended as (

    select
        periods.*,
        {{ period_end('grain', 'period_start') }} as period_end,
        -- a count of no events: 0, or unknown
        case when period_start between first_period and last_period then 0 end as empty_count
    from periods
    left join spans using (application_id, journey_id, grain)
    anti join {{ ref('int_pinpoint__test_journeys') }} using (application_id, journey_id)

),

joined as (

    select
        ended.application_id,
        ended.journey_id,
        journey_names.journey_name,
        ended.grain,
        ended.period_start,
        reported.currently_in_journey,
        reported.completed_journey,
        reported.completed_journey_delta,
        reported.lifetime_journey_entries,
        reported.lifetime_journey_entries_delta,
        reported.completed_share,
        reported.in_journey_share,
        reported.total_journey_entries,
        reported.total_journey_entries_delta,
        -- no answer of the API holds it
        cast(null as bigint) as next_entry_group_estimate,
        case when definitions.refreshes_by_interval = false then 'N/A' else 'unknown' end as next_entry_group_status,
        definitions.refreshes_on_segment_update,
        definitions.entry_segment_refreshes_planned,
        reported.entry_segment_refreshes_done,
        reported.entry_segment_refreshes_done_delta,
        reported.removed_by_reevaluation,
        reported.removed_by_reevaluation_delta,
        definitions.maximum_entries_per_endpoint,
        reported.exceeded_maximum_entries,
        reported.exceeded_maximum_entries_delta,
        coalesce(
            definitions.maximum_daily_messages_per_endpoint, settings.maximum_daily_messages_per_endpoint
        ) as maximum_daily_messages_per_endpoint,
        coalesce(sent.exceeded_maximum_daily_messages, ended.empty_count) as exceeded_maximum_daily_messages,
        reported.exceeded_maximum_daily_messages_reported,
        case
            when definitions.journey_id is not null then coalesce(definitions.quiet_time, settings.quiet_time)
        end as quiet_time,
        case
            when definitions.quiet_time is not null then 'journey'
            when definitions.journey_id is null or settings.application_id is null then 'unknown'
            when settings.quiet_time is not null then 'project'
            else 'none'
        end as quiet_time_status,
        coalesce(sent.not_sent_during_quiet_time, ended.empty_count) as not_sent_during_quiet_time,
        reported.not_sent_during_quiet_time_reported,
        definitions.email_activities,
        definitions.sms_activities,
        definitions.push_activities,
        definitions.custom_activities,
        definitions.contact_center_activities,
        coalesce(reported.has_shrunk, false) as has_shrunk,
        -- definitions and settings may change any period
        greatest(
            sent.load_id,
            reported.load_id,
            (select max(load_id) from definitions),
            (select max(load_id) from settings)
        ) as load_id
    from ended
    left join sent using (application_id, journey_id, grain, period_start)
    left join reported using (application_id, journey_id, grain, period_start)
    left join {{ ref('int_pinpoint__journey_names') }} as journey_names using (application_id, journey_id)
    asof left join definitions
        on
            ended.application_id = definitions.application_id
            and ended.journey_id = definitions.journey_id
            and ended.period_end > definitions.valid_from
    asof left join settings
        on ended.application_id = settings.application_id and ended.period_end > settings.valid_from

)

select * from joined
