-- Grain: one grain (hour, day, month), period and journey. Counts are of the journey's activities, counters are as last
-- told in the period, and settings as they stood at its end. Counts are NULL where no events are known.
{{ config(materialized='view', database='touchstone') }}

with

definitions as (

    select * from {{ ref('int_pinpoint__journey_definitions') }}

),

settings as (

    select * from {{ ref('int_pinpoint__application_settings') }}

),

counters as (

    select * from {{ ref('int_pinpoint__counters_by_subject') }} where activity_id = 'all'

    union all by name

    select * exclude (of_runs) replace ('RUNS_ENTERED' as counter)
    from {{ ref('int_pinpoint__counters_by_period') }}
    where activity_id = 'all' and of_runs and counter = 'ENDPOINT_ENTERED'

),

journeys_with_runs as (

    select distinct application_id, journey_id from counters where counter = 'RUNS_ENTERED'

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

counted as (

    select
        counters.application_id,
        counters.journey_id,
        counters.grain,
        counters.period_start,
        any_value(value) filter (where counter = 'ENDPOINT_ACTIVE') as currently_in_journey,
        any_value(value) filter (where counter = 'ENDPOINT_LEFT') as completed_journey,
        any_value(increase) filter (where counter = 'ENDPOINT_LEFT') as completed_journey_delta,
        any_value(value) filter (where counter = 'ENDPOINT_ENTERED') as lifetime_journey_entries,
        any_value(increase) filter (where counter = 'ENDPOINT_ENTERED') as lifetime_journey_entries_delta,
        -- the runs' entries added up, of a journey whose runs are landed
        any_value(value) filter (
            where
                counter
                = case when journeys_with_runs.journey_id is null then 'ENDPOINT_ENTERED' else 'RUNS_ENTERED' end
        ) as total_journey_entries,
        any_value(increase) filter (
            where
                counter
                = case when journeys_with_runs.journey_id is null then 'ENDPOINT_ENTERED' else 'RUNS_ENTERED' end
        ) as total_journey_entries_delta,
        any_value(value) filter (where counter = 'REFRESHES') as entry_segment_refreshes_done,
        any_value(increase) filter (where counter = 'REFRESHES') as entry_segment_refreshes_done_delta,
        any_value(value) filter (where counter = 'ACTIVITIES_DROPPED') as removed_by_reevaluation,
        any_value(increase) filter (where counter = 'ACTIVITIES_DROPPED') as removed_by_reevaluation_delta,
        any_value(value) filter (where counter = 'REENTRY_CAP_EXCEEDED') as exceeded_maximum_entries,
        any_value(increase) filter (where counter = 'REENTRY_CAP_EXCEEDED') as exceeded_maximum_entries_delta,
        any_value(value) filter (
            where counter = 'ACTIVITIES_DAILY_CAP_EXCEEDED'
        ) as exceeded_maximum_daily_messages_reported,
        any_value(value) filter (where counter = 'ACTIVITIES_QUIET_TIME') as not_sent_during_quiet_time_reported,
        bool_or(has_shrunk) as has_shrunk,
        max(load_id) as load_id
    from counters
    left join journeys_with_runs using (application_id, journey_id)
    group by counters.application_id, counters.journey_id, counters.grain, counters.period_start

),

periods as (

    select application_id, journey_id, grain, period_start from sent
    union
    select application_id, journey_id, grain, period_start from counted
    union
    select application_id, journey_id, grain, period_start
    from {{ ref('int_pinpoint__fetches_by_period') }}
    where activity_id = 'all'

),

ended as (

    select
        periods.*,
        {{ period_end('grain', 'period_start') }} as period_end,
        -- what nothing was counted of
        case when period_start between first_period and last_period then 0 end as nothing
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
        counted.currently_in_journey,
        counted.completed_journey,
        counted.completed_journey_delta,
        counted.lifetime_journey_entries,
        counted.lifetime_journey_entries_delta,
        counted.completed_journey / nullif(counted.lifetime_journey_entries, 0) as completed_share,
        counted.currently_in_journey / nullif(counted.lifetime_journey_entries, 0) as in_journey_share,
        counted.total_journey_entries,
        counted.total_journey_entries_delta,
        -- no answer of the API holds it
        cast(null as bigint) as next_entry_group_estimate,
        case when definitions.refreshes_by_interval = false then 'N/A' else 'unknown' end as next_entry_group_status,
        definitions.refreshes_on_segment_update,
        definitions.entry_segment_refreshes_planned,
        counted.entry_segment_refreshes_done,
        counted.entry_segment_refreshes_done_delta,
        counted.removed_by_reevaluation,
        counted.removed_by_reevaluation_delta,
        definitions.maximum_entries_per_endpoint,
        counted.exceeded_maximum_entries,
        counted.exceeded_maximum_entries_delta,
        coalesce(
            definitions.maximum_daily_messages_per_endpoint, settings.maximum_daily_messages_per_endpoint
        ) as maximum_daily_messages_per_endpoint,
        coalesce(sent.exceeded_maximum_daily_messages, ended.nothing) as exceeded_maximum_daily_messages,
        counted.exceeded_maximum_daily_messages_reported,
        case
            when definitions.journey_id is not null then coalesce(definitions.quiet_time, settings.quiet_time)
        end as quiet_time,
        case
            when definitions.quiet_time is not null then 'journey'
            when definitions.journey_id is null or settings.application_id is null then 'unknown'
            when settings.quiet_time is not null then 'project'
            else 'none'
        end as quiet_time_status,
        coalesce(sent.not_sent_during_quiet_time, ended.nothing) as not_sent_during_quiet_time,
        counted.not_sent_during_quiet_time_reported,
        definitions.email_activities,
        definitions.sms_activities,
        definitions.push_activities,
        definitions.custom_activities,
        definitions.contact_center_activities,
        coalesce(counted.has_shrunk, false) as has_shrunk,
        -- definitions, settings and the first run of a journey may change any of its periods
        greatest(
            sent.load_id,
            counted.load_id,
            (select max(load_id) from definitions),
            (select max(load_id) from settings),
            (select max(load_id) from counters where counter = 'RUNS_ENTERED')
        ) as load_id
    from ended
    left join sent using (application_id, journey_id, grain, period_start)
    left join counted using (application_id, journey_id, grain, period_start)
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
