-- Needs: pinpoint/_shared.sql.
-- The event stream, as Firehose delivers it.
create table email_fates as from (values
    (100, 'send+0.5 delivered+2 open~9000 click~9060'),
    (50, 'send+0.5 delivered+2 open~3000 open~30000 click~3060 click~30010'),
    (60, 'send+0.5 delivered+2'),
    (6, 'send+0.5 hardbounce+2'),
    (4, 'send+0.5 softbounce~3600 softbounce~7200 delivered~20000 open~24000'),
    (3, 'send+0.5 softbounce~3600 hardbounce~20000'),
    (3, 'send+0.5 softbounce~3600 softbounce~7200 softbounce~9000'),
    (2, 'send+0.5 delivered+2 hardbounce~40000'),
    (2, 'send+0.5 delivered+2 complaint+3600'),
    (2, 'send+0.5 delivered+2 complaint~1000000'),
    (2, 'send+0.5 delivered+2 open+3600 unsubscribe+3610'),
    (2, 'send+0.5 delivered+2 open+3600 click+3609 unsubscribe+3610 unsubscribe+3620'),
    (1, 'send+0.5 rejected+1'),
    (1, 'rejected+1'),
    (2, 'rendering_failure+1'),
    (3, 'send+0.5 delivered+1 open+10 open+200 click+11 click+201'),
    (3, 'send+0.5 delivered+1 open+1800 open+5100 click+1801 click+5101'),
    (2, 'delivered+1 open+3600'),
    (2, 'send+0.5 delivered+2 open~1500000')
) as v (share, script);

-- A text's events with their record status, and whether they have the price ($).
create table text_fates as
from (values
    (20, 'BUFFERED/PENDING/ SUCCESS/DELIVERED/$+5'),
    (14, 'BUFFERED/SUCCESSFUL/$ SUCCESS/DELIVERED/$+5'),
    (6, 'BUFFERED/SUCCESSFUL/$ SUCCESS/SUCCESSFUL/$+5'),
    (8, 'SUCCESS/SUCCESSFUL/$'),
    (3, 'BUFFERED/SUCCESSFUL/$ SUCCESS/SUCCESSFUL/+5'),
    (2, 'SUCCESS/DELIVERED/'),
    (2, 'BUFFERED/PENDING/'),
    (2, 'BUFFERED/SUCCESSFUL/$'),
    (2, 'BUFFERED/SUCCESSFUL/$ FAILURE/UNKNOWN/$+259200'),
    (2, 'BUFFERED/PENDING/ FAILURE/UNREACHABLE/$+5 SUCCESS/DELIVERED/$+65'),
    (3, 'FAILURE/BLOCKED/'),
    (2, 'BUFFERED/PENDING/ FAILURE/SPAM/+5'),
    (3, 'BUFFERED/PENDING/ SUCCESS/DELIVERED/$+5 OPTOUT/OPTED_OUT/~1800'),
    (2, 'SUCCESS/DELIVERED/$ OPTOUT//~1800')
) as v (share, script)
union all
select 1, 'BUFFERED/SUCCESSFUL/$ FAILURE/' || status || '/$+5' from unnest([
    'UNREACHABLE', 'BLOCKED', 'CARRIER_UNREACHABLE', 'SPAM', 'INVALID', 'INVALID_MESSAGE',
    'CARRIER_BLOCKED', 'TTL_EXPIRED', 'MAX_PRICE_EXCEEDED', 'OPTED_OUT', 'NO_QUOTA_LEFT_ON_ACCOUNT',
    'NO_ORIGINATION_IDENTITY_AVAILABLE_TO_SEND', 'DESTINATION_COUNTRY_NOT_SUPPORTED',
    'ACCOUNT_IN_SANDBOX', 'RATE_EXCEEDED', 'INVALID_ORIGINATION_IDENTITY', 'INVALID_PARAMETERS',
    'ORIGINATION_IDENTITY_DOES_NOT_EXIST', 'INVALID_DLT_PARAMETERS', 'ACCESS_DENIED', 'INVALID_KEYWORD',
    'INVALID_SENDER_ID', 'INVALID_POOL_ID', 'SENDER_ID_NOT_SUPPORTED_FOR_DESTINATION',
    'INVALID_PHONE_NUMBER'
]) as r (status);

create table push_fates as from (values
    (8, 'nothing'),
    (6, 'received_background+2'),
    (4, 'received_foreground~4000'),
    (3, 'received_background+2 opened_notification~4000'),
    (2, 'received_foreground~4000 opened_notification~4100'),
    (1, 'received_foreground~4000 received_background~4002 opened_notification~5000'),
    (2, 'opened_notification~4000'),
    (1, 'received_background+2 opened_notification~4000 opened_notification~9000')
) as v (share, script);

-- What messages are of: a journey's activity, a campaign, or neither. Some texts don't say their
-- journey, though one sent them; others come too long after one, or after a send that failed.
create table of_journeys as
select *, concat(
    '"journey_run_id":"', run, '","journey_id":"', hex_id(journey), '","journey_activity_id":"', activity, '"'
) as origin
from sends;
create macro of_campaign() as
    concat('"campaign_id":"', hex_id('spring'), '","campaign_activity_id":"', hex_id('a'), '","treatment_id":"0"');
create table messages as
select
    *,
    row_number() over (partition by type order by moment, person, origin) - 1 as n,
    seeded(type, concat(person, moment, origin)) as bits,
from (
    select if(type = 'SMS' and n % 7 = 3, null, origin) as origin, type, person, moment
    from of_journeys where status = 'SUCCESS'
    union all
    select null, type, person, moment + [to_minutes(4319), to_minutes(4322), to_hours(200)][1 + n // 12 % 3]
    from sends where status = 'SUCCESS' and type = 'SMS' and n % 12 = 0
    union all
    select null, type, person, moment + interval 1 minute
    from sends where status <> 'SUCCESS' and type = 'SMS' and n % 2 = 0
    union all
    -- That a message is of neither is said in three ways.
    select
        if(journey = 'campaign', of_campaign(), pick(bits, 11, [null, '"campaign_id":null', '"campaign_type":null'])),
        if(step = 'unmarked', 'SMS', step), if(journey = 'none', 1000000, 0) + person, moment,
    from walked where step in ('EMAIL', 'SMS', 'PUSH', 'unmarked')
);
create table emails as from messages where type = 'EMAIL';
create table texts as from messages where type = 'SMS';
create table pushes as from messages where type = 'PUSH';

-- Of people of no journey half are in another project. An app reports by its device's clock.
create macro app_id(person) as hex_id(if(person >= 1000000 and person % 2 = 1, 'alerts', 'shop'));
create macro event(kind, moment, arrival, person, type, attributes, more) as concat(
    '{"event_type":"', kind, '","event_timestamp":', epoch_ms(moment), ',"arrival_timestamp":',
    epoch_ms(arrival), ',"event_version":"3.1","application":{"app_id":"', app_id(person),
    '"},"client":{"client_id":"', printf('%08x-e0d0', person), type, '"},"attributes":{', attributes,
    '},', more || ',', '"awsAccountId":"300000000001"}'
);

create table streamed as
with of_sends as (
    select sent_at as moment, bits, event(
        '_journey.send', sent_at, sent_at + to_milliseconds(person % 300), person, type, concat_ws(
            ',',
            '"journey_send_status":"' || status || '"',
            if(status = 'QUIET_TIME_WAIT_FINISHED', null, '"journey_activity_type":"' || type || '"'),
            -- Status code and message: mostly both, null, or left out as formerly.
            case
                when n % 5 = 0 then null
                when n % 7 = 0 then '"journey_send_status_message":null,"journey_send_status_code":"200"'
                else '"journey_send_status_message":"made up","journey_send_status_code":"200"'
            end,
            origin
        ),
        -- What a send knows of its endpoint: JSON within a text.
        '"client_context":{"custom":{"endpoint":' || to_json(concat(
            '{"ChannelType":"', type, '",',
            if(n % 4 > 0, '"Demographic":{"Timezone":"Europe/Berlin"},', ''), '"OptOut":"NONE"}'
        )) || '}}'
    ) as line
    from of_journeys
    -- These two are streamed only now and then, though they are counted.
    where status not in ('TRANSIENT_FAILURE', 'SERVICE_FAILURE') or n % 3 = 0
),

of_emails as (
    select moment, bits, event(
        -- The event's time is the message's, whatever happened when.
        '_email.' || step, begun_at, moment, person, 'EMAIL',
        concat_ws(',', '"feedback":"' || step || '"', origin), concat(
            '"facets":{"email_channel":{"mail_event":{"mail":{"message_id":"0100',
            token('email', concat(n, begun_at)), '","message_send_timestamp":', epoch_ms(begun_at),
            ',"from_address":"shop@example.com","destination":["customer.', person, '@example.com"]},',
            case step
                when 'hardbounce' then '"bounce":{"bounce_type":"Permanent","bounce_sub_type":"'
                    || ['General', 'NoEmail', 'Suppressed'][1 + n % 3] || '"}'
                when 'softbounce' then '"bounce":{"bounce_type":"' || ['Transient', 'Undetermined'][1 + n % 2]
                    || '","bounce_sub_type":"General"}'
                when 'complaint' then '"complaint":{"complaint_feedback_type":'
                    || ['"abuse"', '"not-spam"', 'null', '"fraud"'][1 + n % 4] || '}'
                when 'unsubscribe' then '"click":{"link_tags":{"unsubscribeLinkTag":["click"]}}'
                when 'delivered' then '"delivery":{}'
                when 'rejected' then '"reject":{}'
                else '"' || step || '":{}'
            end, '}}}'
        )
    )
    from steps_of('emails', 'email_fates')
),

of_texts as (
    select moment, bits, event(
        '_SMS.' || kind, moment, moment + to_seconds(person % 900 - 400), person, 'SMS', concat_ws(
            ',',
            '"record_status":' || coalesce('"' || nullif(status, '') || '"', 'null'),
            '"iso_country_code":"' || ['US', 'US', 'CA'][1 + n % 3] || '"',
            '"number_of_message_parts":"' || parts || '","message_id":"' || token('text', concat(n, begun_at)) || '"',
            '"message_type":"' || ['Transactional', 'Promotional'][1 + n % 2] || '"',
            origin
        ),
        -- At first it is an estimate, though mostly right; a message of several parts has one price.
        '"metrics":{' || if(contains(step, '$'), '"price_in_millicents_usd":'
            || parts * [645.0, 645, 581, 746.5, 0][1 + n % 5] + if(kind = 'BUFFERED' and n % 10 = 1, 64.5, 0),
            pick(bits, 13, ['', '"price_in_millicents_usd":null'])) || '}'
    )
    from (
        select
            *, split_part(step, '/', 1) as kind, split_part(step, '/', 2) as status,
            [1, 1, 2, 4][1 + n % 4] as parts
        from steps_of('texts', 'text_fates')
    )
),

of_apps as (
    -- What arrives a day late, and a clock that is wrong.
    select
        moment + if(n % 20 = 0, interval 1 day, interval 1 second) as arrival, bits, event(
            if(contains(origin, 'campaign_id'), '_campaign.', '_journey.') || step,
            moment - to_hours(if(n % 25 = 0, 2, 0)), arrival, person, 'PUSH', origin, null
        )
    from steps_of('pushes', 'push_fates')
    where step <> 'nothing'
    union all
    select moment, bits, event(
        if(step = '_cart.abandoned', 'cart.abandoned', step), moment, moment, person, 'PUSH',
        if(step = '_campaign.send', '"campaign_send_status":"SUCCESS",' || of_campaign(), ''), null
    )
    from walked where step[1] = '_'
)

select moment, line, unnest(arrivals(moment, stir(bits, len(line)))) as arrived
from (from of_sends union all from of_emails union all from of_texts union all from of_apps)
where within_days(moment)
order by arrived;

-- What a Lambda transformation passes on and Firehose writes of a failed delivery; what is no event.
create table first_events as
from streamed where moment < beginning() + interval 2 days and not clean() order by line limit 20;
create macro passed(line) as concat(
    '{"recordId":"4960', md5(line), '","result":"Ok","data":"', to_base64(encode(line || chr(10))), '"}'
);
create table odd_events as
select max(arrived) as arrived, unnest([
    '{"invocationId":"0-f1fe","records":[' || string_agg(passed(line), ',' order by line) || ']}',
    '{"records":[' || max(passed(line)) || ',{"recordId":"1","data":"%%%"},'
        || '{"recordId":"2","data":"eyJldmVudF90eXBlIjog"},{"recordId":"3","data":null}]}',
    '{"attemptsMade":4,"errorCode":"Example.Failed","errorMessage":"made up","rawData":"e30="}'
]) as line
from first_events having count() > 0
union all
from odd('streamed', '{"event_type":"_journey.send"%', list_concat([
    '{"event_timestamp":null,"arrival_timestamp":null}', '{"event_timestamp":253402300799000}',
    '{"event_timestamp":-62135596800000}', '{"event_timestamp":"soon"}', '{"event_type":""}',
    '{"event_type":null}', '{"event_type":"_journey.teleported"}', '{"application":null}',
    '{"attributes":"none"}', '{"attributes":7}', '{"event_type":"_email.open"}',
    '{"event_type":"_journey.opened_notification","client":null}'
], [
    '{"event_type":"' || kind || '"}' for kind in [
        '_session_start', '_session_stop', '_session_pause', '_session_resume',
        '_inapp.message_displayed', '_inapp.message_clicked', '_inapp.message_dismissed'
    ]
]));

select arrived, line from streamed
union all
from odd_events;
