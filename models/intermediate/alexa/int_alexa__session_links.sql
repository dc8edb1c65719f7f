-- Grain: one session that goes on with an earlier one, the first of which is `first_session_id`. A purchase, once
-- Amazon is done with it, comes back as a session of its own. `is_current` is false where it goes on with another one.
{{ config(unique_key=['skill_id', 'stage', 'user_id', 'session_id']) }}

with recursive

versions as not materialized {{ read(ref('int_alexa__calls')) }},

changed as (

    select distinct skill_id, stage, user_id from versions where is_changed

),

calls as (

    select *
    from versions
    semi join changed using (skill_id, stage, user_id)
    where is_current

),

-- Tokens may be the same each time. An answer belongs to the latest question before it that has none yet, as a closing
-- bracket does: a question is as deep among the open ones as its answer is after closing it.
exchanges as (

    select
        columns(['skill_id', 'stage', 'user_id', 'session_id', 'request_id', 'received_at']),
        1 as change,
        unnest(sent_requests, recursive := true)
    from calls

    union all by name

    select
        columns(['skill_id', 'stage', 'user_id', 'session_id', 'request_id', 'received_at']),
        -1 as change,
        connection_name as name,
        connection_token as token
    from calls
    where connection_name is not null

),

balanced as (

    select
        *,
        row(skill_id, stage, user_id, name, token) as thread,
        sum(change) over so_far as balance
    from exchanges
    where token is not null
    window so_far as (partition by thread order by received_at, change, request_id rows unbounded preceding)

),

nested as (

    select
        *,
        -- from 0, also where there are more answers than questions
        balance - least(0, min(balance) over so_far) as depth
    from balanced
    window so_far as (partition by thread order by received_at, change, request_id rows unbounded preceding)

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
            answers.thread = questions.thread
            and answers.depth + 1 = questions.depth
            and answers.received_at > questions.received_at
    where
        -- later the session that asked is over
        answers.received_at <= questions.received_at + interval {{ var('alexa_session_idle_minutes') }} minutes
    qualify row_number() over (
        partition by questions.thread, questions.depth, questions.received_at
        order by answers.received_at, answers.request_id
    ) = 1

),

openings as (

    select skill_id, stage, user_id, session_id, request_id
    from calls
    semi join answered using (skill_id, stage, user_id, session_id)
    qualify row_number() over (
        partition by skill_id, stage, user_id, session_id order by received_at, is_end, request_id
    ) = 1

),

continued as (

    select skill_id, stage, user_id, session_id, earlier_id
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

facts as (

    select
        skill_id,
        stage,
        user_id,
        session_id,
        earlier_id as first_session_id
    from followed
    anti join (select * replace (session_id as earlier_id) from continued)
        using (skill_id, stage, user_id, earlier_id)

)

{{ changed_facts(['skill_id', 'stage', 'user_id', 'session_id'], ['skill_id', 'stage', 'user_id']) }}
