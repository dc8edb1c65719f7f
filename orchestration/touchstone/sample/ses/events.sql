-- Needs: ses/_shared.sql.
-- Events as Firehose, SNS and EventBridge deliver them, and feedback notifications.
create macro clock(n, moment) as case n % 50
    when 7 then strftime(moment - interval 7 hours, '%Y-%m-%dT%H:%M:%S.%g-07:00')
    when 11 then strftime(moment, '%Y-%m-%dT%H:%M:%S +0000')
    else iso(moment)
end;
create macro message_id(label, n, moment) as
    concat('0107', printf('%012x', epoch_ms(moment)), '-', uuid_of(token(label, n)), '-000000');
create macro by_sns(type, message, n, moment) as to_json({
    "Type": type, "MessageId": uuid_of(token('sns', n)), "Message": message, "Timestamp": iso(moment), "Signature": 'removed',
})::varchar;
create macro by_eventbridge(type, detail, account, n, moment) as to_json({
    "version": '0', id: uuid_of(token('bridge', n)), "detail-type": type, source: 'aws.ses', account: account,
    "time": iso_seconds(moment), detail: detail::json,
})::varchar;

create view drawn as
select
    *, string_split(step, ':') as p, replace(p[1], '-', ' ') as event, starts_with(way, 'notice') as is_notice,
    if(event ilike 'rendering%', 'failure', lower(event[1]) || event[2:]) as object,
    stir(bits, j) as of_event, draw(bits, 7, 200000)::integer as person, clock(n, moment) as stamp,
    begun_at - to_seconds(case when script <> 'Open' then 0 when n % 3 = 0 then 5183940 else 1800000 + person * 15 end) as sent,
    split_part(split_part(script, ' ', 1), ':', 2) as mailbox,
    case
        when mailbox = 'self' then [address]
        when mailbox not in ('', 'several') then [mailbox || '@simulator.amazonses.com']
        else [concat('customer.', person + k, '@box.example') for k in range(if(mailbox = '', 1, 2 + n % 5))]
    end as destination,
    case p[-1] when 'first' then destination[1:1] when 'others' then destination[2:] else destination end as people,
    if(n % 4 = 0, e'550-No.\n550 No', 'smtp; 550 no') as answer,
    case draw(bits, 11, 25)
        when 0 then null when 1 then '<feedbackId>' else message_id('feedback', concat(n, '/', j), moment)
    end as feedback_id,
    not (object in ('failure', 'deliveryDelay') or (is_notice and n % 2 = 0)) as has_headers,
from ses_arrivals
join senders using (sender);

create view texts as
select *, json_of(json_object(
    if(is_notice, 'notificationType', 'eventType'), event,
    object, case event
        when 'Send' then '{}'
        when 'Delivery' then to_json({
            "timestamp": stamp, "processingTimeMillis": greatest(epoch_ms(moment) - epoch_ms(sent), 0), recipients: people,
        })
        when 'Open' then to_json({"timestamp": stamp, "ipAddress": '198.51.100.7', "userAgent": 'Mozilla/5.0 (iPhone)'})
        when 'Click' then to_json({
            "timestamp": stamp, link: concat('https://shop.example.com/item/', person % 50),
            "linkTags": pick(of_event, 23, [
                '{"placement":["hero"]}', '{"placement":["footer","repeated"]}', '{"placement":["body"]}', null
            ])::json,
        })
        when 'Bounce' then to_json({
            "timestamp": stamp, "feedbackId": feedback_id, "bounceType": p[2], "bounceSubType": p[3], "bouncedRecipients": [
                {"emailAddress": r, action: 'failed', status: p[4], "diagnosticCode": answer} for r in people
            ],
        })
        when 'Complaint' then to_json({
            "timestamp": stamp, "feedbackId": feedback_id, "complainedRecipients": [{"emailAddress": r} for r in people],
            "complaintSubType": if(p[2] = 'suppressed', 'OnAccountSuppressionList', 'null'),
            "complaintFeedbackType": if(p[2] in ('suppressed', '-'), null, p[2]),
        })
        when 'DeliveryDelay' then to_json({"timestamp": stamp, "delayType": p[2], "delayedRecipients": [
            {"emailAddress": r, status: p[3], "diagnosticCode": answer} for r in people
        ]})
        when 'Subscription' then to_json({
            "timestamp": stamp, "contactList": 'readers', "newTopicPreferences": {"unsubscribeAll": true},
        })
        when 'Reject' then '{"reason":"Bad content"}'
        else '{"templateName":"order-3","errorMessage":"No value"}'
    end::json,
    'mail', {
        "timestamp": clock(n, sent), source: address, "sendingAccountId": account, "messageId": message_id('ses', n, sent),
        destination: destination,
        -- Delays and failures to render have no headers, notifications where they are on.
        "headersTruncated": if(has_headers, n % 50 = 0, null),
        headers: if(has_headers, [{name: 'X-Customer-Tier', "value": ['free', 'silver', 'gold'][1 + n % 3]}], null),
        "commonHeaders": case when has_headers then {subject: if(n % 40 = 0, null, 'Grüße')} end,
        tags: case if(is_notice, 'untagged', tagging)
            when 'empty' then '{}'::json
            when 'tagged' then json_merge_patch(
                json_object('ses:configuration-set', [set]),
                if(event = 'Delivery' and n % 3 > 0, '{"ses:outgoing-ip":["192.0.2.110"]}', '{}'),
                if(object in ('failure', 'deliveryDelay'), '{}', pick(bits, 23, [
                    '{"campaign":["spring-sale"]}', '{"campaign":["weekly-digest"]}', '{"campaign":["Größe & Co"]}',
                    '{"campaign":["welcome"]}', '{"campaign":["spring-sale","loyalty"]}', '{"campaign":["win-back"]}',
                    '{"team":["billing.eu@example.com"]}', '{}'
                ]))
            )
        end,
    }
)) as line
from drawn;

-- What Firehose writes of a failed delivery, messages that are no JSON, and what is no event.
create table sends as
from texts where line like '{"eventType":"Send"%' and arrived < beginning() + interval 2 days and not clean()
order by arrived, line limit 1;

create table odd_records as
from odd('sends', '%', list_concat([{'mail': t::json}::json::varchar for t in odd_times('timestamp')], [
    '{"mail":{"messageId":null}}', '{"eventType":"Scheduled"}', '{"eventType":""}', '{"eventType":null}',
    '{"eventType":42}', '{"eventType":null,"notificationType":"AmazonSnsSubscriptionSucceeded"}',
    '{"mail":{"tags":{"note":["before\u0000after"]}}}'
]))
union all
select arrived, unnest([
    '{"Type":"Notification","MessageId":"0","Message":"an event that is none"}',
    '{"attemptsMade":4,"errorCode":"Example.Failed","errorMessage":"made up","rawData":"e30="}',
    '{"notificationType":"Received","mail":{"timestamp":"' || iso(moment) || '","messageId":"0"}}',
    by_sns('SubscriptionConfirmation', 'Visit the address below.', 1, moment),
    by_sns('Notification', 'Successfully validated SNS topic for Amazon SES event publishing.', 3, moment),
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
