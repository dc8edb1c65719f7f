-- Needs: alexa/_shared.sql.
-- Steps of account linking, as the owner's authorization server logs them.
create table links as
select unnest(arrivals(moment, stir(bits, j))) as arrived, to_json({
    "at": iso(moment), skill_id: skill_id, stage: stage, locale: if(n % 8 = 0, null, locale),
    flow: pick(bits, 27, ['alexa_app', 'alexa_app', 'app_to_app_from_alexa', 'app_to_app_from_app', 'lwa_fallback']),
    step: step[2:], attempt_id: token('attempt', n), user_ref: if(step = '#completion', 'account-' || person, null),
})::varchar as line
from happened
where step[1] = '#';

from links
union all
from odd('links', '%', list_concat(odd_times('at'), [
    '{"attempt_id":""}', '{"step":"teleportation"}', '{"step":null}', '{"flow":"pigeon"}', '{"locale":"all"}'
]));
