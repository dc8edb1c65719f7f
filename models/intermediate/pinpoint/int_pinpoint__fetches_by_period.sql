-- Grain: one grain (hour, day, month), period, project, journey and activity ('all' of the journey itself) whose
-- definition was fetched in the period.
{{ config(materialized='view', tags='published') }}

with

fetches as (

    select application_id, journey_id, activity_id, activity_type, fetched_at, load_id
    from {{ ref('int_pinpoint__activity_definitions') }}
    union all by name
    select application_id, journey_id, 'all' as activity_id, fetched_at, load_id
    from {{ ref('int_pinpoint__journey_definitions') }}
    anti join {{ ref('int_pinpoint__test_journeys') }} using (application_id, journey_id)

),

bucketed as (

    select
        *,
        unnest(['hour', 'day', 'month']) as grain,
        unnest([
            date_trunc('hour', fetched_at),
            cast({{ reporting_date('fetched_at') }} as timestamp),
            cast(date_trunc('month', {{ reporting_date('fetched_at') }}) as timestamp)
        ]) as period_start
    from fetches

)

select
    application_id,
    journey_id,
    activity_id,
    grain,
    period_start,
    max(activity_type) as activity_type,
    max(load_id) as load_id
from bucketed
group by all
