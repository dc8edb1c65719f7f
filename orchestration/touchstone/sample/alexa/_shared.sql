-- What happens around the owner's skills. A step is a request of a custom skill; or, by its first letter, a line of the
-- log of purchases ($), an attempt to link an account (#), a request for a token (%), an event of a skill (!), or a
-- message of a smart home (>).
create table tokens as from (values
    ('ok', 200, '{"access_token":"removed","token_type":"Bearer","expires_in":3600}', 120),
    ('ok-201', 201, '{"access_token":"removed"}', 60), ('ok-just-in-time', 200, '{"access_token":"removed"}', 4500),
    ('late', 200, '{"access_token":"removed"}', 5400), ('late-error', 400, '{"error":"invalid_grant"}', 4501),
    ('unanswered', null, null, null), ('bad-gateway', 502, null, 300), ('no-body', 400, null, 60), ('empty-body', 400, '{}', 60),
    ('null-error', 400, '{"error":null}', 60), ('empty-error', 400, '{"error":""}', 60), ('forbidden', 403, '{"message":"Forbidden"}', 60),
    ('200-empty', 200, '{}', 60), ('200-null', 200, null, 60), ('200-empty-token', 200, '{"access_token":""}', 60), ('200-error', 200, '{"error":"invalid_grant"}', 60),
    ('invalid_grant', 400, '{"error":"invalid_grant","error_description":"used twice"}', 60), ('invalid_request', 400, '{"error":"invalid_request"}', 60),
    ('invalid_client', 401, '{"error":"invalid_client"}', 60), ('unauthorized_client', 400, '{"error":"unauthorized_client"}', 60),
    ('unsupported_grant_type', 400, '{"error":"unsupported_grant_type"}', 60), ('invalid_scope', 400, '{"error":"invalid_scope"}', 60),
    -- Codes that OAuth 2.0 doesn't know, or not in this place.
    ('token_revoked', 400, '{"error":"token_revoked"}', 60), ('upper', 400, '{"error":"INVALID_GRANT"}', 60),
    ('unavailable', 503, '{"error":"temporarily_unavailable"}', 60)
) as v (name, status, body, takes);

create macro answer(fields) as '{"version":"1.0","sessionAttributes":{},"response":{' || fields || '}}';
create macro says() as '"outputSpeech":{"type":"PlainText","text":"Well."}';
create macro directed(closing, directive) as answer(concat(says(), ',"directives":[', directive, ']', closing));
create macro sends(name) as directed(
    ',"shouldEndSession":true',
    concat('{"type":"Connections.SendRequest","name":"', name, '","payload":{"InSkillProduct":{"productId":"PRODUCT"}},"token":"sale"}')
);
create macro dialog(state, confirmation, more) as concat(
    '"intent":{"name":"OrderIntent","confirmationStatus":"', confirmation, '","slots":{"size":{"name":"size"', more, ',"confirmationStatus":"NONE"}}},"dialogState":"', state, '"'
);

-- Requests: type, fields of its own (NULL: one of the skill's intents), answer, outcome, how long it takes (NULL: as long
-- as it does), and whether it is of a session. A cause is the request before.
create table requests as
from (values
    ('launch', 'LaunchRequest', '', answer(says() || ',"reprompt":{},"shouldEndSession":false'), 'ok', null, true),
    ('task', 'LaunchRequest', '"task":{"name":"AMAZON.ScheduleFoodDelivery","version":"1"}', answer(says() || ',"shouldEndSession":true'), 'ok', null, true),
    ('launch-screen', 'LaunchRequest', '', directed('', '{"type":"Alexa.Presentation.APL.RenderDocument","token":"round"}'), 'ok', null, true),
    ('ask', 'IntentRequest', null, answer(says() || ',"card":{"type":"Simple","title":"Quiz"},"shouldEndSession":false'), 'ok', null, true),
    ('closed', 'IntentRequest', null, answer(says() || ',"shouldEndSession":true'), 'ok', null, true),
    ('stop', 'IntentRequest', '"intent":{"name":"AMAZON.StopIntent","confirmationStatus":"NONE","slots":{}}', answer('"shouldEndSession":true'), 'ok', null, true),
    ('help', 'IntentRequest', '"intent":{"name":"AMAZON.HelpIntent","confirmationStatus":"NONE","slots":{}}', answer(says() || ',"shouldEndSession":false'), 'ok', null, true),
    ('fallback', 'IntentRequest', '"intent":{"name":"AMAZON.FallbackIntent","confirmationStatus":"NONE","slots":{}}', answer(says() || ',"shouldEndSession":false'), 'ok', null, true),
    ('order-started', 'IntentRequest', dialog('STARTED', 'NONE', ''), directed(',"shouldEndSession":false', '{"type":"Dialog.ElicitSlot","slotToElicit":"size"}'), 'ok', null, true),
    ('order-delegated', 'IntentRequest', dialog('IN_PROGRESS', 'NONE', ',"value":"large"'), directed(',"shouldEndSession":false', '{"type":"Dialog.Delegate"}'), 'ok', null, true),
    ('order-asked', 'IntentRequest', dialog('IN_PROGRESS', 'NONE', ',"slotValue":{"type":"List","values":[{"type":"Simple","value":"olives"}]}'), directed(',"shouldEndSession":false', '{"type":"Dialog.ConfirmIntent"}'), 'ok', null, true),
    ('order-completed', 'IntentRequest', dialog('COMPLETED', 'CONFIRMED', ',"value":"large"'), answer(says() || ',"shouldEndSession":true'), 'ok', null, true),
    ('order-denied', 'IntentRequest', dialog('COMPLETED', 'DENIED', ',"value":"large"'), answer(says() || ',"shouldEndSession":true'), 'ok', null, true),
    ('broken', 'IntentRequest', null, null, 'exception', null, true),
    ('broken-apology', 'IntentRequest', null, answer(says() || ',"shouldEndSession":true'), 'exception', null, true),
    ('never', 'IntentRequest', null, null, 'timeout', -1, true),
    ('late', 'IntentRequest', null, answer(says() || ',"shouldEndSession":false'), 'ok', 9200, true),
    ('late-timeout', 'IntentRequest', null, null, 'timeout', 10500, true),
    ('just-in-time', 'IntentRequest', null, answer(says() || ',"shouldEndSession":false'), 'ok', 8000, true),
    ('unlinked', 'IntentRequest', null, answer(says() || ',"card":{"type":"LinkAccount"},"shouldEndSession":true'), 'ok', null, true),
    ('listen', 'IntentRequest', null, directed(',"shouldEndSession":true', '{"type":"AudioPlayer.Play","playBehavior":"REPLACE_ALL"}'), 'ok', null, true),
    ('print', 'IntentRequest', null, directed('', '{"type":"Connections.StartConnection","uri":"connection://AMAZON.PrintPDF/1","token":"print"}'), 'ok', null, true),
    ('permission', 'IntentRequest', null, directed(',"shouldEndSession":true', '{"type":"Connections.SendRequest","name":"AskFor","payload":{},"token":"reminders"}'), 'ok', null, true),
    ('buy', 'IntentRequest', null, sends('Buy'), 'ok', null, true), ('upsell', 'IntentRequest', null, sends('Upsell'), 'ok', null, true), ('cancel', 'IntentRequest', null, sends('Cancel'), 'ok', null, true),
    ('resumed', 'SessionResumedRequest', '"cause":{"type":"ConnectionCompleted","token":"print","status":{"code":200}}', answer(says() || ',"shouldEndSession":false'), 'ok', null, true),
    ('permitted', 'Connections.Response', '"name":"AskFor","status":{"code":"200","message":"OK"},"payload":{"status":"ACCEPTED"},"token":"reminders"', answer(says() || ',"shouldEndSession":false'), 'ok', null, true),
    ('end-user', 'SessionEndedRequest', '"reason":"USER_INITIATED"', answer(''), 'ok', null, true),
    ('end-reprompts', 'SessionEndedRequest', '"reason":"EXCEEDED_MAX_REPROMPTS"', answer(''), 'ok', null, true),
    ('end-reasonless', 'SessionEndedRequest', '', answer(''), 'ok', null, true),
    ('end-sessionless', 'SessionEndedRequest', '"reason":"USER_INITIATED"', answer(''), 'ok', null, false),
    ('end-error', 'SessionEndedRequest', '"reason":"ERROR"', answer(''), 'ok', null, true),
    ('end-user-error', 'SessionEndedRequest', '"reason":"USER_INITIATED","error":{"type":"INVALID_RESPONSE","message":"An exception occurred"}', answer(''), 'ok', null, true),
    ('PlaybackFailed', 'AudioPlayer.PlaybackFailed', '"token":"track-1","error":{"type":"MEDIA_ERROR_SERVICE_UNAVAILABLE"}', answer(''), 'ok', null, false),
    ('element', 'Display.ElementSelected', '"token":"list-item-3"', answer(says()), 'ok', null, true),
    ('touch', 'Alexa.Presentation.APL.UserEvent', '"token":"round","arguments":["hint"]', answer(says()), 'ok', null, true),
    ('html', 'Alexa.Presentation.HTML.Message', '"message":{"score":12}', answer(says()), 'ok', null, true),
    ('messaging', 'Messaging.MessageReceived', '"message":{"note":"ready"}', answer(''), 'ok', null, false),
    ('reminder', 'Reminders.ReminderCreated', '"body":{"alertToken":"a-1"}', answer(''), 'ok', null, false),
    ('game', 'GameEngine.InputHandlerEvent', '"originatingRequestId":"1"', answer(''), 'ok', null, false), ('gadget', 'CustomInterfaceController.EventsReceived', '"token":"t"', answer(''), 'ok', null, false),
    ('dialog', 'Dialog.API.Invoked', '"apiRequest":{"name":"book"}', answer(''), 'ok', null, false), ('list', 'AlexaHouseholdListEvent.ItemsCreated', '"body":{"listId":"shopping"}', answer(''), 'ok', null, false)
) as v (step, type, own, answer, outcome, takes, is_of_session)
union all
select 'end-' || error, 'SessionEndedRequest', '"reason":"ERROR","error":{"type":"' || error || '","message":"An exception occurred"}', answer(''), 'ok', null, true
from unnest(['INVALID_RESPONSE', 'DEVICE_COMMUNICATION_ERROR', 'INTERNAL_SERVICE_ERROR', 'ENDPOINT_TIMEOUT']) as r (error)
union all
select 'exception-' || error, 'System.ExceptionEncountered', '"error":{"type":"' || error || '","message":"An exception occurred"},"cause":{"requestId":"CAUSE"}', answer(''), 'ok', null, false
from unnest(['INVALID_RESPONSE', 'DEVICE_COMMUNICATION_ERROR', 'INTERNAL_SERVICE_ERROR']) as r (error)
union all
select
    'can-' || word, 'CanFulfillIntentRequest', '"intent":{"name":"AnswerIntent","confirmationStatus":"NONE","slots":{}}',
    '{"version":"1.0","response":{"canFulfillIntent":{"canFulfill":"' || word || '"}}}', 'ok', null, true,
from unnest(['YES', 'NO', 'MAYBE']) as r (word)
union all
select step, prefix || step, '"token":"track-1"', answer(''), 'ok', null, false
from (values
    ('AudioPlayer.', 'PlaybackStarted'), ('AudioPlayer.', 'PlaybackNearlyFinished'), ('AudioPlayer.', 'PlaybackFinished'), ('AudioPlayer.', 'PlaybackStopped'),
    ('PlaybackController.', 'PlayCommandIssued'), ('PlaybackController.', 'PauseCommandIssued'), ('PlaybackController.', 'NextCommandIssued'), ('PlaybackController.', 'PreviousCommandIssued')
) as v (prefix, step)
union all
select
    concat_ws('-', 'answer', name, result), 'Connections.Response',
    concat('"name":"', name, '","status":{"code":', if(result = 'ERROR', '"500"', if(result = 'DECLINED', '200', '"200"')), ',"message":"OK"},"payload":{"purchaseResult":"', result, '","productId":"PRODUCT"},"token":"sale"'),
    answer(says() || ',"shouldEndSession":false'), 'ok', null, true,
from unnest(['Buy', 'Upsell', 'Cancel']) as n (name), unnest(['ACCEPTED', 'DECLINED', 'ALREADY_PURCHASED', 'ERROR', 'PENDING_PURCHASE', 'NOT_ENTITLED']) as r (result);

-- A line of the log of purchases is $event/result/trial/days until it expires. A life's name begins with its product.
create table lives as
from (values
    ('conversation', 600, 'launch, ask+8, ask+17, ask+27, stop+37'), ('longer conversation', 500, 'launch, ask+8, ask+17, ask+27, ask+37, ask+46, ask+57, ask+66, ask+77, ask+86, end-user+97'),
    ('quit', 300, 'launch, ask+8, ask+17, end-user+25'), ('one question', 400, 'launch, ask+8, closed+17'), ('one shot', 900, 'closed'),
    ('question first', 300, 'ask, ask+9, ask+17, end-user+27'), ('filled in', 100, 'launch, order-started+8, order-delegated+15, order-asked+23, order-completed+31'),
    ('denied', 30, 'order-started, order-delegated+8, order-asked+15, order-denied+23'), ('lost on the way', 20, 'launch, order-started+8, end-user+17'),
    ('misunderstood', 120, 'launch, fallback+8, fallback+16, help+24, stop+33'), ('silent', 120, 'launch, ask+8, end-reprompts+30'), ('left open', 120, 'launch, ask+8, ask+17'),
    ('broken', 30, 'launch, broken+8, end-INVALID_RESPONSE+9'), ('apologised', 20, 'launch, ask+8, broken-apology+17, end-INTERNAL_SERVICE_ERROR+18'),
    ('unusable', 20, 'launch, ask+8, end-DEVICE_COMMUNICATION_ERROR+9'), ('broken and left', 30, 'launch, broken+8'), ('never answered', 20, 'launch, never+8, end-ENDPOINT_TIMEOUT+17'),
    ('answered late', 15, 'launch, late+8, end-ENDPOINT_TIMEOUT+18'), ('late and out', 15, 'launch, late-timeout+8'), ('just in time', 10, 'launch, just-in-time+8, stop+25'),
    ('refused answer', 20, 'launch, exception-INVALID_RESPONSE+9, end-INVALID_RESPONSE+10'), ('refused by the device', 10, 'ask, exception-DEVICE_COMMUNICATION_ERROR+3'),
    ('refused inside', 10, 'ask, exception-INTERNAL_SERVICE_ERROR+3'), ('ended for no reason', 10, 'launch, ask+8, end-reasonless+17'), ('ended in an error', 10, 'launch, ask+8, end-error+17'),
    ('ended with an error', 10, 'launch, ask+8, end-user-error+17'), ('ended outside', 10, 'launch, ask+8, end-sessionless+17'), ('begun before', 40, 'ask, ask+9, end-user+20'),
    ('over the hour', 60, 'launch, ask+3590, ask+3600, stop+3610'), ('over the day', 30, 'launch, ask+43200, stop+86390'), ('can YES', 20, 'can-YES'), ('can NO', 20, 'can-NO'), ('can MAYBE', 20, 'can-MAYBE'),
    ('listened', 60, 'listen, PlaybackStarted+3, PlaybackNearlyFinished+170, PlaybackFinished+200'), ('stopped', 20, 'listen, PlaybackStarted+3, PauseCommandIssued+40, PlaybackStopped+41, PlayCommandIssued+80'),
    ('skipped', 10, 'listen, PlaybackStarted+3, NextCommandIssued+40, PreviousCommandIssued+50'), ('player failed', 10, 'listen, PlaybackFailed+3'),
    ('touched', 50, 'launch-screen, touch+5, element+12, html+20, stop+33'), ('called', 30, 'messaging, reminder+30, list+60, game+90, gadget+91, dialog+92'), ('resumed', 30, 'launch, print+8, resumed+20, stop+33'),
    ('for a task', 20, 'task'), ('asked for permission', 40, 'launch, permission+8, permitted+16, !SkillPermissionAccepted+17, stop+28'), ('unlinked', 40, 'unlinked'),
    ('enabled', 200, '!SkillEnabled, launch+60, ask+70, stop+80'), ('enabled only', 60, '!SkillEnabled'), ('moved', 80, '!SkillDisabled, !SkillEnabled+3600'), ('disabled', 80, '!SkillDisabled'),
    ('preferences', 20, '!SkillPermissionChanged+5, !SkillPermissionAccepted, !ProactiveSubscriptionChanged+60'),
    ('offer declined', 120, 'launch, ask+8, buy+17, $offer_made///+19, $offer_result/DECLINED//+27, answer-Buy-DECLINED+29, ask+40, stop+50'),
    ('offer bought', 160, 'launch, ask+8, buy+17, $offer_made///+19, $offer_result/ACCEPTED//+27, answer-Buy-ACCEPTED+29, ask+40, stop+50'),
    ('upsell bought', 80, 'launch, ask+8, upsell+17, $upsell_shown///+18, $offer_made///+24, $offer_result/ACCEPTED//+32, answer-Upsell-ACCEPTED+34, stop+50'),
    ('upsell declined', 50, 'launch, upsell+17, $upsell_shown///+18, $offer_made///+24, $offer_result/DECLINED//+32, answer-Upsell-DECLINED+34, stop+50'),
    -- The pitch was enough for the user: of that there is no word of Amazon's.
    ('pitch declined', 60, 'launch, upsell+17, $upsell_shown///+18, answer-Upsell-DECLINED+26, stop+50'),
    ('had it', 20, 'launch, buy+17, $offer_result/ALREADY_PURCHASED//+19, answer-Buy-ALREADY_PURCHASED+21, stop+40'), ('had it, upsold', 15, 'launch, upsell+17, $upsell_shown///+18, $offer_result/ALREADY_PURCHASED//+24, answer-Upsell-ALREADY_PURCHASED+26'),
    ('offer failed', 15, 'launch, buy+17, $offer_made///+19, $offer_result/ERROR//+27, answer-Buy-ERROR+29'), ('pending', 10, 'launch, buy+17, $offer_made///+19, answer-Buy-PENDING_PURCHASE+29, stop+40'),
    ('unanswered offer', 15, 'launch, buy+17, $offer_made///+19, $offer_result/ACCEPTED//+27'), ('answered only', 15, 'answer-Buy-ACCEPTED, stop+10'), ('refunded', 15, 'launch, buy+17, $offer_made///+19, $offer_result/ACCEPTED//+27, answer-Buy-ACCEPTED+29, $refunded///~200000'),
    ('cancel refused', 15, 'launch, cancel+17, answer-Cancel-DECLINED+29, stop+40'), ('nothing to cancel', 10, 'cancel, answer-Cancel-NOT_ENTITLED+10'),
    ('monthly: trial converted', 40, 'launch, buy+17, $offer_made//true/+19, $offer_result/ACCEPTED/true/+27, answer-Buy-ACCEPTED+29, $subscription_started//true/7+30, $trial_converted//false/30+604830, $renewed//false/30+3196830'),
    ('monthly: trial cancelled', 25, 'launch, buy+17, $offer_made//true/+19, $offer_result/ACCEPTED/true/+27, answer-Buy-ACCEPTED+29, $subscription_started//true/7+30, $cancelled//true/4~250000, $expired//true/0+604830'),
    ('monthly: trial cancelled, no word', 10, 'buy, $offer_made//true/+19, $offer_result/ACCEPTED/true/+27, answer-Buy-ACCEPTED+29, $subscription_started//true/7+30, $cancelled//true/4~250000'),
    ('monthly: trial lapsed', 10, 'buy, $offer_made//true/+19, $offer_result/ACCEPTED/true/+27, answer-Buy-ACCEPTED+29, $subscription_started//true/7+30, $expired//true/0+604830'),
    ('monthly: trial, then cancelled', 20, 'buy, $offer_made//true/+19, $offer_result/ACCEPTED/true/+27, answer-Buy-ACCEPTED+29, $subscription_started//true/7+30, $trial_converted//false/30+604830, $cancelled//false/20~1300000, $expired//false/0+3196830'),
    ('yearly: subscribed', 25, 'launch, upsell+17, $upsell_shown///+18, $offer_made//false/+24, $offer_result/ACCEPTED/false/+32, answer-Upsell-ACCEPTED+34, $subscription_started//false/365+35'),
    ('yearly: cancelled, refunded', 10, 'buy, $offer_made//false/+24, $offer_result/ACCEPTED/false/+32, answer-Buy-ACCEPTED+34, $subscription_started//false/365+35, $cancelled//false/0~400000, $expired//false/0~400000, $refunded//false/~400060'),
    ('monthly: of old', 40, '$renewed//false/30'), ('monthly: of old, cancelled', 20, 'cancel, answer-Cancel-ACCEPTED+10, $cancelled//false/10+10, $expired//false/0+864010'), ('monthly: of old, expired', 10, '$expired//false/0'),
    ('linked', 160, '#initiation, %authorization_code/ok~60, #completion~62, !SkillAccountLinked~63'), ('begun twice', 20, '#initiation, #initiation+40, %authorization_code/ok~120, #completion~122, !SkillAccountLinked~123'),
    ('given up', 70, '#initiation'), ('linked at last', 15, '#completion, !SkillAccountLinked+1'), ('linked the day after', 20, '#initiation, %authorization_code/invalid_grant+86380, %authorization_code/ok+86400, #completion+86401'),
    ('refreshed', 200, '%refresh_token/ok'),
    ('controlled', 1500, '>directive, >Response+0.3, >ChangeReport+0.5'), ('controlled unreported', 400, '>directive, >Response+0.4'), ('two steps', 60, '>directive, >DeferredResponse+0.3, >ResponseLater~12'),
    ('two steps and an error', 15, '>directive, >DeferredResponse+0.3, >ErrorLater~12'), ('one step of two', 15, '>directive, >DeferredResponse+0.3'), ('answered by gateway', 40, '>directive, >ResponseLater+2.5'),
    ('answered late by gateway', 10, '>directive, >ResponseLater+8.7'), ('refused', 130, '>directive, >ErrorResponse+0.3'), ('thermostat refused', 40, '>directive, >ThermostatError+0.3'), ('answered after patience', 30, '>directive, >Response+8.001'),
    ('answered in patience', 10, '>directive, >Response+8'), ('answered long after', 10, '>directive, >Response+24'), ('unanswered', 40, '>directive'), ('answer alone', 20, '>Response'), ('over an hour', 30, '>directive, >Response+0.3, >directive+3600, >Response+3600.3'),
    ('asked for state', 300, '>ReportState, >StateReport+0.3'), ('state refused', 15, '>ReportState, >ErrorResponse+0.3'), ('state late', 15, '>ReportState, >StateReport+8.7'), ('state later', 15, '>ReportState, >DeferredResponse+0.3, >StateLater+4'), ('state untold', 15, '>ReportState'),
    ('changed', 500, '>ChangeReport, >ReportState~1200, >StateReport~1200.3'), ('changed while asked', 20, '>ReportState, >ChangeReport, >StateReport+0.25'),
    ('discovered', 120, '>Discover, >Discover.Response+0.9'), ('discovery refused', 10, '>Discover, >ErrorResponse+0.9'), ('discovered late', 10, '>Discover, >Discover.Response+9'), ('undiscovered', 10, '>Discover'),
    ('granted', 30, '>AcceptGrant, >AcceptGrant.Response+0.3'), ('not granted', 10, '>AcceptGrant, >GrantError+0.3'), ('devices come', 10, '>AddOrUpdateReport'), ('devices go', 10, '>DeleteReport'), ('bell', 10, '>DoorbellPress')
) as v (life, share, script)
union all
select 'token ' || name, 5, '%' || if(len(name) % 2 = 0, 'refresh_token/', 'authorization_code/') || name from tokens where name <> 'ok';

create table skills as from (values
    ('quiz', 'amzn1.ask.skill.5b1f0c3e-0000-4000-8000-00000000a1e1', ['en-US', 'en-US', 'en-GB', 'de-DE', 'ja-JP']),
    ('kitchen', 'amzn1.ask.skill.5b1f0c3e-0000-4000-8000-00000000a1e2', ['en-US', 'de-DE', 'fr-FR']),
    ('house', 'amzn1.ask.skill.5b1f0c3e-0000-4000-8000-00000000a1e3', ['en-US', 'de-DE', 'ja-JP'])
) as v (skill, skill_id, locales);

-- Users come one after the other, and come back less and less often.
set variable lives = (select lives_of(events() * 1.13, 'lives'));
create table beginnings as from moments('alexa', getvariable('lives'));
create table happened as
select
    told.* exclude (moment),
    moment,
    skill_id,
    skill,
    locales[1 + person % len(locales)] as locale,
    person,
    concat('amzn1.ask.account.', token('user', concat(skill, person, if(life = 'moved' and j = 2, 'anew', '')))) as user_id,
    person % 17 = 0 and n % 5 > 0 as is_development,
    if(person % 17 = 0, draw(bits, 41, 10) < 4, draw(bits, 41, 1000) < 8) as is_test,
    ['amzn1.adg.product.a1e0-extra-rounds', 'amzn1.adg.product.a1e1-ten-hints', 'amzn1.adg.product.a1e2-second-life',
        'amzn1.adg.product.a1e3-club-monthly', 'amzn1.adg.product.a1e4-club-yearly'][
        case when starts_with(life, 'monthly') then 4 when starts_with(life, 'yearly') then 5 else 1 + n % 3 end
    ] as product,
from (
    select
        *,
        (n / 6 * (1 - pow(draw(bits, 21, 1000) / 1000, 2)))::bigint as person,
        case
            when max(starts_with(step, '>')::integer) over (partition by n) = 1 then 'house'
            when max((step in ('buy', 'upsell', 'cancel') or starts_with(step, '$') or starts_with(step, 'answer'))::integer) over (partition by n) = 1 then 'quiz'
            when max((starts_with(step, 'order'))::integer) over (partition by n) = 1 then 'kitchen'
            when max((starts_with(step, '#') or starts_with(step, '%'))::integer) over (partition by n) = 1 then if(n % 2 = 0, 'house', 'kitchen')
            else ['quiz', 'quiz', 'quiz', 'kitchen', 'kitchen'][1 + person % 5]
        end as skill,
    from told('beginnings', 'lives')
) as told
join skills using (skill)
where within_days(moment);

create table intents as from (values
    ('quiz', '"intent":{"name":"AnswerIntent","confirmationStatus":"NONE","slots":{"answer":{"name":"answer","value":"seven","resolutions":{"resolutionsPerAuthority":[{"status":{"code":"ER_SUCCESS_MATCH"}}]}}}}'),
    ('quiz', '"intent":{"name":"AnswerIntent","confirmationStatus":"NONE","slots":{"answer":{"name":"answer","value":"寿司","resolutions":{"resolutionsPerAuthority":[{"status":{"code":"ER_SUCCESS_NO_MATCH"}}]}}}}'),
    -- A skill that was built before there were confirmations.
    ('quiz', '"intent":{"name":"ScoreIntent","slots":{}}'), ('quiz', '"intent":{"name":"HintIntent","confirmationStatus":"NONE","slots":{}}'),
    ('quiz', '"intent":{"name":"AMAZON.YesIntent","confirmationStatus":"NONE","slots":{}}'), ('quiz', '"intent":{"name":"AMAZON.RepeatIntent","confirmationStatus":"NONE","slots":{}}'),
    ('kitchen', '"intent":{"name":"OrderStatusIntent","confirmationStatus":"NONE","slots":{}}'), ('kitchen', '"intent":{"name":"RecipeIntent","confirmationStatus":"NONE","slots":{"dish":{"name":"dish","value":"Grünkohl"}}}'),
    ('kitchen', '"intent":{"name":"OpeningHoursIntent","confirmationStatus":"NONE","slots":{}}'), ('kitchen', '"intent":{"name":"AMAZON.NoIntent","confirmationStatus":"NONE","slots":{}}')
) as v (skill, own);
create table intents_of as select skill, list(own order by own) as intents from intents group by skill;

create table requested as
with drawn as (
    select
        happened.*,
        requests.* exclude (step, takes),
        coalesce(intents, []) as intents,
        stir(bits, j) as of_request,
        coalesce(takes, least(30 + draw(stir(bits, j), 11, 400) * if(draw(stir(bits, j), 13, 30) = 0, 6, 1), 7999)) as takes,
        draw(bits, 25, 200) as shape,
        max(if(starts_with(step, 'answer') or step = 'permitted', j, null)) over (partition by n order by j) as again,
        lag(token('request', concat(n, '/', j))) over (partition by n order by j) as cause,
        min(j) over (partition by n) = j as is_first,
    from happened
    join requests using (step)
    left join intents_of using (skill)
)

select
    *,
    concat('amzn1.echo-api.request.', uuid_of(token('request', concat(n, '/', j)))) as request_id,
    concat('amzn1.echo-api.session.', uuid_of(token('session', concat_ws('/', n, if(n % 4 = 0, null, again))))) as session_id,
    replace(replace(coalesce(nullif(own, ''), if(own is null, pick(of_request, 15, intents), null)), 'PRODUCT', product), 'CAUSE', concat('amzn1.echo-api.request.', uuid_of(cause))) as fields,
    (is_first and life <> 'begun before') or starts_with(step, 'answer') or step = 'permitted' as is_new,
    -- Delivered again, as the first answer was lost on its way.
    unnest(if(draw(of_request, 17, 300) = 0, [moment, moment + interval 900 milliseconds], [moment])) as received_at,
from drawn;

-- Directives of a smart home, and what answers them.
create table actions as
select *, row_number() over (order by namespace, name, instance) - 1 as action
from (values
    ('lamp', 'Alexa.PowerController', 'TurnOn', '', null), ('lamp', 'Alexa.PowerController', 'TurnOff', '', null), ('lamp', 'Alexa.BrightnessController', 'SetBrightness', '"brightness":40', null),
    ('lamp', 'Alexa.ColorController', 'SetColor', '"color":{"hue":30,"saturation":1,"brightness":1}', null), ('lamp', 'Alexa.ColorTemperatureController', 'SetColorTemperature', '"colorTemperatureInKelvin":2200', null),
    ('thermostat', 'Alexa.ThermostatController', 'SetTargetTemperature', '"targetSetpoint":{"value":21,"scale":"CELSIUS"}', null), ('thermostat', 'Alexa.ThermostatController', 'SetThermostatMode', '"thermostatMode":{"value":"HEAT"}', null),
    ('lock', 'Alexa.LockController', 'Lock', '', null), ('lock', 'Alexa.LockController', 'Unlock', '', null), ('blind', 'Alexa.RangeController', 'SetRangeValue', '"rangeValue":50', 'Blind.Lift'),
    ('washer', 'Alexa.ModeController', 'SetMode', '"mode":"Cycle.Normal"', 'Washer.Cycle'), ('washer', 'Alexa.ToggleController', 'TurnOn', '', 'Washer.Rinse'), ('washer', 'Alexa.ToggleController', 'TurnOff', '', 'Washer.Rinse'),
    ('television', 'Alexa.Speaker', 'SetVolume', '"volume":20', null), ('television', 'Alexa.ChannelController', 'ChangeChannel', '"channel":{"number":"7"}', null), ('television', 'Alexa.InputController', 'SelectInput', '"input":"HDMI 1"', null),
    ('television', 'Alexa.PlaybackController', 'Pause', '', null), ('television', 'Alexa.RemoteVideoPlayer', 'SearchAndPlay', '"entities":[]', null), ('scene', 'Alexa.SceneController', 'Activate', '', null),
    ('alarm', 'Alexa.SecurityPanelController', 'Arm', '"armState":"ARMED_AWAY"', null), ('camera', 'Alexa.CameraStreamController', 'InitializeCameraStreams', '"cameraStreams":[]', null)
) as v (model, namespace, name, payload, instance);

create table directed as
with drawn as (
    select
        *,
        step in ('>directive', '>ReportState', '>Discover', '>AcceptGrant') as is_in,
        step in ('>ResponseLater', '>ErrorLater', '>StateLater', '>ChangeReport', '>AddOrUpdateReport', '>DeleteReport', '>DoorbellPress') as is_async,
        sum(if(is_in, 1, 0)) over (partition by n order by j) as asked,
        -- A thermostat's own errors are a thermostat's.
        case when life = 'thermostat refused' then 18 + n % 2 else draw(bits, 29, (select count(*) from actions)) end as action,
    from happened
    where starts_with(step, '>')
)

select drawn.*, actions.* exclude (action), concat('account-', person, '-', model) as endpoint_id
from drawn join actions using (action);
