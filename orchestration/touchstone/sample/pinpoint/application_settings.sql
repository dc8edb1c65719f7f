-- Needs: pinpoint/_shared.sql.
-- Answers of GetApplicationSettings, of two projects.
create table settings as
select fetched_at, max_by(settings, share) as settings
from fetches(), (values
    (0, '"JourneyLimits":{"DailyCap":4,"TimeframeCap":{"Cap":20,"Days":7}},"Limits":{"Daily":8}'),
    (0.35, '"JourneyLimits":{"DailyCap":6},"Limits":{"Daily":8}'),
    (0.65, '"Limits":{"Daily":8}'),
    (0.75, '"Limits":{"Daily":10}')
) as v (share, settings)
where share = 0 or fetched_at >= since(share)
group by fetched_at;

select unnest(arrivals(fetched_at, seeded('settings', concat(project, fetched_at)))) as arrived, concat(
    '{"fetched_at":"', iso(fetched_at), '","ApplicationSettingsResource":{"ApplicationId":"', hex_id(project),
    '",', if(project = 'shop', settings, '"Limits":{}'), ',"QuietTime":{"Start":"23:00","End":"06:00"},',
    '"LastModifiedDate":"', iso(beginning() - interval 90 days), '"}}'
) as line
from settings, unnest(['shop', 'alerts']) as p (project);
