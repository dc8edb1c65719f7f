-- Grain: one version of a request that counts and start of its session, with whether it failed and what its session
-- makes of it. `is_current` is false where the session has another start or the version no longer counts.
-- A change recounts all requests of its user, as a session's end may land before its start.
{{ config(unique_key=['version_id', 'session_started_at']) }}

with

versions as not materialized {{ read(ref('int_alexa__calls')) }},

links as {{ read(ref('int_alexa__session_links')) }},

newest_records as (

    -- by all versions of a request: a session that is over stays over
    select
        skill_id,
        max(received_at) as newest_at
    from {{ ref('int_alexa__requests') }}
    group by skill_id

),

changed as (

    select skill_id, stage, user_id from versions where is_changed
    union
    select skill_id, stage, user_id from links where is_changed
    {% if is_incremental() %}
    union
    -- users whose open session may have ended since then
    select skill_id, stage, user_id from {{ this }} where is_current and session_end = 'open'
    {% endif %}

),

in_sessions as (

    select
        versions.* exclude (load_id),
        coalesce(first_session_id, versions.session_id) as session_key,
        row(skill_id, stage, user_id, session_key) as session
    from versions
    semi join changed using (skill_id, stage, user_id)
    left join (from links where is_current) as links using (skill_id, stage, user_id, session_id)
    where versions.is_current

),

with_failures as (

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
                        partition by session, is_utterance or coalesce(end_reason = 'ERROR', false)
                        order by received_at, is_end, request_id
                    ) = 'ERROR',
                    false
                )
            )
        ) as is_failed,
        case when request_type = 'LaunchRequest' then request_type else intent_name end as node
    from in_sessions

),

-- What a session has as a whole, and the position of a request in it.
session_windows as (

    select
        *,
        min(received_at) over whole as started_at,
        max(received_at) over whole as last_at,
        first_value(locale) over in_order as first_locale,
        bool_or(end_reason = 'ERROR') over whole as has_error,
        bool_or(end_reason = 'EXCEEDED_MAX_REPROMPTS') over whole as has_silence,
        bool_or(end_reason = 'USER_INITIATED') over whole as has_goodbye,
        arg_max(
            struct_pack(failed := is_failed, ended := should_end_session), row(received_at, request_id)
        ) filter (where expects_response) over whole as last_answered,
        row_number() over in_order as position,
        lead(node) over (partition by session, is_utterance order by received_at, is_end, request_id) as next_node,
        bool_or(request_type = 'LaunchRequest') over in_order as is_launched
    from with_failures
    window
        whole as (partition by session),
        in_order as (partition by session order by received_at, is_end, request_id)

),

with_session_end as (

    select
        *,
        -- a session has one end: the first that holds
        case
            when has_error or coalesce(last_answered.failed, false) then 'failed'
            when has_silence then 'no_response'
            when has_goodbye then 'user_ended'
            when last_answered.ended then 'skill_ended'
            when last_at + interval {{ var('alexa_session_idle_minutes') }} minutes < newest_at then 'no_response'
            else 'open'
        end as session_end,
        case
            when session_key is not null and is_utterance and is_launched
                then count(*) filter (where is_utterance and is_launched) over (
                    partition by session order by received_at, is_end, request_id
                )
        end as step
    from session_windows
    inner join newest_records using (skill_id)

),

facts as (

    select
        columns([
            'version_id', 'skill_id', 'stage', 'locale', 'user_id', 'received_at', 'request_type', 'intent_name',
            'is_utterance', 'expects_response', 'latency_us', 'is_failed', 'step'
        ]),
        case when session_key is not null then started_at else received_at end as session_started_at,
        case when session_key is not null then first_locale end as session_locale,
        -- a session counts at its first request
        case when session_key is not null and position = 1 then session_end end as session_end,
        case when step is not null then node end as from_node,
        case when step is not null then coalesce(next_node, 'end:' || session_end) end as to_node
    from with_session_end

)

{{ changed_facts(['version_id', 'session_started_at'], ['skill_id', 'stage', 'user_id']) }}
