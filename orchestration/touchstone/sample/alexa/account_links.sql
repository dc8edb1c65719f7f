-- Steps of account linking, as the owner's authorization server logs them.
create table links as from records_of('#', '{"at":"$at","skill_id":"$skill","stage":"$stage",'
    || '"locale":"<$locale|$locale|$locale|NULL>","step":"$1","attempt_id":"attempt-$life","user_ref":"$account",'
    || '"flow":"<alexa_app|alexa_app|app_to_app_from_alexa|app_to_app_from_app|lwa_fallback>"}');

from with_odd('links', '%', odd_times('at') || ['{"attempt_id":""}', '{"step":"teleportation"}', '{"locale":"all"}']);
