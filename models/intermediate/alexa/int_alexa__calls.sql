-- Grain: one version of a request that counts, and its user. Test calls are left out. `is_current` is false where the
-- version no longer counts, or belongs to another user.
{{ config(unique_key=['version_id', 'user_id']) }}

with

versions as not materialized {{ read(ref('int_alexa__requests')) }},

-- Sessions with a request that names no user, as the SessionEndedRequest of an old client does.
sessions_without_user as materialized (

    select distinct skill_id, stage, session_id
    from versions
    where user_id = 'none' and session_id is not null

),

session_users as (

    select
        skill_id,
        stage,
        session_id,
        any_value(user_id) as sole_user
    from versions
    semi join sessions_without_user using (skill_id, stage, session_id)
    where user_id <> 'none' and is_current
    group by skill_id, stage, session_id
    having count(distinct user_id) = 1

),

requests as not materialized (

    select versions.* replace (
        case when user_id = 'none' then coalesce(sole_user, 'none') else user_id end as user_id
    )
    from versions
    left join session_users using (skill_id, stage, session_id)

),

changed as (

    select distinct skill_id, stage, user_id
    from versions
    where is_changed

    union

    -- the user of a request without one depends on its whole session
    select skill_id, stage, user_id
    from versions
    semi join (
        select skill_id, stage, session_id
        from versions
        semi join sessions_without_user using (skill_id, stage, session_id)
        where is_changed
    ) using (skill_id, stage, session_id)

    union

    -- users of a request whose response Amazon rejected in a later one
    select skill_id, stage, user_id
    from requests
    where
        request_id in (
            select cause_request_id
            from versions
            where is_changed
        )

),

rejected as (

    select distinct cause_request_id as request_id
    from versions
    where is_current and not is_test

),

facts as (

    select
        requests.version_id,
        requests.request_id,
        requests.skill_id,
        requests.stage,
        requests.locale,
        requests.user_id,
        -- nobody talks to the skill: Alexa asks whether it could answer
        case when request_type <> 'CanFulfillIntentRequest' then session_id end as session_id,
        requests.received_at,
        requests.request_type,
        requests.intent_name,
        requests.outcome,
        requests.should_end_session,
        requests.end_reason,
        requests.sent_requests,
        requests.connection_name,
        requests.connection_token,
        request_type in ('LaunchRequest', 'IntentRequest') as is_utterance,
        request_type = 'SessionEndedRequest' as is_end,
        request_type not in ('SessionEndedRequest', 'System.ExceptionEncountered') as expects_response,
        -- Alexa waits 8 seconds for a response, and ignores what comes later
        case
            when
                has_response
                and outcome is distinct from 'timeout'
                and responded_at <= received_at + interval 8 seconds
                then date_diff('microsecond', received_at, responded_at)
        end as latency_us,
        rejected.request_id is not null as is_rejected
    from requests
    semi join changed using (skill_id, stage, user_id)
    left join rejected using (request_id)
    where is_current and not is_test

)

{{ changed_facts(['version_id', 'user_id'], ['skill_id', 'stage', 'user_id']) }}
