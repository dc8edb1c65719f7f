-- The baseline for Alexa: the same gzip files with declared columns, deduplicated, counted by skill, stage and locale, by
-- intent and by directive, at three grains.
-- What stands after `-- stage:` names the statements up to the next one in the benchmark's table.

-- stage: read, deduplicate
create macro lines_of(stream) as table
select line
from read_csv(
    '{inbox}/alexa/' || stream || '/**/*.gz', columns = {'line': 'varchar'}, delim = '\x01', quote = '', escape = '',
    comment = '', header = false, auto_detect = false, compression = 'gzip'
);

create table requests as
with
typed as (
    select
        json_transform(line, '{
            "received_at": "TIMESTAMPTZ", "responded_at": "TIMESTAMPTZ", "outcome": "VARCHAR", "stage": "VARCHAR",
            "is_test": "BOOLEAN",
            "request": {
                "session": {"sessionId": "VARCHAR", "user": {"userId": "VARCHAR"}},
                "context": {"System": {"application": {"applicationId": "VARCHAR"}, "user": {"userId": "VARCHAR"}}},
                "request": {"type": "VARCHAR", "requestId": "VARCHAR", "locale": "VARCHAR", "reason": "VARCHAR",
                    "intent": {"name": "VARCHAR"}}
            },
            "response": {"response": {"shouldEndSession": "BOOLEAN"}}
        }') as r
    from lines_of('skill_requests')
)
select distinct on (request_id) *
from (
    select
        r.request.request."requestId" as request_id,
        cast(r.received_at as timestamp) as "at",
        cast(r.responded_at as timestamp) as responded_at,
        r.outcome,
        coalesce(r.request.context."System".application."applicationId", 'none') as skill_id,
        coalesce(r.stage, 'none') as stage,
        coalesce(r.request.request.locale, 'none') as locale,
        coalesce(r.request.context."System"."user"."userId", r.request."session"."user"."userId") as user_id,
        r.request."session"."sessionId" as session_id,
        r.request.request."type" as request_type,
        r.request.request.reason as reason,
        coalesce(r.request.request.intent."name", 'none') as intent_name,
        r.response.response."shouldEndSession" as ends
    from typed
    where not coalesce(r.is_test, false)
)
order by request_id, responded_at is not null desc, "at";

create table messages as
with
typed as (
    select
        json_transform(line, '{
            "at": "TIMESTAMPTZ", "skill_id": "VARCHAR", "stage": "VARCHAR", "locale": "VARCHAR", "user_ref": "VARCHAR",
            "message": {
                "directive": {"header": {"namespace": "VARCHAR", "name": "VARCHAR", "messageId": "VARCHAR",
                    "correlationToken": "VARCHAR"}},
                "event": {"header": {"namespace": "VARCHAR", "name": "VARCHAR", "messageId": "VARCHAR",
                    "correlationToken": "VARCHAR"}}
            }
        }') as r
    from lines_of('smart_home_messages')
)
select distinct on (header."messageId", is_directive) *
from (
    select
        cast(r."at" as timestamp) as "at",
        r.skill_id,
        coalesce(r.stage, 'none') as stage,
        coalesce(r.locale, 'none') as locale,
        r.user_ref as user_id,
        r.message.directive is not null as is_directive,
        coalesce(r.message.directive.header, r.message.event.header) as header
    from typed
);

create table skill_events as
with
typed as (
    select
        json_transform(line, '{
            "stage": "VARCHAR",
            "context": {"System": {"application": {"applicationId": "VARCHAR"}, "user": {"userId": "VARCHAR"}}},
            "request": {"type": "VARCHAR", "requestId": "VARCHAR", "eventCreationTime": "TIMESTAMPTZ",
                "timestamp": "TIMESTAMPTZ"}
        }') as r
    from lines_of('skill_events')
)
select distinct on (r.request."requestId")
    cast(coalesce(r.request."eventCreationTime", r.request."timestamp") as timestamp) as "at",
    coalesce(r.context."System".application."applicationId", 'none') as skill_id,
    coalesce(r.stage, 'none') as stage,
    r.context."System"."user"."userId" as user_id,
    r.request."type" as event
from typed
where r.request."type" in ('AlexaSkillEvent.SkillEnabled', 'AlexaSkillEvent.SkillDisabled');

-- stage: sessions and pairs
create table sessions as
select
    skill_id, stage, user_id, session_id,
    min("at") as "at",
    arg_min(locale, "at") as locale,
    bool_or(reason = 'ERROR') as failed,
    bool_or(reason = 'USER_INITIATED') as ended_by_user,
    bool_or(ends) as ended_by_skill
from requests
where session_id is not null and request_type <> 'CanFulfillIntentRequest'
group by skill_id, stage, user_id, session_id;

create table operations as
select
    directives.*,
    min(date_diff('microsecond', directives."at", answers."at")) as latency,
    bool_or(answers.header."name" = 'ErrorResponse') as has_failed
from messages as directives
left join messages as answers
    on
        not answers.is_directive
        and directives.skill_id = answers.skill_id
        and directives.header."correlationToken" = answers.header."correlationToken"
where directives.is_directive
group by all;

-- stage: count
create table counted as
select
    skill_id, stage, coalesce(locale, 'all') as locale,
    date_trunc('hour', "at") as hour, cast("at" as date) as day, date_trunc('month', "at") as month,
    count(distinct user_id) as customers,
    count(case when kind in ('LaunchRequest', 'IntentRequest') then 1 end) as utterances,
    count(case when kind = 'IntentRequest' then 1 end) as total_intents,
    count(case when kind = 'IntentRequest' and intent_name = 'AMAZON.FallbackIntent' then 1 end) as fallback_intent_count,
    count(case when kind = 'AlexaSkillEvent.SkillEnabled' then 1 end) as total_enablements,
    count(case when kind = 'AlexaSkillEvent.SkillDisabled' then 1 end) as disablements,
    count(case when kind = 'session' then 1 end) as sessions,
    count(case when kind = 'session' and failed then 1 end) as failed_sessions,
    count(case when kind = 'session' and ended_by_user then 1 end) as user_ended_sessions,
    count(case when kind = 'session' and ended_by_skill then 1 end) as skill_ended_sessions,
    count(case when outcome <> 'ok' then 1 end) as failures,
    quantile_cont(latency, [0.5, 0.9, 0.99]) as latencies
from (
    select
        skill_id, stage, locale, user_id, "at", request_type as kind, intent_name, outcome,
        date_diff('microsecond', "at", responded_at) as latency
    from requests
    union all by name
    select skill_id, stage, locale, user_id, "at", 'directive' as kind from operations
    union all by name
    select skill_id, stage, 'none' as locale, user_id, "at", event as kind from skill_events
    union all by name
    select skill_id, stage, locale, "at", 'session' as kind, failed, ended_by_user, ended_by_skill from sessions
)
group by skill_id, stage, grouping sets ((hour), (day), (month)), grouping sets ((), (locale));

create table counted_by_intent as
select
    skill_id, stage, coalesce(locale, 'all') as locale, intent_name,
    date_trunc('hour', "at") as hour, cast("at" as date) as day, date_trunc('month', "at") as month,
    count(*) as utterances,
    count(distinct user_id) as unique_users
from requests
where request_type = 'IntentRequest'
group by skill_id, stage, intent_name, grouping sets ((hour), (day), (month)), grouping sets ((), (locale));

create table counted_by_directive as
select
    skill_id, stage, coalesce(locale, 'all') as locale, header.namespace as namespace, header."name" as "name",
    date_trunc('hour', "at") as hour, cast("at" as date) as day, date_trunc('month', "at") as month,
    count(*) as requests,
    count(case when not has_failed then 1 end) as successes,
    quantile_cont(latency, [0.5, 0.9, 0.99]) as latencies
from operations
group by
    skill_id, stage, grouping sets ((hour), (day), (month)), grouping sets ((), (locale)),
    grouping sets ((), (namespace), (namespace, "name"));
checkpoint;
