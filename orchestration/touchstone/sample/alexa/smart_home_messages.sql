-- Needs: alexa/_shared.sql.
-- Messages of a smart home skill in both directions, as its owner logs them.
create table messages as
with reported as (
    select
        *,
        case
            when kind = 'directive' or how = 'thermostat' then namespace
            when kind similar to '(Discover|AddOrUpdate|Delete).*' then 'Alexa.Discovery'
            when kind like 'AcceptGrant%' or how = 'grant' then 'Alexa.Authorization'
            when kind = 'DoorbellPress' then 'Alexa.DoorbellEventSource'
            when kind = 'Response' and directive in ('Activate', 'Arm') then namespace
            else 'Alexa'
        end as header_namespace,
        case
            when kind = 'directive' then directive
            when kind = 'Response' and directive = 'Activate' then 'ActivationStarted'
            when kind = 'Response' and directive = 'Arm' then 'Arm.Response'
            else kind
        end as header_name,
        '{"namespace":"' || namespace || '","name":"' || property || '",'
            || if(instance is null, '', '"instance":"' || instance || '",') || '"value":'
            -- A device's state lasts some hours, whatever was last reported of it.
            || pick(seeded('state', concat(person, property, epoch(moment)::bigint // 20000)), 3, options)
            || ',"timeOfSample":"' || iso(moment) || '"}' as state,
    from directed
)

select
    kind,
    unnest(arrivals(received, stir(bits, j))) as arrived,
    concat(
        '{"at":"', iso(received), '","direction":"',
        if(is_in, 'in', if(is_async, 'out_async', 'out_sync')), '","invocation_id":"', uuid_of(token(
            'invocation', concat(n, '/', asked, if(is_async or received > moment, concat('/', j), ''))
        )), '","skill_id":"', skill_id, '","stage":"', stage,
        -- Messages name neither; what the owner knows depends on how it keeps accounts.
        '","locale":', if(person % 10 < 3, 'null', '"' || locale || '"'),
        ',"user_ref":', if(person % 12 = 0, 'null', '"account-' || person || '"'),
        ',"message":{"', if(is_in, 'directive', 'event'), '":{"header":{', concat_ws(
            ',',
            '"namespace":"' || header_namespace || '","name":"' || header_name || '"',
            if(n % 40 = 0 or regexp_matches(header_namespace, 'Discovery|Auth|Bell') or kind = 'ChangeReport',
                null, '"correlationToken":"' || token('correlation', concat(n, '/', asked)) || '"'),
            '"messageId":"' || uuid_of(token('message', concat(n, '/', j))) || '"'
        ), '},"endpoint":{"endpointId":"account-', person, '-', namespace, '"},"payload":{', case
            when kind = 'ErrorResponse' then '"type":"' || case how
                when 'thermostat' then 'THERMOSTAT_IS_OFF'
                when 'grant' then 'ACCEPT_GRANT_FAILED'
                else pick(bits, 13, [
                    'ENDPOINT_UNREACHABLE', 'BRIDGE_UNREACHABLE', 'ENDPOINT_BUSY', 'INTERNAL_ERROR',
                    'INVALID_VALUE', 'NO_SUCH_ENDPOINT', 'VALUE_OUT_OF_RANGE', 'INVALID_DIRECTIVE'
                ])
            end || '"'
            when kind = 'ChangeReport' then concat(
                '"change":{"cause":{"type":"', pick(bits, 11, [
                    'VOICE_INTERACTION', 'PHYSICAL_INTERACTION', 'APP_INTERACTION', 'RULE_TRIGGER'
                ]), '"},"properties":[', state, ']}'
            )
        end, '}}', if(
            kind in ('Response', 'StateReport', 'ChangeReport'),
            concat(',"context":{"properties":[', if(kind = 'ChangeReport', null, state), ']}'), ''
        ), '}}'
    ) as line,
from (
    -- A few are sent again, and answered once.
    select *, unnest(if(
        is_in and draw(stir(bits, j), 31, 250) = 0, [moment, moment + interval 1 second], [moment]
    )) as received
    from reported
)
where kind <> 'ChangeReport' or state is not null;

create table odd_messages as
from odd('messages', '%"direction":"in"%', list_concat(odd_times('at'), [
    '{"message":null}', '{"direction":"sideways"}', '{"direction":null}', '{"message":"{}"}',
    '{"message":[]}', '{"skill_id":null}', '{"locale":"all"}',
    '{"message":{"directive":null,"header":{"namespace":"Alexa.Media.Search","name":"GetPlayableContent"}}}'
]));

select arrived, line from messages
union all
from odd_messages;
