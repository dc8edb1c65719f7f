-- Events as Firehose, SNS and EventBridge deliver them, and feedback notifications.
create macro by_sns(type, message, n, moment) as printf(
    '{"Type":"%s","MessageId":"%s","Message":%s,"Timestamp":"%s","Signature":"removed"}',
    type, uuid_of(token('sns', n)), to_json(message), iso(moment)
);
create macro by_eventbridge(type, detail, account, n, moment) as printf(
    '{"version":"0","id":"%s","detail-type":"%s","source":"aws.ses","account":"%s","time":"%s","detail":%s}',
    uuid_of(token('bridge', n)), type, account, iso_seconds(moment), detail
);

create macro stamp(n, moment) as
    if(n % 50 = 13, strftime(moment, '%Y-%m-%dT%H:%M:%S +0000'), clock(n, moment));
create macro addresses(people) as '"' || array_to_string(people, '","') || '"';

-- What a server answers, by its enhanced status.
create macro said(status) as case status
    when '4.2.2' then '452 4.2.2 The recipient''s inbox is out of storage space.'
    when '4.4.7' then '554 4.4.7 Message expired: connection timed out'
    when '5.1.1' then '550 5.1.1 The email account that you tried to reach does not exist.'
    when '5.1.3' then '553 5.1.3 The recipient address is not valid.'
    when '5.3.4' then '552 5.3.4 Message size exceeds fixed maximum message size'
    when '5.6.0' then '554 5.6.0 Message content rejected as spam'
    else '550 No'
end;

-- What each event has beside its envelope. Delays and failures to render have no headers and no tags of the sender's.
create table forms as
select
    object, variant, choose('"' || object || '":' || own || ',"mail":{"timestamp":"$sent","source":"$source",'
        || '"sendingAccountId":"$account","messageId":"$message","destination":[$destination]' || if(has_headers,
            ',"headersTruncated":<true|false|false>,"headers":[{"name":"X-Customer-Tier","value":"<free|silver|'
            || 'gold>"}],"commonHeaders":{"subject":"<Grüße|Grüße|NULL>"}', '') || '$tags}}', variant) as template,
    if(has_headers, choose('<,"campaign":["spring-sale"]|,"campaign":["weekly-digest"]|,"campaign":["Größe & Co"]|'
        || ',"campaign":["welcome"]|,"campaign":["spring-sale","loyalty"]|,"campaign":["win-back"]|'
        || ',"team":["billing.eu@example.com"]|>', variant), '') as campaign,
from range(500) as r (variant), (select *, object not in ('failure', 'deliveryDelay') as has_headers from (values
    ('send', '{}'),
    ('delivery', '{"timestamp":"$at","processingTimeMillis":$took,"recipients":[$people]}'),
    ('open', '{"timestamp":"$at","ipAddress":"<198.51.100.7|198.51.100.8|40.92.0.1>","userAgent":"' || agents() || '"}'),
    ('click', '{"timestamp":"$at","ipAddress":"198.51.100.7","userAgent":"Mozilla/5.0 (iPhone)","link":"https://shop.example.com/item/$item"<,"linkTags":{"placement":["hero"]}|'
        || ',"linkTags":{"placement":["footer","repeated"]}|,"linkTags":{"placement":["body"]}|>}'),
    ('bounce', '{"timestamp":"$at","feedbackId":"$feedback","bounceType":"$2","bounceSubType":"$3",'
        || '"bouncedRecipients":[$reports]}'),
    ('complaint', '{"timestamp":"$at","feedbackId":"$feedback","complainedRecipients":[$reports],'
        || '"complaintSubType":"$sub","complaintFeedbackType":"$2"}'),
    ('deliveryDelay', '{"timestamp":"$at","delayType":"$2","delayedRecipients":[$reports]}'),
    ('subscription', '{"timestamp":"$at","contactList":"readers","newTopicPreferences":{"unsubscribeAll":true}}'),
    ('reject', '{"reason":"Bad content"}'),
    ('failure', '{"templateName":"order-3","errorMessage":"No value"}')
) as v (object, own));

create view texts as
select *, fill('{"' || if(is_notice, 'notification', 'event') || 'Type":"$event",' || template, [
    ['$event', event], ['$sent', stamp(n, sent)], ['$at', stamp(n, moment)], ['$source', address],
    ['$account', account], ['$message', message_id], ['$destination', addresses(destination)],
    ['$people', addresses(people)],
    ['$reports', array_to_string(list_transform(people, lambda r: printf('{"emailAddress":"%s"%s}', r, report)), ',')],
    ['$took', greatest(epoch_ms(moment) - epoch_ms(sent), 0)::varchar], ['$item', (person % 50)::varchar],
    ['$feedback', case draw(bits, 11, 25) when 0 then null when 1 then '<feedbackId>' else concat(j, message_id) end],
    ['$2', if(p[2] in ('suppressed', '-'), null, p[2])], ['$3', p[3]],
    ['$sub', if(p[2] = 'suppressed', 'OnAccountSuppressionList', null)],
    ['$tags', case if(is_notice, 'untagged', tagging)
        when 'empty' then ',"tags":{}'
        when 'tagged' then concat(',"tags":{"ses:configuration-set":["', set, '"]', campaign,
            if(event = 'Delivery' and n % 3 > 0, ',"ses:outgoing-ip":["192.0.2.110"]', ''), '}')
        else ''
    end]
]) as line
from (
    select
        *, string_split(step, ':') as p, replace(p[1], '-', ' ') as event, starts_with(way, 'notice') as is_notice,
        if(event ilike 'rendering%', 'failure', lower(event[1]) || event[2:]) as object, n % 500 as variant,
        draw(bits, 7, 200000)::integer as person, split_part(split_part(script, ' ', 1), ':', 2) as mailbox,
        begun_at - to_seconds(case when script <> 'Open' then 0 when n % 3 = 0 then 5183940 else 1800000 + person * 15 end)
            as sent,
        case
            when mailbox = 'self' then [address]
            when mailbox not in ('', 'several') then [mailbox || '@simulator.amazonses.com']
            else [concat('customer.', person + k, '@box.example') for k in range(if(mailbox = '', 1, 2 + n % 5))]
        end as destination,
        case p[-1] when 'first' then destination[1:1] when 'others' then destination[2:] else destination end as people,
        regexp_extract(step, '\d\.\d\.\d+') as status,
        if(event = 'Complaint', '', printf(',"status":"%s","diagnosticCode":"%s"', coalesce(nullif(status, ''), 'NULL'),
            if(n % 4 = 0, said(status) || '\n' || said(status), 'smtp; ' || said(status)))) as report,
        concat('0107', printf('%012x', epoch_ms(sent)), '-', uuid_of(token('ses', n)), '-000000') as message_id,
    from ses_arrivals
    join senders using (sender)
)
join forms using (object, variant);

-- What Firehose writes of a failed delivery, messages that are no JSON, and what is no event.
create table sends as
from texts where line like '{"eventType":"Send"%' and arrived < beginning() + interval 2 days and not clean()
order by arrived, line limit 1;

create table odd_records as
from with_odd('sends', '%', [{'mail': t::json}::json::varchar for t in odd_times('timestamp')] || [
    '{"mail":{"messageId":null}}', '{"eventType":"Scheduled"}', '{"eventType":null}', '{"eventType":42}',
    '{"eventType":null,"notificationType":"AmazonSnsSubscriptionSucceeded"}', '{"mail":{"tags":{"note":["\u0000"]}}}'
])
union all
select arrived, unnest([
    '{"Type":"Notification","MessageId":"0","Message":"an event that is none"}',
    '{"attemptsMade":4,"errorCode":"Example.Failed","errorMessage":"made up","rawData":"e30="}',
    '{"notificationType":"Received","mail":{"timestamp":"' || iso(moment) || '","messageId":"0"}}',
    by_sns('SubscriptionConfirmation', 'Visit the address below.', 1, moment),
    by_eventbridge('Sending Status Enabled', '{"version":"1.0.0"}', account, 1, moment)
])
from sends;

-- Most events end with a newline, also within a message.
select arrived, case
    when way like '%sns' then by_sns('Notification', line || if(n % 4 = 0, '', chr(10)), concat_ws('/', n, j, way), moment)
    when way = 'eventbridge' then by_eventbridge('Email ' || event, line, account, concat_ws('/', n, j), moment)
    else line
end as line
from texts
union all
from odd_records;
