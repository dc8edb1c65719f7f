-- Grain: one request that counts, with whether it failed and with what its session makes of it, in one place: of one
-- version, session start. Test calls are left out. `is_current` is false where it has become another one since.
-- A user's requests are judged together, as a session's end may land before its beginning.
{{ config(unique_key=['version_id', 'session_started_at']) }}

with recursive

requests as not materialized (

    select * from {{ ref('int_alexa__requests') }}

),

landed as (

    select
        max(received_at) as until,
        max(landing) as landing
    from requests

),

touched as (

    select distinct skill_id, stage, user_id
    from requests
    where landing > {{ processed_landing() }}

    union

    -- those whose request Amazon could not use, as a later one says
    select skill_id, stage, user_id
    from requests
    where
        request_id in (
            select cause_request_id
            from requests
            where landing > {{ processed_landing() }}
        )
    {% if is_incremental() %}

    union

    -- those whose session may have been left since
    select skill_id, stage, user_id from {{ this }} where is_current and session_end = 'open'
    {% endif %}

),

rejected as (

    select distinct cause_request_id as request_id
    from requests
    where is_current and not is_test

),

calls as (

    select
        requests.* replace (
            -- nobody talked to the skill: Alexa asks whether it could answer
            case when request_type <> 'CanFulfillIntentRequest' then session_id end as session_id
        ),
        request_type in ('LaunchRequest', 'IntentRequest') as is_utterance,
        request_type = 'SessionEndedRequest' as is_end,
        request_type not in ('SessionEndedRequest', 'System.ExceptionEncountered') as expects_response,
        date_diff('microsecond', received_at, responded_at) as latency_us,
        rejected.request_id is not null as is_rejected
    from requests
    semi join touched using (skill_id, stage, user_id)
    left join rejected using (request_id)
    where is_current and not is_test

),

-- A purchase, once Amazon is done with it, comes back as a session of its own: it goes on with the one that asked.
sent as (

    select
        skill_id,
        stage,
        user_id,
        session_id as earlier_id,
        received_at as sent_at,
        unnest(sent_requests, recursive := true)
    from calls

),

openings as (

    select *
    from calls
    qualify row_number() over (
        partition by skill_id, stage, user_id, session_id order by received_at, is_end, request_id
    ) = 1

),

continued as (

    select
        openings.skill_id,
        openings.stage,
        openings.user_id,
        openings.session_id,
        sent.earlier_id
    from openings
    asof join sent
        on
            openings.skill_id = sent.skill_id
            and openings.stage = sent.stage
            and openings.user_id = sent.user_id
            and openings.connection_name = sent.name
            and openings.connection_token = sent.token
            and openings.received_at > sent.sent_at
    where
        -- after that the session that asked is over
        openings.received_at <= sent.sent_at + interval {{ var('alexa_session_idle_minutes') }} minutes
    -- tokens may be the same each time: what was answered is not answered again
    qualify row_number() over (
        partition by sent.skill_id, sent.stage, sent.user_id, sent.name, sent.token, sent.sent_at
        order by openings.received_at, openings.request_id
    ) = 1

),

followed as (

    select * from continued

    union all

    select followed.* replace (continued.earlier_id as earlier_id)
    from followed
    inner join continued
        on
            followed.skill_id = continued.skill_id
            and followed.stage = continued.stage
            and followed.user_id = continued.user_id
            and followed.earlier_id = continued.session_id

),

begun as (

    select
        skill_id,
        stage,
        user_id,
        session_id,
        earlier_id as first_id
    from followed
    anti join (select * replace (session_id as earlier_id) from continued)
        using (skill_id, stage, user_id, earlier_id)

),

in_sessions as (

    select
        calls.*,
        coalesce(begun.first_id, calls.session_id) as session_key
    from calls
    left join begun using (skill_id, stage, user_id, session_id)

),

judged as (

    select
        *,
        expects_response
        and (
            responded_at is null
            or coalesce(outcome in ('exception', 'timeout'), false)
            -- Alexa waits so long
            or latency_us > 8000000
            or is_rejected
            -- the last utterance before its session broke off
            or (
                is_utterance
                and session_key is not null
                and coalesce(
                    lead(end_reason) over (
                        partition by
                            skill_id, stage, user_id, session_key,
                            is_utterance or coalesce(end_reason = 'ERROR', false)
                        order by received_at, is_end, request_id
                    ) = 'ERROR',
                    false
                )
            )
        ) as is_failed,
        case when request_type = 'LaunchRequest' then request_type else intent_name end as node
    from in_sessions

),

-- What is known of a session as a whole, and where in it a request stands.
surveyed as (

    select
        *,
        min(received_at) over session as started_at,
        max(received_at) over session as last_at,
        first_value(locale) over in_order as first_locale,
        bool_or(end_reason = 'ERROR') over session as has_error,
        bool_or(end_reason = 'EXCEEDED_MAX_REPROMPTS') over session as has_silence,
        bool_or(end_reason = 'USER_INITIATED') over session as has_goodbye,
        arg_max(
            struct_pack(failed := is_failed, ended := should_end_session), row(received_at, request_id)
        ) filter (where expects_response) over session as last_turn,
        row_number() over in_order as position,
        lead(node) over (
            partition by skill_id, stage, user_id, session_key, is_utterance order by received_at, is_end, request_id
        ) as next_node,
        bool_or(request_type = 'LaunchRequest') over in_order as is_launched
    from judged
    window
        session as (partition by skill_id, stage, user_id, session_key),
        in_order as (partition by skill_id, stage, user_id, session_key order by received_at, is_end, request_id)

),

concluded as (

    select
        *,
        -- the first that holds: one end each
        case
            when has_error or coalesce(last_turn.failed, false) then 'failed'
            when has_silence then 'no_response'
            when has_goodbye then 'user_ended'
            when last_turn.ended then 'skill_ended'
            when last_at + interval {{ var('alexa_session_idle_minutes') }} minutes < landed.until then 'no_response'
            else 'open'
        end as session_end,
        case
            when is_utterance and is_launched
                then count(*) filter (where is_utterance and is_launched) over (
                    partition by skill_id, stage, user_id, session_key order by received_at, is_end, request_id
                )
        end as step
    from surveyed
    cross join landed

),

facts as (

    select
        version_id,
        skill_id,
        stage,
        locale,
        user_id,
        received_at,
        request_type,
        intent_name,
        is_utterance,
        expects_response,
        latency_us,
        is_failed,
        case when session_key is not null then started_at else received_at end as session_started_at,
        case when session_key is not null then first_locale end as session_locale,
        -- a session is told by its first request
        case when session_key is not null and position = 1 then session_end end as session_end,
        case when session_key is not null then step end as step,
        case when session_key is not null and step is not null then node end as from_node,
        case
            when session_key is not null and step is not null then coalesce(next_node, 'end:' || session_end)
        end as to_node
    from concluded

)

{{ changed_facts(
    'facts', ['version_id', 'session_started_at'], ['skill_id', 'stage', 'user_id'], 'select landing from landed'
) }}
