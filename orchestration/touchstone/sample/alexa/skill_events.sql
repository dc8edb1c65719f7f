-- Needs: alexa/_shared.sql.
-- Events of skills, which may come late.
create table skill_events as
select unnest(arrivals(moment + interval 1 minute, stir(bits, j))) as arrived, json_merge_patch('{}', to_json({
    version: '1.0',
    context: {"System": {application: {"applicationId": skill_id}, "user": {"userId": user_id}}},
    request: {
        "type": 'AlexaSkillEvent.' || step[2:], "requestId": token('skill event', concat(n, '/', j)),
        "timestamp": iso_seconds(moment), "eventCreationTime": if(n % 7 = 0, null, iso(moment)),
        "eventPublishingTime": if(n % 7 = 0, null, iso(moment + to_seconds(if(n % 10 = 0, 300, 1)))),
        body: if(step = '!SkillDisabled', {
            "userInformationPersistenceStatus": ['PERSISTED', 'NOT_PERSISTED', null][1 + n % 3]
        }, null),
    },
}))::varchar as line
from happened
where step[1] = '!';

from skill_events
union all
from odd('skill_events', '%SkillEnabled%', list_concat([
    '{"request":{"timestamp":null,"eventCreationTime":null}}', '{"request":{"requestId":null}}', '{"request":"{}"}',
    '{"request":{"timestamp":"soon","eventCreationTime":"soon"}}', '{"request":{"type":"Telepathy.Request"}}',
    '{"request":{"type":""}}', '{"request":{"type":null}}'
], ['{"request":{"requestId":"' || type || '","type":"' || type || '"}}' for type in [
    'Reminders.ReminderCreated', 'AlexaHouseholdListEvent.ItemsCreated',
    'AlexaSkillEvent.SkillNotificationSubscriptionChanged', 'AlexaSkillEvent.InSkillProductSubscriptionStarted',
    'AlexaSkillEvent.InSkillProductSubscriptionRenewed', 'AlexaSkillEvent.InSkillProductSubscriptionEnded'
]]));
