-- Answers of GetJourney. Definitions change in the course of the days: after which share of them.
create table patches as from (values
    (0, 'welcome', '{"Name":"Welcome series","Limits":{"DailyCap":2,"EndpointReentryCap":1},"RefreshFrequency":"P2D",'
        || '"RefreshOnSegmentUpdate":false,"QuietTime":{"Start":"22:00","End":"07:00"}}'),
    (0.2, 'welcome', '{"Limits":{"EndpointReentryCap":3}}'),
    (0.4, 'welcome', '{"RefreshOnSegmentUpdate":true}'),
    (0.6, 'welcome', '{"Activities":{"paths":{"RandomSplit":{"Branches":[{"NextActivity":"text","Percentage":40},'
        || '{"NextActivity":"reminder","Percentage":40},{"Percentage":20}]}}}}'),
    (0.7, 'welcome', '{"QuietTime":{"End":"08:30"}}'),
    (0, 'test', '{"Name":"Test-Welcome series","Limits":{"DailyCap":2,"EndpointReentryCap":1}}'),
    (0.2, 'test', '{"State":"CLOSED"}'),
    (0.4, 'test', '{"State":"COMPLETED"}'),
    (0, 'cart', '{"Name":"Abandoned cart","Limits":{"EndpointReentryCap":0},"Schedule":{"EndTime":null}}'),
    (0.3, 'cart', '{"QuietTime":{"Start":"21:00","End":"08:00"}}'),
    (0.5, 'cart', '{"Activities":{"coupon":{"PUSH":{"MessageConfig":{"TimeToLive":"0"}}},"which":{"MultiCondition":'
        || '{"Branches":[{"NextActivity":"coupon"},{"NextActivity":"carttext"},{"NextActivity":"lastcall"}]}}}}'),
    (0, 'win-back', '{"Name":"Win-back calls","Limits":{"DailyCap":1,"EndpointReentryCap":1},'
        || '"RefreshOnSegmentUpdate":false,'
        || '"JourneyChannelSettings":{"ConnectCampaignArn":"arn:aws:connect-campaigns:us-east-1:300000000001:campaign/'
        || uuid_of(md5('win-back')) || '"}}'),
    (0.4, 'win-back', '{"Limits":{"DailyCap":null}}'),
    (0.8, 'win-back', '{"RefreshOnSegmentUpdate":true}'),
    (0.85, 'win-back', '{"State":"CLOSED"}'),
    (0, 'preview', '{"Name":"Autumn preview","State":"DRAFT","Limits":{}}'),
    (0.1, 'preview', '{"State":"ACTIVE"}'),
    (0.3, 'preview', '{"State":"PAUSED"}'),
    (0.6, 'preview', '{"State":"CANCELLED"}')
) as v (share, journey, patch);

select
    unnest(arrivals(fetched_at, seeded('definition', concat(journey, d)))) as arrived,
    to_json({fetched_at: iso(fetched_at), "JourneyResponse": list_reduce(
        list(json_merge_patch(patch, to_json({"LastModifiedDate": iso(since(share))})) order by share),
        lambda whole, part: json_merge_patch(whole, part),
        to_json({
            "ApplicationId": md5('shop'),
            "Id": md5(journey),
            "State": 'ACTIVE',
            "Schedule": {"StartTime": iso(beginning()), "EndTime": iso(ending() + interval 20 days)},
            "Activities": coalesce(any_value(defined), '{}')::json,
        })
    )})::varchar as line,
from patches
join fetches() on share = 0 or fetched_at >= since(share)
left join (
    select journey, json_group_object(activity, definition::json) as defined from activities group by journey
) using (journey)
group by d, fetched_at, journey;
