-- Snapshots of the counters: of whole journeys and their activities every six hours, of runs at the
-- end of each day. A change is up or down (-). Statuses that have no key of their own are unknown failures.
create macro changes_of(word) as string_split(coalesce(map {
    'enter': 'ENDPOINT_PRODUCED ENDPOINT_ENTERED ENDPOINT_ACTIVE ENDPOINTS_FROM_USER',
    'leave': 'ENDPOINT_LEFT -ENDPOINT_ACTIVE', 'removed': 'CANCELLED -ENDPOINT_ACTIVE',
    'WAIT_FINISHED': 'WAIT_FINISHED -WAIT_STARTED', 'DROPPED': 'DROPPED -WAIT_STARTED',
    'QUIET_TIME_MISSING_TIMEZONE': 'QUIET_TIME', 'QUIET_TIME_WAIT_FINISHED': 'WAIT_FOR_QUIET_HOURS',
    'DAILY_CAP': 'DAILY_CAP_EXCEEDED', 'FAILURE': 'UNKNOWN', 'SENDER_RETIRED': 'UNKNOWN',
    'INITIATED': 'CALL_QUEUED WAIT_STARTED', 'expired': '-WAIT_STARTED CONTINUE_WAITING TIMEOUT',
    'failed': '-WAIT_STARTED WAIT_FINISHED DIAL_FAILURE'
}[word], word), ' ');
create table changes as
select
    journey, subject.run, if(activity in ('enter', 'leave', 'removed', 'journey'), '', activity) as activity,
    ltrim(change, '-') as key, sum(if(change[1] = '-', -1, 1)) as change,
    floor(epoch(moment + interval 10 minutes - beginning()) / 21600)::integer as part,
from (
    select moment, journey, run as of_run, activity, unnest(changes_of(coalesce(key, step))) as change
    from walked where key is not null or step in ('enter', 'leave', 'removed')
    union all
    select moment, journey, run, activity, unnest(changes_of(status))
    from sends where status <> 'QUIET_TIME_WAIT_FINISHED' or type = 'CONTACT_CENTER'
    union all
    select moment, journey, run, activity, unnest(changes_of(case
        when step = 'INITIATED' then step
        when regexp_matches(script, '(FAILED|ERROR) INITIATED') then 'failed'
        when script like '/EXPIRED%' then 'expired'
        else 'WAIT_FINISHED'
    end))
    from happened where kind = 'CONTACT_CENTER' and step in ('INITIATED', 'DISCONNECTED')
), unnest(['', of_run]) as subject (run)
where journey in (select journey from activities)
group by all;

create table snapshots as
select
    journey, run, activity, type, part, beginning() + to_hours(6 * (part + 1)) - interval 10 minutes as evaluated_at,
    seeded('snapshot', concat_ws('/', journey, run, activity, part)) as bits,
    -- The API counted fewer in one activity than before, once.
    map_from_entries(list({k: key, v: (
        counted - if(activity = 'yourcart' and run = '' and part = 2 * days() and counted > 2, 2, 0)
    )::varchar} order by key) filter (counted > 0)) as counters,
from (
    select journey, run, activity, type, asked.part, key, sum(change) as counted,
    from (
        select journey, run, unnest(range(
            if(run = '', 0, min(part)), if(run = '' or journey <> 'welcome', 4 * days(), min(part) + 32)
        )) as part
        from changes group by journey, run
    ) as asked
    join (select journey, activity, type from activities union all select distinct journey, '', null from activities)
        using (journey)
    left join changes using (journey, run, activity)
    where changes.part <= asked.part and (run = '' or asked.part % 4 = 3)
    group by all
)
-- What is known of a whole journey; of a run it is more.
where activity <> '' or run <> '' or key in (
    'ENDPOINT_ACTIVE', 'ENDPOINT_ENTERED', 'ENDPOINT_LEFT', 'CANCELLED', 'REENTRY_CAP_EXCEEDED',
    'ACTIVE_ENDPOINT_REJECTED'
)
group by all;

-- A few don't say as of when they are; a few weren't asked for, a few twice before anything was evaluated again.
create table records as
select unnest(arrivals(fetched_at, stir(bits, 7))) as arrived, fill(
    '{"fetched_at":"$fetched","Journey$ofExecution$eachMetricsResponse":{"ApplicationId":"$app","JourneyId":"$journey",'
    || '"RunId":"$run","JourneyActivityId":"$activity","ActivityType":"$type","LastEvaluatedTime":"$evaluated",'
    || '"Metrics":$counters}}', [
        ['$fetched', iso(fetched_at)], ['$of', if(run = '', '', 'Run')], ['$each', if(activity = '', '', 'Activity')],
        ['$app', md5('shop')], ['$journey', md5(journey)], ['$run', nullif(run, '')],
        ['$activity', nullif(activity, '')], ['$type', type],
        ['$evaluated', if(draw(bits, 11, 200) = 0, null, iso(evaluated_at))],
        ['$counters', to_json(coalesce(counters, map()))::varchar]
    ]
) as line
from (
    select *, evaluated_at + to_milliseconds(30000 + draw(bits, 13, 300000)) + to_minutes(
        unnest(case draw(bits, 5, 100) when 0 then [0, 1] when 1 then [] else [0] end)
    ) as fetched_at
    from snapshots
)
where fetched_at < ending();

from with_odd('records', '%JourneyExecutionActivity%"SUCCESS":"2"%', [
    '{"JourneyExecutionActivityMetricsResponse":' || patch || '}' for patch in [
        '{"Metrics":{"SUCCESS":"-1"}}', '{"JourneyActivityId":"all"}', '{"Metrics":{"SUCCESS":"many"}}', '{"RunId":"all"}'
    ]
])
union all
select arrived, json_merge_patch(line, '{"fetched_at":null}')::varchar
from records where line not like '%LastEvaluatedTime%' and not clean();
