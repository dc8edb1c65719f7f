-- Grain: one notification received or opened, as an app reported it; `is_counted` where it is the first of its
-- endpoint, run and activity. A notification has no id, and an app may report it as received twice.
{{ config(unique_key='event_key') }}

with

events as not materialized (

    select
        *,
        case event when '_journey.opened_notification' then 'opened' else 'received' end as outcome
    from {{ read(ref('stg_pinpoint__events')) }}
    where
        event in (
            '_journey.received_foreground', '_journey.received_background', '_journey.opened_notification'
        )
        and journey_id is not null

),

changed as (

    select distinct application_id, endpoint_id from events where is_changed

),

notifications as (

    select events.*
    from events
    semi join changed using (application_id, endpoint_id)

),

facts as (

    select
        event_key,
        event_at,
        outcome,
        application_id,
        journey_id,
        activity_id,
        row_number() over (
            partition by application_id, endpoint_id, journey_id, run_id, activity_id, outcome
            order by event_at, event_key
        ) = 1 as is_counted
    from notifications

)

{{ changed_facts(['event_key']) }}
