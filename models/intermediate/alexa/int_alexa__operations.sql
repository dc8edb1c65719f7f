-- Grain: one directive that Alexa sent to a smart home or video skill, with how it was answered. `is_current` is false
-- where another version of the directive counts since.
{{ config(unique_key='version_id') }}

with

messages as not materialized (

    select
        *,
        -- Discovery has no correlation token, and video's directives have none: their answer is that of the same call.
        coalesce(
            case when namespace <> 'Alexa.Discovery' then 'token ' || correlation_token end,
            'call ' || invocation_id,
            'message ' || message_id
        ) as exchange_id
    from {{ ref('int_alexa__smart_home_messages') }}

),

answers as not materialized (

    select
        *,
        'token ' || correlation_token as answered_id
    from messages
    where kind = 'event' and name <> 'ChangeReport'

    union all by name

    select
        *,
        'call ' || invocation_id as answered_id
    from messages
    where direction = 'out_sync'

),

touched as (

    select distinct skill_id, stage, exchange_id
    from messages
    where landing > {{ processed_landing() }}

    union

    select distinct skill_id, stage, answered_id
    from answers
    where landing > {{ processed_landing() }}

),

directives as (

    select *
    from messages
    semi join touched using (skill_id, stage, exchange_id)
    where is_current and direction = 'in'

),

answered as (

    select
        directives.version_id,
        min(answers.logged_at) as answered_at,
        -- the answer that says how it went: the first but those that only promise one
        arg_min(answers.name = 'ErrorResponse', row(answers.logged_at, answers.name, answers.message_id))
            filter (where answers.name <> 'DeferredResponse') as is_error
    from directives
    inner join answers
        on
            directives.skill_id = answers.skill_id
            and directives.stage = answers.stage
            and directives.exchange_id = answers.answered_id
            and directives.logged_at <= answers.logged_at
    where answers.is_current
    group by directives.version_id

),

timed as (

    select
        *,
        date_diff('microsecond', logged_at, answered_at) as latency_us
    from directives
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
        -- Alexa waits 8 seconds, for the answer or for the promise of one
        coalesce(latency_us <= 8000000, false) and not coalesce(is_error, false) as is_successful
    from timed

)

{{ changed_facts(
    'facts', ['version_id'], ['skill_id', 'stage', 'exchange_id'], 'select max(landing) from messages'
) }}
