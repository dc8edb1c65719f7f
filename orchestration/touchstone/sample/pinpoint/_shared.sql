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
create table lives as
select share, replace(replace(replace(unnest(scripts),
    'GREETED', 'enter holdout.PASSED greeting day.WAIT_STARTED+1 day.WAIT_FINISHED+86401'),
    'REMINDED', '_cart.abandoned enter+1 yourcart+1 hours.WAIT_STARTED+2 hours.WAIT_FINISHED+7202'),
    'CALLED', 'enter bought.Branch_FALSE+3600 call+3601 webhook+14400') as script
from (values
    (33, ['welcome enter holdout.HOLDOUT leave']),
    (60, [
        'welcome GREETED opened.Branch_TRUE+90001 app+90002 leave+90003',
        'welcome GREETED opened.Branch_FALSE+90001 paths.Branch_1+90001 text+90002 leave+90003',
        'welcome GREETED opened.Branch_FALSE+90001 paths.Branch_2+90001 reminder+90002 leave+90003',
        'welcome GREETED opened.Branch_FALSE+90001 paths.Branch_3+90001 leave+90002',
        'win-back enter bought.Branch_TRUE+3600 leave+3600',
        'win-back CALLED until.WAIT_STARTED+15300 until.WAIT_FINISHED+15301 thanks+15302 leave+15303',
        'win-back CALLED until.WAIT_SKIPPED+15300 thanks+15301 leave+15302'
    ]),
    (100, [
        'cart REMINDED which.Branch_1+10802 coupon+10803 lastcall+10804 leave+10805',
        'cart REMINDED which.Branch_2+10802 carttext+10803 leave+10804',
        'cart REMINDED which.Branch_ELSE+10802 crm+10803 lastcall+11703 leave+11704',
        'none EMAIL', 'none contact'
    ]),
    (30, [
        'cart REMINDED which.Branch_3+10802 lastcall+10803 leave+10804',
        'campaign _campaign.send EMAIL+1', 'campaign _campaign.send SMS+1', 'campaign _campaign.send PUSH+1', 'none SMS'
    ]),
    -- The last isn't in the segment any more when it is looked up again.
    (6, [
        'test GREETED opened.Branch_FALSE+90001 paths.Branch_1+90001 text+90002 leave+90003',
        'cart turned-away journey.ACTIVE_ENDPOINT_REJECTED', 'cart turned-away journey.REENTRY_CAP_EXCEEDED',
        'cart turned-away journey.DUPLICATE_USER', 'welcome turned-away journey.FILTERED_OUT_BY_SEGMENT',
        'welcome turned-away journey.REENTRY_CAP_EXCEEDED',
        'win-back enter bought.Branch_FALSE+3600 call.CALL_QUEUED+3601 call.WAIT_STARTED+3601 call.DROPPED+7200 removed+7200'
    ]),
    (3, [
        'none _test.event_stream', 'app _session.start', 'app _session.pause', 'app _session.resume', 'app _session.stop',
        'app _userauth.sign_in', 'app _userauth.sign_up', 'app _userauth.auth_fail', 'app _monetization.purchase'
    ])
) as v (share, scripts);

set variable people = (select lives_of(events(), 'lives'));
create table people as from moments('pinpoint', getvariable('people'));
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
    {journey_run_id: run, journey_id: md5(journey), journey_activity_id: activity, campaign_id: null::varchar} as origin,
from (
    select
        n, stir(bits, j) as bits, moment, person, journey, run, activity, type as wanted,
        unnest(if(draw(stir(bits, j), 5, 100) < 80, ['SUCCESS'], pick(stir(bits, j), 13, [
            ['QUIET_TIME'], ['DAILY_CAP'], ['QUIET_TIME_WAIT_FINISHED', 'SUCCESS'], ['THROTTLED'], ['FAILURE_PERMANENT'],
            ['QUIET_TIME_MISSING_TIMEZONE'], ['UNSUPPORTED_CHANNEL'], ['FAILURE'], ['TRANSIENT_FAILURE'],
            ['SERVICE_FAILURE'], ['UNKNOWN'], ['SENDER_RETIRED']
        ]))) as status,
    from walked
    join activities using (journey, activity)
    where key is null and type in ('EMAIL', 'MESSAGE', 'SMS', 'PUSH', 'CUSTOM', 'CONTACT_CENTER')
);

-- Calls of campaigns: what answered, if that was found out, and why the call was over. An agent was
-- in it if people hung up. One reason is so spelled by the vendor.
create table outcomes as
select
    if(regexp_matches(outcome, '^(HUMAN|AMD_UN|/)'), 6, 1) as share,
    concat(outcome, ' INITIATED ', if(regexp_matches(outcome, 'OUTB|EXPIRED|DISCARDED'), 'DISCONNECTED+20 COMPLETED+50', concat(
        'CONNECTED_TO_SYSTEM+4 ', if(outcome[1] = '/', 'AMD_DISABLED+5 ', ''), 'CONTACT_DATA_UPDATED+6 ',
        if(regexp_matches(outcome, '(CUSTOMER|AGENT|PARTY)_DIS|TELECOM|BARGED'), 'QUEUED+7 CONNECTED_TO_AGENT+13 ', ''),
        'DISCONNECTED~180 COMPLETED~210'
    ))) as script,
from (
    select unnest([
        'VOICEMAIL_BEEP', 'VOICEMAIL_NO_BEEP', 'AMD_UNANSWERED', 'AMD_UNRESOLVED', 'AMD_UNRESOLVED_SILENCE', 'AMD_ERROR',
        'SIT_TONE_BUSY', 'SIT_TONE_DETECTED', 'SIT_TONE_INVALID_NUMBER', 'FAX_MACHINE_DETECTED', 'UNDETECTED', 'ERROR', ''
    ]) || '/CONTACT_FLOW_DISCONNECT' as outcome
    union all
    from unnest([
        'HUMAN_ANSWERED/CUSTOMER_DISCONNECT', 'HUMAN_ANSWERED/AGENT_DISCONNECT', 'HUMAN_ANSWERED/THIRD_PARTY_DISCONNECT',
        'HUMAN_ANSWERED/TELECOM_PROBLEM', 'HUMAN_ANSWERED/BARGED', 'VOICEMAIL_BEEP/AGENT_DISCONNECT', 'ANSWERED/OTHER',
        'AMD_NOT_APPLICABLE/CUSTOMER_DISCONNECT', 'AMD_ERROR/OUTBOUND_ATTEMPT_FAILED', '/OUTBOUND_ATTEMPT_FAILED',
        '/OUTBOUND_DESTINATION_ENDPOINT_ERROR', '/OUTBOUND_RESOURCE_ERROR', '/OUTBUND_PREVIEW_DISCARDED', '/DISCARDED',
        '/EXPIRED', '/CUSTOMER_DISCONNECT'
    ])
);

create table calls as
select
    row_number() over (order by moment, person) - 1 as n, seeded('call', concat(person, moment)) as bits,
    moment + to_seconds(60 + person % 3600) as moment, person, run, journey as campaign,
from sends where type = 'CONTACT_CENTER' and status = 'SUCCESS';
create table called as
select
    *, nullif(script[:position('/' in script) - 1], '') as answer, 'VOICE' as channel, 'OUTBOUND' as method,
    split_part(split_part(script, ' ', 1), '/', 2) as reason,
from steps_of('calls', 'outcomes')
where j > 1;
