-- Items of the Events API and of the Logs API, and bodies of webhooks. A step is an event with its
-- parameters, "-" for one that it lacks: of an acceptance its flag; of a delivery attempt, code and
-- transport; of a failure severity, reason, code, attempt, type of bounce and flag; of what engaged
-- people the bot, and whether a message's events have one id.
create table lives as
select share, replace(unnest(scripts), 'SENT', 'accepted delivered+2') as script from (values
    (3000, ['SENT', 'SENT opened~9000']),
    (500, [
        'SENT opened~3000 opened~3400 opened~9000 opened~100000', 'SENT opened~5000 clicked~5060', 'SENT opened:apple~600',
        'SENT opened:apple~600 opened~9000', 'accepted failed:temporary:greylisted:450:1+2 delivered:2~602'
    ]),
    (100, [
        'SENT opened:generic+8 clicked:generic+9', 'SENT opened:gmail~30', 'SENT clicked~5400', 'accepted accepted+1 delivered+2',
        'accepted:is-routed stored+1 delivered:1:200:http+2', 'SENT failed:permanent:bounce:550:-:-:is-delayed-bounce~90000',
        'accepted failed:temporary:generic:421:1+2 failed:temporary:espblock:421:2+602 delivered:5~9002',
        'accepted failed:temporary:generic:498:1+2 failed:temporary:blacklisted:499:3+602 failed:permanent:old:602:8~30000'
    ]),
    (20, [
        'accepted failed:temporary:generic:680:1+2 failed:TEMPORARY:UNKNOWN:421:3+602 failed:temporary:-:451:4+2402',
        'SENT failed:permanent:generic:500:8:-:is-callback+28800', 'SENT failed:permanent:generic:500:8:-:is-webhook+28800',
        'accepted:is-system-test delivered+1', 'accepted:is-test-mode delivered:1:650+1', 'SENT complained~40000', 'rejected',
        'SENT opened~9000 clicked~9030 unsubscribed~9090', 'list_member_uploaded list_member_upload_error+60 list_uploaded+120',
        'email_validation', 'trapped', 'dropped bounced+1', 'SENT unique_opened+3600 unique_clicked+3600',
        -- Windows of seven days; equal times; one id in events of several kinds, and on several days.
        'SENT opened+3600 opened+607536', 'SENT opened+3600 opened+608400 clicked+608401', 'SENT opened+3600 opened+3600',
        'SENT opened+3600 clicked+3601 opened+626400 clicked+626401', 'SENT opened+3600 opened+349200 opened+694800',
        'SENT opened:-:id+3600 clicked:-:id+3600 unsubscribed:-:id+3600', 'SENT opened:-:id+3600 opened:-:id+262800'
    ])
) as v (share, scripts)
union all
-- Mailgun's two rules for hard and soft disagree on a generic failure of the type hard: by reason it is soft.
select 10, 'accepted ' || step || '+3' from unnest([
    'delivered:-', 'delivered:0', 'delivered:1:250:-', 'delivered:1:250:', 'delivered:1:250:SMTP',
    'failed:permanent:bounce:550:1:hard', 'failed:PERMANENT:BOUNCE:554:1:hard', 'failed:permanent:bounce:5.1.1',
    'failed:permanent:suppress-bounce:605', 'failed:permanent:suppress-unsubscribe:606',
    'failed:permanent:suppress-complaint:607', 'failed:permanent:generic:552:1:soft', 'failed:permanent:generic:550:1:hard',
    'failed:permanent:generic:625', 'failed:permanent:greylisted:451:1:soft', 'failed:permanent:blacklisted:554:1:soft',
    'failed:permanent:espblock:554:1:soft', 'failed:permanent:hardfail:550:1:hard', 'failed:permanent:unknown:571',
    'failed:permanent:-:550:1:soft', 'failed:internal:generic:451', 'failed:unknown:generic:451', 'failed:-:generic:451'
]) as r (step);

-- What a step says in its event.
create table steps as
select
    step, event, p[3] = 'id' as has_one_id, if(event in ('opened', 'clicked'), p[2], null) as bot,
    field('transport', if(event = 'delivered' and len(p) > 3, p[4], 'smtp')) as transport,
    nullif(json_of({
        severity: if(event = 'failed', p[2], null),
        reason: if(event = 'failed', p[3], null),
        reject: case when event = 'rejected' then {reason: 'The domain may not send yet'} end,
        flags: case event
            when 'accepted' then json_object(
                coalesce(p[2], 'is-test-mode'), p[2] is not null, 'is-authenticated', p[2] is distinct from 'is-routed'
            )
            when 'failed' then json_object(coalesce(p[7], 'is-routed'), p[7] is not null)
        end,
        "delivery-status": case event
            when 'delivered' then {"attempt-no": if(len(p) > 1, p[2], '1')::json, code: coalesce(p[3], '250')::json}
            when 'failed' then {
                "attempt-no": p[5]::json, code: coalesce(try_cast(p[4] as json), to_json(p[4])), "bounce-type": p[6],
            }
        end,
    })[2:-2], '') as own,
from (
    select distinct step, list_transform(string_split(step, ':'), lambda x: nullif(x, '-')) as p, p[1] as event,
    from (select unnest(steps).step as step from lives_in('lives'))
);

-- The sending domains, whose they are, and their envelope; the last is of old payloads.
create table senders as from (values
    (0, 'mail.example.com', '{"id":"a01"}', '"sending-ip":"192.0.2.10","i-ip-pool-name":"bulk"'),
    (1, 'news.example.com', '{"id":"a01"}', '"sending-ip":"192.0.2.20","i-ip-pool-name":"warm-up"'),
    (2, 'news.example.org', '{"id":"b01","parent-id":"b00"}', '"sending-ip":"198.51.100.10","i-ip-pool-name":"shared"'),
    (3, 'pay.example.org', '{"id":"b02","parent-id":"b00"}', '"sending-ip":"198.51.100.20","i-ip-pool-name":"transactional"'),
    (4, 'alerts.example.net', '{"id":"a01"}', '"sending-ip":"203.0.113.30"'),
    (5, 'legacy.example.com', null, '"sending-ip":"203.0.113.50"'),
    (6, null, null, '"sending-ip":"203.0.113.60"')
) as v (sender, domain, account, envelope);

-- Every arrival of an event, in one or several of the shapes. Some clocks have whole seconds.
set variable messages = (select lives_of(events() / 1.08, 'lives'));
create table messages as from moments('mailgun', getvariable('messages'));
create table arrivals_of_events as
select *, unnest(arrivals(moment, stir(bits, j))) as arrived
from (
    select
        happened.* replace (if(n % 20 = 5, date_trunc('second', moment), moment) as moment),
        pick(bits, 29, [0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5, 5, 6])::tinyint as sender,
        unnest(case draw(bits, 37, 50)
            when 0 then ['webhook', 'events', 'logs']
            when 1 then ['webhook', 'events']
            else [pick(bits, 41, ['events', 'events', 'events', 'webhook', 'logs'])]
        end) as shape,
    from steps_of('messages', 'lives') as happened
    where within_days(moment)
)
order by arrived;

create view records as
select
    arrived, shape, moment, stir(bits, j) as of_event, draw(bits, 7, 200000) as person,
    token('mailgun', concat_ws('/', n, if(has_one_id, null, j)))[1:22] as id,
    n % 25 = 3 and draw(of_event, 12, 3) > 0 and has_one_id is null as is_odd,
    concat(token('message', n)[1:22], '@', domain) as message_id,
    pick(bits, 11, ['gmail', 'yahoo', 'outlook', 'company']) as provider,
    pick(bits, 13, ['{}', '[]', '{"plan":"pro"}', '{"arm":2,"paid":true}', '"no JSON"']) as variables,
    '{' || concat_ws(
        ',',
        '"event":"' || if(is_odd, upper(event), event) || '"',
        if(is_odd and draw(of_event, 15, 2) = 0, null, '"id":"' || id || '"'),
        case
            when shape = 'logs' then '"@timestamp":"' || iso(moment) || '"'
            when n % 16 = 0 then '"timestamp":"' || printf('%.3f', epoch_ms(moment) / 1000) || '"'
            when n % 20 = 5 then '"timestamp":' || epoch_ms(moment) // 1000
            -- An event without an id is one by its time.
            else '"timestamp":' || printf('%.3f', epoch_ms(moment) / 1000)
                || if(shape = 'events' and n % 3 = 0 and not is_odd, '4567', '')
        end,
        own,
        '"message":{"headers":{"message-id":"' || if(is_odd, '<' || message_id || '>', message_id) || '"}}',
        case
            when event in ('opened', 'clicked', 'unsubscribed') then concat_ws(
                ',',
                if(event = 'clicked' and n % 50 > 0, '"url":"https://www.example.com/offers?id=' || person % 50 || '"', null),
                '"geolocation":{' || pick(bits, 19, [
                    '"country":"US","region":"TX","city":"San Antonio"', '"country":"GB","region":"England","city":"Leeds"',
                    '"country":"DE","region":"Bayern","city":"München"', '"country":"BR","region":"SP","city":"S\u00e3o Paulo"',
                    '"country":"Unknown","region":"Unknown","city":"Unknown"', ''
                ]) || '}',
                '"client-info":{' || if(bot is null, pick(of_event, 23, [
                    '"client-type":"mobile browser","device-type":"mobile"', '"client-type":"feed reader","device-type":"other"',
                    '"client-type":"browser","device-type":"desktop","bot":null', '"client-type":"library","device-type":"unknown"',
                    '"client-type":"email client","device-type":"tablet","bot":""'
                ]), '"client-type":"robot","bot":"' || if(n % 9 = 0, upper(bot), bot) || '"') || '}'
            )
            when event in ('accepted', 'delivered', 'failed', 'complained') then concat_ws(
                ',',
                '"envelope":{' || concat_ws(',', transport, envelope) || '}',
                if(event = 'delivered' and n % 7 = 0, '"flags":{"is-big":true,"is-amp":true,"is-encrypted":true}', null),
                pick(bits, 21, [
                    '"i-delivery-optimizer":"sto"', '"i-delivery-optimizer":""', '"x-campaign-cohort":"2026-q2-b"',
                    '"routes":' || if(shape = 'logs', '{"id":"6f00"}', '[{"id":"6f00"}]'), null
                ])
            )
        end,
        concat(
            '"recipient":"', if(is_odd and event = 'opened', 'Reader.', 'reader.'), person, '@', provider,
            '-box.example","recipient-domain":"', provider, '-box.example","recipient-provider":"', provider, '"'
        ),
        '"tags":' || if(event = 'unsubscribed', '["*"]', pick(bits, 31, [
            '[]', '["newsletter"]', '["newsletter","spring-sale"]', '["welcome","welcome"]', '["Größe & Co"]', null
        ])),
        '"user-variables":' || if(shape = 'logs' and variables[1] = '{', to_json(variables), variables),
        '"account":' || account,
        '"domain":' || if(sender = 4 and shape = 'events', '"' || domain || '"', '{"name":"' || domain || '"}')
    ) || '}' as line,
from arrivals_of_events
join steps using (step)
join senders using (sender);

-- Pages of both APIs, the last of them empty; the control panel's test webhooks; what is no event.
create table first_records as
select arrived, shape, line from records where arrived < beginning() + interval 2 days and shape <> 'webhook' and not clean()
order by all limit 60;

create table odd_records as
select max(arrived) as arrived, concat(
    if(shape = 'logs', '{"start":"Mon, 05 Jan 2026 00:00:00 -0000",', '{'), '"items":[',
    string_agg(line, ',' order by line), if(shape = 'logs', '],"pagination":{}}', '],"paging":{"next":"none"}}')
) as line
from first_records group by shape
union all
select max(arrived), unnest(['{"items":[],"paging":{"next":"none"}}', '{"items":[],"pagination":{}}']) from first_records
union all
from odd('first_records', '%"id"%"timestamp"%', list_concat(odd_times('timestamp'), [
    '{"id":"nIKIiE5URaSr-8WsuiCrBB"}', '{"timestamp":99999999999999}', '{"timestamp":0}', '{"event":"delivery_scheduled"}',
    '{"event":""}', '{"event":null}', '{"event":42}', '{"user-variables":{"note":"before\u0000after"}}'
]));

select arrived, if(shape = 'webhook', concat(
    '{"signature":{"timestamp":"', epoch_ms(moment) // 1000, '","token":"', id, '","signature":"', id, '"},"event-data":', line, '}'
), line) as line
from records
union all
from odd_records;
