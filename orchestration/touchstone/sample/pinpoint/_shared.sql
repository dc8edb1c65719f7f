-- People on their ways through journeys. Events, contacts and the API's counters follow from them.
create macro run_id(journey, number) as token('run', concat(journey, '/', number));
-- Days on which a journey changes, by their share of all days; never the first.
create macro since(share) as beginning() + to_days(greatest(ceil(share * days())::integer, 1));
-- When the API is asked: every day, but for a few on which nobody does.
create macro fetches() as table
select d, beginning() + to_days(d) + to_seconds(10800 + draw(seeded('fetch', d), 5, 1800)) as fetched_at
from range(days()) as r (d) where d % 12 < 11;

-- The vendor has two words for activities that send email.
create table activities as
select unnest(if(journey = 'welcome', ['welcome', 'test'], [journey])) as journey, activity, type, definition
from (values
    ('welcome', 'holdout', 'HOLDOUT', '{"Holdout":{"Percentage":10}}'),
    ('welcome', 'greeting', 'EMAIL', '{"EMAIL":{"TemplateName":"welcome"},"Description":"Greeting"}'),
    ('welcome', 'day', 'WAIT', '{"Wait":{"WaitTime":{"WaitFor":"P1D"}}}'),
    ('welcome', 'opened', 'CONDITIONAL_SPLIT', '{"ConditionalSplit":{"TrueActivity":"app","FalseActivity":"paths"}}'),
    ('welcome', 'app', 'PUSH', '{"PUSH":{"MessageConfig":{"TimeToLive":"86400"}}}'),
    ('welcome', 'paths', 'RANDOM_SPLIT', '{"RandomSplit":{"Branches":[{"NextActivity":"text","Percentage":50},'
        || '{"NextActivity":"reminder","Percentage":30},{"Percentage":20}]}}'),
    ('welcome', 'text', 'SMS', '{"SMS":{"MessageConfig":{"MessageType":"PROMOTIONAL"}}}'),
    ('welcome', 'reminder', 'EMAIL', '{"EMAIL":{"TemplateName":"reminder"}}'),
    ('cart', 'yourcart', 'EMAIL', '{"EMAIL":{"NextActivity":"hours"},"Description":"Your cart"}'),
    ('cart', 'hours', 'WAIT', '{"Wait":{"WaitTime":{"WaitFor":"PT2H"}}}'),
    ('cart', 'which', 'MULTI_CONDITIONAL_SPLIT', '{"MultiCondition":{"DefaultActivity":"crm","Branches":'
        || '[{"NextActivity":"coupon"},{"NextActivity":"carttext"}]}}'),
    ('cart', 'coupon', 'PUSH', '{"PUSH":{"MessageConfig":{"TimeToLive":"3600"}}}'),
    ('cart', 'carttext', 'SMS', '{"SMS":{"MessageConfig":{"MessageType":"TRANSACTIONAL"}}}'),
    ('cart', 'crm', 'CUSTOM', '{"CUSTOM":{"DeliveryUri":"arn:aws:lambda:us-east-1:300000000001:function:to-crm"}}'),
    ('cart', 'lastcall', 'MESSAGE', '{"EMAIL":{"TemplateName":"last-call"}}'),
    ('win-back', 'bought', 'CONDITIONAL_SPLIT', '{"ConditionalSplit":{"FalseActivity":"call"}}'),
    ('win-back', 'call', 'CONTACT_CENTER', '{"ContactCenter":{"NextActivity":"webhook"},"Description":"Call"}'),
    ('win-back', 'webhook', 'CUSTOM', '{"CUSTOM":{"DeliveryUri":"https://hooks.example.com/called"}}'),
    ('win-back', 'until', 'WAIT', '{"Wait":{"WaitTime":{"WaitUntil":"' || iso(since(0.5) + interval 9 hours) || '"}}}'),
    ('win-back', 'thanks', 'EMAIL', '{"EMAIL":{"TemplateName":"thanks"}}')
) as v (journey, activity, type, definition);

-- A life begins with its journey. An activity without a key sends; one with a key counts in that.
create table lives as from (values
    (33, 'welcome enter holdout.HOLDOUT leave'),
    (60, 'welcome enter holdout.PASSED greeting day.WAIT_STARTED day.WAIT_FINISHED+86401 opened.Branch_{TRUE+90001 '
        || 'app+90002|FALSE+90001 paths.Branch_1+90001 text+90002|FALSE+90001 paths.Branch_2+90001 reminder+90002|'
        || 'FALSE+90001 paths.Branch_3+90001} leave+90003'),
    (60, 'win-back enter bought.Branch_{TRUE+3600|FALSE+3600 call+3601 webhook+14400 until.WAIT_STARTED+15300 '
        || 'until.WAIT_FINISHED+15301 thanks+15302|FALSE+3600 call+3601 webhook+14400 until.WAIT_SKIPPED+15300 '
        || 'thanks+15301} leave+15303'),
    (90, 'cart _cart.abandoned enter yourcart hours.WAIT_STARTED hours.WAIT_FINISHED+7202 which.Branch_{1+10802 '
        || 'coupon+10803 lastcall+10804|2+10802 carttext+10803|ELSE+10802 crm+10803 lastcall+11703|'
        || '3+10802 lastcall+10803} leave+11704'),
    (100, 'none {EMAIL|contact}'),
    (30, 'none SMS'),
    (30, 'campaign _campaign.send {EMAIL|SMS|PUSH}'),
    (6, 'test enter holdout.PASSED greeting opened.Branch_FALSE+90001 paths.Branch_1+90001 text+90002 leave+90003'),
    (6, 'cart journey.ENDPOINT_PRODUCED journey.{ACTIVE_ENDPOINT_REJECTED|REENTRY_CAP_EXCEEDED|DUPLICATE_USER}'),
    (6, 'welcome journey.ENDPOINT_PRODUCED journey.{FILTERED_OUT_BY_SEGMENT|REENTRY_CAP_EXCEEDED}'),
    -- Isn't in the segment any more when it is looked up again.
    (6, 'win-back enter bought.Branch_FALSE+3600 call.CALL_QUEUED+3601 call.WAIT_STARTED+3601 '
        || 'call.DROPPED+7200 removed+7200')
) as v (share, script);

create table people as from moments('pinpoint', lives_of(events(), 'lives'));
create table walked as
select
    *, split_part(script, ' ', 1) as journey, split_part(step, '.', 1) as activity, draw(bits, 7, 1000000) as person,
    if(step[1] = '_', null, nullif(split_part(step, '.', 2), '')) as key,
    run_id(journey, if(journey = 'welcome', date_diff('day', beginning(), begun_at) // 2, 0)) as run,
from steps_of('people', 'lives')
where
    j > 1
    and (not regexp_matches(script, 'which.Branch_3|WAIT_SKIPPED') or begun_at > since(0.5))
    and begun_at < case journey when 'win-back' then since(0.85) when 'test' then since(0.2) else ending() end;

-- What becomes of a message that a journey is to send. Of one status the documentation knows nothing.
create table sends as
select
    * exclude (wanted) replace (
        if(wanted = 'CUSTOM' and status = 'FAILURE', 'CUSTOM_DELIVERY_FAILURE', status) as status,
        moment - to_seconds(contains(status, 'FINISHED')::integer) as moment
    ),
    replace(wanted, 'MESSAGE', 'EMAIL') as type,
from (
    select
        n, stir(bits, j) as bits, moment, person, journey, run, activity, type as wanted,
        unnest(if(draw(stir(bits, j), 5, 100) < 80, ['SUCCESS'], string_split(pick(stir(bits, j), 13, [
            'QUIET_TIME', 'DAILY_CAP', 'QUIET_TIME_WAIT_FINISHED SUCCESS', 'THROTTLED', 'FAILURE_PERMANENT', 'FAILURE',
            'QUIET_TIME_MISSING_TIMEZONE', 'UNSUPPORTED_CHANNEL', 'TRANSIENT_FAILURE', 'SERVICE_FAILURE', 'UNKNOWN',
            'SENDER_RETIRED'
        ]), ' '))) as status,
    from walked
    join activities using (journey, activity)
    where key is null and type in ('EMAIL', 'MESSAGE', 'SMS', 'PUSH', 'CUSTOM', 'CONTACT_CENTER')
);

-- What becomes of a message that was sent. A text's events have their record status, and whether they have the price
-- ($). A call begins with what answered, if that was found out, and why it is over; so does a contact of no campaign,
-- with its channel and method. One reason is so spelled by the vendor.
create table message_lives as
select share, replace(replace(replace(script,
    '@talk', 'INITIATED+0 CONNECTED_TO_SYSTEM+4 CONTACT_DATA_UPDATED+6 QUEUED+7 CONNECTED_TO_AGENT+13 @end'),
    '@play', 'INITIATED+0 CONNECTED_TO_SYSTEM+4 CONTACT_DATA_UPDATED+6 @end'),
    '@end', 'DISCONNECTED~180 COMPLETED~210') as script
from (values
    (60, 'EMAIL|send delivered{| open~9000 click~9060| open~3000 open~30000 click~3060 click~30010}'),
    (3, 'EMAIL|send {hardbounce|delivered hardbounce~40000|softbounce~3600 hardbounce~20000|softbounce~3600 '
        || 'softbounce~7200|softbounce~3600 delivered~20000 open~24000|rejected}'),
    (3, 'EMAIL|send delivered {complaint+3600|complaint~1000000|open~1500000|open+3600 unsubscribe+3610|open+10 '
        || 'open+200 click+11 click+201|open+3600 click+3609 unsubscribe+3610 unsubscribe+3620|open+1800 open+5100 '
        || 'click+1801 click+5101}'),
    (3, 'EMAIL|{delivered open+3600|rejected|rendering_failure}'),
    (12, 'SMS|{BUFFERED/PENDING/ SUCCESS/DELIVERED/$|BUFFERED/SUCCESSFUL/$ SUCCESS/DELIVERED/$|'
        || 'BUFFERED/SUCCESSFUL/$ SUCCESS/SUCCESSFUL/$|SUCCESS/SUCCESSFUL/$}'),
    (2, 'SMS|{BUFFERED/SUCCESSFUL/$ SUCCESS/SUCCESSFUL/|SUCCESS/DELIVERED/|BUFFERED/PENDING/|BUFFERED/SUCCESSFUL/$|'
        || 'BUFFERED/SUCCESSFUL/$ FAILURE/UNKNOWN/$+259200|BUFFERED/PENDING/ FAILURE/UNREACHABLE/$ '
        || 'SUCCESS/DELIVERED/$+65|FAILURE/BLOCKED/|SUCCESS/DELIVERED/$ OPTOUT/OPTED_OUT/~1800}'),
    (1, 'SMS|BUFFERED/SUCCESSFUL/$ FAILURE/{UNREACHABLE|BLOCKED|CARRIER_UNREACHABLE|SPAM|INVALID|INVALID_MESSAGE|'
        || 'CARRIER_BLOCKED|TTL_EXPIRED|MAX_PRICE_EXCEEDED|OPTED_OUT|NO_QUOTA_LEFT_ON_ACCOUNT|RATE_EXCEEDED|'
        || 'NO_ORIGINATION_IDENTITY_AVAILABLE_TO_SEND|DESTINATION_COUNTRY_NOT_SUPPORTED|ACCOUNT_IN_SANDBOX|'
        || 'INVALID_ORIGINATION_IDENTITY|ORIGINATION_IDENTITY_DOES_NOT_EXIST|INVALID_DLT_PARAMETERS|INVALID_PARAMETERS|'
        || 'ACCESS_DENIED|INVALID_KEYWORD|INVALID_SENDER_ID|INVALID_POOL_ID|SENDER_ID_NOT_SUPPORTED_FOR_DESTINATION|'
        || 'INVALID_PHONE_NUMBER}/$'),
    (2, 'PUSH|{nothing|received_background|received_foreground~4000|received_background opened_notification~4000|'
        || 'received_foreground~4000 received_background~4002 opened_notification~5000|opened_notification~4000}'),
    (6, 'CONTACT_CENTER|HUMAN_ANSWERED/{CUSTOMER_DISCONNECT|AGENT_DISCONNECT|THIRD_PARTY_DISCONNECT|TELECOM_PROBLEM|'
        || 'BARGED} @talk'),
    (3, 'CONTACT_CENTER|{VOICEMAIL_BEEP/AGENT_DISCONNECT|AMD_NOT_APPLICABLE/CUSTOMER_DISCONNECT|'
        || '/CUSTOMER_DISCONNECT} @talk'),
    (6, 'CONTACT_CENTER|{AMD_UNANSWERED|AMD_UNRESOLVED|AMD_UNRESOLVED_SILENCE}/CONTACT_FLOW_DISCONNECT @play'),
    (1, 'CONTACT_CENTER|{VOICEMAIL_BEEP|VOICEMAIL_NO_BEEP|AMD_ERROR|SIT_TONE_BUSY|SIT_TONE_DETECTED|UNDETECTED|ERROR|'
        || 'SIT_TONE_INVALID_NUMBER|FAX_MACHINE_DETECTED}/CONTACT_FLOW_DISCONNECT @play'),
    (1, 'CONTACT_CENTER|ANSWERED/OTHER @play'),
    (6, 'CONTACT_CENTER|/CONTACT_FLOW_DISCONNECT INITIATED+0 CONNECTED_TO_SYSTEM+4 AMD_DISABLED+5 @end'),
    (5, 'CONTACT_CENTER|{AMD_ERROR/OUTBOUND_ATTEMPT_FAILED|/OUTBOUND_ATTEMPT_FAILED|'
        || '/OUTBOUND_DESTINATION_ENDPOINT_ERROR|/OUTBOUND_RESOURCE_ERROR|/OUTBUND_PREVIEW_DISCARDED|/DISCARDED|'
        || '/EXPIRED} INITIATED+0 DISCONNECTED COMPLETED+50'),
    (1, 'contact|{/CUSTOMER_DISCONNECT/VOICE/INBOUND|/CUSTOMER_DISCONNECT/VOICE/TRANSFER|'
        || '/AGENT_DISCONNECT/VOICE/OUTBOUND|/AGENT_COMPLETED/TASK/API} @talk'),
    (1, 'contact|{/OUTBOUND_ATTEMPT_FAILED/VOICE/OUTBOUND|/EXPIRED/TASK/API|'
        || '/CUSTOMER_CONNECTION_NOT_ESTABLISHED/CHAT/API} INITIATED+0 DISCONNECTED COMPLETED+50'),
    (1, 'contact|/IDLE_DISCONNECT/CHAT/API INITIATED+0 WEBRTC_API+5 PAUSED+8 RESUMED+9 @end')
) as v (share, script);

-- What messages are of: a journey's activity, a campaign, or neither. Some texts don't say their journey, though one
-- sent them; others come too long after one, or after a send that failed. A call is made within the hour.
create table messages as
select
    *, row_number() over (partition by kind order by moment, person, journey, campaign) - 1 as n,
    seeded(kind, concat_ws('/', person, moment, journey, campaign)) as bits,
from (
    select
        type as kind, person, moment + to_seconds(if(type = 'CONTACT_CENTER', 60 + person % 3600, 0)) as moment,
        unnest(if(type = 'SMS' and n % 7 = 3, null, {journey: journey, run: run, activity: activity})),
    from sends where status = 'SUCCESS'
    union all by name
    select type as kind, person, moment + [to_minutes(4319), to_minutes(4322), to_hours(200)][1 + n // 12 % 3] as moment
    from sends where type = 'SMS' and n % 12 = 0
    union all by name
    select
        if(journey = 'campaign', 'spring', null) as campaign, step as kind, moment,
        if(journey = 'none', 1000000, 0) + person as person,
    from walked where step in ('EMAIL', 'SMS', 'PUSH', 'contact')
);
create table happened as from steps_of('messages', 'message_lives');
