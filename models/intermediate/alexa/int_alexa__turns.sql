-- Grain: one request that counts, with whether it failed and with what its session makes of it, in one place: of one
-- version, session start. Test calls are left out. `is_current` is false where it has become another one since.
-- A user's requests are judged together, as a session's end may land before its beginning.
{{ config(unique_key=['version_id', 'session_started_at']) }}

with recursive

versions as not materialized (

    select * from {{ read(ref('int_alexa__requests')) }}

),

newest_records as (

    select
        skill_id,
        max(received_at) as newest_at
    from versions
    group by skill_id

),

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
        any_value(user_id) as session_user
    from versions
    semi join sessions_without_user using (skill_id, stage, session_id)
    where user_id <> 'none' and is_current
    group by skill_id, stage, session_id
    having count(distinct user_id) = 1

),

requests as not materialized (

    select versions.* replace (
        case when user_id = 'none' then coalesce(session_user, 'none') else user_id end as user_id
    )
    from versions
    left join session_users using (skill_id, stage, session_id)

),

changed as (

    select distinct skill_id, stage, user_id
    from versions
    where is_changed

    union

    -- whose a request without a user is depends on all of its session
    select skill_id, stage, user_id
    from versions
    semi join (
        select skill_id, stage, session_id
        from versions
        semi join sessions_without_user using (skill_id, stage, session_id)
        where is_changed
    ) using (skill_id, stage, session_id)

    union

    -- those whose request Amazon could not use, as a later one says
    select skill_id, stage, user_id
    from requests
    where
        request_id in (
            select cause_request_id
            from versions
            where is_changed
        )
    {% if is_incremental() %}

    union

    -- those whose session may have been left since
    select skill_id, stage, user_id from {{ this }} where is_current and session_end = 'open'
    {% endif %}

),

rejected as (

    select distinct cause_request_id as request_id
    from versions
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
        -- Alexa waits 8 seconds for a response: what comes later, or is none, it never hears
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

),

-- A purchase, once Amazon is done with it, comes back as a session of its own: it goes on with the one that asked.
-- Tokens may be the same each time. An answer is that of the latest question before it that has none yet, as a bracket
-- is closed: a question stands as deep in the open ones as its answer does once it is out of them.
exchanges as (

    select
        skill_id,
        stage,
        user_id,
        session_id,
        request_id,
        received_at,
        1 as change,
        unnest(sent_requests, recursive := true)
    from calls

    union all by name

    select
        skill_id,
        stage,
        user_id,
        session_id,
        request_id,
        received_at,
        -1 as change,
        connection_name as name,
        connection_token as token
    from calls
    where connection_name is not null

),

balanced as (

    select
        *,
        sum(change) over (
            partition by skill_id, stage, user_id, name, token
            order by received_at, change, request_id rows unbounded preceding
        ) as balance
    from exchanges
    where token is not null

),

nested as (

    select
        *,
        -- from 0, where there are more answers than questions too
        balance - least(0, min(balance) over (
            partition by skill_id, stage, user_id, name, token
            order by received_at, change, request_id rows unbounded preceding
        )) as depth
    from balanced

),

answered as (

    select
        answers.skill_id,
        answers.stage,
        answers.user_id,
        answers.session_id,
        answers.request_id,
        questions.session_id as earlier_id
    from (select * from nested where change = -1) as answers
    asof join (select * from nested where change = 1) as questions
        on
            answers.skill_id = questions.skill_id
            and answers.stage = questions.stage
            and answers.user_id = questions.user_id
            and answers.name = questions.name
            and answers.token = questions.token
            and answers.depth + 1 = questions.depth
            and answers.received_at > questions.received_at
    where
        -- after that the session that asked is over
        answers.received_at <= questions.received_at + interval {{ var('alexa_session_idle_minutes') }} minutes
    qualify row_number() over (
        partition by
            questions.skill_id, questions.stage, questions.user_id, questions.name, questions.token, questions.depth,
            questions.received_at
        order by answers.received_at, answers.request_id
    ) = 1

),

openings as (

    select skill_id, stage, user_id, session_id, request_id
    from calls
    qualify row_number() over (
        partition by skill_id, stage, user_id, session_id order by received_at, is_end, request_id
    ) = 1

),

continued as (

    select
        skill_id,
        stage,
        user_id,
        session_id,
        earlier_id
    from answered
    semi join openings using (skill_id, stage, user_id, session_id, request_id)

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
            latency_us is null
            or coalesce(outcome = 'exception', false)
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
            when last_at + interval {{ var('alexa_session_idle_minutes') }} minutes < newest_at then 'no_response'
            else 'open'
        end as session_end,
        case
            when is_utterance and is_launched
                then count(*) filter (where is_utterance and is_launched) over (
                    partition by skill_id, stage, user_id, session_key order by received_at, is_end, request_id
                )
        end as step
    from surveyed
    inner join newest_records using (skill_id)

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

{{ changed_facts(['version_id', 'session_started_at'], ['skill_id', 'stage', 'user_id']) }}
