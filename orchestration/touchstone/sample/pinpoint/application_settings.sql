-- Answers of GetApplicationSettings, of two projects.
select
    unnest(arrivals(fetched_at, seeded('settings', concat(project, d)))) as arrived,
    fill('{"fetched_at":"$at","ApplicationSettingsResource":{"ApplicationId":"$app","JourneyLimits":$journeys,'
        || '"Limits":{"Daily":$daily},"QuietTime":{"Start":"23:00","End":"06:00"},"LastModifiedDate":"$start"}}', [
        ['$at', iso(fetched_at)], ['$app', md5(project)], ['$start', iso(beginning() - interval 90 days)],
        ['$journeys', case when project = 'shop' and fetched_at < since(0.65)
            then '{"DailyCap":' || if(fetched_at < since(0.35), 4, 6) || '}' end],
        ['$daily', case when project = 'shop' then if(fetched_at < since(0.75), '8', '10') end]
    ]) as line,
from fetches(), unnest(['shop', 'alerts']) as p (project);
