-- Calls of custom skills, as their owner's endpoint logs them.
create macro clock(n, moment) as case n % 50 when 7 then strftime(moment - interval 7 hours, '%Y-%m-%dT%H:%M:%S.%g-07:00') when 11 then strftime(moment, '%Y-%m-%dT%H:%M:%S.%g417+00:00') else iso(moment) end;
create table recorded as
select
    received_at,
    unnest(arrivals(received_at, of_request)) as arrived,
    concat(
        '{"received_at":"', clock(n, received_at), '","responded_at":', coalesce('"' || clock(n, if(takes < 0, null, received_at + to_milliseconds(takes))) || '"', 'null'),
        ',"outcome":"', outcome, '","stage":"', if(is_development, 'development', 'live'), '","is_test":', is_test, ',"request":{', concat_ws(
            ',',
            '"version":"1.0"',
            -- Of 2016: no context and no locale; the user in the context alone; the time as a number.
            if(is_of_session, concat(
                '"session":{"new":', is_new, ',"sessionId":"', session_id, '","application":{"applicationId":"', skill_id, '"},"attributes":{}',
                if(shape in (1, 2, 3), '', ',"user":{"userId":"' || user_id || '"' || if(n % 5 = 0, ',"accessToken":"removed"', '') || '}'), '}'
            ), null),
            if(shape in (4, 5, 6, 7) and is_of_session, null, concat(
                '"context":{"AudioPlayer":{"playerActivity":"IDLE"},"System":{"application":{"applicationId":"', skill_id, '"},"user":{"userId":"', user_id,
                '"},"device":{"deviceId":"amzn1.ask.device.', printf('%08X', person), '","supportedInterfaces":{"AudioPlayer":{}}},"apiEndpoint":"https://api.amazonalexa.com","apiAccessToken":"removed"}}'
            )),
            '"request":{' || concat_ws(
                ',',
                '"type":"' || type || '","requestId":"' || request_id || '"',
                '"timestamp":' || if(shape in (8, 9), epoch_ms(moment)::varchar, '"' || iso_seconds(moment) || '"'),
                if(shape in (4, 5, 6, 7), null, '"locale":"' || locale || '"'),
                fields
            ) || '}'
        ), '},"response":', coalesce(replace(answer, 'PRODUCT', product), 'null'), '}'
    ) as line,
from requested;

create table odd_records as
with one as (select arrived, line from recorded where line like '%"LaunchRequest"%' order by arrived, line limit 1)

select arrived, json_merge_patch(line, patch)::varchar as line
from one, (values
    ('{"received_at":null}'), ('{"received_at":"9999-12-31T23:59:59.999Z"}'), ('{"received_at":"soon"}'), ('{"received_at":""}'), ('{"request":{"request":{"requestId":null}}}'),
    ('{"request":{"request":{"type":"Telepathy.Request"}}}'), ('{"request":{"request":{"type":""}}}'), ('{"request":{"request":{"type":"AlexaSkillEvent.SkillEnabled"}}}'), ('{"request":{"request":{"type":null}}}'), ('{"request":"{}"}'), ('{"request":[]}'), ('{"outcome":"maybe"}'),
    ('{"responded_at":"2020-01-01T00:00:00Z"}'), ('{"request":{"request":{"locale":"all"}}}'), ('{"response":{"response":null}}')
) as v (patch);

select arrived, line from recorded
union all
select arrived, line from odd_records where not clean();
