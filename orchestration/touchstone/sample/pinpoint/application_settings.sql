-- Needs: pinpoint/_shared.sql.
-- Answers of GetApplicationSettings, of two projects.
select
    unnest(arrivals(fetched_at, seeded('settings', concat(project, d)))) as arrived,
    json_of({fetched_at: iso(fetched_at), "ApplicationSettingsResource": {
        "ApplicationId": md5(project),
        "JourneyLimits": case when project = 'shop' and fetched_at < since(0.65)
            then {"DailyCap": if(fetched_at < since(0.35), 4, 6)} end,
        "Limits": {"Daily": case when project = 'shop' then if(fetched_at < since(0.75), 8, 10) end},
        "QuietTime": {"Start": '23:00', "End": '06:00'},
        "LastModifiedDate": iso(beginning() - interval 90 days),
    }}) as line,
from fetches(), unnest(['shop', 'alerts']) as p (project);
