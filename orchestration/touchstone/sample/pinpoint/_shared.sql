-- People on their ways through journeys. Events, contacts and the API's counters all follow from the same steps.
create macro hex_id(name) as md5(name);
create macro run_id(journey, number) as token('run', concat(journey, '/', number));
create table journeys as from (values
    ('welcome', 'Welcome series', 2), ('cart', 'Abandoned cart', null), ('win back', 'Win-back calls', null),
    ('test', 'Test-Welcome series', null), ('preview', 'Autumn preview', null)
) as v (journey, title, run_days);

create table activities as
with of_journeys as (
    from (values
        ('welcome', 'holdout001', 'HOLDOUT'), ('welcome', 'greeting01', 'EMAIL'), ('welcome', 'aday000001', 'WAIT'),
        ('welcome', 'opened0001', 'CONDITIONAL_SPLIT'), ('welcome', 'app0000001', 'PUSH'), ('welcome', 'paths00001', 'RANDOM_SPLIT'),
        ('welcome', 'text000001', 'SMS'), ('welcome', 'reminder01', 'EMAIL'),
        -- The vendor has two words for activities that send email.
        ('cart', 'yourcart01', 'EMAIL'), ('cart', 'twohours01', 'WAIT'), ('cart', 'which00001', 'MULTI_CONDITIONAL_SPLIT'),
        ('cart', 'coupon0001', 'PUSH'), ('cart', 'carttext01', 'SMS'), ('cart', 'crm0000001', 'CUSTOM'), ('cart', 'lastcall01', 'MESSAGE'),
        ('win back', 'bought0001', 'CONDITIONAL_SPLIT'), ('win back', 'call000001', 'CONTACT_CENTER'), ('win back', 'webhook001', 'CUSTOM'),
        ('win back', 'until00001', 'WAIT'), ('win back', 'thanks0001', 'EMAIL')
    ) as v (journey, activity, type)
)

from of_journeys
union all
select 'test', activity, type from of_journeys where journey = 'welcome';

-- An activity without a key sends a message; one with a key counts in that.
create table lives as
from (values
    ('welcome: held', 33, 'enter, holdout001.HOLDOUT, leave'),
    ('welcome: app', 110, 'enter, holdout001.PASSED, greeting01, aday000001.WAIT_STARTED+1, aday000001.WAIT_FINISHED+86401, opened0001.Branch_TRUE+90001, app0000001+90002, leave+90003'),
    ('welcome: text', 90, 'enter, holdout001.PASSED, greeting01, aday000001.WAIT_STARTED+1, aday000001.WAIT_FINISHED+86401, opened0001.Branch_FALSE+90001, paths00001.Branch_1+90001, text000001+90002, leave+90003'),
    ('welcome: reminder', 60, 'enter, holdout001.PASSED, greeting01, aday000001.WAIT_STARTED+1, aday000001.WAIT_FINISHED+86401, opened0001.Branch_FALSE+90001, paths00001.Branch_2+90001, reminder01+90002, leave+90003'),
    ('welcome: nothing', 40, 'enter, holdout001.PASSED, greeting01, aday000001.WAIT_STARTED+1, aday000001.WAIT_FINISHED+86401, opened0001.Branch_FALSE+90001, paths00001.Branch_3+90001, leave+90002'),
    ('cart: coupon', 110, 'cart.abandoned, enter+1, yourcart01+1, twohours01.WAIT_STARTED+2, twohours01.WAIT_FINISHED+7202, which00001.Branch_1+10802, coupon0001+10803, lastcall01+10804, leave+10805'),
    ('cart: text', 110, 'cart.abandoned, enter+1, yourcart01+1, twohours01.WAIT_STARTED+2, twohours01.WAIT_FINISHED+7202, which00001.Branch_2+10802, carttext01+10803, leave+10804'),
    ('cart: crm', 100, 'cart.abandoned, enter+1, yourcart01+1, twohours01.WAIT_STARTED+2, twohours01.WAIT_FINISHED+7202, which00001.Branch_ELSE+10802, crm0000001+10803, lastcall01+11703, leave+11704'),
    ('cart: third branch', 30, 'cart.abandoned, enter+1, yourcart01+1, twohours01.WAIT_STARTED+2, twohours01.WAIT_FINISHED+7202, which00001.Branch_3+10802, lastcall01+10803, leave+10804'),
    ('cart: came back', 6, 'cart.abandoned, enter+1, yourcart01+1, which00001.Branch_1+3602, coupon0001+3603, leave+3604, enter+10800, yourcart01+10800, which00001.Branch_1+14401, coupon0001+14402, leave+14403'),
    ('cart: texted twice', 6, 'cart.abandoned, enter+1, yourcart01+1, which00001.Branch_2+3602, carttext01+3603, leave+3604, enter+86400, which00001.Branch_2+86401, carttext01+86402, leave+86403, unmarked text+108000'),
    ('win back: bought', 50, 'enter, bought0001.Branch_TRUE+3600, leave+3600'),
    ('win back: waited', 60, 'enter, bought0001.Branch_FALSE+3600, call000001+3601, webhook001+14400, until00001.WAIT_STARTED+15300, until00001.WAIT_FINISHED+15301, thanks0001+15302, leave+15303'),
    ('win back: skipped', 60, 'enter, bought0001.Branch_FALSE+3600, call000001+3601, webhook001+14400, until00001.WAIT_SKIPPED+15300, thanks0001+15301, leave+15302'),
    -- Not in the segment any more when it is looked up again.
    ('win back: removed', 6, 'enter, bought0001.Branch_FALSE+3600, call000001+3601, call000001.CALL_QUEUED+3601, call000001.WAIT_STARTED+3601, call000001.DROPPED+7200, removed+7200'),
    ('test: text', 6, 'enter, holdout001.PASSED, greeting01, aday000001.WAIT_STARTED+1, aday000001.WAIT_FINISHED+86401, opened0001.Branch_FALSE+90001, paths00001.Branch_1+90001, text000001+90002, leave+90003'),
    ('campaign email', 40, '_campaign.send, campaign email+0.3'),
    ('campaign text', 25, '_campaign.send, campaign text+0.3'),
    ('campaign push', 25, '_campaign.send, campaign push+0.3'),
    ('transactional email', 40, 'transactional email'),
    ('transactional text', 30, 'transactional text'),
    ('stream set up', 3, '_test.event_stream'),
    ('contact of another campaign', 12, 'dialled'),
    ('contact', 40, 'contact')
) as v (life, share, script)
union all
select 'app: ' || event, 3, event from unnest([
    '_session.start', '_session.pause', '_session.resume', '_session.stop', '_userauth.sign_in', '_userauth.sign_up', '_userauth.auth_fail',
    '_monetization.purchase'
]) as r (event)
union all
select if(share % 2 = 0, 'cart: ', 'welcome: ') || key, share, 'turned away, journey.' || key from (values
    ('REENTRY_CAP_EXCEEDED', 17), ('ACTIVE_ENDPOINT_REJECTED', 8), ('ENDPOINT_OPT_OUT', 7), ('ENDPOINT_INACTIVE', 4),
    ('FILTERED_OUT_BY_SEGMENT', 6), ('ENDPOINT_MISSING_ADDRESS', 3), ('ENDPOINT_MISSING_CHANNEL', 3), ('ENDPOINT_MISSING_TIMEZONE', 3),
    ('ENDPOINT_TIMEZONE_MISMATCH', 3), ('DUPLICATE_ENDPOINT', 4), ('DUPLICATE_USER', 3)
) as v (key, share);

-- Days on which a journey changes, by their share of all days; never the first.
create macro since(share) as beginning() + to_days(greatest(ceil(share * days())::integer, 1));
create macro waited_until() as since(0.5) + interval 9 hours;

set variable people = (select lives_of(events() * 1.16, 'lives'));
create table people as from moments('pinpoint', getvariable('people'));
create table walked as
select
    * exclude (step, moment),
    draw(bits, 7, 1000000) as person,
    split_part(life, ': ', 1) as journey,
    step,
    if(contains(life, ': ') and not starts_with(life, 'app'), split_part(step, '.', 1), null) as activity,
    if(len(step) > 11 and step[11] = '.', step[12:], null) as key,
    case when life = 'win back: waited' and j > 5 then waited_until() + to_seconds(j - 6 + person % 600) else moment end as moment,
    run_id(journey, if(journey = 'welcome', date_diff('day', beginning(), begun_at) // 2, 0)) as run,
from told('people', 'lives')
where
    (life <> 'cart: third branch' or begun_at > since(0.5))
    and (life <> 'win back: waited' or begun_at < waited_until() - interval 1 day)
    and (life <> 'win back: skipped' or begun_at > waited_until())
    and (not starts_with(life, 'win back') or begun_at < since(0.85))
    and (life <> 'test: text' or begun_at < since(0.2));

-- What becomes of a message that a journey is to send. Of one status the documentation knows nothing.
create table statuses as from (values
    ('SUCCESS', 170, 'SUCCESS'), ('QUIET_TIME', 6, 'QUIET_TIME'), ('DAILY_CAP', 6, 'DAILY_CAP'),
    ('held', 4, 'QUIET_TIME_WAIT_FINISHED+18000, SUCCESS+18001'), ('THROTTLED', 3, 'THROTTLED'), ('FAILURE_PERMANENT', 3, 'FAILURE_PERMANENT'),
    ('QUIET_TIME_MISSING_TIMEZONE', 2, 'QUIET_TIME_MISSING_TIMEZONE'), ('UNSUPPORTED_CHANNEL', 2, 'UNSUPPORTED_CHANNEL'), ('FAILURE', 4, 'FAILURE'),
    ('TRANSIENT_FAILURE', 3, 'TRANSIENT_FAILURE'), ('SERVICE_FAILURE', 3, 'SERVICE_FAILURE'), ('UNKNOWN', 1, 'UNKNOWN'), ('SENDER_RETIRED', 1, 'SENDER_RETIRED')
) as v (life, share, script);

create table to_send as
select row_number() over (order by moment, n, j) - 1 as n, stir(bits, j) as bits, moment, person, journey, run, activity, type, life as path
from walked
join activities using (journey, activity)
where key is null and type in ('EMAIL', 'MESSAGE', 'SMS', 'PUSH', 'CUSTOM', 'CONTACT_CENTER');

create table sends as
select
    * exclude (step, type),
    if(type = 'MESSAGE', 'EMAIL', type) as type,
    if(type = 'CUSTOM' and step = 'FAILURE', 'CUSTOM_DELIVERY_FAILURE', step) as status,
from told('to_send', 'statuses');

-- What messages are of: a journey's activity, a campaign, or neither. Some texts don't say their journey, though one sent
-- them; others come so long after one that they are none of it, or after a send that failed.
create macro of_journey(run, journey, activity) as
    concat('"journey_run_id":"', run, '","journey_id":"', hex_id(journey), '","journey_activity_id":"', activity, '"');
create macro of_campaign() as concat('"campaign_id":"', hex_id('campaign spring'), '","campaign_activity_id":"', hex_id('spring'), '","treatment_id":"0"');
create table messages as
select row_number() over (partition by type order by moment, person, origin) - 1 as n, seeded(type, concat(person, moment, origin)) as bits, *
from (
    select
        if(type = 'SMS' and n % 34 in (3, 9, 15, 21, 27), null, of_journey(run, journey, activity)) as origin, type, person, true as is_of_shop, moment
    from sends
    where status = 'SUCCESS' and type in ('EMAIL', 'SMS', 'PUSH')
    union all
    select null, type, person, true, moment + interval 1 second + [to_minutes(4319), to_minutes(4322), to_hours(80), to_hours(200)][1 + n // 12 % 4]
    from sends
    where status = 'SUCCESS' and type = 'SMS' and n % 12 = 0
    union all
    select null, type, person, true, moment + interval 1 minute from sends where status <> 'SUCCESS' and type = 'SMS' and n % 2 = 0
    union all
    select null, 'SMS', person, true, moment from walked where step = 'unmarked text'
    union all
    select of_campaign(), case step when 'campaign email' then 'EMAIL' when 'campaign text' then 'SMS' else 'PUSH' end, person, true, moment
    from walked
    where step in ('campaign email', 'campaign text', 'campaign push')
    union all
    -- To people of no journey, in two projects; that a message is of neither is said in three ways.
    select
        [null, '"campaign_id":null,"journey_id":null', '"campaign_type":null'][1 + n % 3], if(step = 'transactional email', 'EMAIL', 'SMS'),
        1000000 + person, n % 2 = 0, moment,
    from walked
    where step in ('transactional email', 'transactional text')
);

-- Calls of campaigns: what answered, if that was found out, why the call was over, and whether an agent was in it.
create table outcomes as
select
    *,
    concat_ws('/', answer, reason, is_with_agent) as life,
    case
        when reason in (
            'OUTBOUND_DESTINATION_ENDPOINT_ERROR', 'OUTBOUND_RESOURCE_ERROR', 'OUTBOUND_ATTEMPT_FAILED', 'EXPIRED', 'OUTBUND_PREVIEW_DISCARDED', 'DISCARDED'
        ) then 'INITIATED, DISCONNECTED+20, COMPLETED+50'
        else concat(
            'INITIATED, CONNECTED_TO_SYSTEM+4, ', if(answer is null, 'AMD_DISABLED+5, ', ''), 'CONTACT_DATA_UPDATED+6, ',
            if(is_with_agent, 'QUEUED+7, CONNECTED_TO_AGENT+13, ', ''), 'DISCONNECTED~180, COMPLETED~210'
        )
    end as script,
from (values
    ('HUMAN_ANSWERED', 'CUSTOMER_DISCONNECT', true, 20), ('HUMAN_ANSWERED', 'AGENT_DISCONNECT', true, 12), ('HUMAN_ANSWERED', 'THIRD_PARTY_DISCONNECT', true, 1),
    ('HUMAN_ANSWERED', 'TELECOM_PROBLEM', true, 1), ('HUMAN_ANSWERED', 'BARGED', true, 1),
    -- Gone before an agent was there.
    ('HUMAN_ANSWERED', 'CONTACT_FLOW_DISCONNECT', false, 3),
    ('VOICEMAIL_BEEP', 'CONTACT_FLOW_DISCONNECT', false, 8), ('VOICEMAIL_BEEP', 'AGENT_DISCONNECT', true, 1),
    ('VOICEMAIL_NO_BEEP', 'CONTACT_FLOW_DISCONNECT', false, 5), ('VOICEMAIL_NO_BEEP', 'AGENT_DISCONNECT', true, 1),
    ('AMD_UNANSWERED', 'CONTACT_FLOW_DISCONNECT', false, 9), ('AMD_UNRESOLVED', 'CONTACT_FLOW_DISCONNECT', false, 2),
    ('AMD_UNRESOLVED', 'CUSTOMER_DISCONNECT', true, 1), ('AMD_UNRESOLVED_SILENCE', 'OTHER', false, 1),
    ('AMD_NOT_APPLICABLE', 'CONTACT_FLOW_DISCONNECT', false, 1), ('AMD_NOT_APPLICABLE', 'CUSTOMER_DISCONNECT', true, 1),
    ('AMD_ERROR', 'CONTACT_FLOW_DISCONNECT', false, 1), ('SIT_TONE_BUSY', 'CONTACT_FLOW_DISCONNECT', false, 2),
    ('SIT_TONE_DETECTED', 'CONTACT_FLOW_DISCONNECT', false, 1), ('SIT_TONE_INVALID_NUMBER', 'CONTACT_FLOW_DISCONNECT', false, 1),
    ('FAX_MACHINE_DETECTED', 'CONTACT_FLOW_DISCONNECT', false, 1),
    -- Formerly.
    ('ANSWERED', 'CUSTOMER_DISCONNECT', true, 1), ('UNDETECTED', 'CONTACT_FLOW_DISCONNECT', false, 1), ('ERROR', 'OTHER', false, 1),
    -- Nobody finds out what answers: an agent listens to whatever it is.
    (null, 'CUSTOMER_DISCONNECT', true, 4), (null, 'CONTACT_FLOW_DISCONNECT', false, 1),
    (null, 'OUTBOUND_DESTINATION_ENDPOINT_ERROR', false, 4), (null, 'OUTBOUND_RESOURCE_ERROR', false, 2), (null, 'OUTBOUND_ATTEMPT_FAILED', false, 2),
    ('AMD_ERROR', 'OUTBOUND_ATTEMPT_FAILED', false, 1), (null, 'EXPIRED', false, 4), (null, 'DISCARDED', false, 1),
    -- So spelled by the vendor.
    (null, 'OUTBUND_PREVIEW_DISCARDED', false, 1)
) as v (answer, reason, is_with_agent, share);

create table calls as
select
    row_number() over (order by moment, person) - 1 as n, seeded('call', concat(person, moment)) as bits,
    moment + to_seconds(60 + person % 3600) as moment, person, run, 'win-back' as campaign,
from sends
where type = 'CONTACT_CENTER' and status = 'SUCCESS' and path <> 'win back: removed'
union all
select 1000 + n, bits, moment, person, null, 'survey' from walked where step = 'dialled';

create table called as
select told.*, answer, reason, 'VOICE' as channel, 'OUTBOUND' as method
from told('calls', 'outcomes') as told join outcomes using (life);

-- When the API is asked: now and then nobody asks, or somebody does twice a day.
create macro fetches() as table
select d, midnight + to_hours(hour) + to_milliseconds(draw(seeded('fetch', concat(d, hour)), 5, 1800000)) as fetched_at
from (
    select d, beginning() + to_days(d) as midnight, unnest(case d % 12 when 10 then [] when 7 then [3, 15] else [3] end) as hour
    from range(days()) as r (d)
);
