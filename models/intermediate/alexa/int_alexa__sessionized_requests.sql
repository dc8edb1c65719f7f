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
        case when request_type = 'LaunchRequest' then request_type else intent_name end as node
    from versions
    semi join changed using (skill_id, stage, user_id)
    left join (from links where is_current) as links using (skill_id, stage, user_id, session_id)
    where versions.is_current

),

-- One window: sorting the requests is what takes time.
in_order as (

    select
        *,
        row_number() over in_order as position,
        count(case when is_utterance then 1 end) over in_order as utterance_position,
        lead(case when is_utterance then node end ignore nulls) over in_order as next_node,
        lead(
            case when is_utterance or end_reason = 'ERROR' then coalesce(end_reason, 'none') end ignore nulls
        ) over in_order as next_end_reason
    from in_sessions
    window in_order as (
        partition by skill_id, stage, user_id, session_key order by received_at, is_end, request_id
    )

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
            or (is_utterance and session_key is not null and coalesce(next_end_reason = 'ERROR', false))
        ) as is_failed
    from in_order

),

sessions as (

    select
        skill_id,
        stage,
        user_id,
        session_key,
        min(received_at) as started_at,
        max(received_at) as last_at,
        arg_min(locale, position) as first_locale,
        bool_or(end_reason = 'ERROR') as has_error,
        bool_or(end_reason = 'EXCEEDED_MAX_REPROMPTS') as has_silence,
        bool_or(end_reason = 'USER_INITIATED') as has_goodbye,
        arg_max(struct_pack(failed := is_failed, ended := should_end_session), position)
            filter (where expects_response) as last_answered,
        min(utterance_position) filter (where request_type = 'LaunchRequest') as launch_position
    from with_failures
    where session_key is not null
    group by skill_id, stage, user_id, session_key

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
            when is_utterance and utterance_position >= launch_position then utterance_position - launch_position + 1
        end as step
    from with_failures
    left join sessions using (skill_id, stage, user_id, session_key)
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
