-- Items of the Events API and of the Logs API, and bodies of webhooks. A step is an event with its
-- parameters, "-" for one that it lacks: of an acceptance its flag; of a delivery attempt, code and
-- transport; of a failure severity, reason, code, attempt, type of bounce and flag; of what engaged
-- people the bot, and whether a message's events have one id.
create table lives as from (values
    (3000, 'accepted delivered'),
    (3000, 'accepted delivered opened~9000'),
    (500, 'accepted delivered {opened~3000 opened~3400 opened~9000 opened~100000|opened~5000 clicked~5060}'),
    (500, 'accepted delivered opened:apple~600{| opened~9000}'),
    (500, 'accepted failed:temporary:greylisted:450:1 delivered:2~602'),
    (100, 'accepted delivered {opened:generic clicked:generic|opened:gmail~30|clicked~5400}'),
    (100, 'accepted{ accepted delivered|:is-routed stored delivered:1:200:http}'),
    (100, 'accepted delivered failed:permanent:bounce:550:-:-:is-delayed-bounce~90000'),
    (100, 'accepted failed:temporary:generic:421:1 failed:temporary:espblock:421:2~602 delivered:5~9002'),
    (100, 'accepted failed:temporary:generic:498:1 failed:temporary:blacklisted:499:3~602 '
        || 'failed:permanent:old:602:8~30000'),
    (20, 'accepted failed:temporary:generic:680:1 failed:TEMPORARY:UNKNOWN:421:3~602 failed:temporary:-:451:4~2402'),
    (20, 'accepted delivered failed:permanent:generic:500:8:-:{is-callback|is-webhook}+28800'),
    (20, '{accepted:is-system-test delivered|accepted:is-test-mode delivered:1:650|rejected}'),
    (20, 'accepted delivered {complained~40000|opened~9000 clicked~9030 unsubscribed~9090}'),
    -- Windows of seven days; equal times; one id in events of several kinds, and on several days.
    (20, 'accepted delivered opened+3600 {opened+607536|opened+608400 clicked+608401|opened+3600|'
        || 'clicked+3601 opened+626400 clicked+626401|opened+349200 opened+694800}'),
    (20, 'accepted delivered opened:-:id+3600 {clicked:-:id+3600 unsubscribed:-:id+3600|opened:-:id+262800}'),
    -- Mailgun's two rules for hard and soft disagree on a generic failure of the type hard: by reason it is soft.
    (10, 'accepted delivered{:-|:0|:1:250:-|:1:250:|:1:250:SMTP}'),
    (10, 'accepted failed:permanent:{bounce:550:1:hard|bounce:5.1.1|suppress-bounce:605|suppress-unsubscribe:606|'
        || 'suppress-complaint:607|generic:552:1:soft|generic:550:1:hard|generic:625|greylisted:451:1:soft|'
        || 'blacklisted:554:1:soft|espblock:554:1:soft|hardfail:550:1:hard|unknown:571|-:550:1:soft}'),
    (10, 'accepted failed:{PERMANENT:BOUNCE:554:1:hard|internal:generic:451|unknown:generic:451|-:generic:451}')
) as v (share, script);

-- The sending domains, whose they are, and their envelope; the last are of old payloads.
create table senders as from (values
    (0, 'mail.example.com', '{"id":"a01"}', '192.0.2.10","i-ip-pool-name":"bulk"'),
    (1, 'news.example.com', '{"id":"a01"}', '192.0.2.20","i-ip-pool-name":"warm-up"'),
    (2, 'news.example.org', '{"id":"b01","parent-id":"b00"}', '198.51.100.10","i-ip-pool-name":"shared"'),
    (3, 'pay.example.org', '{"id":"b02","parent-id":"b00"}', '198.51.100.20","i-ip-pool-name":"transactional"'),
    (4, 'alerts.example.net', '{"id":"a01"}', '203.0.113.30"'),
    (5, 'legacy.example.com', null, '203.0.113.50"'),
    (6, null, null, '203.0.113.60"')
) as v (sender, domain, account, envelope);

-- What a server answers with a code, or Mailgun in its place.
create macro said(code) as case code
    when '421' then '<4.7.28 Our system has detected an unusual rate of mail from your domain: rate limited.|'
        || '4.7.0 [TSS04] Messages from 192.0.2.10 temporarily deferred due to unexpected volume or user complaints>'
    when '450' then '4.7.1 Recipient address rejected: Greylisted'
    when '451' then '4.7.650 The mail server [192.0.2.10] has been temporarily rate limited due to IP reputation.'
    when '498' then 'No MX for [company.example]'
    when '499' then 'Unable to connect to MX servers: connection refused'
    when '550' then '<5.1.1 The email account that you tried to reach does not exist.|5.1.1 User unknown in table|'
        || '5.7.26 Unauthenticated email is not accepted due to the domain''s DMARC policy.>'
    when '552' then '5.2.2 The recipient''s inbox is out of storage space and inactive.'
    when '554' then '5.7.1 Service unavailable; client host [192.0.2.10] blocked using zen.spamhaus.org'
    when '602' then 'Too old'
    when '605' then 'Not delivering to previously bounced address'
end;

-- What a step says: in each shape, in variants of which some are odd. Some clocks have whole seconds.
create table templates as
select step, shape, variant, event, domain, choose(fill(concat(
    if(shape = 'webhook', '{"signature":{"timestamp":"$whole","token":"$id","signature":"$id"},"event-data":', ''),
    '{"event":"', if(is_odd, upper(event), event), '"', if(variant % 50 = 3, '', ',"id":"$id"'), case
        when shape = 'logs' then ',"@timestamp":"$time"'
        when variant % 16 = 0 then ',"timestamp":"$time"'
        when variant % 20 = 5 then ',"timestamp":$whole'
        when shape = 'events' and variant % 3 = 0 and not is_odd then ',"timestamp":$time4567'
        else ',"timestamp":$time'
    end,
    ',"message":{"headers":{"message-id":"', if(is_odd, '<$message>', '$message'), '"}}', case event
        when 'accepted' then ',"flags":{' || if(p[2] is null, '', '"$2":true,') || '"is-authenticated":$known}'
        when 'delivered' then ',"delivery-status":{"attempt-no":$attempt,"code":$code}'
        when 'failed' then ',"severity":"$2","reason":"$3",'
            || '"delivery-status":{"attempt-no":$5,"code":$4,"enhanced-code":"$enhanced","message":"$said","bounce-type":"$6"}'
            || if(p[7] is null, '', ',"flags":{"$7":true}')
        when 'rejected' then ',"reject":{"reason":"The domain may not send yet"}'
    end, case
        when event in ('opened', 'clicked', 'unsubscribed') then concat(
            if(event = 'clicked' and variant % 50 > 0, ',"url":"https://www.example.com/<1|2|3|4|5|6|7|8>"', ''),
            ',"geolocation":{<"country":"US","region":"TX","city":"San Antonio"|"country":"GB","region":"England",'
            '"city":"Leeds"|"country":"DE","region":"Bayern","city":"München"|"country":"BR","region":"SP",'
            '"city":"S\u00e3o Paulo"|"country":"Unknown","region":"Unknown","city":"Unknown"|>},"client-info":{',
            if(bot is null, '<"client-type":"mobile browser","device-type":"mobile"|"client-type":"feed reader"|'
                '"client-type":"browser","device-type":"desktop","bot":null|"client-type":"library"|'
                '"client-type":"email client","device-type":"tablet","bot":"">', '"client-type":"robot","bot":"$bot"'),
            '}'
        )
        when event in ('accepted', 'delivered', 'failed', 'complained') then concat(
            ',"envelope":{"transport":"$transport","sending-ip":"', envelope, '}',
            if(event <> 'delivered', '', '<|||,"flags":{"is-big":true,"is-amp":true,"is-encrypted":true}>'),
            '<,"i-delivery-optimizer":"sto"|,"i-delivery-optimizer":""|,"x-campaign-cohort":"q2-b"|,"routes":$routes|>'
        )
    end,
    ',"recipient":"', if(is_odd and event = 'opened', 'Reader', 'reader'),
    '.$person@<gmail|yahoo|outlook|company>.example","recipient-domain":"<gmail|yahoo|outlook|company>.example",'
    '"recipient-provider":"<gmail|yahoo|outlook|company>"',
    if(event = 'unsubscribed', ',"tags":["*"]', '<,"tags":[]|,"tags":["newsletter"]|'
        ',"tags":["newsletter","spring-sale"]|,"tags":["welcome","welcome"]|,"tags":["Größe & Co"]|>'),
    ',"user-variables":', if(shape = 'logs', '"{\"arm\":2,\"paid\":true}"', '<{}|[]|{"plan":"pro"}|"no JSON">'),
    ',"account":' || account,
    ',"domain":' || if(sender = 4 and shape = 'events', '"$domain"', '{"name":"' || domain || '"}'), '}',
    if(shape = 'webhook', '}', '')
), [
    ['$2', p[2]], ['$3', p[3]], ['$4', if(try_cast(p[4] as json) is null, '"' || p[4] || '"', p[4])], ['$5', p[5]],
    ['$6', p[6]], ['$7', p[7]], ['$said', said(p[4])], ['$enhanced', nullif(regexp_extract(said(p[4]), '^[0-9.]+'), '')],
    ['$known', (p[2] is null or p[2] <> 'is-routed')::varchar],
    ['$attempt', if(len(p) > 1, p[2], '1')], ['$code', coalesce(p[3], '250')],
    ['$bot', if(variant % 9 = 0, upper(bot), bot)], ['$domain', domain],
    ['$transport', if(event = 'delivered' and len(p) > 3, p[4], 'smtp')],
    ['$routes', if(shape = 'logs', '{"id":"6f00"}', '[{"id":"6f00"}]')]
]), variant) as template,
from (
    select
        *, list_transform(string_split(step, ':'), lambda x: nullif(x, '-')) as p, p[1] as event,
        if(event in ('opened', 'clicked'), p[2], null) as bot,
    from (select distinct unnest(steps).step as step from lives_in('lives'))
)
cross join unnest(['events', 'logs', 'webhook']) as t (shape)
cross join (
    select variant, variant % 25 = 3 as is_odd,
        pick(seeded('sender', variant), 0, [0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5, 5, 6]) as sender,
    from range(200) as r (variant)
)
join senders using (sender);

-- Every arrival of an event, in one or several of the shapes.
create table messages as from moments('mailgun', lives_of(events() / 1.08, 'lives'));
create table arrivals_of_events as
select *, n % 200 as variant, unnest(arrivals(moment, stir(bits, j))) as arrived
from (
    select
        happened.* replace (if(n % 20 = 5, date_trunc('second', moment), moment) as moment),
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
select arrived, shape, replace(replace(replace(replace(replace(
    template, '$time', if(shape = 'logs', iso(moment), printf('%.3f', epoch_ms(moment) / 1000))),
    '$whole', (epoch_ms(moment) // 1000)::varchar),
    '$id', token('mailgun', if(ends_with(step, ':id'), n::varchar, concat(n, '/', j)))[1:22]),
    '$message', token('message', n)[1:22]), '$person', draw(bits, 7, 200000)::varchar) as line
from arrivals_of_events join templates using (step, shape, variant);

-- Pages of both APIs, the last of them empty; what is no event.
create table first_records as
from records where arrived < beginning() + interval 2 days and shape <> 'webhook' and not clean() order by all limit 60;

create table odd_records as
select max(arrived) as arrived, unnest([
    concat('{"items":[', string_agg(line, ',' order by line) filter (shape = 'events'), '],"paging":{"next":"none"}}'),
    concat(
        '{"start":"Mon, 05 Jan 2026 00:00:00 -0000","items":[',
        string_agg(line, ',' order by line) filter (shape = 'logs'), '],"pagination":{}}'
    ),
    '{"items":[],"paging":{"next":"none"}}', '{"items":[],"pagination":{}}'
]) as line
from first_records having count() > 0
union all
from odd('first_records', '%"id"%"timestamp"%', odd_times('timestamp') || [
    '{"id":"nIKIiE5URaSr-8WsuiCrBB"}', '{"timestamp":99999999999999}', '{"event":"delivery_scheduled"}',
    '{"event":null}', '{"event":42}', '{"user-variables":{"note":"before\u0000after"}}'
] || ['{"event":"' || kind || '"}' for kind in ignored_kinds()]);

select arrived, line from records
union all
from odd_records;
