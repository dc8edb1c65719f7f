-- Needs: pinpoint/_shared.sql.
-- Answers of GetJourneyRuns: the runs up to that day, and the next one where there is to be one.
create table runs as
select
    fetched_at, journey, number,
    beginning() + to_days(2 * number) as begun,
    if(journey = 'welcome', begun + interval 5 days, ending() + interval 1 day) as ended,
from
    fetches(), unnest(['welcome', 'cart', 'win-back', 'test', 'preview']) as v (journey),
    unnest(range(if(journey = 'welcome', d // 2 + 2, 1))) as r (number);

select unnest(arrivals(fetched_at, seeded('runs', concat(journey, fetched_at)))) as arrived, to_json({
    fetched_at: iso(fetched_at),
    application_id: hex_id('shop'),
    journey_id: hex_id(journey),
    "JourneyRunsResponse": {"Item": coalesce(list({
        "RunId": run_id(journey, number),
        "CreationTime": iso(least(begun, fetched_at - interval 1 hour)),
        "LastUpdateTime": iso(least(ended, fetched_at - interval 10 minutes)),
        "Status": case
            when begun > fetched_at then 'SCHEDULED'
            when fetched_at > ended then 'COMPLETED'
            when journey = 'test' and fetched_at > since(0.2) then 'CANCELLED'
            else 'RUNNING'
        end,
    } order by number) filter (where journey <> 'preview'), [])},
})::varchar as line
from runs
group by fetched_at, journey;
