-- Needs: pinpoint/_shared.sql.
-- Contact events, as EventBridge delivers them; a few without their envelope. What is known by then is in each, with
-- the first letters of its fields in lower or in upper case.
create macro in_upper_case(detail) as list_reduce(
    regexp_extract_all(detail, '"(\w+)":', 1),
    lambda text, name: replace(text, '"' || name || '":', '"' || upper(name[1]) || name[2:] || '":'), detail
);

create table contacts as
select
    unnest(arrivals(moment + to_seconds(draw(stir(bits, j), 21, 90)), stir(bits, j))) as arrived, fill(case
        when n % 11 = 5 and not is_timeless then detail
        else '{"version":"0","id":"$id","detail-type":"' || if(n % 3 = 2, 'Connect Customer', 'Amazon Connect')
            || ' Contact Event","source":"aws.connect","account":"300000000001","time":"$at","detail":'
            || case n % 8
                when 3 then in_upper_case(detail)
                when 5 then replace(replace(detail, 'agentInfo', 'AgentInfo'), 'connectedToAgent', 'ConnectedToAgent')
                else detail
            end || '}'
    end, [
        ['$id', token(kind, concat(n, '/', j))], ['$at', iso_seconds(moment)], ['$step', step],
        ['$life', token(kind, concat(n, begun_at))], ['$channel', coalesce(contact[3], 'VOICE')],
        ['$method', coalesce(contact[4], 'OUTBOUND')], ['$campaign', md5(journey)], ['$begun', iso(begun_at)],
        ['$system', iso(system_at)], ['$agent', iso(agent_at)],
        -- So written where it is not set.
        ['$over', if(step = 'CONTACT_DATA_UPDATED', '1970-01-01T00:00:00.001Z', iso(over_at))],
        ['$reason', if(over_at is null, null, contact[2])],
        -- What answered is in one event, or in all from the end on.
        ['$answer', if(step = 'COMPLETED' or (over_at is not null and n % 4 > 0), nullif(contact[1], ''), null)]
    ]) as line
from (
    select
        *, kind = 'contact' and n % 9 = 0 as is_timeless, string_split(split_part(script, ' ', 1), '/') as contact,
        '{"eventType":"$step","contactId":"$life","instanceArn":"arn:aws:connect:instance/7d1c5a52",'
        || '"channel":"$channel","initiationMethod":"$method","campaign":{"campaignId":"$campaign"},'
        || if(is_timeless, '', '"initiationTimestamp":"$begun","connectedToSystemTimestamp":"$system",'
            || '"disconnectTimestamp":"$over","agentInfo":{"connectedToAgentTimestamp":"$agent"},')
        || '"disconnectReason":"$reason","answeringMachineDetectionStatus":"$answer"}' as detail,
        max(if(step = 'CONNECTED_TO_SYSTEM', moment, null)) over life as system_at,
        max(if(step = 'CONNECTED_TO_AGENT', moment, null)) over life as agent_at,
        max(if(step = 'DISCONNECTED', moment, null)) over life as over_at,
    from happened
    where kind in ('CONTACT_CENTER', 'contact') and j > 1
    window life as (partition by kind, n order by j)
)
where within_days(moment);

from with_odd('contacts', '{"version"%"QUEUED"%', [
    '{"time":null,"detail":{"initiationTimestamp":null,"connectedToSystemTimestamp":null}}', '{"detail":null}',
    '{"detail-type":"Something Else"}', '{"detail-type":null}', '{"detail":{"contactId":null,"ContactId":null}}',
    '{"detail":{"eventType":"TELEPORTED"}}'
] || ['{"detail-type":"' || kind || '"}' for kind in ignored_kinds()]);
