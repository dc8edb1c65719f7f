-- Items of the Events API and of the Logs API, and bodies of webhooks.
-- A step is an event with its parameters, of which "-" is one that the event lacks: of a delivery the
-- attempt, the transport and the code; of a failure severity, reason, attempt, code, type of bounce
-- and flag; of what engaged people the bot, and whether all of a message's events have one id.
create table lives as from (values
    (2900, 'accepted delivered+2'),
    (1300, 'accepted delivered+2 opened~9000'),
    (500, 'accepted delivered+2 opened~3000 opened~3400 opened~9000 opened~100000'),
    (500, 'accepted delivered+2 opened~5000 clicked~5060'),
    (500, 'accepted delivered+2 opened:apple~600 opened~9000'),
    (300, 'accepted delivered+2 opened:apple~600'),
    (60, 'accepted delivered+2 opened:gmail~30'),
    (200, 'accepted delivered+2 opened:generic+8 clicked:generic+9'),
    (80, 'accepted delivered+2 clicked~5400'),
    (30, 'accepted delivered+2 opened~9000 clicked~9030 unsubscribed~9090'),
    (20, 'accepted delivered+2 complained~40000'),
    (150, 'accepted accepted+1 delivered+2 opened~7000'),
    -- Several attempts.
    (400, 'accepted failed:temporary:greylisted:1:450+2 delivered:2~602'),
    (100, 'accepted failed:temporary:generic:1:421+2 failed:temporary:espblock:2:421+602 delivered:5~9002'),
    (60, 'accepted failed:temporary:generic:1:498+2 failed:temporary:blacklisted:3:499+602 '
        || 'failed:permanent:old:8:602~30000'),
    (40, 'accepted failed:temporary:generic:1:680+2 failed:TEMPORARY:UNKNOWN:3:421+1802 '
        || 'failed:temporary:-:4:451+4202 delivered:5+9002'),
    (60, 'accepted delivered+2 failed:permanent:bounce:-:550:-:is-delayed-bounce~90000'),
    (20, 'accepted delivered+2 failed:permanent:generic:8:500:-:is-callback+28800'),
    (20, 'accepted delivered+2 failed:permanent:generic:8:500:-:is-webhook+28800'),
    -- Windows of seven days; equal times; one id in events of several kinds, and on several days.
    (20, 'accepted delivered+2 opened+3600 opened+607536'),
    (20, 'accepted delivered+2 opened+3600 opened+608400 clicked+608401'),
    (10, 'accepted delivered+2 opened+3600 clicked+3601 opened+626400 clicked+626401'),
    (10, 'accepted delivered+2 opened+3600 opened+349200 opened+694800 opened+1040400'),
    (10, 'accepted delivered+2 opened+3600 opened+3600'),
    (10, 'accepted delivered+2 opened:-:one-id+3600 clicked:-:one-id+3600 unsubscribed:-:one-id+3600'),
    (10, 'accepted delivered+2 opened:-:one-id+3600 opened:-:one-id+262800'),
    -- Routes, tests, and kinds that no metric counts.
    (200, 'accepted:routed stored+1 delivered:1:http:200+2'),
    (100, 'accepted:routed stored+1 delivered+2'),
    (30, 'accepted:test delivered:1:smtp:650+1'),
    (40, 'rejected'),
    (15, 'list_member_uploaded list_member_upload_error+60 list_uploaded+120'),
    (15, 'email_validation'),
    (10, 'trapped'),
    (10, 'dropped bounced+1'),
    (5, 'accepted delivered+2 unique_opened+3600 unique_clicked+3600')
) as v (share, script)
union all
select 10, 'accepted ' || step || '+3' from unnest([
    'delivered:-', 'delivered:0', 'delivered:1:-', 'delivered:1:', 'delivered:1:SMTP',
    'failed:permanent:bounce:1:550:hard', 'failed:PERMANENT:BOUNCE:1:554:hard',
    'failed:permanent:bounce:1:5.1.1', 'failed:permanent:suppress-bounce:1:605',
    'failed:permanent:suppress-unsubscribe:1:606', 'failed:permanent:suppress-complaint:1:607',
    -- Mailgun's two rules for hard and soft disagree on the second: by reason it is soft.
    'failed:permanent:generic:1:552:soft', 'failed:permanent:generic:1:550:hard',
    'failed:permanent:generic:1:498:soft', 'failed:permanent:generic:1:499',
    'failed:permanent:generic:1:625', 'failed:permanent:greylisted:1:451:soft',
    'failed:permanent:blacklisted:1:554:soft', 'failed:permanent:espblock:1:554:soft',
    'failed:permanent:hardfail:1:550:hard', 'failed:permanent:unknown:1:571',
    'failed:permanent:-:1:550:soft', 'failed:internal:generic:1:451',
    'failed:unknown:generic:1:451', 'failed:-:generic:1:451'
]) as r (step);


-- What a step says in its event.
create table steps as
select
    *,
    case event
        when 'accepted' then concat(
            '"flags":{"is-routed":', contains(step, 'routed'), ',"is-authenticated":',
            not contains(step, 'routed'), ',"is-test-mode":', contains(step, 'test'), '}'
        )
        when 'delivered' then '"delivery-status":{' || concat_ws(
            ',',
            field('attempt-no', try_cast(coalesce(p[2], '1') as integer)),
            '"code":' || coalesce(p[4], '250')
        ) || '}'
        when 'failed' then concat_ws(
            ',',
            field('severity', nullif(p[2], '-')),
            field('reason', nullif(p[3], '-')),
            '"flags":{"' || p[7] || '":true}',
            '"delivery-status":{' || concat_ws(
                ',',
                field('attempt-no', try_cast(p[4] as integer)),
                '"code":' || coalesce(try_cast(p[5] as integer)::varchar, to_json(p[5])),
                field('bounce-type', nullif(p[6], '-'))
            ) || '}'
        )
        when 'rejected' then '"reject":{"reason":"The domain may not send yet","description":""}'
    end as own,
    '"transport":"' || nullif(if(event = 'delivered', coalesce(p[3], 'smtp'), 'smtp'), '-') || '"'
        as transport,
    if(event in ('opened', 'clicked'), nullif(p[2], '-'), null) as bot,
from (
    select distinct steps.step, string_split(steps.step, ':') as p, p[1] as event
    from (select unnest(steps) as steps from lives_in('lives'))
);

-- The sending domains, whose they are, and their address; the last is of old payloads.
create table senders as from (values
    (0, 'mail.example.com', '{"id":"a01"}', '192.0.2.10', 'bulk'),
    (1, 'news.example.com', '{"id":"a01"}', '192.0.2.20', 'warm-up'),
    (2, 'news.example.org', '{"id":"b01","parent-id":"b00"}', '198.51.100.10', 'shared'),
    (3, 'billing.example.org', '{"id":"b02","parent-id":"b00"}', '198.51.100.20', 'transactional'),
    (4, 'alerts.example.net', '{"id":"a01"}', '203.0.113.30', null),
    (5, 'legacy.example.com', null, '203.0.113.50', null),
    (6, null, null, '203.0.113.60', null)
) as v (sender, domain, account, ip, pool);

-- Every arrival of an event, in one or several of the shapes. Some clocks have whole seconds.
set variable messages = (select lives_of(events() / 1.08, 'lives'));
create table messages as from moments('mailgun', getvariable('messages'));
create table arrivals_of_events as
with shaped as (
    select
        happened.* replace (if(n % 20 = 5, date_trunc('second', moment), moment) as moment),
        pick(bits, 29, [0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5, 5, 6])::tinyint as sender,
        case draw(bits, 37, 50)
            when 0 then ['webhook', 'events', 'logs']
            when 1 then ['webhook', 'events']
            when 2 then ['events', 'logs']
            else [pick(bits, 41, ['events', 'events', 'events', 'webhook', 'logs'])]
        end as shapes,
    from steps_of('messages', 'lives') as happened
    where within_days(moment)
)

select * exclude (shapes), len(shapes) = 1 as is_alone, unnest(arrivals(moment, stir(bits, j))) as arrived
from (select *, unnest(shapes) as shape from shaped)
order by arrived;

create view records as
with drawn as (
    select
        *,
        stir(bits, j) as of_event,
        n % 25 = 3 and draw(stir(bits, j), 12, 3) > 0 and not contains(step, 'one-id') as is_odd,
        token('mailgun', concat_ws('/', n, if(contains(step, 'one-id'), null, j)))[1:22] as id,
        concat(token('message', n)[1:22], '@', domain) as message_id,
        draw(bits, 7, 200000) as person,
        pick(bits, 11, ['gmail', 'yahoo', 'outlook', 'company']) as provider,
        pick(bits, 13, ['{}', '[]', '{"plan":"pro"}', '{"arm":2,"paid":true}', '"no JSON"']) as variables,
    from arrivals_of_events
    join steps using (step)
    join senders using (sender)
)

select arrived, shape, moment, id, '{' || concat_ws(
    ',',
    '"event":"' || if(is_odd, upper(event), event) || '"',
    if(is_odd and draw(of_event, 15, 2) = 0, null, '"id":"' || id || '"'),
    case
        when shape = 'logs' then '"@timestamp":"' || iso(moment) || '"'
        when n % 16 = 0 then '"timestamp":"' || printf('%.3f', epoch_ms(moment) / 1000) || '"'
        when n % 20 = 5 then '"timestamp":' || epoch_ms(moment) // 1000
        else '"timestamp":' || printf('%.3f', epoch_ms(moment) / 1000)
            || if(shape = 'events' and is_alone and n % 3 = 0, '4567', '')
    end,
    own,
    '"message":{"headers":{"message-id":"' || if(is_odd, '<' || message_id || '>', message_id) || '"}}',
    case
        when event in ('opened', 'clicked', 'unsubscribed') then concat_ws(
            ',',
            if(event = 'clicked' and draw(of_event, 14, 50) > 0,
                '"url":"https://www.example.com/offers?id=' || person % 50 || '"', null),
            '"geolocation":{' || pick(bits, 19, [
                '"country":"US","region":"TX","city":"San Antonio"',
                '"country":"GB","region":"England","city":"Leeds"',
                '"country":"DE","region":"Bayern","city":"München"',
                '"country":"BR","region":"SP","city":"S\u00e3o Paulo"',
                '"country":"Unknown","region":"Unknown","city":"Unknown"', ''
            ]) || '}',
            '"client-info":{' || if(bot is null, pick(of_event, 23, [
                '"client-type":"mobile browser","device-type":"mobile"',
                '"client-type":"browser","device-type":"desktop","bot":null',
                '"client-type":"email client","device-type":"tablet","bot":""',
                '"client-type":"feed reader","device-type":"other"',
                '"client-type":"library","device-type":"unknown"'
            ]), '"client-type":"robot","bot":"' || if(n % 9 = 0, upper(bot), bot) || '"') || '}'
        )
        when event in ('accepted', 'delivered', 'failed', 'complained') then concat_ws(
            ',',
            '"envelope":{' || concat_ws(
                ',', transport, '"sending-ip":"' || ip || '"', '"i-ip-pool-name":"' || pool || '"'
            ) || '}',
            if(contains(own, '"flags"'), null, '"flags":{' || pick(bits, 15, [
                '"is-routed":false,"is-authenticated":true,"is-test-mode":false',
                '"is-authenticated":true,"is-big":true,"is-amp":true,"is-encrypted":true',
                '"is-routed":null,"is-authenticated":true,"is-system-test":true',
                '"is-routed":true,"is-test-mode":true'
            ]) || '}'),
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
        '[]', '["newsletter"]', '["newsletter","spring-sale"]', '["receipt","eu","priority"]',
        '["welcome","welcome"]', '["A/B: variant b"]', '["Größe & Co"]', null
    ])),
    '"user-variables":' || if(shape = 'logs' and variables[1] = '{', to_json(variables), variables),
    '"account":' || account,
    '"domain":' || if(sender = 4 and shape = 'events', '"' || domain || '"', '{"name":"' || domain || '"}')
) || '}' as line
from drawn;

-- Pages of both APIs, the last of them empty; the control panel's test webhooks; what is no event.
create table first_records as
from records where arrived < beginning() + interval 2 days and shape <> 'webhook'
order by arrived, line
limit 60;

create table odd_records as
select max(arrived) as arrived, concat(
    if(shape = 'logs', '{"start":"Mon, 05 Jan 2026 00:00:00 -0000",', '{'), '"items":[',
    string_agg(line, ',' order by line), if(shape = 'logs', '],"pagination":{}}', '],"paging":{"next":"none"}}')
) as line
from first_records where not clean() group by shape
union all
from odd('first_records', '%"id"%"timestamp"%', list_concat(odd_times('timestamp'), [
    '{"id":"nIKIiE5URaSr-8WsuiCrBB"}', '{"id":"CPgfbmQMTCKtHW6uIWtuVe"}',
    '{"timestamp":99999999999999}', '{"timestamp":-62135596800}', '{"timestamp":0}',
    '{"event":"delivery_scheduled"}', '{"event":""}', '{"event":null}', '{"event":42}',
    '{"user-variables":{"note":"before\u0000after"}}'
]))
union all
select arrived, unnest(['{"items":[],"paging":{"next":"none"}}', '{"items":[],"pagination":{}}'])
from (from first_records limit 1) where not clean();

select arrived, if(shape = 'webhook', concat(
    '{"signature":{"timestamp":"', epoch_ms(moment) // 1000, '","token":"', id, '","signature":"', id,
    '"},"event-data":', line, '}'
), line) as line
from records
union all
from odd_records;
