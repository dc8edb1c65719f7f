-- Needs: pinpoint/_shared.sql.
-- Snapshots of the counters: of whole journeys and their activities every six hours, of runs at the
-- end of each day. A change is up or down (-). Statuses that have no key of their own are unknown failures.
create table changes as
with changed as (
    select moment, journey, run, if(activity in ('enter', 'leave', 'removed', 'journey'), '', activity) as activity, unnest(case
        when step = 'enter' then ['ENDPOINT_PRODUCED', 'ENDPOINT_ENTERED', 'ENDPOINT_ACTIVE', 'ENDPOINTS_FROM_USER']
        when step = 'leave' then ['ENDPOINT_LEFT', '-ENDPOINT_ACTIVE']
        when step = 'removed' then ['CANCELLED', '-ENDPOINT_ACTIVE']
        when activity = 'journey' then ['ENDPOINT_PRODUCED', key]
        when key in ('WAIT_FINISHED', 'DROPPED') then [key, '-WAIT_STARTED']
        else [key]
    end) as change
    from walked
    union all
    select moment, journey, run, activity, case
        when status = 'DAILY_CAP' then 'DAILY_CAP_EXCEEDED'
        when status like 'QUIET_TIME_WAIT%' then if(type = 'CONTACT_CENTER', 'WAIT_FOR_QUIET_HOURS', null)
        when status = 'QUIET_TIME_MISSING_TIMEZONE' then 'QUIET_TIME'
        when status in ('FAILURE', 'SENDER_RETIRED') then 'UNKNOWN'
        else status
    end
    from sends
    union all
    select moment, 'win-back', run, 'call', unnest(case
        when step = 'INITIATED' then ['WAIT_STARTED', 'CALL_QUEUED']
        when regexp_matches(contact[2], '(FAILED|ERROR)$') then ['-WAIT_STARTED', 'DIAL_FAILURE', 'WAIT_FINISHED']
        when contact[2] = 'EXPIRED' then ['-WAIT_STARTED', 'CONTINUE_WAITING', 'TIMEOUT']
        else ['-WAIT_STARTED', 'WAIT_FINISHED']
    end)
    from (select *, string_split(split_part(script, ' ', 1), '/') as contact from happened where kind = 'CONTACT_CENTER')
    where step in ('INITIATED', 'DISCONNECTED')
)

select
    journey, subject.run, activity, ltrim(change, '-') as key, sum(if(change[1] = '-', -1, 1)) as change,
    floor(epoch(moment + interval 10 minutes - beginning()) / 21600)::integer as part,
from (select * rename (run as of_run) from changed), unnest(['', of_run]) as subject (run)
where change is not null and journey in (select journey from activities)
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
    'ENDPOINT_ACTIVE', 'ENDPOINT_ENTERED', 'ENDPOINT_LEFT', 'CANCELLED', 'REENTRY_CAP_EXCEEDED', 'ACTIVE_ENDPOINT_REJECTED'
)
group by all;

-- A few don't say as of when they are; a few weren't asked for, a few twice before anything was evaluated again.
create table records as
select unnest(arrivals(fetched_at, stir(bits, 7))) as arrived, fill(
    '{"fetched_at":"$fetched","Journey$ofExecution$eachMetricsResponse":{"ApplicationId":"$app","JourneyId":"$journey",'
    || '"RunId":"$run","JourneyActivityId":"$activity","ActivityType":"$type","LastEvaluatedTime":"$evaluated",'
    || '"Metrics":$counters}}', [
        ['$fetched', iso(fetched_at)], ['$of', if(run = '', '', 'Run')], ['$each', if(activity = '', '', 'Activity')],
        ['$app', md5('shop')], ['$journey', md5(journey)], ['$run', nullif(run, '')], ['$activity', nullif(activity, '')],
        ['$type', type], ['$evaluated', if(draw(bits, 11, 200) = 0, null, iso(evaluated_at))],
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
