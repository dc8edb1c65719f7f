-- What happens to messages: SES' events, and CloudWatch's counts of them, come from here.
create table bounces as from (values
    ('unknown-user', 'Permanent', 'General', '5.1.1', '550 5.1.1 no such person here', 80),
    ('no-email', 'Permanent', 'NoEmail', '5.1.3', '553 5.1.3 not an address', 40),
    ('refused', 'Permanent', 'General', '5.7.1', e'550-5.7.1 Refused.\n550-5.7.1 See\n550 5.7.1 example.net/why', 40),
    ('no-report', 'Permanent', 'General', null, null, 30),
    ('suppressed', 'Permanent', 'Suppressed', '5.1.1', 'SES did not try: on its own list', 30),
    ('suppressed-account', 'Permanent', 'OnAccountSuppressionList', '5.1.1', 'SES did not try: on the list of the account', 30),
    ('suppressed-validation', 'Permanent', 'EmailValidationSuppressed', '5.1.1', 'SES did not try: not a valid address', 20),
    ('suppressed-tenant', 'Permanent', 'OnTenantSuppressionList', null, null, 20),
    ('gave-up', 'Transient', 'General', '4.4.7', '554 4.4.7 gave up trying', 30),
    ('mailbox-full', 'Transient', 'MailboxFull', '4.2.2', '452 4.2.2 no room left', 30),
    ('too-large', 'Transient', 'MessageTooLarge', '5.3.4', '552 5.3.4 too large', 20),
    ('content', 'Transient', 'ContentRejected', '5.6.0', '554 5.6.0 content not accepted', 20),
    ('attachment', 'Transient', 'AttachmentRejected', '5.6.0', '554 5.6.0 attachment not accepted', 20),
    ('timeout', 'Transient', 'CustomTimeoutExceeded', '4.4.7', '554 4.4.7 time is up', 20),
    ('undetermined', 'Undetermined', 'Undetermined', null, null, 20),
    ('unclear', 'Undetermined', 'Undetermined', '5.0.0', '550 no', 10)
) as v (step, type, subtype, status, diagnostic, share);

create table complaints as from (values
    ('abuse', '"complaintSubType":null,"complaintFeedbackType":"abuse"', 40),
    ('not-spam', '"complaintFeedbackType":"not-spam"', 10),
    ('untyped', null, 10),
    ('fraud', '"complaintSubType":null,"complaintFeedbackType":"fraud"', 10),
    ('null-type', '"complaintFeedbackType":null', 10),
    ('other', '"complaintFeedbackType":"other"', 10),
    ('auth-failure', '"complaintFeedbackType":"auth-failure"', 10),
    ('virus', '"complaintFeedbackType":"virus"', 10)
) as v (step, type, share);

create table delays as from (values
    ('MailboxFull', '4.2.2'), ('SpamDetected', '4.7.1'), ('RecipientServerError', '4.3.0'), ('TransientCommunicationFailure', '4.4.1'),
    ('General', '4.0.0'), ('IPFailure', '4.7.0'), ('InternalFailure', null), ('BYOIPHostNameLookupUnavailable', null),
    ('SendingDeferral', null), ('Undetermined', null)
) as v (step, status);

create table other_records as from (values
    ('SubscriptionConfirmation'), ('UnsubscribeConfirmation'), ('topic validated'), ('Received'), ('Received in SNS'),
    ('Advisor Recommendation Status Open'), ('Advisor Recommendation Status Resolved'), ('Sending Status Enabled'), ('Sending Status Disabled')
) as v (step);

create table lives as
from (values
    ('delivered', 3300, 'send, delivered~2'),
    ('opened', 1600, 'send, delivered~2, opened~9000'),
    ('opened again', 600, 'send, delivered~2, opened~3000, opened~8000, opened~50000'),
    ('clicked', 700, 'send, delivered~2, opened~5000, clicked~5060, clicked~5120'),
    ('clicked unopened', 60, 'send, delivered+1, clicked~5400'),
    ('unsubscribed', 50, 'send, delivered~2, opened~5000, subscription~5060'),
    ('one delivery of several', 120, 'send, delivered+1, opened~9000'),
    ('a delivery for each of several', 120, 'send, delivered-first+1, delivered-others+2, opened~9000'),
    ('several, of whom some bounce', 80, 'send, delivered-first+1, bounced-others+2'),
    ('bounced before its mail', 30, 'send, unknown-user+-0.4'),
    ('bounced after the delivery', 40, 'send, delivered~2, unknown-user~90000'),
    ('out of office', 60, 'send, delivered~2, out-of-office~30'),
    ('delayed for good', 50, 'send, General+3600, MailboxFull+18000, SpamDetected+39600, gave-up+50400'),
    ('complaint suppressed', 20, 'send, complaint-suppressed+0.2'),
    ('opened after 21 days', 15, 'send, delivered~2, opened+1814400, clicked+1814401'),
    ('opened after 30 days', 15, 'send, delivered~2, opened+2595600, clicked+2595601'),
    ('opened after 59 days', 10, 'send, delivered~2, opened+5183940'),
    ('opened of old', 80, 'opened'),
    ('rejected', 25, 'send, reject'),
    ('rejected, to the sender', 25, 'send, reject'),
    ('rendering failed', 20, 'send, Rendering Failure'),
    ('rendering failed untold', 20, 'RenderingFailure'),
    ('rendering failed in capitals', 10, 'send, RENDERING_FAILURE'),
    ('rendering failed in camels', 10, 'renderingFailure'),
    ('bounced without an id', 8, 'send, bounced-no-id+1'),
    ('bounced with id null', 8, 'send, bounced-null-id+1'),
    ('bounced with a placeholder', 8, 'send, bounced-placeholder-id+1'),
    ('complained without an id', 8, 'send, delivered+1, complained-no-id+86400'),
    ('simulator: success', 10, 'send, delivered+1'),
    ('simulator: bounce', 10, 'send, unknown-user+1'),
    ('simulator: ooto', 10, 'send, delivered+1, out-of-office+2'),
    -- Some 20 milliseconds before the delivery it is about.
    ('simulator: complaint', 10, 'send, delivered+1, abuse+0.98'),
    ('simulator: suppressionlist', 10, 'send, unknown-user+1'),
    ('simulator: bounce+order42', 10, 'send, unknown-user+1')
) as v (life, share, script)
union all
select 'bounced: ' || step, share, 'send, ' || step || '~2' from bounces
union all
select 'complained: ' || step, share, 'send, delivered~2, ' || step || '~90000' from complaints
union all
select 'delayed: ' || step, 40, 'send, ' || step || '+600, delivered~3600, opened~9000' from delays
union all
select 'other: ' || step, 5, step from other_records;

-- A step's event, what its object holds beside times and recipients, what is said of each recipient, whose step it is,
-- and the metric of CloudWatch that counts it. A feedback id is there, or is missing in one of three ways.
create table steps as
with told as (
    select step, type, subtype, status, diagnostic, 'id' as feedback, 'all' as whose from bounces
    union all
    from (values
        ('bounced-others', 'Permanent', 'General', '5.1.1', '550 5.1.1 no such person here', 'id', 'others'),
        ('out-of-office', 'Transient', 'General', null, null, 'id', 'all'),
        ('bounced-no-id', 'Permanent', 'General', null, null, null, 'all'),
        ('bounced-null-id', 'Permanent', 'General', null, null, 'null', 'all'),
        ('bounced-placeholder-id', 'Permanent', 'General', null, null, '"<feedbackId>"', 'all')
    ) as v
)

select
    step,
    'Bounce' as event,
    'bounce' as object,
    '"bounceType":"' || type || '","bounceSubType":"' || subtype || '"' || if(status is null, '', ',"reportingMTA":"dns; out-3.mail.example"') as own,
    coalesce(',"action":"failed","status":"' || status || '",' || field('diagnosticCode', 'smtp; ' || diagnostic), '') as answer,
    whose,
    feedback,
    if(type = 'Permanent', 'Bounce', null) as metric,
from told
union all
select step, 'Complaint', 'complaint', concat_ws(',', '"userAgent":"ExampleFeedbackLoop/1"', type), '', 'all', 'id', 'Complaint' from complaints
union all
select
    step, 'DeliveryDelay', 'deliveryDelay', '"delayType":"' || step || '","reportingMTA":"out-3.mail.example"',
    coalesce(',"action":"delayed","status":"' || status || '","diagnosticCode":"smtp; 450 later"', ''), 'all', null, null,
from delays
union all
select step, 'other', null, null, null, null, null, null from other_records
union all
from (values
    ('complaint-suppressed', 'Complaint', 'complaint', '"complaintSubType":"OnAccountSuppressionList"', '', 'all', 'id', 'Complaint'),
    ('complained-no-id', 'Complaint', 'complaint', '"complaintFeedbackType":"abuse"', '', 'all', null, 'Complaint'),
    ('send', 'Send', 'send', null, null, 'all', null, 'Send'),
    ('delivered', 'Delivery', 'delivery', null, null, 'all', null, 'Delivery'),
    ('delivered-first', 'Delivery', 'delivery', null, null, 'first', null, 'Delivery'),
    ('delivered-others', 'Delivery', 'delivery', null, null, 'others', null, 'Delivery'),
    ('opened', 'Open', 'open', null, null, 'all', null, 'Open'),
    ('clicked', 'Click', 'click', null, null, 'all', null, 'Click'),
    ('reject', 'Reject', 'reject', '"reason":"Bad content"', null, 'all', null, 'Reject'),
    (
        'subscription', 'Subscription', 'subscription',
        '"contactList":"readers","source":"UnsubscribeHeader","newTopicPreferences":{"unsubscribeAll":true,"topicSubscriptionStatus":'
        || '[{"topicName":"weekly","subscriptionStatus":"OptOut"}]},"oldTopicPreferences":{"unsubscribeAll":false}',
        null, 'all', null, null
    )
) as v
union all
select
    unnest(['Rendering Failure', 'RenderingFailure', 'RENDERING_FAILURE', 'renderingFailure']) as step, step, 'failure',
    '"templateName":"order-3","errorMessage":"No value for ''first_name''"', null, 'all', null, 'Rendering Failure';

-- Without a configuration set nothing is published but feedback notifications; with `is_notified` these come besides.
-- The same name of a set stands for another one in another account. The ways are those by which events arrive.
create table senders as
select *, row_number() over (order by share desc, address, k) - 1 as slot
from (
    select *, unnest(range(share)) as k
    from (values
        ('300000000001', 'us-east-1', 'news', 'Example News <news@mail.example.com>', 'news@mail.example.com', 'mail.example.com', 'firehose', false, 40),
        ('300000000001', 'us-east-1', 'shop', 'orders@shop.example.com', 'orders@shop.example.com', 'shop.example.com', 'firehose', false, 20),
        ('300000000001', 'us-east-1', 'shop', 'Billing <billing@shop.example.com>', 'billing@shop.example.com', 'shop.example.com', 'sns', true, 8),
        ('300000000002', 'eu-west-1', 'news', 'Example Nieuws <nieuws@example.org>', 'nieuws@example.org', 'example.org', 'firehose', false, 16),
        ('300000000002', 'eu-west-1', 'alerts', 'alerts@status.example.org', 'alerts@status.example.org', 'status.example.org', 'eventbridge', false, 12),
        ('300000000001', 'us-east-1', null, 'Old Shop <hello@old.example.com>', 'hello@old.example.com', 'old.example.com', 'sns', true, 4)
    ) as v (account, region, set, source, address, domain, way, is_notified, share)
);

-- Every arrival of an event: as an event of event publishing by each way of its message, and as a notification.
set variable messages = (select lives_of(events() / 1.12, 'lives'));
create table messages as from moments('ses', getvariable('messages'));
create table ses_told as
with forms as (
    select
        told.*,
        draw(bits, 29, 100)::tinyint as slot,
        ['tagged', 'untagged', 'empty'][if(draw(bits, 33, 100) < 96, 1, 2 + n % 2)] as tagging,
        case
            when event = 'other' then [{form: 'other', way: null}]
            else list_concat(
                if(set is null, [], list_transform(
                    case draw(bits, 37, 50)
                        when 0 then ['firehose', 'sns', 'eventbridge']
                        when 1 then ['firehose', 'sns']
                        when 2 then ['firehose', 'eventbridge']
                        when 3 then ['firehose']
                        when 4 then ['sns']
                        else [way]
                    end,
                    lambda w: {form: 'event', way: w}
                )),
                if(is_notified and event in ('Bounce', 'Complaint', 'Delivery'), [{form: 'notification', way: if(n % 5 = 0, 'firehose', 'sns')}], [])
            )
        end as forms,
        metric,
        account,
        region,
        set,
    from told('messages', 'lives') as told
    join steps using (step)
    join senders on senders.slot = draw(bits, 29, 100)
    where within_days(moment)
)

select
    * exclude (forms, form, number, copies),
    form.form,
    form.way,
    unnest(copies) as arrived,
    number = 1 and generate_subscripts(copies, 1) = 1 as is_first,
from (
    select *, unnest(forms) as form, generate_subscripts(forms, 1) as number, arrivals(moment, stir(bits, j)) as copies from forms
)
order by arrived;
