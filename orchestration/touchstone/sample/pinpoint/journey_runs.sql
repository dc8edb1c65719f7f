-- Answers of GetJourneyRuns: the runs up to that day, and the next one where there is to be one.
create table asked_runs as
select
    fetched_at,
    journey,
    number,
    beginning() + to_days(coalesce(number * run_days, 0)) as begun,
    beginning() + to_days(coalesce((number + 1) * run_days + 3, 10000)) as ended,
from fetches(), journeys, unnest(range(if(run_days is null, 1, d // 2 + 2))) as r (number);

create table run_answers as
select fetched_at, journey, list({
    "RunId": run_id(journey, number),
    "CreationTime": iso(least(begun, fetched_at - interval 1 hour)),
    "LastUpdateTime": iso(least(ended, fetched_at - interval 10 minutes)),
    "Status": case
        when begun > fetched_at then 'SCHEDULED'
        when fetched_at > ended then 'COMPLETED'
        when journey = 'test' and fetched_at > since(0.2) then 'CANCELLED'
        else 'RUNNING'
    end,
} order by number) as items
from asked_runs
where journey <> 'preview'
group by all
union all
select fetched_at, 'preview', [] from fetches();

select
    unnest(arrivals(fetched_at, seeded('runs', concat(journey, fetched_at)))) as arrived,
    to_json({fetched_at: iso(fetched_at), application_id: hex_id('project shop'), journey_id: hex_id(journey), "JourneyRunsResponse": {"Item": items}}) as line,
from run_answers;
