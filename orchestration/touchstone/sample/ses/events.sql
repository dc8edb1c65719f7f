-- Needs: ses/_shared.sql.
-- Events as Firehose, SNS and EventBridge deliver them, and feedback notifications.
create macro clock(n, moment) as case n % 50
    when 7 then strftime(moment - interval 7 hours, '%Y-%m-%dT%H:%M:%S.%g-07:00')
    when 11 then strftime(moment, '%Y-%m-%dT%H:%M:%S +0000')
    else iso(moment)
end;
create macro message_id(label, n, moment) as
    concat('0107', printf('%012x', epoch_ms(moment)), '-', uuid_of(token(label, n)), '-000000');
create macro by_sns(type, message, n, moment) as concat(
    '{"Type":"', type, '","MessageId":"', uuid_of(token('sns', n)), '","TopicArn":"arn:aws:sns:events",',
    '"Message":', to_json(message), ',"Timestamp":"', iso(moment), '","Signature":"removed"}'
);
create macro by_eventbridge(type, detail, account, n, moment) as concat(
    '{"version":"0","id":"', uuid_of(token('bridge', n)), '","detail-type":"', type,
    '","source":"aws.ses","account":"', account, '","time":"', iso_seconds(moment),
    '","resources":[],"detail":', detail, '}'
);

-- What a step says in its event, beside times, and of each of its recipients.
create table steps as
select
    step,
    replace(p[1], '-', ' ') as event,
    case when event ilike 'rendering%' then 'failure' else lower(p[1][1]) || p[1][2:] end as object,
    case p[1]
        when 'Bounce' then concat('"bounceType":"', p[2], '","bounceSubType":"', p[3], '"')
        when 'Complaint' then case p[2]
            when 'suppressed' then '"complaintSubType":"OnAccountSuppressionList"'
            when 'null' then '"complaintFeedbackType":null'
            else '"complaintSubType":null,"complaintFeedbackType":"' || nullif(p[2], '-') || '"'
        end
        when 'DeliveryDelay' then '"delayType":"' || p[2] || '"'
        when 'Reject' then '"reason":"Bad content"'
        when 'Subscription' then '"contactList":"readers","newTopicPreferences":{"unsubscribeAll":true}'
        else if(object = 'failure', '"templateName":"order-3","errorMessage":"No value"', null)
    end as own,
    case p[1]
        when 'Bounce' then ',"action":"failed","status":"' || p[4] || '","diagnosticCode":'
        when 'DeliveryDelay' then ',"action":"delayed","status":"' || p[3] || '","diagnosticCode":'
    end as answer,
    if(p[-1] in ('first', 'others'), p[-1], 'all') as whose,
from (
    select distinct steps.step, string_split(steps.step, ':') as p
    from (select unnest(steps) as steps from lives_in('lives'))
);

create view texts as
with drawn as (
    select
        *,
        starts_with(way, 'notice') as is_notice,
        stir(bits, j) as of_event,
        draw(bits, 7, 200000)::integer as person,
        begun_at - if(script <> 'Open', interval 0 seconds, if(
            n % 3 = 0, interval 5183940 seconds, to_hours(500 + draw(bits, 8, 900))
        )) as sent,
        split_part(split_part(script, ' ', 1), ':', 2) as mailbox,
        case
            when mailbox = 'self' then [address]
            when mailbox in ('', 'several') then list_transform(
                range(if(mailbox = '', 1, 2 + n % 5)), lambda k: concat('customer.', person + k, '@box.example')
            )
            else [mailbox || '@simulator.amazonses.com']
        end as destination,
        case whose when 'first' then destination[1:1] when 'others' then destination[2:] else destination end
            as people,
    from ses_arrivals
    join steps using (step)
    join (select * exclude (way) from senders) using (sender)
)

select *, '{' || concat_ws(
    ',',
    if(is_notice, '"notificationType":"', '"eventType":"') || event || '"',
    '"' || object || '":{' || concat_ws(
        ',',
        own,
        case when event in ('Bounce', 'Complaint') then case draw(bits, 11, 25)
            when 0 then null
            when 1 then '"feedbackId":"<feedbackId>"'
            when 2 then '"feedbackId":null'
            else '"feedbackId":"' || message_id('feedback', concat(n, '/', j), moment) || '"'
        end end,
        if(object in ('send', 'reject', 'failure'), null, '"timestamp":"' || clock(n, moment) || '"'),
        case event when 'Bounce' then '"bouncedRecipients":[' when 'Complaint' then '"complainedRecipients":['
            when 'DeliveryDelay' then '"delayedRecipients":[' end
        || array_to_string(list_transform(people, lambda r: concat(
            '{"emailAddress":"', r, '"',
            answer || if(n % 4 = 0, to_json(e'550-No.\n550 No'), '"smtp; 550 no"'), '}'
        )), ',') || ']',
        case event
            when 'Delivery' then '"processingTimeMillis":' || greatest(epoch_ms(moment) - epoch_ms(sent), 0)
                || ',"recipients":' || to_json(people)
            when 'Open' then '"ipAddress":"198.51.100.7","userAgent":"Mozilla/5.0 (iPhone)"'
            when 'Click' then concat_ws(
                ',',
                '"link":"https://shop.example.com/item/' || person % 50 || '?from=mail"',
                pick(of_event, 23, [
                    '"linkTags":{"placement":["hero"]}', '"linkTags":{"placement":["footer","repeated"]}',
                    '"linkTags":{"product":["A-17"],"placement":["body"]}', '"linkTags":null', null
                ])
            )
        end
    ) || '}',
    '"mail":{' || concat_ws(
        ',',
        '"timestamp":"' || clock(n, sent) || '","source":"' || address || '","sendingAccountId":"' || account
            || '","messageId":"' || message_id('ses', n, sent) || '"',
        field('destination', destination),
        -- Delays and failures to render have no headers, notifications where they are on.
        if(object in ('failure', 'deliveryDelay') or (is_notice and n % 2 = 0), null, concat(
            '"headersTruncated":', n % 50 = 0, ',"headers":[{"name":"X-Customer-Tier","value":"',
            pick(bits, 15, ['free', 'silver', 'gold']), '"}],"commonHeaders":{"from":["', address, '"]',
            if(n % 40 = 0, '', ',"subject":"' || pick(bits, 13, ['Your order', 'Grüße']) || '"'), '}'
        )),
        case
            when is_notice or tagging = 'untagged' then null
            when tagging = 'empty' then '"tags":{}'
            else '"tags":{' || concat_ws(
                ',',
                '"ses:configuration-set":["' || set || '"]',
                if(event = 'Delivery' and n % 3 > 0, '"ses:outgoing-ip":["192.0.2.110"]', null),
                if(object in ('failure', 'deliveryDelay'), null, pick(bits, 23, [
                    '"campaign":["spring-sale"]', '"campaign":["weekly-digest"]', '"campaign":["Größe & Co"]',
                    '"campaign":["welcome"],"variant":["b"]', '"campaign":["spring-sale","loyalty"]',
                    '"variant":["a","c"],"campaign":["win-back"]', '"team":["billing.eu@example.com"]', null
                ]))
            ) || '}'
        end
    ) || '}'
) || '}' as line
from drawn;

-- What Firehose writes of a failed delivery, messages that are no JSON, and what is no event.
create table sends as
from texts where line like '{"eventType":"Send"%' and arrived < beginning() + interval 2 days
order by arrived, line limit 1;

create table odd_records as
from odd('sends', '%', list_concat([{'mail': t::json}::json::varchar for t in odd_times('timestamp')], [
    '{"mail":{"messageId":null}}', '{"eventType":"Scheduled"}', '{"eventType":""}', '{"eventType":null}',
    '{"eventType":42}', '{"eventType":null,"notificationType":"AmazonSnsSubscriptionSucceeded"}',
    '{"mail":{"tags":{"note":["before\u0000after"]}}}'
]))
union all
select arrived, unnest(list_concat([
    '{"Type":"Notification","MessageId":"0","Message":"an event that is none"}',
    '{"attemptsMade":4,"errorCode":"Example.Failed","errorMessage":"made up","rawData":"e30="}',
    '{"notificationType":"Received","mail":{"timestamp":"' || iso(moment) || '","messageId":"0"}}',
    by_sns('SubscriptionConfirmation', 'Visit the address below.', 1, moment),
    by_sns('UnsubscribeConfirmation', 'Visit the address below.', 2, moment),
    by_sns('Notification', 'Successfully validated SNS topic for Amazon SES event publishing.', 3, moment)
], [
    by_eventbridge(type, '{"version":"1.0.0"}', account, type, moment) for type in [
        'Advisor Recommendation Status Open', 'Advisor Recommendation Status Resolved',
        'Sending Status Enabled', 'Sending Status Disabled'
    ]
]))
from sends where not clean();

-- Most events end with a newline, also within a message.
select arrived, case
    when way in ('sns', 'notice by sns')
        then by_sns('Notification', line || if(n % 4 = 0, '', chr(10)), concat_ws('/', n, j, way), moment)
    when way = 'eventbridge' then by_eventbridge('Email ' || event, line, account, concat_ws('/', n, j), moment)
    else line
end as line
from texts
union all
from odd_records;
