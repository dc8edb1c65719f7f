-- Answers of the Metrics API in both of its versions, of the last seven days. Each day is asked for in its late evening,
-- when it is known until 21 o'clock, and again the morning after. What is known to nobody else is a share of the utterances.
create table counted_hours as
with counted as (
    select
        date_trunc('hour', moment) as hour, skill, skill_id, is_development, locale,
        type in ('LaunchRequest', 'IntentRequest') as is_utterance, is_utterance and (outcome <> 'ok' or takes not between 0 and 8000) as is_failed,
        is_utterance and is_first and life <> 'begun before' as is_session, type = 'SessionEndedRequest' and fields like '%USER_INITIATED%' as is_ended_by_user,
        is_utterance and answer like '%"shouldEndSession":true%' as is_ended_by_skill, false as is_enablement, null as action, user_id,
    from requested
    where received_at = moment and not is_test
    union all
    select date_trunc('hour', moment), skill, skill_id, is_development, locale, false, false, false, false, false, true, null, user_id from happened where step = '!SkillEnabled'
    union all
    select date_trunc('hour', moment), skill, skill_id, is_development, locale, true, false, false, false, false, false, namespace || '.' || name, user_id from directed where step = '>directive'
)

select
    about.*, count(is_utterance) filter (where is_utterance) as said, count(*) filter (where is_failed) as failed, count(*) filter (where is_session) as sessions,
    count(*) filter (where is_ended_by_user) as user_ended, count(*) filter (where is_ended_by_skill) as skill_ended, count(*) filter (where is_enablement) as enabled,
    count(distinct user_id) as customers, list(user_id) filter (where user_id is not null) as users, list(action) filter (where action is not null) as actions,
from (
    select distinct skill, skill_id, is_development, unnest(locales) as locale, day + to_hours(h) as hour, h, day
    from skills, unnest([true, false]) as r (is_development), (select ending() - to_days(ago) as day from range(1, least(days(), 7) + 1) as r (ago)), range(24) as r2 (h)
) as about
left join counted using (skill, skill_id, is_development, locale, hour)
group by all;

create table asked_metrics as
select *, if(known = 24, day + interval 24 hours + interval 7 minutes, day + interval 20 hours + interval 50 minutes) as fetched_at, if(is_development, 'development', 'live') as stage
from counted_hours, unnest([21, 24]) as r (known)
where h < known;

create macro query_1(type, metric, period, stage, locale, day, more) as json_merge_patch(to_json({
    "startTime": iso_seconds(day), "endTime": iso_seconds(day + interval 1 day), period: period, metric: metric, stage: stage, "skillType": type, locale: locale,
}), more);
create table answers_1 as
with valued as (
    select skill_id, stage, locale, day, fetched_at, known, hour, h, if(skill = 'house', 'smartHome', 'custom') as type, unnest(list_concat(
        [{metric: 'uniqueCustomers', "value": customers}, {metric: 'totalEnablements', "value": enabled}, {metric: 'totalUtterances', "value": said}],
        if(skill = 'house', [], [
            {metric: 'failedUtterances', "value": failed}, {metric: 'successfulUtterances', "value": said - failed}, {metric: 'totalSessions', "value": sessions},
            {metric: 'userEndedSessions', "value": user_ended}, {metric: 'skillEndedSessions', "value": skill_ended}, {metric: 'successfulSessions', "value": user_ended + skill_ended},
            {metric: 'incompleteSessions', "value": greatest(sessions - user_ended - skill_ended, 0)}, {metric: 'of AnswerIntent', "value": said // 2}
        ])
    ), recursive := true)
    from asked_metrics
    union all
    -- A flash briefing, of whose plays nobody but Amazon knows.
    select
        'amzn1.ask.skill.5b1f0c3e-0000-4000-8000-00000000a1e4', 'live', unnest(['en-US', 'en-GB']), day, fetched_at, known, hour, h, 'flashBriefing',
        unnest(['totalSessions', 'uniqueCustomers', 'totalEnablements']), unnest([5 + h, 4 + h, if(h % 6 = 0, 1, 0)]),
    from (select distinct day, fetched_at, known, hour, h from asked_metrics)
)

select
    fetched_at, skill_id,
    query_1(
        type, if(metric like 'of%', 'totalUtterances', metric), 'PT1H', stage, locale, day,
        case when metric like 'of%' then '{"intent":"AnswerIntent"}' when page = 1 then '{"maxResults":12}' when page = 2 then '{"maxResults":12,"nextToken":"page-2"}' else '{}' end
    ) as query,
    {metric: if(metric like 'of%', 'totalUtterances', metric), timestamps: list(iso_seconds(hour) order by hour), "values": list("value"::double order by hour), "nextToken": if(page = 1, 'page-2', null)} as response,
from (select *, case when metric = 'totalSessions' and stage = 'live' then if(h < 12, 1, 2) else 0 end as page from valued)
where metric not like 'of%' or skill_id like '%a1e1'
group by fetched_at, skill_id, type, metric, stage, locale, day, page
union all
-- Customers of a day: fewer than those of its hours.
select fetched_at, skill_id, query_1(if(skill = 'house', 'smartHome', 'custom'), 'uniqueCustomers', 'P1D', stage, locale, day, '{}'),
    {metric: 'uniqueCustomers', timestamps: [iso_seconds(day)], "values": [count(distinct "user")::double], "nextToken": null}
from (select * exclude (users), unnest(coalesce(nullif(users, []), [null])) as user from asked_metrics)
group by fetched_at, skill_id, skill, stage, locale, day
union all
select fetched_at, 'amzn1.ask.skill.5b1f0c3e-0000-4000-8000-00000000a1e4', query_1('flashBriefing', 'uniqueCustomers', 'P1D', 'live', 'en-US', day, '{}'),
    {metric: 'uniqueCustomers', timestamps: [iso_seconds(day)], "values": [40.0], "nextToken": null}
from (select distinct fetched_at, day from asked_metrics);

create table answers_2 as
with valued as (
    select asked_metrics.*, of_utterances.*, floor(said * share + draw(seeded('share', concat(metric, grouped, hour, locale)), 5, 100) / 100)::double as "value"
    from asked_metrics, (values
        ('Alexa.Custom', 'INTENT_CLASSIFICATION', 'confidence', 'HIGH', 'count', 0.86), ('Alexa.Custom', 'INTENT_CLASSIFICATION', 'confidence', 'MEDIUM', 'count', 0.1),
        ('Alexa.Custom', 'INTENT_CLASSIFICATION', 'confidence', 'LOW', 'count', 0.07), ('Alexa.EstimatedTurnError', 'EVALUATED_UTTERANCES', null, null, 'count', 0.9),
        ('Alexa.EstimatedTurnError', 'PREDICTED_UTTERANCES', null, null, 'count', 0.05), ('Alexa.SkillQuality', 'EVALUATED_UTTERANCES', null, null, 'count', 0.8),
        ('Alexa.SkillQuality', 'DEFECTIVE_UTTERANCES', null, null, 'count', 0.06), ('Alexa.SkillQuality', 'DEFECTIVE_BARGE_INS', null, null, 'count', 0.03),
        ('Alexa.SkillQuality', 'DEFECTIVE_TERMINATION', null, null, 'count', 0.02), ('Alexa.SkillQuality', 'UNHANDLED_REQUEST', null, null, 'count', 0.02)
    ) as of_utterances (namespace, metric, group_by, grouped, stat, share)
    where skill <> 'house' and (namespace <> 'Alexa.EstimatedTurnError' or locale in ('en-US', 'en-GB', 'de-DE'))
    union all
    select *, 'Alexa.Custom', 'SKILL_LATENCY', null, null, 'p90', 0, if(said > 0, 300 + draw(seeded('latency', hour), 5, 900), 0) from asked_metrics where skill <> 'house'
    union all
    select *, if(skill = 'house', 'Alexa.SmartHome', 'Alexa.Custom'), 'CUSTOMERS', null, null, 'count', 0, customers from asked_metrics
    union all
    select *, 'Alexa.SmartHome', 'UTTERANCES', null, null, 'count', 0, said from asked_metrics where skill = 'house'
    union all
    select asked_metrics.*, 'Alexa.SmartHome', 'UTTERANCES', 'action', action, 'count', 0, len(list_filter(actions, lambda a: a = action))
    from asked_metrics, (select distinct namespace || '.' || name as action from directed where step = '>directive')
    where skill = 'house' and actions is not null
),

parts as (
    -- Hours in which there is nothing are left out, or are NULL. Ids are of the request, and change with it.
    select fetched_at, skill_id, stage, locale, day, namespace, metric, group_by, stat, concat('m', known, metric[1]) as id, {
        timestamps: list(epoch_ms(hour) order by hour), "values": list(nullif("value", 0) order by hour),
        "groupedBy": if(grouped is null, null, {"groupedByField": group_by, "groupedByValue": grouped}),
    } as part, grouped,
    from valued where "value" > 0 or h = 3
    group by fetched_at, skill_id, stage, locale, day, known, namespace, metric, group_by, grouped, stat
),

results as (
    select fetched_at, skill_id, stage, locale, day, namespace, group_by, stat, metric, id, list(part order by grouped) as parts from parts group by all
)

select fetched_at, skill_id, to_json({
    "startTime": epoch_ms(day), "endTime": epoch_ms(day + interval 1 day),
    "metricQueries": list({
        id: id, label: lower(metric), "name": metric, "metricNamespace": namespace, "groupBy": group_by, "aggregationPeriod": 'BY_HOUR', stat: stat,
        dimensions: [{"name": 'Alexa.Stage', "value": stage}, {"name": 'Alexa.Locale', "value": locale}],
    } order by metric),
}) as query, {results: list({id: id, "name": metric, "metricNamespace": namespace, stat: stat, "data": parts} order by metric)} as response
from results
group by fetched_at, skill_id, stage, locale, day, namespace, group_by, stat;

create table answered as
select
    unnest(arrivals(fetched_at, seeded('smapi', concat(skill_id, fetched_at, query)))) as arrived,
    to_json({fetched_at: iso(fetched_at), skill_id: skill_id, query: query, response: response})::varchar as line,
from (select fetched_at, skill_id, query, to_json(response) as response from answers_1 union all select fetched_at, skill_id, query, to_json(response) from answers_2)
where fetched_at < ending();

select arrived, line from answered
union all
select arrived, json_merge_patch(line, patch)::varchar
from (from answered order by all limit 1), (values
    ('{"fetched_at":null}'), ('{"fetched_at":"soon"}'), ('{"skill_id":null}'), ('{"query":null}'), ('{"response":null}'), ('{"response":"{}"}'), ('{"response":{"timestamps":null,"results":null,"message":"Too many requests"}}')
) as v (patch)
where not clean();
