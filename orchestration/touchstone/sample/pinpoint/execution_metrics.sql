-- Needs: pinpoint/_shared.sql.
-- Snapshots of the counters: of whole journeys and their activities every six hours, of runs at the
-- end of each day. Statuses that have no key of their own are unknown failures.
create table changes as
with changed as (
    select moment, journey, run, '' as activity, unnest([
        'ENDPOINT_PRODUCED', 'ENDPOINT_ENTERED', 'ENDPOINT_ACTIVE',
        if(person % 3 > 0, 'ENDPOINTS_FROM_USER', null)
    ]) as key, 1 as change
    from walked where step = 'enter'
    union all
    select
        moment, journey, run, '', unnest([if(step = 'leave', 'ENDPOINT_LEFT', 'CANCELLED'), 'ENDPOINT_ACTIVE']),
        unnest([1, -1])
    from walked where step in ('leave', 'removed')
    union all
    select moment, journey, run, '', unnest(['ENDPOINT_PRODUCED', split_part(step, '.', 2)]), 1
    from walked where activity = 'journey'
    union all
    select
        moment, journey, run, activity, unnest([key, if(key in ('WAIT_FINISHED', 'DROPPED'), 'WAIT_STARTED', null)]),
        unnest([1, -1])
    from walked where key is not null
    union all
    select sent_at, journey, run, activity, case
        when status = 'DAILY_CAP' then 'DAILY_CAP_EXCEEDED'
        when status like 'QUIET_TIME_WAIT%' then if(type = 'CONTACT_CENTER', 'WAIT_FOR_QUIET_HOURS', null)
        when status = 'QUIET_TIME_MISSING_TIMEZONE' then 'QUIET_TIME'
        when status in ('FAILURE', 'SENDER_RETIRED') then 'UNKNOWN'
        else status
    end, 1
    from sends
    union all
    select moment, 'win-back', run, 'call000001', unnest(case
        when step = 'INITIATED' then ['WAIT_STARTED', 'CALL_QUEUED']
        when reason like '%FAILED' or reason like '%ERROR' then ['WAIT_STARTED', 'DIAL_FAILURE', 'WAIT_FINISHED']
        when reason = 'EXPIRED' then ['WAIT_STARTED', 'CONTINUE_WAITING', 'TIMEOUT']
        else ['WAIT_STARTED', 'WAIT_FINISHED']
    end), unnest(if(step = 'INITIATED', [1, 1], [-1, 1, 1]))
    from called where run is not null and step in ('INITIATED', 'DISCONNECTED')
)

select
    journey, subject.run, activity, key, sum(change) as change,
    floor(epoch(moment + interval 10 minutes - beginning()) / 21600)::integer as part,
from (select *, unnest(['', run]) as of_run from changed), (select of_run as run) as subject
where key is not null and change is not null and journey in (select journey from activities)
group by all;

create table snapshots as
with asked as (
    select *, beginning() + to_hours(6 * (part + 1)) - interval 10 minutes as evaluated_at
    from (
        select journey, activity, type from activities union all select distinct journey, '', null from activities
    )
    join (
        select distinct journey, run, unnest(range(
            if(run = '', 0, min(part)), if(run = '' or journey <> 'welcome', 4 * days(), min(part) + 32)
        )) as part
        from changes group by journey, run
    ) using (journey)
    where run = '' or part % 4 = 3
),

counted as (
    select journey, run, activity, key, asked.part, sum(change) as "value"
    from changes
    join asked using (journey, run, activity)
    where
        changes.part <= asked.part
        -- What is known of a whole journey; of a run it is more.
        and (activity <> '' or run <> '' or key in (
            'ENDPOINT_ACTIVE', 'ENDPOINT_ENTERED', 'ENDPOINT_LEFT', 'CANCELLED', 'REENTRY_CAP_EXCEEDED',
            'ACTIVE_ENDPOINT_REJECTED'
        ))
    group by all
)

select
    evaluated_at, journey, run, activity, type,
    seeded('snapshot', concat_ws('/', journey, run, activity, part)) as bits,
    -- The API counted fewer there than before, once.
    string_agg('"' || key || '":"' || if(
        activity = 'yourcart01' and run = '' and part = 2 * days(), greatest("value" - 2, 1), "value"
    ) || '"', ',' order by key) filter (where "value" > 0) as metrics,
from asked
left join counted using (journey, run, activity, part)
group by journey, run, activity, part, type, evaluated_at;

create table answers as
select fetched_at, bits, concat(
    '{"fetched_at":"', iso(fetched_at), '","Journey', if(run = '', '', 'Run'), 'Execution',
    if(activity = '', '', 'Activity'), 'MetricsResponse":{', concat_ws(
        ',',
        '"ApplicationId":"' || hex_id('shop') || '","JourneyId":"' || hex_id(journey) || '"',
        '"Metrics":{' || coalesce(metrics, '') || '}',
        -- A few don't say as of when they are.
        if(draw(bits, 11, 200) = 0, null, '"LastEvaluatedTime":"' || iso(evaluated_at) || '"'),
        '"RunId":"' || nullif(run, '') || '"',
        '"JourneyActivityId":"' || nullif(activity, '') || '","ActivityType":"' || type || '"'
    ), '}}'
) as line
from (
    -- A few weren't asked for, a few twice before anything was evaluated again.
    select *, evaluated_at + to_milliseconds(30000 + draw(bits, 13, 300000)) + to_minutes(
        unnest(case draw(bits, 5, 100) when 0 then [0, 1] when 1 then [] else [0] end)
    ) as fetched_at
    from snapshots
);

create table records as
select unnest(arrivals(fetched_at, stir(bits, 7))) as arrived, line
from answers where fetched_at < ending();

create table odd_records as
select arrived, json_merge_patch(line, '{"fetched_at":null}')::varchar as line
from records where line not like '%LastEvaluatedTime%' and not clean()
union all
from odd('records', '%JourneyExecutionActivity%"SUCCESS":"2"%', [
    '{"JourneyExecutionActivityMetricsResponse":' || patch || '}' for patch in [
        '{"Metrics":{"SUCCESS":"-1"}}', '{"JourneyActivityId":"all"}', '{"Metrics":{"SUCCESS":"many"}}',
        '{"RunId":"all"}'
    ]
]);

from records
union all
from odd_records;
