-- Answers of GetJourneyRuns: the runs up to that day, and the next one where there is to be one.
select unnest(arrivals(fetched_at, seeded('runs', concat(journey, d)))) as arrived, to_json({
    fetched_at: iso(fetched_at), application_id: md5('shop'), journey_id: md5(journey),
    "JourneyRunsResponse": {"Item": [
        {
            "RunId": run_id(journey, number), "LastUpdateTime": iso(fetched_at - interval 10 minutes),
            "CreationTime": iso(least(beginning() + to_days(2 * number), fetched_at - interval 1 hour)), "Status": case
                when 2 * number > d then 'SCHEDULED'
                when journey = 'welcome' and 2 * number + 5 <= d then 'COMPLETED'
                when journey = 'test' and fetched_at > since(0.2) then 'CANCELLED'
                else 'RUNNING'
            end,
        }
        for number in range(case journey when 'preview' then 0 when 'welcome' then d // 2 + 2 else 1 end)
    ]},
}) as line
from fetches(), unnest(['welcome', 'cart', 'win-back', 'test', 'preview']) as v (journey);
