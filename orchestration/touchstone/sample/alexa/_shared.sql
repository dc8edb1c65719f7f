-- What happens around the owner's skills, and to whom. Users come one after the other, and come
-- back less and less often. Their locale, stage and products follow from who they are.
create table skills as from (values
    ('quiz', ['en-US', 'en-US', 'en-GB', 'de-DE', 'ja-JP']),
    ('kitchen', ['en-US', 'de-DE', 'fr-FR']),
    ('house', ['en-US', 'de-DE', 'ja-JP'])
) as v (skill, locales);
create macro id_of(skill) as concat(
    'amzn1.ask.skill.5b1f0c3e-0000-4000-8000-00000000a1e', position(skill[1] in 'qkhf')
);
create macro of_users(steps) as table
select
    * exclude (locales),
    id_of(skill) as skill_id,
    locales[1 + person % len(locales)] as locale,
    concat('amzn1.ask.account.', token('user', concat(skill, person, is_moved))) as user_id,
    if(person % 17 = 0 and n % 5 > 0, 'development', 'live') as stage,
    if(person % 17 = 0, draw(bits, 41, 10) < 4, draw(bits, 41, 1000) < 8) as is_test,
from (
    select
        *,
        (n / 6 * (1 - pow(draw(bits, 21, 1000) / 1000, 2)))::bigint as person,
        script = '!SkillDisabled !SkillEnabled+3600' and j = 2 as is_moved,
        case
            when contains(script, '>') then 'house'
            when contains(script, '#') then if(n % 2 = 0, 'house', 'kitchen')
            when regexp_matches(script, '[$]|Buy|Upsell|Cancel') then 'quiz'
            when contains(script, 'order') then 'kitchen'
            else ['quiz', 'quiz', 'quiz', 'kitchen', 'kitchen'][1 + person % 5]
        end as skill,
    from query_table(steps)
)
join skills using (skill)
where within_days(moment);

-- A step is a request of a custom skill with its parameters, and behind "/" how it is answered; an
-- event of a skill (!); or a line of the log of purchases ($): event, result, whether it is of a
-- trial, and days until it expires.
create table lives as
from (values
    (600, 'launch ask+8 ask+17 ask+27 intent:AMAZON.StopIntent/end+37'),
    (500, 'launch ask+8 ask+17 ask+27 ask+37 ask+46 ask+57 ask+66 ask+77 ask+86 end:USER_INITIATED+97'),
    (300, 'launch ask+8 ask+17 end:USER_INITIATED+25'),
    (400, 'launch ask+8 ask/end+17'),
    (900, 'ask/end'),
    (300, 'ask ask+9 ask+17 end:USER_INITIATED+27'),
    (40, 'ask/continued ask+9 end:USER_INITIATED+20'),
    (100, 'launch order:STARTED/Dialog.ElicitSlot+8 order:IN_PROGRESS/Dialog.Delegate+15 '
        || 'order:IN_PROGRESS/Dialog.ConfirmIntent+23 order:COMPLETED:CONFIRMED/end+31'),
    (30, 'order:STARTED/Dialog.ElicitSlot order:COMPLETED:DENIED/end+23'),
    (20, 'launch order:STARTED/Dialog.ElicitSlot+8 end:USER_INITIATED+17'),
    (120, 'launch intent:AMAZON.FallbackIntent+8 intent:AMAZON.FallbackIntent+16 '
        || 'intent:AMAZON.HelpIntent+24 intent:AMAZON.StopIntent/end+33'),
    (120, 'launch ask+8 end:EXCEEDED_MAX_REPROMPTS+30'),
    (120, 'launch ask+8 ask+17'),
    -- Over the hour, and over midnight.
    (60, 'launch ask+3590 ask+3600 ask/end+3610'),
    (30, 'launch ask+43200 ask/end+86390'),
    -- What goes wrong.
    (30, 'launch ask/exception+8 end:ERROR:INVALID_RESPONSE+9'),
    (30, 'launch ask/exception+8'),
    (20, 'launch ask+8 ask/apology+17 end:ERROR:INTERNAL_SERVICE_ERROR+18'),
    (20, 'launch ask+8 end:ERROR:DEVICE_COMMUNICATION_ERROR+9'),
    (20, 'launch ask/timeout+8 end:ERROR:ENDPOINT_TIMEOUT+17'),
    (15, 'launch ask/late+8 end:ERROR:ENDPOINT_TIMEOUT+18'),
    (15, 'launch ask/late-timeout+8'),
    (10, 'launch ask/just-in-time+8 ask/end+25'),
    (20, 'launch exception:INVALID_RESPONSE+9 end:ERROR:INVALID_RESPONSE+10'),
    (10, 'ask exception:DEVICE_COMMUNICATION_ERROR+3'),
    (10, 'ask exception:INTERNAL_SERVICE_ERROR+3'),
    (10, 'launch ask+8 end+17'),
    (10, 'launch ask+8 end:ERROR+17'),
    (10, 'launch ask+8 end:USER_INITIATED:INVALID_RESPONSE+17'),
    (10, 'launch ask+8 end:USER_INITIATED/sessionless+17'),
    -- Other requests and directives, and events.
    (20, 'can:YES'),
    (20, 'can:NO'),
    (20, 'can:MAYBE'),
    (60, 'ask/AudioPlayer.Play AudioPlayer.PlaybackStarted+3 AudioPlayer.PlaybackNearlyFinished+170 '
        || 'AudioPlayer.PlaybackFinished+200 AudioPlayer.PlaybackStopped+210 AudioPlayer.PlaybackFailed+220'),
    (20, 'PlaybackController.PlayCommandIssued PlaybackController.PauseCommandIssued+40 '
        || 'PlaybackController.NextCommandIssued+41 PlaybackController.PreviousCommandIssued+80'),
    (50, 'launch/Alexa.Presentation.APL.RenderDocument Alexa.Presentation.APL.UserEvent+5 '
        || 'Display.ElementSelected+12 Alexa.Presentation.HTML.Message+20 ask/end+33'),
    (30, 'Messaging.MessageReceived Reminders.ReminderCreated+30 AlexaHouseholdListEvent.ItemsCreated+60 '
        || 'GameEngine.InputHandlerEvent+90 CustomInterfaceController.EventsReceived+91 '
        || 'Dialog.API.Invoked+92'),
    (30, 'launch ask/Connections.StartConnection+8 resumed+20 ask/end+33'),
    (20, 'launch:task/end'),
    (40, 'ask/LinkAccount'),
    (40, 'launch ask/AskFor+8 answer:AskFor+16 !SkillPermissionAccepted+17 ask/end+28'),
    (200, '!SkillEnabled launch+60 ask+70 ask/end+80'),
    (60, '!SkillEnabled'),
    (80, '!SkillDisabled !SkillEnabled+3600'),
    (80, '!SkillDisabled'),
    (20, '!SkillPermissionAccepted !SkillPermissionChanged+5 !ProactiveSubscriptionChanged+60'),
    (230, '!SkillAccountLinked'),
    -- Offers. Of a pitch that was enough for the user there is no word of Amazon's.
    (120, 'launch ask/Buy+8 $offer_made+19 $offer_result:DECLINED+27 answer:Buy:DECLINED+29 ask/end+40'),
    (160, 'launch ask/Buy+8 $offer_made+19 $offer_result:ACCEPTED+27 answer:Buy:ACCEPTED+29 ask/end+40'),
    (80, 'ask/Upsell $upsell_shown+1 $offer_made+4 $offer_result:ACCEPTED+12 answer:Upsell:ACCEPTED+14'),
    (50, 'ask/Upsell $upsell_shown+1 $offer_made+4 $offer_result:DECLINED+12 answer:Upsell:DECLINED+14'),
    (60, 'ask/Upsell $upsell_shown+1 answer:Upsell:DECLINED+9 ask/end+20'),
    (20, 'ask/Buy $offer_result:ALREADY_PURCHASED+2 answer:Buy:ALREADY_PURCHASED+4'),
    (15, 'ask/Upsell $upsell_shown+1 $offer_result:ALREADY_PURCHASED+7 answer:Upsell:ALREADY_PURCHASED+9'),
    (15, 'ask/Buy $offer_made+2 $offer_result:ERROR+10 answer:Buy:ERROR+12'),
    (10, 'ask/Buy $offer_made+2 answer:Buy:PENDING_PURCHASE+12'),
    (15, 'ask/Buy $offer_made+2 $offer_result:ACCEPTED+10'),
    (15, 'answer:Buy:ACCEPTED ask/end+10'),
    (15, 'ask/Buy $offer_made+2 $offer_result:ACCEPTED+10 answer:Buy:ACCEPTED+12 $refunded~200000'),
    (15, 'ask/Cancel answer:Cancel:DECLINED+12'),
    (10, 'ask/Cancel answer:Cancel:NOT_ENTITLED+10'),
    -- Subscriptions by the month, by the year, and of old.
    (40, 'TRIAL $trial_converted::false:30+604830 $renewed::false:30+3196830'),
    (25, 'TRIAL $cancelled::true:4~250000 $expired::true:0+604830'),
    (10, 'TRIAL $cancelled::true:4~250000'),
    (10, 'TRIAL $expired::true:0+604830'),
    (20, 'TRIAL $trial_converted::false:30+604830 $cancelled::false:20~1300000 $expired::false:0+3196830'),
    (25, 'YEAR'),
    (10, 'YEAR $cancelled::false:0~400000 $expired::false:0~400000 $refunded::false~400060'),
    (40, '$renewed::false:30'),
    (20, 'ask/Cancel answer:Cancel:ACCEPTED+10 $cancelled::false:10+10 $expired::false:0+864010'),
    (10, '$expired::false:0')
) as v (share, script);
update lives set script = replace(replace(script,
    'TRIAL', 'ask/Buy $offer_made::true+2 $offer_result:ACCEPTED:true+10 answer:Buy:ACCEPTED+12 '
    || '$subscription_started::true:7+30'),
    'YEAR', 'ask/Upsell $upsell_shown+1 $offer_made::false+7 $offer_result:ACCEPTED:false+15 '
    || 'answer:Upsell:ACCEPTED+17 $subscription_started::false:365+30');

set variable lives = (select lives_of(events() * 0.7, 'lives'));
create table beginnings as from moments('alexa', getvariable('lives'));
create table steps as from steps_of('beginnings', 'lives');
create table happened as
select
    *, string_split(split_part(step, '/', 1), ':') as p, split_part(step, '/', 2) as how,
    'amzn1.adg.product.a1e' || case
        when contains(script, ':365') then '4-club-yearly'
        when regexp_matches(script, ':(true|false)') then '3-club-monthly'
        else ['0-extra-rounds', '1-ten-hints', '2-second-life'][1 + n % 3]
    end as product,
from of_users('steps');

-- Messages of a smart home. Behind "/" it stands that one is sent apart from the invocation, or what
-- an error is.
create table home_lives as from (values
    (1500, '>directive >Response+0.3 >ChangeReport+0.5'),
    (400, '>directive >Response+0.4'),
    (60, '>directive >DeferredResponse+0.3 >Response/async~12'),
    (15, '>directive >DeferredResponse+0.3 >ErrorResponse/async~12'),
    (15, '>directive >DeferredResponse+0.3'),
    (40, '>directive >Response/async+2.5'),
    (10, '>directive >Response/async+8.7'),
    (130, '>directive >ErrorResponse+0.3'),
    (40, '>directive/thermostat >ErrorResponse/thermostat+0.3'),
    (30, '>directive >Response+8.001'),
    (10, '>directive >Response+8'),
    (10, '>directive >Response+24'),
    (40, '>directive'),
    (20, '>Response'),
    (30, '>directive >Response+0.3 >directive+3600 >Response+3600.3'),
    (300, '>ReportState >StateReport+0.3'),
    (15, '>ReportState >ErrorResponse+0.3'),
    (15, '>ReportState >StateReport+8.7'),
    (15, '>ReportState >DeferredResponse+0.3 >StateReport/async+4'),
    (15, '>ReportState'),
    (500, '>ChangeReport >ReportState~1200 >StateReport~1200.3'),
    (20, '>ReportState >ChangeReport >StateReport+0.25'),
    (120, '>Discover >Discover.Response+0.9'),
    (10, '>Discover >ErrorResponse+0.9'),
    (10, '>Discover >Discover.Response+9'),
    (10, '>Discover'),
    (30, '>AcceptGrant >AcceptGrant.Response+0.3'),
    (10, '>AcceptGrant >ErrorResponse/grant+0.3'),
    (10, '>AddOrUpdateReport >DeleteReport+60'),
    (10, '>DoorbellPress')
) as v (share, script);

-- Directives, each with the property of its device that is reported, and some values of that. A
-- value is spelled in two ways.
create table devices as
select *, row_number() over (order by namespace, directive) - 1 as device
from (values
    ('Alexa.PowerController', 'TurnOn', null, 'powerState', ['"ON"', '"OFF"']),
    ('Alexa.PowerController', 'TurnOff', null, 'powerState', ['"OFF"', '"ON"']),
    ('Alexa.BrightnessController', 'SetBrightness', null, 'brightness', ['40', '40.0', '70']),
    ('Alexa.ColorController', 'SetColor', null, 'color', [
        '{"hue":30,"saturation":0.75}', '{"saturation":0.750,"hue":30.0}'
    ]),
    ('Alexa.ColorTemperatureController', 'SetColorTemperature', null, 'colorTemperature', ['2200']),
    ('Alexa.ThermostatController', 'SetTargetTemperature', null, 'targetSetpoint', [
        '{"value":20.5,"scale":"CELSIUS"}', '{"scale":"CELSIUS","value":20.50}'
    ]),
    ('Alexa.LockController', 'Lock', null, 'lockState', ['"LOCKED"', '"UNLOCKED"', '"JAMMED"']),
    ('Alexa.RangeController', 'SetRangeValue', 'Blind.Lift', 'rangeValue', ['50', '50.0', '0']),
    ('Alexa.ModeController', 'SetMode', 'Washer.Cycle', 'mode', ['"Delicate"', '"Normal"']),
    ('Alexa.ToggleController', 'TurnOn', 'Washer.Rinse', 'toggleState', ['"ON"', '"OFF"']),
    ('Alexa.Speaker', 'SetVolume', null, 'volume', ['20', '20.0', '35']),
    ('Alexa.ChannelController', 'ChangeChannel', null, null, null),
    ('Alexa.InputController', 'SelectInput', null, null, null),
    ('Alexa.PlaybackController', 'Pause', null, null, null),
    ('Alexa.RemoteVideoPlayer', 'SearchAndPlay', null, null, null),
    ('Alexa.SceneController', 'Activate', null, null, null),
    ('Alexa.SecurityPanelController', 'Arm', null, 'armState', ['"DISARMED"', '"ARMED_AWAY"']),
    ('Alexa.CameraStreamController', 'InitializeCameraStreams', null, null, null)
) as v (namespace, directive, instance, property, options);

set variable home_lives = (select lives_of(events() * 0.38, 'home_lives'));
create table home_beginnings as from moments('home', getvariable('home_lives'));
create table home_steps as from steps_of('home_beginnings', 'home_lives');
create table directed as
select
    * exclude (device),
    step in ('>directive', '>directive/thermostat', '>ReportState', '>Discover', '>AcceptGrant') as is_in,
    how = 'async' or kind in ('ChangeReport', 'AddOrUpdateReport', 'DeleteReport', 'DoorbellPress')
        as is_async,
    -- What a request and its answers have in common.
    sum(is_in::integer) over (partition by n order by j) as asked,
from (
    select
        *, split_part(step[2:], '/', 1) as kind, split_part(step, '/', 2) as how,
        if(contains(script, 'thermostat'), 16, draw(bits, 29, 18)) as device,
    from of_users('home_steps')
)
join devices using (device);
