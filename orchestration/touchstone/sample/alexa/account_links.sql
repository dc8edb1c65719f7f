-- Needs: alexa/_shared.sql.
-- Steps of account linking, as the owner's authorization server logs them.
create table link_lives as from (values
    (160, '#initiation #completion~62'),
    (20, '#initiation #initiation+40 #completion~122'),
    (70, '#initiation'),
    (15, '#completion'),
    (20, '#initiation #completion+86401')
) as v (share, script);
create table linkings as from moments('links', greatest(events() // 100, 10));
create table link_steps as from steps_of('linkings', 'link_lives');
create table links as
select unnest(arrivals(moment, stir(bits, j))) as arrived, to_json({
    "at": iso(moment),
    skill_id: skill_id,
    stage: stage,
    locale: if(n % 8 = 0, null, locale),
    flow: pick(bits, 27, [
        'alexa_app', 'alexa_app', 'app_to_app_from_alexa', 'app_to_app_from_app', 'lwa_fallback'
    ]),
    step: step[2:],
    attempt_id: token('attempt', n)[1:12],
    user_ref: if(step = '#completion', 'account-' || person, null),
})::varchar as line
from of_users('link_steps');

from links
union all
from odd('links', '%', list_concat(odd_times('at'), [
    '{"attempt_id":""}', '{"step":"teleportation"}', '{"step":null}', '{"flow":"pigeon"}',
    '{"locale":"all"}'
]));
