-- Grain: one directive that Alexa sent to a smart home or video skill, with its answer. `is_current` is false where
-- another version of the directive counts.
{{ config(unique_key='version_id') }}

with

messages as not materialized (

    select
        *,
        -- Discovery has no correlation token, and video's directives have none.
        case when namespace <> 'Alexa.Discovery' then correlation_token end as token
    from {{ read(ref('int_alexa__smart_home_messages')) }}

),

-- An answer shares the token with its directive, or else the call. Within a call, an answer without a token belongs to
-- the directive, whatever token that has.
directives as not materialized (

    select
        *,
        coalesce('token ' || token, 'call ' || invocation_id, 'message ' || message_id) as exchange_id,
        [exchange_id, case when token is not null then 'call without token ' || invocation_id end] as exchange_ids
    from messages
    where direction = 'in'

),

answers as not materialized (

    select
        *,
        unnest([
            'token ' || correlation_token,
            case when direction = 'out_sync' then 'call ' || invocation_id end,
            case when direction = 'out_sync' and correlation_token is null then 'call without token ' || invocation_id end
        ]) as exchange_id
    from messages
    where kind = 'event' and name <> 'ChangeReport'

),

changed as (

    select distinct skill_id, stage, exchange_id
    from directives
    where is_changed

    union

    select directives.skill_id, directives.stage, directives.exchange_id
    from (select *, unnest(exchange_ids) as answered_id from directives) as directives
    semi join (
        select skill_id, stage, exchange_id as answered_id
        from answers
        where is_changed
    ) using (skill_id, stage, answered_id)

),

sent as (

    select *
    from directives
    semi join changed using (skill_id, stage, exchange_id)
    where is_current

),

answered as (

    select
        sent.version_id,
        -- Alexa waits 8 seconds for an answer or the promise of one, and ignores what comes later
        min(answers.logged_at) filter (where answers.logged_at <= sent.logged_at + interval 8 seconds) as answered_at,
        -- the first answer with a result, not the promise of one
        arg_min(answers.name <> 'ErrorResponse', row(answers.logged_at, answers.name, answers.message_id))
            filter (where answers.name <> 'DeferredResponse') as is_right
    from (select *, unnest(exchange_ids) as answered_id from sent) as sent
    inner join answers
        on
            sent.skill_id = answers.skill_id
            and sent.stage = answers.stage
            and sent.answered_id = answers.exchange_id
            and sent.logged_at <= answers.logged_at
    where answers.is_current
    group by sent.version_id

),

timed as (

    select
        *,
        date_diff('microsecond', logged_at, answered_at) as latency_us
    from sent
    left join answered using (version_id)

),

facts as (

    select
        version_id,
        skill_id,
        stage,
        locale,
        user_id,
        exchange_id,
        logged_at as sent_at,
        case
            when namespace = 'Alexa.Discovery' then 'discovery'
            when namespace = 'Alexa.Authorization' then 'authorization'
            when namespace = 'Alexa' and name = 'ReportState' then 'report_state'
            else 'capability_directive'
        end as operation,
        namespace as capability,
        name as directive,
        latency_us,
        coalesce(latency_us is not null and is_right, false) as is_successful
    from timed

)

{{ changed_facts(['version_id'], ['skill_id', 'stage', 'exchange_id']) }}
