-- Steps of account linking, as the owner's authorization server logs them.
create table links as
select unnest(arrivals(moment, stir(bits, j))) as arrived, to_json({
    "at": iso(moment),
    skill_id: skill_id,
    stage: if(is_development, 'development', 'live'),
    locale: if(n % 8 = 0, null, locale),
    flow: ['alexa_app', 'alexa_app', 'app_to_app_from_alexa', 'app_to_app_from_app', 'lwa_fallback'][1 + draw(bits, 27, 5)],
    step: step[2:],
    attempt_id: token('attempt', n)[1:12],
    user_ref: if(step = '#completion', 'account-' || person, null),
})::varchar as line
from happened
where starts_with(step, '#');

select arrived, line from links
union all
select arrived, json_merge_patch(line, patch)::varchar
from (from links order by all limit 1), (values
    ('{"at":null}'), ('{"at":"soon"}'), ('{"attempt_id":""}'), ('{"step":"teleportation"}'), ('{"step":null}'), ('{"flow":"pigeon"}'), ('{"locale":"all"}')
) as v (patch)
where not clean();
