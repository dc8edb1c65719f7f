-- Events as Firehose, SNS and EventBridge deliver them, and feedback notifications.
create macro clock(n, moment) as case n % 50
    when 7 then strftime(moment - interval 7 hours, '%Y-%m-%dT%H:%M:%S.%g-07:00')
    when 11 then strftime(moment, '%Y-%m-%dT%H:%M:%S +0000')
    else iso(moment)
end;
create macro message_id(label, n, moment) as concat('0107', printf('%012x', epoch_ms(moment)), '-', uuid_of(token(label, n)), '-000000');
create macro people(whose, recipients) as case whose when 'first' then recipients[1:1] when 'others' then recipients[2:] else recipients end;
create macro sns(type, id, moment, account, message) as concat(
    '{"Type":"', type, '","MessageId":"', uuid_of(id), '","TopicArn":"arn:aws:sns:us-east-1:', account, ':ses-events","Message":',
    to_json(message), ',"Timestamp":"', iso(moment), '","SignatureVersion":"1","Signature":"', id,
    '=","SigningCertURL":"https://sns.example/signing.pem"}'
);
create macro eventbridge(type, id, moment, account, region, detail) as concat(
    '{"version":"0","id":"', uuid_of(id), '","detail-type":"', type, '","source":"aws.ses","account":"', account, '","time":"',
    iso_seconds(moment), '","region":"', region, '","resources":[],"detail":', detail, '}'
);

create view events as
with drawn as (
    select
        told.* exclude (account, region, set, metric, way),
        told.way as way,
        senders.* exclude (way),
        steps.* exclude (step, metric),
        draw(bits, 7, 200000)::integer as person,
        stir(bits, j) as of_event,
        token('ses event', concat_ws('/', n, j, form, told.way)) as hex,
        -- Links are tracked for sixty days: some messages were sent before the first of the days.
        case when life = 'opened of old' then begun_at - if(n % 3 = 0, interval 5183940 seconds, to_hours(500 + person % 900)) else begun_at end as sent,
    from ses_told as told
    join senders using (slot)
    join steps using (step)
),

addressed as (
    select
        *,
        case
            when life = 'rejected, to the sender' then [address]
            when starts_with(life, 'simulator') then [split_part(life, ': ', 2) || '@simulator.amazonses.com']
            else list_transform(
                range(if(life like '%several%', 2 + n % 5, 1)),
                lambda k: concat('customer.', person + k, '@', pick(bits, 11, ['gmail-box.example', 'outlook-box.example', 'yahoo-box.example']))
            )
        end as recipients,
        pick(bits, 13, ['Your order is on its way', 'This week in the shop', 'Welcome aboard', 'Grüße aus München', 'The \"quiet\" sale']) as subject,
    from drawn
),

texted as (
    select
        *,
        '{' || concat_ws(
            ',',
            if(form = 'event', '"eventType":"', '"notificationType":"') || event || '"',
            '"' || object || '":{' || concat_ws(
                ',',
                case when feedback = 'id' then '"feedbackId":"' || message_id('feedback', concat(n, '/', j), moment) || '"'
                    else '"feedbackId":' || feedback end,
                own,
                if(event in ('Send', 'Reject', 'Rendering Failure', 'RenderingFailure', 'RENDERING_FAILURE', 'renderingFailure'), null,
                    '"timestamp":"' || clock(n, moment) || '"'),
                case event
                    when 'Bounce' then '"bouncedRecipients":['
                    when 'Complaint' then '"complainedRecipients":['
                    when 'DeliveryDelay' then '"expirationTime":"' || clock(n, sent + interval 14 hours) || '","delayedRecipients":['
                end || array_to_string(
                    list_transform(people(whose, recipients), lambda r: '{"emailAddress":"' || r || '"' || answer || '}'), ','
                ) || ']',
                if(event = 'Delivery', '"processingTimeMillis":' || greatest(epoch_ms(moment) - epoch_ms(sent), 0) || ',"recipients":'
                    || to_json(people(whose, recipients)) || ',"smtpResponse":"250 2.0.0 accepted","reportingMTA":"out-3.mail.example"', null),
                if(event in ('Open', 'Click'), '"ipAddress":"' || if(n % 9 = 0, '2001:db8::9', '198.51.100.' || person % 200) || '","userAgent":"'
                    || pick(of_event, 21, ['Mozilla/5.0 (iPhone) ExampleMail/4.1', 'Mozilla/5.0 (via ImageProxy.example)', 'ExampleScanner/2']) || '"', null),
                if(event = 'Click', concat_ws(',', '"link":"https://shop.example.com/item/' || person % 50 || '?from=mail"', pick(of_event, 23, [
                    '"linkTags":{"placement":["hero"]}', '"linkTags":{"placement":["footer"]}', '"linkTags":{"product":["A-17"],"placement":["body"]}',
                    '"linkTags":{"placement":["hero","repeated"]}', '"linkTags":{"product":["B-2"]}', '"linkTags":null', null
                ])), null)
            ) || '}',
            '"mail":{' || concat_ws(
                ',',
                '"timestamp":"' || clock(n, sent) || '"',
                field('source', source),
                '"sourceArn":"arn:aws:ses:' || region || ':' || account || ':identity/' || domain || '","sendingAccountId":"' || account || '"',
                '"messageId":"' || message_id('ses', n, sent) || '"',
                field('destination', recipients),
                if(form = 'notification', '"sourceIp":"203.0.113.9","callerIdentity":"shop-app"', null),
                -- Beyond 10 KB headers are cut off. Delays and failures to render have none, notifications where they are on.
                case
                    when object in ('failure', 'deliveryDelay') or (form = 'notification' and n % 2 = 0) then '"headersTruncated":false'
                    else concat(
                        '"headersTruncated":', if(n % 50 = 0, 'true', 'false'), ',"headers":[{"name":"From","value":', to_json(source),
                        '},{"name":"Subject","value":', to_json(subject), '}',
                        if(n % 50 = 0, '', ['', ',{"name":"X-Customer-Tier","value":"free"}', ',{"name":"X-Customer-Tier","value":"silver"}',
                            ',{"name":"X-Customer-Tier","value":"gold"}'][1 + draw(bits, 15, 4)]),
                        '],"commonHeaders":{"from":[', to_json(source), ']', if(n % 40 = 0, '', ',"subject":' || to_json(subject)), '}'
                    )
                end,
                case
                    when form = 'notification' or tagging = 'untagged' then null
                    when tagging = 'empty' then '"tags":{}'
                    else '"tags":{' || concat_ws(
                        ',',
                        '"ses:configuration-set":["' || set || '"]',
                        if(object in ('failure', 'deliveryDelay'), null, concat_ws(
                            ',',
                            '"ses:source-ip":["203.0.113.9"],"ses:from-domain":["' || domain || '"],"ses:caller-identity":["shop-app"]',
                            pick(bits, 19, ['"ses:operation":["SendEmail"]', '"ses:operation":["SendRawEmail"],"ses:source-tls-version":["TLSv1.3"]', null]),
                            pick(bits, 23, [
                                '"campaign":["spring-sale"]', '"campaign":["weekly-digest"]', '"campaign":["welcome"],"variant":["b"]',
                                '"campaign":["spring-sale","loyalty"]', '"variant":["a","c"],"campaign":["win-back"]', '"campaign":["Größe & Co"]',
                                '"team":["billing.eu@example.com"]', '"ses:feedback-id-a":["spring"],"campaign":["spring-sale"]', null, null
                            ]),
                            if(event = 'Delivery' and n % 3 > 0, '"ses:outgoing-ip":["192.0.2.110"],"ses:outgoing-tls-version":["TLSv1.2"]', null)
                        ))
                    ) || '}'
                end
            ) || '}'
        ) || '}' as text,
        '{"notificationType":"Received","mail":{"timestamp":"' || iso(moment) || '","source":"someone@example.net","messageId":"' || hex
        || '"},"receipt":{"action":{"type":"SNS"}}}' as received,
    from addressed
)

select
    arrived,
    n,
    form,
    way,
    text,
    case
        when step = 'Received' then received
        when step = 'Received in SNS' then sns('Notification', hex, moment, account, received)
        when step = 'topic validated'
            then sns('Notification', hex, moment, account, 'Successfully validated SNS topic for Amazon SES event publishing.')
        when step in ('SubscriptionConfirmation', 'UnsubscribeConfirmation') then sns(step, hex, moment, account, 'Visit the address below.')
        when form = 'other' then eventbridge(step, hex, moment, account, region, '{"version":"1.0.0"}')
        -- Most events end with a newline, also within a message.
        when way = 'sns' then sns('Notification', hex, moment, account, text || if(n % 4 = 0, '', chr(10)))
        when way = 'eventbridge' then eventbridge('Email ' || event, hex, moment, account, region, text)
        else text
    end as line,
from texted;

-- Odd records: what Firehose writes of a failed delivery, a message that is no JSON, and what is no event.
create table odd_events as
with one as (select arrived, text from events where form = 'event' and text like '{"eventType":"Send"%' order by arrived, text limit 1)

select arrived, json_merge_patch(text, patch)::varchar as line
from one, (values
    ('{"mail":{"timestamp":null}}'), ('{"mail":{"timestamp":"9999-12-31T23:59:59.999Z"}}'), ('{"mail":{"timestamp":"0001-01-01T00:00:00Z"}}'),
    ('{"mail":{"timestamp":"soon"}}'), ('{"mail":{"timestamp":""}}'), ('{"mail":{"messageId":null}}'),
    ('{"eventType":"Scheduled"}'), ('{"eventType":""}'), ('{"eventType":null}'), ('{"eventType":42}'), ('{"eventType":null,"notificationType":"AmazonSnsSubscriptionSucceeded"}'),
    ('{"mail":{"tags":{"note":["before\u0000after"]}}}')
) as v (patch)
union all
select arrived, unnest([
    '{"Type":"Notification","MessageId":"0","Message":"an event that is none"}',
    '{"attemptsMade":4,"arrivalTimestamp":1769990400000,"errorCode":"Example.Failed","errorMessage":"made up","rawData":"e30="}'
]) from one;

select arrived, line from events
union all
select arrived, line from odd_events where not clean();
