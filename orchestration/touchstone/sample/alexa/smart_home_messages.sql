-- Needs: alexa/_shared.sql.
-- Messages of a smart home skill in both directions, as its owner logs them. Messages name neither user nor locale;
-- what the owner knows depends on how it keeps accounts.
create table home_records as
select unnest(arrivals(received, stir(bits, j))) as arrived, printf(
    '{"at":"%s","direction":"%s","invocation_id":"%s","skill_id":"%s","stage":"%s","locale":%s,"user_ref":%s,"message":'
    || '{"%s":{"header":{"namespace":"%s","name":"%s","messageId":"%s"%s},"endpoint":{"endpointId":"%d-%s"},'
    || '"payload":{%s}}%s}}',
    iso(received), if(is_in, 'in', if(is_async, 'out_async', 'out_sync')),
    token('invocation', concat_ws('/', n, if(is_async or received > moment, j, null))), skill_id, stage,
    if(person % 10 < 3, 'null', '"' || locale || '"'), if(person % 12 = 0, 'null', '"account-' || person || '"'),
    if(is_in, 'directive', 'event'), concat_ws('.', 'Alexa', named), case
        when kind = 'directive' then split_part(action, '.', 2)
        when named = 'SceneController' then 'ActivationStarted'
        when named = 'SecurityPanelController' then 'Arm.Response'
        else kind
    end,
    token('message', concat(n, '/', j)), if(
        n % 40 = 0 or kind = 'ChangeReport' or regexp_matches(named, 'Discovery|Authorization|Doorbell'), '',
        ',"correlationToken":"' || token('correlation', n) || '"'
    ),
    person, namespace, case kind
        when 'ErrorResponse' then '"type":"' || if(contains(how, '_'), how, pick(bits, 13, [
            'ENDPOINT_UNREACHABLE', 'BRIDGE_UNREACHABLE', 'ENDPOINT_BUSY', 'INTERNAL_ERROR', 'INVALID_VALUE'
        ])) || '"'
        when 'ChangeReport' then '"change":{"cause":{"type":"PHYSICAL_INTERACTION"},"properties":[' || state || ']}'
        else ''
    end,
    if(kind in ('Response', 'StateReport'), ',"context":{"properties":[' || coalesce(state, '') || ']}', '')
) as line
from (
    select
        *, kind in ('directive', 'ReportState', 'Discover', 'AcceptGrant') as is_in,
        how = 'async' or kind in ('ChangeReport', 'AddOrUpdateReport', 'DeleteReport', 'DoorbellPress') as is_async,
        if(p[2] = 'own' or (kind = 'Response' and regexp_matches(namespace, 'Scene|Panel')), namespace, p[2]) as named,
        -- A device's state lasts some hours, whatever was last reported of it.
        printf(
            '{"namespace":"Alexa.%s","name":"%s"%s,"value":%s,"timeOfSample":"%s"}', namespace, property,
            coalesce(',"instance":"' || instance || '"', ''),
            pick(seeded('state', concat(person, property, epoch(moment)::bigint // 20000)), 3, options), iso(moment)
        ) as state,
        -- A few are sent again, and answered once.
        unnest(if(is_in and draw(stir(bits, j), 31, 250) = 0, [moment, moment + interval 1 second], [moment]))
            as received,
    from messages
)
where kind <> 'ChangeReport' or state is not null;

from home_records
union all
from odd('home_records', '%"direction":"in"%', list_concat(odd_times('at'), [
    '{"message":null}', '{"direction":"sideways"}', '{"direction":null}', '{"message":"{}"}', '{"message":[]}',
    '{"skill_id":null}', '{"locale":"all"}',
    '{"message":{"directive":null,"header":{"namespace":"Alexa.Media.Search","name":"GetPlayableContent"}}}'
]));
