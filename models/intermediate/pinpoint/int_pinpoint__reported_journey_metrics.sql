-- Grain: one grain (hour, day, month), period and journey with counters.
-- Values are the last ones that Pinpoint reports in the period; a delta is their increase.
{{ config(materialized='view', tags='published') }}

with

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

-- of a journey whose runs are landed, the entries of all runs together are its total
journey_counters as (

    select
        counters.*,
        counter
        = case
            when journeys_with_runs.journey_id is null then 'ENDPOINT_ENTERED' else 'RUNS_ENTERED'
        end as is_total
    from counters
    left join journeys_with_runs using (application_id, journey_id)

),

pivoted as (

    select
        application_id,
        journey_id,
        grain,
        period_start,
        any_value(value) filter (where counter = 'ENDPOINT_ACTIVE') as currently_in_journey,
        any_value(value) filter (where counter = 'ENDPOINT_LEFT') as completed_journey,
        any_value(increase) filter (where counter = 'ENDPOINT_LEFT') as completed_journey_delta,
        any_value(value) filter (where counter = 'ENDPOINT_ENTERED') as lifetime_journey_entries,
        any_value(increase) filter (where counter = 'ENDPOINT_ENTERED') as lifetime_journey_entries_delta,
        any_value(value) filter (where is_total) as total_journey_entries,
        any_value(increase) filter (where is_total) as total_journey_entries_delta,
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
    from journey_counters
    group by application_id, journey_id, grain, period_start

),

with_rates as (

    select
        * replace (
            -- the first run of a journey may change the total of any of its periods
            greatest(load_id, (select max(load_id) from counters where counter = 'RUNS_ENTERED')) as load_id
        ),
        completed_journey / nullif(lifetime_journey_entries, 0) as completed_share,
        currently_in_journey / nullif(lifetime_journey_entries, 0) as in_journey_share
    from pivoted

)

select * from with_rates
