-- Needs: alexa/_shared.sql.
-- Answers of the Metrics API in both of its versions, of the last seven days. Each day is asked for in its late
-- evening, when it is known until 21 o'clock, and again the morning after.
create table counted as
select
    skill, stage, locale, fact, period, date_trunc(part, moment) as begins,
    if(fact = 'uniqueCustomers', count(distinct user_id), count(*)) as number,
from (
    select moment, skill, stage, locale, user_id, unnest(['uniqueCustomers']
        || if(type in ('LaunchRequest', 'IntentRequest'), ['totalUtterances', if(
            answer is null or how in ('apology', 'late'), 'failedUtterances', 'successfulUtterances'
        )] || if(is_first, ['totalSessions', if(
            regexp_matches(script, 'USER_INITIATED|/end'), 'successfulSessions', 'incompleteSessions'
        )], []) || if(answer like '%"shouldEndSession":true%', ['skillEndedSessions'], []), [])
        || if(own like '%USER_INITIATED%', ['userEndedSessions'], [])) as fact
    from requests
    where received_at = moment and not is_test
    union all
    select moment, skill, stage, locale, user_id, 'totalEnablements'
    from happened where step like '!SkillEnabled%'
    union all
    select moment, skill, stage, locale, user_id, unnest(['uniqueCustomers', 'totalUtterances', 'Alexa.' || action])
    from messages where kind = 'directive'
), (values ('PT1H', 'hour'), ('P1D', 'day')) as p (period, part)
where moment >= ending() - interval 7 days
group by skill, stage, locale, fact, period, begins;

-- Metrics of version 1, those of version 2 with their namespace; which fact they are of, and how much of it. Of a flash
-- briefing there is no fact.
create table metrics as
select * exclude (metrics) replace (coalesce(fact, metric) as fact)
from (select *, unnest(metrics) as metric from (values
    ('custom', null, null, null, ['uniqueCustomers', 'totalEnablements', 'totalUtterances', 'failedUtterances',
        'successfulUtterances', 'totalSessions', 'userEndedSessions', 'skillEndedSessions', 'successfulSessions',
        'incompleteSessions'], null, 1),
    ('smartHome', null, null, null, ['uniqueCustomers', 'totalEnablements', 'totalUtterances'], null, 1),
    ('flashBriefing', null, null, null, ['uniqueCustomers', 'totalEnablements', 'totalSessions'], '', 1),
    ('custom', null, 'intent', 'AnswerIntent', ['totalUtterances'], 'totalUtterances', 0.5),
    ('custom', 'Alexa.Custom', 'confidence', 'HIGH', ['INTENT_CLASSIFICATION'], 'totalUtterances', 0.86),
    ('custom', 'Alexa.Custom', 'confidence', 'MEDIUM', ['INTENT_CLASSIFICATION'], 'totalUtterances', 0.1),
    ('custom', 'Alexa.Custom', 'confidence', 'LOW', ['INTENT_CLASSIFICATION'], 'totalUtterances', 0.07),
    ('custom', 'Alexa.Custom', null, null, ['SKILL_LATENCY'], 'totalUtterances', 99),
    ('custom', 'Alexa.EstimatedTurnError', null, null, ['EVALUATED_UTTERANCES'], 'totalUtterances', 0.9),
    ('custom', 'Alexa.EstimatedTurnError', null, null, ['PREDICTED_UTTERANCES'], 'totalUtterances', 0.05),
    ('custom', 'Alexa.SkillQuality', null, null, ['EVALUATED_UTTERANCES'], 'totalUtterances', 0.8),
    ('custom', 'Alexa.SkillQuality', null, null, ['DEFECTIVE_UTTERANCES', 'DEFECTIVE_BARGE_INS',
        'DEFECTIVE_TERMINATION', 'UNHANDLED_REQUEST'], 'totalUtterances', 0.03),
    ('custom', 'Alexa.Custom', null, null, ['CUSTOMERS'], 'uniqueCustomers', 1),
    ('smartHome', 'Alexa.SmartHome', null, null, ['CUSTOMERS'], 'uniqueCustomers', 1),
    ('smartHome', 'Alexa.SmartHome', null, null, ['UTTERANCES'], 'totalUtterances', 1)
) as v (skill_type, namespace, field, grouped, metrics, fact, share))
union all
select distinct 'smartHome', 'Alexa.SmartHome', 'action', fact, fact, 1, 'UTTERANCES'
from counted where fact like '%.%';

create table measured as
select
    *, day + to_minutes(if(known = 24, 1447, 1250)) as fetched_at, concat('m', known) as id,
    if(metric = 'SKILL_LATENCY', 'p90', 'count') as stat,
    if(metric = 'totalSessions' and stage = 'live', 1 + h // 12, 0) as page,
    floor(if(fact = '', h + 3, coalesce(number, 0)) * share + draw(seeded(metric, begins), 5, 100) / 100) as "value",
from (
    select *, unnest(list_distinct(locales)) as locale, day + to_hours(h) as begins
    from skills, unnest(['live', 'development']) as s (stage), unnest([21, 24]) as k (known), (
        select 'PT1H' as period, range(24) as hours union all select 'P1D', [0]
    ), unnest(hours) as r (h), (select ending() - to_days(ago) as day from range(1, least(days(), 7) + 1) as a (ago))
)
join metrics using (skill_type)
left join counted using (skill, stage, locale, period, begins, fact)
where h < known and (period = 'PT1H' or metric = 'uniqueCustomers');

create table answers as
with parts as (
    select
        skill_id, stage, locale, day, fetched_at, id, namespace, metric, field, stat, {
            timestamps: list(epoch_ms(begins) order by begins),
            -- An hour without a value is left out, or is NULL.
            "values": list(nullif("value", 0) order by begins),
            "groupedBy": if(grouped is null, null, {"groupedByField": field, "groupedByValue": grouped}),
        } as part,
    from measured
    where namespace is not null and ("value" > 0 or h = 3)
    group by skill_id, stage, locale, day, fetched_at, id, namespace, metric, field, stat, grouped
),

questions as (
    select fetched_at, skill_id, to_json({
        "startTime": iso_seconds(day), "endTime": iso_seconds(day + interval 1 day), period: period,
        metric: metric, stage: stage, "skillType": skill_type, locale: locale, intent: grouped,
        "maxResults": if(page > 0, 12, null), "nextToken": if(page = 2, 'page-2', null),
    }) as query, to_json({
        metric: metric, timestamps: list(iso_seconds(begins) order by begins),
        "values": list("value" order by begins), "nextToken": if(page = 1, 'page-2', null),
    }) as response
    from measured
    where namespace is null
    group by skill_id, skill_type, stage, locale, day, fetched_at, period, metric, grouped, page
    union all
    select fetched_at, skill_id, to_json({
        "startTime": epoch_ms(day), "endTime": epoch_ms(day + interval 1 day), "metricQueries": [{
            id: id, "name": metric, "metricNamespace": namespace, "groupBy": field, "aggregationPeriod": 'BY_HOUR',
            stat: stat, dimensions: [
                {"name": 'Alexa.Stage', "value": stage}, {"name": 'Alexa.Locale', "value": locale},
            ],
        }],
    }), to_json({results: [{
        id: id, "name": metric, "metricNamespace": namespace, stat: stat, "data": list(part order by part),
    }]})
    from parts
    group by skill_id, stage, locale, day, fetched_at, id, namespace, metric, field, stat
)

select
    unnest(arrivals(fetched_at, seeded('smapi', concat(skill_id, fetched_at, query)))) as arrived,
    json_merge_patch('{}', to_json({
        fetched_at: iso(fetched_at), skill_id: skill_id, query: query, response: response,
    }))::varchar as line,
from questions
where fetched_at < ending();

from answers
union all
from odd('answers', '%', list_concat(odd_times('fetched_at'), [
    '{"skill_id":null}', '{"query":null}', '{"response":null}', '{"response":"{}"}',
    '{"response":{"timestamps":null,"results":null,"message":"Too many requests"}}'
]));
