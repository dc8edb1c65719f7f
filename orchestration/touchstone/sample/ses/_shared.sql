-- What happens to messages: SES' events, and CloudWatch's counts of them, come from here.
-- A step is an event with its parameters: of a send to whom (a mailbox of the simulator, to several,
-- or to the sender itself), of a bounce type, subtype, status, and whom of several it is about.
create table lives as
from (values
    (3300, 'Send Delivery~2'),
    (1600, 'Send Delivery~2 Open~9000'),
    (600, 'Send Delivery~2 Open~3000 Open~8000 Open~50000'),
    (700, 'Send Delivery~2 Open~5000 Click~5060 Click~5120'),
    (60, 'Send Delivery+1 Click~5400'),
    (50, 'Send Delivery~2 Open~5000 Subscription~5060'),
    (120, 'Send:several Delivery+1 Open~9000'),
    (120, 'Send:several Delivery:first+1 Delivery:others+2 Open~9000'),
    (80, 'Send:several Delivery:first+1 Bounce:Permanent:General:5.1.1:others+2'),
    (30, 'Send Bounce:Permanent:General:5.1.1+-0.4'),
    (40, 'Send Delivery~2 Bounce:Permanent:General:5.1.1~90000'),
    (60, 'Send Delivery~2 Bounce:Transient:General~30'),
    (50, 'Send DeliveryDelay:General:4.0.0+3600 DeliveryDelay:MailboxFull:4.2.2+18000 '
        || 'DeliveryDelay:SpamDetected:4.7.1+39600 Bounce:Transient:General:4.4.7+50400'),
    (20, 'Send Complaint:suppressed+0.2'),
    -- Links are tracked for sixty days: the last message was sent before the first of the days.
    (15, 'Send Delivery~2 Open+1814400 Click+1814401'),
    (15, 'Send Delivery~2 Open+2595600 Click+2595601'),
    (10, 'Send Delivery~2 Open+5183940'),
    (80, 'Open'),
    (25, 'Send Reject'),
    (25, 'Send:self Reject'),
    (20, 'Send Rendering-Failure'),
    (20, 'RenderingFailure'),
    (10, 'Send RENDERING_FAILURE'),
    (10, 'renderingFailure'),
    (10, 'Send:success Delivery+1'),
    (10, 'Send:bounce Bounce:Permanent:General:5.1.1+1'),
    (10, 'Send:ooto Delivery+1 Bounce:Transient:General+2'),
    -- Some 20 milliseconds before the delivery it is about.
    (10, 'Send:complaint Delivery+1 Complaint:abuse+0.98'),
    (10, 'Send:suppressionlist Bounce:Permanent:General:5.1.1+1'),
    (10, 'Send:bounce+order42 Bounce:Permanent:General:5.1.1+1')
) as v (share, script)
union all
select 30, 'Send Bounce:' || bounce || '~2' from unnest([
    'Permanent:General:5.1.1', 'Permanent:General', 'Permanent:NoEmail:5.1.3', 'Permanent:Suppressed:5.1.1',
    'Permanent:OnAccountSuppressionList:5.1.1', 'Permanent:EmailValidationSuppressed:5.1.1',
    'Permanent:OnTenantSuppressionList', 'Transient:General:4.4.7', 'Transient:MailboxFull:4.2.2',
    'Transient:MessageTooLarge:5.3.4', 'Transient:ContentRejected:5.6.0', 'Undetermined:Undetermined',
    'Transient:AttachmentRejected:5.6.0', 'Transient:CustomTimeoutExceeded:4.4.7'
]) as r (bounce)
union all
select 12, 'Send Delivery~2 Complaint:' || type || '~90000' from unnest([
    'abuse', 'not-spam', 'fraud', 'other', 'auth-failure', 'virus', 'null', '-'
]) as r (type)
union all
select 40, 'Send DeliveryDelay:' || type || '+600 Delivery~3600 Open~9000' from unnest([
    'MailboxFull:4.2.2', 'SpamDetected:4.7.1', 'RecipientServerError:4.3.0', 'General:4.0.0',
    'TransientCommunicationFailure:4.4.1', 'IPFailure:4.7.0', 'InternalFailure', 'SendingDeferral',
    'BYOIPHostNameLookupUnavailable', 'Undetermined'
]) as r (type);

-- Without a configuration set nothing is published but feedback notifications; with `is_notified`
-- these come besides. The same name of a set stands for another one in another account.
create table senders as from (values
    (0, '300000000001', 'us-east-1', 'news', 'news@mail.example.com', 'firehose', false),
    (1, '300000000001', 'us-east-1', 'shop', 'orders@shop.example.com', 'firehose', false),
    (2, '300000000001', 'us-east-1', 'shop', 'billing@shop.example.com', 'sns', true),
    (3, '300000000002', 'eu-west-1', 'news', 'nieuws@example.org', 'firehose', false),
    (4, '300000000002', 'eu-west-1', 'alerts', 'alerts@status.example.org', 'eventbridge', false),
    (5, '300000000001', 'us-east-1', null, 'hello@old.example.com', 'sns', true)
) as v (sender, account, region, set, address, way, is_notified);

-- Every arrival of an event: by each way of its message, and as a notification.
set variable messages = (select lives_of(events() / 1.12, 'lives'));
create table messages as from moments('ses', getvariable('messages'));
create table ses_arrivals as
with shaped as (
    select
        happened.*,
        sender,
        ['tagged', 'untagged', 'empty'][if(draw(bits, 33, 100) < 96, 1, 2 + n % 2)] as tagging,
        list_concat(
            if(set is null, [], case draw(bits, 37, 50)
                when 0 then ['firehose', 'sns', 'eventbridge']
                when 1 then ['firehose', 'sns']
                when 2 then ['firehose', 'eventbridge']
                else [way]
            end),
            if(
                is_notified and regexp_matches(step, '^(Bounce|Complaint|Delivery(:|$))'),
                [if(n % 5 = 0, 'notice by firehose', 'notice by sns')], []
            )
        ) as ways,
    from steps_of('messages', 'lives') as happened
    join senders on sender = pick(bits, 29, [0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 3, 4, 4, 5])
    where within_days(moment)
)

select * exclude (ways), unnest(arrivals(moment, stir(bits, j))) as arrived
from (select *, unnest(ways) as way from shaped)
order by arrived;
