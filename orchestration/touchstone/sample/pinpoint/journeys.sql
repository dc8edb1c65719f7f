-- Needs: pinpoint/_shared.sql.
-- Answers of GetJourney. Definitions change in the course of the days: after which share of them.
create table patches as from (values
    (0, 'welcome', '{"Name":"Welcome series","StartCondition":{"SegmentStartCondition":{"SegmentId":"new"}},'
        || '"Limits":{"DailyCap":2,"EndpointReentryCap":1},"RefreshFrequency":"P2D","WaitForQuietTime":true,'
        || '"RefreshOnSegmentUpdate":false,"QuietTime":{"Start":"22:00","End":"07:00"}}'),
    (0.2, 'welcome', '{"Limits":{"EndpointReentryCap":3}}'),
    (0.4, 'welcome', '{"RefreshOnSegmentUpdate":true}'),
    (0.6, 'welcome', '{"Activities":{"paths00001":{"RandomSplit":{"Branches":[{"NextActivity":"text000001",'
        || '"Percentage":40},{"NextActivity":"reminder01","Percentage":40},{"Percentage":20}]}}}}'),
    (0.7, 'welcome', '{"QuietTime":{"End":"08:30"}}'),
    (0, 'test', '{"Name":"Test-Welcome series","Limits":{"DailyCap":2,"EndpointReentryCap":1}}'),
    (0.2, 'test', '{"State":"CLOSED"}'),
    (0.4, 'test', '{"State":"COMPLETED"}'),
    (0, 'cart', '{"Name":"Abandoned cart","StartCondition":{"EventStartCondition":{"SegmentId":"all"}},'
        || '"Limits":{"EndpointReentryCap":0},"Schedule":{"EndTime":null}}'),
    (0.3, 'cart', '{"QuietTime":{"Start":"21:00","End":"08:00"}}'),
    (0.5, 'cart', '{"Activities":{"coupon0001":{"PUSH":{"MessageConfig":{"TimeToLive":"0"}}},"which00001":'
        || '{"MultiCondition":{"Branches":[{"NextActivity":"coupon0001"},{"NextActivity":"carttext01"},'
        || '{"NextActivity":"lastcall01"}]}}}}'),
    (0, 'win-back', '{"Name":"Win-back calls","Limits":{"DailyCap":1,"EndpointReentryCap":1},'
        || '"RefreshOnSegmentUpdate":false,"JourneyChannelSettings":{"ConnectCampaignArn":'
        || '"arn:aws:connect-campaigns:us-east-1:300000000001:campaign/' || uuid_of(md5('win-back')) || '"}}'),
    (0.4, 'win-back', '{"Limits":{"DailyCap":null}}'),
    (0.8, 'win-back', '{"RefreshOnSegmentUpdate":true}'),
    (0.85, 'win-back', '{"State":"CLOSED"}'),
    (0, 'preview', '{"Name":"Autumn preview","State":"DRAFT","Limits":{}}'),
    (0.1, 'preview', '{"State":"ACTIVE"}'),
    (0.3, 'preview', '{"State":"PAUSED"}'),
    (0.6, 'preview', '{"State":"CANCELLED"}')
) as v (share, journey, patch);

create table definitions as
select fetched_at, journey, list_reduce(
    list(json_merge_patch(patch, '{"LastModifiedDate":"' || iso(since(share)) || '"}') order by share),
    lambda whole, part: json_merge_patch(whole, part),
    to_json({
        "ApplicationId": hex_id('shop'),
        "Id": hex_id(journey),
        "State": 'ACTIVE',
        "CreationDate": iso(beginning() - interval 30 days),
        "Schedule": {"StartTime": iso(beginning()), "EndTime": iso(ending() + interval 20 days)},
        "Activities": coalesce(defined, '{}')::json,
    })
) as definition
from patches
join fetches() on share = 0 or fetched_at >= since(share)
left join (
    select journey, json_group_object(activity, definition::json) as defined
    from activities group by journey
) using (journey)
group by fetched_at, journey, defined;

select
    unnest(arrivals(fetched_at, seeded('definition of', concat(journey, fetched_at)))) as arrived,
    '{"fetched_at":"' || iso(fetched_at) || '","JourneyResponse":' || definition || '}' as line,
from definitions;
