-- Events of skills, which may come late.
create table skill_event_records as
select
    moment,
    unnest(arrivals(moment + interval 1 minute, stir(bits, j))) as arrived,
    record({
        version: '1.0',
        context: {"System": {application: {"applicationId": skill_id}, user: {"userId": user_id}, "apiEndpoint": 'https://api.eu.amazonalexa.com', "apiAccessToken": 'removed'}},
        request: {
            "type": 'AlexaSkillEvent.' || step[2:],
            "requestId": uuid_of(token('skill event', concat(n, '/', j))),
            "timestamp": iso_seconds(moment),
            "eventCreationTime": if(n % 7 = 0, null, iso(moment)),
            "eventPublishingTime": if(n % 7 = 0, null, iso(moment + to_seconds(if(n % 10 = 0, 300, 1)))),
            body: case
                when step = '!SkillDisabled' then {"userInformationPersistenceStatus": ['PERSISTED', 'NOT_PERSISTED', null][1 + n % 3]}
            end,
        },
    }) as line,
from happened
where starts_with(step, '!');

create table odd_skill_events as
select arrived, json_merge_patch(line, patch)::varchar as line
from (from skill_event_records where line like '%SkillEnabled%' order by arrived, line limit 1), (values
    ('{"request":{"timestamp":null,"eventCreationTime":null}}'), ('{"request":{"timestamp":"soon","eventCreationTime":"soon"}}'), ('{"request":{"requestId":null}}'),
    ('{"request":{"type":"Telepathy.Request"}}'), ('{"request":{"type":""}}'), ('{"request":{"type":null}}'), ('{"request":"{}"}'),
    ('{"request":{"requestId":"i1","type":"AlexaSkillEvent.SkillNotificationSubscriptionChanged"}}'), ('{"request":{"requestId":"i2","type":"AlexaSkillEvent.InSkillProductSubscriptionStarted"}}'),
    ('{"request":{"requestId":"i3","type":"AlexaSkillEvent.InSkillProductSubscriptionRenewed"}}'), ('{"request":{"requestId":"i4","type":"AlexaSkillEvent.InSkillProductSubscriptionEnded"}}'),
    ('{"request":{"requestId":"i5","type":"AlexaHouseholdListEvent.ItemsCreated"}}'), ('{"request":{"requestId":"i6","type":"Reminders.ReminderCreated"}}')
) as v (patch);

select arrived, line from skill_event_records
union all
select arrived, line from odd_skill_events where not clean();
