-- Answers of the Metrics API in both of its versions, of the last seven days. Each day is asked for in its late
-- evening, when it is known until 21 o'clock, and again the morning after.
create table counted as
select
    skill, stage, locale, fact, period, date_trunc(part, moment) as begins,
    if(fact = 'uniqueCustomers', count(distinct user_id), count(*)) as number,
from (
    select moment, skill, stage, locale, user_id, unnest([
        'uniqueCustomers', if(own like '%USER_INITIATED%', 'userEndedSessions', '')
    ] || if(type in ('LaunchRequest', 'IntentRequest'), [
        'totalUtterances', if(answer is null or how in ('apology', 'late'), 'failedUtterances', 'successfulUtterances'),
        if(is_first, 'totalSessions', ''), if(answer like '%"shouldEndSession":true%', 'skillEndedSessions', ''),
        if(not is_first, '', if(script ~ '.*(USER_INITIATED|/end).*', 'successfulSessions', 'incompleteSessions'))
    ], [])) as fact
    from requests where received_at = moment and not is_test
    union all
    select moment, skill, stage, locale, user_id, unnest(['uniqueCustomers', 'totalUtterances'])
    from happened where step like '>directive%'
    union all
    select moment, skill, stage, locale, user_id, 'totalEnablements' from happened where step like '!SkillEnabled%'
), (values ('PT1H', 'hour'), ('P1D', 'day')) as p (period, part)
where moment >= ending() - interval 7 days
group by skill, stage, locale, fact, period, begins;

-- Metrics of version 1, and those of version 2 with their namespace; which fact they are of, and how much of it. Of a
-- flash briefing there is no fact.
create table metrics as
select * exclude (metrics) replace (coalesce(fact, metric) as fact)
from (select *, unnest(string_split(metrics, ' ')) as metric from (values
    ('custom', null, null, null, null, 1, 'uniqueCustomers totalEnablements totalUtterances failedUtterances '
        || 'totalSessions successfulUtterances userEndedSessions skillEndedSessions successfulSessions '
        || 'incompleteSessions'),
    ('smartHome', null, null, null, null, 1, 'uniqueCustomers totalEnablements totalUtterances'),
    ('flashBriefing', null, null, null, '', 1, 'uniqueCustomers totalEnablements totalSessions'),
    ('custom', null, 'intent', 'AnswerIntent', null, 0.5, 'totalUtterances'),
    ('custom', 'Alexa.Custom', 'confidence', 'HIGH', 'totalUtterances', 0.86, 'INTENT_CLASSIFICATION'),
    ('custom', 'Alexa.Custom', 'confidence', 'MEDIUM', 'totalUtterances', 0.1, 'INTENT_CLASSIFICATION'),
    ('custom', 'Alexa.Custom', 'confidence', 'LOW', 'totalUtterances', 0.07, 'INTENT_CLASSIFICATION'),
    ('custom', 'Alexa.Custom', null, null, 'totalUtterances', 99, 'SKILL_LATENCY'),
    ('custom', 'Alexa.EstimatedTurnError', null, null, 'totalUtterances', 0.9, 'EVALUATED_UTTERANCES'),
    ('custom', 'Alexa.EstimatedTurnError', null, null, 'totalUtterances', 0.05, 'PREDICTED_UTTERANCES'),
    ('custom', 'Alexa.SkillQuality', null, null, 'totalUtterances', 0.8, 'EVALUATED_UTTERANCES'),
    ('custom', 'Alexa.SkillQuality', null, null, 'totalUtterances', 0.03,
        'DEFECTIVE_UTTERANCES DEFECTIVE_BARGE_INS DEFECTIVE_TERMINATION UNHANDLED_REQUEST'),
    ('custom', 'Alexa.Custom', null, null, 'uniqueCustomers', 1, 'CUSTOMERS'),
    ('smartHome', 'Alexa.SmartHome', null, null, 'uniqueCustomers', 1, 'CUSTOMERS'),
    ('smartHome', 'Alexa.SmartHome', null, null, 'totalUtterances', 1, 'UTTERANCES'),
    ('smartHome', 'Alexa.SmartHome', 'action', 'Alexa.PowerController.TurnOn', 'totalUtterances', 0.2, 'UTTERANCES'),
    ('smartHome', 'Alexa.SmartHome', 'action', 'Alexa.LockController.Lock', 'totalUtterances', 0.1, 'UTTERANCES')
) as v (skill_type, namespace, field, grouped, fact, share, metrics));

create table reported as
select
    *, day + to_minutes(if(known = 24, 1447, 1250)) as fetched_at,
    if(metric = 'totalSessions' and stage = 'live', 1 + h // 12, 0) as page,
    floor(if(fact = '', h + 3, coalesce(number, 0)) * share + draw(seeded(metric, begins), 5, 100) / 100) as reported,
from (
    select *, unnest(list_distinct(locales)) as locale, ending() - to_days(ago) as day, day + to_hours(h) as begins
    from
        skills, unnest(['live', 'development']) as s (stage), unnest([21, 24]) as k (known), range(1, 8) as a (ago),
        (values ('PT1H', range(24)), ('P1D', [0])) as p (period, hours), unnest(hours) as r (h)
    where h < known and ago <= days()
)
join metrics using (skill_type)
left join counted using (skill, stage, locale, period, begins, fact)
where period = 'PT1H' or metric = 'uniqueCustomers';

create macro as_asked(namespace, instant) as
    if(namespace is null, '"' || iso_seconds(instant) || '"', epoch_ms(instant)::varchar);
-- In version 2 an hour without a value is left out, or is NULL.
create table answers as
select
    unnest(arrivals(fetched_at, seeded(metric, concat_ws('/', skill_id, stage, locale, fetched_at, page)))) as arrived,
    fill(if(namespace is null,
        '{"fetched_at":"$fetched","skill_id":"$skill","query":{"startTime":$start,"endTime":$end,"period":"$period",'
        || '"metric":"$metric","stage":"$stage","skillType":"$type","locale":"$locale","intent":"$group"$size$this},'
        || '"response":{"metric":"$metric","timestamps":$times,"values":$values$next}}',
        '{"fetched_at":"$fetched","skill_id":"$skill","query":{"startTime":$start,"endTime":$end,"metricQueries":[{'
        || '"id":"$id","name":"$metric","metricNamespace":"$namespace","groupBy":"$field","stat":"$stat",'
        || '"aggregationPeriod":"BY_HOUR","dimensions":[{"name":"Alexa.Stage","value":"$stage"},'
        || '{"name":"Alexa.Locale","value":"$locale"}]}]},"response":{"results":[{"id":"$id","name":"$metric",'
        || '"metricNamespace":"$namespace","stat":"$stat","data":[{"timestamps":$times,"values":$values,'
        || '"groupedBy":{"groupedByField":"$field","groupedByValue":"$group"}}]}]}}'
    ), [
        ['$fetched', iso(fetched_at)], ['$skill', skill_id], ['$start', day_start], ['$end', day_end],
        ['$period', period], ['$metric', metric], ['$stage', stage], ['$type', skill_type], ['$locale', locale],
        ['$id', coalesce(grouped, 'm1')], ['$group', grouped], ['$size', if(page > 0, ',"maxResults":12', '')],
        ['$this', if(page = 2, ',"nextToken":"page-2"', '')], ['$next', if(page = 1, ',"nextToken":"page-2"', '')],
        ['$times', '[' || times || ']'], ['$values', to_json("values")::varchar], ['$namespace', namespace],
        ['$field', field], ['$stat', if(metric = 'SKILL_LATENCY', 'p90', 'count')]
    ]) as line
from (
    select
        skill_id, skill_type, stage, locale, fetched_at, period, namespace, metric, field, grouped, page,
        as_asked(namespace, day) as day_start, as_asked(namespace, day + interval 1 day) as day_end,
        string_agg(as_asked(namespace, begins), ',' order by begins) as times,
        list(if(namespace is null, reported, nullif(reported, 0)) order by begins) as "values",
    from reported
    where (namespace is null or reported > 0 or h = 3) and fetched_at < ending()
    group by all
);

from with_odd('answers', '%', odd_times('fetched_at') || [
    '{"skill_id":null}', '{"query":null}', '{"response":null}',
    '{"response":{"timestamps":null,"results":null,"message":"Too many requests"}}'
]);
