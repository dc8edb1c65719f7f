-- Contact events, as EventBridge delivers them; a few without their envelope. What is known by then is in each, with the
-- first letters of its fields in lower or in upper case.
create macro spelled(name, value, is_upper) as '"' || if(is_upper, upper(name[1]) || name[2:], name) || '":' || to_json(value);

create table contacts as
select n, bits, moment, begun_at, person, step, j, answer, reason, channel, method, campaign from called
union all
select n + 100000, bits, moment, begun_at, person, step, j, null, split_part(life, '/', 3), split_part(life, '/', 1), split_part(life, '/', 2), null
from told('other_contacts', 'contact_lives');

create table recorded as
with dated as (
    select
        *,
        uuid_of(token('contact', concat(n, begun_at))) as id,
        n % 8 = 3 as is_upper,
        campaign is null and n % 9 = 0 as is_timeless,
        step in ('DISCONNECTED', 'COMPLETED') as is_over,
        max(moment) filter (where step = 'CONNECTED_TO_SYSTEM') over contact as system_at,
        max(moment) filter (where step = 'CONNECTED_TO_AGENT') over contact as agent_at,
        max(moment) filter (where step = 'DISCONNECTED') over contact as over_at,
        'arn:aws:connect:us-east-1:300000000001:instance/7d1c5a52-0000-4000-8000-00000000c0a1' as arn,
    from contacts
    window contact as (partition by n)
),

detailed as (
    select *, '{' || concat_ws(
        ',',
        spelled('eventType', step, is_upper),
        spelled('contactId', id, is_upper),
        spelled('channel', channel, is_upper),
        spelled('instanceArn', arn, is_upper),
        spelled('initiationMethod', method, is_upper),
        case when campaign is not null then '"' || if(is_upper, 'Campaign', 'campaign') || '":{' || spelled('campaignId', uuid_of(md5(campaign)), is_upper) || '}' end,
        if(is_timeless, null, concat_ws(
            ',',
            spelled('initiationTimestamp', iso(begun_at), is_upper),
            if(system_at <= moment, spelled('connectedToSystemTimestamp', iso(system_at), is_upper), null),
            case
                when is_over then spelled('disconnectTimestamp', iso(over_at), is_upper)
                -- So written where it is not set.
                when step = 'CONTACT_DATA_UPDATED' and n % 2 = 0 then spelled('disconnectTimestamp', '1970-01-01T00:00:00.001Z', is_upper)
            end,
            case
                when agent_at <= moment then '"' || if(is_upper or n % 8 = 5, 'AgentInfo', 'agentInfo') || '":{' || spelled('agentArn', arn || '/agent/7', is_upper or n % 8 = 5)
                    || ',' || spelled('connectedToAgentTimestamp', iso(agent_at), is_upper) || '}'
                when step = 'CONTACT_DATA_UPDATED' then '"agentInfo":{"agentArn":"none","connectedToAgentTimestamp":"1970-01-01T00:00:00.001Z"}'
            end
        )),
        if(step = 'CONTACT_DATA_UPDATED', '"updatedProperties":["ContactLens.ConversationalAnalytics.Configuration"]', null),
        if(is_over, spelled('disconnectReason', reason, is_upper), null),
        -- What answered is told in one event, or in all from the end on.
        if(step = 'COMPLETED' or (is_over and n % 4 > 0), spelled('answeringMachineDetectionStatus', answer, is_upper), null)
    ) || '}' as detail
    from dated
    where within_days(moment) and (step <> 'CONTACT_DATA_UPDATED' or n % 3 = 0)
)

select
    moment,
    step,
    unnest(arrivals(moment + to_seconds(draw(stir(bits, j), 21, 90)), stir(bits, j))) as arrived,
    if(n % 11 = 5 and not is_timeless and not is_upper, detail, concat(
        '{"version":"0","id":"', uuid_of(token('contact event', concat(n, '/', j))), '","detail-type":"',
        ['Amazon Connect Contact Event', 'Amazon Connect Contact Event', 'Connect Customer Contact Event'][1 + n % 3],
        '","source":"aws.connect","account":"300000000001","time":"', iso_seconds(moment), '","region":"us-east-1","resources":["', arn, '"],"detail":', detail, '}'
    )) as line,
from detailed;

create table odd_records as
with one as (select arrived, line from recorded where step = 'QUEUED' and line like '{"version"%' order by arrived, line limit 1)

select arrived, json_merge_patch(line, patch)::varchar as line
from one, (values
    ('{"time":null,"detail":{"initiationTimestamp":null,"connectedToSystemTimestamp":null}}'), ('{"detail":null}'), ('{"detail-type":"Something Else"}'), ('{"detail-type":null}'),
    ('{"detail":{"contactId":null,"ContactId":null}}'), ('{"detail":{"eventType":"TELEPORTED"}}')
) as v (patch)
union all
select arrived, json_merge_patch(line, '{"detail-type":"' || type || '"}')::varchar
from one, unnest([
    'Contact Lens Analysis State Change', 'Rule for Contact Lens Post Call Matched', 'Rule for Contact Lens Realtime Matched', 'Contact Lens Realtime Rules Matched',
    'Contact Lens Realtime Chat Rules Matched', 'Contact Lens Post Call Rules Matched', 'Contact Lens Post Chat Rules Matched', 'Contact Lens After Call Work Rules Matched',
    'Contact Lens After Chat Work Rules Matched', 'Contact Lens Email Rules Matched', 'Contact Lens Evaluation Rules Matched', 'Contact Lens Automated Evaluation Submission Failed',
    'Contact Lens Evaluation Export Failed', 'Metrics Rules Matched', 'Amazon Connect Rules Action Execution Failed', 'AWS API Call via CloudTrail', 'AWS Service Event via CloudTrail'
]) as r (type);

select arrived, line from recorded
union all
select arrived, line from odd_records where not clean();
