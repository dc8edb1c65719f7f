-- Messages of a smart home skill in both directions, as its owner logs them.
-- What a device reports: each value in two spellings.
create table properties as from (values
    ('lamp', 'Alexa.PowerController', 'powerState', null, [['"ON"', '"ON"'], ['"OFF"', '"OFF"']]), ('lamp', 'Alexa.BrightnessController', 'brightness', null, [['40', '40.0'], ['55', '55.0'], ['70', '70.0']]),
    ('lamp', 'Alexa.ColorController', 'color', null, [['{"hue":30,"saturation":0.75,"brightness":1}', '{"brightness":1.0,"saturation":0.750,"hue":30.0}'], ['{"hue":60,"saturation":0.75,"brightness":1}', '{"hue":60,"saturation":0.75,"brightness":1}']]),
    ('thermostat', 'Alexa.ThermostatController', 'targetSetpoint', null, [['{"value":20.5,"scale":"CELSIUS"}', '{"scale":"CELSIUS","value":20.50}'], ['{"value":21,"scale":"CELSIUS"}', '{"scale":"CELSIUS","value":21.0}']]),
    ('thermostat', 'Alexa.TemperatureSensor', 'temperature', null, [['{"value":19,"scale":"CELSIUS"}', '{"scale":"CELSIUS","value":19.0}'], ['{"value":20,"scale":"CELSIUS"}', '{"scale":"CELSIUS","value":20}'], ['{"value":18,"scale":"CELSIUS"}', '{"scale":"CELSIUS","value":18}']]),
    ('lock', 'Alexa.LockController', 'lockState', null, [['"LOCKED"', '"LOCKED"'], ['"UNLOCKED"', '"UNLOCKED"'], ['"JAMMED"', '"JAMMED"']]), ('blind', 'Alexa.RangeController', 'rangeValue', 'Blind.Lift', [['50', '50.0'], ['0', '0.0'], ['100', '100']]),
    ('washer', 'Alexa.ModeController', 'mode', 'Washer.Cycle', [['"Cycle.Delicate"', '"Cycle.Delicate"'], ['"Cycle.Normal"', '"Cycle.Normal"']]), ('washer', 'Alexa.ToggleController', 'toggleState', 'Washer.Rinse', [['"ON"', '"ON"'], ['"OFF"', '"OFF"']]),
    ('television', 'Alexa.Speaker', 'volume', null, [['20', '20.0'], ['35', '35'], ['50', '50']]), ('alarm', 'Alexa.SecurityPanelController', 'armState', null, [['"DISARMED"', '"DISARMED"'], ['"ARMED_AWAY"', '"ARMED_AWAY"']])
) as v (model, namespace, name, instance, options);

-- A device's state lasts some hours, whatever was last reported of it.
create table states as
select
    n, j,
    list('{"namespace":"' || properties.namespace || '","name":"' || properties.name || '",' || coalesce('"instance":"' || properties.instance || '",', '') || '"value":'
        || pick(seeded('state', concat(endpoint_id, properties.name, epoch(moment)::bigint // 20000)), 3, options)[1 + n % 2]
        || ',"timeOfSample":"' || iso(moment) || '","uncertaintyInMilliseconds":500}' order by properties.namespace, properties.name) as states,
from directed join properties using (model)
where step in ('>Response', '>ResponseLater', '>StateReport', '>StateLater', '>ChangeReport')
group by n, j;

create table recorded_messages as
with named as (
    select
        *,
        case
            when step = '>directive' then namespace
            when step in ('>Discover', '>Discover.Response', '>AddOrUpdateReport', '>DeleteReport') then 'Alexa.Discovery'
            when step in ('>AcceptGrant', '>AcceptGrant.Response', '>GrantError') then 'Alexa.Authorization'
            when step = '>ThermostatError' then 'Alexa.ThermostatController'
            when step = '>DoorbellPress' then 'Alexa.DoorbellEventSource'
            when step in ('>Response', '>ResponseLater') and model in ('scene', 'alarm', 'camera') then namespace
            else 'Alexa'
        end as header_namespace,
        case
            when step = '>directive' then name
            when step in ('>Response', '>ResponseLater') then case model when 'scene' then 'ActivationStarted' when 'alarm' then 'Arm.Response' when 'camera' then 'Response' else 'Response' end
            when step in ('>ErrorLater', '>ThermostatError', '>GrantError') then 'ErrorResponse'
            when step = '>StateLater' then 'StateReport'
            else step[2:]
        end as header_name,
        case
            when step in ('>Discover', '>Discover.Response', '>AcceptGrant', '>AcceptGrant.Response', '>GrantError', '>ChangeReport', '>AddOrUpdateReport', '>DeleteReport', '>DoorbellPress') then null
            when life = 'discovery refused' or n % 40 = 0 then null
            when n % 40 = 1 then 'null'
            else '"' || token('correlation', concat(n, '/', asked)) || '"'
        end as correlation,
        case
            when step = '>directive' then payload
            when step = '>ThermostatError' then '"type":"' || ['THERMOSTAT_IS_OFF', 'UNSUPPORTED_THERMOSTAT_MODE', 'DUAL_SETPOINTS_UNSUPPORTED'][1 + n % 3] || '","message":"made up"'
            when step = '>GrantError' then '"type":"ACCEPT_GRANT_FAILED","message":"made up"'
            when step in ('>ErrorResponse', '>ErrorLater') then '"type":"' || [
                'ENDPOINT_UNREACHABLE', 'ALREADY_IN_OPERATION', 'BRIDGE_UNREACHABLE', 'ENDPOINT_BUSY', 'ENDPOINT_LOW_POWER', 'EXPIRED_AUTHORIZATION_CREDENTIAL', 'FIRMWARE_OUT_OF_DATE',
                'HARDWARE_MALFUNCTION', 'INSUFFICIENT_PERMISSIONS', 'INTERNAL_ERROR', 'INVALID_AUTHORIZATION_CREDENTIAL', 'INVALID_DIRECTIVE', 'INVALID_VALUE', 'NO_SUCH_ENDPOINT',
                'NOT_SUPPORTED_IN_CURRENT_MODE', 'RATE_LIMIT_EXCEEDED', 'TEMPERATURE_VALUE_OUT_OF_RANGE', 'VALUE_OUT_OF_RANGE'
            ][1 + n % 18] || '","message":"made up"'
            when step = '>DeferredResponse' then '"estimatedDeferralInSeconds":20'
            when step = '>Discover' then '"scope":{"type":"BearerToken","token":"removed"}'
            when step in ('>Discover.Response', '>AddOrUpdateReport', '>DeleteReport') then '"endpoints":[{"endpointId":"' || endpoint_id || '"}]'
            when step = '>AcceptGrant' then '"grant":{"type":"OAuth2.AuthorizationCode","code":"removed"}'
            when step = '>ChangeReport' then concat(
                '"change":{"cause":{"type":"', ['VOICE_INTERACTION', 'PHYSICAL_INTERACTION', 'APP_INTERACTION', 'RULE_TRIGGER', 'PERIODIC_POLL'][1 + n % 5], '"},"properties":[', states[1], ']}'
            )
            else ''
        end as payload_fields,
    from directed
    left join states using (n, j)
),

texted as (
    select *, concat(
        '{"', if(is_in, 'directive', 'event'), '":{"header":{', concat_ws(
            ',',
            '"namespace":"' || header_namespace || '","name":"' || header_name || '"',
            '"correlationToken":' || correlation,
            if(step = '>directive', '"instance":"' || instance || '"', null),
            '"payloadVersion":"3","messageId":"' || uuid_of(token('message', concat(n, '/', j))) || '"'
        ), '}', if(header_namespace in ('Alexa.Discovery', 'Alexa.Authorization'), '', ',"endpoint":{"scope":{"type":"BearerToken","token":"removed"},"endpointId":"' || endpoint_id || '"}'),
        ',"payload":{', payload_fields, '}}',
        coalesce(',"context":{"properties":[' || array_to_string(if(step = '>ChangeReport', states[2:], states), ',') || ']}', ''), '}'
    ) as message
    from named
    where not (step = '>ChangeReport' and states is null)
)

select
    received,
    unnest(arrivals(received, stir(bits, j))) as arrived,
    concat(
        '{"at":"', iso(received), '","direction":"', if(is_in, 'in', if(is_async, 'out_async', 'out_sync')), '","invocation_id":"',
        uuid_of(token('invocation', concat(n, '/', asked, if(is_async or received > moment, concat('/', j), '')))), '","skill_id":"', skill_id, '","stage":"', if(is_development, 'development', 'live'),
        -- Messages name neither a user nor a locale; what the owner knows of them depends on how it keeps accounts.
        '","locale":', if(person % 10 < 3, 'null', '"' || locale || '"'), ',"user_ref":', if(person % 12 = 0, 'null', '"account-' || person || '"'), ',"message":', message, '}'
    ) as line,
    step,
from (
    -- A few are sent again, and answered once.
    select *, unnest(if(is_in and draw(stir(bits, j), 31, 250) = 0, [moment, moment + interval 1 second], [moment])) as received from texted
);

select arrived, line from recorded_messages
union all
select arrived, json_merge_patch(line, patch)::varchar
from (from recorded_messages where step = '>directive' order by all limit 1), (values
    ('{"at":null}'), ('{"at":"9999-12-31T23:59:59.999Z"}'), ('{"at":"soon"}'), ('{"message":null}'), ('{"direction":"sideways"}'), ('{"direction":null}'), ('{"message":"{}"}'), ('{"message":[]}'), ('{"skill_id":null}'),
    ('{"locale":"all"}'), ('{"message":{"directive":null,"header":{"namespace":"Alexa.Media.Search","name":"GetPlayableContent"}}}')
) as v (patch)
where not clean();
