-- Answers of GetJourney. Definitions change in the course of the days, so that metrics that depend on them do.
create table definitions as
select
    journey,
    json_merge_patch(
        to_json({
            "ApplicationId": hex_id('project shop'),
            "Id": hex_id(journey),
            "Name": title,
            "State": if(journey = 'preview', 'DRAFT', 'ACTIVE'),
            "CreationDate": iso(beginning() - interval 30 days),
            "LastModifiedDate": iso(beginning() - interval 1 day),
            "LocalTime": false,
            "Schedule": {"StartTime": iso(beginning()), "EndTime": if(journey = 'cart', null, iso(ending() + interval 20 days)), "Timezone": 'UTC'},
        }),
        definition
    ) as definition,
from journeys
join (values
    ('welcome', '{"StartActivity":"holdout001","StartCondition":{"SegmentStartCondition":{"SegmentId":"new"}},"Limits":{"DailyCap":2,"EndpointReentryCap":1,"MessagesPerSecond":50},"RefreshFrequency":"P2D","RefreshOnSegmentUpdate":false,"QuietTime":{"Start":"22:00","End":"07:00"},"WaitForQuietTime":true}'),
    ('test', '{"StartActivity":"holdout001","Limits":{"DailyCap":2,"EndpointReentryCap":1},"RefreshOnSegmentUpdate":false,"QuietTime":{"Start":"22:00","End":"07:00"}}'),
    ('cart', '{"StartActivity":"yourcart01","StartCondition":{"EventStartCondition":{"SegmentId":"shoppers"}},"Limits":{"EndpointReentryCap":0,"TimeframeCap":{"Cap":10,"Days":7}},"WaitForQuietTime":false}'),
    ('win back', '{"StartActivity":"bought0001","Limits":{"DailyCap":1,"EndpointReentryCap":1,"TotalCap":20},"RefreshOnSegmentUpdate":false,"SendingSchedule":true,"OpenHours":{"VOICE":{"MONDAY":[{"StartTime":"09:00","EndTime":"18:00"}]}},"ClosedDays":{"VOICE":[{"Name":"Inventory"}]},"JourneyChannelSettings":{"ConnectCampaignArn":"arn:aws:connect-campaigns:us-east-1:300000000001:campaign/'
        || uuid_of(md5('win-back')) || '","ConnectCampaignExecutionRoleArn":"arn:aws:iam::300000000001:role/dials"}}'),
    ('preview', '{"StartActivity":"teaser0001","Limits":{},"Activities":{"teaser0001":{"EMAIL":{"TemplateName":"teaser"}}}}')
) as v (journey, definition) using (journey);

create table activity_definitions as
with of_journeys as (
    from (values
        ('welcome', '{"holdout001":{"Holdout":{"Percentage":10,"NextActivity":"greeting01"}},"greeting01":{"EMAIL":{"MessageConfig":{"FromAddress":"shop@example.com"},"TemplateName":"welcome","NextActivity":"aday000001"},"Description":"Greeting"},"aday000001":{"Wait":{"WaitTime":{"WaitFor":"P1D"},"NextActivity":"opened0001"}},"opened0001":{"ConditionalSplit":{"Condition":{"Operator":"ANY"},"EvaluationWaitTime":{"WaitFor":"PT1H"},"TrueActivity":"app0000001","FalseActivity":"paths00001"}},"app0000001":{"PUSH":{"MessageConfig":{"TimeToLive":"86400"},"TemplateName":"get-the-app"}},"paths00001":{"RandomSplit":{"Branches":[{"NextActivity":"text000001","Percentage":50},{"NextActivity":"reminder01","Percentage":30},{"Percentage":20}]},"Description":"Text, email or nothing"},"text000001":{"SMS":{"MessageConfig":{"MessageType":"PROMOTIONAL"},"TemplateName":"text"}},"reminder01":{"EMAIL":{"TemplateName":"reminder"}}}'),
        ('cart', '{"yourcart01":{"EMAIL":{"TemplateName":"your-cart","NextActivity":"twohours01"},"Description":"Your cart"},"twohours01":{"Wait":{"WaitTime":{"WaitFor":"PT2H"},"NextActivity":"which00001"}},"which00001":{"MultiCondition":{"Branches":[{"Condition":{"SegmentCondition":{"SegmentId":"app"}},"NextActivity":"coupon0001"},{"Condition":{"SegmentCondition":{"SegmentId":"texted"}},"NextActivity":"carttext01"}],"DefaultActivity":"crm0000001","EvaluationWaitTime":{"WaitFor":"PT1H"}}},"coupon0001":{"PUSH":{"MessageConfig":{"TimeToLive":"3600"},"TemplateName":"coupon","NextActivity":"lastcall01"}},"carttext01":{"SMS":{"MessageConfig":{"MessageType":"TRANSACTIONAL"}}},"crm0000001":{"CUSTOM":{"DeliveryUri":"arn:aws:lambda:us-east-1:300000000001:function:to-crm","EndpointTypes":["EMAIL","CUSTOM"],"NextActivity":"lastcall01"}},"lastcall01":{"EMAIL":{"TemplateName":"last-call"}}}'),
        ('win back', '{"bought0001":{"ConditionalSplit":{"Condition":{"Operator":"ALL"},"TrueActivity":null,"FalseActivity":"call000001"}},"call000001":{"ContactCenter":{"NextActivity":"webhook001"},"Description":"Call"},"webhook001":{"CUSTOM":{"DeliveryUri":"https://hooks.example.com/called","EndpointTypes":["CUSTOM"],"NextActivity":"until00001"}},"until00001":{"Wait":{"WaitTime":{"WaitUntil":"'
            || iso(waited_until()) || '"},"NextActivity":"thanks0001"}},"thanks0001":{"EMAIL":{"TemplateName":"thanks"}}}')
    ) as v (journey, activities)
)

from of_journeys
union all
select 'test', activities from of_journeys where journey = 'welcome';

-- What changes after which share of the days, as a patch of the definition.
create table changes as from (values
    (0.1, 'preview', '{"State":"ACTIVE"}'), (0.3, 'preview', '{"State":"PAUSED"}'), (0.6, 'preview', '{"State":"CANCELLED"}'),
    (0.2, 'welcome', '{"Limits":{"EndpointReentryCap":3}}'), (0.4, 'welcome', '{"RefreshOnSegmentUpdate":true}'), (0.7, 'welcome', '{"QuietTime":{"End":"08:30"}}'),
    (0.6, 'welcome', '{"Activities":{"paths00001":{"RandomSplit":{"Branches":[{"NextActivity":"text000001","Percentage":40},{"NextActivity":"reminder01","Percentage":40},{"Percentage":20}]}}}}'),
    (0.2, 'test', '{"State":"CLOSED"}'), (0.4, 'test', '{"State":"COMPLETED"}'),
    (0.3, 'cart', '{"QuietTime":{"Start":"21:00","End":"08:00"}}'),
    (0.5, 'cart', '{"Activities":{"coupon0001":{"PUSH":{"MessageConfig":{"TimeToLive":"0"}}},"which00001":{"MultiCondition":{"Branches":[{"Condition":{"SegmentCondition":{"SegmentId":"app"}},"NextActivity":"coupon0001"},{"Condition":{"SegmentCondition":{"SegmentId":"texted"}},"NextActivity":"carttext01"},{"Condition":{"EventCondition":{"MessageActivity":"yourcart01"}},"NextActivity":"lastcall01"}]}}}}'),
    (0.7, 'cart', '{"Activities":{"coupon0001":{"PUSH":{"MessageConfig":{"TimeToLive":null}}}}}'),
    (0.4, 'win back', '{"Limits":{"DailyCap":null}}'), (0.8, 'win back', '{"RefreshOnSegmentUpdate":true}'), (0.85, 'win back', '{"State":"CLOSED"}')
) as v (share, journey, patch);

create table journey_answers as
select
    fetched_at,
    journey,
    list_reduce(
        list_concat([
            definition,
            coalesce('{"Activities":' || activities || '}', '{}')::json
        ], coalesce(list(json_merge_patch(patch, '{"LastModifiedDate":"' || iso(since(share) + interval 30 seconds) || '"}') order by share) filter (where share is not null), [])),
        lambda whole, part: json_merge_patch(whole, part)
    ) as definition,
from definitions
cross join fetches()
left join activity_definitions using (journey)
left join changes on changes.journey = definitions.journey and fetched_at >= since(share)
group by fetched_at, journey, definition, activities;

select
    unnest(arrivals(fetched_at, seeded('journeys', concat(journey, fetched_at)))) as arrived,
    '{"fetched_at":"' || iso(fetched_at) || '","JourneyResponse":' || definition || '}' as line,
from journey_answers;
