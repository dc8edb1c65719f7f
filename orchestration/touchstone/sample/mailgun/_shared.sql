-- What happens to messages: the events, and the numbers that Mailgun reports, come from here.
create table lives as from (values
    ('delivered', 2900, 'accepted, delivered+2'),
    ('opened', 1300, 'accepted, delivered+2, opened~9000'),
    ('opened again', 500, 'accepted, delivered+2, opened~3000, opened~3400, opened~9000, opened~100000'),
    ('clicked', 500, 'accepted, delivered+2, opened~5000, clicked~5060'),
    ('opened by Apple first', 500, 'accepted, delivered+2, opened-apple~600, opened~9000'),
    ('opened by Apple', 300, 'accepted, delivered+2, opened-apple~600'),
    ('opened by Gmail', 60, 'accepted, delivered+2, opened-gmail~30'),
    ('scanned', 200, 'accepted, delivered+2, opened-generic+8, clicked-generic+9'),
    ('clicked unopened', 80, 'accepted, delivered+2, clicked~5400'),
    ('unsubscribed', 30, 'accepted, delivered+2, opened~9000, clicked~9030, unsubscribed~9090'),
    ('complained', 20, 'accepted, delivered+2, complained~40000'),
    ('delivered at the second attempt', 400, 'accepted, greylisted+2, delivered-2~602'),
    ('delivered at the fifth attempt', 100, 'accepted, busy-1+2, busy-2+602, busy-3+1802, busy-4+4202, delivered-5+9002, opened~20000'),
    ('too old', 60, 'accepted, no-exchanger+2, deferred+602, blocked+1802, too-old~30000'),
    ('other temporary failures', 40, 'accepted, unreachable+2, unanswered+602, odd-temporary+1802, reasonless+4202, delivered-5+9002'),
    ('bounced', 80, 'accepted, bounced+3'),
    ('account closed', 50, 'accepted, closed+3'),
    ('bounced of old', 40, 'accepted, bounced-of-old+3'),
    ('suppressed bounce', 60, 'accepted, suppress-bounce+1'),
    ('suppressed unsubscribe', 50, 'accepted, suppress-unsubscribe+1'),
    ('suppressed complaint', 30, 'accepted, suppress-complaint+1'),
    ('mailbox full', 40, 'accepted, full+3'),
    ('policy', 15, 'accepted, policy+3'),
    ('no exchanger', 15, 'accepted, no-exchanger-permanent+3'),
    ('no connection', 10, 'accepted, no-connection+3'),
    ('list too unknown', 10, 'accepted, too-unknown+3'),
    ('greylisted for good', 10, 'accepted, greylisted-permanent+3'),
    ('block list', 10, 'accepted, block-list+3'),
    ('provider blocks', 10, 'accepted, provider-block+3'),
    ('hard failure', 10, 'accepted, hardfail+3'),
    ('unknown failure', 10, 'accepted, failed-unknown+3'),
    ('failure without a reason', 10, 'accepted, failed-reasonless+3'),
    ('internal severity', 10, 'accepted, internal+3'),
    ('unknown severity', 10, 'accepted, unknown-severity+3'),
    ('no severity', 10, 'accepted, severityless+3'),
    ('bounced later', 60, 'accepted, delivered+2, delayed-bounce~90000'),
    ('webhook failed', 20, 'accepted, delivered+2, callback-failed+28800'),
    ('webhook failed by its newer flag', 20, 'accepted, delivered+2, webhook-failed+28800'),
    ('stored and forwarded', 200, 'accepted-incoming, stored+1, forwarded+2'),
    ('forwarded by SMTP', 100, 'accepted-incoming, stored+1, delivered+2'),
    ('batch', 150, 'accepted, accepted+1, delivered+2, opened~7000'),
    ('opened just within seven days', 20, 'accepted, delivered+2, opened+3600, opened+607536'),
    ('opened after seven days', 20, 'accepted, delivered+2, opened+3600, opened+608400, clicked+608401'),
    ('opened after more than seven days', 10, 'accepted, delivered+2, opened+3600, clicked+3601, opened+626400, clicked+626401'),
    ('opened every fourth day', 10, 'accepted, delivered+2, opened+3600, opened+349200, opened+694800, opened+1040400'),
    ('opened every day', 10, 'accepted, delivered+2, ' || (select string_agg('opened+' || 3600 + 86400 * d, ', ' order by d) from range(16) as r (d))),
    ('opened twice at a time', 10, 'accepted, delivered+2, opened+3600, opened+3600'),
    ('delivered without transport', 10, 'accepted, delivered-transportless+2'),
    ('delivered with an empty transport', 10, 'accepted, delivered-empty-transport+2'),
    ('delivered at no attempt', 10, 'accepted, delivered-attemptless+2'),
    ('delivered at attempt 0', 10, 'accepted, delivered-0+2'),
    ('delivered in upper case', 10, 'accepted, delivered-upper+2'),
    ('test mode', 30, 'accepted-test, delivered-test+1'),
    ('rejected', 40, 'rejected'),
    ('list uploaded', 15, 'list_member_uploaded, list_member_uploaded+1, list_member_upload_error+60, list_uploaded+120'),
    ('validated', 15, 'email_validation'),
    ('trapped', 10, 'trapped'),
    ('dropped of old', 5, 'dropped'),
    ('bounced as an event', 5, 'bounced-of-2013'),
    ('unique opened', 5, 'accepted, delivered+2, opened+3600, unique_opened+3600'),
    ('unique clicked', 5, 'accepted, delivered+2, clicked+3600, unique_clicked+3600'),
    ('one id for three kinds', 10, 'accepted, delivered+2, opened+3600, clicked+3600, unsubscribed+3600'),
    ('one id on two days', 10, 'accepted, delivered+2, opened+3600, opened+262800')
) as v (life, share, script);


-- Attempts that fail: a step's severity, reason, number of the attempt, and what the server said.
create table failures as from (values
    ('greylisted', 'temporary', 'greylisted', 1, '450', 'Greylisted, come back in five minutes', null),
    ('busy-1', 'temporary', 'generic', 1, '421', 'Too many connections', null),
    ('busy-2', 'temporary', 'espblock', 2, '421', 'Deferred because of complaints', null),
    ('busy-3', 'temporary', 'unknown', 3, '451', 'Try again later', null),
    ('busy-4', 'temporary', 'generic', 4, '421', 'Too many connections', null),
    ('no-exchanger', 'temporary', 'generic', 1, '498', 'No mail exchanger for the domain', null),
    ('deferred', 'temporary', 'generic', 2, '499', 'Could not connect', null),
    ('blocked', 'temporary', 'blacklisted', 3, '451', 'Deferred: the sending address is on a block list', null),
    ('unreachable', 'temporary', 'generic', 1, '680', 'Connection to the sending server failed', null),
    ('unanswered', 'temporary', 'greylisted', 2, '450', 'Greylisted', null),
    ('odd-temporary', 'TEMPORARY', 'GENERIC', 3, '421', 'Too many connections', null),
    ('reasonless', 'temporary', null, 4, '451', 'Try again later', null),
    ('too-old', 'permanent', 'old', 8, '602', 'Too old', null),
    ('bounced', 'permanent', 'bounce', 1, '550', 'No such mailbox here', 'hard'),
    ('closed', 'PERMANENT', 'BOUNCE', 1, '554', 'The account is closed', 'hard'),
    ('bounced-of-old', 'permanent', 'bounce', 1, '"5.1.1"', 'Unknown user', null),
    ('suppress-bounce', 'permanent', 'suppress-bounce', 1, '605', '', null),
    ('suppress-unsubscribe', 'permanent', 'suppress-unsubscribe', 1, '606', '', null),
    ('suppress-complaint', 'permanent', 'suppress-complaint', 1, '607', '', null),
    ('full', 'permanent', 'generic', 1, '552', 'The mailbox is full', 'soft'),
    -- Mailgun's two rules for hard and soft disagree here: by reason it is soft.
    ('policy', 'permanent', 'generic', 1, '550', 'Refused by policy', 'hard'),
    ('no-exchanger-permanent', 'permanent', 'generic', 1, '498', 'No mail exchanger for the domain', 'soft'),
    ('no-connection', 'permanent', 'generic', 1, '499', 'Could not connect', null),
    ('too-unknown', 'permanent', 'generic', 1, '625', 'Too many unknown addresses in the mailing list', null),
    ('greylisted-permanent', 'permanent', 'greylisted', 1, '451', 'Greylisted, and never accepted', 'soft'),
    ('block-list', 'permanent', 'blacklisted', 1, '554', 'The sending address is on a block list', 'soft'),
    ('provider-block', 'permanent', 'espblock', 1, '554', 'Blocked by the mailbox provider', 'soft'),
    ('hardfail', 'permanent', 'hardfail', 1, '550', 'Rejected', 'hard'),
    ('failed-unknown', 'permanent', 'unknown', 1, '571', 'Delivery failed', null),
    ('failed-reasonless', 'permanent', null, 1, '550', 'Delivery failed', 'soft'),
    ('internal', 'internal', 'generic', 1, '451', 'Try again later', null),
    ('unknown-severity', 'unknown', 'generic', 1, '451', 'Try again later', null),
    ('severityless', null, 'generic', 1, '451', 'Try again later', null)
) as v (step, severity, reason, attempt, code, message, bounce_type);

-- Deliveries: the number of the attempt, the transport (NULL: the payload lacks it), and the server's code.
create table deliveries as from (values
    ('delivered', 1, 'smtp', 250),
    ('delivered-0', 0, 'smtp', 250),
    ('delivered-2', 2, 'smtp', 250),
    ('delivered-5', 5, 'smtp', 250),
    ('delivered-attemptless', null, 'smtp', 250),
    ('delivered-transportless', 1, null, 250),
    ('delivered-empty-transport', 1, '', 250),
    ('delivered-upper', 1, 'SMTP', 250),
    ('delivered-test', 1, 'smtp', 650),
    ('forwarded', 1, 'http', 200)
) as v (step, attempt, transport, code);

-- A step's event, the side it is of, which decides its further fields, the fields of its own, the transport of its
-- envelope, the shape that it comes in alone, and the number of Mailgun's that it counts in.
create table steps as
select
    step,
    'failed' as event,
    'sending' as side,
    concat_ws(
        ',',
        field('severity', severity),
        field('reason', reason),
        '"delivery-status":{' || concat_ws(
            ',',
            field('attempt-no', attempt),
            '"code":' || code,
            field('message', message),
            field('bounce-type', bounce_type),
            '"description":"","enhanced-code":null,"mx-host":"mx1.mail.example","session-seconds":0.21'
        ) || '}'
    ) as own,
    'smtp' as transport,
    null as only_shape,
    case
        when starts_with(reason, 'suppress-') then 'suppressed'
        when lower(severity) = 'permanent' then 'permanent_failed'
        else 'temporary_failed'
    end as metric,
from failures
union all
select
    step,
    'delivered',
    'sending',
    '"delivery-status":{' || concat_ws(
        ',',
        field('attempt-no', attempt),
        field('code', code),
        '"message":"OK","description":"","enhanced-code":"2.0.0","mx-host":"mx1.mail.example","session-seconds":0.187',
        '"certificate-verified":true,"tls":true,"utf8":true,"first-delivery-attempt-seconds":0.062'
    ) || '}',
    transport,
    null,
    'delivered',
from deliveries
union all
from (values
    ('accepted', 'accepted', 'sending', '"method":"smtp","flags":{"is-authenticated":true,"is-test-mode":false}', 'smtp', null, 'accepted_outgoing'),
    ('accepted-test', 'accepted', 'sending', '"method":"http","flags":{"is-authenticated":true,"is-test-mode":true}', 'smtp', null, 'accepted_outgoing'),
    (
        'accepted-incoming', 'accepted', 'sending',
        '"method":"HTTP","delivery-status":null,"flags":{"is-routed":true,"is-authenticated":false,"is-test-mode":false}',
        'smtp', null, 'accepted_incoming'
    ),
    ('stored', 'stored', 'message', '"flags":{"is-test-mode":false}', null, 'no webhook', null),
    (
        'rejected', 'rejected', 'message',
        '"reject":{"reason":"The domain may not send yet","description":""},"flags":{"is-test-mode":false}', null, 'no webhook', null
    ),
    ('opened', 'opened', 'engaged', null, null, null, 'opened'),
    ('opened-apple', 'opened', 'engaged', '"bot":"apple"', null, null, 'opened'),
    ('opened-gmail', 'opened', 'engaged', '"bot":"gmail"', null, null, 'opened'),
    ('opened-generic', 'opened', 'engaged', '"bot":"generic"', null, null, 'opened'),
    ('clicked', 'clicked', 'engaged', null, null, null, 'clicked'),
    ('clicked-generic', 'clicked', 'engaged', '"bot":"generic"', null, null, 'clicked'),
    ('unsubscribed', 'unsubscribed', 'engaged', null, null, null, null),
    ('unique_opened', 'unique_opened', 'engaged', null, null, 'logs', null),
    ('unique_clicked', 'unique_clicked', 'engaged', null, null, 'logs', null),
    ('complained', 'complained', 'sending', '"flags":{}', '', null, null),
    ('dropped', 'dropped', 'sending', '"severity":"permanent","reason":"generic"', 'smtp', 'events', null),
    ('bounced-of-2013', 'bounced', 'sending', '"severity":"permanent","reason":"generic"', 'smtp', 'events', null),
    (
        'delayed-bounce', 'failed', 'bare',
        '"severity":"permanent","reason":"bounce","delivery-status":{"bounce-code":"5.1.1","code":550,'
        || '"message":"smtp; 550 5.1.1 no such mailbox"},"flags":{"is-delayed-bounce":true},"envelope":{}', null, null, 'permanent_failed'
    ),
    (
        'callback-failed', 'failed', 'bare',
        '"severity":"permanent","reason":"generic","delivery-status":{"attempt-no":8,"code":500},'
        || '"flags":{"is-authenticated":true,"is-callback":true},"envelope":{"transport":"http"}', null, null, 'permanent_failed'
    ),
    (
        'webhook-failed', 'failed', 'bare',
        '"severity":"permanent","reason":"generic","delivery-status":{"attempt-no":8,"code":500},'
        || '"flags":{"is-authenticated":true,"is-webhook":true},"envelope":{"transport":"http"}', null, null, 'permanent_failed'
    ),
    ('trapped', 'trapped', 'bare', null, null, 'logs', null),
    ('email_validation', 'email_validation', 'owner', '"result":"deliverable","risk":"low"', null, 'logs', null),
    ('list_member_uploaded', 'list_member_uploaded', 'owner', '"member":{"name":"","subscribed":true}', null, 'no webhook', null),
    ('list_member_upload_error', 'list_member_upload_error', 'owner', '"error":{"message":"Not an address"}', null, 'no webhook', null),
    ('list_uploaded', 'list_uploaded', 'owner', '"failed-count":1,"upserted-count":2', null, 'no webhook', null)
) as v (step, event, side, own, transport, only_shape, metric);

-- The sending domains, whose they are, and their address; the last is of old payloads, which say neither.
create table senders as
select *, unnest(range(share)) as k
from (values
    ('mail.example.com', 30, '"account":{"id":"5f1a00000000000000000a01"}', '192.0.2.10', 'bulk'),
    ('news.example.com', 20, '"account":{"id":"5f1a00000000000000000a01"}', '192.0.2.20', 'warm-up'),
    ('news.example.org', 18, '"account":{"id":"5f1a00000000000000000b01","parent-id":"5f1a00000000000000000b00"}', '198.51.100.10', 'shared'),
    ('billing.example.org', 12, '"account":{"id":"5f1a00000000000000000b02","parent-id":"5f1a00000000000000000b00"}', '198.51.100.20', 'transactional'),
    ('alerts.example.net', 10, '"account":{"id":"5f1a00000000000000000a01"}', '203.0.113.30', null),
    ('legacy.example.com', 8, null, '203.0.113.50', null),
    (null, 2, null, '203.0.113.60', null)
) as v (domain, share, account, ip, pool);
create table sender_slots as select *, row_number() over (order by share desc, ip, k) - 1 as slot from senders;

-- Every landing of an event: items of the Events API, bodies of webhooks, items of the Logs API; some in two or three.
-- A nameless domain comes in one shape, as nothing would join its shapes.
set variable messages = (select lives_of(events() / 1.08, 'lives'));
create table messages as from moments('mailgun', getvariable('messages'));
create table mailgun_told as
with shaped as (
    select
        told.*,
        only_shape,
        draw(bits, 29, 100)::tinyint as slot,
        case draw(bits, 37, 100)
            when 0 then ['webhook', 'events', 'logs']
            when 1 then ['webhook', 'events', 'logs']
            when 2 then ['webhook', 'events']
            when 3 then ['webhook', 'events']
            when 4 then ['events', 'logs']
            when 5 then ['events', 'logs']
            else [['events', 'events', 'events', 'webhook', 'logs'][1 + draw(bits, 41, 5)]]
        end as message_shapes,
    from told('messages', 'lives') as told
    join steps using (step)
    where within_days(moment)
),

chosen as (
    select
        * exclude (message_shapes, only_shape, moment, begun_at),
        -- Some clocks have whole seconds.
        if(n % 20 = 5, date_trunc('second', moment), moment) as moment,
        case
            when only_shape in ('logs', 'events') then [only_shape]
            when slot >= 98 then ['events']
            when only_shape = 'no webhook' and message_shapes = ['webhook'] then ['events']
            when only_shape = 'no webhook' then list_filter(message_shapes, lambda shape: shape <> 'webhook')
            else message_shapes
        end as shapes,
    from shaped
)

select
    * exclude (shapes, copies),
    len(shapes) = 1 as is_alone,
    shape = shapes[1] and copy = 1 as is_first,
from (
    select *, unnest(copies) as arrived, generate_subscripts(copies, 1) as copy
    from (select *, unnest(shapes) as shape, arrivals(moment, stir(bits, j)) as copies from chosen)
)
order by arrived;
