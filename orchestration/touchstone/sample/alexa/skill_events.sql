-- Events of skills, which may come late, and one of each kind that is ignored.
create table skill_events as from records_of('!', '{"version":"1.0",'
    || '"context":{"System":{"application":{"applicationId":"$skill"},"user":{"userId":"$user"}}},'
    || '"request":{"type":"AlexaSkillEvent.$1","requestId":"$id","timestamp":"$second"<|,"eventCreationTime":"$at",'
    || '"eventPublishingTime":"$soon"|,"eventCreationTime":"$at"|,"eventCreationTime":"$at"><|,'
    || '"body":{"userInformationPersistenceStatus":"PERSISTED"}>}}');

from with_odd('skill_events', '%SkillEnabled%', [
    '{"request":{"timestamp":null,"eventCreationTime":null}}', '{"request":{"requestId":null}}', '{"request":"{}"}',
    '{"request":{"type":"Telepathy.Request"}}', '{"request":{"type":null}}'
] || [
    '{"request":{"type":"' || if(kind like 'Skill%' or kind like 'InSkill%', 'AlexaSkillEvent.', '') || kind || '"}}'
    for kind in ignored_kinds()
]);
