-- What happens around the owner's skills, and to whom. A step of a life is a request of a custom skill with its
-- parameters, and behind "/" how it is answered; a skill's event (!); a line of the log of purchases ($): event,
-- result, whether it is of a trial, days until it expires; a message of a smart home (>): kind, namespace, behind "/"
-- its error, or that it is sent apart; a step of account linking (#); an answer to a request for a token (@): status, a
-- field of the body, behind "/" the milliseconds.
create table lives as from (values
    (900, 'ask/end'),
    (400, 'launch ask ask{|/end| ask ask intent:AMAZON.StopIntent/end| ask ask ask end:USER_INITIATED}'),
    (60, 'launch order:STARTED/Dialog.ElicitSlot order:IN_PROGRESS/Dialog.Delegate '
        || 'order:IN_PROGRESS/Dialog.ConfirmIntent order:COMPLETED:{CONFIRMED|DENIED}/end'),
    (120, 'launch intent:AMAZON.FallbackIntent intent:AMAZON.HelpIntent intent:AMAZON.StopIntent/end'),
    (120, 'launch ask {end:EXCEEDED_MAX_REPROMPTS+30|ask}'),
    (40, 'launch ask+{3590 ask/end+3610|43200 ask/end+86390}'),
    (20, 'launch ask{|/exception|/late-timeout|/just-in-time| end| end:ERROR| end:USER_INITIATED:INVALID_RESPONSE|'
        || ' end:USER_INITIATED/sessionless|/exception end:ERROR:INVALID_RESPONSE|'
        || '/timeout end:ERROR:ENDPOINT_TIMEOUT|/late end:ERROR:ENDPOINT_TIMEOUT+18|'
        || '/apology end:ERROR:INTERNAL_SERVICE_ERROR|'
        || ' exception:INVALID_RESPONSE end:ERROR:INVALID_RESPONSE|'
        || ' exception:DEVICE_COMMUNICATION_ERROR| exception:INTERNAL_SERVICE_ERROR}'),
    (20, 'can:{YES|NO|MAYBE}'),
    (20, 'ask/AudioPlayer.Play AudioPlayer.Playback{Started|NearlyFinished|Finished|Stopped|Failed}+200'),
    (10, 'PlaybackController.{Play|Pause|Next|Previous}CommandIssued'),
    (10, '{Messaging.MessageReceived|Dialog.API.Invoked|Reminders.ReminderCreated|GameEngine.InputHandlerEvent|'
        || 'AlexaHouseholdListEvent.ItemsCreated|CustomInterfaceController.EventsReceived}'),
    (30, 'launch/Alexa.Presentation.APL.RenderDocument '
        || '{Alexa.Presentation.APL.UserEvent|Display.ElementSelected|Alexa.Presentation.HTML.Message} ask/end'),
    (30, 'launch ask/Connections.StartConnection resumed ask/end'),
    (30, '{launch:task/end|ask/LinkAccount}'),
    (40, 'launch ask/AskFor answer:AskFor !SkillPermissionAccepted ask/end'),
    (120, '!SkillEnabled{| launch ask ask/end}'),
    (80, '!SkillDisabled{| !SkillEnabled+3600}'),
    (230, '!SkillAccountLinked'),
    (140, 'launch ask/Buy $offer_made $offer_result:{ACCEPTED|DECLINED} answer:Buy:{} ask/end'),
    (60, 'ask/Upsell $upsell_shown $offer_made $offer_result:{ACCEPTED|DECLINED} answer:Upsell:{}'),
    -- Amazon says nothing of a pitch that was enough for the user.
    (60, 'ask/Upsell $upsell_shown answer:Upsell:DECLINED ask/end'),
    (20, 'ask/{Buy|Upsell} $offer_result:ALREADY_PURCHASED answer:{}:ALREADY_PURCHASED'),
    (15, 'ask/Buy $offer_made {answer:Buy:PENDING_PURCHASE|$offer_result:ACCEPTED|$offer_result:ERROR '
        || 'answer:Buy:ERROR|$offer_result:ACCEPTED answer:Buy:ACCEPTED $refunded~200000}'),
    (12, '{answer:Buy:ACCEPTED ask/end|ask/Cancel answer:Cancel:DECLINED|ask/Cancel answer:Cancel:NOT_ENTITLED}'),
    (25, 'ask/Buy $offer_made::true $offer_result:ACCEPTED:true answer:Buy:ACCEPTED $subscription_started::true:7 '
        || '{$trial_converted::false:30+604832 $renewed::false:30+3196832|$expired::true:0+604832|'
        || '$cancelled::true:4~250000|$cancelled::true:4~250000 $expired::true:0+604832|'
        || '$trial_converted::false:30+604832 $cancelled::false:20~1300000 $expired::false:0+3196832}'),
    (20, 'ask/Upsell $upsell_shown $offer_made::false $offer_result:ACCEPTED:false answer:Upsell:ACCEPTED '
        || '$subscription_started::false:365'
        || '{| $cancelled::false:0~400000 $expired::false:0~400000 $refunded::false~400060}'),
    (20, '{ask/Cancel answer:Cancel:ACCEPTED $cancelled::false:10 $expired::false:0+864016|$renewed::false:30|'
        || '$expired::false:0}'),
    (1100, '>directive:own >Response{| >ChangeReport}'),
    (25, '>directive:own{| >Response/async+2.5| >Response/async+8.7| >Response+8| >Response+8.001| >Response+24|'
        || ' >DeferredResponse| >DeferredResponse >Response/async~12| >DeferredResponse >ErrorResponse/async~12}'),
    (130, '>directive:own >ErrorResponse'),
    (40, '>directive:own/THERMOSTAT >ErrorResponse:own/THERMOSTAT_IS_OFF'),
    (300, '>ReportState >StateReport'),
    (15, '>ReportState{| >ErrorResponse| >ChangeReport >StateReport| >StateReport+8.7|'
        || ' >DeferredResponse >StateReport/async+4}'),
    (500, '>ChangeReport >ReportState~1200 >StateReport~1200.3'),
    (30, '>Discover:Discovery{| >ErrorResponse| >Discover.Response:Discovery| >Discover.Response:Discovery+9}'),
    (15, '>{AcceptGrant:Authorization >AcceptGrant.Response:Authorization|AcceptGrant:Authorization '
        || '>ErrorResponse:Authorization/ACCEPT_GRANT_FAILED|AddOrUpdateReport:Discovery '
        || '>DeleteReport:Discovery+60|DoorbellPress:DoorbellEventSource|Response}'),
    (160, '#initiation #completion~62'),
    (20, '#initiation #{initiation+40 #completion~122|completion+86401}'),
    (60, '#{initiation|completion}'),
    (100, '@200:access_token:removed/{60|80|90|120}'),
    (20, '@{200:access_token:removed/4500|200:access_token:removed/5400|200:access_token:/60|200/60|'
        || '200:error:invalid_grant/60|201:access_token:removed/60|/|400/60|400:error:/60|'
        || '400:error:invalid_grant/4501|401:error:invalid_client/60|403:message:Forbidden/60|502/300|'
        || '503:error:temporarily_unavailable/60}'),
    (30, '@400:error:{invalid_grant|invalid_request|unauthorized_client|unsupported_grant_type|invalid_scope|'
        || 'token_revoked|INVALID_GRANT}/60')
) as v (share, script);

-- Of a flash briefing's plays nobody but Amazon knows.
create table skills as from (values
    ('quiz', 'custom', 'amzn1.ask.skill.00000001', ['en-US', 'en-US', 'en-GB', 'de-DE', 'ja-JP']),
    ('kitchen', 'custom', 'amzn1.ask.skill.00000002', ['en-US', 'de-DE', 'fr-FR']),
    ('house', 'smartHome', 'amzn1.ask.skill.00000003', ['en-US', 'de-DE', 'ja-JP']),
    ('flash', 'flashBriefing', 'amzn1.ask.skill.00000004', ['en-US'])
) as v (skill, skill_type, skill_id, locales);

-- Users come one after the other, and come back less and less often. Their locale, stage and products follow from who
-- they are; who enables a skill again is somebody else.
create table begun as from moments('alexa', lives_of(events() * 1.12, 'lives'));
create table happened as
select
    * exclude (locales), stir(bits, j) as own_bits, token('record', concat(n, '/', j)) as id,
    locales[1 + person % len(locales)] as locale,
    'amzn1.ask.account.' || token('user', concat(skill, person, step like '!SkillEnabled%' and j = 2)) as user_id,
    if(person % 17 = 0 and n % 5 > 0, 'development', 'live') as stage,
    if(person % 17 = 0, draw(bits, 41, 10) < 4, draw(bits, 41, 1000) < 8) as is_test,
    case
        when contains(script, ':365') then 'SUBSCRIPTION-yearly'
        when regexp_matches(script, ':(true|false)') then 'SUBSCRIPTION-monthly'
        else ['ENTITLEMENT-rounds', 'CONSUMABLE-hints', 'CONSUMABLE-lives'][1 + n % 3]
    end as product,
from (
    select
        *, string_split(split_part(step, '/', 1), ':') as p, split_part(step, '/', 2) as how,
        (n / 10 * (1 - pow(draw(bits, 21, 1000) / 1000, 2)))::bigint as person,
        case
            when script[1] = '>' then 'house'
            when script[1] in ('#', '@') then if(n % 2 = 0, 'house', 'kitchen')
            when regexp_matches(script, '[$]|Buy|Upsell|Cancel') then 'quiz'
            when contains(script, 'order') then 'kitchen'
            else if(person % 5 < 3, 'quiz', 'kitchen')
        end as skill,
    from steps_of('begun', 'lives')
)
join skills using (skill)
where within_days(moment);

-- The records of the steps that begin with a mark.
create macro records_of(mark, template) as table
select unnest(arrivals(moment, own_bits)) as arrived, fill_with_nulls(choose(template, n % 97), [
    ['$at', iso(moment)], ['$second', iso_seconds(moment)], ['$soon', iso(moment + interval 1 second)],
    ['$until', iso(moment + to_milliseconds(try_cast(how as integer)))],
    ['$expires', iso(moment + to_days(p[4]::integer))], ['$skill', skill_id], ['$stage', stage], ['$locale', locale],
    ['$user', user_id], ['$account', concat('account-', person)], ['$product', product],
    ['$type', split_part(product, '-', 1)], ['$via', if(contains(script, 'Upsell'), 'upsell', 'buy')],
    ['$mode', if(stage = 'development' or person % 40 = 1, 'TEST', 'LIVE')],
    ['$body', if(p[1] = '@', null, '{' || coalesce('"' || nullif(p[2], '') || '":"' || p[3] || '"', '') || '}')],
    ['$id', id], ['$life', token('life', n)], ['$1', nullif(p[1][2:], '')], ['$2', nullif(p[2], '')], ['$3', p[3]]
]) as line
from happened
where step[1] = mark;
