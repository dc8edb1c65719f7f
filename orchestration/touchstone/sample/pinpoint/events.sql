-- Needs: pinpoint/_shared.sql.
-- The event stream, as Firehose delivers it: what becomes of emails, texts and pushes.
create table email_lives as
select share, unnest(scripts) as script from (values
    (60, [
        'send+0.5 delivered+2', 'send+0.5 delivered+2 open~9000 click~9060',
        'send+0.5 delivered+2 open~3000 open~30000 click~3060 click~30010'
    ]),
    (3, [
        'send+0.5 hardbounce+2', 'send+0.5 delivered+2 hardbounce~40000', 'send+0.5 softbounce~3600 hardbounce~20000',
        'send+0.5 softbounce~3600 softbounce~7200', 'send+0.5 softbounce~3600 delivered~20000 open~24000',
        'send+0.5 delivered+2 complaint+3600', 'send+0.5 delivered+2 complaint~1000000', 'send+0.5 delivered+2 open~1500000',
        'send+0.5 delivered+2 open+3600 unsubscribe+3610', 'send+0.5 delivered+1 open+10 open+200 click+11 click+201',
        'send+0.5 delivered+2 open+3600 click+3609 unsubscribe+3610 unsubscribe+3620', 'delivered+1 open+3600',
        'send+0.5 delivered+1 open+1800 open+5100 click+1801 click+5101',
        'send+0.5 rejected+1', 'rejected+1', 'rendering_failure+1'
    ])
) as v (share, scripts);

-- A text's events with their record status, and whether they have the price ($).
create table text_lives as
select share, unnest(scripts) as script from (values
    (12, [
        'BUFFERED/PENDING/ SUCCESS/DELIVERED/$+5', 'BUFFERED/SUCCESSFUL/$ SUCCESS/DELIVERED/$+5',
        'BUFFERED/SUCCESSFUL/$ SUCCESS/SUCCESSFUL/$+5', 'SUCCESS/SUCCESSFUL/$'
    ]),
    (2, [
        'BUFFERED/SUCCESSFUL/$ SUCCESS/SUCCESSFUL/+5', 'SUCCESS/DELIVERED/', 'BUFFERED/PENDING/', 'BUFFERED/SUCCESSFUL/$',
        'BUFFERED/SUCCESSFUL/$ FAILURE/UNKNOWN/$+259200', 'BUFFERED/PENDING/ FAILURE/UNREACHABLE/$+5 SUCCESS/DELIVERED/$+65',
        'FAILURE/BLOCKED/', 'BUFFERED/PENDING/ SUCCESS/DELIVERED/$+5 OPTOUT/OPTED_OUT/~1800', 'SUCCESS/DELIVERED/$ OPTOUT//~1800'
    ])
) as v (share, scripts)
union all
select 1, 'BUFFERED/SUCCESSFUL/$ FAILURE/' || status || '/$+5' from unnest([
    'UNREACHABLE', 'BLOCKED', 'CARRIER_UNREACHABLE', 'SPAM', 'INVALID', 'INVALID_MESSAGE', 'CARRIER_BLOCKED', 'TTL_EXPIRED',
    'MAX_PRICE_EXCEEDED', 'OPTED_OUT', 'NO_QUOTA_LEFT_ON_ACCOUNT', 'NO_ORIGINATION_IDENTITY_AVAILABLE_TO_SEND',
    'DESTINATION_COUNTRY_NOT_SUPPORTED', 'ACCOUNT_IN_SANDBOX', 'RATE_EXCEEDED', 'INVALID_ORIGINATION_IDENTITY',
    'ORIGINATION_IDENTITY_DOES_NOT_EXIST', 'INVALID_DLT_PARAMETERS', 'INVALID_PARAMETERS', 'ACCESS_DENIED', 'INVALID_KEYWORD',
    'INVALID_SENDER_ID', 'INVALID_POOL_ID', 'SENDER_ID_NOT_SUPPORTED_FOR_DESTINATION', 'INVALID_PHONE_NUMBER'
]) as r (status);

create table push_lives as
select 1 as share, unnest([
    'nothing', 'nothing', 'received_background+2', 'received_background+2', 'received_foreground~4000',
    'received_background+2 opened_notification~4000', 'received_foreground~4000 opened_notification~4100',
    'received_foreground~4000 received_background~4002 opened_notification~5000', 'opened_notification~4000'
]) as script;

-- What messages are of: a journey's activity, a campaign, or neither. Some texts don't say their
-- journey, though one sent them; others come too long after one, or after a send that failed.
create table messages as
select
    *, row_number() over (partition by type order by moment, person, origin) - 1 as n,
    seeded(type, concat(person, moment, origin)) as bits,
from (
    select if(type = 'SMS' and n % 7 = 3, null, origin) as origin, type, person, moment from sends where status = 'SUCCESS'
    union all
    select null, type, person, moment + [to_minutes(4319), to_minutes(4322), to_hours(200)][1 + n // 12 % 3]
    from sends where type = 'SMS' and n % 12 = 0
    union all
    select if(journey = 'campaign', {campaign_id: md5('spring')}, null), step, if(journey = 'none', 1000000, 0) + person, moment
    from walked where step in ('EMAIL', 'SMS', 'PUSH')
);
create table emails as from messages where type = 'EMAIL';
create table texts as from messages where type = 'SMS';
create table pushes as from messages where type = 'PUSH';

-- Of people of no journey half are in another project.
create macro event(kind, moment, arrival, person, type, origin, more) as json_of(json_merge_patch(to_json({
    event_type: kind, event_timestamp: epoch_ms(moment), arrival_timestamp: epoch_ms(arrival), event_version: '3.1',
    application: {app_id: md5(if(person >= 1000000 and person % 2 = 1, 'alerts', 'shop'))},
    client: {client_id: printf('%08x-e0d0', person) || type},
    attributes: origin,
    "awsAccountId": '300000000001',
}), to_json(more)));

create table streamed as
with of_sends as (
    select moment, bits, event(
        '_journey.send', moment, moment + to_milliseconds(person % 300), person, type, origin, {
            attributes: {
                journey_send_status: status,
                journey_activity_type: if(status = 'QUIET_TIME_WAIT_FINISHED', null, type),
                journey_send_status_code: if(n % 5 = 0, null, '200'),
                journey_send_status_message: if(n % 7 = 0, 'null', if(n % 5 = 0, null, 'made up')),
            },
            -- What a send knows of its endpoint: JSON within a text.
            client_context: {custom: {endpoint: json_of({
                "ChannelType": type, "Demographic": if(n % 4 > 0, {"Timezone": 'Europe/Berlin'}, null),
            })}},
        }
    ) as line
    from sends
    -- These two are streamed only now and then, though they are counted.
    where status not in ('TRANSIENT_FAILURE', 'SERVICE_FAILURE') or n % 3 = 0
),

-- An email event's time is the message's, whatever happened when.
of_emails as (
    select moment, bits, event('_email.' || step, begun_at, moment, person, 'EMAIL', origin, {
        attributes: {feedback: step},
        facets: {email_channel: {mail_event: {
            mail: {
                message_id: '0100' || token('email', concat(n, begun_at)), message_send_timestamp: epoch_ms(begun_at),
                from_address: 'shop@example.com', destination: [concat('customer.', person, '@example.com')],
            },
            bounce: case step
                when 'hardbounce' then {bounce_type: 'Permanent', bounce_sub_type: ['General', 'NoEmail'][1 + n % 2]}
                when 'softbounce' then {bounce_type: ['Transient', 'Undetermined'][1 + n % 2], bounce_sub_type: 'General'}
            end,
            complaint: case when step = 'complaint' then {complaint_feedback_type: ['abuse', 'not-spam', 'fraud'][1 + n % 3]} end,
            click: case when step = 'click' then {link: 'https://shop.example.com/'} end,
        }}},
    })
    from steps_of('emails', 'email_lives')
),

-- At first the price is an estimate, though mostly right; a message of several parts has one price.
of_texts as (
    select moment, bits, event(
        '_SMS.' || p[1], moment, moment + to_seconds(person % 900 - 400), person, 'SMS', origin, {
            attributes: {
                record_status: coalesce(nullif(p[2], ''), 'null'), iso_country_code: ['US', 'CA'][1 + n % 2],
                number_of_message_parts: parts::varchar, message_id: token('text', concat(n, begun_at)),
                message_type: ['Transactional', 'Promotional'][1 + n % 2],
            },
            metrics: {price_in_millicents_usd: if(
                p[3] = '$', parts * [645.0, 645, 581, 746.5, 0][1 + n % 5] + if(p[1] = 'BUFFERED' and n % 10 = 1, 64.5, 0), null
            )},
        }
    )
    from (select *, string_split(step, '/') as p, [1, 1, 2, 4][1 + n % 4] as parts from steps_of('texts', 'text_lives'))
),

-- An app reports by its device's clock, which may be wrong, and now and then a day late.
of_apps as (
    select moment + if(n % 20 = 0, interval 1 day, interval 1 second) as arrival, bits, event(
        if(origin.campaign_id is null, '_journey.', '_campaign.') || step,
        moment - to_hours(if(n % 25 = 0, 2, 0)), arrival, person, 'PUSH', origin, {}
    )
    from steps_of('pushes', 'push_lives') where step <> 'nothing'
    union all
    select moment, bits, event(ltrim(step, if(step = '_cart.abandoned', '_', '')), moment, moment, person, 'PUSH', null, {})
    from walked where step[1] = '_'
)

select moment, line, unnest(arrivals(moment, stir(bits, len(line)))) as arrived
from (from of_sends union all from of_emails union all from of_texts union all from of_apps)
where within_days(moment)
order by arrived;

-- What a Lambda transformation passes on and Firehose writes of a failed delivery; what is no event.
create macro passed(line) as
    concat('{"recordId":"4960', md5(line), '","result":"Ok","data":"', to_base64(encode(line || chr(10))), '"}');

from (select arrived, line from streamed)
union all
select max(arrived), unnest([
    '{"invocationId":"0-f1fe","records":[' || string_agg(passed(line), ',' order by line) || ']}',
    '{"records":[' || max(passed(line)) || ',{"recordId":"1","data":"%%%"},{"recordId":"3","data":null},'
        || '{"recordId":"2","data":"eyJldmVudF90eXBlIjog"}]}',
    '{"attemptsMade":4,"errorCode":"Example.Failed","errorMessage":"made up","rawData":"e30="}'
])
from (from streamed where moment < beginning() + interval 2 days and not clean() order by line limit 20) having count() > 0
union all
from odd('streamed', '%"event_type":"_journey.send"%', list_concat([
    '{"event_timestamp":null,"arrival_timestamp":null}', '{"event_timestamp":253402300799000}',
    '{"event_timestamp":-62135596800000}', '{"event_timestamp":"soon"}', '{"event_type":null}',
    '{"application":null}', '{"attributes":"none"}', '{"attributes":7}', '{"event_type":"_email.open"}',
    '{"event_type":"_journey.opened_notification","client":null}'
], [
    '{"event_type":"' || kind || '"}' for kind in [
        '', '_journey.teleported', '_session_start', '_session_stop', '_session_pause', '_session_resume',
        '_inapp.message_displayed', '_inapp.message_clicked', '_inapp.message_dismissed'
    ]
]));
