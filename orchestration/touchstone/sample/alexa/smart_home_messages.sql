-- Messages of a smart home skill in both directions, as its owner logs them. Messages name neither user nor locale;
-- what the owner knows depends on how it keeps accounts.

-- What a home's devices do, the property that they report, and values of that, some in two spellings.
create table actions as
select *, split_part(action, '.', 1) as namespace, row_number() over (order by action) - 1 as number
from (select * replace (unnest(action) as action) from (values
    (['PowerController.TurnOn', 'PowerController.TurnOff'], 'powerState', null, ['"ON"', '"OFF"']),
    (['BrightnessController.SetBrightness'], 'brightness', null, ['40', '40.0', '70']),
    (['ColorController.SetColor'], 'color', null, ['{"hue":30,"saturation":0.75}', '{"saturation":0.750,"hue":30.0}']),
    (['ColorTemperatureController.SetColorTemperature'], 'colorTemperature', null, ['2200']),
    (['ThermostatController.SetTargetTemperature'], 'targetSetpoint', null, ['{"value":20.5,"scale":"CELSIUS"}']),
    (['LockController.Lock'], 'lockState', null, ['"LOCKED"', '"UNLOCKED"', '"JAMMED"']),
    (['RangeController.SetRangeValue'], 'rangeValue', 'Blind.Lift', ['50', '50.0', '0']),
    (['ModeController.SetMode'], 'mode', 'Washer.Cycle', ['"Delicate"', '"Normal"']),
    (['ToggleController.TurnOn'], 'toggleState', 'Washer.Rinse', ['"ON"', '"OFF"']),
    (['Speaker.SetVolume'], 'volume', null, ['20', '20.0', '35']),
    (['SecurityPanelController.Arm'], 'armState', null, ['"DISARMED"', '"ARMED_AWAY"']),
    (['ChannelController.ChangeChannel', 'InputController.SelectInput', 'PlaybackController.Pause',
        'RemoteVideoPlayer.SearchAndPlay', 'SceneController.Activate',
        'CameraStreamController.InitializeCameraStreams'], null, null, null)
) as v (action, property, instance, options));

create table messages as
select
    *, kind in ('directive', 'ReportState', 'Discover', 'AcceptGrant') as is_in,
    how = 'async' or kind in ('ChangeReport', 'AddOrUpdateReport', 'DeleteReport', 'DoorbellPress') as is_async,
    case
        when p[2] = 'own' or (kind = 'Response' and regexp_matches(namespace, 'Scene|Panel')) then '.' || namespace
        else coalesce('.' || p[2], '')
    end as named,
    -- A device's state lasts some hours, whatever was last reported of it.
    if(property is null, '', fill(
        '{"name":"$property","namespace":"Alexa.$space","instance":"$instance","timeOfSample":"$at","value":$value}', [
            ['$property', property], ['$space', namespace], ['$instance', instance], ['$at', iso(moment)],
            ['$value', pick(seeded('state', concat(person, property, epoch(moment)::bigint // 20000)), 3, options)]
        ]
    )) as state,
    -- A few are sent again, and answered once.
    unnest(if(is_in and draw(own_bits, 31, 250) = 0, [moment, moment + interval 1 second], [moment])) as received,
from (select * replace (p[1][2:] as kind) from happened where step[1] = '>')
join actions on if(contains(script, 'THERMOSTAT'), property = 'targetSetpoint', number = draw(bits, 29, 18));

create table home_records as
select unnest(arrivals(received, own_bits)) as arrived, fill_with_nulls(
    '{"at":"$at","direction":"$direction","invocation_id":"call-$life-$call","skill_id":"$skill","stage":"$stage",'
    || '"locale":"$locale","user_ref":"$user","message":{"$side":{"header":{"namespace":"Alexa$namespace",'
    || '"name":"$name","messageId":"$id","correlationToken":"$token"},"endpoint":{"endpointId":"$person-$device"},'
    || '"payload":{$payload}}'
    || if(kind in ('Response', 'StateReport'), ',"context":{"properties":[$state]}', '') || '}}', [
        ['$at', iso(received)], ['$direction', if(is_in, 'in', if(is_async, 'out_async', 'out_sync'))],
        ['$call', if(is_async or received > moment, j, 0)::varchar], ['$skill', skill_id], ['$life', token('life', n)],
        ['$stage', stage], ['$locale', if(person % 10 < 3, null, locale)], ['$side', if(is_in, 'directive', 'event')],
        ['$user', if(person % 12 = 0, null, 'account-' || person)], ['$namespace', named], ['$name', case
            when kind = 'directive' then split_part(action, '.', 2)
            when named = '.SceneController' then 'ActivationStarted'
            when named = '.SecurityPanelController' then 'Arm.Response'
            else kind
        end],
        ['$id', id], ['$person', person::varchar], ['$device', namespace], ['$token', if(
            n % 40 = 0 or kind = 'ChangeReport' or regexp_matches(named, 'Discovery|Authorization|Doorbell'),
            null, token('token', n)
        )],
        ['$payload', case kind
            when 'ErrorResponse' then '"type":"' || if(contains(how, '_'), how, 'ENDPOINT_UNREACHABLE') || '"'
            when 'ChangeReport' then '"change":{"cause":{"type":"PHYSICAL_INTERACTION"},"properties":[$state]}'
            else ''
        end],
        ['$state', state]
    ]
) as line
from messages
where kind <> 'ChangeReport' or state <> '';

from with_odd('home_records', '%"direction":"in"%', odd_times('at') || [
    '{"message":null}', '{"direction":"sideways"}', '{"message":[]}', '{"skill_id":null}', '{"locale":"all"}',
    '{"message":{"directive":null,"header":{"namespace":"Alexa.Media.Search","name":"GetPlayableContent"}}}'
]);
