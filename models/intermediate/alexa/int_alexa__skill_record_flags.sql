-- Grain: one landed version of a request, directive or event of a skill, with what it counts for: 1, or NULL, which
-- count() passes over. `is_current` is false where another version counts.
{{ config(materialized='view') }}

with

requests as not materialized (

    select
        *,
        'request' as record,
        received_at as event_at
    from {{ ref('int_alexa__sessionized_requests') }}

),

operations as not materialized (

    select
        * exclude (latency_us),
        'directive' as record,
        sent_at as event_at
    from {{ ref('int_alexa__operations') }}

),

skill_events as not materialized (

    select
        *,
        'event' as record,
        -- Amazon doesn't say where
        'none' as locale,
        created_at as event_at
    from {{ ref('int_alexa__skill_events') }}

),

records as not materialized (

    select * from requests
    union all by name
    select * from operations
    union all by name
    select * from skill_events

),

event_flags as not materialized (

    select
        skill_id,
        stage,
        locale,
        record,
        event_at,
        case
            when record in ('request', 'directive') and request_type is distinct from 'CanFulfillIntentRequest'
                then nullif(user_id, 'none')
        end as customer,
        case when session_end is not null then 1 end as session,
        case when session_end = 'user_ended' then 1 end as user_ended_session,
        case when session_end = 'skill_ended' then 1 end as skill_ended_session,
        case when session_end = 'failed' then 1 end as failed_session,
        case when session_end = 'no_response' then 1 end as no_response_session,
        case when is_utterance then 1 end as utterance,
        case when is_utterance and is_failed then 1 end as failed_utterance,
        case when request_type = 'IntentRequest' then 1 end as total_intent,
        case when request_type = 'IntentRequest' and is_failed then 1 end as failed_intent,
        case when request_type = 'IntentRequest' and intent_name = 'AMAZON.FallbackIntent' then 1 end as fallback_intent,
        case when event = 'SkillEnabled' then 1 end as enablement,
        case when event = 'SkillEnabled' then nullif(user_id, 'none') end as enabled_user,
        case when event = 'SkillDisabled' then 1 end as disablement,
        case when expects_response then latency_us end as endpoint_latency_us,
        case when expects_response and not is_failed then 1 end as endpoint_success,
        case when is_failed then 1 end as endpoint_failure,
        is_current,
        load_id
    from records

)

select * from event_flags
