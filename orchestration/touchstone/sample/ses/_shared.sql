-- What happens to messages: SES' events, and CloudWatch's counts of them, come from here.
-- A step is an event with its parameters: of a send to whom (a mailbox of the simulator, to several,
-- or to the sender itself), of a bounce type, subtype, status, and whom of several it is about.
create table lives as from (values
    (3000, 'Send Delivery'),
    (700, 'Send Delivery {Open~9000|Open~3000 Open~8000 Open~50000|Open~5000 Click~5060 Click~5120}'),
    (100, 'Send:several {Delivery|Delivery:first Delivery:others} Open~9000'),
    (100, '{Open|Send:several Delivery:first Bounce:Permanent:General:5.1.1:others}'),
    (100, 'Send Delivery Open~5000 Subscription~5060'),
    (40, 'Send DeliveryDelay:General:4.0.0~3600 DeliveryDelay:MailboxFull:4.2.2~18000 '
        || 'Bounce:Transient:General:4.4.7~50400'),
    (40, 'Send {Bounce:Permanent:General:5.1.1+-0.4|Complaint:suppressed|Reject|Rendering-Failure}'),
    (40, 'Send Delivery Bounce:{Permanent:General:5.1.1~90000|Transient:General~30}'),
    (40, 'Send:self Reject'),
    (30, 'Send Bounce:{Permanent:General:5.1.1|Permanent:General|Permanent:NoEmail:5.1.3|Transient:MailboxFull:4.2.2|'
        || 'Permanent:OnAccountSuppressionList:5.1.1|Permanent:EmailValidationSuppressed:5.1.1|'
        || 'Permanent:OnTenantSuppressionList|Permanent:Suppressed:5.1.1|Transient:General:4.4.7|'
        || 'Transient:MessageTooLarge:5.3.4|Undetermined:Undetermined|Transient:ContentRejected:5.6.0|'
        || 'Transient:AttachmentRejected:5.6.0|Transient:CustomTimeoutExceeded:4.4.7}'),
    (40, 'Send DeliveryDelay:{MailboxFull:4.2.2|SpamDetected:4.7.1|RecipientServerError:4.3.0|IPFailure:4.7.0|'
        || 'TransientCommunicationFailure:4.4.1|InternalFailure|SendingDeferral|BYOIPHostNameLookupUnavailable|'
        || 'Undetermined}+600 Delivery~3600 Open~9000'),
    (12, 'Send Delivery Complaint:{abuse|not-spam|fraud|other|auth-failure|virus|-}~90000'),
    -- Links are tracked for sixty days: the last message was sent before the first of the days. A complaint is some
    -- 20 milliseconds before the delivery it is about.
    (10, '{RenderingFailure|Send RENDERING_FAILURE|renderingFailure}'),
    (10, 'Send Delivery Open{+5183940|+2595600 Click+2595601}'),
    (10, 'Send:{success Delivery|ooto Delivery Bounce:Transient:General|complaint Delivery+1 Complaint:abuse+0.98}'),
    (10, 'Send:bounce{|+order42} Bounce:Permanent:General:5.1.1')
) as v (share, script);

-- Without a configuration set nothing is published but feedback notifications; with `is_notified`
-- these come besides. The same name of a set stands for another one in another account.
create table senders as from (values
    (0, '300000000001', 'us-east-1', 'news', 'news@mail.example.com', 'firehose', false),
    (1, '300000000001', 'us-east-1', 'shop', 'orders@shop.example.com', 'firehose', false),
    (2, '300000000001', 'us-east-1', 'shop', 'billing@shop.example.com', 'sns', true),
    (3, '300000000002', 'eu-west-1', 'news', 'nieuws@example.org', 'firehose', false),
    (4, '300000000002', 'eu-west-1', 'alerts', 'alerts@status.example.org', 'eventbridge', false),
    (5, '300000000001', 'us-east-1', null, 'hello@old.example.com', 'sns', true)
) as v (sender, account, region, set, address, usual_way, is_notified);

-- Every arrival of an event: by each way of its message, and as a notification.
create table messages as from moments('ses', lives_of(events() / 1.12, 'lives'));
create table ses_arrivals as
select *, unnest(arrivals(moment, stir(bits, j))) as arrived
from (
    select
        happened.*, sender, ['tagged', 'untagged', 'empty'][if(draw(bits, 33, 100) < 96, 1, 2 + n % 2)] as tagging,
        unnest(list_concat(
            if(set is null, [], case draw(bits, 37, 50)
                when 0 then ['firehose', 'sns', 'eventbridge'] when 1 then ['firehose', 'sns'] else [usual_way]
            end),
            if(is_notified and regexp_matches(step, '^(Bounce|Complaint|Delivery(:|$))'),
                [if(n % 5 = 0, 'notice by firehose', 'notice by sns')], [])
        )) as way,
    from steps_of('messages', 'lives') as happened
    join senders on sender = pick(bits, 29, [0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 3, 4, 4, 5])
    where within_days(moment)
)
order by arrived;
