-- Needs: alexa/_shared.sql.
-- Answers of the Metrics API in both of its versions, of the last seven days. Each day is asked for
-- in its late evening, when it is known until 21 o'clock, and again the morning after.
create table counted as
select
    skill, stage, locale, hour, count() filter (is_said) as said, count() filter (is_failed) as failed,
    count() filter (is_session) as sessions, count() filter (is_ended_by_user) as user_ended,
    count() filter (is_ended_by_skill) as skill_ended, count() filter (is_enablement) as enabled,
    list(user_id) as users, list(action) filter (action is not null) as actions,
from (
    select
        date_trunc('hour', moment) as hour, skill, stage, locale, user_id,
        type in ('LaunchRequest', 'IntentRequest') as is_said,
        is_said and (answer is null or how in ('apology', 'late')) as is_failed,
        is_said and is_first as is_session,
        own like '%USER_INITIATED%' as is_ended_by_user,
        is_said and answer like '%"shouldEndSession":true%' as is_ended_by_skill,
    from requests
    where received_at = moment and not is_test
    union all by name
    select date_trunc('hour', moment) as hour, skill, stage, locale, user_id, true as is_enablement
    from happened where step = '!SkillEnabled'
    union all by name
    select
        date_trunc('hour', moment) as hour, skill, stage, locale, user_id, true as is_said,
        namespace || '.' || directive as action,
    from directed where kind = 'directive'
)
group by all;

create table known_hours as
select
    id_of(skill) as skill_id, about.*, known,
    day + if(known = 24, interval 1447 minutes, interval 1250 minutes) as fetched_at,
    columns(counted.* exclude (skill, stage, locale, hour)),
from (
    select distinct skill, stage, unnest(locales) as locale, day, h, day + to_hours(h) as hour
    from
        skills, (values ('live'), ('development')) as s (stage), range(24) as r (h),
        (select ending() - to_days(ago) as day from range(1, least(days(), 7) + 1) as a (ago))
) as about
join (values (21), (24)) as k (known) on h < known
left join counted using (skill, stage, locale, hour);

-- Version 1: hours of one metric, with a second page of one of them, and days of customers.
create table points_1 as
with measured as (
    select *, if(skill = 'house', 'smartHome', 'custom') as type, unnest([
        {metric: 'uniqueCustomers', "value": len(list_distinct(users))},
        {metric: 'totalEnablements', "value": enabled},
        {metric: 'totalUtterances', "value": said},
        {metric: 'failedUtterances', "value": failed},
        {metric: 'successfulUtterances', "value": said - failed},
        {metric: 'totalSessions', "value": sessions},
        {metric: 'userEndedSessions', "value": user_ended},
        {metric: 'skillEndedSessions', "value": skill_ended},
        {metric: 'successfulSessions', "value": user_ended + skill_ended},
        {metric: 'incompleteSessions', "value": greatest(sessions - user_ended - skill_ended, 0)}
    ][:if(skill = 'house', 3, 10)], recursive := true)
    from known_hours
    union all by name
    -- A flash briefing, of whose plays nobody but Amazon knows.
    select distinct
        id_of('flash') as skill_id, 'flashBriefing' as type, stage, locale, day, known, fetched_at, h, hour,
        unnest(['totalSessions', 'uniqueCustomers', 'totalEnablements']) as metric, h + 3 as "value",
    from known_hours where locale = 'en-US' and stage = 'live'
)

select
    skill_id, type, stage, locale, day, fetched_at, 'PT1H' as period, metric, null as intent,
    if(metric = 'totalSessions' and stage = 'live', 1 + h // 12, 0) as page,
    list(iso_seconds(hour) order by hour) as timestamps,
    list(coalesce("value", 0)::double order by hour) as "values",
from measured group by all
union all
select
    skill_id, 'custom', stage, locale, day, fetched_at, 'PT1H', 'totalUtterances', 'AnswerIntent', 0,
    list(iso_seconds(hour) order by hour), list((coalesce(said, 0) // 2)::double order by hour),
from known_hours where skill = 'quiz' group by all
union all
-- Customers of a day: fewer than those of its hours.
select
    skill_id, type, stage, locale, day, fetched_at, 'P1D', 'uniqueCustomers', null, 0, [iso_seconds(day)],
    [coalesce(len(list_distinct(flatten(list(users)))), 40)::double],
from measured where metric = 'uniqueCustomers' group by all;

-- Version 2: metrics in groups, of which an hour without a value is left out, or is NULL. Ids are of
-- the request. What is known to nobody else is a share of the utterances.
create table points_2 as
with measured as (
    select known_hours.*, v.*, floor(said * share + draw(seeded(metric, hour), 5, 100) / 100) as "value"
    from known_hours, (values
        ('Alexa.Custom', 'INTENT_CLASSIFICATION', 'confidence', 'HIGH', 'count', 0.86),
        ('Alexa.Custom', 'INTENT_CLASSIFICATION', 'confidence', 'MEDIUM', 'count', 0.1),
        ('Alexa.Custom', 'INTENT_CLASSIFICATION', 'confidence', 'LOW', 'count', 0.07),
        ('Alexa.Custom', 'SKILL_LATENCY', null, null, 'p90', 99),
        ('Alexa.EstimatedTurnError', 'EVALUATED_UTTERANCES', null, null, 'count', 0.9),
        ('Alexa.EstimatedTurnError', 'PREDICTED_UTTERANCES', null, null, 'count', 0.05),
        ('Alexa.SkillQuality', 'EVALUATED_UTTERANCES', null, null, 'count', 0.8),
        ('Alexa.SkillQuality', 'DEFECTIVE_UTTERANCES', null, null, 'count', 0.06),
        ('Alexa.SkillQuality', 'DEFECTIVE_BARGE_INS', null, null, 'count', 0.03),
        ('Alexa.SkillQuality', 'DEFECTIVE_TERMINATION', null, null, 'count', 0.02),
        ('Alexa.SkillQuality', 'UNHANDLED_REQUEST', null, null, 'count', 0.02)
    ) as v (namespace, metric, field, grouped, stat, share)
    where skill <> 'house'
    union all
    select
        *, if(skill = 'house', 'Alexa.SmartHome', 'Alexa.Custom'), 'CUSTOMERS', null, null, 'count', 0,
        len(list_distinct(users)),
    from known_hours
    union all
    select *, 'Alexa.SmartHome', 'UTTERANCES', null, null, 'count', 0, said
    from known_hours where skill = 'house'
    union all
    select
        known_hours.*, 'Alexa.SmartHome', 'UTTERANCES', 'action', action, 'count', 0,
        len(list_filter(actions, lambda a: a = action)),
    from known_hours, (select distinct namespace || '.' || directive as action from directed)
    where skill = 'house'
),

parts as (
    select
        skill_id, stage, locale, day, fetched_at, namespace, metric, field, stat,
        concat('m', known, metric[1]) as id,
        {
            timestamps: list(epoch_ms(hour) order by hour),
            "values": list(nullif("value", 0)::double order by hour),
            "groupedBy": if(grouped is null, null, {"groupedByField": field, "groupedByValue": grouped}),
        } as part,
    from measured where "value" > 0 or h = 3
    group by
        skill_id, stage, locale, day, fetched_at, known, namespace, metric, field, stat, grouped
)

select * exclude (part), list(part order by part) as parts from parts group by all;

create table api_answers as
with questions as (
    select fetched_at, skill_id, to_json({
        "startTime": iso_seconds(day), "endTime": iso_seconds(day + interval 1 day), period: period,
        metric: metric, stage: stage, "skillType": type, locale: locale, intent: intent,
        "maxResults": if(page > 0, 12, null), "nextToken": if(page = 2, 'page-2', null),
    }) as query, to_json({
        metric: metric, timestamps: timestamps, "values": "values",
        "nextToken": if(page = 1, 'page-2', null),
    }) as response
    from points_1
    union all
    select fetched_at, skill_id, to_json({
        "startTime": epoch_ms(day), "endTime": epoch_ms(day + interval 1 day), "metricQueries": [{
            id: id, "name": metric, "metricNamespace": namespace, "groupBy": field,
            "aggregationPeriod": 'BY_HOUR', stat: stat, dimensions: [
                {"name": 'Alexa.Stage', "value": stage}, {"name": 'Alexa.Locale', "value": locale},
            ],
        }],
    }), to_json({results: [{
        id: id, "name": metric, "metricNamespace": namespace, stat: stat, "data": parts,
    }]})
    from points_2
)

select
    unnest(arrivals(fetched_at, seeded('smapi', concat(skill_id, fetched_at, query)))) as arrived,
    json_merge_patch('{}', to_json({
        fetched_at: iso(fetched_at), skill_id: skill_id, query: query, response: response,
    }))::varchar as line,
from questions
where fetched_at < ending();

from api_answers
union all
from odd('api_answers', '%', list_concat(odd_times('fetched_at'), [
    '{"skill_id":null}', '{"query":null}', '{"response":null}', '{"response":"{}"}',
    '{"response":{"timestamps":null,"results":null,"message":"Too many requests"}}'
]));
