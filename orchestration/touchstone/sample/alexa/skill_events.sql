-- Needs: alexa/_shared.sql.
-- Events of skills, which may come late.
create table skill_events as
select
    unnest(arrivals(moment + interval 1 minute, stir(bits, j))) as arrived,
    concat(
        '{"version":"1.0","context":{"System":{"application":{"applicationId":"', skill_id,
        '"},"user":{"userId":"', user_id, '"}}},"request":{', concat_ws(
            ',',
            '"type":"AlexaSkillEvent.' || step[2:] || '"',
            '"requestId":"' || uuid_of(token('skill event', concat(n, '/', j))) || '"',
            '"timestamp":"' || iso_seconds(moment) || '"',
            if(n % 7 = 0, null, '"eventCreationTime":"' || iso(moment) || '","eventPublishingTime":"'
                || iso(moment + to_seconds(if(n % 10 = 0, 300, 1))) || '"'),
            '"body":{"userInformationPersistenceStatus":' || if(step = '!SkillDisabled',
                ['"PERSISTED"', '"NOT_PERSISTED"', 'null'][1 + n % 3], null) || '}'
        ), '}}'
    ) as line,
from happened
where step[1] = '!';

from skill_events
union all
from odd('skill_events', '%SkillEnabled%', list_concat([
    '{"request":{"timestamp":null,"eventCreationTime":null}}', '{"request":{"requestId":null}}',
    '{"request":{"timestamp":"soon","eventCreationTime":"soon"}}', '{"request":"{}"}',
    '{"request":{"type":"Telepathy.Request"}}', '{"request":{"type":""}}', '{"request":{"type":null}}'
], [
    '{"request":{"requestId":"' || type || '","type":"' || type || '"}}' for type in [
        'AlexaSkillEvent.SkillNotificationSubscriptionChanged', 'Reminders.ReminderCreated',
        'AlexaSkillEvent.InSkillProductSubscriptionStarted', 'AlexaHouseholdListEvent.ItemsCreated',
        'AlexaSkillEvent.InSkillProductSubscriptionRenewed',
        'AlexaSkillEvent.InSkillProductSubscriptionEnded'
    ]
]));
