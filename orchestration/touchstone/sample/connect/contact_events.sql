-- Needs: pinpoint/_shared.sql.
-- Contact events, as EventBridge delivers them; a few without their envelope. What is known by then
-- is in each, with the first letters of its fields in lower or in upper case.
create macro spelled(name, value, is_upper) as
    concat('"', if(is_upper, upper(name[1]) || name[2:], name), '":', to_json(value));

-- Contacts of no campaign: channel, method, and why it is over.
create table contact_lives as
select 1 as share, contact || if(
    regexp_matches(contact, 'FAILED|NOT_EST|EXPIRED'), ' INITIATED DISCONNECTED+20 COMPLETED+50',
    ' INITIATED CONNECTED_TO_SYSTEM+4 WEBRTC_API+5 CONTACT_DATA_UPDATED+6 QUEUED+7 PAUSED+8 RESUMED+9 '
    || 'CONNECTED_TO_AGENT+13 DISCONNECTED~180 COMPLETED~210'
) as script
from unnest([
    'VOICE/INBOUND/CUSTOMER_DISCONNECT', 'VOICE/INBOUND/AGENT_DISCONNECT', 'TASK/API/EXPIRED',
    'VOICE/OUTBOUND/AGENT_DISCONNECT', 'VOICE/TRANSFER/CUSTOMER_DISCONNECT', 'TASK/API/AGENT_COMPLETED',
    'VOICE/OUTBOUND/OUTBOUND_ATTEMPT_FAILED', 'CHAT/API/IDLE_DISCONNECT',
    'CHAT/API/CUSTOMER_CONNECTION_NOT_ESTABLISHED'
]) as r (contact);
create table other_contacts as
select row_number() over (order by walked.n) - 1 as n, bits, moment from walked where step = 'contact';

create table contacts as
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
    from (
        select n, bits, moment, begun_at, step, j, answer, reason, channel, method, campaign from called
        union all
        select n + 100000, bits, moment, begun_at, step, j, null, p[3], p[1], p[2], null
        from (
            select *, string_split(split_part(script, ' ', 1), '/') as p
            from steps_of('other_contacts', 'contact_lives')
        )
    )
    where j > 1
    window contact as (partition by n)
),

detailed as (
    select *, '{' || concat_ws(
        ',',
        spelled('eventType', step, is_upper),
        spelled('contactId', id, is_upper),
        spelled('channel', channel, is_upper),
        spelled('instanceArn', 'arn:aws:connect:instance/7d1c5a52', is_upper),
        spelled('initiationMethod', method, is_upper),
        if(campaign is null, null, concat(
            '"', if(is_upper, 'Campaign', 'campaign'), '":{',
            spelled('campaignId', uuid_of(md5(campaign)), is_upper), '}'
        )),
        if(is_timeless, null, concat_ws(
            ',',
            spelled('initiationTimestamp', iso(begun_at), is_upper),
            if(system_at <= moment, spelled('connectedToSystemTimestamp', iso(system_at), is_upper), null),
            -- So written where it is not set.
            if(is_over or step = 'CONTACT_DATA_UPDATED', spelled(
                'disconnectTimestamp', if(is_over, iso(over_at), '1970-01-01T00:00:00.001Z'), is_upper
            ), null),
            if(agent_at <= moment, concat(
                '"', if(is_upper or n % 8 = 5, 'AgentInfo', 'agentInfo'), '":{',
                spelled('connectedToAgentTimestamp', iso(agent_at), is_upper or n % 8 = 5), '}'
            ), null)
        )),
        if(is_over, spelled('disconnectReason', reason, is_upper), null),
        -- What answered is in one event, or in all from the end on.
        if(answer is not null and (step = 'COMPLETED' or (is_over and n % 4 > 0)),
            spelled('answeringMachineDetectionStatus', answer, is_upper), null)
    ) || '}' as detail
    from dated
    where within_days(moment)
)

select
    unnest(arrivals(moment + to_seconds(draw(stir(bits, j), 21, 90)), stir(bits, j))) as arrived,
    if(n % 11 = 5 and not is_timeless and not is_upper, detail, concat(
        '{"version":"0","id":"', uuid_of(token('contact event', concat(n, '/', j))), '","detail-type":"',
        if(n % 3 = 2, 'Connect Customer Contact Event', 'Amazon Connect Contact Event'),
        '","source":"aws.connect","account":"300000000001","time":"', iso_seconds(moment),
        '","region":"us-east-1","detail":', detail, '}'
    )) as line,
from detailed;

from contacts
union all
from odd('contacts', '{"version"%"QUEUED"%', list_concat([
    '{"time":null,"detail":{"initiationTimestamp":null,"connectedToSystemTimestamp":null}}',
    '{"detail":null}', '{"detail-type":"Something Else"}', '{"detail-type":null}',
    '{"detail":{"contactId":null,"ContactId":null}}', '{"detail":{"eventType":"TELEPORTED"}}'
], [
    '{"detail-type":"' || type || '"}' for type in [
        'Contact Lens Analysis State Change', 'Rule for Contact Lens Post Call Matched',
        'Rule for Contact Lens Realtime Matched', 'Contact Lens Realtime Rules Matched',
        'Contact Lens Realtime Chat Rules Matched', 'Contact Lens Post Call Rules Matched',
        'Contact Lens Post Chat Rules Matched', 'Contact Lens After Call Work Rules Matched',
        'Contact Lens After Chat Work Rules Matched', 'Contact Lens Email Rules Matched',
        'Contact Lens Evaluation Rules Matched', 'Contact Lens Evaluation Export Failed',
        'Contact Lens Automated Evaluation Submission Failed', 'Metrics Rules Matched',
        'Amazon Connect Rules Action Execution Failed', 'AWS API Call via CloudTrail',
        'AWS Service Event via CloudTrail'
    ]
]));
