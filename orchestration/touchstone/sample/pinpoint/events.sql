-- The event stream, as Firehose delivers it.
create table email_fates as from (values
    ('read', 100, 'send+0.5, delivered+2, open~9000, click~9060'),
    ('read again', 50, 'send+0.5, delivered+2, open~3000, open~30000, click~3060, click~30010'),
    ('not read', 60, 'send+0.5, delivered+2'),
    ('bounced', 6, 'send+0.5, hardbounce+2'),
    ('bounced softly, then delivered', 4, 'send+0.5, softbounce~3600, softbounce~7200, delivered~20000, open~24000'),
    ('bounced softly, then for good', 3, 'send+0.5, softbounce~3600, hardbounce~20000'),
    ('bounced softly', 3, 'send+0.5, softbounce~3600, softbounce~7200, softbounce~9000'),
    ('delivered, then bounced', 2, 'send+0.5, delivered+2, hardbounce~40000'),
    ('complained', 2, 'send+0.5, delivered+2, complaint+3600'),
    ('complained at the end of the month', 2, 'send+0.5, delivered+2, complaint~1000000'),
    ('unsubscribed', 2, 'send+0.5, delivered+2, open+3600, unsubscribe+3610'),
    ('unsubscribed twice', 2, 'send+0.5, delivered+2, open+3600, click+3609, unsubscribe+3610, unsubscribe+3620'),
    ('rejected', 1, 'send+0.5, rejected+1'),
    ('rejected unsent', 1, 'rejected+1'),
    ('rendering failed', 2, 'rendering_failure+1'),
    ('opened within an hour', 3, 'send+0.5, delivered+1, open+10, open+200, click+11, click+201'),
    ('opened over the hour', 3, 'send+0.5, delivered+1, open+1800, open+5100, click+1801, click+5101'),
    ('send not extracted', 2, 'delivered+1, open+3600'),
    ('opened weeks later', 2, 'send+0.5, delivered+2, open~1500000')
) as v (life, share, script);

-- A text's events with their record status, and whether they have the price ($).
create table text_fates as
from (values
    ('delivered', 20, 'BUFFERED/PENDING/, SUCCESS/DELIVERED/$+5'),
    ('delivered, priced at first too', 14, 'BUFFERED/SUCCESSFUL/$, SUCCESS/DELIVERED/$+5'),
    ('sent', 6, 'BUFFERED/SUCCESSFUL/$, SUCCESS/SUCCESSFUL/$+5'),
    ('sent at once', 8, 'SUCCESS/SUCCESSFUL/$'),
    ('priced at first only', 3, 'BUFFERED/SUCCESSFUL/$, SUCCESS/SUCCESSFUL/+5'),
    ('unpriced', 2, 'SUCCESS/DELIVERED/'),
    ('pending', 2, 'BUFFERED/PENDING/'),
    ('nothing but the price', 2, 'BUFFERED/SUCCESSFUL/$'),
    ('no word for 72 hours', 2, 'BUFFERED/SUCCESSFUL/$, FAILURE/UNKNOWN/$+259200'),
    ('failed, and delivered after all', 2, 'BUFFERED/PENDING/, FAILURE/UNREACHABLE/$+5, SUCCESS/DELIVERED/$+65'),
    ('failed unpriced', 3, 'FAILURE/BLOCKED/'),
    ('failed, priced at first', 2, 'BUFFERED/SUCCESSFUL/$, FAILURE/SPAM/$+5'),
    ('failed and pending', 2, 'BUFFERED/PENDING/, FAILURE/SPAM/+5'),
    ('opted out', 3, 'BUFFERED/PENDING/, SUCCESS/DELIVERED/$+5, OPTOUT/OPTED_OUT/~1800'),
    ('opted out without a status', 2, 'SUCCESS/DELIVERED/$, OPTOUT//~1800')
) as v (life, share, script)
union all
select 'failed: ' || status, 1, 'BUFFERED/PENDING/, FAILURE/' || status || '/$+5' from unnest([
    'UNREACHABLE', 'BLOCKED', 'CARRIER_UNREACHABLE', 'SPAM', 'INVALID', 'INVALID_MESSAGE', 'CARRIER_BLOCKED', 'TTL_EXPIRED', 'MAX_PRICE_EXCEEDED',
    'OPTED_OUT', 'NO_QUOTA_LEFT_ON_ACCOUNT', 'NO_ORIGINATION_IDENTITY_AVAILABLE_TO_SEND', 'DESTINATION_COUNTRY_NOT_SUPPORTED', 'ACCOUNT_IN_SANDBOX',
    'RATE_EXCEEDED', 'INVALID_ORIGINATION_IDENTITY', 'ORIGINATION_IDENTITY_DOES_NOT_EXIST', 'INVALID_DLT_PARAMETERS', 'INVALID_PARAMETERS',
    'ACCESS_DENIED', 'INVALID_KEYWORD', 'INVALID_SENDER_ID', 'INVALID_POOL_ID', 'SENDER_ID_NOT_SUPPORTED_FOR_DESTINATION', 'INVALID_PHONE_NUMBER'
]) as r (status);

create table push_fates as from (values
    ('none', 8, 'nothing'), ('background', 6, 'received_background+2'), ('foreground', 4, 'received_foreground~4000'),
    ('opened', 3, 'received_background+2, opened_notification~4000'), ('opened from the foreground', 2, 'received_foreground~4000, opened_notification~4100'),
    -- The app was put away just then.
    ('both', 1, 'received_foreground~4000, received_background~4002'),
    ('both and opened', 1, 'received_foreground~4000, received_background~4002, opened_notification~5000'),
    ('opened alone', 2, 'opened_notification~4000'), ('opened twice', 1, 'received_background+2, opened_notification~4000, opened_notification~9000')
) as v (life, share, script);

create table emails as from messages where type = 'EMAIL';
create table texts as from messages where type = 'SMS';
create table pushes as from messages where type = 'PUSH';

create macro app_id(is_shop) as hex_id(if(is_shop, 'project shop', 'project alerts'));
create macro endpoint_id(type, person) as
    concat(printf('%08x', person), '-e0d0-4000-8000-0000000000', case type when 'EMAIL' then 'e1' when 'SMS' then '51' when 'PUSH' then '9c' else 'c5' end);
-- An event of Pinpoint's own; the rest is further fields.
create macro event(kind, moment, arrival, app, client, attributes, rest) as concat(
    '{"event_type":"', kind, '","event_timestamp":', epoch_ms(moment), ',"arrival_timestamp":', epoch_ms(arrival), ',"event_version":"3.1","application":{"app_id":"', app,
    '","sdk":{}},"client":{"client_id":"', client, '"},"device":{"platform":{}},"session":{},"attributes":{', attributes, '},', rest || ',', '"awsAccountId":"300000000001"}'
);
-- An event that an app reports, by its device's clock.
create macro app_event(kind, moment, arrival, person, attributes) as concat(
    '{"event_type":"', kind, '","event_timestamp":', epoch_ms(moment), ',"arrival_timestamp":', epoch_ms(arrival), ',"event_version":"3.0","application":{"app_id":"', app_id(true),
    '","package_name":"com.example.shop","sdk":{"name":"aws-sdk-android","version":"2.16.0"},"title":"Shop","version_name":"4.1","version_code":"41"},"client":{"client_id":"',
    endpoint_id('PUSH', person), '"},"device":{"locale":{"code":"en_US","country":"US","language":"en"},"make":"Example","model":"Phone 9","platform":{"name":"android"}},',
    '"session":{"session_id":"', printf('%08x', person), '","start_timestamp":', epoch_ms(moment), '},"attributes":{', attributes, '},"metrics":{}}'
);
-- What a send knows of its endpoint: JSON within a text.
create macro endpoint(type, person, has_zone) as concat(
    '"client_context":{"custom":{"endpoint":', to_json(concat(
        '{"ChannelType":"', type, '","EndpointStatus":"ACTIVE",', if(has_zone, '"Demographic":{"Timezone":"Europe/Berlin"},', ''), '"OptOut":"NONE"}'
    )), '}}'
);

create table streamed as
with of_sends as (
    select moment, bits, event(
        '_journey.send', moment, moment + to_milliseconds(person % 300), app_id(true), endpoint_id(type, person),
        concat_ws(
            ',',
            '"journey_send_status":"' || status || '"',
            if(status = 'QUIET_TIME_WAIT_FINISHED', null, '"journey_activity_type":"' || type || '"'),
            -- Status code and message: mostly both, null, or left out as formerly.
            case
                when n % 5 = 0 then null
                when n % 7 = 0 then '"journey_send_status_message":null,"journey_send_status_code":"200"'
                else '"journey_send_status_message":"' || lower(status) || '","journey_send_status_code":"200"'
            end,
            of_journey(run, journey, activity)
        ),
        endpoint(type, person, status <> 'QUIET_TIME_MISSING_TIMEZONE' and n % 4 > 0)
    ) as line
    from sends
    -- These two are streamed only now and then, though they are counted.
    where status not in ('TRANSIENT_FAILURE', 'SERVICE_FAILURE') or n % 3 = 0
),

of_emails as (
    select moment, bits, event(
        -- The event's time is the message's, whatever happened when.
        '_email.' || step, begun_at, moment, app_id(is_of_shop), endpoint_id('EMAIL', person),
        concat_ws(',', '"feedback":"' || step || '"', origin),
        concat_ws(
            ',',
            if(n % 4 = 0, '"client_context":{"custom":{"legacy_identifier":"' || app_id(is_of_shop) || '"}}', null),
            '"facets":{"email_channel":{"mail_event":{"mail":{"message_id":"0100' || token('email', concat(n, begun_at)) || '","message_send_timestamp":' || epoch_ms(begun_at)
            || ',"from_address":"shop@example.com","destination":["customer.' || person || '@example.com"],"headers_truncated":' || if(n % 50 = 0, 'true', 'false')
            || ',"common_headers":{"from":"shop@example.com","subject":"' || pick(bits, 21, ['Welcome', 'Your cart is waiting', 'Grüße', 'Thank you']) || '"}},'
            || case
                when step in ('hardbounce', 'softbounce') then '"bounce":{"bounce_type":"' || if(step = 'hardbounce', 'Permanent', ['Transient', 'Undetermined'][1 + n % 2])
                    || '","bounce_sub_type":"' || if(step = 'hardbounce', ['General', 'NoEmail', 'Suppressed'][1 + n % 3], 'General')
                    || '","bounced_recipients":[{"email_address":"customer@example.com","status":"5.1.1"}],"feedback_id":"0100"}'
                when step = 'complaint' then '"complaint":{"complained_recipients":[],"complaint_feedback_type":' || ['"abuse"', '"not-spam"', 'null', '"fraud"'][1 + n % 4] || '}'
                when step = 'open' then '"open":{"ip_address":"198.51.100.7","user_agent":"' || pick(bits, 23, ['Mozilla/5.0 (iPhone)', 'ImageProxy.example']) || '"}'
                when step in ('click', 'unsubscribe') then '"click":{"link":"https://shop.example.com/item/' || person % 50 || '","user_agent":"Mozilla/5.0 (iPhone)"'
                    || if(step = 'click', '}', ',"link_tags":{"unsubscribeLinkTag":["click"]}}')
                when step = 'rejected' then '"reject":{"reason":"Bad content"}'
                when step = 'delivered' then '"delivery":{"smtp_response":"250 2.0.0 accepted"}'
                else '"' || step || '":{}'
            end || '}}}'
        )
    )
    from told('emails', 'email_fates')
),

of_texts as (
    select
        moment, bits,
        event(
            '_SMS.' || kind, moment, moment + to_seconds(person % 900 - 400), app_id(is_of_shop), endpoint_id('SMS', person),
            concat_ws(
                ',',
                if(n % 6 = 0, null, '"origination_phone_number":"+12065550100"'),
                '"destination_phone_number":"+120655501' || lpad((person % 100)::varchar, 2, '0') || '"',
                '"record_status":' || coalesce('"' || nullif(status, '') || '"', 'null'),
                '"iso_country_code":"' || ['US', 'US', 'CA'][1 + n % 3] || '","number_of_message_parts":"' || parts || '","message_id":"' || token('text', concat(n, begun_at))
                || '","message_type":"' || ['Transactional', 'Promotional'][1 + n % 2] || '"',
                origin
            ),
            -- At first it is an estimate, though mostly right; a message of several parts has one price.
            if(is_priced, '"metrics":{"price_in_millicents_usd":' || parts * [645.0, 645, 581, 746.5, 0][1 + n % 5] + if(kind = 'BUFFERED' and n % 10 = 1, 64.5, 0) || '}',
                ['"metrics":{}', '"metrics":{"price_in_millicents_usd":null}'][1 + n % 3])
        )
    from (
        select *, split_part(step, '/', 1) as kind, split_part(step, '/', 2) as status, contains(step, '$') as is_priced, [1, 1, 2, 4][1 + n % 4] as parts
        from told('texts', 'text_fates')
    )
),

of_apps as (
    -- What arrives a day late, and a clock that is wrong.
    select
        moment + if(n % 20 = 0, interval 1 day, interval 1 second) as arrival, bits,
        app_event(
            if(contains(origin, 'campaign_id'), '_campaign.', '_journey.') || step, moment - if(n % 25 = 0, interval 2 hours, interval 0 hours), arrival, person, origin
        )
    from told('pushes', 'push_fates')
    where step <> 'nothing'
    union all
    select moment, bits, app_event(step, moment - interval 200 milliseconds, moment, person, if(step = 'cart.abandoned', '"items":"3"', ''))
    from walked
    where starts_with(life, 'app: ') or step = 'cart.abandoned'
    union all
    select moment, bits, event(
        step, moment, moment, app_id(true), endpoint_id('EMAIL', person),
        if(step = '_campaign.send', '"campaign_send_status":"SUCCESS","campaign_type":null,' || of_campaign(), ''), null
    )
    from walked
    where step in ('_campaign.send', '_test.event_stream')
)

select moment, line, unnest(arrivals(moment, stir(bits, len(line)))) as arrived
from (from of_sends union all from of_emails union all from of_texts union all from of_apps)
where within_days(moment)
order by arrived;

-- Odd records: what a Lambda transformation passes on, what Firehose writes of a failed delivery, and what is no event.
create table odd_events as
with base as (select line, arrived from streamed where moment < beginning() + interval 2 days order by line limit 20),

one as (select arrived, line from streamed where line like '{"event_type":"\_journey.send"%' escape '\' order by arrived, line limit 1),

passed as (
    select
        max(arrived) as arrived,
        list('{"recordId":"4960' || md5(line) || '","result":"Ok","approximateArrivalTimestamp":1769990400000,"data":"' || to_base64(encode(line || chr(10))) || '"}' order by line) as records,
    from base
)

select arrived, concat('{"invocationId":"00000000-0000-4000-8000-00000000f1fe","region":"us-east-1","records":[', array_to_string(records, ','), ']}') as line from passed
union all
select arrived, concat('{"records":[', array_to_string(records[1:3], ','), ',{"recordId":"1","data":"%%%"},{"recordId":"2","data":"eyJldmVudF90eXBlIjog"},{"recordId":"3","data":null}]}')
from passed
union all
select arrived, json_merge_patch(line, patch)::varchar
from one, (values
    ('{"event_timestamp":null,"arrival_timestamp":null}'), ('{"event_timestamp":253402300799000}'), ('{"event_timestamp":-62135596800000}'),
    ('{"event_timestamp":"soon"}'), ('{"event_type":""}'), ('{"event_type":null}'), ('{"event_type":"_journey.teleported"}'),
    ('{"application":null}'), ('{"attributes":"none"}'), ('{"attributes":7}'), ('{"event_type":"_journey.opened_notification","client":null}'), ('{"event_type":"_email.open"}')
) as v (patch)
union all
select arrived, json_merge_patch(line, '{"event_type":"' || kind || '"}')::varchar
from one, unnest([
    '_session_start', '_session_stop', '_session_pause', '_session_resume', '_inapp.message_displayed', '_inapp.message_clicked', '_inapp.message_dismissed'
]) as r (kind)
union all
select arrived, '{"attemptsMade":4,"arrivalTimestamp":1769990400000,"errorCode":"Example.Failed","errorMessage":"made up","rawData":"e30="}' from one;

select arrived, line from streamed
union all
select arrived, line from odd_events where not clean();
