-- Grain: one send of a journey's activity. One that doesn't state the activity's type has the type known of it.
{{ config(unique_key='event_key') }}

with

sends as not materialized (

    select
        event_key,
        event_at,
        application_id,
        journey_id,
        activity_id,
        activity_type,
        endpoint_id,
        send_status,
        is_changed
    from {{ read(ref('stg_pinpoint__events')) }}
    where event = '_journey.send' and journey_id is not null

),

types as {{ read(ref('int_pinpoint__activity_types')) }},

changed_sends as (

    select * exclude (is_changed) from sends where is_changed

    union all

    select * exclude (is_changed)
    from sends
    semi join (from types where is_changed) using (application_id, journey_id, activity_id)
    where activity_type is null and not is_changed

)

select
    changed_sends.* replace (coalesce(changed_sends.activity_type, types.activity_type) as activity_type),
    {{ load_id() }} as load_id
from changed_sends
left join types using (application_id, journey_id, activity_id)
