-- Needs: pinpoint/_shared.sql.
-- Contact events, as EventBridge delivers them; a few without their envelope. What is known by then is in each, with
-- the first letters of its fields in lower or in upper case.
create macro in_upper_case(detail) as list_reduce(
    regexp_extract_all(detail, '"(\w+)":', 1),
    lambda text, name: replace(text, '"' || name || '":', '"' || upper(name[1]) || name[2:] || '":'), detail
);

-- Contacts of no campaign: channel, method, and why it is over.
create table contact_lives as
select 1 as share, contact || if(
    regexp_matches(contact, 'FAILED|NOT_EST|EXPIRED'), ' INITIATED DISCONNECTED+20 COMPLETED+50',
    ' INITIATED CONNECTED_TO_SYSTEM+4 WEBRTC_API+5 CONTACT_DATA_UPDATED+6 QUEUED+7 PAUSED+8 RESUMED+9 '
    || 'CONNECTED_TO_AGENT+13 DISCONNECTED~180 COMPLETED~210'
) as script
from unnest([
    'VOICE/INBOUND/CUSTOMER_DISCONNECT', 'VOICE/OUTBOUND/AGENT_DISCONNECT', 'VOICE/OUTBOUND/OUTBOUND_ATTEMPT_FAILED',
    'VOICE/TRANSFER/CUSTOMER_DISCONNECT', 'TASK/API/EXPIRED', 'TASK/API/AGENT_COMPLETED', 'CHAT/API/IDLE_DISCONNECT',
    'CHAT/API/CUSTOMER_CONNECTION_NOT_ESTABLISHED'
]) as r (contact);
create table other_contacts as from moments('contacts', greatest(events() // 100, 8));

create table contacts as
with happened as (
    select n, bits, moment, begun_at, step, j, answer, reason, channel, method, campaign from called
    union all
    select n - 1000000, bits, moment, begun_at, step, j, null, contact[3], contact[1], contact[2], null
    from (
        select *, string_split(split_part(script, ' ', 1), '/') as contact
        from steps_of('other_contacts', 'contact_lives')
    )
    where j > 1
),

described as (
    select *, json_merge_patch('{}', to_json({
        "eventType": step, "contactId": token('contact', concat(n, begun_at)), channel: channel,
        "instanceArn": 'arn:aws:connect:instance/7d1c5a52', "initiationMethod": method,
        campaign: if(campaign is null, null, {"campaignId": md5(campaign)}),
        "initiationTimestamp": iso(begun_at), "connectedToSystemTimestamp": iso(system_at),
        -- So written where it is not set.
        "disconnectTimestamp": if(step = 'CONTACT_DATA_UPDATED', '1970-01-01T00:00:00.001Z', iso(over_at)),
        "agentInfo": if(agent_at is null, null, {"connectedToAgentTimestamp": iso(agent_at)}),
        "disconnectReason": if(over_at is null, null, reason),
        -- What answered is in one event, or in all from the end on.
        "answeringMachineDetectionStatus": if(step = 'COMPLETED' or (over_at is not null and n % 4 > 0), answer, null),
    }), if(is_timeless, '{"initiationTimestamp":null,"connectedToSystemTimestamp":null,"disconnectTimestamp":null,'
        || '"agentInfo":null}', '{}'))::varchar as detail
    from (
        select
            *, campaign is null and n % 9 = 0 as is_timeless,
            max(if(step = 'CONNECTED_TO_SYSTEM', moment, null)) over contact as system_at,
            max(if(step = 'CONNECTED_TO_AGENT', moment, null)) over contact as agent_at,
            max(if(step = 'DISCONNECTED', moment, null)) over contact as over_at,
        from happened
        window contact as (partition by n order by j)
    )
    where within_days(moment)
)

select
    unnest(arrivals(moment + to_seconds(draw(stir(bits, j), 21, 90)), stir(bits, j))) as arrived,
    if(n % 11 = 5 and not is_timeless, detail, printf(
        '{"version":"0","id":"%s","detail-type":"%s Contact Event","source":"aws.connect","account":"300000000001",'
        || '"time":"%s","region":"us-east-1","detail":%s}', token('contact event', concat(n, '/', j)),
        if(n % 3 = 2, 'Connect Customer', 'Amazon Connect'), iso_seconds(moment), case n % 8
            when 3 then in_upper_case(detail)
            when 5 then replace(replace(detail, 'agentInfo', 'AgentInfo'), 'connectedToAgent', 'ConnectedToAgent')
            else detail
        end
    )) as line,
from described;

from contacts
union all
from odd('contacts', '{"version"%"QUEUED"%', list_concat([
    '{"time":null,"detail":{"initiationTimestamp":null,"connectedToSystemTimestamp":null}}', '{"detail":null}',
    '{"detail-type":"Something Else"}', '{"detail-type":null}', '{"detail":{"contactId":null,"ContactId":null}}',
    '{"detail":{"eventType":"TELEPORTED"}}'
], ['{"detail-type":"' || type || '"}' for type in [
    'Contact Lens Analysis State Change', 'Rule for Contact Lens Post Call Matched', 'Metrics Rules Matched',
    'Rule for Contact Lens Realtime Matched', 'Contact Lens Realtime Rules Matched', 'AWS API Call via CloudTrail',
    'Contact Lens Realtime Chat Rules Matched', 'Contact Lens Post Call Rules Matched',
    'Contact Lens Post Chat Rules Matched', 'Contact Lens After Call Work Rules Matched',
    'Contact Lens After Chat Work Rules Matched', 'Contact Lens Email Rules Matched',
    'Contact Lens Evaluation Rules Matched', 'Contact Lens Evaluation Export Failed',
    'Contact Lens Automated Evaluation Submission Failed', 'Amazon Connect Rules Action Execution Failed',
    'AWS Service Event via CloudTrail'
]]));
