-- Items of the Events API, of the Logs API, and bodies of webhooks.
create view events as
with drawn as (
    select
        *,
        draw(bits, 7, 200000)::integer as person,
        stir(bits, j) as of_event,
        n % 25 = 3 and life not in ('opened twice at a time', 'one id for three kinds', 'one id on two days') as is_odd,
        token('message', n) as hex,
        -- One id may stand in events of several kinds, and on several days.
        token('mailgun', concat_ws('/', n, if(starts_with(life, 'one id'), null, j))) as id,
        pick(bits, 11, ['gmail-box.example', 'gmail-box.example', 'outlook-box.example', 'yahoo-box.example', 'apple-box.example', null]) as box,
    from mailgun_told
    join steps using (step)
    join sender_slots using (slot)
),

described as (
    select
        *,
        is_odd and draw(of_event, 12, 3) > 0 as is_written_otherwise,
        coalesce(box, concat('company-', person % 3000, '.example')) as recipient_domain,
        hex[1:22] || '@' || coalesce(domain, 'old.example.org') as message_id,
        case box
            when 'gmail-box.example' then 'Gmail'
            when 'outlook-box.example' then 'Outlook US'
            when 'yahoo-box.example' then 'Yahoo US'
            when 'apple-box.example' then 'Apple'
            else ['Google Workspace', 'Outlook 365', 'Free FR', 'Other'][1 + person % 4]
        end as provider,
        pick(bits, 13, [
            '{}', '{"customer":"c-1","plan":"pro"}', '{"customer":"c-1","plan":"pro"}', '[]',
            '{"customer":"c-1","experiment":{"name":"subject-line","arm":2},"paid":true}', '"Not valid as JSON"'
        ]) as variables,
    from drawn
),

recorded as (
    select
        arrived,
        n,
        j,
        shape,
        moment,
        id,
        '{' || concat_ws(
            ',',
            '"event":"' || if(is_written_otherwise, upper(event), event) || '"',
            if(is_written_otherwise and draw(of_event, 15, 2) = 0, null, '"id":"' || id[1:22] || '"'),
            case
                when shape = 'logs' then '"@timestamp":"' || iso(moment) || '"'
                when n % 16 = 0 then '"timestamp":"' || printf('%.3f', epoch_ms(moment) / 1000) || '"'
                when n % 20 = 5 then '"timestamp":' || epoch_ms(moment) // 1000
                else '"timestamp":' || printf('%.3f', epoch_ms(moment) / 1000) || if(shape = 'events' and is_alone and n % 3 = 0, '4567', '')
            end,
            '"log-level":"info"',
            if(side = 'engaged', null, own),
            case
                when side = 'sending' then '"envelope":{' || concat_ws(
                    ',',
                    '"sender":"hello@' || domain || '","targets":"reader.' || person || '@' || recipient_domain || '"',
                    field('transport', transport),
                    '"sending-ip":"' || ip || '"',
                    '"i-ip-pool-id":"' || pool || '-0001","i-ip-pool-name":"' || pool || '"'
                ) || '}'
            end,
            case when side = 'sending' and event in ('delivered', 'failed') then concat_ws(
                ',',
                '"flags":{' || pick(bits, 15, [
                    '"is-routed":false,"is-authenticated":true,"is-system-test":false,"is-test-mode":false',
                    '"is-routed":false,"is-authenticated":true,"is-system-test":false,"is-big":false,"is-test-mode":false',
                    '"is-routed":false,"is-authenticated":true,"is-big":true,"is-amp":true,"is-encrypted":true,"is-test-mode":false',
                    '"is-routed":null,"is-authenticated":true,"is-test-mode":false',
                    '"is-authenticated":true',
                    '"is-routed":false,"is-authenticated":true,"is-system-test":true,"is-test-mode":false',
                    '"is-routed":true,"is-test-mode":true'
                ]) || '}',
                ['"i-delivery-optimizer":"sto"', '"i-delivery-optimizer":""'][1 + draw(bits, 21, 40)],
                '"recipient-provider":"' || provider || '"'
            ) end,
            case
                when side = 'engaged' then concat_ws(
                    ',',
                    '"message":{"headers":{"message-id":"' || if(is_written_otherwise, '<' || message_id || '>', message_id) || '"}}',
                    '"recipient-provider":"' || provider || '"',
                    if(event = 'clicked' and draw(of_event, 14, 50) > 0, '"url":"https://www.example.com/offers?id=' || person % 50 || '"', null),
                    '"ip":"' || if(n % 7 = 0, '2001:db8::7', '203.0.113.' || person % 200) || '"',
                    pick(bits, 19, [
                        '"geolocation":{"country":"US","region":"TX","city":"San Antonio","timezone":"America/Chicago"}',
                        '"geolocation":{"country":"GB","region":"England","city":"Leeds","timezone":"Europe/London"}',
                        '"geolocation":{"country":"DE","region":"Bayern","city":"München","timezone":"Europe/Berlin"}',
                        '"geolocation":{"country":"BR","region":"SP","city":"S\u00e3o Paulo","timezone":"America/Sao_Paulo"}',
                        '"geolocation":{"country":"Unknown","region":"Unknown","city":"Unknown","timezone":"Unknown"}',
                        '"geolocation":{}',
                        null
                    ]),
                    '"client-info":{' || concat_ws(
                        ',',
                        if(own is null, pick(of_event, 23, [
                            '"client-name":"Chrome Mobile","client-os":"Android","client-type":"mobile browser","device-type":"mobile"',
                            '"client-name":"Mobile Safari","client-os":"iOS","client-type":"mobile browser","device-type":"mobile"',
                            '"client-name":"Chrome","client-os":"Windows","client-type":"browser","device-type":"desktop"',
                            '"client-name":"Thunderbird","client-os":"OS X","client-type":"email client","device-type":"desktop"',
                            '"client-name":"Safari","client-os":"iPadOS","client-type":"browser","device-type":"tablet"',
                            '"client-name":"Reader","client-os":"unknown","client-type":"feed reader","device-type":"other"',
                            '"client-name":"curl","client-os":"unknown","client-type":"library","device-type":"unknown"'
                        ]), '"client-name":"unknown","client-os":"unknown","client-type":"robot","device-type":"unknown"'),
                        '"user-agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0"',
                        if(is_odd, upper(own), coalesce(own, pick(of_event, 25, ['"bot":null', '"bot":""', null])))
                    ) || '}'
                )
                when side <> 'owner' then concat_ws(
                    ',',
                    '"message":{"headers":{"to":"reader@' || recipient_domain || '","message-id":"' || message_id
                    || '","from":"Example <hello@' || coalesce(domain, 'old.example.org') || '>","subject":"' || pick(bits, 27, [
                        'Your receipt', 'What is new this month', 'Spring offers inside', 'Grüße aus dem Lager', 'Caf\u00e9 news \ud83d\ude80',
                        'The \"big\" update', 'Price \\ quantity: a new list'
                    ]) || '"},"attachments":[],"size":' || 800 + person % 9000 || '}',
                    '"storage":{"url":' || if(
                        shape = 'logs',
                        '["https://storage-west1.api.mailgun.example/v3/messages/' || hex || '"]',
                        '"https://storage-west1.api.mailgun.example/v3/messages/' || hex || '"'
                    ) || ',"region":"west1","key":"' || hex || '","env":"production"}'
                )
            end,
            case when side in ('sending', 'bare', 'engaged') or event = 'email_validation' then
                '"recipient":"' || if(is_written_otherwise and side = 'engaged', 'Reader.', 'reader.') || person || '@' || recipient_domain || '"'
            end,
            if(side in ('sending', 'engaged'), '"recipient-domain":"' || recipient_domain || '"', null),
            case
                when event = 'unsubscribed' then '"storage":[],"tags":["*"]'
                when side in ('sending', 'engaged', 'message') then pick(bits, 31, [
                    '"tags":[]', '"tags":["newsletter"]', '"tags":["newsletter","spring-sale"]', '"tags":["receipt","eu","priority"]',
                    '"tags":["welcome","welcome"]', '"tags":["onboarding-2","A/B: variant b"]', '"tags":["Größe & Co"]', null
                ])
            end,
            '"campaigns":[]',
            case when side = 'sending' then ['"template":{"name":"digest","version":"v2"}', '"x-campaign-cohort":"2026-q2-b"',
                '"batch":{"id":"b0000000000000000000c0de"}', '"api-key-id":"ab12cd34-00000001"',
                '"mailing-list":{"address":"readers@news.example.com","list-id":"readers","sid":"s1"}'][1 + draw(bits, 33, 20)] end,
            case
                when life in ('stored and forwarded', 'forwarded by SMTP') and shape = 'logs' then '"routes":{"id":"6f00","expression":"match_recipient()"}'
                when life in ('stored and forwarded', 'forwarded by SMTP') then '"routes":[{"id":"6f00","expression":"match_recipient()"}]'
            end,
            if(side = 'engaged' and n % 2 = 0, '"delivered-at":' || if(shape = 'logs', '"Tue, 03 Feb 2026 19:20:31 +0000"', '1770146431'), null),
            '"user-variables":' || if(shape = 'logs' and variables[1] = '{', to_json(variables), variables),
            account,
            if(domain = 'alerts.example.net' and shape = 'events', field('domain', domain), '"domain":{"name":"' || domain || '"}')
        ) || '}' as record,
    from described
)

select
    arrived,
    n,
    j,
    shape,
    record,
    if(
        shape = 'webhook',
        '{"signature":{"timestamp":"' || epoch_ms(moment) // 1000 || '","token":"' || id || '","signature":"' || id || id
        || '"},"event-data":' || record || '}',
        record
    ) as line,
from recorded;

-- Odd records: pages of both APIs, the last of them empty; the control panel's test webhooks; and what is no event.
create table odd_events as
with base as (
    select arrived, shape, record from events
    where arrived < beginning() + interval 2 days and n < 200 and shape <> 'webhook'
    order by arrived, record
    limit 60
),

one as (select arrived, record from base where record like '%"timestamp"%' and record like '%"id"%' limit 1)

select
    max(arrived) as arrived,
    if(
        shape = 'logs',
        '{"start":"Mon, 05 Jan 2026 00:00:00 -0000","items":[' || string_agg(record, ',' order by record) || '],"pagination":{},"aggregates":{}}',
        '{"items":[' || string_agg(record, ',' order by record) || '],"paging":{"next":"https://api.mailgun.example/next","previous":"https://api.mailgun.example/previous"}}'
    ) as line,
from base
group by shape
union all
select arrived, unnest(['{"items":[],"paging":{"next":"https://api.mailgun.example/next"}}', '{"items":[],"pagination":{},"aggregates":{}}']) from one
union all
select arrived, json_merge_patch(record, patch)::varchar
from one, (values
    ('{"id":"nIKIiE5URaSr-8WsuiCrBB"}'), ('{"id":"CPgfbmQMTCKtHW6uIWtuVe"}'),
    ('{"timestamp":null}'), ('{"timestamp":99999999999999}'), ('{"timestamp":-62135596800}'), ('{"timestamp":0}'),
    ('{"timestamp":"soon"}'), ('{"timestamp":""}'), ('{"event":"delivery_scheduled"}'), ('{"event":""}'), ('{"event":null}'), ('{"event":42}'),
    ('{"user-variables":{"note":"before\u0000after"}}')
) as v (patch)
where not clean();

select arrived, line from events
union all
select arrived, line from odd_events where not clean();
