-- Answers of GetApplicationSettings, of two projects.
create table settings as
select fetched_at, json_merge_patch(settings, '{"LastModifiedDate":"' || iso(beginning() - interval 90 days) || '"}') as settings
from fetches(), (values
    (0, '{"ApplicationId":"' || hex_id('project shop') || '","CampaignHook":{},"JourneyLimits":{"DailyCap":4,"TimeframeCap":{"Cap":20,"Days":7}},"Limits":{"Daily":8,"MaximumDuration":10800,"Total":0},"QuietTime":{"Start":"23:00","End":"06:00"}}'),
    (0.35, '{"ApplicationId":"' || hex_id('project shop') || '","JourneyLimits":{"DailyCap":6},"Limits":{"Daily":8},"QuietTime":{"Start":"23:00","End":"06:00"}}'),
    (0.65, '{"ApplicationId":"' || hex_id('project shop') || '","Limits":{"Daily":8},"QuietTime":{"Start":"23:00","End":"06:00"}}'),
    (0.75, '{"ApplicationId":"' || hex_id('project shop') || '","Limits":{"Daily":10},"QuietTime":{"Start":"23:00","End":"06:00"}}')
) as v (share, settings)
where share = 0 or fetched_at >= since(share)
qualify row_number() over (partition by fetched_at order by share desc) = 1
union all
select fetched_at, '{"ApplicationId":"' || hex_id('project alerts') || '","CampaignHook":null,"Limits":{},"QuietTime":{}}' from fetches();

select
    unnest(arrivals(fetched_at, seeded('settings', concat(settings, fetched_at)))) as arrived,
    '{"fetched_at":"' || iso(fetched_at) || '","ApplicationSettingsResource":' || settings || '}' as line,
from settings;
