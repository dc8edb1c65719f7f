-- Snapshots of the counters: of whole journeys and their activities every six hours, of runs at the end of each day.
create table counted as
with changes as (
    select moment, journey, run, '' as activity, unnest(['ENDPOINT_PRODUCED', 'ENDPOINT_ENTERED', 'ENDPOINT_ACTIVE', if(person % 3 > 0, 'ENDPOINTS_FROM_USER', null)]) as key, 1 as change
    from walked where step = 'enter'
    union all
    select moment, journey, run, '', unnest([if(step = 'leave', 'ENDPOINT_LEFT', 'CANCELLED'), 'ENDPOINT_ACTIVE']), unnest([1, -1]) from walked where step in ('leave', 'removed')
    union all
    select moment, journey, run, '', 'ENDPOINT_PRODUCED', 1 from walked where step = 'turned away'
    union all
    select moment, journey, run, '', split_part(step, '.', 2), 1 from walked where activity = 'journey'
    union all
    select moment, journey, run, activity, key, 1 from walked where key is not null and activity in (select activity from activities)
    union all
    select moment, journey, run, activity, 'WAIT_STARTED', -1 from walked where key in ('WAIT_FINISHED', 'DROPPED')
    union all
    -- Statuses of no key of their own are unknown failures.
    select moment, journey, run, activity, case status
        when 'DAILY_CAP' then 'DAILY_CAP_EXCEEDED'
        when 'QUIET_TIME_MISSING_TIMEZONE' then 'QUIET_TIME'
        when 'FAILURE' then 'UNKNOWN'
        when 'SENDER_RETIRED' then 'UNKNOWN'
        else status
    end, 1
    from sends where status <> 'QUIET_TIME_WAIT_FINISHED'
    union all
    select moment - interval 5 hours, journey, run, activity, 'WAIT_FOR_QUIET_HOURS', 1 from sends where status = 'QUIET_TIME_WAIT_FINISHED' and type = 'CONTACT_CENTER'
    union all
    select begun_at, 'win back', run, 'call000001', unnest(['CALL_QUEUED', 'WAIT_STARTED']), 1 from called where run is not null and step = 'INITIATED'
    union all
    select moment, 'win back', run, 'call000001', unnest(case
        when reason like '%FAILED' or reason like '%ERROR' then ['WAIT_STARTED', 'DIAL_FAILURE', 'WAIT_FINISHED']
        when reason = 'EXPIRED' then ['WAIT_STARTED', 'CONTINUE_WAITING', 'TIMEOUT']
        else ['WAIT_STARTED', 'WAIT_FINISHED']
    end), unnest([-1, 1, 1])
    from called where run is not null and step = 'DISCONNECTED'
)

select journey, subject.run, activity, key, floor(epoch(moment + interval 10 minutes - beginning()) / 21600)::integer as part, sum(change)::bigint as change
from (select *, unnest(['', run]) as of_run from changes), (select of_run as run) as subject
where key is not null and change is not null
group by all;

create table snapshots as
with subjects as (
    select journey, activity, type from activities union all select distinct journey, '', null from activities
),

runs as (
    select journey, '' as run, 0 as first_part, 4 * days() as last_part from journeys
    union all
    select journey, run_id(journey, 0), 0, 4 * days() from journeys where run_days is null
    union all
    select journey, run_id(journey, number), 8 * number, 8 * number + 31 from journeys, range((days() + 1) // 2) as r (number) where run_days = 2
),

asked as (
    select journey, run, activity, type, part, beginning() + to_hours(6 * (part + 1)) - interval 10 minutes as evaluated_at
    from subjects join runs using (journey), range(4 * days()) as r (part)
    where (run = '' or part % 4 = 3) and part between first_part and last_part
)

select asked.*, seeded('snapshot', concat_ws('/', asked.journey, asked.run, asked.activity, asked.part)) as bits, list({key: key, "value": value} order by key) filter (where value > 0) as metrics
from asked
left join (
    select journey, run, activity, key, asked.part, sum(change) as value
    from counted
    join asked using (journey, run, activity)
    where counted.part <= asked.part
    -- What is known of a whole journey; of a run it is more.
    and (activity <> '' or run <> '' or key in (
        'ENDPOINT_ACTIVE', 'ENDPOINT_ENTERED', 'ENDPOINT_LEFT', 'CANCELLED', 'REENTRY_CAP_EXCEEDED', 'ACTIVE_ENDPOINT_REJECTED'
    ))
    group by all
) as grown using (journey, run, activity, part)
group by all;

create table metric_answers as
select
    fetched_at,
    '"Journey' || if(run = '', '', 'Run') || 'Execution' || if(activity = '', '', 'Activity') || 'MetricsResponse":{' || concat_ws(
        ',',
        '"ApplicationId":"' || hex_id('project shop') || '","JourneyId":"' || hex_id(journey) || '"',
        '"Metrics":{' || array_to_string(list_transform(
            coalesce(metrics, []),
            -- The API counted fewer there than before, once.
            lambda m: '"' || m.key || '":"' || if(activity = 'yourcart01' and run = '' and part = 2 * days(), greatest(m."value" - 2, 1), m."value") || '"'
        ), ',') || '}',
        -- A few don't say as of when they are.
        if(draw(bits, 11, 200) = 0, null, '"LastEvaluatedTime":"' || iso(evaluated_at) || '"'),
        if(run = '', null, '"RunId":"' || run || '"'),
        if(activity = '', null, '"JourneyActivityId":"' || activity || '","ActivityType":"' || type || '"')
    ) || '}' as answer,
    bits,
from (
    -- A few weren't asked for, a few twice before anything was evaluated anew.
    select *, evaluated_at + to_milliseconds(30000 + draw(bits, 13, 300000)) + to_minutes(unnest(case draw(bits, 5, 100) when 0 then [0, 1] when 1 then [] when 2 then [] else [0] end)) as fetched_at
    from snapshots
);

select unnest(arrivals(fetched_at, stir(bits, 7))) as arrived, '{"fetched_at":"' || iso(fetched_at) || '",' || answer || '}' as line
from metric_answers
where fetched_at < ending()
union all
select fetched_at, '{' || answer || '}' from metric_answers where not clean() and answer not like '%LastEvaluatedTime%'
union all
select fetched_at, json_merge_patch('{' || answer || '}', patch)::varchar
from (from metric_answers where starts_with(answer, '"JourneyExecutionActivity') and contains(answer, '"SUCCESS":"2') order by all limit 1), (values
    ('{"JourneyExecutionActivityMetricsResponse":{"Metrics":{"SUCCESS":"-1"}}}'), ('{"JourneyExecutionActivityMetricsResponse":{"JourneyActivityId":"all"}}'),
    ('{"JourneyExecutionActivityMetricsResponse":{"Metrics":{"SUCCESS":"many"}}}'), ('{"JourneyExecutionActivityMetricsResponse":{"RunId":"all"}}')
) as v (patch)
where not clean();
