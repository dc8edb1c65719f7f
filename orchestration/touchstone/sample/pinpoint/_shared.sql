-- People on their ways through journeys. Events, contacts and the API's counters follow from them.
create macro hex_id(name) as md5(name);
create macro run_id(journey, number) as token('run', concat(journey, '/', number));
-- Days on which a journey changes, by their share of all days; never the first.
create macro since(share) as beginning() + to_days(greatest(ceil(share * days())::integer, 1));
-- When the API is asked: now and then nobody asks, or somebody does twice a day.
create macro fetches() as table
select d, beginning() + to_days(d) + to_hours(hour) + to_milliseconds(
    draw(seeded('fetch', concat(d, hour)), 5, 1800000)
) as fetched_at
from (
    select d, unnest(case d % 12 when 10 then [] when 7 then [3, 15] else [3] end) as hour
    from range(days()) as r (d)
);

-- The vendor has two words for activities that send email.
create table activities as
with of_journeys as (
    from (values
        ('welcome', 'holdout001', 'HOLDOUT', '{"Holdout":{"Percentage":10,"NextActivity":"greeting01"}}'),
        ('welcome', 'greeting01', 'EMAIL',
            '{"EMAIL":{"TemplateName":"welcome","NextActivity":"aday000001"},"Description":"Greeting"}'),
        ('welcome', 'aday000001', 'WAIT',
            '{"Wait":{"WaitTime":{"WaitFor":"P1D"},"NextActivity":"opened0001"}}'),
        ('welcome', 'opened0001', 'CONDITIONAL_SPLIT',
            '{"ConditionalSplit":{"Condition":{"Operator":"ANY"},"EvaluationWaitTime":{"WaitFor":"PT1H"},'
            || '"TrueActivity":"app0000001","FalseActivity":"paths00001"}}'),
        ('welcome', 'app0000001', 'PUSH', '{"PUSH":{"MessageConfig":{"TimeToLive":"86400"}}}'),
        ('welcome', 'paths00001', 'RANDOM_SPLIT',
            '{"RandomSplit":{"Branches":[{"NextActivity":"text000001","Percentage":50},'
            || '{"NextActivity":"reminder01","Percentage":30},{"Percentage":20}]}}'),
        ('welcome', 'text000001', 'SMS', '{"SMS":{"MessageConfig":{"MessageType":"PROMOTIONAL"}}}'),
        ('welcome', 'reminder01', 'EMAIL', '{"EMAIL":{"TemplateName":"reminder"}}'),
        ('cart', 'yourcart01', 'EMAIL', '{"EMAIL":{"NextActivity":"twohours01"},"Description":"Your cart"}'),
        ('cart', 'twohours01', 'WAIT',
            '{"Wait":{"WaitTime":{"WaitFor":"PT2H"},"NextActivity":"which00001"}}'),
        ('cart', 'which00001', 'MULTI_CONDITIONAL_SPLIT',
            '{"MultiCondition":{"Branches":[{"NextActivity":"coupon0001"},{"NextActivity":"carttext01"}],'
            || '"DefaultActivity":"crm0000001","EvaluationWaitTime":{"WaitFor":"PT1H"}}}'),
        ('cart', 'coupon0001', 'PUSH',
            '{"PUSH":{"MessageConfig":{"TimeToLive":"3600"},"NextActivity":"lastcall01"}}'),
        ('cart', 'carttext01', 'SMS', '{"SMS":{"MessageConfig":{"MessageType":"TRANSACTIONAL"}}}'),
        ('cart', 'crm0000001', 'CUSTOM',
            '{"CUSTOM":{"DeliveryUri":"arn:aws:lambda:us-east-1:300000000001:function:to-crm",'
            || '"EndpointTypes":["EMAIL","CUSTOM"],"NextActivity":"lastcall01"}}'),
        ('cart', 'lastcall01', 'MESSAGE', '{"EMAIL":{"TemplateName":"last-call"}}'),
        ('win-back', 'bought0001', 'CONDITIONAL_SPLIT',
            '{"ConditionalSplit":{"Condition":{"Operator":"ALL"},"FalseActivity":"call000001"}}'),
        ('win-back', 'call000001', 'CONTACT_CENTER',
            '{"ContactCenter":{"NextActivity":"webhook001"},"Description":"Call"}'),
        ('win-back', 'webhook001', 'CUSTOM',
            '{"CUSTOM":{"DeliveryUri":"https://hooks.example.com/called","NextActivity":"until00001"}}'),
        ('win-back', 'until00001', 'WAIT', '{"Wait":{"WaitTime":{"WaitUntil":"'
            || iso(since(0.5) + interval 9 hours) || '"},"NextActivity":"thanks0001"}}'),
        ('win-back', 'thanks0001', 'EMAIL', '{"EMAIL":{"TemplateName":"thanks"}}')
    ) as v (journey, activity, type, definition)
)

from of_journeys
union all
select * replace ('test' as journey) from of_journeys where journey = 'welcome';

-- A life begins with its journey. An activity without a key sends; one with a key counts in that.
create table lives as
from (values
    (33, 'welcome enter holdout001.HOLDOUT leave'),
    (110, 'welcome SPLIT opened0001.Branch_TRUE+90001 app0000001+90002 leave+90003'),
    (90, 'welcome SPLIT opened0001.Branch_FALSE+90001 paths00001.Branch_1+90001 text000001+90002 '
        || 'leave+90003'),
    (60, 'welcome SPLIT opened0001.Branch_FALSE+90001 paths00001.Branch_2+90001 reminder01+90002 '
        || 'leave+90003'),
    (40, 'welcome SPLIT opened0001.Branch_FALSE+90001 paths00001.Branch_3+90001 leave+90002'),
    (6, 'test SPLIT opened0001.Branch_FALSE+90001 paths00001.Branch_1+90001 text000001+90002 leave+90003'),
    (110, 'cart WAIT which00001.Branch_1+10802 coupon0001+10803 lastcall01+10804 leave+10805'),
    (110, 'cart WAIT which00001.Branch_2+10802 carttext01+10803 leave+10804'),
    (100, 'cart WAIT which00001.Branch_ELSE+10802 crm0000001+10803 lastcall01+11703 leave+11704'),
    (30, 'cart WAIT which00001.Branch_3+10802 lastcall01+10803 leave+10804'),
    (6, 'cart WAIT which00001.Branch_2+10802 carttext01+10803 leave+10804 enter+86400 '
        || 'which00001.Branch_2+86401 carttext01+86402 leave+86403 unmarked+108000'),
    (50, 'win-back enter bought0001.Branch_TRUE+3600 leave+3600'),
    (60, 'win-back CALL until00001.WAIT_STARTED+15300 until00001.WAIT_FINISHED+15301 thanks0001+15302 '
        || 'leave+15303'),
    (60, 'win-back CALL until00001.WAIT_SKIPPED+15300 thanks0001+15301 leave+15302'),
    -- Not in the segment any more when it is looked up again.
    (6, 'win-back enter bought0001.Branch_FALSE+3600 call000001.CALL_QUEUED+3601 '
        || 'call000001.WAIT_STARTED+3601 call000001.DROPPED+7200 removed+7200'),
    (40, 'campaign _campaign.send EMAIL+1'),
    (25, 'campaign _campaign.send SMS+1'),
    (25, 'campaign _campaign.send PUSH+1'),
    (120, 'none EMAIL'),
    (30, 'none SMS'),
    (3, 'none _test.event_stream'),
    (12, 'survey call'),
    (80, 'none contact')
) as v (share, script)
union all
select 3, 'app ' || event from unnest([
    '_session.start', '_session.pause', '_session.resume', '_session.stop', '_userauth.sign_in',
    '_userauth.sign_up', '_userauth.auth_fail', '_monetization.purchase'
]) as r (event)
union all
select 6, if(len(key) % 2 = 0, 'cart ', 'welcome ') || 'turned-away journey.' || key from unnest([
    'REENTRY_CAP_EXCEEDED', 'ACTIVE_ENDPOINT_REJECTED', 'ENDPOINT_OPT_OUT', 'ENDPOINT_INACTIVE',
    'FILTERED_OUT_BY_SEGMENT', 'ENDPOINT_MISSING_ADDRESS', 'ENDPOINT_MISSING_CHANNEL', 'DUPLICATE_USER',
    'ENDPOINT_MISSING_TIMEZONE', 'ENDPOINT_TIMEZONE_MISMATCH', 'DUPLICATE_ENDPOINT'
]) as r (key);
update lives set script = replace(replace(replace(script,
    'SPLIT', 'enter holdout001.PASSED greeting01 aday000001.WAIT_STARTED+1 aday000001.WAIT_FINISHED+86401'),
    'WAIT ', '_cart.abandoned enter+1 yourcart01+1 twohours01.WAIT_STARTED+2 twohours01.WAIT_FINISHED+7202 '),
    'CALL ', 'enter bought0001.Branch_FALSE+3600 call000001+3601 webhook001+14400 ');

set variable people = (select lives_of(events(), 'lives'));
create table people as from moments('pinpoint', getvariable('people'));
create table walked as
select
    *,
    if(step[11] = '.', step[12:], null) as key,
    run_id(journey, if(journey = 'welcome', date_diff('day', beginning(), begun_at) // 2, 0)) as run,
from (
    select
        * exclude (step), draw(bits, 7, 1000000) as person, split_part(script, ' ', 1) as journey,
        split_part(step, '.', 1) as activity, step,
    from steps_of('people', 'lives')
    where j > 1
)
where
    (not contains(script, 'which00001.Branch_3') or begun_at > since(0.5))
    and (not contains(script, 'WAIT_SKIPPED') or begun_at > since(0.5))
    and (journey <> 'win-back' or begun_at < since(0.85))
    and (journey <> 'test' or begun_at < since(0.2));

-- What becomes of a message that a journey is to send. Of one status the documentation knows nothing.
create table sends as
select
    * exclude (status, wanted),
    if(wanted = 'MESSAGE', 'EMAIL', wanted) as type,
    if(wanted = 'CUSTOM' and status = 'FAILURE', 'CUSTOM_DELIVERY_FAILURE', status) as status,
    moment + to_seconds(if(contains(status, 'FINISHED'), -1, 0)) as sent_at,
from (
    select
        n, j, stir(bits, j) as bits, moment, person, journey, run, activity, type as wanted,
        unnest(if(draw(stir(bits, j), 5, 100) < 80, ['SUCCESS'], pick(stir(bits, j), 13, [
            ['QUIET_TIME'], ['DAILY_CAP'], ['QUIET_TIME_WAIT_FINISHED', 'SUCCESS'], ['THROTTLED'],
            ['FAILURE_PERMANENT'], ['QUIET_TIME_MISSING_TIMEZONE'], ['UNSUPPORTED_CHANNEL'], ['FAILURE'],
            ['TRANSIENT_FAILURE'], ['SERVICE_FAILURE'], ['UNKNOWN'], ['SENDER_RETIRED']
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
    concat(outcome, ' INITIATED ', case
        when regexp_matches(outcome, 'OUTB|EXPIRED|DISCARDED') then 'DISCONNECTED+20 COMPLETED+50'
        else concat(
            'CONNECTED_TO_SYSTEM+4 ', if(outcome[1] = '/', 'AMD_DISABLED+5 ', ''), 'CONTACT_DATA_UPDATED+6 ',
            if(regexp_matches(outcome, '(CUSTOMER|AGENT|PARTY)_DIS|TELECOM|BARGED'),
                'QUEUED+7 CONNECTED_TO_AGENT+13 ', ''),
            'DISCONNECTED~180 COMPLETED~210'
        )
    end) as script,
from unnest([
    'HUMAN_ANSWERED/CUSTOMER_DISCONNECT', 'HUMAN_ANSWERED/AGENT_DISCONNECT', 'HUMAN_ANSWERED/BARGED',
    'HUMAN_ANSWERED/THIRD_PARTY_DISCONNECT', 'HUMAN_ANSWERED/TELECOM_PROBLEM', '/EXPIRED', '/DISCARDED',
    'HUMAN_ANSWERED/CONTACT_FLOW_DISCONNECT', 'VOICEMAIL_BEEP/CONTACT_FLOW_DISCONNECT',
    'VOICEMAIL_BEEP/AGENT_DISCONNECT', 'VOICEMAIL_NO_BEEP/CONTACT_FLOW_DISCONNECT',
    'AMD_UNANSWERED/CONTACT_FLOW_DISCONNECT', 'AMD_UNRESOLVED/CONTACT_FLOW_DISCONNECT',
    'AMD_UNRESOLVED/CUSTOMER_DISCONNECT', 'AMD_UNRESOLVED_SILENCE/OTHER', '/OUTBOUND_RESOURCE_ERROR',
    'AMD_NOT_APPLICABLE/CUSTOMER_DISCONNECT', 'AMD_ERROR/CONTACT_FLOW_DISCONNECT',
    'AMD_ERROR/OUTBOUND_ATTEMPT_FAILED', 'SIT_TONE_BUSY/CONTACT_FLOW_DISCONNECT', '/CUSTOMER_DISCONNECT',
    'SIT_TONE_DETECTED/CONTACT_FLOW_DISCONNECT', 'SIT_TONE_INVALID_NUMBER/CONTACT_FLOW_DISCONNECT',
    'FAX_MACHINE_DETECTED/CONTACT_FLOW_DISCONNECT', 'ANSWERED/CUSTOMER_DISCONNECT', 'ERROR/OTHER',
    'UNDETECTED/CONTACT_FLOW_DISCONNECT', '/CONTACT_FLOW_DISCONNECT', '/OUTBOUND_ATTEMPT_FAILED',
    '/OUTBOUND_DESTINATION_ENDPOINT_ERROR', '/OUTBUND_PREVIEW_DISCARDED'
]) as r (outcome);

create table calls as
select
    row_number() over (order by moment, person) - 1 as n, seeded('call', concat(person, moment)) as bits,
    moment + to_seconds(60 + person % 3600) as moment, person, run, campaign,
from (
    select moment, person, run, 'win-back' as campaign from sends
    where type = 'CONTACT_CENTER' and status = 'SUCCESS'
    union all
    select moment, person, null, 'survey' from walked where step = 'call'
);
create table called as
select
    *, nullif(split_part(split_part(script, ' ', 1), '/', 1), '') as answer,
    split_part(split_part(script, ' ', 1), '/', 2) as reason, 'VOICE' as channel, 'OUTBOUND' as method,
from steps_of('calls', 'outcomes')
where j > 1;
