-- Grain: one grain (hour, day, month), period and wait activity whose counters were reported.
{{ config(materialized='table', tags='published') }}

with

counters as (

    -- contact center activities have counters of the same names
    select *
    from {{ ref('int_pinpoint__counters_by_subject') }}
    where activity_type = 'WAIT'

),

pivoted as (

    select
        application_id,
        journey_id,
        journey_name,
        activity_id,
        activity_name,
        grain,
        period_start,
        any_value(value) filter (where counter = 'WAIT_FINISHED') as wait_completed,
        any_value(increase) filter (where counter = 'WAIT_FINISHED') as wait_completed_delta,
        any_value(value) filter (where counter = 'WAIT_SKIPPED') as wait_date_passed,
        any_value(increase) filter (where counter = 'WAIT_SKIPPED') as wait_date_passed_delta,
        any_value(value) filter (where counter = 'WAIT_STARTED') as currently_waiting,
        bool_or(has_shrunk) as has_shrunk,
        -- a journey that turns out to be a test leaves no row behind
        greatest(max(load_id), (select max(load_id) from {{ ref('int_pinpoint__journey_definitions') }})) as load_id
    from counters
    left join {{ ref('int_pinpoint__journey_names') }} using (application_id, journey_id)
    left join {{ ref('int_pinpoint__activity_names') }} using (application_id, journey_id, activity_id)
    group by application_id, journey_id, journey_name, activity_id, activity_name, grain, period_start

)

select * from pivoted
